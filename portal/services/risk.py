"""Risk: signals that rules raise, what staff make of them, and the cases in which they look closer."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import states
from portal.db import insert_if_absent, now
from portal.errors import N_, Refusal
from portal.machines.risk import RISK_CASE, RISK_SIGNAL
from portal.models.customers import Customer
from portal.models.risk import RiskCase, RiskCaseEntry, RiskSignal
from portal.permissions import RISK_VIEW
from portal.services import audit, staff_accounts, staff_counts, staff_customers
from portal.services.staff_sessions import SignedInStaff

RISK = "risk"

#: Rules and what they look for (services/risk_rules.py).
RULES: dict[str, str] = {
    "velocity": N_("Many withdrawals in a short time"),
    "shared_device": N_("One device, several customers"),
    "shared_address": N_("One address, several customers"),
    "structuring": N_("Several amounts just under the reporting limit"),
    "deposit_limit": N_("More received from a chain than the limit"),
    "new_payer": N_("A payer's name never seen before"),
}


def raise_signal(
    session: Session, rule: str, customer_id: int, fingerprint: str, facts: dict[str, Any], hold_hours: int = 0
) -> bool:
    """Raises a signal once per fingerprint and, where the rule says so, lets withdrawals wait; False when it was known."""
    row = {
        "rule": rule,
        "customer_id": customer_id,
        "fingerprint": f"{rule}:{fingerprint}"[:200],
        "facts": facts,
        "status": RISK_SIGNAL.start,
        "created_at": now(session),
    }
    if not insert_if_absent(session, RiskSignal.__table__, row):
        return False
    made = session.scalars(sa.select(RiskSignal).where(RiskSignal.fingerprint == row["fingerprint"])).one()
    states.begin(session, RISK_SIGNAL, made, "system", rule)
    if hold_hours:
        staff_customers.hold_withdrawals(session, customer_id, hold_hours, "system", f"risk rule {rule}")
        made.held_until = session.get_one(Customer, customer_id).withdrawals_held_until
    return True


def signals(
    session: Session, *, status: str = "open", rule: str = "", before_id: int | None = None, count: int = 25
) -> list[tuple[RiskSignal, Customer]]:
    """Signals with their customers, newest first, below a number (keyset)."""
    query = sa.select(RiskSignal, Customer).join(Customer, Customer.id == RiskSignal.customer_id)
    if status:
        query = query.where(RiskSignal.status == status)
    if rule:
        query = query.where(RiskSignal.rule == rule)
    if before_id is not None:
        query = query.where(RiskSignal.id < before_id)
    return [(row[0], row[1]) for row in session.execute(query.order_by(RiskSignal.id.desc()).limit(count))]


def clear(session: Session, me: SignedInStaff, signal_id: int, why: str) -> None:
    """Nothing was behind it. Raises Refusal `not_found`, `staff_not_oneself`, `input_missing`, `state_conflict`."""
    found = _signal(session, me, signal_id)
    _need(why)
    moment = now(session)
    states.advance(session, RISK_SIGNAL, found, "cleared", me.actor, why[:200], decided_at=moment, decided_by=me.actor)
    found.why = why[:200]
    session.flush()
    audit.write(session, me.actor, "risk.clear", f"customer:{found.customer_id}", details={"signal": found.id})


def open_case(session: Session, me: SignedInStaff, signal_id: int, title: str) -> RiskCase:
    """Makes a case of a signal, or adds it to the customer's open one. Raises as `clear`."""
    found = _signal(session, me, signal_id)
    query = sa.select(RiskCase).where(
        RiskCase.customer_id == found.customer_id, RiskCase.kind == RISK, RiskCase.status != "closed"
    )
    case = session.scalars(query.order_by(RiskCase.id.desc()).limit(1)).first()
    if case is None:
        _need(title)
        case = _make(session, me, found.customer_id, title)
    states.advance(
        session, RISK_SIGNAL, found, "in_case", me.actor, case_id=case.id, decided_at=now(session), decided_by=me.actor
    )
    _entry(session, case, "signal", f"{found.rule} #{found.id}", me.actor)
    audit.write(session, me.actor, "risk.case", f"customer:{found.customer_id}", details={"case": case.public_id})
    return case


