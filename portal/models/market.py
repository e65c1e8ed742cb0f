"""Prices, quotes and trades."""

from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, BigInt
from portal.models.columns import Asset, Foreseen, Moment, PublicId, RowId, Status, Units


class Price(Base):
    """The market's present price of a symbol such as `USDT-TWD`, as the price duty last accepted it."""

    __tablename__ = "prices"

    symbol: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    price: Mapped[Decimal]
    source: Mapped[str] = mapped_column(sa.String(32))
    at: Mapped[Moment]


class PriceLeap(Base):
    """The newest price of a symbol that was not believed, until one is believed again."""

    __tablename__ = "price_leaps"

    symbol: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    price: Mapped[Decimal]
    source: Mapped[str] = mapped_column(sa.String(32))
    at: Mapped[Moment]


class PricePoint(Base):
    """One point of a symbol's history; `resolution` is the bucket's width in seconds (0 for a raw observation)."""

    __tablename__ = "price_points"
    __table_args__ = (sa.UniqueConstraint("symbol", "resolution", "at"),)

    id: Mapped[RowId]
    symbol: Mapped[str] = mapped_column(sa.String(16))
    resolution: Mapped[int] = mapped_column(sa.Integer, default=0)
    at: Mapped[Moment]
    price: Mapped[Decimal]


class Quote(Base):
    """A price held for a customer for a moment, and what became of it.

    `base_units` of `base_asset` against `order_units` of `order_asset` (TWD). `spread_units` is the house's share
    in the order asset. Life cycle: machines/quotes.py.
    """

    __tablename__ = "quotes"
    __table_args__ = (
        sa.Index(None, "customer_id", "id"),
        sa.CheckConstraint("base_units > 0 AND order_units > 0", name="positive"),
    )

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    customer_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("customers.id"))
    side: Mapped[str] = mapped_column(sa.String(4))
    base_asset: Mapped[Asset]
    order_asset: Mapped[Asset]
    base_units: Mapped[Units]
    order_units: Mapped[Units]
    spread_units: Mapped[Units]
    unit_price: Mapped[Decimal]
    market_price: Mapped[Decimal]
    spread_percent: Mapped[Decimal]
    given: Mapped[str] = mapped_column(sa.String(5))
    valid_ms: Mapped[int] = mapped_column(sa.Integer)
    status: Mapped[Status] = mapped_column(default="quoted")
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    closed_at: Mapped[Moment | None]
    foreseen: Mapped[Foreseen]
