"""How often callers may come: counted in the shared store of limits, so that all processes count together.

A key has its calls per second. Who is no key's holder is counted by address: what cannot be proven costs look-ups too.
"""

import threading

from limits import RateLimitItem, RateLimitItemPerSecond, parse
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from portal.bootstrap import Portal
from portal.errors import Refusal
from portal.rate_limits import FROM_ADDRESS
from portal.services.partner_keys import Credential

#: Refusals of calls that nobody has proven to be their own.
UNPROVEN = frozenset({"api_key_unknown", "signature_wrong", "signature_unreadable", "passphrase_wrong", "ip_refused"})

_FAILED = parse(FROM_ADDRESS)
_making = threading.Lock()


def check(found: Portal, credential: Credential) -> None:
    """Counts a call of a key. Raises Refusal `too_many_requests`, or `unavailable` when the store is away: fail closed."""
    _count(found, RateLimitItemPerSecond(credential.calls_per_second), credential.api_key, spend=True)


def check_address(found: Portal, address: str) -> None:
    """Whether an address may have one more key looked up. Raises as `check`."""
    _count(found, _FAILED, f"failed {address}", spend=False)


def failed(found: Portal, address: str) -> None:
    """Counts a call that was not proven. Raises as `check`."""
    _count(found, _FAILED, f"failed {address}", spend=True)


def _count(found: Portal, limit: RateLimitItem, who: str, *, spend: bool) -> None:
    if not found.settings.rate_limits:
        return
    try:
        limiter = _limiter(found)
        allowed = limiter.hit(limit, "partner", who) if spend else limiter.test(limit, "partner", who)
    except Exception as error:
        raise Refusal("unavailable") from error
    if not allowed:
        raise Refusal("too_many_requests", retry_after_seconds=1)


def _limiter(found: Portal) -> FixedWindowRateLimiter:
    context = found.db.context
    assert context is not None
    made: FixedWindowRateLimiter | None = context.cache.get("partner_flood")
    if made is None:
        with _making:
            fresh = FixedWindowRateLimiter(storage_from_string(found.settings.rate_limit_storage))
            made = context.cache.setdefault("partner_flood", fresh)
    return made
