"""The bank's side of a card: account status, balance, statements (partner contract 5.1 to 5.3), asked at the network."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from portal.api.family import Call
from portal.api.partner.authentication import Signed
from portal.api.partner.family import Model, family
from portal.errors import N_, Refusal, declare
from portal.http import portal
from portal.models.cards import PartnerCard
from portal.money import places_text, plain_text
from portal.ports import NetworkStatement, PortError, PortRejected
from portal.services import partner_cards

_MONTH = re.compile(r"(0[1-9]|1[0-2])([0-9]{4})", re.ASCII)
MOST_MONTHS = 6
CURRENCY = "USD"

declare({"statement_span_too_long": N_("Statements are given for at most six months.")})


class CardOnly(Model):
    """Which card."""

    card_no: str


class StatementBody(Model):
    """Which card, from which month to which (MMyyyy)."""

    card_no: str
    former_month_year: str
    latter_month_year: str


def _ask(call: Call[Signed], question: Callable[[PartnerCard], Any]) -> Any:
    """Asks the network about a card of the caller, outside any transaction; the answer is kept for an Idempotency-Key."""
    repeated = call.repeated()
    if repeated is not None:
        return repeated
    card = call.look(partner_cards.find, call.caller.institution_id, call.body.card_no)
    try:
        answer = question(card)
    except (PortError, PortRejected) as error:
        raise Refusal("card_network_away", field="card_no") from error
    return call.change(lambda given: given, lambda _, given: given, answer)


@family.route(
    "POST", "/bank/account-status", "card_activated", auth="bank", summary=N_("Whether a card is activated"), body=CardOnly,
    errors=("111012", "111030"), example=True,
)  # fmt: skip
def card_activated(call: Call[Signed]) -> Any:
    """Whether the card's account was activated."""
    return _ask(call, lambda card: portal().ports.card_network.account(card.network_id).active)


@family.route(
    "POST", "/bank/balance", "card_balance", auth="bank", summary=N_("A card's balance"), body=CardOnly,
    errors=("111012", "111018", "111030"),
)  # fmt: skip
def card_balance(call: Call[Signed]) -> Any:
    """What is booked and what can be spent."""

    def question(card: PartnerCard) -> dict[str, str]:
        account = portal().ports.card_network.account(card.network_id)
        if not account.active:
            raise Refusal("partner_card_offline", field="card_no")
        return {
            "card_number": card.masked_number,
            "card_type": account.product,
            "current_balance": plain_text(account.balance_units, CURRENCY),
            "available_balance": plain_text(account.available_units, CURRENCY),
        }

    return _ask(call, question)


@family.route(
    "POST", "/bank/transaction-record", "card_statement", auth="bank", summary=N_("A card's statements"), body=StatementBody,
    errors=("111012", "111030", "111036", "111037"),
)  # fmt: skip
def card_statement(call: Call[Signed]) -> Any:
    """Statements by month, at most six."""
    body: StatementBody = call.body
    first, last = (
        _month(body.former_month_year, "former_month_year"),
        _month(body.latter_month_year, "latter_month_year"),
    )
    span = (last[0] - first[0]) * 12 + last[1] - first[1] + 1
    if span < 1:
        raise Refusal("time_unreadable", field="latter_month_year")
    if span > MOST_MONTHS:
        raise Refusal("statement_span_too_long", field="latter_month_year")

    def question(card: PartnerCard) -> list[dict[str, Any]]:
        found = portal().ports.card_network.statements(card.network_id, first, last)
        return [_statement(statement) for statement in found]

    return _ask(call, question)


def _month(text: str, field: str) -> tuple[int, int]:
    found = _MONTH.fullmatch(text)
    if not found or int(found.group(2)) < 1900:
        raise Refusal("time_unreadable", field=field)
    return int(found.group(2)), int(found.group(1))


def _statement(statement: NetworkStatement) -> dict[str, Any]:
    return {
        "month_year": f"{statement.month:02d}{statement.year:04d}",
        "statement_cycle_date": _day(statement.closes_on),
        "opening_balance": places_text(statement.opening_units, CURRENCY, 2),
        "closing_balance": places_text(statement.closing_units, CURRENCY, 2),
        "available_balance": "N/A",
        "bank_tx_list": [
            {
                "transaction_date": _day(line.booked_on),
                "posting_date": _day(line.posted_on),
                "description": line.description,
                "debit": places_text(line.debit_units, CURRENCY, 2) if line.debit_units else "",
                "credit": places_text(line.credit_units, CURRENCY, 2) if line.credit_units else "",
                "type": line.kind,
            }
            for line in statement.lines
        ],
    }


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"
