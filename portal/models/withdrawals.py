"""What the staff decided about withdrawals that need a second look."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, BigInt
from portal.models.columns import Label, Moment, RowId, Status, Text200


class WithdrawalApproval(Base):
    """One person's decision about one withdrawal; a person decides once, so two approvals are two people.

    `decision` is `approve` or `reject`. A trigger counts them before a withdrawal may be approved (two_people.py).
    """

    __tablename__ = "withdrawal_approvals"
    __table_args__ = (sa.UniqueConstraint("withdrawal_id", "decided_by"),)

    id: Mapped[RowId]
    withdrawal_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("withdrawals.id"))
    decided_by: Mapped[Label]
    decision: Mapped[Status]
    reason: Mapped[Text200 | None]
    decided_at: Mapped[Moment]
