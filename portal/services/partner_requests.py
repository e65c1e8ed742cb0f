"""The request log of institutions: what was refused and why, without a body, a query, a code or a signature."""

import threading
import time
from collections import OrderedDict
from dataclasses import asdict, dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import Database, affected, now
from portal.models.partner import PartnerRequest

KEPT = timedelta(days=30)
#: Lines kept per key and minute of one process: a flood of bad calls must not become a flood of writes.
MOST_A_MINUTE = 120

_lock = threading.Lock()
_seen: OrderedDict[tuple[str, int], int] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Line:
    """One refused call."""

    institution_id: int
    api_key: str
    method: str
    path: str
    operation: str
    code: int
    reason: str
    field: str | None
    skew_ms: int | None
    ip: str


def keep(database: Database, line: Line) -> None:
    """Writes a line in a transaction of its own, unless the key had its share of this minute."""
    with _lock:
        slot = (line.api_key, int(time.monotonic() // 60))
        _seen[slot] = _seen.get(slot, 0) + 1
        while len(_seen) > 1000:
            _seen.popitem(last=False)
        if _seen[slot] > MOST_A_MINUTE:
            return
    database.transact(_write, line)


def _write(session: Session, line: Line) -> None:
    values = asdict(line)
    values |= {"path": line.path[:200], "field": line.field[:64] if line.field else None, "method": line.method[:8]}
    session.execute(sa.insert(PartnerRequest).values(**values, at=now(session)))


def page(
    session: Session, institution_id: int, *, code: int | None = None, before: int | None = None, count: int = 50
) -> list[PartnerRequest]:
    """Refused calls of an institution, newest first, those with numbers below `before`."""
    query = sa.select(PartnerRequest).where(PartnerRequest.institution_id == institution_id)
    if code is not None:
        query = query.where(PartnerRequest.code == code)
    if before is not None:
        query = query.where(PartnerRequest.id < before)
    return list(session.scalars(query.order_by(PartnerRequest.id.desc()).limit(count)))


def forget_old(session: Session) -> int:
    """Deletes lines past their time; how many."""
    return affected(session.execute(sa.delete(PartnerRequest).where(PartnerRequest.at < now(session) - KEPT)))
