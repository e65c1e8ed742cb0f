"""What the card network tells, taken in once and in order: activations, freezes, reviews, loads and uses of cards."""

import logging

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import ledger
from portal.db import affected, insert_if_absent
from portal.errors import Refusal
from portal.ledger import Line
from portal.models.cards import CardLoad, CardTransaction, PartnerCard
from portal.models.partner import CardType, NetworkCursor
from portal.money import plain_text
from portal.ports import NetworkEvent
from portal.services import loads, partner_cards, webhooks

log = logging.getLogger(__name__)

FEED = "card_network"

#: Where a card stands after an event of the network.
_STATES = {
    "activated": "active",
    "frozen": "frozen",
    "unfrozen": "active",
    "review_passed": "active",
    "review_failed": "review_failed",
}


def position(session: Session) -> int:
    """The number of the last event taken in."""
    return session.scalar(sa.select(NetworkCursor.position).where(NetworkCursor.name == FEED)) or 0


def take(session: Session, event: NetworkEvent) -> bool:
    """Takes an event in; False when it was taken before."""
    insert_if_absent(session, NetworkCursor.__table__, {"name": FEED, "position": 0})
    moved = session.execute(
        sa.update(NetworkCursor)
        .where(NetworkCursor.name == FEED, NetworkCursor.position < event.number)
        .values(position=event.number)
    )
    if affected(moved) != 1:
        return False
    card = partner_cards.by_network_id(session, event.network_id, lock=True)
    if card is None:
        return True
    if event.kind in _STATES:
        partner_cards.follow(session, card, _STATES[event.kind], "system", event.reason[:200])
    else:
        _book(session, card, event)
    return True


def _book(session: Session, card: PartnerCard, event: NetworkEvent) -> None:
    if event.kind == "load":
        load_id = session.scalar(sa.select(CardLoad.id).where(CardLoad.tx_id == event.key))
        if load_id is not None:
            loads.settle(session, load_id)
    currency = session.get_one(CardType, card.card_type_id).currency
    line = CardTransaction(
        network_number=event.number,
        card_id=card.id,
        kind=event.kind,
        description=event.description[:200],
        currency=currency,
        debit_units=event.debit_units,
        credit_units=event.credit_units,
        outcome="approved" if event.approved else "declined",
        reason=event.reason[:64] or None,
        posted=event.kind == "load",
        at=event.at,
    )
    if event.approved and event.kind != "load":
        line.posted = _post(session, card, event, currency)
    session.add(line)
    session.flush()
    _tell(session, card, event, currency)


def _post(session: Session, card: PartnerCard, event: NetworkEvent, currency: str) -> bool:
    change = event.credit_units - event.debit_units
    if not change:
        return True
    lines = [
        Line(ledger.card_balance(card.id, currency), change),
        Line(ledger.house("card_network", currency), -change),
    ]
    try:
        with session.begin_nested():
            ledger.post(session, f"card_{event.kind}", f"card_network:{event.number}", lines, actor="system")
    except Refusal as refusal:
        # The network has booked it all the same: the line is kept unposted for the reconciliation.
        log.error("card booking not posted", extra={"event": event.number, "reason": refusal.name})
        return False
    return True


def _tell(session: Session, card: PartnerCard, event: NetworkEvent, currency: str) -> None:
    facts = {
        "acct_no": card.acct_no,
        "card_no": card.card_no,
        "type": event.kind,
        "description": event.description,
        "currency_type": currency,
        "debit": plain_text(event.debit_units, currency),
        "credit": plain_text(event.credit_units, currency),
        "outcome": "approved" if event.approved else "declined",
        "reason": event.reason,
    }
    webhooks.tell(session, "institution", card.institution_id, "card.transaction", facts, key=f"network:{event.number}")


def transactions(
    session: Session, card_id: int, *, before: int | None = None, count: int = 50
) -> list[CardTransaction]:
    """A card's bookings and declined uses, newest first, those with numbers below `before`."""
    query = sa.select(CardTransaction).where(CardTransaction.card_id == card_id)
    if before is not None:
        query = query.where(CardTransaction.id < before)
    return list(session.scalars(query.order_by(CardTransaction.id.desc()).limit(count)))
