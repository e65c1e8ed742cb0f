"""How many calls a key may make: counted in the shared store of limits, so that all processes count together."""

import threading

from limits import RateLimitItemPerSecond
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from portal.bootstrap import Portal
from portal.errors import Refusal
from portal.services.partner_keys import Credential

_making = threading.Lock()


def check(found: Portal, credential: Credential) -> None:
    """Counts a call. Raises Refusal `too_many_requests`, or `unavailable` when the store of limits is away: fail closed."""
    if not found.settings.rate_limits:
        return
    try:
        limit = RateLimitItemPerSecond(credential.calls_per_second)
        allowed = _limiter(found).hit(limit, "partner", credential.api_key)
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
