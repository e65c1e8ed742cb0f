"""What a counter asks for: an amount behind a code, shown as a QR to `/pay/<code>`, paid once or not at all."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import states
from portal.db import context, now
from portal.errors import N_, Refusal, declare
from portal.machines.shopping import PAYMENT_REQUEST
from portal.models.customers import Customer
from portal.models.stores import PaymentRequest, ShoppingOrder, Store
from portal.money import parse_units, plain_text
from portal.services import cards, failures, messages, notifications, parameters, stores
from portal.services.notifications import Event
from portal.services.voucher_customers import units

parameters.declare("merchant.requests", {"most": "10000000", "life_seconds": 600})

SHORTEST_SECONDS, LONGEST_SECONDS = 60, 24 * 3600
MAX_NOTE, MAX_REFERENCE = 100, 64
#: So many requests an hour may reach a card's holder by SMS from one store; more come as a line in their list only.
MAX_SMS, SMS_WINDOW = 10, timedelta(hours=1)

declare(
    {
        "card_unknown": N_("This card is not registered. Let the customer scan the code instead."),
        "request_not_open": N_("This request is no longer open: it was paid, cancelled or has run out."),
        "request_life_invalid": N_("A request lives from one minute to one day."),
    }
)

notifications.declare(
    {
        "payment_asked": Event(
            "vouchers", N_("%(store)s asks for a payment"), N_("Look at the %(amount)s and confirm or ignore it."), mail=False,
            icon="store",
        ),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class State:
    """Where a request stands: what a counter asks again and again."""

    id: int
    status: str
    expires_at: datetime
    order_id: int | None

    def at(self, moment: datetime) -> str:
        """The status as it is at a moment: an open one past its life has expired, whoever has noted it yet."""
        return "expired" if self.status == "open" and self.expires_at <= moment else self.status


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with the payment that settled it, if one did."""

    request: PaymentRequest
    order: ShoppingOrder | None


def create(
    session: Session,
    store: Store,
    amount: object,
    *,
    made_by: str,
    note: str = "",
    reference: str = "",
    life_seconds: int | None = None,
    card_no: str = "",
) -> PaymentRequest:
    """Asks for an amount of TWIP before the store's discount. With a card only its holder can pay, and is told at once.

    Raises Refusal `store_closed`, `amount_…`, `input_invalid` (note, reference), `request_life_invalid`, `card_unknown`.
    """
    if store.standing != "open":
        raise Refusal("store_closed")
    rule = parameters.get(session, "merchant.requests")
    amount_units = units(amount, "TWIP", "amount")
    if not 0 < amount_units <= parse_units(rule["most"], "TWIP"):
        raise Refusal("amount_out_of_range", field="amount")
    life = int(rule["life_seconds"]) if life_seconds is None else life_seconds
    if not SHORTEST_SECONDS <= life <= LONGEST_SECONDS:
        raise Refusal("request_life_invalid", field="expires_in")
    holder = _holder(session, card_no) if card_no else None
    moment = now(session)
    made = PaymentRequest(
        code=stores.new_code(12),
        store_id=store.id,
        customer_id=holder,
        amount_units=amount_units,
        note=_text(note, MAX_NOTE, "note"),
        reference=_text(reference, MAX_REFERENCE, "reference"),
        made_by=made_by,
        created_at=moment,
        expires_at=moment + timedelta(seconds=life),
    )
    session.add(made)
    states.begin(session, PAYMENT_REQUEST, made, made_by)
    if holder is not None:
        _tell_holder(session, store, made, holder)
    return made


def cancel(session: Session, store_id: int, public_id: str, actor: str) -> PaymentRequest:
    """Takes a request back. Raises Refusal `not_found`, `request_not_open`."""
    found = find(session, store_id, public_id).request
    if State(found.id, found.status, found.expires_at, found.order_id).at(now(session)) != "open":
        raise Refusal("request_not_open")
    try:
        states.advance(session, PAYMENT_REQUEST, found, "cancelled", actor)
    except Refusal as refusal:
        raise Refusal("request_not_open") from refusal
    return found


