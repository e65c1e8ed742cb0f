"""Price alerts: a customer is told once when a market's price passes a mark."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, BigInt
from portal.models.columns import Asset, Moment, RowId, Units

_WATCHED = sa.text("fired_at IS NULL AND removed_at IS NULL")


class PriceAlert(Base):
    """A mark in millionths of TWD, so that both engines compare whole numbers; `direction` is `above` or `below`.

    It is watched until `fired_at` or `removed_at` is set.
    """

    __tablename__ = "price_alerts"
    __table_args__ = (
        sa.Index(None, "customer_id", "id"),
        sa.Index(
            "ix_price_alerts_watched",
            "asset",
            "direction",
            "price_micro",
            postgresql_where=_WATCHED,
            sqlite_where=_WATCHED,
        ),
        sa.CheckConstraint("price_micro > 0", name="positive"),
    )

    id: Mapped[RowId]
    customer_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("customers.id"))
    asset: Mapped[Asset]
    direction: Mapped[str] = mapped_column(sa.String(5))
    price_micro: Mapped[Units]
    created_at: Mapped[Moment]
    fired_at: Mapped[Moment | None]
    removed_at: Mapped[Moment | None]
