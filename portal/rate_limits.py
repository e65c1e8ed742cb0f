"""How often callers may come: per second for the families, per address at the doors (brokerage contract, rate_limits).

The counters live in the configured store (Redis in production), so that all processes count together. When the store is
away, whatever signs in or changes anything is refused (503), and reading goes on. Counters bound to a person, a code or a
target are not here: they live in the database and always hold.
"""

import hashlib
import logging
import time
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, request
from flask_limiter import Limiter
from limits import RateLimitItem, parse_many
from werkzeug.exceptions import ServiceUnavailable

from portal.errors import Refusal
from portal.http import SESSION_COOKIE, client_address

log = logging.getLogger(__name__)

QUERY, EVERYTHING, ORDERS, FROM_ADDRESS = "15/second", "30/second", "75/second", "300/second"
#: Changes made through pages, per person or address.
PAGE_CHANGES = "10/second"

#: Operations that the contract counts as orders.
ORDER_OPERATIONS = frozenset({"otc_quote", "otc_accept"})

#: Doors: endpoint → what it is counted as; every door of one kind shares one count per address.
DOORS = {
    **dict.fromkeys(
        ("login", "log_in", "login_post", "second_step", "second_post", "check_2fa", "passkey_finish"), "sign-in"
    ),
    **dict.fromkeys(("register", "sign_up"), "sign-up"),
    **dict.fromkeys(("captcha_image", "captcha", "captcha_sound", "signup"), "captcha"),
    **dict.fromkeys(
        (
            "verify_registration",
            "forget_password",
            "verify_code",
            "forgot_set",
            "reset_password",
            "register_verify_phone",
            "register_verify_email",
        ),
        "code",
    ),
    **dict.fromkeys(("verify_again", "forgot_password", "register_phone", "register_set_email"), "code-send"),
}
DOOR_LIMITS = {
    "sign-in": "30/minute; 300/hour",
    "sign-up": "20/hour",
    "captcha": "60/minute",
    "code": "30/minute",
    "code-send": "30/hour",
}
_FAMILIES = {"brokerage", "bitgin", "voucher"}
_PAGES = {"web", "merchant", "partner", "staff"}
#: After a failure the store is left alone for so long, so that a dead one does not slow every request down.
_REST_SECONDS = 2.0


@dataclass
class _Store:
    limiter: Limiter
    away_until: float = 0.0


def register(app: Flask) -> None:
    """Counts every request before it is served; does nothing where limits are switched off (sandbox only)."""
    settings = app.extensions["portal"].settings
    if not settings.rate_limits:
        return
    options: dict[str, str | int] = {}
    if "redis" in settings.rate_limit_storage:
        options = {"socket_connect_timeout": 1, "socket_timeout": 1}
    limiter = Limiter(
        client_address, storage_uri=settings.rate_limit_storage, storage_options=options, strategy="fixed-window"
    )
    limiter.init_app(app)
    app.extensions["portal_rate_limits"] = _Store(limiter)
    app.before_request(enforce)


def enforce() -> None:
    """Counts this request. Raises Refusal `too_many_requests`, or 503 for a change while the store is away."""
    if request.endpoint is None or request.method == "OPTIONS":
        return
    blueprint, name = request.blueprint, request.endpoint.rpartition(".")[2]
    kind = DOORS.get(name) if blueprint in _FAMILIES | _PAGES else None
    changes = request.method not in ("GET", "HEAD")
    if kind is not None and (changes or kind == "captcha"):
        _count(DOOR_LIMITS[kind], f"door:{kind}", client_address(), must=True)
    if blueprint in _FAMILIES:
        who = caller()
        for limits, scope, counted in _of_call(name, client_address(), who):
            _count(limits, scope, counted, must=changes)
    elif blueprint in _PAGES and changes:
        _count(PAGE_CHANGES, "pages", caller(), must=True)


def caller() -> str:
    """Who is counted: whoever carries a session or key of plausible form, else the network address."""
    token = request.headers.get("token") or request.headers.get("btse-api") or request.headers.get("Authorization")
    token = token or request.cookies.get(SESSION_COOKIE)
    if not token or len(token) < 20:
        return client_address()
    return hashlib.sha256(token.encode()).hexdigest()[:24]


def _of_call(operation: str, address: str, who: str) -> list[tuple[str, str, str]]:
    """What a call of a family counts for: limits, what is counted, and whose."""
    from_address = (FROM_ADDRESS, "address", address)
    if operation in ORDER_OPERATIONS:
        return [from_address, (ORDERS, f"order:{operation}", who)]
    return [from_address, (QUERY, f"call:{operation}", who), (EVERYTHING, "calls", who)]


def admits(app: Flask, operation: str, environ: dict[str, Any], *, changes: bool = False) -> bool:
    """Counts a call of a family's operation before the application is woken; False when a limit is reached.

    The same counts as `enforce`, for answers that are given without it. While the store is away, what `changes` anything
    is left to the application, which refuses it.
    """
    store: _Store | None = app.extensions.get("portal_rate_limits")
    if store is None:
        return True
    if time.monotonic() < store.away_until:
        return not changes
    address = environ.get("REMOTE_ADDR") or "-"
    token = environ.get("HTTP_TOKEN") or environ.get("HTTP_BTSE_API") or environ.get("HTTP_AUTHORIZATION") or ""
    # A cookie may carry the token as well: such a caller is left to the application, which reads cookies.
    if "HTTP_COOKIE" in environ and not token:
        return False
    who = address if len(token) < 20 else hashlib.sha256(token.encode()).hexdigest()[:24]
    counts = _of_call(operation, address, who)
    strategy = store.limiter.limiter
    try:
        if not all(strategy.test(item, scope, name) for limits, scope, name in counts for item in _parsed(limits)):
            return False
        return all(strategy.hit(item, scope, name) for limits, scope, name in counts for item in _parsed(limits))
    except Exception:  # a store that is away is the application's to notice
        return False


def _count(limits: str, scope: str, who: str, *, must: bool) -> None:
    store: _Store = current_app.extensions["portal_rate_limits"]
    if time.monotonic() < store.away_until:
        return _without(must)
    for item in _parsed(limits):
        try:
            allowed = store.limiter.limiter.hit(item, scope, who)
        except Exception as error:  # whatever the store's driver raises when it is away
            log.error("store of limits away", extra={"reason": type(error).__name__})
            store.away_until = time.monotonic() + _REST_SECONDS
            return _without(must)
        if not allowed:
            reset = store.limiter.limiter.get_window_stats(item, scope, who).reset_time
            raise Refusal("too_many_requests", retry_after_seconds=max(1, round(reset - time.time())))
    return None


def _without(must: bool) -> None:
    if must:
        raise ServiceUnavailable("the store of limits is away")


_remembered: dict[str, list[RateLimitItem]] = {}


def _parsed(limits: str) -> list[RateLimitItem]:
    if limits not in _remembered:
        _remembered[limits] = parse_many(limits)
    return _remembered[limits]
