"""The people behind the desk: who they are, what they may do, what they wrote down, and what two of them decided."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, BigInt
from portal.models.columns import Digest, Label, Moment, PublicId, RowId, Status, Text, Text200


class Staff(Base):
    """A member of staff. `standing` is active or suspended; the second factor is bound under owner kind `staff`.

    `customer_id` is their own account as a customer, if they have one: they never decide about it.
    """

    __tablename__ = "staff"
    __table_args__ = (sa.CheckConstraint("standing IN ('active', 'suspended')", name="standing"),)

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    email: Mapped[Text200] = mapped_column(unique=True)
    name: Mapped[Label]
    password_hash: Mapped[Text200]
    password_changed_at: Mapped[Moment | None]
    standing: Mapped[str] = mapped_column(sa.String(12), default="active")
    customer_id: Mapped[int | None] = mapped_column(BigInt, sa.ForeignKey("customers.id"), unique=True)
    created_at: Mapped[Moment]


class StaffRole(Base):
    """A role somebody has. Given and taken by two people (services/staff_roles.py)."""

    __tablename__ = "staff_roles"

    staff_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("staff.id"), primary_key=True)
    role: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    since: Mapped[Moment]


class RolePermission(Base):
    """A permission (portal/permissions.py) that everybody of a role has."""

    __tablename__ = "role_permissions"

    role: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    permission: Mapped[str] = mapped_column(sa.String(40), primary_key=True)


class StaffSession(Base):
    """A signed-in desk. Only a digest of the secret is kept; `scope` is full or second_factor."""

    __tablename__ = "staff_sessions"
    __table_args__ = (sa.Index(None, "staff_id", "id"),)

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    staff_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("staff.id"))
    secret_digest: Mapped[Digest] = mapped_column(unique=True)
    scope: Mapped[str] = mapped_column(sa.String(16))
    ip: Mapped[str] = mapped_column(sa.String(45))
    user_agent: Mapped[str] = mapped_column(sa.String(300), default="")
    created_at: Mapped[Moment]
    last_seen_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    ended_at: Mapped[Moment | None]
    ended_why: Mapped[Label | None]


class StaffNote(Base):
    """What staff wrote about a customer, a case or another thing (`subject` as in the audit log). Append-only."""

    __tablename__ = "staff_notes"
    __table_args__ = (sa.Index(None, "subject", "id"),)

    id: Mapped[RowId]
    subject: Mapped[Text200]
    staff_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("staff.id"))
    text: Mapped[Text]
    created_at: Mapped[Moment]


class Approval(Base):
    """An act that needs two people: proposed by its maker, decided by another, carried out once with the decision.

    The database refuses a checker who is the maker, a proposal that is not pending when it is made, any change of what
    was proposed, and any change after the decision (migrations/guards.py). `status` is pending, approved, rejected or
    withdrawn.
    """

    __tablename__ = "approvals"
    __table_args__ = (
        sa.CheckConstraint("checker_id IS NULL OR checker_id <> maker_id", name="two_people"),
        sa.CheckConstraint("status IN ('pending', 'approved', 'rejected', 'withdrawn')", name="status"),
        sa.CheckConstraint("(status IN ('approved', 'rejected')) = (checker_id IS NOT NULL)", name="checked"),
        sa.CheckConstraint("(status = 'pending') = (decided_at IS NULL)", name="decided"),
        sa.Index(None, "status", "id"),
        sa.Index(None, "subject", "id"),
    )

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    kind: Mapped[Label]
    subject: Mapped[Text200]
    payload: Mapped[dict[str, Any]]
    reason: Mapped[Text200]
    maker_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("staff.id"))
    checker_id: Mapped[int | None] = mapped_column(BigInt, sa.ForeignKey("staff.id"))
    status: Mapped[Status] = mapped_column(default="pending")
    decision_reason: Mapped[Text200 | None]
    result: Mapped[dict[str, Any] | None]
    created_at: Mapped[Moment]
    decided_at: Mapped[Moment | None]


class SealedFact(Base):
    """A fact that a proposal needs and nobody should read in passing: the payload names its row, rotation renews it."""

    __tablename__ = "sealed_facts"

    id: Mapped[RowId]
    content_sealed: Mapped[bytes]
    created_at: Mapped[Moment]
