"""Paying in a store: a checkout, its code, and one journal that moves the vouchers to the store.

The bill is what the counter asks; the store's discount comes off it (services/stores.py). A payment request of a counter
is settled by one payment only, whoever taps how often.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import exchanges, ledger, states
from portal.db import now
from portal.errors import N_, Refusal, declare
from portal.ledger import Line
from portal.machines.shopping import PAYMENT_REQUEST, SHOPPING
from portal.models.customers import Customer
from portal.models.stores import PaymentRequest, ShoppingOrder, Store
from portal.money import plain_text
from portal.services import activity, codes, messages, notifications, references, stores
from portal.services.notifications import Event
from portal.services.payment_look import Payment as Payment
from portal.services.payment_look import look
from portal.services.voucher_customers import acting, phone_of, units

declare(
    {
        "payment_closed": N_("This payment is not waiting for a code any more."),
        "payment_request_closed": N_("This payment request was paid, withdrawn or has run out."),
        "payment_request_of_another": N_("This payment request is for somebody else's card."),
    }
)

notifications.declare(
    {
        "payment_made": Event(
            "vouchers", N_("Payment to %(store)s"), N_("You paid %(amount)s at %(store)s."), mail=False, icon="store"
        ),
    }
)

PURPOSE = "payment"


def subject_of(order_public_id: str) -> str:
    """What the code of a payment proves."""
    return f"payment:{order_public_id}"


#: Told of every payment in its own transaction; the store's side adds its webhooks here.
PaidHook = Callable[[Session, Payment], None]
_when_paid: list[PaidHook] = []


def when_paid(hook: PaidHook) -> PaidHook:
    """Declares a hook that runs, in the same transaction, once a payment is paid."""
    if hook not in _when_paid:
        _when_paid.append(hook)
    return hook


def checkout(session: Session, customer_id: int, store_public_id: str, amount: object) -> Payment:
    """Makes a payment of a bill that waits for its code; nothing moves yet.

    Raises Refusal `not_found`, `amount_…`, `insufficient_balance`, `account_restricted`, `phone_missing`,
    `code_too_soon`.
    """
    bill_units = units_of(amount)
    store = stores.find(session, store_public_id)
    return _begin(session, acting(session, customer_id), store, stores.bill_of(store, bill_units), None)


def checkout_request(session: Session, customer_id: int, code: str) -> Payment:
    """Makes the payment that a counter asks for; tapped again, the one that waits already.

    Raises Refusal `not_found`, `payment_request_closed`, `payment_request_of_another` and those of `checkout`.
    """
    request = request_by_code(session, code)
    if request is None:
        raise Refusal("not_found")
    customer = acting(session, customer_id)
    if request.customer_id is not None and request.customer_id != customer_id:
        raise Refusal("payment_request_of_another")
    mine = newest_of_request(session, customer_id, request)
    if mine is not None:
        return mine
    if not is_open(session, request):
        raise Refusal("payment_request_closed")
    store = session.get_one(Store, request.store_id)
    return _begin(session, customer, store, stores.bill_of(store, request.amount_units), request)


def units_of(amount: object) -> int:
    """A bill in TWIP units. Raises Refusal `amount_…`."""
    return units(amount, "TWIP", "amount")


def request_by_code(session: Session, code: str) -> PaymentRequest | None:
    """The counter's request of a code."""
    return session.scalar(sa.select(PaymentRequest).where(PaymentRequest.code == code))


def is_open(session: Session, request: PaymentRequest) -> bool:
    """Whether a request can still be paid."""
    return request.status == "open" and request.expires_at > now(session)


def newest_of_request(session: Session, customer_id: int, request: PaymentRequest) -> Payment | None:
    """The customer's payment of a request: the one that is paid, or else the one that waits for its code."""
    query = (
        sa.select(ShoppingOrder)
        .where(
            ShoppingOrder.customer_id == customer_id,
            ShoppingOrder.payment_request_id == request.id,
            sa.or_(
                ShoppingOrder.status == "paid",
                sa.and_(ShoppingOrder.status == "otp_pending", ShoppingOrder.expires_at > now(session)),
            ),
        )
        .order_by(ShoppingOrder.paid_at.is_(None), ShoppingOrder.id.desc())
        .limit(1)
    )
    found = session.scalar(query)
    return Payment(found, session.get_one(Store, found.store_id)) if found else None


