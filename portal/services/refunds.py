"""Giving money back: from the store's takings to the customer who paid, in part or whole, signed with a member's PIN."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import ledger
from portal.db import now
from portal.errors import N_, Refusal, declare
from portal.ledger import Line
from portal.models.stores import Refund, ShoppingOrder, Store, StoreMember
from portal.money import parse_units, plain_text
from portal.services import activity, limits, notifications, parameters, references, store_members, takings, webhooks
from portal.services.notifications import Event
from portal.services.store_members import OWNER, REFUND, Signature
from portal.services.voucher_customers import units

#: What a cashier may give back without an owner, in TWIP: of one payment, and in a day.
parameters.declare("merchant.refunds", {"cashier_per_payment": "3000", "cashier_per_day": "10000"})

MAX_REASON = 200

declare(
    {
        "refund_too_large": N_("This is more than what is left of the payment."),
        "refund_needs_owner": N_("This is above a cashier's limit. An owner has to sign it with their PIN."),
        "refund_not_paid": N_("Only a payment that was paid can be refunded."),
        "takings_too_low": N_("The store's balance is too low for this refund: takings were settled already."),
    }
)

notifications.declare(
    {
        "payment_refunded": Event(
            "vouchers", N_("Refund from %(store)s"), N_("%(amount)s came back to your vouchers."), icon="rotate-ccw"
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Given:
    """A refund with the payment it belongs to."""

    refund: Refund
    order: ShoppingOrder


def refund(
    session: Session,
    store: Store,
    order_public_id: str,
    amount: object,
    *,
    reason: str = "",
    signed: Signature,
    approved: Signature | None = None,
) -> Given:
    """Gives back a part or all of what is left of a payment, in one journal.

    `signed` is the PIN of the member who does it, `approved` an owner's, needed above a cashier's limits. Raises Refusal
    `not_found`, `forbidden`, `refund_not_paid`, `amount_…`, `refund_too_large` (fact: left_units), `refund_needs_owner`
    (fact: limit_units), `takings_too_low`.
    """
    order = _hold(session, store.id, order_public_id)
    member = _signer(session, store.id, signed)
    if order.status != "paid":
        raise Refusal("refund_not_paid")
    amount_units = units(amount, "TWIP", "amount")
    if amount_units <= 0:
        raise Refusal("amount_out_of_range", field="amount")
    left = order.amount_units - order.refunded_units
    if amount_units > left:
        raise Refusal("refund_too_large", field="amount", left_units=left)
    _check_limits(session, store.id, order, amount_units, member, approved)
    actor = f"customer:{member.customer_id}"
    made = Refund(
        order_id=order.id,
        store_id=store.id,
        customer_id=order.customer_id,
        amount_units=amount_units,
        reason=_reason(reason),
        made_by=actor,
        created_at=now(session),
    )
    session.add(made)
    order.refunded_units += amount_units
    order.updated_at = now(session)
    session.flush()
    _post(session, made, actor)
    _tell(session, store, order, made)
    return Given(made, order)


def _hold(session: Session, store_id: int, public_id: str) -> ShoppingOrder:
    """The store's payment, locked. Raises Refusal `not_found`, alike for another store's."""
    found = session.scalar(
        sa.select(ShoppingOrder)
        .where(ShoppingOrder.public_id == public_id, ShoppingOrder.store_id == store_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise Refusal("not_found")
    return found


def _signer(session: Session, store_id: int, signature: Signature) -> StoreMember:
    """The member who signed, locked, so that a day's limit is counted one after the other. Raises Refusal `forbidden`."""
    found = session.scalar(
        sa.select(StoreMember)
        .where(
            StoreMember.id == signature.member_id, StoreMember.store_id == store_id, StoreMember.removed_at.is_(None)
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None or REFUND not in store_members.PERMISSIONS[found.role]:
        raise Refusal("forbidden")
    return found


def _check_limits(
    session: Session,
    store_id: int,
    order: ShoppingOrder,
    amount_units: int,
    member: StoreMember,
    approved: Signature | None,
) -> None:
    if member.role == OWNER:
        return
    if approved is not None:
        if _signer(session, store_id, approved).role != OWNER:
            raise Refusal("refund_needs_owner", field="amount")
        return
    rule = parameters.get(session, "merchant.refunds")
    per_payment = parse_units(rule["cashier_per_payment"], "TWIP")
    if order.refunded_units + amount_units > per_payment:
        raise Refusal("refund_needs_owner", field="amount", limit_units=per_payment)
    per_day = parse_units(rule["cashier_per_day"], "TWIP")
    try:
        limits.check_and_use(session, "store_member", member.id, "refunds", amount_units, per_day, per_day * 31)
    except Refusal as refusal:
        if refusal.name != "limit_exceeded":
            raise
        left = refusal.facts["remaining_units"]
        raise Refusal("refund_needs_owner", field="amount", limit_units=left) from refusal


def _post(session: Session, made: Refund, actor: str) -> None:
    lines = [
        Line(ledger.store_available(made.store_id, "TWIP"), -made.amount_units),
        Line(ledger.customer_available(made.customer_id, "TWIP"), made.amount_units),
    ]
    try:
        ledger.post(session, "refund", f"refund:{made.id}", lines, actor=actor)
    except Refusal as refusal:
        if refusal.name == "insufficient_balance":
            raise Refusal("takings_too_low", field="amount", **refusal.facts) from refusal
        raise
    takings.count(session, made.store_id, -made.amount_units, refunds=1, refunded_units=made.amount_units)


def _tell(session: Session, store: Store, order: ShoppingOrder, made: Refund) -> None:
    """The customer's line of history and message, and the store's webhook."""
    activity.record(
        session, made.customer_id, "refund", direction="in", asset="TWIP", amount_units=made.amount_units, status="done",
        reference=references.of_row("refund", made.created_at, made.id), counterparty=store.name, subject_kind="refund",
        subject_id=made.id, public_id=made.public_id,
        details={"store": store.public_id, "store_name": store.name, "payment": order.public_id, "reason": made.reason},
    )  # fmt: skip
    facts = {"store": store.name, "amount": notifications.amount(made.amount_units, "TWIP")}
    notifications.tell(session, made.customer_id, "payment_refunded", facts, f"/payments/{order.public_id}")
    content = {
        "refund": made.public_id,
        "payment": order.public_id,
        "amount": plain_text(made.amount_units, "TWIP"),
        "refunded": plain_text(order.refunded_units, "TWIP"),
        "reason": made.reason,
    }
    webhooks.tell(session, "store", store.id, "payment.refunded", content, key=f"refund:{made.id}")


def of_order(session: Session, order_id: int) -> list[Refund]:
    """The refunds of a payment, oldest first."""
    return list(session.scalars(sa.select(Refund).where(Refund.order_id == order_id).order_by(Refund.id)))


def find(session: Session, store_id: int, public_id: str) -> Given:
    """A store's refund. Raises Refusal `not_found`, alike for another store's."""
    row = session.execute(_given(store_id).where(Refund.public_id == public_id)).first()
    if row is None:
        raise Refusal("not_found")
    return Given(*row)


def page(session: Session, store_id: int, *, before: str | None = None, count: int = 20) -> list[Given]:
    """A store's refunds, newest first, below the one named `before`: one page by keyset. Raises Refusal `not_found`."""
    query = _given(store_id)
    if before is not None:
        query = query.where(Refund.id < find(session, store_id, before).refund.id)
    return [Given(*row) for row in session.execute(query.order_by(Refund.id.desc()).limit(count))]


def _given(store_id: int) -> sa.Select[Refund, ShoppingOrder]:
    return (
        sa.select(Refund, ShoppingOrder)
        .join(ShoppingOrder, ShoppingOrder.id == Refund.order_id)
        .where(Refund.store_id == store_id)
    )


def _reason(text: str) -> str | None:
    plain = " ".join(text.split())
    if len(plain) > MAX_REASON or not plain.isprintable():
        raise Refusal("input_invalid", field="reason")
    return plain or None
