"""Withdrawals that the staff look at before they leave: one person, or two different ones, by the amount.

The database admits one decision per person and withdrawal, so that two approvals are always two people. Who may decide at
all is the caller's to check.
"""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import insert_if_absent, now
from portal.errors import N_, Refusal, declare
from portal.models.wallet import Withdrawal
from portal.models.withdrawals import WithdrawalApproval
from portal.services import audit, withdrawal_settling

declare(
    {
        "approval_not_waiting": N_("This withdrawal is not waiting for an approval any more."),
        "approval_twice": N_("You have decided about this withdrawal already. Another person must approve it too."),
    }
)

_WAITING = ("awaiting_approval", "in_review")


def waiting(session: Session, *, count: int = 50, after_id: int = 0) -> list[Withdrawal]:
    """Withdrawals that wait for the staff, oldest first, above `after_id` (keyset)."""
    query = sa.select(Withdrawal).where(
        Withdrawal.status.in_(_WAITING),
        sa.or_(Withdrawal.needs_approvals > 0, Withdrawal.status == "in_review"),
        Withdrawal.id > after_id,
    )
    return list(session.scalars(query.order_by(Withdrawal.id).limit(count)))


def decisions(session: Session, withdrawal_id: int) -> list[WithdrawalApproval]:
    """What was decided about a withdrawal, oldest first."""
    query = sa.select(WithdrawalApproval).where(WithdrawalApproval.withdrawal_id == withdrawal_id)
    return list(session.scalars(query.order_by(WithdrawalApproval.id)))


def approve(session: Session, withdrawal_id: int, actor: str) -> Withdrawal:
    """Approves for one person (`staff:<id>`); with the last approval that is needed the withdrawal moves on.

    Raises Refusal `approval_not_waiting` or `approval_twice`.
    """
    withdrawal = _waiting(session, withdrawal_id)
    _decide(session, withdrawal, actor, "approve", None)
    given = sum(decision.decision == "approve" for decision in decisions(session, withdrawal_id))
    if given >= withdrawal.needs_approvals:
        if withdrawal.status == "in_review":
            withdrawal_settling.move(session, withdrawal, "awaiting_approval", actor)
        withdrawal_settling.move(session, withdrawal, "approved", actor)
    return withdrawal


def reject(session: Session, withdrawal_id: int, actor: str, reason: str) -> Withdrawal:
    """Rejects: the money goes back and its owner is told. Raises `approval_not_waiting` or `approval_twice`."""
    withdrawal = _waiting(session, withdrawal_id)
    _decide(session, withdrawal, actor, "reject", reason)
    withdrawal_settling.give_up(session, withdrawal, "rejected", actor, reason)
    return withdrawal


def put_aside(session: Session, withdrawal_id: int, actor: str, reason: str) -> Withdrawal:
    """Sends a withdrawal to customer service (brokerage status 5). Raises Refusal `approval_not_waiting`."""
    withdrawal = _waiting(session, withdrawal_id)
    if withdrawal.status == "awaiting_approval":
        withdrawal_settling.move(session, withdrawal, "in_review", actor, why=reason)
        audit.write(session, actor, "withdrawal.put_aside", f"withdrawal:{withdrawal.id}", details={"reason": reason})
    return withdrawal


def _waiting(session: Session, withdrawal_id: int) -> Withdrawal:
    withdrawal = withdrawal_settling.lock_again(session, withdrawal_id)
    if withdrawal is None:
        raise Refusal("not_found")
    if withdrawal.status not in _WAITING:
        raise Refusal("approval_not_waiting")
    return withdrawal


def _decide(session: Session, withdrawal: Withdrawal, actor: str, decision: str, reason: str | None) -> None:
    row = {
        "withdrawal_id": withdrawal.id,
        "decided_by": actor,
        "decision": decision,
        "reason": reason,
        "decided_at": now(session),
    }
    if not insert_if_absent(session, WithdrawalApproval.__table__, row):
        raise Refusal("approval_twice")
    audit.write(
        session, actor, f"withdrawal.{decision}", f"withdrawal:{withdrawal.id}",
        details={"reason": reason, "units": withdrawal.amount_units, "asset": withdrawal.asset},
    )  # fmt: skip
