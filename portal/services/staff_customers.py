"""What staff may do about a customer: lock, suspend, release, take a lost second factor off, write notes, set marks."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import affected, now
from portal.errors import N_, Refusal, declare
from portal.models.customers import ClientSession, Customer
from portal.models.risk import RiskMark
from portal.models.staff import StaffNote
from portal.models.system import AuditRecord
from portal.permissions import CUSTOMERS_TERMS, CUSTOMERS_TERMS_APPROVE
from portal.services import (
    approvals,
    audit,
    notifications,
    passkeys,
    second_factor,
    sessions,
    staff_accounts,
    withdrawals,
)
from portal.services.notifications import Event
from portal.services.staff_sessions import SignedInStaff

#: After a reset of the second factor withdrawals wait, so that the owner can step in.
HOLD_AFTER_RESET = timedelta(hours=24)

#: Standing → those it may be set from by staff.
STANDINGS: dict[str, tuple[str, ...]] = {
    "locked": ("normal", "not_tradable"),
    "suspended": ("normal", "not_tradable", "locked"),
    "not_tradable": ("normal",),
    "normal": ("locked", "suspended", "not_tradable", "blocked"),
}
SHUT = ("locked", "suspended")

#: What must have been checked before a second factor is taken off; all of them.
CHECKS: dict[str, str] = {
    "called_back": N_("Called back on the registered phone"),
    "identity_compared": N_("Compared the person with the identity documents"),
    "recent_activity": N_("They described their recent activity rightly"),
}

MARKS: dict[str, str] = {
    "pep": N_("Politically exposed"),
    "watch": N_("To be watched"),
    "mule": N_("Possible money mule"),
    "victim": N_("Possible victim of fraud"),
    "sanctions": N_("Possible sanctions match"),
    "complaint": N_("Complaint"),
}

declare(
    {
        "checks_missing": N_("All checks must have been made before the second factor is taken off."),
        "spread_invalid": N_("A spread lies between 0 and 500 hundredths of a percent."),
    }
)
notifications.declare(
    {
        "standing_changed": Event(
            "security",
            N_("Your account was changed by our staff"),
            N_("If you have questions, please contact us."),
            icon="lock",
        ),
        "second_factor_reset": Event(
            "security",
            N_("Your second factor was taken off"),
            N_("Our staff did this at your request. Withdrawals wait until %(until)s. If this was not you, contact us at once."),
            icon="shield-alert",
        ),
    }
)  # fmt: skip


def find(session: Session, public_id: str) -> Customer:
    """A customer by the id outside. Raises Refusal `not_found`."""
    found = session.scalar(sa.select(Customer).where(Customer.public_id == public_id))
    if found is None:
        raise Refusal("not_found")
    return found


def _theirs(session: Session, me: SignedInStaff, public_id: str) -> Customer:
    found = find(session, public_id)
    if staff_accounts.is_own(session, me.staff_id, found.id):
        raise Refusal("staff_not_oneself")
    return found


def set_standing(session: Session, me: SignedInStaff, public_id: str, standing: str, reason: str) -> None:
    """Locks, suspends, stops trading or releases.

    A shut account is signed out everywhere and what could still be stopped of its withdrawals is called off. Raises
    Refusal `not_found`, `staff_not_oneself`, `input_missing` without a reason, `state_conflict`.
    """
    customer = _theirs(session, me, public_id)
    _need(reason)
    before = customer.standing
    changed = session.execute(
        sa.update(Customer)
        .where(Customer.id == customer.id, Customer.standing.in_(STANDINGS[standing]))
        .values(standing=standing)
        .execution_options(synchronize_session=False)
    )
    if affected(changed) != 1:
        raise Refusal("state_conflict")
    stopped = 0
    if standing in SHUT:
        sessions.end_all(session, customer.id, standing)
        stopped = withdrawals.cancel_open(session, "customer", customer.id, me.actor, f"account {standing}")
    audit.write(
        session, me.actor, f"customer.{standing}", f"customer:{customer.id}",
        details={"before": before, "reason": reason[:200], "withdrawals_stopped": stopped},
    )  # fmt: skip
    notifications.tell(session, customer.id, "standing_changed")


def end_sessions(session: Session, me: SignedInStaff, public_id: str, reason: str) -> None:
    """Signs all of a customer's devices out."""
    customer = _theirs(session, me, public_id)
    _need(reason)
    ended = sessions.end_all(session, customer.id, "signed out by staff")
    audit.write(
        session, me.actor, "customer.sign_out", f"customer:{customer.id}",
        details={"sessions": ended, "reason": reason[:200]},
    )  # fmt: skip


