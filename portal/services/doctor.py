"""Examining a deployment: each check answers what is wrong in one line, or nothing."""

import time
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import Context, context, now
from portal.ledger.check import check as check_ledger
from portal.models.operations import Heartbeat
from portal.models.system import Job
from portal.ports import PortError, PortRejected
from portal.services import cover
from portal.vault import VaultError

#: A worker that was silent for longer is taken for dead.
SILENT_SECONDS = 60

#: How far the database's clock and this machine's may lie apart: a TOTP step is 30 seconds.
CLOCK_SECONDS = 5

#: A job that has been due for longer is not being looked after.
OVERDUE = timedelta(minutes=15)


def beat(session: Session, worker: str, pid: int, unix_seconds: int) -> None:
    """Notes a worker's sign of life."""
    changed = session.get(Heartbeat, worker)
    if changed is None:
        session.add(Heartbeat(worker=worker, pid=pid, beat_at=unix_seconds))
    else:
        changed.pid, changed.beat_at = pid, unix_seconds


def examine(session: Session) -> dict[str, str]:
    """What is wrong inside the database, by the name of the check; empty when all is well."""
    checks: dict[str, Callable[[Session], str]] = {
        "clock": _clock,
        "worker": _worker,
        "jobs": _jobs,
        "ledger": _ledger,
        "settings": _settings,
        "holdings": _holdings,
    }
    found = {name: look(session) for name, look in checks.items()}
    return {name: trouble for name, trouble in found.items() if trouble}


def examine_outside(found: Context) -> dict[str, str]:
    """What is wrong with keys and the file store; outside any transaction."""
    troubles: dict[str, str] = {}
    name = str(uuid4())
    try:
        sealed = found.vault.seal(b"probe", "doctor")
        found.ports.files.put(name, sealed)
        if found.vault.open(found.ports.files.get(name), "doctor") != b"probe":
            troubles["files"] = "the file store gives back other bytes than it took"
        found.ports.files.delete(name)
    except (PortError, PortRejected) as error:
        troubles["files"] = f"the file store fails: {error}"
    except VaultError as error:
        troubles["keys"] = f"the encryption keys fail: {error}"
    return troubles


def _clock(session: Session) -> str:
    if session.get_bind().dialect.name == "sqlite":
        return ""
    database = session.scalar(sa.text("SELECT EXTRACT(EPOCH FROM clock_timestamp())"))
    apart = abs(int(database or 0) - int(time.time()))
    return f"the database's clock is {apart} seconds away from this machine's" if apart > CLOCK_SECONDS else ""


def _worker(session: Session) -> str:
    newest = session.scalar(sa.select(sa.func.max(Heartbeat.beat_at)))
    if newest is None:
        return "no worker has been seen yet"
    silent = int(time.time()) - newest
    return f"no worker has been seen for {silent} seconds" if silent > SILENT_SECONDS else ""


def _jobs(session: Session) -> str:
    dead = session.scalar(sa.select(sa.func.count()).select_from(Job).where(Job.status == "dead")) or 0
    overdue = (
        session.scalar(
            sa.select(sa.func.count())
            .select_from(Job)
            .where(Job.status == "queued", Job.run_at < now(session) - OVERDUE)
        )
        or 0
    )
    troubles = [f"{dead} jobs are dead: see the back office"] if dead else []
    troubles += [f"{overdue} jobs are overdue"] if overdue else []
    return "; ".join(troubles)


def _ledger(session: Session) -> str:
    report = check_ledger(session)
    return "; ".join(report.violations[:3])


def _holdings(session: Session) -> str:
    """In production every chain tells; a sandbox's tells when it was given something to hold."""
    unheard = [] if context(session).settings.sandbox else cover.unheard(session)
    return f"no chain has told lately what is held of {', '.join(unheard)}" if unheard else ""


def _settings(session: Session) -> str:
    settings = context(session).settings
    if settings.sandbox:
        return ""
    troubles = []
    if not settings.public_url.startswith("https://"):
        troubles.append("PUBLIC_URL is not https")
    if settings.rate_limit_storage.startswith("memory") and settings.web_processes > 1:
        troubles.append("REDIS_URL is missing: limits are counted per process")
    return "; ".join(troubles)
