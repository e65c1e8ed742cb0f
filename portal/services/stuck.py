"""Things that have not moved for longer than they should, whatever they are."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import now
from portal.models.bank import BankRefund
from portal.models.cards import CardLoad, PartnerCard
from portal.models.kyc import KycLevel
from portal.models.partner import PartnerKyc
from portal.models.stores import ShoppingOrder
from portal.models.vouchers import BuyOrder, SwapOrder
from portal.models.wallet import Deposit, Transfer, Withdrawal
from portal.services import parameters

#: Life cycle → its table and the column that tells when it last moved.
_WATCHED: dict[str, tuple[Any, Any]] = {
    "withdrawal": (Withdrawal, Withdrawal.updated_at),
    "deposit": (Deposit, Deposit.seen_at),
    "transfer": (Transfer, Transfer.updated_at),
    "buying_order": (BuyOrder, BuyOrder.updated_at),
    "swapping_order": (SwapOrder, SwapOrder.updated_at),
    "shopping_order": (ShoppingOrder, ShoppingOrder.updated_at),
    "kyc_level": (KycLevel, KycLevel.submitted_at),
    "partner_kyc": (PartnerKyc, PartnerKyc.submitted_at),
    "partner_card": (PartnerCard, PartnerCard.created_at),
    "card_load": (CardLoad, CardLoad.created_at),
    "bank_refund": (BankRefund, BankRefund.updated_at),
}

#: How many minutes a thing may stay in a state before somebody should look: `<life cycle>.<state>`.
parameters.declare(
    "stuck",
    {
        "withdrawal.otp_verified": 5,
        "withdrawal.awaiting_approval": 240,
        "withdrawal.in_review": 2880,
        "withdrawal.approved": 30,
        "withdrawal.processing": 30,
        "withdrawal.broadcast": 120,
        "deposit.seen": 120,
        "transfer.email_confirmed": 1440,
        "buying_order.paid": 5,
        "buying_order.untoken": 1440,
        "buying_order.otp_verified": 5,
        "swapping_order.otp_verified": 5,
        "swapping_order.token": 5,
        "shopping_order.otp_verified": 5,
        "shopping_order.confirming": 5,
        "kyc_level.verifying": 2880,
        "partner_kyc.submitted": 60,
        "partner_kyc.processing": 60,
        "partner_kyc.checking": 1440,
        "partner_card.waiting_for_review": 1440,
        "card_load.submitted": 15,
        "card_load.sent": 60,
        "card_load.processing": 240,
        "bank_refund.ordered": 60,
        "bank_refund.sent": 1440,
    },
)


@dataclass(frozen=True, slots=True)
class Stuck:
    """A thing that should have moved: its life cycle, number, state, since when, and how long it may stay (minutes)."""

    machine: str
    thing_id: int
    status: str
    since: datetime
    minutes: int


def found(session: Session, most: int = 100) -> list[Stuck]:
    """What is stuck, longest first, at most `most` per state."""
    moment, answer = now(session), []
    for name, minutes in parameters.get(session, "stuck").items():
        machine, _, state = name.partition(".")
        model, moved_at = _WATCHED[machine]
        query = (
            sa.select(model.id, moved_at)
            .where(model.status == state, moved_at < moment - timedelta(minutes=int(minutes)))
            .order_by(moved_at)
            .limit(most)
        )
        answer += [Stuck(machine, row[0], state, row[1], int(minutes)) for row in session.execute(query)]
    return sorted(answer, key=lambda thing: thing.since)
