"""Terms of every kind of card, and a calculator with the load's own arithmetic."""

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from portal.errors import Refusal
from portal.http import portal
from portal.money import SCALES, AmountError, parse_units
from portal.partner import blueprint
from portal.partner.access import Seat, member_required
from portal.services import calculators, institutions
from portal.services.calculators import COIN, Breakdown
from portal.services.institutions import CardOffer
from portal.web import problems, rendering

PAYS, ARRIVES = "pays", "arrives"


@blueprint.get("/<institution>/fees")
@member_required()
def fees(seat: Seat) -> ResponseReturnValue:
    """The terms; with `?amount=` what is paid and what arrives."""
    offers = portal().db.read(institutions.offers, seat.institution_id)
    values = {name: request.args.get(name, "")[:40].strip() for name in ("card_type_id", "side", "amount")}
    values["side"] = ARRIVES if values["side"] == ARRIVES else PAYS
    chosen = next((offer for offer in offers if offer.card_type_id == values["card_type_id"]), None)
    if chosen is None and offers:
        chosen = offers[0]
        values["card_type_id"] = chosen.card_type_id
    found, errors = _calculated(chosen, values) if chosen is not None and values["amount"] else (None, {})
    return rendering.page(
        "partner/fees.html", "calculator", 422 if errors else 200, offers=offers, chosen=chosen, values=values,
        found=found, errors=errors, coin=COIN,
    )  # fmt: skip


def _calculated(offer: CardOffer, values: dict[str, str]) -> tuple[Breakdown | None, dict[str, Any]]:
    asset = COIN if values["side"] == PAYS else offer.currency
    try:
        units = parse_units(values["amount"], asset)
        if asset != COIN and units % 10 ** (SCALES[asset] - 2):
            raise AmountError("too_precise")
        if asset == COIN:
            return calculators.for_amount(offer.terms, units), {}
        return calculators.for_arrival(offer.terms, units), {}
    except AmountError:
        return None, problems.of(Refusal("amount_invalid", field="amount"))
    except Refusal as refusal:
        return None, problems.of(refusal, currency_amount="amount")
