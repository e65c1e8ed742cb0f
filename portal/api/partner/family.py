"""The partner dialect: envelope, signed calls, error codes. HTTP status is always 200. Contract: partner.json."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, g, request
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from portal.api import parsing
from portal.api.family import Family
from portal.api.partner import flood
from portal.api.partner.errors import HTTP_FAILURES, code_of, message_of
from portal.api.rendering import dumps
from portal.errors import Refusal
from portal.http import client_address, portal
from portal.services import parameters, partner_keys, partner_requests
from portal.services import partner_signing as signing
from portal.services.partner_keys import Credential

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


@dataclass(slots=True)
class Signed:
    """A call whose signature was right: who calls, and what was signed."""

    credential: Credential
    body: dict[str, str]
    body_text: str
    query: dict[str, str]

    @property
    def institution_id(self) -> int:
        """Whose call it is; nothing of another institution is ever reached."""
        return self.credential.institution_id

    @property
    def actor(self) -> str:
        """How histories name the caller."""
        return f"institution:{self.credential.institution_id}"


def envelope(code: int, msg: str, result: Any) -> Response:
    """`{code, msg, result}`; 0 is success."""
    return Response(dumps({"code": code, "msg": msg, "result": result}), 200, mimetype="application/json")


def say(result: Any) -> Response:
    """The success answer (reading P14)."""
    return envelope(0, "SUCCESS", result)


def refuse(refusal: Refusal) -> Response:
    """The error answer; what an institution's key was refused for goes into its request log."""
    code = code_of(refusal.name)
    _log(code, refusal)
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
    """Proves a call, cheapest checks first; every cause has its own refusal (portal/services/partner_signing.py)."""
    authorization = signing.parse_authorization(request.headers.get("Authorization"))
    found = portal()
    timestamp_ms = authorization.timestamp_ms
    assert found.db.context is not None
    credential = partner_keys.remembered(found.db.context.cache, authorization.api_key)
    if credential is None:
        credential = found.db.read(partner_keys.find, authorization.api_key)
    g.partner_credential = credential
    now_ms = found.clock.now_ms()
    g.partner_skew_ms = timestamp_ms - now_ms
    moment = datetime.fromtimestamp(now_ms / 1000, UTC)
    credential.check_state(moment)
    signing.check_fresh(timestamp_ms, now_ms)
    credential.check_address(client_address())
    signed = _read_signed(credential, authorization)
    partner_keys.check_passphrase(found.db.context, credential, request.headers.get("Access-Passphrase"))
    flood.check(credential.api_key, found.db.read(_calls_per_second))
    _spend(authorization.signature, moment)
    credential.check_institution()
    credential.check_area(area)
    if credential.last_used_at is None or credential.last_used_at < moment - partner_keys.USED_EVERY:
        found.db.transact(partner_keys.note_use, credential.key_id)
        partner_keys.drop(found.db.context.cache, credential.api_key)
    return signed


def _read_signed(credential: Credential, authorization: signing.Authorization) -> Signed:
    body = (
        request.get_data(cache=True) if request.content_length is None or request.content_length <= _limit() else None
    )
    if body is None or len(body) > _limit():
        raise Refusal("input_invalid", field="body")
    if body and request.mimetype != "application/json":
        raise Refusal("content_type_wrong", field="Content-Type")
    signing.check_digest(request.headers.get("Content-Digest"), body)
    try:
        path = request.environ["PATH_INFO"].encode("latin-1").decode("utf-8")
    except UnicodeError as error:
        raise Refusal("input_invalid", field="path") from error
    query_text = request.environ.get("QUERY_STRING", "")
    values, query = signing.read_body(body), signing.read_query(query_text)
    body_text = signing.canonical_body(values)
    texts = signing.signed_texts(authorization, request.method, path, query_text, body_text)
    signing.check_signature(credential.secret, texts, authorization.signature)
    return Signed(credential, values, body_text, query)


def _limit() -> int:
    return int(g.get("partner_max_bytes", parsing.MAX_JSON_BYTES))


def _spend(signature: str, moment: datetime) -> None:
    database = portal().db
    expires_at = moment + timedelta(milliseconds=2 * signing.WINDOW_MS + 60_000)
    if portal().settings.sqlite:
        database.transact(partner_keys.spend, signature, expires_at)
    else:
        database.read(partner_keys.spend, signature, expires_at)  # one statement that commits itself


def _calls_per_second(session: Session) -> int:
    return int(parameters.get(session, "partner_calls")["per_second"])


def _log(code: int, refusal: Refusal) -> None:
    credential: Credential | None = g.get("partner_credential")
    if credential is None or refusal.name in ("too_many_requests", "unavailable"):
        return
    line = partner_requests.Line(
        institution_id=credential.institution_id,
        api_key=credential.api_key,
        method=request.method,
        path=request.path,
        operation=(request.endpoint or "").rpartition(".")[2],
        code=code,
        reason=refusal.name,
        field=refusal.field,
        skew_ms=g.get("partner_skew_ms"),
        ip=client_address(),
    )
    partner_requests.keep(portal().db, line)


class PartnerFamily(Family[Signed]):
    """The shared mechanism over what was signed: the values come from the signed texts and from nowhere else."""

    def _read(self, body: type[BaseModel] | None, max_bytes: int, multipart: bool) -> BaseModel | None:
        return _into(body or Nothing, g.partner_signed.body)

    def _read_query(self, query: type[BaseModel] | None) -> BaseModel | None:
        return _into(query or Nothing, g.partner_signed.query)


def _into(model: type[BaseModel], values: dict[str, str]) -> BaseModel:
    signing.check_unambiguous(values, model.model_fields)
    return parsing.into(model, values)


def _authenticate(area: str) -> Signed:
    signed = authenticate(area)
    g.partner_signed = signed
    return signed


family = PartnerFamily(
    "partner",
    blueprint,
    authenticate=_authenticate,
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
