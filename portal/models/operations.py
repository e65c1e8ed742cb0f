"""What operations watch: signs of life of the workers."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, BigInt
from portal.models.columns import Label


class Heartbeat(Base):
    """A worker's last sign of life, in UNIX seconds of the machine's own clock."""

    __tablename__ = "heartbeats"

    worker: Mapped[Label] = mapped_column(primary_key=True)
    beat_at: Mapped[int] = mapped_column(BigInt)
    pid: Mapped[int] = mapped_column(sa.Integer)
