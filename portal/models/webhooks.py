"""Notices to the systems of stores and institutions (Standard Webhooks): where they go, what was told, how it went."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, BigInt
from portal.models.columns import Label, Moment, PublicId, RowId, Status, Text200


class WebhookEndpoint(Base):
    """An address of an owner (`store` or `institution`) that wants some events, or all (`*`).

    After a rotation the old secret signs beside the new one until `old_until`. `failures` counts failed attempts in a row
    since `failing_since`; an endpoint that fails for days is disabled by itself.
    """

    __tablename__ = "webhook_endpoints"
    __table_args__ = (sa.Index(None, "owner_kind", "owner_id"),)

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    owner_kind: Mapped[str] = mapped_column(sa.String(12))
    owner_id: Mapped[int] = mapped_column(BigInt)
    url: Mapped[str] = mapped_column(sa.String(500))
    events: Mapped[list[Any]]
    secret_sealed: Mapped[bytes]
    old_secret_sealed: Mapped[bytes | None]
    old_until: Mapped[Moment | None]
    failures: Mapped[int] = mapped_column(sa.Integer, default=0)
    failing_since: Mapped[Moment | None]
    created_at: Mapped[Moment]
    disabled_at: Mapped[Moment | None]
    disabled_why: Mapped[Label | None]


class WebhookMessage(Base):
    """One event told to an owner; its `public_id` is the webhook-id, the same at every attempt and endpoint."""

    __tablename__ = "webhook_messages"
    __table_args__ = (
        sa.UniqueConstraint("owner_kind", "owner_id", "event", "event_key"),
        sa.Index(None, "owner_kind", "owner_id", "id"),
    )

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    owner_kind: Mapped[str] = mapped_column(sa.String(12))
    owner_id: Mapped[int] = mapped_column(BigInt)
    event: Mapped[Label]
    event_key: Mapped[Label]
    data: Mapped[dict[str, Any]]
    created_at: Mapped[Moment]


class WebhookDelivery(Base):
    """A message on its way to one endpoint: pending, delivered or failed (given up after days of attempts)."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        sa.UniqueConstraint("message_id", "endpoint_id"),
        sa.Index(None, "status", "next_at"),
        sa.Index(None, "endpoint_id", "id"),
    )

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    message_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("webhook_messages.id"))
    endpoint_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("webhook_endpoints.id"))
    status: Mapped[Status] = mapped_column(default="pending")
    attempts: Mapped[int] = mapped_column(sa.Integer, default=0)
    tries_left: Mapped[int] = mapped_column(sa.Integer)
    next_at: Mapped[Moment]
    leased_until: Mapped[Moment | None]
    created_at: Mapped[Moment]
    finished_at: Mapped[Moment | None]


class WebhookAttempt(Base):
    """One attempt of a delivery: the answer's status, or what went wrong before there was one."""

    __tablename__ = "webhook_attempts"
    __table_args__ = (sa.Index(None, "delivery_id", "id"),)

    id: Mapped[RowId]
    delivery_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("webhook_deliveries.id"))
    number: Mapped[int] = mapped_column(sa.Integer)
    response_status: Mapped[int | None] = mapped_column(sa.Integer)
    response_start: Mapped[Text200 | None]
    error: Mapped[Text200 | None]
    took_ms: Mapped[int] = mapped_column(sa.Integer)
    at: Mapped[Moment]
