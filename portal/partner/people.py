"""The institution's people and how their checks go; a card is opened from here."""

from typing import Any

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal import states
from portal.errors import Refusal
from portal.http import portal
from portal.machines.partner_kyc import PARTNER_KYC
from portal.models.partner import PartnerKyc
from portal.partner import blueprint
from portal.partner.access import OPERATE, Seat, before, member_required, path_of, typed_args
from portal.services import audit, institutions, partner_cards, partner_kyc, partner_people
from portal.services.calculators import COIN
from portal.web import rendering, repeats

PAGE = 50


@blueprint.get("/<institution>/people")
@member_required()
def people(seat: Seat) -> ResponseReturnValue:
    """A page of the list."""
    values, number = typed_args("acct_no", "status"), before()
    if values["status"] not in PARTNER_KYC.transitions:
        values["status"] = ""
    rows = portal().db.read(
        partner_people.filtered, seat.institution_id, acct_no=values["acct_no"], status=values["status"],
        before=number, count=PAGE + 1,
    )  # fmt: skip
    asked = {name: value for name, value in values.items() if value}
    older = path_of(seat, "people", **asked, before=rows[PAGE - 1].number) if len(rows) > PAGE else None
    return rendering.page(
        "partner/people.html", "rows", rows=rows[:PAGE], values=values, states=list(PARTNER_KYC.transitions), older=older,
        newest=path_of(seat, "people", **asked) if number else None,
    )  # fmt: skip


@blueprint.get("/<institution>/people/<public_id>")
@member_required()
def person(seat: Seat, public_id: str) -> ResponseReturnValue:
    """One check with its way so far, and the card it led to."""
    return _person(seat, public_id)


def _person(seat: Seat, public_id: str, problem: str = "", status: int = 200) -> ResponseReturnValue:
    facts = portal().db.read(_facts, seat.institution_id, public_id)
    return rendering.page(
        "partner/person.html", "state", status, problem=problem, form_key=rendering.form_key(), coin=COIN, **facts
    )


def _facts(session: Session, institution_id: int, public_id: str) -> dict[str, Any]:
    found = partner_kyc.get(session, institution_id, public_id)
    return {
        "found": found,
        "history": states.history(session, PARTNER_KYC, found.id),
        "card": partner_people.card_of(session, found),
        "offer": institutions.offer(session, institution_id, found.card_type_id),
    }


@blueprint.get("/<institution>/people/<public_id>/state")
@member_required()
def person_state(seat: Seat, public_id: str) -> ResponseReturnValue:
    """The live block."""
    facts = portal().db.read(_facts, seat.institution_id, public_id)
    # No fresh form key here: the block would never be the same twice.
    return rendering.polled(
        rendering.render_block("partner/person.html", "state", problem="", form_key="", coin=COIN, **facts)
    )


@blueprint.post("/<institution>/people/<public_id>/card")
@member_required(OPERATE)
def card_open(seat: Seat, public_id: str) -> ResponseReturnValue:
    """Opens a card for the fee."""
    try:
        made = repeats.once("partner-card-open", _open, seat, public_id)
    except Refusal as refusal:
        if refusal.name == "not_found":
            raise
        return _person(seat, public_id, gettext(refusal.message), 422)
    flash(gettext("The card is open. It works once it is activated."), "success")
    return redirect(path_of(seat, "card", public_id=made["card"]), 303)


def _open(session: Session, seat: Seat, public_id: str) -> dict[str, Any]:
    found: PartnerKyc = partner_kyc.get(session, seat.institution_id, public_id)
    card = partner_cards.open_card(session, seat.institution_id, found.acct_no, found.card_type_id)
    audit.write(session, seat.actor, "partner_card.opened", f"partner_card:{card.id}", ip=request.remote_addr)
    return {"card": card.public_id}