def open_case_about(session: Session, me: SignedInStaff, customer_public_id: str, title: str) -> RiskCase:
    """Makes a case without a signal. Raises Refusal `not_found`, `staff_not_oneself`, `input_missing`."""
    customer = staff_customers.find(session, customer_public_id)
    _not_own(session, me, customer.id)
    _need(title)
    case = _make(session, me, customer.id, title)
    audit.write(session, me.actor, "risk.case", f"customer:{customer.id}", details={"case": case.public_id})
    return case


def _make(session: Session, me: SignedInStaff, customer_id: int, title: str) -> RiskCase:
    moment = now(session)
    case = RiskCase(
        customer_id=customer_id, title=title.strip()[:200], status=RISK_CASE.start, opened_by=me.actor,
        assigned_to=me.staff_id, created_at=moment, updated_at=moment,
    )  # fmt: skip
    session.add(case)
    states.begin(session, RISK_CASE, case, me.actor)
    _entry(session, case, "opened", case.title, me.actor)
    return case


def case_of(session: Session, public_id: str) -> RiskCase:
    """A case. Raises Refusal `not_found`."""
    found = session.scalar(sa.select(RiskCase).where(RiskCase.public_id == public_id))
    if found is None:
        raise Refusal("not_found")
    return found


def cases(session: Session, *, status: str = "", before_id: int | None = None, count: int = 25) -> list[RiskCase]:
    """Cases, newest first, below a number (keyset); disputes stand apart (services/disputes.py)."""
    query = sa.select(RiskCase).where(RiskCase.kind == RISK)
    if status:
        query = query.where(RiskCase.status == status)
    if before_id is not None:
        query = query.where(RiskCase.id < before_id)
    return list(session.scalars(query.order_by(RiskCase.id.desc()).limit(count)))


def timeline(session: Session, case_id: int) -> list[RiskCaseEntry]:
    """What happened in a case, oldest first."""
    query = sa.select(RiskCaseEntry).where(RiskCaseEntry.case_id == case_id)
    return list(session.scalars(query.order_by(RiskCaseEntry.id)))


def write(session: Session, me: SignedInStaff, public_id: str, text: str) -> None:
    """Adds to a case's timeline. Raises Refusal `not_found`, `staff_not_oneself`, `input_missing`."""
    case = _case(session, me, public_id)
    _need(text, "note")
    _entry(session, case, "note", text.strip()[:4000], me.actor)


def move(session: Session, me: SignedInStaff, public_id: str, to: str, why: str) -> None:
    """Moves a case on. Raises Refusal `not_found`, `staff_not_oneself`, `input_missing`, `state_conflict`."""
    case = _case(session, me, public_id)
    _need(why)
    moment = now(session)
    states.advance(
        session,
        RISK_CASE,
        case,
        to,
        me.actor,
        why[:200],
        updated_at=moment,
        closed_at=moment if to == "closed" else None,
    )
    _entry(session, case, to, why.strip()[:4000], me.actor)
    audit.write(session, me.actor, f"risk.case.{to}", f"customer:{case.customer_id}", details={"case": public_id})


def _case(session: Session, me: SignedInStaff, public_id: str) -> RiskCase:
    case = case_of(session, public_id)
    _not_own(session, me, case.customer_id)
    return case


def _signal(session: Session, me: SignedInStaff, signal_id: int) -> RiskSignal:
    found = session.get(RiskSignal, signal_id)
    if found is None:
        raise Refusal("not_found")
    _not_own(session, me, found.customer_id)
    return found


def _not_own(session: Session, me: SignedInStaff, customer_id: int) -> None:
    if staff_accounts.is_own(session, me.staff_id, customer_id):
        raise Refusal("staff_not_oneself")


def _need(text: str, field: str = "reason") -> None:
    if len(text.strip()) < 3:
        raise Refusal("input_missing", field=field)


def _entry(session: Session, case: RiskCase, kind: str, text: str, actor: str) -> None:
    session.flush()
    session.add(RiskCaseEntry(case_id=case.id, kind=kind, text=text, actor=actor, at=now(session)))
    session.flush()


staff_counts.declare("risk", RISK_VIEW, lambda _: sa.select(RiskSignal.id).where(RiskSignal.status == "open"))
