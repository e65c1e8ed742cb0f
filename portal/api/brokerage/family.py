"""The brokerage dialect: envelope, authentication by session token, error codes."""

from typing import Any

from flask import Blueprint, Response, request

from portal.api.brokerage import keys
from portal.api.brokerage.errors import ERRORS, STATUS
from portal.api.family import Family
from portal.api.rendering import dumps
from portal.errors import Refusal
from portal.http import portal, same_origin
from portal.services import sessions
from portal.services.sessions import SignedIn

blueprint = Blueprint("brokerage", __name__)


def envelope(code: int, msg: str | None, data: Any, *, http_status: int = 200) -> Response:
    """`{code, msg, time, data, success}`; `success` is true exactly when code is 1 (reading B2)."""
    return Response(_content(code, msg, data), http_status, mimetype="application/json")


def _content(code: int, msg: str | None, data: Any) -> bytes:
    return dumps({"code": code, "msg": msg, "time": portal().clock.now_ms(), "data": data, "success": code == 1})


def compose(data: Any) -> bytes:
    """The text of the success answer."""
    return _content(1, "Success", data)


def say(data: Any) -> Response:
    """The success answer."""
    return Response(compose(data), mimetype="application/json")


def refuse(refusal: Refusal) -> Response:
    """The error answer: HTTP 401 with 10002, 400 with the rest (reading B3), and the statuses STATUS lists."""
    code, msg = ERRORS[refusal.name]
    if code == -2 and refusal.field and refusal.name.startswith(("input_", "amount_")):
        msg = f"[{'empty' if refusal.name == 'input_missing' else 'invalid'} {refusal.field}]"
    response = envelope(code, msg, refusal.facts.get("data"), http_status=STATUS.get(refusal.name, 400))
    if "retry_after_seconds" in refusal.facts:
        response.headers["Retry-After"] = str(refusal.facts["retry_after_seconds"])
    return response


def failure(status: int, name: str) -> Response:
    """What went wrong outside a route's own refusals: unknown path, wrong method, too large, too often, database away."""
    code, msg = ERRORS[name]
    return envelope(code, msg, None, http_status=status)


def belongs(path: str) -> bool:
    """Whether a path is this family's."""
    return path.startswith(("/v1/", "/bitgin/v1/")) or path in ("/v1", "/bitgin/v1")


def token_of_request() -> tuple[str | None, bool]:
    """The token the request carries and whether it came as a cookie; the header wins (reading B5)."""
    header = request.headers.get("token")
    if header is not None:
        return header, False
    return request.cookies.get("token"), True


def authenticate(auth: str) -> SignedIn | None:
    """Finds the caller. `session` and `second_factor` routes raise Refusal `session_required` without a fitting session.

    `optional` routes take whoever is there. A cookie counts for same-origin requests only when the call changes anything.
    A program's signed call stands for its customer on the routes its key is for (keys.py).
    """
    if auth == "none":
        return None
    if auth != "optional" and keys.is_signed():
        return keys.caller(auth)
    token, from_cookie = token_of_request()
    signed_in = sessions.resolve(portal().db, token)
    if auth == "optional":
        return signed_in
    if signed_in is None:
        raise Refusal("session_required")
    if from_cookie and not same_origin():
        raise Refusal("illegal_request")
    wanted = sessions.SECOND_FACTOR if auth == "second_factor" else sessions.FULL
    if signed_in.scope not in (wanted, sessions.FULL):
        raise Refusal("session_required")
    return signed_in


def scope_of(caller: SignedIn | None) -> str:
    """Idempotency keys belong to a customer, or to the address of an anonymous caller."""
    return f"customer:{caller.customer_id}" if caller else f"address:{request.remote_addr}"


family: Family[Any] = Family(
    "brokerage",
    blueprint,
    authenticate=authenticate,
    say=say,
    refuse=refuse,
    scope_of=scope_of,
    compose=compose,
    token_of=lambda environ: environ.get("HTTP_TOKEN"),
    failure=failure,
)
