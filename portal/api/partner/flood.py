"""How many calls a key may make: counted in the shared store of limits, so that all processes count together."""

from flask import current_app
from limits import RateLimitItemPerSecond
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from portal.errors import Refusal
from portal.http import portal
from portal.services import parameters

parameters.declare("partner_calls", {"per_second": 50})


def check(api_key: str, per_second: int) -> None:
    """Counts a call. Raises Refusal `too_many_requests`, or `unavailable` when the store of limits is away: fail closed."""
    if not portal().settings.rate_limits:
        return
    try:
        allowed = _limiter().hit(RateLimitItemPerSecond(per_second), "partner", api_key)
    except Exception as error:
        raise Refusal("unavailable") from error
    if not allowed:
        raise Refusal("too_many_requests", retry_after_seconds=1)


def _limiter() -> FixedWindowRateLimiter:
    found: FixedWindowRateLimiter | None = current_app.extensions.get("partner_flood")
    if found is None:
        found = FixedWindowRateLimiter(storage_from_string(portal().settings.rate_limit_storage))
        current_app.extensions["partner_flood"] = found
    return found
