"""Swapping one voucher for another (TWIP and TWIG): asked for, confirmed by SMS, done by one journal."""

from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import ledger, states
from portal.db import now
from portal.errors import N_, Refusal, declare
from portal.ledger import Line
from portal.machines.swapping import SWAPPING
from portal.models.customers import Customer
from portal.models.vouchers import SwapOrder
from portal.money import parse_units, plain_text, to_decimal, units_floor
from portal.services import activity, codes, messages, offering, parameters, references
from portal.services.voucher_customers import acting, phone_of, units

declare({"swap_closed": N_("This swap is not waiting for a code any more.")})

PURPOSE = "swap_order"

ASSETS = ("TWIP", "TWIG")

#: How many of the other voucher one gets; amounts and rates are plain decimal text.
parameters.declare("voucher_swap", {"TWIP-TWIG": "1", "TWIG-TWIP": "1", "least": "1", "most": "10000000"})


def rate_of(session: Session, from_asset: str, to_asset: str) -> Decimal:
    """How many `to_asset` one `from_asset` gives. Raises Refusal `currency_unknown`."""
    if from_asset not in ASSETS or to_asset not in ASSETS or from_asset == to_asset:
        raise Refusal("currency_unknown", field="to_asset" if from_asset in ASSETS else "from_asset")
    return Decimal(parameters.get(session, "voucher_swap")[f"{from_asset}-{to_asset}"])


def create(session: Session, customer_id: int, from_asset: str, to_asset: str, quantity: object) -> SwapOrder:
    """Makes a swap that waits for its code; the fund password was proven before. Nothing moves yet.

    Raises Refusal `currency_unknown`, `trading_paused`, `amount_…`, `insufficient_balance`, `account_restricted`,
    `phone_missing`.
    """
    rate = rate_of(session, from_asset, to_asset)
    offering.check(session, offering.TRADING, from_asset, to_asset, field="to_asset")
    rule = parameters.get(session, "voucher_swap")
    quantity_units = units(quantity, from_asset, "quantity")
    least, most = parse_units(rule["least"], from_asset), parse_units(rule["most"], from_asset)
    received = units_floor(to_decimal(quantity_units, from_asset) * rate, to_asset)
    if not least <= quantity_units <= most or not received:
        raise Refusal("amount_out_of_range", field="quantity", min_units=least, max_units=most, asset=from_asset)
    customer = acting(session, customer_id)
    available = ledger.balance(session, ledger.customer_available(customer_id, from_asset))
    if available < quantity_units:
        raise Refusal("insufficient_balance", field="quantity", asset=from_asset, available_units=available)
    moment = now(session)
    order = SwapOrder(
        customer_id=customer_id,
        from_asset=from_asset,
        to_asset=to_asset,
        quantity_units=quantity_units,
        received_units=received,
        rate=rate,
        created_at=moment,
        updated_at=moment,
        expires_at=moment + codes.LIFE,
    )
    session.add(order)
    actor = f"customer:{customer_id}"
    states.begin(session, SWAPPING, order, actor)
    _send(session, customer, order)
    states.advance(session, SWAPPING, order, "otp_pending", actor)
    return order


def verify(session: Session, customer_id: int, public_id: str, otp: str) -> SwapOrder:
    """Confirms a swap by its code and carries it out.

    Raises Refusal `not_found`, `swap_closed`, `code_wrong` (kept), `code_expired` (kept: the swap is expired then),
    `insufficient_balance`.
    """
    order = find(session, customer_id, public_id, lock=True)
    customer = acting(session, customer_id)
    if order.status != "otp_pending":
        raise Refusal("code_expired" if order.status == "expired" else "swap_closed", field="code")
    try:
        codes.verify(session, PURPOSE, f"swap_order:{order.id}", phone_of(customer), otp)
    except Refusal as refusal:
        if refusal.name != "code_expired":
            raise
        states.advance(session, SWAPPING, order, "expired", "system", "no code in time", updated_at=now(session))
        raise Refusal("code_expired", field="code", keep=True) from refusal
    settle(session, order, f"customer:{customer_id}")
    return order


def settle(session: Session, order: SwapOrder, actor: str) -> None:
    """Carries out a swap whose code was proven. Raises Refusal `insufficient_balance`."""
    moment = now(session)
    lines = [
        Line(ledger.customer_available(order.customer_id, order.from_asset), -order.quantity_units),
        Line(ledger.house("issuance", order.from_asset), order.quantity_units),
        Line(ledger.customer_available(order.customer_id, order.to_asset), order.received_units),
        Line(ledger.house("issuance", order.to_asset), -order.received_units),
    ]
    states.advance(session, SWAPPING, order, "otp_verified", actor, updated_at=moment)
    ledger.post(session, "voucher_swap", f"swap_order:{order.id}", lines, actor=actor)
    states.advance(session, SWAPPING, order, "token", actor, updated_at=moment)
    states.advance(session, SWAPPING, order, "complete", actor, updated_at=moment, completed_at=moment)
    activity.record(
        session, order.customer_id, "swap", direction="out", asset=order.from_asset, amount_units=order.quantity_units,
        counter_asset=order.to_asset, counter_units=order.received_units, status="complete",
        reference=references.of_row("swap", moment, order.id), subject_kind="swap_order", subject_id=order.id,
        public_id=order.public_id, details={"rate": str(order.rate)},
    )  # fmt: skip


def find(session: Session, customer_id: int, public_id: str, *, lock: bool = False) -> SwapOrder:
    """A customer's swap by its id outside. Raises Refusal `not_found`, for somebody else's alike."""
    query = sa.select(SwapOrder).where(SwapOrder.public_id == public_id, SwapOrder.customer_id == customer_id)
    found = session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise Refusal("not_found")
    return found


def expire_due(session: Session, count: int = 200) -> int:
    """Ends swaps whose code did not come in time; how many."""
    query = (
        sa.select(SwapOrder)
        .where(SwapOrder.status == "otp_pending", SwapOrder.expires_at <= now(session))
        .order_by(SwapOrder.id)
        .limit(count)
    )
    due = list(session.scalars(query.with_for_update(skip_locked=True)))
    for order in due:
        states.advance(session, SWAPPING, order, "expired", "system", "no code in time", updated_at=now(session))
        codes.end(session, PURPOSE, f"swap_order:{order.id}")
    return len(due)


def _send(session: Session, customer: Customer, order: SwapOrder) -> None:
    phone = phone_of(customer)
    code = codes.issue(session, PURPOSE, f"swap_order:{order.id}", "sms", phone, throttle=False)
    facts = {
        "quantity": plain_text(order.quantity_units, order.from_asset),
        "from_asset": order.from_asset,
        "received": plain_text(order.received_units, order.to_asset),
        "to_asset": order.to_asset,
    }
    messages.sms(session, phone, "swap_code", customer.locale, facts, code=code, expires_at=now(session) + codes.LIFE)
