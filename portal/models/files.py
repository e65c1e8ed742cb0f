"""Documents that people hand in: what is known of each file in the store; its sealed bytes lie behind the file port."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, BigInt
from portal.models.columns import Digest, Label, Moment, PublicId, RowId


class StoredFile(Base):
    """One sealed file in the store.

    `state` is `reserved` (about to be stored, or stored and never used), `registered` (belongs to its owner),
    `discarded` (no longer needed) or `removed`; the sweeping duty removes reserved files past their hour and discarded ones.
    `key_name` tells under which encryption key it lies, so that rotation finds what is left to re-seal. `size_bytes`
    and `content_digest` (SHA-256) are of the cleaned document, before sealing.
    """

    __tablename__ = "stored_files"
    __table_args__ = (
        sa.Index(None, "owner_kind", "owner_id"),
        sa.Index(None, "state", "created_at"),
        sa.Index(None, "key_name"),
    )

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    name: Mapped[str] = mapped_column(sa.String(64), unique=True)
    state: Mapped[str] = mapped_column(sa.String(12), default="reserved")
    owner_kind: Mapped[str | None] = mapped_column(sa.String(12))
    owner_id: Mapped[int | None] = mapped_column(BigInt)
    purpose: Mapped[Label | None]
    media_type: Mapped[Label]
    size_bytes: Mapped[int] = mapped_column(sa.Integer)
    content_digest: Mapped[Digest]
    key_name: Mapped[str] = mapped_column(sa.String(8))
    created_at: Mapped[Moment]
