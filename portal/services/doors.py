"""What the frame of a customer's page tells of other doors: news that were not read, stores and institutions they serve."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.models.partner import InstitutionMember
from portal.models.stores import StoreMember
from portal.models.system import Notification

#: More are shown as this and a plus.
MOST = 99


@dataclass(frozen=True, slots=True)
class Doors:
    """`unread` lines of news, at most one more than `MOST`; whether the person works for a store, for an institution."""

    unread: int
    store: bool
    institution: bool


def of_customer(session: Session, customer_id: int) -> Doors:
    """All of it in one statement."""
    unread = (
        sa.select(Notification.id)
        .where(Notification.customer_id == customer_id, Notification.read_at.is_(None))
        .limit(MOST + 1)
        .subquery()
    )
    found = session.execute(
        sa.select(
            sa.select(sa.func.count()).select_from(unread).scalar_subquery(),
            *(
                sa.exists().where(member.customer_id == customer_id, member.removed_at.is_(None))
                for member in (StoreMember, InstitutionMember)
            ),
        )
    ).one()
    return Doors(found[0], bool(found[1]), bool(found[2]))
