"""What the staff decided about withdrawals that need a second look, and what is told with large ones (Travel Rule)."""

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


class TravelRecord(Base):
    """Who sends and who receives a crypto withdrawal above the Travel Rule's threshold (FATF recommendation 16).

    `wallet` is own, other (another person's) or undeclared; `party_sealed` holds originator and beneficiary. `provider` is
    the provider that keeps the receiving wallet, empty for one that nobody but its owner keeps. `status` is kept (nobody to
    tell), due, told or refused.
    """

    __tablename__ = "travel_records"
    __table_args__ = (sa.Index(None, "status", "id"),)

    id: Mapped[RowId]
    withdrawal_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("withdrawals.id"), unique=True)
    wallet: Mapped[str] = mapped_column(sa.String(12))
    provider: Mapped[Text200] = mapped_column(default="")
    party_sealed: Mapped[bytes]
    status: Mapped[Status]
    answer: Mapped[Text200 | None]
    created_at: Mapped[Moment]
    told_at: Mapped[Moment | None]
