"""Cards: the list, one card with its life and bookings, activation and loading from the console."""

from typing import Any

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal import ledger, states
from portal.errors import Refusal
from portal.http import portal
from portal.machines.partner_cards import PARTNER_CARD
from portal.models.cards import PartnerCard
from portal.money import AmountError, parse_units
from portal.partner import blueprint
from portal.partner.access import OPERATE, Seat, before, member_required, path_of, typed_args
from portal.ports import PortError, PortRejected
from portal.services import (
    audit,
    card_feed,
    idempotency,
    institutions,
    loads,
    partner_cards,
    partner_people,
)
from portal.services.calculators import COIN
from portal.web import problems, rendering, repeats

PAGE = 50
#: The form has one field: what is said of the card or of the float stands beside it.
_AT_AMOUNT = {"card_no": "amount", "coin_type": "amount", "": "amount"}


@blueprint.get("/<institution>/cards")
@member_required()
def cards(seat: Seat) -> ResponseReturnValue:
    """A page of the list."""
    values, number = typed_args("acct_no", "status"), before()
    if values["status"] not in PARTNER_CARD.transitions:
        values["status"] = ""
    rows = portal().db.read(
        partner_people.filtered_cards, seat.institution_id, acct_no=values["acct_no"], status=values["status"],
        before=number, count=PAGE + 1,
    )  # fmt: skip
    asked = {name: value for name, value in values.items() if value}
    older = path_of(seat, "cards", **asked, before=rows[PAGE - 1].number) if len(rows) > PAGE else None
    return rendering.page(
        "partner/cards.html", "rows", rows=rows[:PAGE], values=values, states=list(PARTNER_CARD.transitions), older=older,
        newest=path_of(seat, "cards", **asked) if number else None,
    )  # fmt: skip


@blueprint.get("/<institution>/cards/<public_id>")
@member_required()
def card(seat: Seat, public_id: str) -> ResponseReturnValue:
    """One card; with `?amount=` what a load of it would cost."""
    amount = request.args.get("amount", "")[:40].strip()
    return _card(seat, public_id, amount)


def _card(
    seat: Seat, public_id: str, amount: str = "", errors: dict[str, str] | None = None, status: int = 200
) -> ResponseReturnValue:
    facts = portal().db.read(_facts, seat.institution_id, public_id)
    told = dict(errors or {})
    preview = None
    if amount and not told:
        try:
            order = _order(facts["found"], _units(amount), rendering.form_key())
            preview = portal().db.read(loads.preview, seat.institution_id, order)
        except Refusal as refusal:
            told, status = problems.of(refusal, **_AT_AMOUNT), 422
    return rendering.page(
        "partner/card.html", "loading", status, amount=amount, preview=preview, errors=told, coin=COIN,
        form_key=rendering.form_key(), **facts,
    )  # fmt: skip


def _units(amount: str) -> int:
    try:
        return parse_units(amount, COIN)
    except AmountError as error:
        raise Refusal("amount_invalid", field="amount") from error


def _facts(session: Session, institution_id: int, public_id: str) -> dict[str, Any]:
    found = partner_cards.by_public_id(session, institution_id, public_id)
    offer = institutions.offer(session, institution_id, found.card_type_id)
    return {
        "found": found,
        "offer": offer,
        "history": states.history(session, PARTNER_CARD, found.id),
        "card_units": ledger.balance(session, ledger.card_balance(found.id, offer.currency)),
        "transactions": card_feed.transactions(session, found.id, count=30),
        "latest": partner_people.loads_of(session, found.id, count=10),
        "float_units": institutions.float_balance(session, institution_id),
    }


@blueprint.post("/<institution>/cards/<public_id>/activate")
@member_required(OPERATE)
def card_activate(seat: Seat, public_id: str) -> ResponseReturnValue:
    """Activates the card at the network, then here."""
    found: PartnerCard = portal().db.read(partner_cards.by_public_id, seat.institution_id, public_id)
    try:
        portal().db.read(partner_cards.check_may_activate, seat.institution_id, found.card_no, found.acct_no)
        portal().ports.card_network.activate(f"activate:{found.id}", found.network_id)
        portal().db.transact(partner_cards.activated, seat.institution_id, found.card_no, found.acct_no)
    except Refusal as refusal:
        flash(gettext(refusal.message), "error")
    except PortRejected:
        flash(gettext(partner_cards.OFFLINE), "error")
    except PortError:
        flash(gettext(partner_cards.SILENT), "error")
    else:
        flash(gettext("The card is active."), "success")
    return redirect(path_of(seat, "card", public_id=public_id), 303)


@blueprint.post("/<institution>/cards/<public_id>/load")
@member_required(OPERATE)
def card_load(seat: Seat, public_id: str) -> ResponseReturnValue:
    """Loads the card with what was looked at before."""
    amount = problems.typed("amount")["amount"].strip()[:40]
    try:
        made = repeats.once("partner-card-load", _load, seat, public_id, _units(amount), request.remote_addr or "")
    except Refusal as refusal:
        if refusal.name == "not_found":
            raise
        return _card(seat, public_id, amount, problems.of(refusal, **_AT_AMOUNT), 422)
    flash(gettext("The load is on its way."), "success")
    return redirect(path_of(seat, "load", tx_id=made["tx_id"]), 303)


def _order(card: PartnerCard, units: int, key: str) -> loads.Order:
    serial = f"console-{key}"
    return loads.Order(
        card.card_no, card.acct_no, units, COIN, serial, None, idempotency.fingerprint(serial, str(units))
    )


def _load(session: Session, seat: Seat, public_id: str, units: int, ip: str) -> dict[str, Any]:
    found: PartnerCard = partner_cards.by_public_id(session, seat.institution_id, public_id)
    made = loads.load(session, seat.institution_id, _order(found, units, rendering.form_key()))
    audit.write(session, seat.actor, "card_load.ordered", f"card_load:{made.id}", ip=ip)
    return {"tx_id": made.tx_id}
