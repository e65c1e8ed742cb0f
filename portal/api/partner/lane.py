"""Signed reads that are asked for all the time, answered before the application wakes: the same proof, the same answers.

The application's own machinery (sessions, languages, forms, page headers) costs several times what proving a signature does.
The routes stay declared in the family; here only their reads are taken a shorter way. What is not a plain signed GET of one
of READS goes through, and the headers are those that the application gives the family's answers.
"""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError
from uuid_utils.compat import uuid7

from portal import metrics
from portal.api.lane import HeaderMemory, StartResponse
from portal.api.partner import cards, loads, people
from portal.api.partner.authentication import Signed, Wire, log, prove
from portal.api.partner.errors import code_of, message_of
from portal.api.partner.family import BASE, into
from portal.api.partner.lists import ListQuery, page_result
from portal.api.partner.terms import RatesQuery, balance_result, card_types_result, rates_result
from portal.api.rendering import dumps
from portal.bootstrap import Portal
from portal.db import Unavailable
from portal.errors import Refusal
from portal.services import institutions, partner_cards, partner_kyc
from portal.services import loads as load_orders
from portal.services import partner_signing as signing

_PREFIX = f"{signing.SCHEME}:"
_LOADS = f"{BASE}/deposit-transactions/"
_STATUS = "/status"


def _rates(found: Portal, signed: Signed, _: str) -> Any:
    query = into(RatesQuery, signed.query)
    assert isinstance(query, RatesQuery)
    context = found.db.context
    assert context is not None
    offer = institutions.remembered_offer(context.cache, signed.institution_id, query.card_type_id)
    return rates_result(offer or found.db.read(institutions.offer, signed.institution_id, query.card_type_id))


def _balance(found: Portal, signed: Signed, _: str) -> Any:
    _no_query(signed)
    return balance_result(institutions.usable_floats(found.db, signed.institution_id))


def _load_status(found: Portal, signed: Signed, path: str) -> Any:
    _no_query(signed)
    tx_id = path[len(_LOADS) : -len(_STATUS)]
    return {"tx_status": loads.STATUS[load_orders.status_of(found.db, signed.institution_id, tx_id)]}


def _card_types(found: Portal, signed: Signed, _: str) -> Any:
    _no_query(signed)
    return card_types_result(found.db.read(institutions.card_types))


def _listed(service: Callable[..., Any], present: Callable[[Any], Any]) -> "Read":
    def read(found: Portal, signed: Signed, _: str) -> Any:
        query = into(ListQuery, signed.query)
        assert isinstance(query, ListQuery)
        return page_result(found.db.read(service, signed.institution_id, query.window), present)

    return read


def _no_query(signed: Signed) -> None:
    if signed.query:
        raise Refusal("input_invalid", field="body")


Read = Callable[[Portal, Signed, str], Any]

#: Path → operation, part of the API, and how it is read.
READS: dict[str, tuple[str, str, Read]] = {
    f"{BASE}/rates": ("rates", "common", _rates),
    f"{BASE}/customers/balance": ("institution_balance", "common", _balance),
    f"{BASE}/card/type": ("card_types", "common", _card_types),
    f"{BASE}/customers/accounts": ("list_kyc", "customers", _listed(partner_kyc.page, people.record)),
    f"{BASE}/debit-cards": ("list_cards", "cards", _listed(partner_cards.page, cards.record)),
    f"{BASE}/deposit-transactions": ("list_loads", "loads", _listed(load_orders.page, loads.record)),
}
_LOAD_STATUS: tuple[str, str, Read] = ("load_status", "loads", _load_status)


def _read_of(path: str) -> tuple[str, str, Read] | None:
    found = READS.get(path)
    if found is None and path.startswith(_LOADS) and path.endswith(_STATUS) and path.count("/") == 5:
        return _LOAD_STATUS
    return found


class SignedLane:
    """WSGI middleware: answers signed reads of READS, everything else goes through."""

    def __init__(self, app: Flask) -> None:
        self._inner = app.wsgi_app
        self._portal: Portal = app.extensions["portal"]
        self.memory = HeaderMemory(self._inner)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        authorization = environ.get("HTTP_AUTHORIZATION", "")
        if environ["REQUEST_METHOD"] != "GET" or not authorization.startswith(_PREFIX):
            return self._inner(environ, start_response)
        read = _read_of(environ["PATH_INFO"])
        if read is None or environ.get("CONTENT_LENGTH") not in (None, "", "0") or "HTTP_TRANSFER_ENCODING" in environ:
            return self._inner(environ, start_response)
        if not self.memory.fresh:
            return self.memory.through(environ, start_response)
        answer, retry_after = self._answer(environ, authorization, read)
        content = dumps(answer)
        metrics.answered_from_memory(read[0])
        headers = [*self.memory.headers, ("Content-Length", str(len(content))), ("X-Request-Id", str(uuid7()))]
        start_response("200 OK", headers if retry_after is None else [*headers, ("Retry-After", retry_after)])
        return [content]

    def _answer(
        self, environ: dict[str, Any], authorization: str, read: tuple[str, str, Read]
    ) -> tuple[dict[str, Any], str | None]:
        """The answer, and what its Retry-After says if it has one."""
        operation, area, how = read
        wire = Wire(
            method="GET",
            path=environ["PATH_INFO"],
            query=environ.get("QUERY_STRING", ""),
            authorization=authorization,
            passphrase=environ.get("HTTP_ACCESS_PASSPHRASE"),
            content_digest=environ.get("HTTP_CONTENT_DIGEST"),
            media_type="",
            address=environ.get("REMOTE_ADDR") or "-",
            body=bytes,
        )
        try:
            try:
                signed = prove(self._portal, wire, area)
                return {"code": 0, "msg": "SUCCESS", "result": how(self._portal, signed, wire.path)}, None
            except Refusal as refusal:
                code = code_of(refusal.name)
                log(self._portal, wire, operation, code, refusal)
                seconds = refusal.facts.get("retry_after_seconds")
                answer = {"code": code, "msg": message_of(code, refusal.field), "result": None}
                return answer, None if seconds is None else str(seconds)
        except (Unavailable, SQLAlchemyError):  # away for the answer, or for the line in the request log
            code = code_of("unavailable")
            return {"code": code, "msg": message_of(code), "result": None}, None
