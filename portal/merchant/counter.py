"""The counter: an amount is typed, the customer scans the code, and the screen turns to Paid."""

from typing import Any

from flask import flash, redirect
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.clock import to_ms
from portal.errors import Refusal
from portal.http import portal
from portal.merchant import blueprint, live
from portal.merchant.access import member_required, path_of
from portal.models.stores import PaymentRequest, Store
from portal.services import payment_requests, stores
from portal.services.store_members import CHARGE, Seat
from portal.web import problems, rendering, repeats

RECENT = 5


@blueprint.get("/<store>/counter")
@member_required(CHARGE)
def counter(seat: Seat) -> ResponseReturnValue:
    """The amount pad."""
    return _pad(seat, {}, {})


@blueprint.post("/<store>/counter")
@member_required(CHARGE)
def counter_ask(seat: Seat) -> ResponseReturnValue:
    """Makes the payment request; the next page shows its code."""
    values = {name: text.strip() for name, text in problems.typed("amount", "note", "card_no").items()}
    try:
        made = repeats.once(f"counter:{seat.store.id}", _ask, seat, values)
    except Refusal as refusal:
        return _pad(seat, values, problems.of(refusal), 422)
    return redirect(path_of(seat, "counter_request", public_id=made["id"]), 303)


def _ask(session: Session, seat: Seat, values: dict[str, str]) -> dict[str, Any]:
    amount = values["amount"].replace(",", "")
    if not amount:
        raise Refusal("input_missing", field="amount")
    made = payment_requests.create(
        session, seat.store, amount, made_by=seat.actor, note=values["note"], card_no=values["card_no"]
    )
    return {"id": made.public_id}


def _pad(seat: Seat, values: dict[str, str], errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    waiting = portal().db.read(payment_requests.page, seat.store.id, status="open", count=RECENT)
    return rendering.page(
        "merchant/counter.html", "pad", status, values=values, errors=errors, key=rendering.form_key(), waiting=waiting
    )


@blueprint.get("/<store>/counter/<public_id>")
@member_required(CHARGE)
def counter_request(seat: Seat, public_id: str) -> ResponseReturnValue:
    """The code for the customer's phone; without JavaScript the page loads itself again while it waits."""
    return rendering.page("merchant/request.html", **portal().db.read(_facts, seat.store, public_id))


@blueprint.get("/<store>/counter/<public_id>/state")
@member_required(CHARGE)
def counter_state(seat: Seat, public_id: str) -> ResponseReturnValue:
    """The live block: three small statements and no rendering until something has happened."""
    found = portal().db.read(payment_requests.state, seat.store.id, public_id)
    mark = f"{found.id}-{found.at(portal().clock.now())}"
    return live.block(
        mark,
        lambda: rendering.render_block(
            "merchant/request.html", "state", **portal().db.read(_facts, seat.store, public_id)
        ),
    )


@blueprint.post("/<store>/counter/<public_id>/cancel")
@member_required(CHARGE)
def counter_cancel(seat: Seat, public_id: str) -> ResponseReturnValue:
    """Takes the request back."""
    try:
        portal().db.transact(payment_requests.cancel, seat.store.id, public_id, seat.actor)
    except Refusal as refusal:
        if refusal.name != "request_not_open":
            raise
        flash(gettext(refusal.message), "warning")
    return redirect(path_of(seat, "counter_request", public_id=public_id), 303)


def _facts(session: Session, store: Store, public_id: str) -> dict[str, Any]:
    asked = payment_requests.find(session, store.id, public_id)
    made, moment = asked.request, portal().clock.now()
    state = payment_requests.State(made.id, made.status, made.expires_at, made.order_id).at(moment)
    return {
        "made": made,
        "order": asked.order,
        "state": state,
        "bill": stores.bill_of(store, made.amount_units),
        "url": payment_requests.address_of(session, made.code),
        "until_ms": to_ms(made.expires_at),
        "now_ms": to_ms(moment),
        "total_seconds": _seconds(made),
    }


def _seconds(made: PaymentRequest) -> int:
    return int((made.expires_at - made.created_at).total_seconds())
