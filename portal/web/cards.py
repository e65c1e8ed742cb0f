"""NFC cards that tell a counter who stands there: added, proven, given up."""

from typing import Any

from flask import flash, redirect
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.errors import Refusal
from portal.http import portal
from portal.services import cards, voucher_desk
from portal.web import blueprint, problems, rendering
from portal.web.access import customer_id, login_required


@blueprint.get("/cards")
@login_required
def card_list() -> ResponseReturnValue:
    """The cards, those that wait for a code, and the form for another."""
    return _page({}, {})


def _page(values: dict[str, str], errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    facts = portal().db.read(_facts, customer_id())
    return rendering.page("cards/cards.html", "form", status, values=values, errors=errors, **facts)


def _facts(session: Session, customer: int) -> dict[str, Any]:
    return {
        "verified": cards.of_customer(session, customer),
        "waiting": cards.waiting(session, customer),
        "most": cards.MAX_CARDS,
        "standing": voucher_desk.standing(session, customer),
    }


@blueprint.post("/cards")
@login_required
def card_add() -> ResponseReturnValue:
    """Claims a card; the code goes out by SMS."""
    values = problems.typed("card_no")
    try:
        portal().db.transact(cards.register, customer_id(), values["card_no"].replace(" ", ""))
    except Refusal as refusal:
        return _page(values, problems.of(refusal), 422)
    flash(gettext("We sent a code to your phone. Enter it below."), "success")
    return redirect("/cards", 303)


@blueprint.post("/cards/verify")
@login_required
def card_verify() -> ResponseReturnValue:
    """Proves a card."""
    values = problems.typed("card_no", "code")
    try:
        portal().db.transact(cards.verify, customer_id(), values["card_no"], values["code"].strip())
    except Refusal as refusal:
        return _page({}, problems.of(refusal), 422)
    flash(gettext("Your card is registered."), "success")
    return redirect("/cards", 303)


@blueprint.post("/cards/resend")
@login_required
def card_resend() -> ResponseReturnValue:
    """Sends another code."""
    try:
        portal().db.transact(cards.resend, customer_id(), problems.typed("card_no")["card_no"])
    except Refusal as refusal:
        flash(gettext(refusal.message), "error")
    else:
        flash(gettext("A new code is on its way."), "success")
    return redirect("/cards", 303)


@blueprint.post("/cards/<public_id>/remove")
@login_required
def card_remove(public_id: str) -> ResponseReturnValue:
    """Gives a card up."""
    portal().db.transact(cards.delete, customer_id(), public_id)
    flash(gettext("The card was removed."), "success")
    return redirect("/cards", 303)
