"""Proving a signed call, whatever handed it over: cheapest checks first, every cause with its own refusal."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from portal.api.partner import flood
from portal.bootstrap import Portal
from portal.errors import Refusal
from portal.services import partner_keys, partner_requests
from portal.services import partner_signing as signing
from portal.services.partner_keys import Credential


@dataclass(slots=True)
class Wire:
    """A call as it came in: raw texts, and how to get the body (None when it is too large).

    `credential` and `skew_ms` are filled in on the way, for the request log.
    """

    method: str
    path: str
    query: str
    authorization: str | None
    passphrase: str | None
    content_digest: str | None
    media_type: str
    address: str
    body: Callable[[], bytes | None]
    credential: Credential | None = None
    skew_ms: int | None = None


@dataclass(slots=True)
class Signed:
    """A call whose signature was right: who calls, and what was signed."""

    credential: Credential
    body: dict[str, str | None]
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


def prove(found: Portal, wire: Wire, area: str) -> Signed:
    """Proves a call and that it may use this part of the API.

    Raises the refusals of portal/services/partner_signing.py, partner_keys.py and flood.py.
    """
    try:
        return _prove(found, wire, area)
    except Refusal as refusal:
        if refusal.name in flood.UNPROVEN:
            flood.failed(found, wire.address)
        raise


def _prove(found: Portal, wire: Wire, area: str) -> Signed:
    authorization = signing.parse_authorization(wire.authorization)
    timestamp_ms = authorization.timestamp_ms
    context = found.db.context
    assert context is not None
    credential = partner_keys.remembered(context.cache, authorization.api_key)
    if credential is None:
        flood.check_address(found, wire.address)
        credential = found.db.read(partner_keys.find, authorization.api_key)
    wire.credential = credential
    now_ms = found.clock.now_ms()
    wire.skew_ms = timestamp_ms - now_ms
    moment = datetime.fromtimestamp(now_ms / 1000, UTC)
    credential.check_state(moment)
    signing.check_fresh(timestamp_ms, now_ms)
    credential.check_address(wire.address)
    signed = _read(credential, authorization, wire)
    partner_keys.check_passphrase(context, credential, wire.passphrase)
    flood.check(found, credential)
    partner_keys.spend(found.db, authorization.signature, now_ms, changes=wire.method not in ("GET", "HEAD"))
    credential.check_institution()
    credential.check_area(area)
    if credential.last_used_at is None or credential.last_used_at < moment - partner_keys.USED_EVERY:
        found.db.transact(partner_keys.note_use, credential.key_id)
        partner_keys.drop(context.cache, credential.api_key)
    return signed


def _read(credential: Credential, authorization: signing.Authorization, wire: Wire) -> Signed:
    body = wire.body()
    if body is None:
        raise Refusal("input_invalid", field="body")
    if body and wire.media_type != "application/json":
        raise Refusal("content_type_wrong", field="Content-Type")
    signing.check_digest(wire.content_digest, body)
    try:
        path = wire.path.encode("latin-1").decode("utf-8")
    except UnicodeError as error:
        raise Refusal("input_invalid", field="path") from error
    values, query = signing.read_body(body), signing.read_query(wire.query)
    body_text = signing.canonical_body(values)
    texts = signing.signed_texts(authorization, wire.method, path, wire.query, body_text)
    signing.check_signature(credential.secret, texts, authorization.signature)
    return Signed(credential, values, body_text, query)


def log(found: Portal, wire: Wire, operation: str, code: int, refusal: Refusal) -> None:
    """Keeps a refusal in the institution's request log, once its key is known."""
    if wire.credential is None or refusal.name in ("too_many_requests", "unavailable"):
        return
    line = partner_requests.Line(
        institution_id=wire.credential.institution_id,
        api_key=wire.credential.api_key,
        method=wire.method,
        path=wire.path,
        operation=operation,
        code=code,
        reason=refusal.name,
        field=refusal.field,
        skew_ms=wire.skew_ms,
        ip=wire.address,
    )
    partner_requests.keep(found.db, line)
