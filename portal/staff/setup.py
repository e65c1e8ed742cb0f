"""The first people of stores and institutions, kinds of cards, prices that have to be believed."""

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.errors import Refusal
from portal.http import portal
from portal.permissions import SETTINGS_CHANGE, SETTINGS_VIEW
from portal.services import approvals, institutions, staff_prices, staff_registry, staff_setup
from portal.services.staff_sessions import SignedInStaff
from portal.staff import access, acts, blueprint, inputs
from portal.web import rendering


@blueprint.get("/stores/<int:store_id>")
@access.requires(SETTINGS_VIEW)
def store(store_id: int) -> ResponseReturnValue:
    """Shows a store with its people."""
    return _store(store_id, {}, 200)


def _store(store_id: int, errors: dict[str, str], status: int) -> ResponseReturnValue:
    facts = portal().db.read(_store_facts, store_id)
    return rendering.page(
        "staff/settings/store.html", "main", status, errors=errors, form=request.form, kinds=approvals.KINDS, **facts
    )


def _store_facts(session: Session, store_id: int) -> dict[str, Any]:
    found = staff_setup.store(session, store_id)
    return {
        "store": found,
        "company": staff_registry.company(session, found.company_id),
        "people": staff_setup.store_people(session, store_id),
        "proposals": approvals.about(session, f"store:{store_id}"),
    }


@blueprint.post("/stores/<int:store_id>/owner")
@access.requires(SETTINGS_CHANGE)
def store_owner(store_id: int) -> ResponseReturnValue:
    """Proposes an owner, who invites the others."""
    payload = {"store": store_id, "login": inputs.text("login", 190)}
    return acts.propose(
        "store.owner", f"store:{store_id}", payload, f"/staff/stores/{store_id}",
        lambda errors, status: _store(store_id, errors, status),
    )  # fmt: skip


@blueprint.post("/institutions/<int:institution_id>/members")
@access.requires(SETTINGS_CHANGE)
def institution_member(institution_id: int) -> ResponseReturnValue:
    """Proposes a member of an institution."""
    payload = {"institution": institution_id, "login": inputs.text("login", 190), "role": inputs.text("role", 8)}
    return acts.propose(
        "institution.member", f"institution:{institution_id}", payload, f"/staff/institutions/{institution_id}", None
    )


@blueprint.get("/card-types")
@access.requires(SETTINGS_VIEW)
def card_types() -> ResponseReturnValue:
    """Shows the kinds of cards."""
    return _card_types({}, 200)


def _card_types(errors: dict[str, str], status: int) -> ResponseReturnValue:
    rows = portal().db.read(institutions.card_types)
    return rendering.page("staff/settings/card_types.html", "main", status, rows=rows, errors=errors, form=request.form)


@blueprint.post("/card-types")
@access.requires(SETTINGS_CHANGE)
def card_type_propose() -> ResponseReturnValue:
    """Proposes a kind of card, new or changed."""
    after = {name: inputs.text(name) for name in ("bank_id", "currency", "description")}
    restock = inputs.number(request.form.get("restock_to", "0"))
    if restock is None:
        return acts.answer(Refusal("input_invalid", field="restock_to"), back="", again=_card_types)
    return acts.act(
        _propose_card_type, access.me(), inputs.text("id", 16), {**after, "restock_to": restock}, inputs.text("reason"),
        back="/staff/card-types", said=gettext(acts.PROPOSED), again=_card_types,
    )  # fmt: skip


def _propose_card_type(session: Session, me: SignedInStaff, number: str, after: dict[str, Any], reason: str) -> None:
    subject, payload = staff_setup.card_type_proposal(session, number, after)
    approvals.propose(session, me, "card.type", subject, payload, reason)


@blueprint.get("/prices")
@access.requires(SETTINGS_VIEW)
def price_list() -> ResponseReturnValue:
    """Shows the prices in force and those that were not believed."""
    return _prices({}, 200)


def _prices(errors: dict[str, str], status: int) -> ResponseReturnValue:
    facts = portal().db.read(_price_facts)
    return rendering.page(
        "staff/settings/prices.html", "main", status, errors=errors, form=request.form, kinds=approvals.KINDS, **facts
    )


def _price_facts(session: Session) -> dict[str, Any]:
    rows = staff_prices.markets(session)
    return {
        "rows": rows,
        "proposals": [one for row in rows for one in approvals.about(session, f"price:{row.symbol}", 5)],
    }


@blueprint.post("/prices")
@access.requires(SETTINGS_CHANGE)
def price_believe() -> ResponseReturnValue:
    """Proposes to believe a price."""
    try:
        subject, payload = staff_prices.proposal(inputs.text("symbol", 16), inputs.text("price", 40))
    except Refusal as refusal:
        return acts.answer(refusal, back="", again=_prices)
    return acts.propose(staff_prices.KIND, subject, payload, "/staff/prices", _prices)
