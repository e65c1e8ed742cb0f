"""What every subject leans on: idempotency keys, jobs, state history, audit log, activity, settings."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, BigInt
from portal.models.columns import Asset, Digest, Label, Moment, PublicId, RowId, Status, Text, Text200, Units


class IdempotencyKey(Base):
    """A request key with its input's digest and the first answer; kept at least 24 hours."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (sa.UniqueConstraint("scope", "key"), sa.Index(None, "created_at"))

    id: Mapped[RowId]
    scope: Mapped[Text200]
    key: Mapped[Text200]
    fingerprint: Mapped[Digest]
    answer: Mapped[dict[str, Any] | None]
    created_at: Mapped[Moment]


class Job(Base):
    """A side effect written in the transaction that causes it, run by the worker under a lease."""

    __tablename__ = "jobs"
    __table_args__ = (sa.Index(None, "status", "run_at"), sa.Index(None, "kind", "status"))

    id: Mapped[RowId]
    kind: Mapped[Label]
    payload: Mapped[dict[str, Any]]
    status: Mapped[Status] = mapped_column(default="queued")
    unique_key: Mapped[Text200 | None] = mapped_column(unique=True)
    attempts: Mapped[int] = mapped_column(sa.Integer, default=0)
    max_attempts: Mapped[int] = mapped_column(sa.Integer, default=12)
    run_at: Mapped[Moment]
    expires_at: Mapped[Moment | None]
    leased_until: Mapped[Moment | None]
    leased_by: Mapped[Label | None]
    last_error: Mapped[Text | None]
    created_at: Mapped[Moment]
    finished_at: Mapped[Moment | None]


class StateChange(Base):
    """One move of one thing through its life cycle: who moved it, from where, why."""

    __tablename__ = "state_changes"
    __table_args__ = (sa.Index(None, "machine", "thing_id", "id"),)

    id: Mapped[RowId]
    machine: Mapped[Label]
    thing_id: Mapped[int] = mapped_column(BigInt)
    from_state: Mapped[Status]
    to_state: Mapped[Status]
    actor: Mapped[Label]
    why: Mapped[Text200 | None]
    at: Mapped[Moment]


class AuditRecord(Base):
    """One act in the audit log; each record's hash covers the one before it, so none can be cut out.

    Append-only by trigger. `chain_hash` is filled by the sealing duty in order of `id`.
    """

    __tablename__ = "audit_records"
    __table_args__ = (
        sa.Index(None, "subject", "id"),
        sa.Index(None, "actor", "id"),
        sa.Index(None, "action", "id"),
    )

    id: Mapped[RowId]
    actor: Mapped[Label]
    action: Mapped[Label]
    subject: Mapped[Text200]
    outcome: Mapped[Status]
    details: Mapped[dict[str, Any] | None]
    ip: Mapped[str | None] = mapped_column(sa.String(45))
    at: Mapped[Moment]


class AuditSeal(Base):
    """The hash chain over the audit records: one seal per record, in order. Append-only by trigger."""

    __tablename__ = "audit_seals"

    record_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("audit_records.id"), primary_key=True)
    chain_hash: Mapped[Digest]


class Activity(Base):
    """One line of a customer's history, whatever happened: the table every history page reads.

    `kind` says what (deposit, withdrawal, buy, sell, transfer_in, transfer_out, convert, payment, refund, …),
    `subject_kind` and `subject_id` point at the thing. Amounts are in ledger units of `asset`; `direction` is
    `in` or `out`. `details` holds what a page or a family shows besides (bank, address, price, rate, names).
    """

    __tablename__ = "activity"
    __table_args__ = (
        sa.UniqueConstraint("subject_kind", "subject_id", "customer_id", "kind"),
        sa.Index("ix_activity_customer_page", "customer_id", "id"),
        sa.Index("ix_activity_customer_kind", "customer_id", "kind", "asset", "id"),
    )

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    customer_id: Mapped[int] = mapped_column(BigInt)
    kind: Mapped[Status]
    direction: Mapped[str] = mapped_column(sa.String(3))
    asset: Mapped[Asset]
    amount_units: Mapped[Units]
    net_units: Mapped[Units]
    fee_units: Mapped[Units] = mapped_column(default=0)
    counter_asset: Mapped[Asset | None]
    counter_units: Mapped[Units | None]
    status: Mapped[Status]
    reference: Mapped[Label]
    counterparty: Mapped[Text200 | None]
    subject_kind: Mapped[Label]
    subject_id: Mapped[int] = mapped_column(BigInt)
    details: Mapped[dict[str, Any] | None]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]


class ActivityCount(Base):
    """How many activity rows a customer has per day, kind and asset; totals come from here, never from COUNT.

    `first_id` is the day's first row: deep pages start there instead of counting rows from the top.
    """

    __tablename__ = "activity_counts"

    customer_id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    day: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    kind: Mapped[Status] = mapped_column(primary_key=True)
    asset: Mapped[Asset] = mapped_column(primary_key=True)
    rows: Mapped[int] = mapped_column(BigInt, default=0)
    first_id: Mapped[int] = mapped_column(BigInt, default=0)


class Parameter(Base):
    """A rule of the business that staff may change, versioned: the newest version of a name is in force."""

    __tablename__ = "parameters"
    __table_args__ = (sa.UniqueConstraint("name", "version"),)

    id: Mapped[RowId]
    name: Mapped[Text200]
    version: Mapped[int] = mapped_column(sa.Integer)
    value: Mapped[dict[str, Any]]
    changed_by: Mapped[Label]
    changed_at: Mapped[Moment]


class Notification(Base):
    """A line in a person's in-page list: what happened, in their language when shown."""

    __tablename__ = "notifications"
    __table_args__ = (sa.Index(None, "customer_id", "id"),)

    id: Mapped[RowId]
    customer_id: Mapped[int] = mapped_column(BigInt)
    event: Mapped[Label]
    facts: Mapped[dict[str, Any]]
    link: Mapped[Text200 | None]
    read_at: Mapped[Moment | None]
    created_at: Mapped[Moment]
