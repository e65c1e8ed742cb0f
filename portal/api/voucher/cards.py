"""NFC cards. Contract: list_cards, register_card, resend_card_otp, verify_card, delete_card."""

from typing import Any

from sqlalchemy.orm import Session

from portal.api.family import Call
from portal.api.parsing import Model
from portal.api.voucher import paging, present
from portal.api.voucher.family import DONE, Done, Page, PageQuery, nothing, route
from portal.models.vouchers import Card
from portal.services import cards


class CardNumber(Model):
    card_no: str


class CardCode(CardNumber):
    otp: str


@route("GET", "/cards", "list_cards", "card", query=PageQuery, summary="The customer's verified cards")
def list_cards(call: Call[Any]) -> Page:
    query = cards.verified(call.caller.customer_id)
    return call.look(paging.read_short, query, Card.id, call.query.number, _cards)


def _cards(session: Session, rows: list[Card]) -> list[Any]:
    return [present.card(row) for row in rows]


@route(
    "POST", "/cards", "register_card", "card", body=CardNumber, summary="Claims a card and sends the code that proves it",
    errors=(
        "card_registered_by_myself", "card_registered_by_someone", "card_reach_maximum_limited",
        "card_request_otp_too_often",
    ),
)  # fmt: skip
def register_card(call: Call[Any]) -> Done:
    call.change(nothing, cards.register, call.caller.customer_id, call.body.card_no)
    return DONE


@route(
    "POST", "/cards/resend", "resend_card_otp", "card", body=CardNumber, summary="Sends the card's code again",
    errors=("card_invalid_status_or_verified", "card_request_otp_too_often"),
)  # fmt: skip
def resend_card_otp(call: Call[Any]) -> Done:
    call.change(nothing, cards.resend, call.caller.customer_id, call.body.card_no)
    return DONE


@route(
    "POST", "/cards/verify", "verify_card", "card", body=CardCode, summary="Proves a card",
    errors=("card_invalid_otp", "card_otp_expired", "card_invalid_status_or_verified"),
)  # fmt: skip
def verify_card(call: Call[Any]) -> Done:
    call.change(nothing, cards.verify, call.caller.customer_id, call.body.card_no, call.body.otp)
    return DONE


@route("DELETE", "/cards/<card>", "delete_card", "card", summary="Gives a card up", errors=("resource_missing",))
def delete_card(call: Call[Any], card: str) -> Done:
    call.change(nothing, cards.delete, call.caller.customer_id, card)
    return DONE
