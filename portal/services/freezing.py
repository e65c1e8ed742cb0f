"""Freezing an account from a mail's link (freeze_links.py): locked, signed out everywhere, payments stopped."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import affected
from portal.errors import N_
from portal.models.customers import Customer
from portal.services import audit, freeze_links, notifications, sessions, withdrawals
from portal.services.notifications import Event

notifications.declare(
    {
        "account_frozen": Event(
            "security",
            N_("Your account is frozen"),
            N_(
                "It was frozen through the link in a mail. All devices were signed out and what could be stopped was stopped. Please contact us to open it again."
            ),
            icon="lock",
        )
    }
)


def freeze(session: Session, text: str, *, ip: str | None = None) -> Customer:
    """Locks the account, signs every device out and calls off what can still be called off.

    Raises Refusal `freeze_link_invalid`. An account that is locked already stays as it is.
    """
    customer = freeze_links.customer_of(session, text)
    locked = session.execute(
        sa.update(Customer)
        .where(Customer.id == customer.id, Customer.standing.in_(("normal", "not_tradable")))
        .values(standing="locked")
        .execution_options(synchronize_session=False)
    )
    sessions.end_all(session, customer.id, "account frozen")
    if affected(locked) == 1:
        stopped = withdrawals.cancel_open(session, "customer", customer.id, "system", "account frozen")
        audit.write(
            session, f"customer:{customer.id}", "account.freeze", f"customer:{customer.id}",
            details={"withdrawals_stopped": stopped}, ip=ip,
        )  # fmt: skip
        notifications.tell(session, customer.id, "account_frozen")
    session.refresh(customer)
    return customer
