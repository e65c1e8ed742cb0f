"""What pages and API families share of a request: the running portal, where the caller stands, where to go next."""

from urllib.parse import urlsplit

from flask import current_app, request
from werkzeug.wrappers import Response

from portal.bootstrap import Portal
from portal.services import devices, sessions
from portal.services.devices import Visit

#: The cookie with a customer's session token, shared by the pages and the brokerage family.
SESSION_COOKIE = "token"
#: A secret of the browser's own, by which a device is known again after signing out.
DEVICE_COOKIE = "device"
_TWO_YEARS_SECONDS = 2 * 365 * 24 * 3600


def portal() -> Portal:
    """The running portal of the current request."""
    found: Portal = current_app.extensions["portal"]
    return found


def client_address() -> str:
    """The caller's network address; a forwarded one counts only behind configured proxies (see create_app)."""
    return request.remote_addr or "-"


def user_agent() -> str:
    """What the caller's browser calls itself, cut to a sane length."""
    return request.headers.get("User-Agent", "")[:300]


def visit(family: str, device_secret: str | None = None) -> Visit:
    """Where this request comes from; a browser is known again by its device cookie, an app by what it calls itself."""
    secret = device_secret or request.cookies.get(DEVICE_COOKIE, "")
    mark = devices.mark_of(secret if len(secret) == 64 else f"agent {user_agent()}")
    return Visit(family, client_address(), user_agent(), mark)


def give_token(response: Response, token: str) -> None:
    """Hands a session's token to the caller: as a cookie that scripts cannot read."""
    life = int(sessions.LIFE.total_seconds())
    secure = not portal().settings.sandbox
    response.set_cookie(SESSION_COOKIE, token, max_age=life, httponly=True, samesite="Lax", secure=secure)


def know_device(response: Response, secret: str) -> None:
    """Gives the browser the secret by which it is known again."""
    secure = not portal().settings.sandbox
    response.set_cookie(DEVICE_COOKIE, secret, max_age=_TWO_YEARS_SECONDS, httponly=True, samesite="Lax", secure=secure)


def take_token(response: Response) -> None:
    """Takes the session's cookie back."""
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="Lax", secure=not portal().settings.sandbox)


def safe_next(target: str | None, default: str = "/") -> str:
    """A path of this portal to go to, or the default for anything that could lead elsewhere."""
    if not target or not target.startswith("/") or target.startswith("//") or "\\" in target:
        return default
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or any(ord(letter) < 32 for letter in target):
        return default
    return target


def same_origin() -> bool:
    """Whether a cookie may speak for this request: fetch metadata and Origin say it is no other site's."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    return origin is None or _is_own(origin)


def from_own_page() -> bool:
    """Whether the request certainly comes from a page of the portal, for a GET that changes something.

    A browser sends such a GET with the cookie from any site that links to it, so silence is no: browsers without fetch
    metadata (old ones, and every one over plain HTTP) must name a page of the portal as Origin or Referer.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    said = request.headers.get("Origin") or request.headers.get("Referer")
    return said is not None and _is_own(said)


def _is_own(address: str) -> bool:
    """A proxy may have changed the Host on the way; then the portal's public address says who we are."""
    try:
        return urlsplit(address).netloc in (request.host, urlsplit(portal().settings.public_url).netloc)
    except ValueError:
        return False
