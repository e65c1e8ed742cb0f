"""The brokerage family as its OpenAPI document introduces it."""

from typing import Any

from portal.api import openapi
from portal.api.brokerage.errors import ERRORS, STATUS
from portal.api.brokerage.family import family
from portal.api.openapi import Dialect, Problem, Schema

_MOMENT = 1624415325469

INTRO = (
    "Customers' apps: signing up and in, identity check, quotes, wallet, transfers. Every path is served under /v1 and "
    "under the alias /bitgin/v1.",
    "Every answer is {code, msg, time, data, success}; code 1 is success, success is true exactly then. Amounts are JSON "
    "numbers written exactly; read them as decimals. Times are UNIX milliseconds.",
    "Sign in with POST /login; the token comes as cookie and as header `token` and goes back as either, the header first. "
    "A customer with a second factor first gets a token that is good for POST /user/check/2FA only. Passwords travel as the "
    "SHA-256 of what was typed, 64 hexadecimal characters.",
    "Programs sign with an API key instead: `btse-api`, `btse-nonce` (UNIX ms) and `btse-sign`, the lower-case hex of "
    "HMAC-SHA384(secret, path + nonce + body).",
    "Limits: 15 queries per second and call, 30 per second and caller, 75 orders per second; above that HTTP 429 with "
    "Retry-After.",
)


def _security(auth: str) -> list[dict[str, list[str]]]:
    if auth in ("none", "optional"):
        return [{}, {"token": []}] if auth == "optional" else []
    ways: list[dict[str, list[str]]] = [{"token": []}, {"cookie": []}]
    return [*ways, {"key": [], "nonce": [], "signature": []}] if auth == "session" else ways


def _success(schema: Schema, example: Any) -> tuple[Schema, Any]:
    envelope = {
        "type": "object",
        "required": ["code", "msg", "time", "data", "success"],
        "properties": {
            "code": {"const": 1},
            "msg": {"type": ["string", "null"]},
            "time": {"type": "integer"},
            "data": schema,
            "success": {"const": True},
        },
    }
    return envelope, {"code": 1, "msg": "Success", "time": _MOMENT, "data": example, "success": True}


def _problem(name: str) -> Problem:
    code, text = ERRORS[name]
    return Problem(STATUS.get(name, 400), str(code), text or "")


def _said(problem: Problem) -> Any:
    return {"code": int(problem.code), "msg": problem.text, "time": _MOMENT, "data": None, "success": False}


FAILURE: Schema = {
    "type": "object",
    "required": ["code", "msg", "time", "data", "success"],
    "properties": {
        "code": {"type": "integer"},
        "msg": {"type": ["string", "null"]},
        "time": {"type": "integer"},
        "data": {},
        "success": {"const": False},
    },
}


openapi.publish(
    Dialect(
        title="Brokerage API",
        intro=INTRO,
        base="/v1",
        schemes={
            "token": {"type": "apiKey", "in": "header", "name": "token"},
            "cookie": {"type": "apiKey", "in": "cookie", "name": "token"},
            "key": {"type": "apiKey", "in": "header", "name": "btse-api"},
            "nonce": {"type": "apiKey", "in": "header", "name": "btse-nonce"},
            "signature": {"type": "apiKey", "in": "header", "name": "btse-sign"},
        },
        security=_security,
        success=_success,
        problem=_problem,
        failure=FAILURE,
        say_problem=_said,
    ),
    family,
)
