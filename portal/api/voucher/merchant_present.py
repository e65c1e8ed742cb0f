"""How the till API writes things: amounts as plain text in TWIP, times as the voucher family's, ids as text."""

from typing import Any

from portal.api.voucher.present import moment
from portal.clock import to_ms
from portal.http import portal
from portal.models.stores import Refund, Store, StoreMember
from portal.models.wallet import Withdrawal
from portal.money import plain_text
from portal.services import stores
from portal.services.payment_requests import Asked
from portal.services.refunds import Given
from portal.services.settlements import Position
from portal.services.store_payments import Taken
from portal.services.takings import Day

#: The withdrawal's states in the words of a settlement.
SETTLEMENT_STATUS = {
    "created": "awaiting_code",
    "otp_pending": "awaiting_code",
    "confirmed": "paid",
    "failed": "failed",
    "rejected": "failed",
    "cancelled": "cancelled",
    "expired": "expired",
}


def twip(units: int) -> str:
    """An amount of TWIP as plain text: `120.5`."""
    return plain_text(units, "TWIP")


def pay_url(code: str) -> str:
    """What a QR holds."""
    return f"{portal().settings.public_url}/pay/{code}"


def store(found: Store, members: list[tuple[StoreMember, str]], position: Position, today: Day) -> dict[str, Any]:
    """The store behind a key, with its people, its balance and its day so far."""
    return {
        "id": found.public_id,
        "name": found.name,
        "open": found.standing == "open",
        "discount_type": found.discount_type,
        "discount_value": found.discount_value,
        "pay_url": pay_url(found.code),
        "members": [{"id": member.public_id, "name": name, "role": member.role} for member, name in members],
        "balance": {
            "available": twip(position.available_units),
            "frozen": twip(position.frozen_units),
            "payable": twip(position.payable_units),
        },
        "today": day(today),
    }


def request(asked: Asked, found: Store) -> dict[str, Any]:
    """A payment request; `payable` is the amount after the store's discount as it is now, or as it was when paid."""
    made, order = asked.request, asked.order
    payable = order.amount_units if order else stores.bill_of(found, made.amount_units).amount_units
    expired = made.status == "open" and to_ms(made.expires_at) <= portal().clock.now_ms()
    return {
        "id": made.public_id,
        "status": "expired" if expired else made.status,
        "amount": twip(made.amount_units),
        "payable": twip(payable),
        "note": made.note,
        "reference": made.reference,
        "for_card": made.customer_id is not None,
        "code": made.code,
        "pay_url": pay_url(made.code),
        "payment": order.public_id if order else None,
        "created_at": moment(made.created_at),
        "expires_at": moment(made.expires_at),
        "paid_at": moment(made.paid_at),
    }


def payment(taken: Taken, refunds: list[Refund] | None = None) -> dict[str, Any]:
    """A payment; with its refunds where one is asked for."""
    order = taken.order
    shown: dict[str, Any] = {
        "id": order.public_id,
        "status": taken.state,
        "bill": twip(order.bill_units),
        "discount": twip(order.discount_units),
        "amount": twip(order.amount_units),
        "refunded": twip(order.refunded_units),
        "payer": f"***{taken.phone[-3:]}" if taken.phone else None,
        "payment_request": taken.request.public_id if taken.request else None,
        "reference": taken.request.reference if taken.request else None,
        "paid_at": moment(order.paid_at),
    }
    if refunds is not None:
        shown["refunds"] = [_refund(one, order.public_id) for one in refunds]
    return shown


def refund(given: Given) -> dict[str, Any]:
    """A refund."""
    return _refund(given.refund, given.order.public_id)


def _refund(found: Refund, payment_id: str) -> dict[str, Any]:
    return {
        "id": found.public_id,
        "payment": payment_id,
        "amount": twip(found.amount_units),
        "reason": found.reason,
        "status": found.status,
        "created_at": moment(found.created_at),
    }


def settlement(found: Withdrawal) -> dict[str, Any]:
    """A settlement."""
    return {
        "id": found.public_id,
        "reference": found.reference,
        "amount": twip(found.amount_units),
        "status": SETTLEMENT_STATUS.get(found.status, "processing"),
        "created_at": moment(found.created_at),
        "paid_at": moment(found.confirmed_at),
    }


def day(found: Day) -> dict[str, Any]:
    """A day's statement. A closed day does not change any more; the present one closes as of now."""
    return {
        "day": found.day,
        "opening": twip(found.opening_units),
        "payments": found.payments,
        "bill": twip(found.bill_units),
        "discount": twip(found.discount_units),
        "paid": twip(found.paid_units),
        "refunds": found.refunds,
        "refunded": twip(found.refunded_units),
        "settlements": found.settlements,
        "settled": twip(found.settled_units),
        "other": twip(found.other_units),
        "closing": twip(found.closing_units),
    }
