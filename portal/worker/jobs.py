"""Running jobs: claim under a lease, act outside any transaction, then say how it ended."""

import logging
import os
import socket
import threading
from typing import Any

from sqlalchemy.orm import Session

from portal.bootstrap import Portal
from portal.db import now
from portal.models.system import Job
from portal.ports import PortRejected
from portal.services import idempotency, jobs
from portal.worker.duties import HANDLERS, duty

log = logging.getLogger(__name__)


def _name() -> str:
    return f"{socket.gethostname()[:20]}:{os.getpid()}:{threading.get_ident() % 10**6}"


@duty("jobs", every_seconds=0.5)
def run_jobs(portal: Portal) -> int:
    """Runs the jobs that are due."""
    worker = _name()
    claimed = portal.db.transact(_claim, worker, portal.world is not None)
    for job, payload, expired in claimed:
        _run_one(portal, worker, job, payload, expired)
    return len(claimed)


def _claim(session: Session, worker: str, alone: bool) -> list[tuple[Job, dict[str, Any], bool]]:
    moment = now(session)
    return [
        (job, jobs.payload_of(session, job), job.expires_at is not None and job.expires_at <= moment)
        for job in jobs.claim(session, worker, list(HANDLERS), alone=alone)
    ]


def _run_one(portal: Portal, worker: str, job: Job, payload: dict[str, Any], expired: bool) -> None:
    if expired:
        portal.db.transact(jobs.drop, job.id, worker, "past its life")
        return
    try:
        HANDLERS[job.kind](portal, payload, job.id)
    except PortRejected as error:
        portal.db.transact(jobs.fail, job, worker, str(error), final=True)
    except Exception as error:
        log.warning("job failed", extra={"job": job.id, "kind": job.kind, "reason": type(error).__name__})
        portal.db.transact(jobs.fail, job, worker, f"{type(error).__name__}: {error}")
    else:
        portal.db.transact(jobs.finish, job.id, worker)


@duty("tidy", every_seconds=600)
def tidy(portal: Portal) -> int:
    """Forgets idempotency keys past their life."""
    portal.db.transact(idempotency.forget_old)
    return 0
