"""The switch that stops pay-outs: thrown by hand by one person, or by the portal itself when holdings do not cover.

Every worker asks before anything leaves. Letting pay-outs go on takes two people.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.errors import N_, Refusal, declare
from portal.models.system import Parameter
from portal.permissions import PAYOUTS_RESUME, PAYOUTS_STOP
from portal.services import approvals, audit, parameters
from portal.services.staff_sessions import SignedInStaff

NAME = "payouts"
KIND = "payouts.resume"

#: `stopped` with why; `bank_by` is `worker` (orders go to the bank one by one) or `file` (staff make pay-out files).
parameters.declare(NAME, {"stopped": False, "why": "", "bank_by": "worker"})

declare(
    {
        "payouts_stopped": N_("Pay-outs are stopped for the time being."),
        "payouts_running": N_("Pay-outs are not stopped."),
    }
)


@dataclass(frozen=True, slots=True)
class Switch:
    """How the switch stands: since when and by whom, when it was ever moved."""

    stopped: bool
    why: str
    bank_by: str
    by: str | None
    at: datetime | None


def state(session: Session) -> Switch:
    """How the switch stands now, read afresh: another process may just have moved it."""
    query = sa.select(Parameter).where(Parameter.name == NAME).order_by(Parameter.version.desc()).limit(1)
    newest = session.scalars(query).first()
    value: Mapping[str, Any] = {**parameters.DEFAULTS[NAME], **(newest.value if newest else {})}
    return Switch(
        bool(value["stopped"]), str(value["why"]), str(value["bank_by"]),
        newest.changed_by if newest else None, newest.changed_at if newest else None,
    )  # fmt: skip


def running(session: Session) -> bool:
    """Whether anything may leave."""
    return not state(session).stopped


def bank_by_worker(session: Session) -> bool:
    """Whether the worker may order pay-outs at the bank: they run, and are not made by files."""
    found = state(session)
    return not found.stopped and found.bank_by == "worker"


def require_running(session: Session) -> None:
    """Raises Refusal `payouts_stopped`."""
    if not running(session):
        raise Refusal("payouts_stopped")


def stop(session: Session, actor: str, why: str) -> bool:
    """Stops pay-outs at once; False when they were stopped already."""
    found = state(session)
    if found.stopped:
        return False
    parameters.change(session, NAME, {"stopped": True, "why": why[:200], "bank_by": found.bank_by}, actor)
    audit.write(session, actor, "payouts.stop", "payouts", details={"why": why[:200]})
    return True


def stop_by_hand(session: Session, me: SignedInStaff, why: str) -> None:
    """One person is enough to stop. Raises Refusal `forbidden`, `input_missing`, `payouts_stopped`."""
    if not me.may(PAYOUTS_STOP):
        raise Refusal("forbidden")
    if len(why.strip()) < 3:
        raise Refusal("input_missing", field="reason")
    if not stop(session, me.actor, why.strip()):
        raise Refusal("payouts_stopped")


@approvals.declare_kind(KIND, N_("Let pay-outs go on"), propose=PAYOUTS_STOP, approve=PAYOUTS_RESUME)
def resume(session: Session, payload: Mapping[str, Any], actor: str, reference: str) -> dict[str, Any]:
    """Lets pay-outs go on. Raises Refusal `payouts_running`."""
    found = state(session)
    if not found.stopped:
        raise Refusal("payouts_running")
    parameters.change(session, NAME, {"stopped": False, "why": "", "bank_by": found.bank_by}, actor)
    audit.write(session, actor, "payouts.resume", "payouts")
    return {}
