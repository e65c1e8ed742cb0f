"""The bank from the back office's side: what its statements say, what goes out in files, refunds, and days that are closed."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, BigInt
from portal.models.columns import Asset, Digest, Label, Moment, PublicId, RowId, Status, Text200, Units


class BankMapping(Base):
    """How the columns of a bank's CSV files are read, made by staff; the newest of a name counts."""

    __tablename__ = "bank_mappings"

    id: Mapped[RowId]
    name: Mapped[Label]
    columns: Mapped[dict[str, Any]]
    made_by: Mapped[Label]
    made_at: Mapped[Moment]


class BankStatement(Base):
    """An imported file of one bank account: its lines are the bank's word.

    `account` is the house's own account number. Balances (units of `asset`) are the bank's own figures at the period's
    ends, None where the file tells none. `kind` is statement (final) or notice (camt.054: entries without balances).
    """

    __tablename__ = "bank_statements"
    __table_args__ = (sa.Index(None, "account", "last_day"),)

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    account: Mapped[Label]
    asset: Mapped[Asset]
    kind: Mapped[str] = mapped_column(sa.String(10))
    format: Mapped[Label]
    file_name: Mapped[Text200]
    file_digest: Mapped[Digest] = mapped_column(unique=True)
    first_day: Mapped[str] = mapped_column(sa.String(10))
    last_day: Mapped[str] = mapped_column(sa.String(10))
    opening_units: Mapped[Units | None]
    closing_units: Mapped[Units | None]
    lines_new: Mapped[int] = mapped_column(sa.Integer)
    lines_known: Mapped[int] = mapped_column(sa.Integer)
    imported_by: Mapped[Label]
    imported_at: Mapped[Moment]


_IS_BOOKED = sa.text("status = 'booked' AND match_id IS NOT NULL")
#: A thing is on one line at most.
_BOOKED: dict[str, Any] = {"sqlite_where": _IS_BOOKED, "postgresql_where": _IS_BOOKED}


class StatementLine(Base):
    """One movement as the bank tells it; `amount_units` is positive for money that came in.

    `fingerprint` makes the same movement one line, in however many files it comes. `virtual_account` is the payee number
    the payer used. `match_kind` and `match_id` say what it is once `status` is booked: credit (bank_credits), payout
    (withdrawals), refund (bank_refunds), fee, interest or other (journals), own (between the house's accounts) or known
    (another line: the bank told it twice). Before that they are a proposal, with its `score` of at most 100.
    """

    __tablename__ = "statement_lines"
    __table_args__ = (
        sa.UniqueConstraint("account", "fingerprint"),
        sa.Index(None, "status", "id"),
        sa.Index(None, "statement_id", "id"),
        sa.Index("uq_statement_lines_booked", "match_kind", "match_id", unique=True, **_BOOKED),
        sa.CheckConstraint("amount_units <> 0", name="not_zero"),
    )

    id: Mapped[RowId]
    statement_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("bank_statements.id"))
    account: Mapped[Label]
    fingerprint: Mapped[Digest]
    day: Mapped[str] = mapped_column(sa.String(10))
    amount_units: Mapped[Units]
    balance_units: Mapped[Units | None]
    reference: Mapped[Text200 | None]
    virtual_account: Mapped[Label | None]
    other_account: Mapped[Label | None]
    other_name: Mapped[Text200 | None]
    remark: Mapped[Text200]
    status: Mapped[Status] = mapped_column(default="open")
    match_kind: Mapped[Label | None]
    match_id: Mapped[int | None] = mapped_column(BigInt)
    score: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    reasons: Mapped[list[Any] | None]
    note: Mapped[Text200 | None]
    booked_by: Mapped[Label | None]
    booked_at: Mapped[Moment | None]


class BankRefund(Base):
    """A bank credit on its way back to its payer. Life cycle: machines/bank_refunds.py."""

    __tablename__ = "bank_refunds"
    __table_args__ = (sa.Index(None, "status", "id"), sa.Index(None, "bank_credit_id"))

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    bank_credit_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("bank_credits.id"))
    asset: Mapped[Asset]
    amount_units: Mapped[Units]
    bank_code: Mapped[str] = mapped_column(sa.String(3))
    branch_code: Mapped[str] = mapped_column(sa.String(4))
    account_sealed: Mapped[bytes]
    account_tail: Mapped[str] = mapped_column(sa.String(4))
    holder_sealed: Mapped[bytes]
    reference: Mapped[Label] = mapped_column(unique=True)
    status: Mapped[Status] = mapped_column(default="ordered")
    failure: Mapped[Text200 | None]
    payout_file_id: Mapped[int | None] = mapped_column(BigInt, sa.ForeignKey("payout_files.id"))
    made_by: Mapped[Label]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    ordered_at: Mapped[Moment | None]


class PayoutFile(Base):
    """A file of pay-outs handed to the bank; its content is sealed, for it holds people's account numbers."""

    __tablename__ = "payout_files"

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    format: Mapped[Label]
    payments: Mapped[int] = mapped_column(sa.Integer)
    total_units: Mapped[Units]
    content_sealed: Mapped[bytes]
    content_digest: Mapped[Digest]
    made_by: Mapped[Label]
    made_at: Mapped[Moment]


class PayoutFilePart(Base):
    """A payment in a file: a withdrawal or refund is in one file at most."""

    __tablename__ = "payout_file_parts"

    kind: Mapped[Label] = mapped_column(primary_key=True)
    thing_id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    file_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("payout_files.id"))


class BankClose(Base):
    """A day on which books and bank were found to agree, with the figures. Append-only by trigger."""

    __tablename__ = "bank_closes"

    day: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    figures: Mapped[dict[str, Any]]
    closed_by: Mapped[Label]
    closed_at: Mapped[Moment]


class Holding(Base):
    """What a source outside (a chain, the bank's statements) says it holds of an asset, as last heard.

    `books_units` is what the books said is held of the asset everywhere at that moment.
    """

    __tablename__ = "holdings"

    source: Mapped[Label] = mapped_column(primary_key=True)
    asset: Mapped[Asset] = mapped_column(primary_key=True)
    units: Mapped[Units]
    books_units: Mapped[Units] = mapped_column(default=0)
    at: Mapped[Moment]
