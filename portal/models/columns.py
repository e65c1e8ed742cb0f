"""Column shapes that many tables share."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import mapped_column
from uuid_utils.compat import uuid7

from portal.db import BigInt


def new_public_id() -> str:
    """A UUIDv7 as text: unguessable enough to name a record outside, ordered by time for the index."""
    fresh: UUID = uuid7()
    return str(fresh)


#: The row number: never shown where a record's existence is nobody else's business.
RowId = Annotated[int, mapped_column(BigInt, primary_key=True, autoincrement=True)]

#: The name of a record outside the portal.
PublicId = Annotated[str, mapped_column(sa.String(36), unique=True, default=new_public_id)]

#: An amount in the asset's ledger units.
Units = Annotated[int, mapped_column(BigInt)]

#: What closing a thing in the usual way will write, worked out beforehand (services/foreseen.py); only the database reads it.
Foreseen = Annotated[
    dict[str, Any] | None,
    mapped_column(sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql"), deferred=True),
]

Asset = Annotated[str, mapped_column(sa.String(8))]
Status = Annotated[str, mapped_column(sa.String(24))]
Label = Annotated[str, mapped_column(sa.String(64))]
Text200 = Annotated[str, mapped_column(sa.String(200))]
Text = Annotated[str, mapped_column(sa.Text())]
Digest = Annotated[str, mapped_column(sa.String(64))]
Moment = Annotated[datetime, mapped_column()]
