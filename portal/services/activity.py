"""A customer's history: one denormalised line per thing and person, written with what it tells of."""

from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import exchanges
from portal.db import insert_row, insert_statement, now
from portal.models.columns import new_public_id
from portal.models.system import Activity, ActivityCount

#: Taiwan has had no daylight saving since 1979; days of limits and history are Taipei's.
TAIPEI = timezone(timedelta(hours=8), "Asia/Taipei")


#: One more row of that day. Two at once may commit in either order: the day's first row is the smaller one.
_COUNT_ON = (
    "ON CONFLICT (customer_id, day, kind, asset) DO UPDATE SET rows = activity_counts.rows + 1, first_id ="
    " CASE WHEN excluded.first_id < activity_counts.first_id THEN excluded.first_id ELSE activity_counts.first_id END"
)


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
    row = {
        "public_id": line_id,
        "customer_id": customer_id,
        "kind": kind,
        "direction": direction,
        "asset": asset,
        "amount_units": amount_units,
        "net_units": amount_units - fee_units if net_units is None else net_units,
        "fee_units": fee_units,
        "counter_asset": counter_asset,
        "counter_units": counter_units,
        "status": status,
        "reference": reference,
        "counterparty": counterparty,
        "subject_kind": subject_kind,
        "subject_id": subject_id,
        "details": details,
        "created_at": moment,
        "updated_at": moment,
    }
    day = taipei_day(moment)
    if session.get_bind().dialect.name == "sqlite":
        first_id = insert_row(session, Activity, row, returning="id")
        count = {"customer_id": customer_id, "day": day, "kind": kind, "asset": asset, "rows": 1}
        counted = {**count, "first_id": first_id}
        exchanges.later(session, insert_statement(ActivityCount, tuple(counted), conflict=_COUNT_ON), counted)
    else:
        exchanges.later(session, _line_and_count(tuple(row)), {**row, "day": day})
    return line_id


@cache
def _line_and_count(columns: tuple[str, ...]) -> sa.TextClause:
    """The line and its count in one statement, for PostgreSQL."""
    table: sa.Table = Activity.__table__
    return sa.text(
        f"WITH line AS (INSERT INTO activity ({', '.join(columns)}) VALUES ({', '.join(f':{name}' for name in columns)})"
        " RETURNING id, customer_id, kind, asset)"
        " INSERT INTO activity_counts (customer_id, day, kind, asset, rows, first_id)"
        f" SELECT customer_id, :day, kind, asset, 1, id FROM line {_COUNT_ON}"
    ).bindparams(*(sa.bindparam(name, type_=table.c[name].type) for name in columns))


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
