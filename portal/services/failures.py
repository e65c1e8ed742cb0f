"""Counting what goes wrong in a row, and locking out when it goes wrong too often: one row per key."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import context, insert_if_absent, now
from portal.models.security import FailureCounter

FOR_EVER = timedelta(days=3650)


def key(session: Session, kind: str, owner: str | int) -> str:
    """The counter's name. Texts that people typed go in as a keyed digest, so that no name or address is readable."""
    if isinstance(owner, int):
        return f"{kind}:{owner}"
    return f"{kind}:{context(session).vault.index(owner, 'failure counter')}"


def hold(session: Session, counter: str) -> FailureCounter:
    """The counter's row, locked until the transaction ends: tries of one key are made one after another."""
    moment = now(session)
    insert_if_absent(
        session,
        FailureCounter.__table__,
        {"key": counter, "failures": 0, "total": 0, "first_at": moment, "last_at": moment},
    )
    query = sa.select(FailureCounter).where(FailureCounter.key == counter).with_for_update()
    found = session.scalars(query.execution_options(populate_existing=True)).one()
    return found


def count(session: Session, counter: str, window: timedelta | None = None) -> int:
    """Failures in a row; 0 when the last one is longer ago than `window`."""
    row = session.execute(
        sa.select(FailureCounter.failures, FailureCounter.last_at).where(FailureCounter.key == counter)
    ).first()
    if row is None or (window is not None and row[1] + window <= now(session)):
        return 0
    return int(row[0])


def charge(session: Session, counter: str, window: timedelta | None = None) -> int:
    """Counts one more failure and answers how many there are in a row; older ones than `window` are forgotten."""
    row, moment = hold(session, counter), now(session)
    if row.failures == 0 or (window is not None and row.last_at + window <= moment):
        row.failures, row.first_at = 0, moment
    row.failures += 1
    row.total += 1
    row.last_at = moment
    session.flush()
    return row.failures


def forgive(session: Session, counter: str, how_many: int | None = None) -> None:
    """Forgets the failures in a row with their lock, or only so many of them."""
    if how_many is None:
        changes: dict[str, Any] = {"failures": 0, "total": 0, "locked_until": None}
    else:
        fewer = FailureCounter.failures - how_many
        changes = {"failures": sa.case((fewer > 0, fewer), else_=0)}
    session.execute(
        sa.update(FailureCounter)
        .where(FailureCounter.key == counter)
        .values(changes)
        .execution_options(synchronize_session=False)
    )


def spend(session: Session, counter: str, limit: int, window: timedelta) -> datetime | None:
    """Takes one of `limit` uses per `window`; None when there was one, else the moment from which there is again."""
    row, moment = hold(session, counter), now(session)
    if row.first_at + window <= moment or row.failures == 0:
        row.failures, row.first_at = 0, moment
    if row.failures >= limit:
        return row.first_at + window
    row.failures += 1
    row.total += 1
    row.last_at = moment
    session.flush()
    return None


def forget_old(session: Session, after: timedelta = timedelta(days=60)) -> int:
    """Deletes counters that nothing touched for long and that lock nobody; how many."""
    moment = now(session)
    gone = session.execute(
        sa.delete(FailureCounter).where(
            FailureCounter.last_at < moment - after,
            sa.or_(FailureCounter.locked_until.is_(None), FailureCounter.locked_until < moment),
        )
    )
    return gone.rowcount if isinstance(gone, sa.CursorResult) else 0
