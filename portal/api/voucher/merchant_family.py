"""The till API's dialect: keys of a store as bearer tokens, envelopes and errors as the voucher family's, lists by keyset.

A key is sent as `Authorization: Bearer <key>.<secret>`. A refund is signed by a member of the store: the headers
`Store-Member` (the member's id) and `Store-Pin`, above a cashier's limits also `Store-Approver` and `Store-Approver-Pin`.
PINs travel in headers, so that they are no part of what an idempotency key remembers.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from flask import Response, request
from pydantic import Field

from portal.api.family import Family
from portal.api.parsing import Model
from portal.api.rendering import dumps
from portal.api.voucher.errors import code_of
from portal.api.voucher.family import blueprint, error
from portal.errors import Refusal
from portal.http import client_address, portal
from portal.services import store_keys, store_members
from portal.services.store_keys import Till
from portal.services.store_members import Signature

AREA = "merchant"
BASE = "/merchant"

MOST_ROWS, USUAL_ROWS = 100, 25


class ListQuery(Model):
    """`before` is the id of the last row seen; `count` is from 1 to 100."""

    before: Annotated[str | None, Field(description="The id of the last row seen, as `links.next` has it")] = None
    count: Annotated[str, Field(description="How many rows, from 1 to 100", pattern="^[0-9]{1,3}$")] = str(USUAL_ROWS)

    @property
    def rows(self) -> int:
        """How many rows. Raises Refusal `input_invalid`."""
        text = self.count
        if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= MOST_ROWS:
            raise Refusal("input_invalid", field="count")
        return int(text)


class Listed:
    """What a list answers: presented rows, and the id to go on from when there may be more."""

    def __init__(self, rows: Sequence[dict[str, Any]], count: int) -> None:
        self.rows = rows
        self.next_before = str(rows[-1]["id"]) if len(rows) == count else None


def say(data: Any) -> Response:
    """`{"data": …}`, for lists with `links.next` (null at the end)."""
    content: dict[str, Any] = {"data": data}
    if isinstance(data, Listed):
        following = None
        if data.next_before is not None:
            query = {**request.args.to_dict(), "before": data.next_before}
            following = f"{portal().settings.public_url}{request.path}?{urlencode(query)}"
        content = {"data": data.rows, "links": {"next": following}}
    return Response(dumps(content), mimetype="application/json")


def refuse(refusal: Refusal) -> Response:
    """The error in the till API's words."""
    response = error(code_of(refusal, AREA), refusal.field)
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"  # RFC 9110, section 11.6.1
    if "retry_after_seconds" in refusal.facts:
        response.headers["Retry-After"] = str(refusal.facts["retry_after_seconds"])
    return response


def authenticate(scope: str) -> Till:
    """The till behind the key. Raises Refusal `store_key_refused`, `store_key_address` or `store_key_scope`."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Refusal("store_key_refused")
    till = portal().db.read(store_keys.authenticate, token.strip(), client_address())
    till.check(scope)
    if till.note_due:
        portal().db.transact(store_keys.note_use, till.key_id)
    return till


def signature(till: Till, who: str) -> Signature | None:
    """The member who signs (`Member` or `Approver`), by id and PIN from the headers; None when neither was sent.

    Raises Refusal `pin_wrong` also for an unknown member, `pin_missing`, `pin_locked`.
    """
    pin_header = "Store-Pin" if who == "Member" else f"Store-{who}-Pin"
    member_id, pin = request.headers.get(f"Store-{who}", ""), request.headers.get(pin_header, "")
    if not member_id and not pin:
        return None
    if not member_id or not pin:  # half a signature is a mistake of the till's, no try at a PIN
        raise Refusal("pin_missing", field=pin_header if member_id else f"Store-{who}")
    try:
        found = portal().db.read(store_members.member, till.store.id, member_id)
    except Refusal as refusal:
        raise Refusal("pin_wrong", field=f"Store-{who}") from refusal
    return store_members.prove_pin(portal().db, found.id, pin)


family: Family[Till] = Family(
    "merchant",
    blueprint,
    authenticate=authenticate,
    say=say,
    refuse=refuse,
    scope_of=lambda till: f"store:{till.store.id}",
)


#: What every till may hear on every route, and beside it on those that change something.
_ANY = ("merchant_key_refused", "merchant_key_scope", "merchant_key_address")
_CHANGING = ("idempotency_key_reused",)


def route(
    method: str, path: str, operation_id: str, *, scope: str, **declared: Any
) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """Declares a route of the till API that needs a scope of the key."""

    def declare(view: Callable[..., Any]) -> Callable[..., Response]:
        told = f"For tills: needs a store's key (`Bearer <key>.<secret>`) with the scope `{scope}`."
        view.__doc__ = f"{told} {inspect.getdoc(view) or ''}".strip()  # what the reference says of the route
        declared["errors"] = (*_ANY, *(_CHANGING if method != "GET" else ()), *declared.get("errors", ()))
        return family.route(method, BASE + path, operation_id, auth=scope, **declared)(view)

    return declare
