"""Who may see a customer's page: signed in, and for risky acts recently re-authenticated."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec
from urllib.parse import quote

from flask import current_app, g, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from portal.http import SESSION_COOKIE, portal
from portal.services import devices, sessions
from portal.services.sessions import SignedIn

P = ParamSpec("P")


def signed_in() -> SignedIn | None:
    """The customer of this request's cookie with a full session, looked up once per request."""
    found = _session_row()
    return found if found is not None and found.scope == sessions.FULL else None


def half_signed_in() -> SignedIn | None:
    """The customer who gave a password but not yet the second factor."""
    found = _session_row()
    return found if found is not None and found.scope == sessions.SECOND_FACTOR else None


def _session_row() -> SignedIn | None:
    if "session_row" not in g:
        g.session_row = sessions.resolve(portal().db, request.cookies.get(SESSION_COOKIE))
    row: SignedIn | None = g.session_row
    return row


def customer_id() -> int:
    """The signed-in customer's number; only inside a `login_required` view."""
    found = signed_in()
    assert found is not None
    return found.customer_id


def login_required(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Sends anyone without a full session to the sign-in page and back afterwards."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if signed_in() is None:
            return to_login()
        return view(*args, **kwargs)

    return guarded


def recent_required(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """For risky acts: signed in, and proved within the last ten minutes; else asks to confirm and comes back."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        found = signed_in()
        if found is None:
            return to_login()
        if not portal().db.read(devices.is_recent, found.reauthenticated_at):
            return to_confirm()
        return view(*args, **kwargs)

    return guarded


def to_confirm() -> Response:
    """A redirect to the page that asks again who one is, and back to the page one came from."""
    here = request.full_path.rstrip("?") if request.method == "GET" else request.form.get("back", "/security")
    target = f"/security/confirm?next={quote(here)}"
    if request.headers.get("HX-Request"):
        answer = current_app.make_response(("", 204))
        answer.headers["HX-Redirect"] = target
        return answer
    return redirect(target, 303)


def to_login() -> Response:
    """A redirect to the sign-in page that returns here (relative paths only)."""
    here = request.full_path.rstrip("?") if request.method == "GET" else "/"
    target = f"/login?next={quote(here)}"
    if request.headers.get("HX-Request"):
        answer = current_app.make_response(("", 204))
        answer.headers["HX-Redirect"] = target
        return answer
    return redirect(target, 303)
