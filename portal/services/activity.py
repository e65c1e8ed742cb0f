"""A customer's history: one denormalised line per thing and person, written with what it tells of."""

from datetime import datetime, timedelta, timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from portal.db import now
from portal.models.columns import new_public_id
from portal.models.system import Activity, ActivityCount

#: Taiwan has had no daylight saving since 1979; days of limits and history are Taipei's.
TAIPEI = timezone(timedelta(hours=8), "Asia/Taipei")


def taipei_day(moment: datetime) -> str:
    """The calendar day in Taipei, `YYYY-MM-DD`."""
    return moment.astimezone(TAIPEI).strftime("%Y-%m-%d")


def record(
    session: Session,
    customer_id: int,
    kind: str,
    *,
    direction: str,
    asset: str,
    amount_units: int,
    status: str,
    reference: str,
    subject_kind: str,
    subject_id: int,
    net_units: int | None = None,
    fee_units: int = 0,
    counter_asset: str | None = None,
    counter_units: int | None = None,
    counterparty: str | None = None,
    details: dict[str, Any] | None = None,
    public_id: str | None = None,
) -> str:
    """Writes a line of history and counts it; answers its public id.

    `amount_units` is the whole change of the customer's balance, `net_units` without the fee. The thing's own
    public id may be given as the line's.
    """
    moment = now(session)
    line_id = public_id or new_public_id()
    first_id = session.scalar(
        sa.insert(Activity)
        .values(
            public_id=line_id,
            customer_id=customer_id,
            kind=kind,
            direction=direction,
            asset=asset,
            amount_units=amount_units,
            net_units=amount_units - fee_units if net_units is None else net_units,
            fee_units=fee_units,
            counter_asset=counter_asset,
            counter_units=counter_units,
            status=status,
            reference=reference,
            counterparty=counterparty,
            subject_kind=subject_kind,
            subject_id=subject_id,
            details=details,
            created_at=moment,
            updated_at=moment,
        )
        .returning(Activity.__table__.c.id)
    )
    _count(session, customer_id, taipei_day(moment), kind, asset, first_id or 0)
    return line_id


def update(
    session: Session,
    subject_kind: str,
    subject_id: int,
    *,
    status: str,
    details: dict[str, Any] | None = None,
    **also: Any,
) -> None:
    """Carries a thing's new status (and replaced details) into every line about it."""
    changes: dict[str, Any] = {"status": status, "updated_at": now(session), **also}
    if details is not None:
        changes["details"] = details
    session.execute(
        sa.update(Activity)
        .where(Activity.subject_kind == subject_kind, Activity.subject_id == subject_id)
        .values(changes)
        .execution_options(synchronize_session=False)
    )


def _count(session: Session, customer_id: int, day: str, kind: str, asset: str, row_id: int) -> None:
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    table = ActivityCount.__table__
    row = dialect.insert(ActivityCount).values(
        customer_id=customer_id, day=day, kind=kind, asset=asset, rows=1, first_id=row_id
    )
    # Two at once may commit in either order: the day's first row is the smaller one.
    earlier = sa.case((row.excluded.first_id < table.c.first_id, row.excluded.first_id), else_=table.c.first_id)
    session.execute(
        row.on_conflict_do_update(
            index_elements=["customer_id", "day", "kind", "asset"],
            set_={"rows": table.c.rows + 1, "first_id": earlier},
        )
    )
