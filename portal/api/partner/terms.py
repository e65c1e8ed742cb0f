"""Kinds of cards, rates, both calculators, and the float (partner contract 4.5 to 4.9)."""

from typing import Any

from portal.api.family import Call
from portal.api.partner.authentication import Signed
from portal.api.partner.family import Model, family
from portal.api.partner.loads import positive_units
from portal.api.rendering import literal
from portal.errors import N_, Refusal
from portal.http import portal
from portal.models.partner import CardType
from portal.money import plain_text
from portal.services import calculators, institutions
from portal.services.calculators import COIN, Breakdown
from portal.services.institutions import CardOffer, FloatState


class RatesQuery(Model):
    """Which kind of card."""

    card_type_id: str


class CryptoBody(Model):
    """How much is to arrive, on which kind of card, paid in which coin."""

    currency_amount: str
    card_type_id: str
    coin_type: str


class CurrencyBody(Model):
    """How much of which coin is to be loaded, onto which kind of card."""

    coin_amount: str
    coin_type: str
    card_type_id: str


@family.route("GET", "/card/type", "card_types", auth="common", summary=N_("Kinds of cards"))
def card_types(call: Call[Signed]) -> Any:
    """All kinds of cards."""
    return card_types_result(call.look(institutions.card_types))


def card_types_result(rows: list[CardType]) -> dict[str, Any]:
    """The kinds as the contract shows them."""
    records = [
        {
            "card_type_id": row.id,
            "currency_type": row.currency,
            "bank_id": row.bank_id,
            "description": row.description,
        }
        for row in rows
    ]
    return {"total": len(records), "records": records}


@family.route(
    "GET", "/rates", "rates", auth="common", summary=N_("Fees and rates of a kind of card"), query=RatesQuery,
    errors=("111010", "111016"),
)  # fmt: skip
def rates(call: Call[Signed]) -> Any:
    """The institution's terms for a kind of card."""
    return rates_result(_offer(call, call.query.card_type_id))


def rates_result(found: CardOffer) -> dict[str, Any]:
    """The terms as the contract shows them."""
    return {
        "bank_atm_rate": literal(found.bank_atm_rate),
        "exchange_rate": literal(found.terms.exchange_rate),
        "open_card_fee_usdt": plain_text(found.open_fee_units, COIN),
        "loading_rate": [{"min": tier["min"], "max": tier["max"], "step_rate": tier["rate"]} for tier in found.tiers],
        "bank_atm_fee": literal(found.bank_atm_fee),
        "bank_transaction_rate": literal(found.bank_transaction_rate),
    }


def _offer(call: Call[Signed], card_type_id: str) -> CardOffer:
    context = portal().db.context
    assert context is not None
    found = institutions.remembered_offer(context.cache, call.caller.institution_id, card_type_id)
    return found or call.look(institutions.offer, call.caller.institution_id, card_type_id)


@family.route(
    "POST", "/calculation/crypto", "calculate_crypto", auth="common", summary=N_("What an arrival costs"), body=CryptoBody,
    errors=("111001", "111010", "111016"),
)  # fmt: skip
def calculate_crypto(call: Call[Signed]) -> Any:
    """The coins needed so that a fiat amount arrives."""
    body: CryptoBody = call.body
    _check_coin(body.coin_type)
    offer = _offer(call, body.card_type_id)
    wanted = positive_units(body.currency_amount, offer.currency, "currency_amount", places=2)
    found = calculators.for_arrival(offer.terms, wanted)
    answer = {"coin_type": COIN.lower(), "coin_amount": plain_text(found.amount_units, COIN), **_fees(offer, found)}
    return call.change(_itself, _given, answer)


@family.route(
    "POST", "/calculation/currency", "calculate_currency", auth="common", summary=N_("What arrives of an amount"),
    body=CurrencyBody, errors=("111001", "111010", "111016"),
)  # fmt: skip
def calculate_currency(call: Call[Signed]) -> Any:
    """The fiat amount that arrives of an amount of coins."""
    body: CurrencyBody = call.body
    _check_coin(body.coin_type)
    offer = _offer(call, body.card_type_id)
    found = calculators.for_amount(offer.terms, positive_units(body.coin_amount, COIN, "coin_amount"))
    arrives = plain_text(found.currency_units, offer.currency)
    answer = {"currency_type": offer.currency.lower(), "currency_amount": arrives, **_fees(offer, found)}
    return call.change(_itself, _given, answer)


def _check_coin(coin: str) -> None:
    if coin.upper() != COIN:
        raise Refusal("input_invalid", field="coin_type")


def _fees(offer: CardOffer, found: Breakdown) -> dict[str, str]:
    return {
        "exchange_rate": literal(offer.terms.exchange_rate),
        "exchange_fee": plain_text(found.exchange_fee_units, COIN),
        "exchange_fee_rate": literal(offer.terms.exchange_fee_rate),
        "loading_fee": plain_text(found.loading_fee_units, COIN),
        "loading_fee_rate": literal(found.loading_fee_rate),
    }


def _given(_: object, answer: Any) -> Any:
    return answer


def _itself(answer: Any) -> Any:
    return answer


@family.route(
    "GET", "/customers/balance", "institution_balance", auth="common", summary=N_("The float and where to fill it"),
    errors=("111008", "111009"),
)  # fmt: skip
def institution_balance(call: Call[Signed]) -> Any:
    """The institution's accounts, as a plain array (reading P30)."""
    return balance_result(institutions.usable_floats(portal().db, call.caller.institution_id))


def balance_result(states: list[FloatState]) -> list[dict[str, str]]:
    """The accounts as the contract shows them."""
    return [
        {"balance": plain_text(state.balance_units, state.asset), "address": state.address, "coin_type": state.asset}
        for state in states
    ]
