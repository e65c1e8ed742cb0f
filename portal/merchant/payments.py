"""Payments with filters and export, one payment with its refunds, and giving back."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.errors import Refusal
from portal.http import portal
from portal.merchant import blueprint
from portal.merchant.access import member_required, path_of
from portal.money import parse_units, plain_text
from portal.services import parameters, refunds, store_members, store_payments, takings
from portal.services.store_members import OWNER, REFUND, Seat, Signature
from portal.services.store_payments import Filters, Taken
from portal.web import problems, rendering, repeats, sheets
from portal.web.presentation import time_text

PAGE = 25

_FIELDS = {"Store-Pin": "pin"}


@blueprint.get("/<store>/payments")
@member_required()
def payments(seat: Seat) -> ResponseReturnValue:
    """A page of the list."""
    values = _values()
    before = request.args.get("before", "")[:36] or None
    rows = portal().db.read(store_payments.page, seat.store.id, _filters(values), before=before, count=PAGE + 1)
    shown, asked = rows[:PAGE], {name: value for name, value in values.items() if value}
    older = path_of(seat, "payments", **asked, before=shown[-1].order.public_id) if len(rows) > PAGE else None
    newest = path_of(seat, "payments", **asked) if before else None
    return rendering.page(
        "merchant/payments.html", "rows", rows=shown, values=values, older=older, newest=newest,
        export=path_of(seat, "payments_csv", **asked),
    )  # fmt: skip


@blueprint.get("/<store>/payments.csv")
@member_required()
def payments_csv(seat: Seat) -> ResponseReturnValue:
    """The same rows as a file."""
    heading = [
        gettext("Time"), gettext("Payment"), gettext("Bill"), gettext("Discount"), gettext("Paid"), gettext("Refunded"),
        gettext("Status"), gettext("Payer"), gettext("Till reference"), gettext("Note"),
    ]  # fmt: skip
    batches = store_payments.export(portal().db, seat.store.id, _filters(_values()))
    return sheets.download("payments.csv", heading, _cells(batches))


def _cells(batches: Iterator[list[Taken]]) -> Iterator[list[str]]:
    words = {"paid": gettext("Paid"), "partly_refunded": gettext("Partly refunded"), "refunded": gettext("Refunded")}
    for batch in batches:
        for row in batch:
            order, asked = row.order, row.request
            amounts = (order.bill_units, order.discount_units, order.amount_units, order.refunded_units)
            yield [
                time_text(order.paid_at or order.created_at, "long"),
                order.public_id,
                *(plain_text(units, "TWIP") for units in amounts),
                words[row.state],
                f"***{row.phone[-3:]}" if row.phone else "",
                (asked.reference if asked else None) or "",
                (asked.note if asked else None) or "",
            ]


def _values() -> dict[str, str]:
    values = {name: request.args.get(name, "").replace("\x00", "")[:64] for name in ("first", "last", "state", "text")}
    values["state"] = values["state"] if values["state"] == "with_refunds" else ""
    return {**values, **{name: values[name] if _day(values[name]) else "" for name in ("first", "last")}}


def _day(text: str) -> date | None:
    """The day, or nothing for what is no day: a filter that cannot be read hides nothing."""
    try:
        return takings.parse_day(text) if text else None
    except Refusal:
        return None


def _filters(values: dict[str, str]) -> Filters:
    return Filters(_day(values["first"]), _day(values["last"]), values["state"], values["text"])


@blueprint.get("/<store>/payments/<public_id>")
@member_required()
def payment(seat: Seat, public_id: str) -> ResponseReturnValue:
    """One payment, what came back of it, and the form to give back."""
    return _payment(seat, public_id, {}, {})


def _payment(
    seat: Seat, public_id: str, values: dict[str, str], errors: dict[str, str], status: int = 200
) -> ResponseReturnValue:
    facts = portal().db.read(_facts, seat, public_id)
    return rendering.page(
        "merchant/payment.html", "refund", status, values=values, errors=errors, key=rendering.form_key(), **facts
    )


def _facts(session: Session, seat: Seat, public_id: str) -> dict[str, Any]:
    found = store_payments.find(session, seat.store.id, public_id)
    rule = parameters.get(session, "merchant.refunds")
    people = store_members.members(session, seat.store.id)
    return {
        "taken": found,
        "given": refunds.of_order(session, found.order.id),
        "owners": [(member.public_id, customer.display_name) for member, customer in people if member.role == OWNER],
        "has_pin": seat.member.pin_hash is not None,
        "limit_units": parse_units(rule["cashier_per_payment"], "TWIP") if seat.role != OWNER else None,
        "names": {f"customer:{member.customer_id}": customer.display_name for member, customer in people},
    }


@blueprint.post("/<store>/payments/<public_id>/refund")
@member_required(REFUND)
def payment_refund(seat: Seat, public_id: str) -> ResponseReturnValue:
    """Gives back, signed with the PIN; above a cashier's limits an owner signs as well."""
    values = {name: text.strip() for name, text in problems.typed("amount", "reason", "approver").items()}
    secret = problems.typed("pin", "approver_pin")
    try:
        signed = store_members.prove_pin(portal().db, seat.member.id, secret["pin"].strip())
        approved = _approval(seat, values["approver"], secret["approver_pin"].strip())
        given = repeats.once(f"refund:{public_id}", _refund, seat, public_id, values, signed, approved)
    except Refusal as refusal:
        if refusal.name == "not_found":
            raise
        return _payment(seat, public_id, values, problems.of(refusal, **_FIELDS), 422)
    flash(gettext("%(amount)s was given back.", amount=given["amount"]), "success")
    return redirect(path_of(seat, "payment", public_id=public_id), 303)


def _approval(seat: Seat, member_id: str, pin: str) -> Signature | None:
    """The owner's signature, when one was entered. Raises Refusal with the field `approver_pin`."""
    if not pin:
        return None
    try:
        owner = portal().db.read(store_members.member, seat.store.id, member_id)
        return store_members.prove_pin(portal().db, owner.id, pin)
    except Refusal as refusal:
        name = "pin_wrong" if refusal.name == "not_found" else refusal.name
        raise Refusal(name, field="approver_pin", **refusal.facts) from refusal


def _refund(
    session: Session, seat: Seat, public_id: str, values: dict[str, str], signed: Signature, approved: Signature | None
) -> dict[str, Any]:
    amount = values["amount"].replace(",", "")
    if not amount:
        raise Refusal("input_missing", field="amount")
    given = refunds.refund(
        session, seat.store, public_id, amount, reason=values["reason"], signed=signed, approved=approved
    )
    return {"amount": f"{plain_text(given.refund.amount_units, 'TWIP')} TWIP"}


@blueprint.get("/<store>/refunds")
@member_required()
def refund_list(seat: Seat) -> ResponseReturnValue:
    """What was given back, by whom."""
    before = request.args.get("before", "")[:36] or None
    facts = portal().db.read(_refunds, seat, before)
    shown = facts["rows"][:PAGE]
    older = path_of(seat, "refund_list", before=shown[-1].refund.public_id) if len(facts["rows"]) > PAGE else None
    newest = path_of(seat, "refund_list") if before else None
    return rendering.page("merchant/refunds.html", "rows", rows=shown, names=facts["names"], older=older, newest=newest)


def _refunds(session: Session, seat: Seat, before: str | None) -> dict[str, Any]:
    people = store_members.members(session, seat.store.id)
    return {
        "rows": refunds.page(session, seat.store.id, before=before, count=PAGE + 1),
        "names": {f"customer:{member.customer_id}": customer.display_name for member, customer in people},
    }