def find(session: Session, store_id: int, public_id: str) -> Asked:
    """A store's request. Raises Refusal `not_found`, alike for another store's."""
    query = (
        sa.select(PaymentRequest, ShoppingOrder)
        .outerjoin(ShoppingOrder, ShoppingOrder.id == PaymentRequest.order_id)
        .where(PaymentRequest.public_id == public_id, PaymentRequest.store_id == store_id)
    )
    row = session.execute(query).first()
    if row is None:
        raise Refusal("not_found")
    return Asked(row[0], row[1])


def page(
    session: Session, store_id: int, *, before: str | None = None, status: str | None = None, count: int = 20
) -> list[Asked]:
    """A store's requests, newest first, below the one named `before`: one page by keyset. Raises Refusal `not_found`."""
    query = (
        sa.select(PaymentRequest, ShoppingOrder)
        .outerjoin(ShoppingOrder, ShoppingOrder.id == PaymentRequest.order_id)
        .where(PaymentRequest.store_id == store_id)
    )
    if status == "open":
        query = query.where(PaymentRequest.status == "open", PaymentRequest.expires_at > now(session))
    elif status == "expired":
        over = sa.and_(PaymentRequest.status == "open", PaymentRequest.expires_at <= now(session))
        query = query.where(sa.or_(PaymentRequest.status == "expired", over))
    elif status is not None:
        query = query.where(PaymentRequest.status == status)
    if before is not None:
        query = query.where(PaymentRequest.id < find(session, store_id, before).request.id)
    return [Asked(*row) for row in session.execute(query.order_by(PaymentRequest.id.desc()).limit(count))]


_requests = PaymentRequest.__table__
_STATE = sa.select(
    _requests.c.id, _requests.c.status, _requests.c.expires_at, _requests.c.order_id
).where(_requests.c.public_id == sa.bindparam("public_id"), _requests.c.store_id == sa.bindparam("store_id"))  # fmt: skip


def state(session: Session, store_id: int, public_id: str) -> State:
    """Where a request stands, by one small statement. Raises Refusal `not_found`."""
    row = session.execute(_STATE, {"public_id": public_id, "store_id": store_id}).first()
    if row is None:
        raise Refusal("not_found")
    return State(*row)


def address_of(session: Session, code: str) -> str:
    """What the QR of a request, or of a store's own code, holds."""
    return f"{context(session).settings.public_url}/pay/{code}"


def _holder(session: Session, card_no: str) -> int:
    found = cards.holder_of(session, card_no.strip())
    if found is None:
        raise Refusal("card_unknown", field="card_no")
    return found


def _tell_holder(session: Session, store: Store, made: PaymentRequest, customer_id: int) -> None:
    """Tells the card's holder: a line in their list, and the link by SMS within bounds."""
    amount = notifications.amount(made.amount_units, "TWIP")
    notifications.tell(
        session, customer_id, "payment_asked", {"store": store.name, "amount": amount}, f"/pay/{made.code}"
    )
    customer = session.get_one(Customer, customer_id)
    if not customer.phone or customer.phone_verified_at is None:
        return
    counter = f"payment_asked:{store.id}:{customer_id}"
    if failures.spend(session, counter, MAX_SMS, SMS_WINDOW) is not None:
        return
    facts = {
        "store": store.name,
        "amount": plain_text(made.amount_units, "TWIP"),
        "link": address_of(session, made.code),
    }
    messages.sms(session, customer.phone, "payment_asked", customer.locale, facts, expires_at=made.expires_at)


def _text(text: str, longest: int, field: str) -> str | None:
    plain = " ".join(text.split())
    if len(plain) > longest or not plain.isprintable():
        raise Refusal("input_invalid", field=field)
    return plain or None