def reset_second_factor(session: Session, me: SignedInStaff, public_id: str, checks: set[str], reason: str) -> None:
    """Takes a lost second factor off once all checks were made; devices are signed out, withdrawals wait 24 hours.

    Raises Refusal `not_found`, `staff_not_oneself`, `checks_missing`, `input_missing`, `totp_unbound`.
    """
    customer = _theirs(session, me, public_id)
    if set(CHECKS) - checks:
        raise Refusal("checks_missing", field="checks")
    _need(reason)
    if not second_factor.is_required(session, "customer", customer.id):
        raise Refusal("totp_unbound")
    for key in passkeys.listed(session, "customer", customer.id):
        passkeys.remove(session, "customer", customer.id, key.id)
    second_factor.remove_totp(session, "customer", customer.id)
    until = now(session) + HOLD_AFTER_RESET
    if customer.withdrawals_held_until is None or customer.withdrawals_held_until < until:
        customer.withdrawals_held_until = until
    sessions.end_all(session, customer.id, "second factor reset")
    audit.write(
        session, me.actor, "customer.second_factor_reset", f"customer:{customer.id}",
        details={"checks": sorted(checks), "reason": reason[:200]},
    )  # fmt: skip
    notifications.tell(session, customer.id, "second_factor_reset", {"until": notifications.moment(until)})


def hold_withdrawals(session: Session, customer_id: int, hours: int, actor: str, why: str) -> None:
    """Lets withdrawals wait for some hours from now (0 lets them go on); a longer hold stays."""
    customer = session.get_one(Customer, customer_id)
    until = now(session) + timedelta(hours=hours) if hours else None
    held = customer.withdrawals_held_until
    if until is None or held is None or held < until:
        customer.withdrawals_held_until = until
    session.flush()
    audit.write(session, actor, "customer.hold", f"customer:{customer_id}", details={"hours": hours, "why": why[:200]})


def hold(session: Session, me: SignedInStaff, public_id: str, hours: int, reason: str) -> None:
    """Staff let a customer's withdrawals wait, at most 30 days, or go on. Raises as `set_standing`."""
    customer = _theirs(session, me, public_id)
    _need(reason)
    if not 0 <= hours <= 720:
        raise Refusal("input_invalid", field="hours")
    hold_withdrawals(session, customer.id, hours, me.actor, reason)


def write_note(session: Session, me: SignedInStaff, subject: str, text: str) -> None:
    """Writes a note about a thing. Raises Refusal `input_missing`."""
    if not text.strip():
        raise Refusal("input_missing", field="note")
    session.add(StaffNote(subject=subject, staff_id=me.staff_id, text=text.strip()[:4000], created_at=now(session)))
    session.flush()
    audit.write(session, me.actor, "note.write", subject)


def note_about(session: Session, me: SignedInStaff, public_id: str, text: str) -> None:
    """Writes a note about a customer."""
    write_note(session, me, f"customer:{find(session, public_id).id}", text)


def notes(session: Session, subject: str, count: int = 50) -> list[StaffNote]:
    """The newest notes about a thing."""
    query = sa.select(StaffNote).where(StaffNote.subject == subject).order_by(StaffNote.id.desc())
    return list(session.scalars(query.limit(count)))


