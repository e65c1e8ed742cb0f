"""Knowing the customer: identity, levels and documents. Everything personal is sealed; what must be found has an index."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, BigInt
from portal.models.columns import Digest, Label, Moment, RowId, Status, Text200


class KycIdentity(Base):
    """Who a customer says to be (level 1) and what they answered (level 2).

    `number_kind` is national, resident or resident_old (services/kyc/numbers.py). `phone_sealed` is the number that a code
    was sent to, not proven yet. `answers_sealed` is JSON.
    """

    __tablename__ = "kyc_identities"
    __table_args__ = (sa.Index(None, "number_index"),)

    customer_id: Mapped[int] = mapped_column(
        BigInt, sa.ForeignKey("customers.id"), primary_key=True, autoincrement=False
    )
    name_sealed: Mapped[bytes]
    gender: Mapped[int] = mapped_column(sa.SmallInteger)
    birthday_sealed: Mapped[bytes]
    number_sealed: Mapped[bytes]
    number_index: Mapped[Digest]
    number_kind: Mapped[Label]
    phone_sealed: Mapped[bytes | None]
    answers_sealed: Mapped[bytes | None]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    verified_at: Mapped[Moment | None]


class IdentityHolder(Base):
    """The one verified customer of an identity number; the primary key makes the number unique."""

    __tablename__ = "identity_holders"

    number_index: Mapped[Digest] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("customers.id"), unique=True)
    since: Mapped[Moment]


class KycLevel(Base):
    """A level of a customer. Life cycle: machines/kyc.py.

    `revision` grows with every submission, so that a decision names exactly what was looked at. `bank_account_id` is the
    account that level 3 is about.
    """

    __tablename__ = "kyc_levels"
    __table_args__ = (
        sa.UniqueConstraint("customer_id", "level"),
        sa.CheckConstraint("level BETWEEN 1 AND 3", name="level"),
        sa.Index(None, "status", "submitted_at", "id"),
    )

    id: Mapped[RowId]
    customer_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("customers.id"))
    level: Mapped[int] = mapped_column(sa.SmallInteger)
    status: Mapped[Status] = mapped_column(default="unverified")
    revision: Mapped[int] = mapped_column(sa.Integer, default=0)
    submitted_at: Mapped[Moment | None]
    decided_at: Mapped[Moment | None]
    decided_by: Mapped[Label | None]
    reason: Mapped[Text200 | None]
    bank_account_id: Mapped[int | None] = mapped_column(BigInt, sa.ForeignKey("bank_accounts.id"))


_CURRENT: dict[str, Any] = {
    "sqlite_where": sa.text("status <> 'replaced'"),
    "postgresql_where": sa.text("status <> 'replaced'"),
}


class KycDocument(Base):
    """One document a customer handed in; one per kind is current, replaced ones are kept. Life cycle: machines/kyc.py.

    `kind` is the contract's image type, 1 to 6 (services/kyc/documents.py).
    """

    __tablename__ = "kyc_documents"
    __table_args__ = (
        sa.Index("uq_kyc_documents_current", "customer_id", "kind", unique=True, **_CURRENT),
        sa.CheckConstraint("kind BETWEEN 1 AND 6", name="kind"),
    )

    id: Mapped[RowId]
    customer_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("customers.id"))
    kind: Mapped[int] = mapped_column(sa.SmallInteger)
    level: Mapped[int] = mapped_column(sa.SmallInteger)
    status: Mapped[Status] = mapped_column(default="uploaded")
    file_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("stored_files.id"))
    reason: Mapped[Text200 | None]
    created_at: Mapped[Moment]
    decided_at: Mapped[Moment | None]
