"""The voucher family as its OpenAPI document introduces it."""

from typing import Any

from portal.api import openapi
from portal.api.openapi import Dialect, Problem, Schema
from portal.api.voucher import merchant_family
from portal.api.voucher.errors import COMMON, MESSAGES, STATUS, message_of
from portal.api.voucher.family import BASE, family

INTRO = (
    "Customers' apps and stores: vouchers, checkout, withdrawals, redemptions, cards; tills under /merchant.",
    'Answers are {"data": …}, {"success": true} or a page with links and meta (15 rows, ?page=n, no total); errors are '
    '{"error": {message, code, type}}. Times are UTC with microseconds.',
    "Sign in with POST /login and send the token as Authorization: Bearer <token>. Money moves in two calls: the first asks, "
    "the second proves with the code that was sent.",
    "Decimal texts carry their documented number of places: 10 for vouchers, 4 for fees and unit prices, none for TWD.",
)


def _security(auth: str) -> list[dict[str, list[str]]]:
    return [] if auth == "none" else [{"bearer": []}]


def _success(schema: Schema, example: Any) -> tuple[Schema, Any]:
    if isinstance(example, dict) and ("success" in example or "data" in example):
        return schema, example
    if example is None:
        return {"type": "object"}, {"success": True}
    return {"type": "object", "properties": {"data": schema}, "required": ["data"]}, {"data": example}


def _problem(name: str) -> Problem:
    code = name if name in MESSAGES else COMMON.get(name, "illegal_request")
    return Problem(STATUS.get(code, 400), code, message_of(code))


def _said(problem: Problem) -> Any:
    return {"error": {"message": problem.text, "code": problem.code, "type": "invalid_request_error"}}


FAILURE: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "code", "type"],
            "properties": {
                "message": {"type": "string"},
                "code": {"type": "string"},
                "type": {"const": "invalid_request_error"},
            },
        }
    },
}


openapi.publish(
    Dialect(
        title="Voucher API",
        intro=INTRO,
        base=BASE,
        schemes={"bearer": {"type": "http", "scheme": "bearer"}},
        security=_security,
        success=_success,
        problem=_problem,
        failure=FAILURE,
        say_problem=_said,
    ),
    family,
    merchant_family.family,
)