def set_mark(session: Session, me: SignedInStaff, public_id: str, label: str, note: str) -> None:
    """Puts a risk mark on a customer. Raises Refusal `input_invalid`, `input_missing`, `staff_not_oneself`."""
    customer = _theirs(session, me, public_id)
    if label not in MARKS:
        raise Refusal("input_invalid", field="label")
    if not note.strip():
        raise Refusal("input_missing", field="note")
    session.add(
        RiskMark(
            customer_id=customer.id, label=label, note=note.strip()[:200], made_by=me.actor, created_at=now(session)
        )
    )
    session.flush()
    audit.write(session, me.actor, "risk.mark", f"customer:{customer.id}", details={"label": label})


def remove_mark(session: Session, me: SignedInStaff, public_id: str, mark_id: int) -> None:
    """Takes a risk mark off. Raises Refusal `not_found`, `staff_not_oneself`."""
    customer = _theirs(session, me, public_id)
    removed = session.execute(
        sa.update(RiskMark)
        .where(RiskMark.id == mark_id, RiskMark.customer_id == customer.id, RiskMark.removed_at.is_(None))
        .values(removed_at=now(session), removed_by=me.actor)
        .execution_options(synchronize_session=False)
    )
    if affected(removed) != 1:
        raise Refusal("not_found")
    audit.write(session, me.actor, "risk.unmark", f"customer:{customer.id}", details={"mark": mark_id})


def marks(session: Session, customer_id: int) -> list[RiskMark]:
    """The marks that are on a customer now, newest first."""
    query = sa.select(RiskMark).where(RiskMark.customer_id == customer_id, RiskMark.removed_at.is_(None))
    return list(session.scalars(query.order_by(RiskMark.id.desc())))


def client_sessions(session: Session, customer_id: int, count: int = 20) -> list[ClientSession]:
    """A customer's newest devices, signed in and out."""
    query = sa.select(ClientSession).where(ClientSession.customer_id == customer_id)
    return list(session.scalars(query.order_by(ClientSession.id.desc()).limit(count)))


def audit_about(session: Session, subject: str, count: int = 30) -> list[AuditRecord]:
    """The newest audit records about a thing."""
    query = sa.select(AuditRecord).where(AuditRecord.subject == subject).order_by(AuditRecord.id.desc())
    return list(session.scalars(query.limit(count)))


def propose_terms(
    session: Session, me: SignedInStaff, public_id: str, is_vip: bool, spread_override_bp: int | None, reason: str
) -> None:
    """Proposes VIP and an own spread. Raises the refusals of `set_terms` and `approvals.propose`."""
    customer = _theirs(session, me, public_id)
    payload = {
        "customer": customer.public_id,
        "before": {"is_vip": customer.is_vip, "spread_override_bp": customer.spread_override_bp},
        "after": {"is_vip": is_vip, "spread_override_bp": spread_override_bp},
    }
    approvals.propose(session, me, "customer.terms", f"customer:{customer.id}", payload, reason)


@approvals.declare_kind(
    "customer.terms", N_("VIP and spread of a customer"), propose=CUSTOMERS_TERMS, approve=CUSTOMERS_TERMS_APPROVE
)
def set_terms(session: Session, payload: Mapping[str, Any], actor: str, reference: str) -> dict[str, Any]:
    """Sets VIP and spread (hundredths of a percent, none for the usual one).

    Raises Refusal `spread_invalid`, `approval_overtaken`, `staff_not_oneself`.
    """
    customer = find(session, payload["customer"])
    if actor.startswith("staff:") and staff_accounts.is_own(session, int(actor[6:]), customer.id):
        raise Refusal("staff_not_oneself")
    spread = payload["after"]["spread_override_bp"]
    if spread is not None and not 0 <= spread <= 500:
        raise Refusal("spread_invalid", field="spread")
    present = {"is_vip": customer.is_vip, "spread_override_bp": customer.spread_override_bp}
    if present != payload["before"]:
        raise Refusal("approval_overtaken")
    customer.is_vip, customer.spread_override_bp = bool(payload["after"]["is_vip"]), spread
    session.flush()
    audit.write(session, actor, "customer.terms", f"customer:{customer.id}", details=dict(payload))
    return {}


def _need(reason: str) -> None:
    if len(reason.strip()) < 3:
        raise Refusal("input_missing", field="reason")
