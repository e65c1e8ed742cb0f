"""The money side of a withdrawal: held, settled, or given back, each by one journal with a reference of its own.

Held is a move from available to frozen. Settled, it goes to the mirror of what left (`chain` or `bank`), the fee to the
house's fees. Vouchers paid out in TWD go back to `issuance`, and their TWD backing leaves `issuance` for the bank.
Everyone who moves a withdrawal takes the owner's lock first, so that no two hands wait for each other.
"""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import ledger, states
from portal.db import now
from portal.ledger import AccountKey, Line
from portal.machines.withdrawals import WITHDRAWAL
from portal.models.columns import new_public_id
from portal.models.wallet import Deposit, Withdrawal
from portal.money import SCALES
from portal.services import activity, limits, references, withdrawal_messages
from portal.services.networks import BANK

#: Told, in the same transaction, of every withdrawal that has arrived.
_when_settled: list[Callable[[Session, Withdrawal], None]] = []


def when_settled(hook: Callable[[Session, Withdrawal], None]) -> Callable[[Session, Withdrawal], None]:
    """Declares a hook that runs in the transaction that books a withdrawal as arrived."""
    if hook not in _when_settled:
        _when_settled.append(hook)
    return hook


def hold(session: Session, withdrawal: Withdrawal, actor: str) -> None:
    """Holds the amount. Raises Refusal `insufficient_balance`."""
    lines = [
        Line(_account(withdrawal, "available"), -withdrawal.amount_units),
        Line(_account(withdrawal, "frozen"), withdrawal.amount_units),
    ]
    ledger.post(session, "withdrawal_hold", f"withdrawal:{withdrawal.id}:hold", lines, actor=actor)


def settle(session: Session, withdrawal: Withdrawal, actor: str, *, why: str | None = None) -> None:
    """Books a withdrawal that has arrived, outside or with another owner of the portal."""
    ledger.lock_owner(session, withdrawal.owner_kind, withdrawal.owner_id, withdrawal.asset)
    arrived = withdrawal.amount_units - withdrawal.fee_units
    moment = now(session)
    move(session, withdrawal, "confirmed", actor, why=why, held=False, confirmed_at=moment)
    lines = [Line(_account(withdrawal, "frozen"), -withdrawal.amount_units)]
    if withdrawal.fee_units:
        lines.append(Line(ledger.house("fees", withdrawal.asset), withdrawal.fee_units))
    lines += _arrival(withdrawal, arrived)
    ledger.post(session, "withdrawal", f"withdrawal:{withdrawal.id}", lines, actor=actor)
    if withdrawal.internal_owner_kind is not None:
        _record_arrival_inside(session, withdrawal, arrived, actor)
    for hook in _when_settled:
        hook(session, withdrawal)
    withdrawal_messages.tell(session, withdrawal, "withdrawal_confirmed")


def give_up(session: Session, withdrawal: Withdrawal, to: str, actor: str, why: str | None = None) -> None:
    """Ends a withdrawal that did not leave (`to`: failed, rejected, cancelled, expired): what was held goes back.

    What it counted against the limits is given back too. The caller is certain that nothing has left or can leave.
    """
    ledger.lock_owner(session, withdrawal.owner_kind, withdrawal.owner_id, withdrawal.asset)
    held = withdrawal.held
    move(session, withdrawal, to, actor, why=why, held=False, failure=why if to in ("failed", "rejected") else None)
    if held:
        lines = [
            Line(_account(withdrawal, "frozen"), -withdrawal.amount_units),
            Line(_account(withdrawal, "available"), withdrawal.amount_units),
        ]
        ledger.post(session, "withdrawal_refund", f"withdrawal:{withdrawal.id}:refund", lines, actor=actor)
        _uncount(session, withdrawal)
    if to in ("failed", "rejected") or (to == "cancelled" and not actor.startswith("customer:")):
        withdrawal_messages.tell(session, withdrawal, f"withdrawal_{to}")


