"""What a store's console keeps: its days, and who was asked to join."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, BigInt
from portal.models.columns import Digest, Moment, PublicId, RowId, Text200, Units


class StoreDay(Base):
    """A store's day by Taipei's calendar, in TWIP units; counted up with every payment, refund and settlement.

    `opening_units` is what the store had (available and held) before the day's first movement.
    """

    __tablename__ = "store_days"

    store_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("stores.id"), primary_key=True)
    day: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    opening_units: Mapped[Units]
    payments: Mapped[int] = mapped_column(BigInt, default=0)
    bill_units: Mapped[Units] = mapped_column(default=0)
    discount_units: Mapped[Units] = mapped_column(default=0)
    paid_units: Mapped[Units] = mapped_column(default=0)
    refunds: Mapped[int] = mapped_column(BigInt, default=0)
    refunded_units: Mapped[Units] = mapped_column(default=0)
    settlements: Mapped[int] = mapped_column(BigInt, default=0)
    settled_units: Mapped[Units] = mapped_column(default=0)


class StoreInvitation(Base):
    """Somebody was asked by mail to work for a store; the link's digest is kept, and it serves once."""

    __tablename__ = "store_invitations"
    __table_args__ = (sa.Index(None, "store_id", "id"),)

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    store_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("stores.id"))
    email: Mapped[Text200]
    role: Mapped[str] = mapped_column(sa.String(8))
    token_digest: Mapped[Digest] = mapped_column(unique=True)
    invited_by: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("customers.id"))
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    accepted_at: Mapped[Moment | None]
    ended_at: Mapped[Moment | None]
