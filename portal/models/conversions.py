"""One asset changed into another at the market (brokerage operation CONVERT)."""

from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, BigInt
from portal.models.columns import Asset, Label, Moment, PublicId, RowId, Units


class Conversion(Base):
    """A conversion that was done; it is done at once or not at all, so it has no life cycle.

    `spread_units` is the house's share in the asset received; the prices are in TWD for one unit (1 for TWD itself).
    """

    __tablename__ = "conversions"
    __table_args__ = (
        sa.Index(None, "customer_id", "id"),
        sa.CheckConstraint("from_units > 0 AND to_units > 0 AND from_asset <> to_asset", name="amounts"),
    )

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    customer_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("customers.id"))
    from_asset: Mapped[Asset]
    from_units: Mapped[Units]
    to_asset: Mapped[Asset]
    to_units: Mapped[Units]
    spread_units: Mapped[Units]
    from_price: Mapped[Decimal]
    to_price: Mapped[Decimal]
    spread_percent: Mapped[Decimal]
    reference: Mapped[Label] = mapped_column(unique=True)
    created_at: Mapped[Moment]
