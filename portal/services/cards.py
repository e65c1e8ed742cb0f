"""NFC cards that tell a counter who stands there: claimed by number, proven by SMS, at most ten, one holder each."""

import re
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import states
from portal.db import insert_if_absent, now
from portal.errors import N_, Refusal, declare
from portal.machines.cards import CARD
from portal.models.columns import new_public_id
from portal.models.customers import Customer
from portal.models.vouchers import Card
from portal.services import audit, codes, messages
from portal.services.voucher_customers import acting, phone_of

declare(
    {
        "card_mine": N_("This card is on your list already."),
        "card_of_another": N_("This card is registered to somebody else."),
        "card_limit": N_("You can register 10 cards at most."),
        "card_not_waiting": N_("There is no such card, or it is verified already."),
    }
)

PURPOSE = "voucher_card"

MAX_CARDS = 10

#: A claim that nobody proves lapses after this, and the card is free again.
CLAIM_LIFE = timedelta(minutes=15)

_CARD_NO = re.compile(r"[0-9A-Za-z]{20}", re.ASCII)


def canonical_number(text: str) -> str:
    """The number of 20 letters and digits, in lower case. Raises Refusal `input_invalid`."""
    if not _CARD_NO.fullmatch(text):
        raise Refusal("input_invalid", field="card_no")
    return text.lower()


def register(session: Session, customer_id: int, card_no: str) -> Card:
    """Claims a card and sends the code; claiming one's own pending card again sends a new code.

    Raises Refusal `card_mine`, `card_of_another`, `card_limit`, `code_too_soon`, `phone_missing`.
    """
    number = canonical_number(card_no)
    customer = _hold(session, customer_id)
    holder = session.scalar(sa.select(Card).where(Card.claimed_no == number).with_for_update())
    if holder is not None and _has_lapsed(session, holder):
        _lapse(session, holder)
        holder = None
    if holder is not None and holder.customer_id != customer.id:
        raise Refusal("card_of_another", field="card_no")
    if holder is not None and holder.status == "verified":
        raise Refusal("card_mine", field="card_no")
    if holder is not None:
        _send(session, customer, holder, throttle=True)
        return holder
    card = _claim(session, customer, number)
    _send(session, customer, card, throttle=False)
    return card


def resend(session: Session, customer_id: int, card_no: str) -> None:
    """Sends a new code. Raises Refusal `card_not_waiting`, `code_too_soon`."""
    customer = acting(session, customer_id)
    card = _waiting(session, customer_id, card_no)
    _send(session, customer, card, throttle=True)


def verify(session: Session, customer_id: int, card_no: str, otp: str) -> Card:
    """Proves a claim. Raises Refusal `card_not_waiting`, `code_wrong` (kept), `code_expired`."""
    customer = acting(session, customer_id)
    card = _waiting(session, customer_id, card_no)
    codes.verify(session, PURPOSE, f"card:{card.id}", phone_of(customer), otp)
    actor = f"customer:{customer_id}"
    states.advance(session, CARD, card, "verified", actor, verified_at=now(session), lapses_at=None)
    audit.write(session, actor, "card.register", f"card:{card.id}")
    return card


def delete(session: Session, customer_id: int, public_id: str) -> None:
    """Gives a card up. Raises Refusal `not_found`, for somebody else's alike."""
    card = session.scalar(
        sa.select(Card)
        .where(Card.public_id == public_id, Card.customer_id == customer_id, Card.status == "verified")
        .with_for_update()
    )
    if card is None:
        raise Refusal("not_found")
    actor = f"customer:{customer_id}"
    states.advance(session, CARD, card, "deleted", actor, deleted_at=now(session), claimed_no=None)
    audit.write(session, actor, "card.delete", f"card:{card.id}")


def verified(customer_id: int) -> sa.Select[Card]:
    """The query of a customer's verified cards (reading V33)."""
    return sa.select(Card).where(Card.customer_id == customer_id, Card.status == "verified")


