"""What looks odd, who looks at it, and what came of it."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, BigInt
from portal.models.columns import Label, Moment, PublicId, RowId, Status, Text, Text200


class RiskMark(Base):
    """A mark that staff put on a customer (`pep`, `watch`, `mule` …), until it is taken off."""

    __tablename__ = "risk_marks"
    __table_args__ = (sa.Index(None, "customer_id", "id"),)

    id: Mapped[RowId]
    customer_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("customers.id"))
    label: Mapped[Label]
    note: Mapped[Text200]
    made_by: Mapped[Label]
    created_at: Mapped[Moment]
    removed_at: Mapped[Moment | None]
    removed_by: Mapped[Label | None]


class RiskSignal(Base):
    """Something a rule found about a customer. `fingerprint` makes the same finding one signal.

    `status` is open, cleared (with why) or in_case. Life cycle: machines/risk.py.
    """

    __tablename__ = "risk_signals"
    __table_args__ = (sa.Index(None, "status", "id"), sa.Index(None, "customer_id", "id"), sa.Index(None, "case_id"))

    id: Mapped[RowId]
    rule: Mapped[Label]
    customer_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("customers.id"))
    fingerprint: Mapped[Text200] = mapped_column(unique=True)
    facts: Mapped[dict[str, Any]]
    status: Mapped[Status] = mapped_column(default="open")
    case_id: Mapped[int | None] = mapped_column(BigInt, sa.ForeignKey("risk_cases.id"))
    held_until: Mapped[Moment | None]
    created_at: Mapped[Moment]
    decided_at: Mapped[Moment | None]
    decided_by: Mapped[Label | None]
    why: Mapped[Text200 | None]


class RiskCase(Base):
    """An inquiry about a customer, or what they dispute. Life cycle: machines/risk.py. Its timeline are its entries.

    `kind` is risk or dispute; `about` is the reference of the movement that is disputed.
    """

    __tablename__ = "risk_cases"
    __table_args__ = (
        sa.Index(None, "kind", "status", "id"),
        sa.Index(None, "status", "id"),
        sa.Index(None, "customer_id", "id"),
    )

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    customer_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("customers.id"))
    title: Mapped[Text200]
    kind: Mapped[str] = mapped_column(sa.String(8), default="risk")
    about: Mapped[Label | None]
    status: Mapped[Status] = mapped_column(default="open")
    opened_by: Mapped[Label]
    assigned_to: Mapped[int | None] = mapped_column(BigInt, sa.ForeignKey("staff.id"))
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    closed_at: Mapped[Moment | None]


class RiskCaseEntry(Base):
    """One line of a case's timeline. Append-only by trigger."""

    __tablename__ = "risk_case_entries"
    __table_args__ = (sa.Index(None, "case_id", "id"),)

    id: Mapped[RowId]
    case_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("risk_cases.id"))
    kind: Mapped[Status]
    text: Mapped[Text]
    actor: Mapped[Label]
    at: Mapped[Moment]


class RiskCursor(Base):
    """How far the rules have read a table."""

    __tablename__ = "risk_cursors"

    name: Mapped[Label] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInt, default=0)
