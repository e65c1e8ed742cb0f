"""Summing up the ledger by day, so that a page about the past reads days and not every entry there ever was.

Entries are summed once, in order of their numbers. What is younger than LAG waits: a number is given out before its
transaction commits, so an entry could turn up behind the mark. Whoever reads adds the entries above the mark themselves.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from portal.db import insert_if_absent, now
from portal.models.ledger import Account, Entry, Journal, LedgerDay, LedgerMark
from portal.services.activity import TAIPEI

R = TypeVar("R")

MARK = "days"
LAG = timedelta(minutes=10)
AT_ONCE = 20_000

#: How often a reading is begun anew because the mark moved under it.
_TRIES = 5


def mark(session: Session) -> int:
    """The newest entry that is summed."""
    return session.scalar(sa.select(LedgerMark.__table__.c.position).where(LedgerMark.name == MARK)) or 0


def steady(session: Session, read: Callable[[int], R]) -> R:
    """What `read(mark)` answers while the mark stands still: a reading session sees every commit of others."""
    for _ in range(_TRIES - 1):
        before = mark(session)
        found = read(before)
        if mark(session) == before:
            return found
    return read(mark(session))


def day_of(session: Session) -> Any:
    """The day in Taipei of a journal, as SQL text."""
    if session.get_bind().dialect.name == "sqlite":
        return sa.func.strftime("%Y-%m-%d", Journal.posted_at, "+8 hours")
    return sa.func.to_char(sa.func.timezone("Asia/Taipei", Journal.posted_at), "YYYY-MM-DD")


def midnight(day: str) -> datetime:
    """The beginning of a day in Taipei."""
    return datetime.fromisoformat(day).replace(tzinfo=TAIPEI)


def span(session: Session, day: str) -> tuple[int, int] | None:
    """The lowest and highest number of a day's summed entries; None when it has none."""
    low, high = session.execute(
        sa.select(sa.func.min(LedgerDay.first_id), sa.func.max(LedgerDay.last_id)).where(LedgerDay.day == day)
    ).one()
    return None if low is None else (low, high)


def sum_up(session: Session, count: int = AT_ONCE) -> int:
    """Sums the next entries into their days; how many."""
    insert_if_absent(session, LedgerMark.__table__, {"name": MARK, "position": 0})
    query = sa.select(LedgerMark).where(LedgerMark.name == MARK).with_for_update()
    place = session.scalars(query.execution_options(populate_existing=True)).one()
    upper = _upper(session, place.position, count)
    if upper <= place.position:
        return 0
    chosen = sa.and_(Entry.id > place.position, Entry.id <= upper)
    day = day_of(session).label("day")
    grouped = (
        sa.select(
            day, Account.owner_kind, Account.bucket, Journal.kind, Account.asset,
            sa.func.sum(Entry.amount_units).label("units"), sa.func.min(Entry.id).label("first_id"),
            sa.func.max(Entry.id).label("last_id"), sa.func.count().label("entries"),
        )
        .join(Journal, Journal.id == Entry.journal_id)
        .join(Account, Account.id == Entry.account_id)
        .where(chosen)
        .group_by("day", Account.owner_kind, Account.bucket, Journal.kind, Account.asset)
    )  # fmt: skip
    rows = [dict(row) for row in session.execute(grouped).mappings()]
    summed = sum(row.pop("entries") for row in rows)
    _add(session, rows)
    place.position = upper
    session.flush()
    return summed


def _upper(session: Session, after: int, count: int) -> int:
    """The last entry of the batch; the one before the first that is too young."""
    batch = sa.select(Entry.id, Entry.journal_id).where(Entry.id > after).order_by(Entry.id).limit(count).subquery()
    young = sa.select(sa.func.min(batch.c.id)).join(Journal, Journal.id == batch.c.journal_id)
    first_young = session.scalar(young.where(Journal.posted_at > now(session) - LAG))
    if first_young is not None:
        return int(first_young) - 1
    return session.scalar(sa.select(sa.func.max(batch.c.id))) or 0


def _add(session: Session, rows: list[dict[str, Any]]) -> None:
    table = LedgerDay.__table__
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    for row in rows:
        row["units"] = int(row["units"])
        fresh = dialect.insert(table).values(**row)
        session.execute(
            fresh.on_conflict_do_update(
                index_elements=["day", "owner_kind", "bucket", "kind", "asset"],
                set_={"units": table.c.units + fresh.excluded.units, "last_id": fresh.excluded.last_id},
            )
        )
