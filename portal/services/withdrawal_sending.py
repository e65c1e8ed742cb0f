"""The steps by which a withdrawal leaves, each one short transaction between the worker's calls of the ports.

The signed bytes and their hash are stored before they are sent, so whatever is lost, the same bytes are sent again. They
are replaced only when the chain's own expiry, and a margin, prove that they can never land.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import affected, now
from portal.models.wallet import Withdrawal
from portal.ports import SignedTransaction
from portal.services import bank_accounts, payout_switch, travel_rule, withdrawal_settling
from portal.services.networks import BANK

#: After the chain's expiry a node may still be behind; only then is unknown taken for gone.
EXPIRY_MARGIN = timedelta(seconds=60)

#: How long a bank may take to know of an order whose answer was lost, before its "no" is taken for certain.
BANK_SETTLES = timedelta(hours=24)

OPEN = ("approved", "processing", "broadcast")

_NEEDS_NOBODY = sa.and_(Withdrawal.status == "awaiting_approval", Withdrawal.needs_approvals == 0)


@dataclass(frozen=True, slots=True)
class Payout:
    """An order for the bank, in the clear; `key` makes a repeated order the same order."""

    key: str
    bank_code: str
    branch_code: str
    account: str
    holder: str
    amount_units: int


def open_ids(session: Session, networks: Sequence[str], after_id: int, count: int) -> list[int]:
    """Withdrawals under way on some networks, in order of their numbers."""
    query = sa.select(Withdrawal.id).where(
        sa.or_(Withdrawal.status.in_(OPEN), _NEEDS_NOBODY),
        Withdrawal.network.in_(networks),
        Withdrawal.internal_owner_kind.is_(None),
        travel_rule.may_leave(),
        Withdrawal.id > after_id,
    )
    return list(session.scalars(query.order_by(Withdrawal.id).limit(count)))


def approve_unasked(session: Session, withdrawal_id: int) -> bool:
    """Approves what needs nobody's approval; False when it has moved on meanwhile."""
    withdrawal = withdrawal_settling.lock_again(session, withdrawal_id)
    if withdrawal is None or withdrawal.status != "awaiting_approval" or withdrawal.needs_approvals:
        return False
    withdrawal_settling.move(session, withdrawal, "approved", "system")
    return True


def read(session: Session, withdrawal_id: int) -> Withdrawal | None:
    """A withdrawal as it stands."""
    return session.get(Withdrawal, withdrawal_id, populate_existing=True)


def signing_key(withdrawal: Withdrawal, *, replacing: bool = False) -> str:
    """What makes a repeated signature the same; a replacement gets a new one."""
    number = len((withdrawal.details or {}).get("replaced", [])) + 1 + replacing
    return f"{withdrawal.reference}:{number}"


def payout_units(withdrawal: Withdrawal) -> int:
    """What the destination gets, in ledger units of the payout asset."""
    return withdrawal_settling.payout_units(withdrawal)


def store_signed(session: Session, withdrawal_id: int, signed: SignedTransaction) -> bool:
    """Keeps signed bytes before they are sent; False when the withdrawal was called off meanwhile."""
    withdrawal = withdrawal_settling.lock_again(session, withdrawal_id)
    if withdrawal is None or withdrawal.status != "approved" or not payout_switch.running(session):
        return False
    withdrawal_settling.move(
        session, withdrawal, "processing", "system",
        tx_hash=signed.tx_hash, signed_bytes=signed.raw, signed_expires_at=signed.expires_at, chain_nonce=signed.nonce,
    )  # fmt: skip
    return True


def store_order(session: Session, withdrawal_id: int) -> bool:
    """Marks a pay-out as about to be ordered at the bank; False when it was called off meanwhile."""
    withdrawal = withdrawal_settling.lock_again(session, withdrawal_id)
    if withdrawal is None or withdrawal.status != "approved" or not payout_switch.bank_by_worker(session):
        return False
    withdrawal_settling.move(session, withdrawal, "processing", "system", bank_reference=withdrawal.reference)
    return True


def payout_of(session: Session, withdrawal_id: int) -> Payout | None:
    """The bank order of a withdrawal."""
    withdrawal = read(session, withdrawal_id)
    if withdrawal is None or withdrawal.bank_account_id is None or withdrawal.network != BANK:
        return None
    account = bank_accounts.by_ids(session, [withdrawal.bank_account_id])[withdrawal.bank_account_id]
    return Payout(
        withdrawal.reference, account.bank_code, account.branch_code, account.account, account.holder,
        withdrawal_settling.payout_units(withdrawal),
    )  # fmt: skip


def replace_signed(session: Session, withdrawal_id: int, dead_hash: str, signed: SignedTransaction) -> bool:
    """Puts new bytes in the place of ones that can never land; False when another hand was first."""
    withdrawal = withdrawal_settling.lock_again(session, withdrawal_id)
    if withdrawal is None or withdrawal.status not in ("processing", "broadcast") or withdrawal.tx_hash != dead_hash:
        return False
    details = dict(withdrawal.details or {})
    details["replaced"] = [*details.get("replaced", []), dead_hash]
    details.pop("refused", None)
    changed = session.execute(
        sa.update(Withdrawal)
        .where(Withdrawal.id == withdrawal_id, Withdrawal.tx_hash == dead_hash)
        .values(
            tx_hash=signed.tx_hash, signed_bytes=signed.raw, signed_expires_at=signed.expires_at,
            chain_nonce=signed.nonce, details=details, updated_at=now(session),
        )
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    return affected(changed) == 1


def mark_sent(session: Session, withdrawal_id: int) -> bool:
    """The other side has it; False when that was known already."""
    withdrawal = withdrawal_settling.lock_again(session, withdrawal_id)
    if withdrawal is None or withdrawal.status != "processing":
        return False
    withdrawal_settling.move(session, withdrawal, "broadcast", "system")
    return True


def note(session: Session, withdrawal_id: int, /, **facts: str) -> None:
    """Keeps what was learned on the way (`refused`: why the other side said no; `unsure_at`: an answer was lost)."""
    withdrawal = withdrawal_settling.lock_again(session, withdrawal_id)
    if withdrawal is not None and withdrawal.status in OPEN:
        withdrawal.details = {**(withdrawal.details or {}), **facts}


def settle(session: Session, withdrawal_id: int) -> bool:
    """It has arrived; False when that was booked already."""
    withdrawal = withdrawal_settling.lock_again(session, withdrawal_id)
    if withdrawal is None or withdrawal.status not in ("processing", "broadcast"):
        return False
    withdrawal_settling.settle(session, withdrawal, "system")
    return True


def fail(session: Session, withdrawal_id: int, why: str) -> bool:
    """It is certain that nothing left or can leave: the money goes back; False when it was booked already."""
    withdrawal = withdrawal_settling.lock_again(session, withdrawal_id)
    if withdrawal is None or withdrawal.status not in OPEN:
        return False
    withdrawal_settling.give_up(session, withdrawal, "failed", "system", why[:200])
    return True
