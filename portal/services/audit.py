"""The audit log: who did what to whom, in order, under a hash chain that shows any cut or change."""

import hashlib
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from portal.clock import to_ms
from portal.db import now
from portal.models.system import AuditRecord, AuditSeal

GENESIS = "0" * 64

_LOCK_NOT_AVAILABLE = "55P03"


def write(
    session: Session,
    actor: str,
    action: str,
    subject: str,
    *,
    outcome: str = "done",
    details: dict[str, Any] | None = None,
    ip: str | None = None,
) -> None:
    """Writes one act. `details` never hold secrets, codes or whole card numbers."""
    session.execute(
        sa.insert(AuditRecord).values(
            actor=actor, action=action, subject=subject, outcome=outcome, details=details, ip=ip, at=now(session)
        )
    )


def seal(session: Session, count: int = 1000) -> int:
    """Carries the hash chain over records not yet sealed, in order; how many. Call it first in a transaction.

    On PostgreSQL numbers are given out before they are committed, so a record could turn up behind one that is sealed.
    The table lock waits until nobody is in the middle of writing, and keeps a second sealer out; when it is not to be had
    at once, the next turn seals. SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql" and not _alone(session):
        return 0
    last = session.scalars(sa.select(AuditSeal).order_by(AuditSeal.record_id.desc()).limit(1)).first()
    previous, after = (last.chain_hash, last.record_id) if last else (GENESIS, 0)
    records = session.scalars(
        sa.select(AuditRecord).where(AuditRecord.id > after).order_by(AuditRecord.id).limit(count)
    ).all()
    for record in records:
        previous = _link(previous, record)
        session.add(AuditSeal(record_id=record.id, chain_hash=previous))
    session.flush()
    return len(records)


def _alone(session: Session) -> bool:
    session.execute(sa.text("SET LOCAL lock_timeout = '200ms'"))
    try:
        with session.begin_nested():
            session.execute(sa.text("LOCK TABLE audit_records IN SHARE ROW EXCLUSIVE MODE"))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            return False
        raise
    return True


def verify(session: Session) -> list[str]:
    """Recomputes the whole chain, batch by batch; the list of what is wrong, empty when it holds."""
    problems: list[str] = []
    previous, after = GENESIS, 0
    newest = session.scalar(sa.select(sa.func.max(AuditSeal.record_id))) or 0
    while True:
        records, seals, last = _batch(session, after)
        if last is None:
            return problems
        for record in records:
            sealed = seals.pop(record.id, None)
            if sealed is None:
                if record.id < newest:
                    problems.append(f"audit record {record.id} was put in behind the seal")
                continue
            previous = _link(previous, record)
            if previous != sealed:
                problems.append(f"audit record {record.id} does not fit its seal")
                previous = sealed
        problems.extend(f"audit record {missing} is gone" for missing in sorted(seals))
        after = last
        session.expunge_all()


def _batch(session: Session, after: int, count: int = 1000) -> tuple[list[AuditRecord], dict[int, str], int | None]:
    """The next records with the seals of the same span of numbers; a reading session has no transaction, so no cursor."""
    records = list(
        session.scalars(sa.select(AuditRecord).where(AuditRecord.id > after).order_by(AuditRecord.id).limit(count))
    )
    query = sa.select(AuditSeal).where(AuditSeal.record_id > after).order_by(AuditSeal.record_id)
    if len(records) == count:
        query = query.where(AuditSeal.record_id <= records[-1].id)
    seals = {seal.record_id: seal.chain_hash for seal in session.scalars(query.limit(10 * count))}
    highest = max([*seals, *(record.id for record in records)], default=None)
    return records, seals, highest


def _link(previous: str, record: AuditRecord) -> str:
    content = [
        record.id, record.actor, record.action, record.subject, record.outcome, record.details, record.ip,
        to_ms(record.at),
    ]  # fmt: skip
    return hashlib.sha256(previous.encode() + orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()