def _begin(
    session: Session, customer: Customer, store: Store, bill: stores.Bill, request: PaymentRequest | None
) -> Payment:
    phone_of(customer)
    available = ledger.balance(session, ledger.customer_available(customer.id, "TWIP"))
    if available < bill.amount_units:
        raise Refusal("insufficient_balance", field="amount", asset="TWIP", available_units=available)
    moment = now(session)
    order = ShoppingOrder(
        customer_id=customer.id,
        store_id=store.id,
        payment_request_id=request.id if request else None,
        bill_units=bill.bill_units,
        discount_units=bill.discount_units,
        amount_units=bill.amount_units,
        created_at=moment,
        updated_at=moment,
        expires_at=moment + codes.LIFE,
    )
    session.add(order)
    actor = f"customer:{customer.id}"
    states.begin(session, SHOPPING, order, actor)
    _send(session, customer, order, store, throttle=False)
    foreseen = _foreseen(session, Payment(order, store), actor)
    states.advance(session, SHOPPING, order, "otp_pending", actor, foreseen=foreseen)
    return Payment(order, store)


def resend(session: Session, customer_id: int, store_public_id: str, order_public_id: str) -> None:
    """Sends a new code; the older one ends. Raises Refusal `not_found`, `payment_closed`, `code_too_soon`."""
    paying, customer = _held(session, customer_id, store_public_id, order_public_id)
    if paying.order.status != "otp_pending" or paying.order.expires_at <= now(session):
        raise Refusal("payment_closed")
    _send(session, customer, paying.order, paying.store, throttle=True)
    paying.order.expires_at = now(session) + codes.LIFE
    session.flush()


def verify(session: Session, customer_id: int, store_public_id: str, order_public_id: str, otp: str) -> Payment:
    """Proves the code and pays: otp_verified, confirming and paid within one call (readings V7, V8).

    Raises Refusal `not_found`, also when store and order do not match; `payment_closed`, `code_wrong` (kept),
    `code_expired` (kept: the payment is expired then), `payment_request_closed`, `insufficient_balance`.
    """
    paying, phone = look(session, customer_id, store_public_id, order_public_id)
    order = paying.order
    if order.status != "otp_pending":
        raise Refusal("payment_closed")
    try:
        codes.verify(session, PURPOSE, subject_of(order.public_id), phone, otp, hopeful=True)
    except Refusal as refusal:
        if refusal.name != "code_expired":
            raise
        states.advance(session, SHOPPING, order, "expired", "system", "no code in time", updated_at=now(session))
        raise Refusal("code_expired", field="code", keep=True) from refusal
    settle(session, paying, f"customer:{customer_id}")
    return paying


def settle(session: Session, paying: Payment, actor: str) -> None:
    """Carries out a payment whose code was proven. Raises Refusal `payment_request_closed`, `insufficient_balance`."""
    order, moment = paying.order, now(session)
    if order.payment_request_id is not None:
        _close_request(session, order, actor)
    states.advance_along(session, SHOPPING, order, _TO_PAID, actor, updated_at=moment, paid_at=moment, foreseen=None)
    if order.amount_units:
        purse, lines = _lines(order)
        seen = {purse: paying.seen.purse_units} if paying.seen else {}
        ledger.post_seen(session, "payment", f"payment:{order.id}", lines, seen, actor=actor)
    activity.record(
        session, order.customer_id, "payment", direction="out", asset="TWIP", amount_units=order.amount_units,
        status="paid", subject_kind="shopping_order", subject_id=order.id, public_id=order.public_id,
        **_shown(paying, moment),
    )  # fmt: skip
    news = _news(paying)
    notifications.tell(session, order.customer_id, news["event"], news["facts"], news["link"])
    for hook in _when_paid:
        hook(session, paying)


