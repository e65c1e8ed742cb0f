"""Acts that need two people: one proposes, another approves, and with the approval it is carried out, once.

A subject declares its kinds: who may propose, who may approve, and the function that carries the act out in the same
transaction as the decision. The database itself refuses a checker who is the maker and any change afterwards
(migrations/two_people.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import affected, now
from portal.errors import N_, Refusal, declare
from portal.models.staff import Approval
from portal.services import audit, staff_counts
from portal.services.staff_sessions import SignedInStaff

PENDING, APPROVED, REJECTED, WITHDRAWN = "pending", "approved", "rejected", "withdrawn"

#: A proposal nobody decided within this time has to be made anew.
LIFE = timedelta(days=14)

declare(
    {
        "approval_own": N_("You proposed this yourself. Another person must decide."),
        "approval_decided": N_("This was decided already."),
        "approval_expired": N_("This proposal is too old. Please propose it again."),
        "approval_same": N_("The same is proposed already and waits for a decision."),
        "approval_overtaken": N_("Things have changed since this was proposed. Please propose it again."),
    }
)

CarryOut = Callable[[Session, Mapping[str, Any], str, str], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of act. `carry_out(session, payload, actor, reference)` answers what came of it, for the record.

    `actor` is the checker; `reference` (`approval:<number>`) is unique, for what may be posted once.
    """

    name: str
    title: str
    propose: str
    approve: str
    carry_out: CarryOut


KINDS: dict[str, Kind] = {}


def declare_kind(name: str, title: str, *, propose: str, approve: str) -> Callable[[CarryOut], CarryOut]:
    """Declares how a kind of act is carried out, and which permissions its maker and its checker need."""

    def keep(carry_out: CarryOut) -> CarryOut:
        KINDS[name] = Kind(name, title, propose, approve, carry_out)
        return carry_out

    return keep


def propose(
    session: Session, me: SignedInStaff, kind: str, subject: str, payload: dict[str, Any], reason: str
) -> Approval:
    """Writes a proposal after trying it out: it is carried out and taken back, so that what cannot be is said at once.

    Raises Refusal `forbidden`, `input_missing`, `approval_same`, and whatever the act itself refuses.
    """
    declared = KINDS[kind]
    if not me.may(declared.propose):
        raise Refusal("forbidden")
    if len(reason.strip()) < 3:
        raise Refusal("input_missing", field="reason")
    same = sa.select(Approval).where(
        Approval.kind == kind, Approval.subject == subject, Approval.status == PENDING,
        Approval.created_at > now(session) - LIFE,
    )  # fmt: skip
    if any(waiting.payload == payload for waiting in session.scalars(same)):
        raise Refusal("approval_same")
    _try_out(session, declared, payload, me.actor)
    made = Approval(
        kind=kind,
        subject=subject,
        payload=payload,
        reason=reason.strip()[:200],
        maker_id=me.staff_id,
        status=PENDING,
        created_at=now(session),
    )
    session.add(made)
    session.flush()
    audit.write(
        session, me.actor, "approval.propose", subject, details={"kind": kind, "approval": made.id, "payload": payload}
    )
    return made


def _try_out(session: Session, declared: Kind, payload: dict[str, Any], actor: str) -> None:
    hooks = list(session.info["after_commit"])
    trial = session.begin_nested()
    try:
        declared.carry_out(session, payload, actor, f"trial:{declared.name}:{now(session).isoformat()}")
    finally:
        trial.rollback()
        session.info["after_commit"][:] = hooks
        session.expire_all()


def approve(session: Session, me: SignedInStaff, public_id: str) -> Approval:
    """Approves a proposal and carries it out in this transaction.

    Raises Refusal `not_found`, `forbidden`, `approval_own`, `approval_decided`, `approval_expired`, and whatever the act
    refuses; then it stays as it was.
    """
    found = _waiting(session, me, public_id)
    if found.created_at + LIFE < now(session):
        raise Refusal("approval_expired")
    result = KINDS[found.kind].carry_out(session, found.payload, me.actor, f"approval:{found.id}")
    _decide(session, found, me, APPROVED, None, result)
    return found


