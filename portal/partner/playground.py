"""The sandbox's levers for the institution's own people and cards: what the bank decides and what people do. Sandbox only."""

import secrets
from collections.abc import Callable
from typing import Any

from flask import flash, redirect
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.errors import Refusal
from portal.http import portal
from portal.money import AmountError, parse_units
from portal.partner import blueprint
from portal.partner.access import OPERATE, Seat, member_required, path_of
from portal.sandbox import play_cards
from portal.services import institutions, partner_cards, partner_kyc, partner_people
from portal.services.calculators import COIN
from portal.web import problems, rendering
from portal.worker.loop import run_until_idle

#: Names of made-up people.
FIRST = ("Ya-Ting", "Chun-Hao", "Shu-Fen", "Po-Wei", "Hui-Ling", "Cheng-En")
LAST = ("Chen", "Lin", "Huang", "Chang", "Tsai", "Yang")
LATEST = 30


@blueprint.get("/<institution>/playground")
@member_required(OPERATE)
def playground(seat: Seat) -> ResponseReturnValue:
    """All levers."""
    return _page(seat, {}, {})


def _page(seat: Seat, values: dict[str, str], errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    facts = portal().db.read(_facts, seat.institution_id)
    return rendering.page(
        "partner/playground.html", "levers", status, values=values, errors=errors, kinds=play_cards.KINDS,
        actions=play_cards.ACTIONS, coin=COIN, **facts,
    )  # fmt: skip


def _facts(session: Session, institution_id: int) -> dict[str, Any]:
    return {
        "offers": institutions.offers(session, institution_id),
        "waiting": partner_people.waiting(session, institution_id, count=LATEST),
        "cards": partner_people.filtered_cards(session, institution_id, count=LATEST),
        "addresses": institutions.deposit_addresses(session, institution_id),
    }


def _pull(seat: Seat, lever: Callable[[dict[str, str]], str], *names: str) -> ResponseReturnValue:
    """Pulls a lever with what was typed and says what it did."""
    values = problems.typed(*names)
    try:
        said = lever(values)
    except Refusal as refusal:
        return _page(seat, values, problems.of(refusal), 422)
    flash(said, "success")
    return redirect(path_of(seat, "playground"), 303)


@blueprint.post("/<institution>/playground/people")
@member_required(OPERATE)
def play_person(seat: Seat) -> ResponseReturnValue:
    """Hands in a made-up person."""

    def lever(values: dict[str, str]) -> str:
        number = secrets.randbelow(10**6)
        acct_no = f"TEST-{number:06d}"
        name = (secrets.choice(FIRST), secrets.choice(LAST))
        mail, mobile = f"test{number:06d}@example.net", f"0987{number:06d}"
        play_cards.add_person(portal(), seat.institution_id, values["card_type_id"], acct_no, name, mail, mobile)
        run_until_idle(portal())
        return gettext("%(acct_no)s was handed in and waits for a decision.", acct_no=acct_no)

    return _pull(seat, lever, "card_type_id")


@blueprint.post("/<institution>/playground/decisions")
@member_required(OPERATE)
def play_decision(seat: Seat) -> ResponseReturnValue:
    """Decides a check as the bank would."""

    def lever(values: dict[str, str]) -> str:
        found = portal().db.read(partner_kyc.get, seat.institution_id, values["person"])
        reason = values["reason"] or ("The documents could not be read." if values["decision"] == "reject" else "")
        play_cards.decide(portal(), found.id, values["decision"], reason)
        return gettext("Decided: %(acct_no)s", acct_no=found.acct_no)

    return _pull(seat, lever, "person", "decision", "reason")


@blueprint.post("/<institution>/playground/uses")
@member_required(OPERATE)
def play_use(seat: Seat) -> ResponseReturnValue:
    """Uses a card."""

    def lever(values: dict[str, str]) -> str:
        card = portal().db.read(partner_cards.by_public_id, seat.institution_id, values["card"])
        kind, amount = values["type"], values["amount"].strip()
        said = play_cards.use_card(portal(), card.card_no, kind, amount, values["description"].strip() or kind.upper())
        if not said["approved"]:
            return gettext("Declined: %(reason)s", reason=said["reason"])
        return gettext("Approved. Fee: %(fee)s, left: %(left)s", fee=said["fee"], left=said["available_balance"])

    return _pull(seat, lever, "card", "type", "amount", "description")


@blueprint.post("/<institution>/playground/cards")
@member_required(OPERATE)
def play_card(seat: Seat) -> ResponseReturnValue:
    """Does to a card what the bank would."""

    def lever(values: dict[str, str]) -> str:
        card = portal().db.read(partner_cards.by_public_id, seat.institution_id, values["card"])
        reason = "The documents could not be read." if values["action"] == "review_fail" else ""
        play_cards.act_on_card(portal(), card.card_no, values["action"], reason)
        return gettext("Done.")

    return _pull(seat, lever, "card", "action")


@blueprint.post("/<institution>/playground/float")
@member_required(OPERATE)
def play_float(seat: Seat) -> ResponseReturnValue:
    """Sends USDT to the float's address, and lets the blocks go by that make it solid."""

    def lever(values: dict[str, str]) -> str:
        try:
            units = parse_units(values["usdt"].strip(), COIN)
        except AmountError as error:
            raise Refusal("amount_invalid", field="usdt") from error
        if not 0 < units <= 10**12:
            raise Refusal("amount_out_of_range", field="usdt")
        address = portal().db.read(institutions.deposit_addresses, seat.institution_id)["ETHEREUM"]
        play_cards.send_usdt(portal(), address, units)
        return gettext("The transfer has arrived.")

    return _pull(seat, lever, "usdt")