#: The way of a payment whose code is right.
_TO_PAID = ("otp_verified", "confirming", "paid")


def _lines(order: ShoppingOrder) -> tuple[ledger.AccountKey, list[Line]]:
    """Who pays, and the journal of a payment."""
    purse = ledger.customer_available(order.customer_id, "TWIP")
    taken = Line(ledger.store_available(order.store_id, "TWIP"), order.amount_units)
    return purse, [Line(purse, -order.amount_units), taken]


def _news(paying: Payment) -> dict[str, Any]:
    order, store = paying.order, paying.store
    return {
        "event": "payment_made",
        "facts": {"store": store.name, "amount": notifications.amount(order.amount_units, "TWIP")},
        "link": f"/payments/{order.public_id}",
    }


def _foreseen(session: Session, paying: Payment, actor: str) -> dict[str, Any] | None:
    """What the payment will write when it is proven on the same day, for the database's `pay_foreseen` (migration 0005)."""
    order, moment = paying.order, now(session)
    lines = ledger.foreseen(session, _lines(order)[1]) if order.amount_units else None
    if lines is None:
        return None
    steps = ("otp_pending", *_TO_PAID)
    return {
        **lines,
        **_shown(paying, moment),
        **_news(paying),
        "day": activity.taipei_day(moment),
        "actor": actor,
        "steps": list(zip(steps, steps[1:], strict=False)),
    }


def _shown(paying: Payment, moment: datetime) -> dict[str, Any]:
    """What the line of history shows besides the amount."""
    order, store = paying.order, paying.store
    return {
        "reference": references.of_row("payment", moment, order.id),
        "counterparty": store.name,
        "details": {
            "store": store.public_id,
            "store_name": store.name,
            "bill_units": order.bill_units,
            "discount_units": order.discount_units,
        },
    }


def _close_request(session: Session, order: ShoppingOrder, actor: str) -> None:
    """Closes the counter's request by compare-and-set: one payment settles it. Raises `payment_request_closed`."""
    refusal = Refusal("payment_request_closed")
    wanted = {"request": order.payment_request_id, "order": order.id, "moment": now(session)}
    if session.get_bind().dialect.name == "sqlite":
        if exchanges.ask(session, _CLOSE_REQUEST, wanted).touched != 1:
            raise refusal
        states.record(session, PAYMENT_REQUEST, order.payment_request_id or 0, "open", "paid", actor)
        return
    exchanges.later(session, _CLOSE_AND_RECORD, {**wanted, "actor": actor}, otherwise=refusal)


_CLOSE_REQUEST = sa.text(
    "UPDATE payment_requests SET status = 'paid', order_id = :order, paid_at = :moment"
    " WHERE id = :request AND status = 'open' AND expires_at > :moment"
).bindparams(sa.bindparam("moment", type_=PaymentRequest.__table__.c.paid_at.type))

#: The same with its line of history; where nothing was closed there is no number to write into it.
_CLOSE_AND_RECORD = sa.text(
    f"WITH closed AS ({_CLOSE_REQUEST.text} RETURNING id)"
    " INSERT INTO state_changes (machine, thing_id, from_state, to_state, actor, at)"
    f" SELECT '{PAYMENT_REQUEST.name}', (SELECT id FROM closed), 'open', 'paid', CAST(:actor AS VARCHAR), :moment"
).bindparams(sa.bindparam("moment", type_=PaymentRequest.__table__.c.paid_at.type))


def find(session: Session, customer_id: int, public_id: str) -> Payment:
    """A customer's payment by its id outside. Raises Refusal `not_found`, for somebody else's alike."""
    query = (
        sa.select(ShoppingOrder, Store)
        .join(Store, Store.id == ShoppingOrder.store_id)
        .where(ShoppingOrder.public_id == public_id, ShoppingOrder.customer_id == customer_id)
    )
    found = session.execute(query).first()
    if found is None:
        raise Refusal("not_found")
    return Payment(found[0], found[1])