def reject(session: Session, me: SignedInStaff, public_id: str, reason: str) -> Approval:
    """Turns a proposal down. Raises the refusals of `approve` and `input_missing`."""
    found = _waiting(session, me, public_id)
    if len(reason.strip()) < 3:
        raise Refusal("input_missing", field="reason")
    _decide(session, found, me, REJECTED, reason.strip()[:200], None)
    return found


def withdraw(session: Session, me: SignedInStaff, public_id: str) -> Approval:
    """Takes one's own proposal back. Raises Refusal `not_found`, `forbidden`, `approval_decided`."""
    found = _locked(session, public_id)
    if found.maker_id != me.staff_id:
        raise Refusal("forbidden")
    if found.status != PENDING:
        raise Refusal("approval_decided")
    _decide(session, found, me, WITHDRAWN, None, None)
    return found


def _waiting(session: Session, me: SignedInStaff, public_id: str) -> Approval:
    found = _locked(session, public_id)
    if not me.may(KINDS[found.kind].approve):
        raise Refusal("forbidden")
    if found.status != PENDING:
        raise Refusal("approval_decided")
    if found.maker_id == me.staff_id:
        raise Refusal("approval_own")
    return found


def _locked(session: Session, public_id: str) -> Approval:
    query = sa.select(Approval).where(Approval.public_id == public_id).with_for_update()
    found = session.scalar(query.execution_options(populate_existing=True))
    if found is None or found.kind not in KINDS:
        raise Refusal("not_found")
    return found


def _decide(
    session: Session, found: Approval, me: SignedInStaff, status: str, reason: str | None, result: dict[str, Any] | None
) -> None:
    changed = session.execute(
        sa.update(Approval)
        .where(Approval.id == found.id, Approval.status == PENDING)
        .values(
            status=status,
            checker_id=None if status == WITHDRAWN else me.staff_id,
            decision_reason=reason,
            result=result,
            decided_at=now(session),
        )
        .execution_options(synchronize_session=False)
    )
    if affected(changed) != 1:
        raise Refusal("approval_decided")
    session.refresh(found)
    audit.write(
        session, me.actor, f"approval.{status}", found.subject,
        details={"kind": found.kind, "approval": found.id, "reason": reason},
    )  # fmt: skip


def find(session: Session, public_id: str) -> Approval:
    """A proposal by its id. Raises Refusal `not_found`."""
    found = session.scalar(sa.select(Approval).where(Approval.public_id == public_id))
    if found is None:
        raise Refusal("not_found")
    return found


def of_kinds(permissions: frozenset[str]) -> list[str]:
    """The kinds that somebody with these permissions may propose or approve, and so may see."""
    return [kind.name for kind in KINDS.values() if kind.propose in permissions or kind.approve in permissions]


def page(
    session: Session, permissions: frozenset[str], *, status: str = "", before_id: int | None = None, count: int = 25
) -> list[Approval]:
    """Proposals one may see, newest first, below a number (keyset)."""
    query = sa.select(Approval).where(Approval.kind.in_(of_kinds(permissions)))
    if status:
        query = query.where(Approval.status == status)
    if before_id is not None:
        query = query.where(Approval.id < before_id)
    return list(session.scalars(query.order_by(Approval.id.desc()).limit(count)))


def about(session: Session, subject: str, count: int = 20) -> list[Approval]:
    """The newest proposals about a subject."""
    query = sa.select(Approval).where(Approval.subject == subject).order_by(Approval.id.desc())
    return list(session.scalars(query.limit(count)))


def _waiting_for(permissions: frozenset[str]) -> sa.Select[int]:
    return sa.select(Approval.id).where(Approval.status == PENDING, Approval.kind.in_(of_kinds(permissions)))


staff_counts.declare("approvals", "", _waiting_for)
