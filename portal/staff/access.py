"""Who may see a page of the console: signed in with both factors, and with a role that allows it.

A refusal is written down: staff without the permission and customers who try the console's addresses get 403.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec
from urllib.parse import quote

from flask import current_app, g, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from portal.errors import Refusal
from portal.http import client_address, portal, safe_next, user_agent
from portal.services import audit, staff_sessions
from portal.services.staff_sessions import SignedInStaff
from portal.services.staff_sign_in import Visit
from portal.web import access as customers

P = ParamSpec("P")

COOKIE = "staff_token"

#: Pages that are open until somebody has chosen a password of their own.
_FIRST = ("staff.password", "staff.password_change", "staff.logout")


def visit() -> Visit:
    """Where this request comes from."""
    return Visit(client_address(), user_agent())


def signed_in() -> SignedInStaff | None:
    """The member of staff behind this request, with both factors proved."""
    found = _row()
    return found if found is not None and found.scope == staff_sessions.FULL else None


def half_signed_in() -> SignedInStaff | None:
    """The member who gave a password but not yet the second factor."""
    found = _row()
    return found if found is not None and found.scope == staff_sessions.SECOND_FACTOR else None


def _row() -> SignedInStaff | None:
    if "staff_row" not in g:
        g.staff_row = portal().db.read(staff_sessions.resolve, request.cookies.get(COOKIE))
    row: SignedInStaff | None = g.staff_row
    return row


def me() -> SignedInStaff:
    """The member behind this request; only inside a view that `requires` something."""
    found = signed_in()
    assert found is not None
    return found


def actor() -> str:
    """The name under which this request's acts are written down."""
    return me().actor


def requires(*permissions: str) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """Opens a view to staff with one of the permissions; without any named, to all staff.

    Others are refused with 403 and a line in the audit log; whoever is not signed in at all goes to the sign-in page.
    """

    def declare(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            found = signed_in()
            if found is None:
                return _stranger()
            if found.must_change and request.endpoint not in _FIRST:
                return redirect("/staff/password", 303)
            if permissions and not any(found.may(permission) for permission in permissions):
                refused(found.actor, ",".join(permissions))
                raise Refusal("forbidden")
            if portal().db.read(staff_sessions.due_to_touch, found.session_id):
                portal().db.transact(staff_sessions.touch, found.session_id)
            return view(*args, **kwargs)

        # What a test draws its matrix of routes and roles from.
        guarded.__dict__["needs"] = permissions
        return guarded

    return declare


def refused(who: str, why: str) -> None:
    """Writes down that somebody tried what is not theirs to do."""
    portal().db.transact(_write, who, why, f"{request.method} {request.path}"[:200], client_address())


def _write(session: Session, who: str, why: str, subject: str, ip: str) -> None:
    audit.write(session, who, "staff.refused", subject, outcome="refused", details={"needs": why}, ip=ip)


def _stranger() -> ResponseReturnValue:
    customer = customers.signed_in()
    if customer is not None and half_signed_in() is None:
        refused(f"customer:{customer.customer_id}", "staff")
        raise Refusal("forbidden")
    return to_login()


def to_login() -> Response:
    """A redirect to the console's sign-in that returns here (relative paths only)."""
    here = request.full_path.rstrip("?") if request.method == "GET" else "/staff"
    target = f"/staff/login?next={quote(safe_next(here, '/staff'))}"
    if request.headers.get("HX-Request"):
        answer = current_app.make_response(("", 204))
        answer.headers["HX-Redirect"] = target
        return answer
    return redirect(target, 303)
