"""Movements that a customer disputes: opened by whoever they talk to, followed until they are answered.

A dispute is a case (models/risk.py) of its own kind, so that it has the same life and timeline and stays apart from what
compliance looks into.
"""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import states
from portal.db import now
from portal.errors import N_, Refusal, declare
from portal.machines.risk import RISK_CASE
from portal.models.customers import Customer
from portal.models.risk import RiskCase, RiskCaseEntry
from portal.models.system import Activity
from portal.permissions import CUSTOMERS_NOTE
from portal.services import audit, risk, staff_accounts, staff_counts, staff_customers
from portal.services.staff_sessions import SignedInStaff

DISPUTE = "dispute"

declare({"dispute_known": N_("This movement is disputed already.")})


def open_dispute(session: Session, me: SignedInStaff, customer_public_id: str, row_id: str, claim: str) -> RiskCase:
    """Opens a dispute about a line of a customer's history.

    Raises Refusal `not_found`, `staff_not_oneself`, `input_missing`, `dispute_known`.
    """
    customer = staff_customers.find(session, customer_public_id)
    if staff_accounts.is_own(session, me.staff_id, customer.id):
        raise Refusal("staff_not_oneself")
    line = session.scalar(
        sa.select(Activity).where(Activity.customer_id == customer.id, Activity.public_id == row_id).limit(1)
    )
    if line is None:
        raise Refusal("not_found")
    if len(claim.strip()) < 3:
        raise Refusal("input_missing", field="claim")
    session.refresh(customer, with_for_update=True)
    waiting = sa.select(RiskCase.id).where(
        RiskCase.customer_id == customer.id, RiskCase.kind == DISPUTE, RiskCase.about == line.reference,
        RiskCase.status != "closed",
    )  # fmt: skip
    if session.scalar(waiting) is not None:
        raise Refusal("dispute_known", field="claim")
    moment = now(session)
    case = RiskCase(
        customer_id=customer.id, title=claim.strip()[:200], kind=DISPUTE, about=line.reference, status=RISK_CASE.start,
        opened_by=me.actor, assigned_to=me.staff_id, created_at=moment, updated_at=moment,
    )  # fmt: skip
    session.add(case)
    states.begin(session, RISK_CASE, case, me.actor)
    session.flush()
    session.add(RiskCaseEntry(case_id=case.id, kind="opened", text=claim.strip()[:4000], actor=me.actor, at=moment))
    audit.write(
        session, me.actor, "dispute.open", f"customer:{customer.id}",
        details={"case": case.public_id, "about": line.reference},
    )  # fmt: skip
    return case


def page(
    session: Session, *, status: str = "", before_id: int | None = None, count: int = 25
) -> list[tuple[RiskCase, Customer]]:
    """Disputes with their customers, newest first, below a number (keyset); without a status those that are not closed."""
    query = sa.select(RiskCase, Customer).join(Customer, Customer.id == RiskCase.customer_id)
    query = query.where(RiskCase.kind == DISPUTE)
    query = query.where(RiskCase.status == status if status else RiskCase.status != "closed")
    if before_id is not None:
        query = query.where(RiskCase.id < before_id)
    return [(row[0], row[1]) for row in session.execute(query.order_by(RiskCase.id.desc()).limit(count))]


def find(session: Session, public_id: str) -> RiskCase:
    """A dispute. Raises Refusal `not_found`, for a case of another kind alike."""
    found = risk.case_of(session, public_id)
    if found.kind != DISPUTE:
        raise Refusal("not_found")
    return found


def line_of(session: Session, case: RiskCase) -> Activity | None:
    """The line of the history that is disputed."""
    query = sa.select(Activity).where(Activity.customer_id == case.customer_id, Activity.reference == case.about)
    return session.scalar(query.order_by(Activity.id.desc()).limit(1))


def write(session: Session, me: SignedInStaff, public_id: str, text: str) -> None:
    """Adds to a dispute's timeline. Raises Refusal `not_found`, `staff_not_oneself`, `input_missing`."""
    find(session, public_id)
    risk.write(session, me, public_id, text)


def move(session: Session, me: SignedInStaff, public_id: str, to: str, why: str) -> None:
    """Moves a dispute on. Raises Refusal `not_found`, `staff_not_oneself`, `input_missing`, `state_conflict`."""
    find(session, public_id)
    risk.move(session, me, public_id, to, why)


staff_counts.declare(
    "disputes", CUSTOMERS_NOTE,
    lambda _: sa.select(RiskCase.id).where(RiskCase.kind == DISPUTE, RiskCase.status != "closed"),
)  # fmt: skip