def of_customer(session: Session, customer_id: int) -> list[Card]:
    """All of a customer's verified cards, newest first; there are at most ten."""
    return list(session.scalars(verified(customer_id).order_by(Card.id.desc()).limit(MAX_CARDS)))


def waiting(session: Session, customer_id: int) -> list[Card]:
    """A customer's claims that wait for their code, newest first."""
    query = sa.select(Card).where(
        Card.customer_id == customer_id, Card.status == "pending", Card.lapses_at > now(session)
    )
    return list(session.scalars(query.order_by(Card.id.desc()).limit(MAX_CARDS)))


def holder_of(session: Session, card_no: str) -> int | None:
    """Whose verified card this is: what a tap at the counter asks. None for an unknown one."""
    if not _CARD_NO.fullmatch(card_no):
        return None
    found = sa.select(Card.customer_id).where(Card.claimed_no == card_no.lower(), Card.status == "verified")
    return session.scalar(found)


def lapse_due(session: Session, count: int = 200) -> int:
    """Frees cards whose claims were not proven in time; how many."""
    query = sa.select(Card).where(Card.status == "pending", Card.lapses_at <= now(session)).order_by(Card.id)
    due = list(session.scalars(query.limit(count).with_for_update(skip_locked=True)))
    for card in due:
        _lapse(session, card)
    return len(due)


def _hold(session: Session, customer_id: int) -> Customer:
    """The customer, locked: claims of one customer come one after another, so that ten stay ten."""
    session.execute(sa.select(Customer.id).where(Customer.id == customer_id).with_for_update(key_share=True))
    return acting(session, customer_id)


def _claim(session: Session, customer: Customer, number: str) -> Card:
    moment = now(session)
    held = session.scalar(
        sa.select(sa.func.count()).select_from(Card).where(
            Card.customer_id == customer.id,
            sa.or_(Card.status == "verified", sa.and_(Card.status == "pending", Card.lapses_at > moment)),
        )
    )  # fmt: skip
    if (held or 0) >= MAX_CARDS:
        raise Refusal("card_limit", field="card_no")
    public_id = new_public_id()
    row = {
        "public_id": public_id,
        "customer_id": customer.id,
        "card_no": number,
        "claimed_no": number,
        "status": CARD.start,
        "created_at": moment,
        "lapses_at": moment + CLAIM_LIFE,
    }
    if not insert_if_absent(session, Card.__table__, row):
        raise Refusal("card_of_another", field="card_no")
    card = session.scalars(sa.select(Card).where(Card.public_id == public_id)).one()
    states.begin(session, CARD, card, f"customer:{customer.id}")
    return card


def _waiting(session: Session, customer_id: int, card_no: str) -> Card:
    card = session.scalar(
        sa.select(Card)
        .where(Card.claimed_no == canonical_number(card_no), Card.customer_id == customer_id, Card.status == "pending")
        .with_for_update()
    )
    if card is None or _has_lapsed(session, card):
        raise Refusal("card_not_waiting", field="card_no")
    return card


def _has_lapsed(session: Session, card: Card) -> bool:
    return card.status == "pending" and card.lapses_at is not None and card.lapses_at <= now(session)


def _lapse(session: Session, card: Card) -> None:
    states.advance(session, CARD, card, "lapsed", "system", "not proven in time", claimed_no=None)
    codes.end(session, PURPOSE, f"card:{card.id}")


def _send(session: Session, customer: Customer, card: Card, *, throttle: bool) -> None:
    phone = phone_of(customer)
    code = codes.issue(session, PURPOSE, f"card:{card.id}", "sms", phone, throttle=throttle, signed_in=True)
    messages.sms(
        session, phone, "card_code", customer.locale, {"tail": card.card_no[-4:]}, code=code,
        expires_at=now(session) + codes.LIFE,
    )  # fmt: skip
