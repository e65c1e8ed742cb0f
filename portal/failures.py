"""What goes wrong, said in the caller's own dialect: pages get a page, each API family its own shape. Never a bare 500."""

import logging
from collections.abc import Callable

import sqlalchemy as sa
from flask import Flask, Response, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import BadHost, HTTPException, InternalServerError

from portal.db import Unavailable
from portal.errors import Refusal

log = logging.getLogger(__name__)

#: A family's renderer: (http status, refusal name) → response.
Renderer = Callable[[int, str], Response]

_families: list[tuple[Callable[[str], bool], Renderer]] = []

#: The refusal that stands for an HTTP failure in a family's dialect.
_NAMES = {
    400: "input_invalid",
    401: "session_required",
    403: "illegal_request",
    404: "not_found",
    405: "illegal_request",
    408: "unavailable",
    413: "input_invalid",
    415: "illegal_request",
    429: "too_many_requests",
    503: "unavailable",
}


def speaks(belongs: Callable[[str], bool], render: Renderer) -> None:
    """A family says how it renders failures under the paths that belong to it; the latest one that matches wins."""
    _families.insert(0, (belongs, render))


def register(app: Flask) -> None:
    """Installs the error handlers."""
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(CSRFError, _csrf)
    for kind in AWAY:
        app.register_error_handler(kind, _unavailable)
    app.register_error_handler(Exception, _unexpected)


def _answer(status: int, name: str, reason: str = "") -> ResponseReturnValue:
    for belongs, render in _families:
        if belongs(request.path):
            return render(status, name)
    if _speaks_json():
        return {"error": name}, status
    if isinstance(request.routing_exception, BadHost):
        # Without a host that is one, no page can name where its parts are.
        return Response("Bad request", status, mimetype="text/plain")
    return render_template("errors/page.html", code=status, reason=reason), status


def _speaks_json() -> bool:
    """Whether the caller is a program: a lever of the sandbox, or one that prefers JSON."""
    if request.blueprint == "levers" or request.is_json:
        return True
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def _refused(refusal: Refusal) -> ResponseReturnValue:
    """A refusal no route took up: on a page, as much as says why."""
    status = {
        "not_found": 404,
        "forbidden": 403,
        "session_required": 401,
        "too_many_requests": 429,
        "unavailable": 503,
    }.get(refusal.name, 400)
    wait = refusal.facts.get("retry_after_seconds")
    answer = make_response(_said(refusal, status, wait))
    if wait is not None:
        answer.headers["Retry-After"] = str(wait)
    return answer


def _said(refusal: Refusal, status: int, wait: int | None) -> ResponseReturnValue:
    for belongs, render in _families:
        if belongs(request.path):
            return render(status, refusal.name)
    if _speaks_json():
        return {"error": refusal.name, "message": refusal.message, "field": refusal.field}, status
    message = gettext(refusal.message)
    return render_template("errors/page.html", code=status, message=message, retry_seconds=wait), status


def _http(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400 or error.response is not None:
        return error
    answer = _answer(status, _NAMES.get(status, "unavailable"))
    return answer


def _csrf(error: CSRFError) -> ResponseReturnValue:
    return _answer(403, "illegal_request", "expired")


def _unavailable(error: Exception) -> ResponseReturnValue:
    return _answer(*away(error))


def _unexpected(error: Exception) -> ResponseReturnValue:
    return _answer(*unexpected(request.path))


#: What a database raises that is away.
AWAY = (Unavailable, sa.exc.TimeoutError, sa.exc.OperationalError, sa.exc.InterfaceError)


def away(error: Exception) -> tuple[int, str]:
    """Writes down that the database was away; the status and refusal that stand for it."""
    log.error("database unavailable", extra={"reason": type(error).__name__})
    return 503, "unavailable"


def unexpected(path: str) -> tuple[int, str]:
    """Writes down the exception under way; the status and refusal that stand for it."""
    log.exception("unexpected failure", extra={"path": path})
    return InternalServerError.code, "unavailable"