def of_customer(customer_id: int) -> sa.Select[ShoppingOrder]:
    """The query of a customer's payments."""
    return sa.select(ShoppingOrder).where(ShoppingOrder.customer_id == customer_id)


def with_stores(session: Session, orders: list[ShoppingOrder]) -> list[Payment]:
    """Payments with their stores, in one statement however many there are."""
    if not orders:
        return []
    found = session.scalars(sa.select(Store).where(Store.id.in_({order.store_id for order in orders})))
    by_id = {store.id: store for store in found}
    return [Payment(order, by_id[order.store_id]) for order in orders]


def page(
    session: Session, customer_id: int, *, before_id: int | None = None, after_id: int | None = None, count: int = 20
) -> list[Payment]:
    """A customer's payments, newest first, below (or just above) a number: one page by keyset."""
    query = of_customer(customer_id)
    if after_id is not None:
        newer = session.scalars(query.where(ShoppingOrder.id > after_id).order_by(ShoppingOrder.id).limit(count))
        return with_stores(session, list(newer)[::-1])
    if before_id is not None:
        query = query.where(ShoppingOrder.id < before_id)
    return with_stores(session, list(session.scalars(query.order_by(ShoppingOrder.id.desc()).limit(count))))


def expire_due(session: Session, count: int = 200) -> int:
    """Ends payments and counters' requests that ran out; how many."""
    moment = now(session)
    query = (
        sa.select(ShoppingOrder)
        .where(ShoppingOrder.status == "otp_pending", ShoppingOrder.expires_at <= moment)
        .order_by(ShoppingOrder.id)
        .limit(count)
    )
    due = list(session.scalars(query.with_for_update(skip_locked=True)))
    for order in due:
        states.advance(session, SHOPPING, order, "expired", "system", "no code in time", updated_at=moment)
        codes.end(session, PURPOSE, subject_of(order.public_id))
    asked = (
        sa.select(PaymentRequest)
        .where(PaymentRequest.status == "open", PaymentRequest.expires_at <= moment)
        .order_by(PaymentRequest.id)
        .limit(count)
    )
    over = list(session.scalars(asked.with_for_update(skip_locked=True)))
    for request in over:
        states.advance(session, PAYMENT_REQUEST, request, "expired", "system")
    return len(due) + len(over)


def _held(session: Session, customer_id: int, store_public_id: str, order_public_id: str) -> tuple[Payment, Customer]:
    """The customer's payment in that very store, locked. Raises Refusal `not_found`, `account_restricted`."""
    ids = {"order_id": order_public_id, "customer_id": customer_id, "store_id": store_public_id}
    found = session.execute(_HELD, ids).first()
    if found is None:
        raise Refusal("not_found")
    order, store, customer = found
    if customer.standing != "normal":
        raise Refusal("account_restricted")
    return Payment(order, store), customer


_HELD = (
    sa.select(ShoppingOrder, Store, Customer)
    .join(Store, Store.id == ShoppingOrder.store_id)
    .join(Customer, Customer.id == ShoppingOrder.customer_id)
    .where(
        ShoppingOrder.public_id == sa.bindparam("order_id"),
        ShoppingOrder.customer_id == sa.bindparam("customer_id"),
        Store.public_id == sa.bindparam("store_id"),
    )
    .with_for_update(of=ShoppingOrder)
    .execution_options(populate_existing=True)
)


def _send(session: Session, customer: Customer, order: ShoppingOrder, store: Store, *, throttle: bool) -> None:
    phone = phone_of(customer)
    subject = subject_of(order.public_id)
    code = codes.issue(session, PURPOSE, subject, "sms", phone, throttle=throttle, signed_in=True)
    facts = {"store": store.name, "amount": plain_text(order.amount_units, "TWIP")}
    messages.sms(
        session, phone, "payment_code", customer.locale, facts, code=code, expires_at=now(session) + codes.LIFE
    )
