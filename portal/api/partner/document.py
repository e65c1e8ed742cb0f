"""The partner family as its OpenAPI document introduces it."""

from typing import Any

from portal.api import openapi
from portal.api.openapi import Dialect, Problem, Schema
from portal.api.partner.errors import code_of, message_of
from portal.api.partner.family import BASE, family

INTRO = (
    "Institutions that issue debit cards to their own customers: identity check, cards, loads, bank data.",
    "Every answer is {code, msg, result} with HTTP 200; code 0 is success, lists are {total, records}. Amounts are texts; "
    "times are UNIX milliseconds, but former_time and latter_time are seconds.",
    "Every call is signed: Authorization: Noumena:<ApiKey>:<timestamp ms>:<signature>, and Access-Passphrase where the key "
    "has one. The signature is base64 of HMAC-SHA256(secret, timestamp + METHOD + ApiKey + request URI + body), the body as "
    "its keys in ASCII order, key=value joined by &; the query percent-decoded; nothing between the parts.",
    "A signature serves once and for five minutes. A repeated cust_tx_id gets the same answer, or 111001 if anything differs.",
)


def _security(auth: str) -> list[dict[str, list[str]]]:
    return [{"signature": []}, {"signature": [], "passphrase": []}]


def _success(schema: Schema, example: Any) -> tuple[Schema, Any]:
    envelope = {
        "type": "object",
        "required": ["code", "msg", "result"],
        "properties": {"code": {"const": 0}, "msg": {"const": "SUCCESS"}, "result": schema},
    }
    return envelope, {"code": 0, "msg": "SUCCESS", "result": example}


def _problem(name: str) -> Problem:
    code = int(name) if name.isdigit() else code_of(name)
    return Problem(200, str(code), message_of(code))


def _said(problem: Problem) -> Any:
    return {"code": int(problem.code), "msg": problem.text, "result": None}


FAILURE: Schema = {
    "type": "object",
    "required": ["code", "msg", "result"],
    "properties": {"code": {"type": "integer"}, "msg": {"type": "string"}, "result": {"type": "null"}},
}


openapi.publish(
    Dialect(
        title="Partner API",
        intro=INTRO,
        base=BASE,
        schemes={
            "signature": {"type": "apiKey", "in": "header", "name": "Authorization"},
            "passphrase": {"type": "apiKey", "in": "header", "name": "Access-Passphrase"},
        },
        security=_security,
        success=_success,
        problem=_problem,
        failure=FAILURE,
        say_problem=_said,
    ),
    family,
)
