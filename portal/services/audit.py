"""The audit log: who did what to whom, in order, under a hash chain that shows any cut or change."""

import hashlib
from collections.abc import Iterator
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.clock import to_ms
from portal.db import now
from portal.models.system import AuditRecord, AuditSeal

GENESIS = "0" * 64


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
    """Carries the hash chain over records not yet sealed, in order; how many. One worker at a time."""
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


def verify(session: Session) -> list[str]:
    """Recomputes the whole chain; the list of what is wrong, empty when it holds."""
    problems: list[str] = []
    previous, expected_id = GENESIS, 0
    seals = {seal.record_id: seal.chain_hash for seal in session.scalars(sa.select(AuditSeal))}
    for record in _in_order(session):
        sealed = seals.pop(record.id, None)
        if sealed is None:
            continue
        previous = _link(previous, record)
        expected_id = record.id
        if previous != sealed:
            problems.append(f"audit record {record.id} does not fit its seal")
            previous = sealed
    problems.extend(f"audit record {missing} is gone" for missing in sorted(seals) if missing <= expected_id or seals)
    return problems


def _in_order(session: Session, batch: int = 1000) -> Iterator[AuditRecord]:
    """All records by batches; a reading session has no transaction in which a cursor could stay open."""
    after = 0
    while records := session.scalars(
        sa.select(AuditRecord).where(AuditRecord.id > after).order_by(AuditRecord.id).limit(batch)
    ).all():
        yield from records
        after = records[-1].id
        session.expunge_all()


def _link(previous: str, record: AuditRecord) -> str:
    content = [
        record.id, record.actor, record.action, record.subject, record.outcome, record.details, record.ip,
        to_ms(record.at),
    ]  # fmt: skip
    return hashlib.sha256(previous.encode() + orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()