def move(session: Session, withdrawal: Withdrawal, to: str, actor: str, *, why: str | None = None, **also: Any) -> None:
    """Advances the life cycle and carries the status into the owner's history."""
    states.advance(session, WITHDRAWAL, withdrawal, to, actor, why, updated_at=now(session), **also)
    if withdrawal.owner_kind == "customer":
        activity.update(session, "withdrawal", withdrawal.id, status=to)


def lock_again(session: Session, withdrawal_id: int) -> Withdrawal | None:
    """Takes the owner's lock and reads a withdrawal as it stands now; None when there is no such row."""
    query = sa.select(Withdrawal).where(Withdrawal.id == withdrawal_id)
    found = session.scalar(query)
    if found is None:
        return None
    ledger.lock_owner(session, found.owner_kind, found.owner_id, found.asset)
    session.refresh(found)
    return found


def payout_units(withdrawal: Withdrawal) -> int:
    """What the destination gets, in ledger units of `payout_asset`; vouchers are paid 1:1."""
    units = withdrawal.amount_units - withdrawal.fee_units
    shift = SCALES[withdrawal.asset] - SCALES[withdrawal.payout_asset]
    return units // 10**shift if shift >= 0 else units * 10**-shift


def _arrival(withdrawal: Withdrawal, arrived: int) -> list[Line]:
    if withdrawal.internal_owner_kind is not None and withdrawal.internal_owner_id is not None:
        return [Line(_receiver(withdrawal), arrived)]
    if withdrawal.payout_asset != withdrawal.asset:
        paid = payout_units(withdrawal)
        return [
            Line(ledger.house("issuance", withdrawal.asset), arrived),
            Line(ledger.house("issuance", withdrawal.payout_asset), -paid),
            Line(ledger.house("bank", withdrawal.payout_asset), paid),
        ]
    return [Line(ledger.house("bank" if withdrawal.network == BANK else "chain", withdrawal.asset), arrived)]


def _receiver(withdrawal: Withdrawal) -> AccountKey:
    kind, owner_id = withdrawal.internal_owner_kind, withdrawal.internal_owner_id
    assert kind is not None and owner_id is not None
    return AccountKey(kind, owner_id, withdrawal.asset, "float" if kind == "institution" else "available")


def _account(withdrawal: Withdrawal, bucket: str) -> AccountKey:
    return AccountKey(withdrawal.owner_kind, withdrawal.owner_id, withdrawal.asset, bucket)


def _uncount(session: Session, withdrawal: Withdrawal) -> None:
    counted = withdrawal.details or {}
    if "counted_on" in counted:
        limits.release(
            session, withdrawal.owner_kind, withdrawal.owner_id, counted["limit"], withdrawal.amount_units,
            counted["counted_on"],
        )  # fmt: skip


def _record_arrival_inside(session: Session, withdrawal: Withdrawal, arrived: int, actor: str) -> None:
    """The receiver's deposit: settled by the same journal, so it is confirmed from the start."""
    moment = now(session)
    receiver = _receiver(withdrawal)
    deposit = Deposit(
        public_id=new_public_id(),
        owner_kind=receiver.owner_kind,
        owner_id=receiver.owner_id,
        asset=withdrawal.asset,
        network=withdrawal.network,
        amount_units=arrived,
        status="confirmed",
        address=withdrawal.address,
        tx_hash=f"internal:{withdrawal.public_id}",
        log_index=0,
        details={"internal": True},
        seen_at=moment,
        confirmed_at=moment,
    )
    session.add(deposit)
    session.flush()
    if receiver.owner_kind == "customer":
        activity.record(
            session, receiver.owner_id, "deposit", direction="in", asset=withdrawal.asset, amount_units=arrived,
            status="confirmed", reference=references.of_row("deposit", moment, deposit.id), subject_kind="deposit",
            subject_id=deposit.id, details={"network": withdrawal.network, "address": withdrawal.address, "internal": True},
            public_id=deposit.public_id,
        )  # fmt: skip
        withdrawal_messages.tell_receiver(session, deposit)
