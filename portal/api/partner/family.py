"""The partner dialect: envelope, signed calls, error codes. HTTP status is always 200. Contract: partner.json."""

import re
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Request, Response, g, request
from pydantic import BaseModel, ConfigDict

from portal.api import parsing
from portal.api.family import Family
from portal.api.partner.authentication import Signed, Wire, log, prove
from portal.api.partner.errors import HTTP_FAILURES, code_of, message_of
from portal.api.rendering import dumps
from portal.errors import Refusal
from portal.http import client_address, portal
from portal.services import partner_signing as signing

BASE = "/api/v1"

#: A call with four pictures of 2 MB in base64; every other call is far smaller.
MAX_PICTURES_BYTES = 12 * 1024 * 1024

blueprint = Blueprint("partner_api", __name__)

_OWN = re.compile(
    r"/api/v1/(customers|debit-cards|deposit-transactions|emails|mobiles|card|rates|calculation|bank)(/|$)"
)


class Model(parsing.Model):
    """Texts of a call; what is not declared is refused, as the signed text could not tell it from something else."""

    model_config = ConfigDict(strict=True, extra="forbid", str_max_length=4000)


class Nothing(Model):
    """A call without parameters."""


def envelope(code: int, msg: str, result: Any) -> Response:
    """`{code, msg, result}`; 0 is success."""
    return Response(dumps({"code": code, "msg": msg, "result": result}), 200, mimetype="application/json")


def say(result: Any) -> Response:
    """The success answer (reading P14)."""
    return envelope(0, "SUCCESS", result)


def refuse(refusal: Refusal) -> Response:
    """The error answer; what an institution's key was refused for goes into its request log."""
    code = code_of(refusal.name)
    wire: Wire | None = g.get("partner_wire")
    if wire is not None:
        log(portal(), wire, (request.endpoint or "").rpartition(".")[2], code, refusal)
    response = envelope(code, message_of(code, refusal.field), None)
    if "retry_after_seconds" in refusal.facts:
        response.headers["Retry-After"] = str(refusal.facts["retry_after_seconds"])
    return response


def failure(status: int, name: str) -> Response:
    """What went wrong outside a route's own refusals: unknown path, wrong method, too large, database away."""
    code = HTTP_FAILURES.get(status) or (119001 if status >= 500 else code_of(name))
    return envelope(code, message_of(code), None)


def belongs(path: str) -> bool:
    """Whether a path under the shared base is this family's: by its route, or by the caller's kind of signature."""
    if not path.startswith(f"{BASE}/") and path != BASE:
        return False
    return bool(_OWN.match(path)) or request.headers.get("Authorization", "").startswith(f"{signing.SCHEME}:")


def authenticate(area: str) -> Signed:
    """Proves the request's call (portal/api/partner/authentication.py)."""
    here: Request = request
    wire = Wire(
        method=here.environ["REQUEST_METHOD"],
        path=here.environ["PATH_INFO"],
        query=here.environ.get("QUERY_STRING", ""),
        authorization=here.environ.get("HTTP_AUTHORIZATION"),
        passphrase=here.environ.get("HTTP_ACCESS_PASSPHRASE"),
        content_digest=here.environ.get("HTTP_CONTENT_DIGEST"),
        media_type=here.mimetype,
        address=client_address(),
        body=_body,
    )
    g.partner_wire = wire
    signed = prove(portal(), wire, area)
    g.partner_signed = signed
    return signed


def _body() -> bytes | None:
    limit = int(g.get("partner_max_bytes", parsing.MAX_JSON_BYTES))
    if request.content_length is not None and request.content_length > limit:
        return None
    body = request.get_data(cache=True)
    return body if len(body) <= limit else None


class PartnerFamily(Family[Signed]):
    """The shared mechanism over what was signed: the values come from the signed texts and from nowhere else."""

    def _read(self, body: type[BaseModel] | None, max_bytes: int, multipart: bool) -> BaseModel | None:
        return into(body or Nothing, g.partner_signed.body)

    def _read_query(self, query: type[BaseModel] | None) -> BaseModel | None:
        return into(query or Nothing, g.partner_signed.query)


def into(model: type[BaseModel], values: Mapping[str, str | None]) -> BaseModel:
    """Checks signed values against a call's parameters; a null counts as not given, where the name is known.

    Raises Refusal `request_ambiguous`, or as portal/api/parsing.py.
    """
    known = model.model_fields
    signing.check_unambiguous(values, known)
    return parsing.into(
        model, {name: value for name, value in values.items() if value is not None or name not in known}
    )


family = PartnerFamily(
    "partner",
    blueprint,
    authenticate=authenticate,
    say=say,
    refuse=refuse,
    scope_of=lambda signed: f"institution:{signed.institution_id}",
)


@blueprint.before_request
def _room_for_pictures() -> None:
    if request.endpoint in PICTURES:
        g.partner_max_bytes = MAX_PICTURES_BYTES


#: Endpoints whose bodies carry pictures.
PICTURES: set[str] = set()
