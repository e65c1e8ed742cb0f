"""Side effects as rows: written with what causes them, run by the worker under a lease, retried, or laid out dead."""

import base64
import random
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import affected, context, insert_if_absent, insert_row, now
from portal.models.system import Job

LEASE = timedelta(seconds=60)
FIRST_RETRY_SECONDS = 5
LONGEST_RETRY_SECONDS = 6 * 3600
MAX_ATTEMPTS = 12


def enqueue(
    session: Session,
    kind: str,
    payload: dict[str, Any],
    *,
    unique_key: str | None = None,
    run_at: datetime | None = None,
    expires_at: datetime | None = None,
    max_attempts: int = MAX_ATTEMPTS,
    secret: bool = False,
) -> bool:
    """Writes a job in the caller's transaction; False when `unique_key` was enqueued before.

    A job past `expires_at` is dropped, never run. With `secret` the payload is sealed at rest.
    """
    if secret:
        sealed = context(session).vault.seal(orjson.dumps(payload), "job")
        payload = {"sealed": base64.b64encode(sealed).decode()}
    moment = now(session)
    row = {
        "kind": kind,
        "payload": payload,
        "status": "queued",
        "unique_key": unique_key,
        "attempts": 0,
        "max_attempts": max_attempts,
        "run_at": run_at or moment,
        "expires_at": expires_at,
        "created_at": moment,
    }
    if unique_key is None:
        insert_row(session, Job, row)
        return True
    return insert_if_absent(session, Job.__table__, row) == 1


def payload_of(session: Session, job: Job) -> dict[str, Any]:
    """The job's payload, opened when it was sealed."""
    sealed = job.payload.get("sealed")
    if not isinstance(sealed, str):
        return job.payload
    opened: dict[str, Any] = orjson.loads(context(session).vault.open(base64.b64decode(sealed), "job"))
    return opened


def claim(session: Session, worker: str, kinds: list[str], count: int = 20, *, alone: bool = False) -> list[Job]:
    """Leases due jobs to a worker, oldest first; one whose lease ran out is due again.

    A worker that knows itself `alone` need not wait for leases: who held them is dead.
    """
    moment = now(session)
    due = sa.or_(
        sa.and_(Job.status == "queued", Job.run_at <= moment),
        sa.and_(Job.status == "running", sa.true() if alone else Job.leased_until < moment),
    )
    query = sa.select(Job).where(due, Job.kind.in_(kinds)).order_by(Job.run_at, Job.id).limit(count)
    jobs = list(session.scalars(query.with_for_update(skip_locked=True)))
    for job in jobs:
        job.status, job.leased_by, job.leased_until = "running", worker, moment + LEASE
        job.attempts += 1
    session.flush()
    return jobs


def finish(session: Session, job_id: int, worker: str) -> bool:
    """Marks a job done if the worker still holds its lease."""
    return _end(session, job_id, worker, status="done", finished_at=now(session), last_error=None)


def drop(session: Session, job_id: int, worker: str, why: str) -> bool:
    """Ends a job that must not run any more (past its life, or nothing left to do)."""
    return _end(session, job_id, worker, status="dropped", finished_at=now(session), last_error=why[:500])


def fail(session: Session, job: Job, worker: str, error: str, *, final: bool = False) -> bool:
    """Puts a failed job back with a growing delay, or lays it out dead after its last attempt."""
    if final or job.attempts >= job.max_attempts:
        return _end(session, job.id, worker, status="dead", finished_at=now(session), last_error=error[:500])
    seconds = min(FIRST_RETRY_SECONDS * 2 ** (job.attempts - 1), LONGEST_RETRY_SECONDS)
    delay = timedelta(seconds=seconds * random.uniform(0.8, 1.2))
    return _end(session, job.id, worker, status="queued", run_at=now(session) + delay, last_error=error[:500])


def revive(session: Session, job_id: int) -> bool:
    """Queues a dead job again from the back office."""
    revived = session.execute(
        sa.update(Job)
        .where(Job.id == job_id, Job.status == "dead")
        .values(status="queued", attempts=0, run_at=now(session), finished_at=None)
    )
    return affected(revived) == 1


def _end(session: Session, job_id: int, worker: str, **changes: Any) -> bool:
    ended = session.execute(
        sa.update(Job)
        .where(Job.id == job_id, Job.status == "running", Job.leased_by == worker)
        .values(leased_by=None, leased_until=None, **changes)
    )
    return affected(ended) == 1
