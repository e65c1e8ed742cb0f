"""What a customer's holdings were worth, day by day."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, BigInt
from portal.models.columns import Moment, Units


class PortfolioSnapshot(Base):
    """The worth in TWD units on a day of Taipei's calendar, taken once."""

    __tablename__ = "portfolio_snapshots"

    customer_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("customers.id"), primary_key=True)
    day: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    worth_units: Mapped[Units]
    taken_at: Mapped[Moment]
