"""Accounts, journals and entries: the double-entry ledger. Journals and entries are append-only by trigger."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, BigInt
from portal.models.columns import Asset, Label, Moment, RowId, Text200, Units


class Account(Base):
    """One balance: (owner, asset, bucket), house accounts split into slots so that nobody queues for them."""

    __tablename__ = "accounts"
    __table_args__ = (
        sa.UniqueConstraint("owner_kind", "owner_id", "asset", "bucket", "slot"),
        sa.CheckConstraint("balance_units >= 0 OR owner_kind = 'house'", name="not_negative"),
    )

    id: Mapped[RowId]
    owner_kind: Mapped[str] = mapped_column(sa.String(16))
    owner_id: Mapped[int] = mapped_column(BigInt)
    asset: Mapped[Asset]
    bucket: Mapped[str] = mapped_column(sa.String(16))
    slot: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    balance_units: Mapped[Units] = mapped_column(default=0)


class Journal(Base):
    """One balanced posting with its reason; `reference` names the external fact and is unique."""

    __tablename__ = "journals"

    id: Mapped[RowId]
    kind: Mapped[Label]
    reference: Mapped[Text200] = mapped_column(unique=True)
    actor: Mapped[Label]
    details: Mapped[dict[str, Any] | None]
    reverses_id: Mapped[int | None] = mapped_column(BigInt, sa.ForeignKey("journals.id"), unique=True)
    posted_at: Mapped[Moment]


class Entry(Base):
    """One line of a journal: the account's signed change and its balance after it.

    On PostgreSQL entries are written by the function `post_journal` alone, which proves account, journal and sum (migration 0004).
    """

    __tablename__ = "entries"
    __table_args__ = (
        sa.ForeignKeyConstraint(["journal_id"], ["journals.id"], info={"engine": "sqlite"}),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], info={"engine": "sqlite"}),
        sa.Index(None, "journal_id"),
        sa.Index(None, "account_id", "id"),
        sa.CheckConstraint("amount_units <> 0", name="not_zero"),
    )

    id: Mapped[RowId]
    journal_id: Mapped[int] = mapped_column(BigInt)
    account_id: Mapped[int] = mapped_column(BigInt)
    asset: Mapped[Asset]
    amount_units: Mapped[Units]
    balance_after_units: Mapped[Units]


class LedgerDay(Base):
    """What a day (Taipei) changed: the sum of its entries by kind of owner, bucket, kind of journal and asset.

    Entries are summed once, in order of their numbers, up to the mark of LedgerMark; `first_id` and `last_id` are the span
    of entries in a row. With it a balance as of a moment reads days instead of every entry there ever was.
    """

    __tablename__ = "ledger_days"

    day: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    owner_kind: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    bucket: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    kind: Mapped[Label] = mapped_column(primary_key=True)
    asset: Mapped[Asset] = mapped_column(primary_key=True)
    units: Mapped[Units]
    first_id: Mapped[int] = mapped_column(BigInt)
    last_id: Mapped[int] = mapped_column(BigInt)


class LedgerMark(Base):
    """How far something has read the entries; its row is locked by whoever reads on."""

    __tablename__ = "ledger_marks"

    name: Mapped[Label] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInt, default=0)
