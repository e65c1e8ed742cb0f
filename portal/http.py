"""What pages and API families share of a request: the running portal, where the caller stands, where to go next."""

from urllib.parse import urlsplit

from flask import current_app, request

from portal.bootstrap import Portal


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
    return origin is None or urlsplit(origin).netloc == request.host
