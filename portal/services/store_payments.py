"""What was paid in a store, as its people see it: found by filters, shown, exported; and told to its webhooks."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.clock import to_ms
from portal.db import Database, now
from portal.errors import Refusal
from portal.models.customers import Customer
from portal.models.stores import PaymentRequest, ShoppingOrder
from portal.money import plain_text
from portal.services import payments, takings, webhooks

#: Events that a store's webhooks may be told of.
EVENTS = ("payment.paid", "payment.refunded", "settlement.paid")

#: Rows of one export at most, and how many are read at a time.
MAX_EXPORTED, BATCH = 100_000, 500


@dataclass(frozen=True, slots=True)
class Filters:
    """What to look for. Days are Taipei's and both included; `state` is empty, one of a payment's states, or
    with_refunds for what was given back in part or whole; `text` a payment's id or a till's reference, or their beginning.
    """

    first: date | None = None
    last: date | None = None
    state: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """A payment with the request it settled (if any) and the payer's phone, of which the pages show the last three."""

    order: ShoppingOrder
    request: PaymentRequest | None
    phone: str | None

    @property
    def left_units(self) -> int:
        """What has not been given back."""
        return self.order.amount_units - self.order.refunded_units

    @property
    def state(self) -> str:
        """`paid`, `partly_refunded` or `refunded`."""
        if not self.order.refunded_units:
            return "paid"
        return "partly_refunded" if self.left_units else "refunded"


def page(
    session: Session, store_id: int, filters: Filters, *, before: str | None = None, count: int = 25
) -> list[Taken]:
    """A store's payments, the latest paid first, below the one named `before`: one page by keyset.

    Raises Refusal `not_found` for a `before` that is none of the store's.
    """
    query = _matching(store_id, filters)
    if before is not None:
        last = find(session, store_id, before).order
        query = query.where(sa.tuple_(ShoppingOrder.paid_at, ShoppingOrder.id) < sa.tuple_(last.paid_at, last.id))
    query = query.order_by(ShoppingOrder.paid_at.desc(), ShoppingOrder.id.desc()).limit(count)
    return [Taken(*row) for row in session.execute(query)]


def find(session: Session, store_id: int, public_id: str) -> Taken:
    """A payment of a store. Raises Refusal `not_found`, alike for another store's and for one that was never paid."""
    row = session.execute(_paid(store_id).where(ShoppingOrder.public_id == public_id)).first()
    if row is None:
        raise Refusal("not_found")
    return Taken(*row)


def by_id(session: Session, store_id: int, order_id: int) -> Taken:
    """A payment of a store by its row number."""
    return Taken(*session.execute(_paid(store_id).where(ShoppingOrder.id == order_id)).one())


def export(db: Database, store_id: int, filters: Filters) -> Iterator[list[Taken]]:
    """The matching payments in batches, the latest first, up to MAX_EXPORTED; no transaction stays open in between."""
    before: str | None = None
    for _ in range(MAX_EXPORTED // BATCH):
        rows = db.read(page, store_id, filters, before=before, count=BATCH)
        if rows:
            yield rows
        if len(rows) < BATCH:
            return
        before = rows[-1].order.public_id


_some_back = ShoppingOrder.refunded_units > 0
_STATES = {
    "with_refunds": _some_back,
    "paid": ~_some_back,
    "partly_refunded": _some_back & (ShoppingOrder.refunded_units < ShoppingOrder.amount_units),
    "refunded": _some_back & (ShoppingOrder.refunded_units == ShoppingOrder.amount_units),
}


def _matching(store_id: int, filters: Filters) -> sa.Select[ShoppingOrder, PaymentRequest, str | None]:
    query = _paid(store_id)
    if filters.first is not None:
        query = query.where(ShoppingOrder.paid_at >= takings.start_of(filters.first))
    if filters.last is not None:
        query = query.where(ShoppingOrder.paid_at < takings.start_of(filters.last) + timedelta(days=1))
    if filters.state:
        query = query.where(_STATES[filters.state])
    text = filters.text.strip()[:64]
    if text:
        query = query.where(
            sa.or_(
                ShoppingOrder.public_id.startswith(text.lower(), autoescape=True),
                PaymentRequest.reference.startswith(text, autoescape=True),
            )
        )
    return query


def _paid(store_id: int) -> sa.Select[ShoppingOrder, PaymentRequest, str | None]:
    return (
        sa.select(ShoppingOrder, PaymentRequest, Customer.phone)
        .join(Customer, Customer.id == ShoppingOrder.customer_id)
        .outerjoin(PaymentRequest, PaymentRequest.id == ShoppingOrder.payment_request_id)
        .where(ShoppingOrder.store_id == store_id, ShoppingOrder.paid_at.is_not(None))
    )


@payments.when_paid
def note_paid(session: Session, paying: payments.Payment) -> None:
    """Counts a payment into the store's day and tells its webhooks, in the transaction that pays."""
    order, seen = paying.order, paying.seen
    takings.count(
        session, order.store_id, order.amount_units, open_day=seen.open_day if seen else None, payments=1,
        bill_units=order.bill_units, discount_units=order.discount_units, paid_units=order.amount_units,
    )  # fmt: skip
    if seen is not None and not seen.has_webhooks:
        return
    if not webhooks.wanted(session, "store", order.store_id, "payment.paid"):
        return
    request = session.get(PaymentRequest, order.payment_request_id) if order.payment_request_id else None
    content = {
        "payment": order.public_id,
        "store": paying.store.public_id,
        "bill": plain_text(order.bill_units, "TWIP"),
        "discount": plain_text(order.discount_units, "TWIP"),
        "amount": plain_text(order.amount_units, "TWIP"),
        "paid_at": to_ms(order.paid_at or now(session)),
        "payment_request": request.public_id if request else None,
        "reference": request.reference if request else None,
    }
    webhooks.tell(session, "store", order.store_id, "payment.paid", content, key=f"payment:{order.id}")
