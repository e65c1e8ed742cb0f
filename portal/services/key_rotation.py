"""Putting all that is sealed under the newest key, so that an older one can be retired.

Every sealed column is listed with the purpose that its values are bound to. Columns go in small transactions, in order
of the row's key; a value that somebody writes meanwhile is left as it is, because it is under the newest key already.
The work may be stopped anywhere and started again.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import Base, Database, affected, context
from portal.models.system import Job
from portal.ports import PortError, PortRejected
from portal.services import files
from portal.vault import Vault, VaultError

#: `table.column` → the purpose its values are sealed for.
SEALED_COLUMNS = {
    "customers.real_name_sealed": "real name",
    "kyc_identities.name_sealed": "real name",
    "kyc_identities.birthday_sealed": "birthday",
    "kyc_identities.number_sealed": "identity number",
    "kyc_identities.phone_sealed": "kyc phone",
    "kyc_identities.answers_sealed": "kyc answers",
    "partner_kyc.details_sealed": "partner kyc",
    "authenticators.secret_sealed": "totp",
    "authenticators.pending_sealed": "totp",
    "api_keys.secret_sealed": "api key",
    "bank_accounts.account_sealed": "bank account",
    "bank_accounts.holder_sealed": "bank account holder",
    "bank_refunds.account_sealed": "bank account",
    "bank_refunds.holder_sealed": "bank account holder",
    "payout_files.content_sealed": "payout file",
    "sealed_facts.content_sealed": "proposal",
    "travel_records.party_sealed": "travel rule",
    "webhook_endpoints.secret_sealed": "webhook secret",
    "webhook_endpoints.old_secret_sealed": "webhook secret",
}

#: Payloads of jobs that may still run carry sealed values, too.
JOB_PURPOSE = "job"
_JOBS_ALIVE = ("queued", "running", "dead")

BATCH = 200


@dataclass(frozen=True, slots=True)
class Rotated:
    """What became of one place: values sealed anew, and values that no configured key opens."""

    place: str
    renewed: int
    unreadable: int


def sealed_columns() -> set[str]:
    """The columns of the schema that hold sealed values: their names end in `_sealed`."""
    tables = Base.metadata.tables.values()
    return {f"{table.name}.{column.name}" for table in tables for column in table.columns if _is_sealed(column)}


def _is_sealed(column: sa.Column[Any]) -> bool:
    return column.name.endswith("_sealed")


def rotate(database: Database) -> Iterator[Rotated]:
    """Seals everything anew under the newest key, place by place; a second run has nothing left to do."""
    for place, purpose in SEALED_COLUMNS.items():
        yield _through(database, place, _renew_column, place, purpose)
    yield _through(database, "jobs.payload", _renew_jobs)
    yield _rotate_files(database)


def left(session: Session) -> dict[str, int]:
    """How many values still lie under older keys, by place; empty when the older keys may be retired."""
    current = context(session).vault.current_key_name
    counted = {place: session.scalar(_older(place, current, sa.func.count())) or 0 for place in SEALED_COLUMNS}
    counted["jobs.payload"] = sum(
        not context(session).vault.is_current(base64.b64decode(job.payload["sealed"]))
        for job in session.scalars(_sealed_jobs(0))
    )
    counted["files"] = files.under_older_keys(session)
    return {place: count for place, count in counted.items() if count}


def _through(database: Database, place: str, step: Any, *arguments: str) -> Rotated:
    renewed, unreadable, after = 0, 0, 0
    while True:
        done, failed, last = database.transact(step, after, *arguments)
        renewed, unreadable = renewed + done, unreadable + failed
        if last is None:
            return Rotated(place, renewed, unreadable)
        after = last


def _place(place: str) -> tuple[sa.Table, sa.Column[Any], sa.Column[Any]]:
    name, _, column = place.partition(".")
    table = Base.metadata.tables[name]
    (key,) = table.primary_key.columns
    return table, key, table.columns[column]


def _older(place: str, current_key_name: str, *what: Any) -> sa.Select[Any]:
    """Values under any other key: the key's id is the value's first four bytes."""
    _, _, column = _place(place)
    head = sa.func.substr(column, 1, 4, type_=sa.LargeBinary())
    return (
        sa.select(*what).select_from(column.table).where(column.is_not(None), head != bytes.fromhex(current_key_name))
    )


def _renew_column(session: Session, after: int, place: str, purpose: str) -> tuple[int, int, int | None]:
    """One batch of a column: renewed, unreadable, and the last row looked at (None when there are no more)."""
    vault = context(session).vault
    table, key, column = _place(place)
    query = _older(place, vault.current_key_name, key, column).where(key > after).order_by(key).limit(BATCH)
    renewed, unreadable, last = 0, 0, None
    for last, sealed in session.execute(query).all():
        fresh = _renewed(vault, sealed, purpose)
        if fresh is None:
            unreadable += 1
            continue
        # Compare-and-set: whoever wrote the value meanwhile wrote it under the newest key.
        changed = sa.update(table).where(key == last, column == sealed).values({column.name: fresh})
        renewed += affected(session.execute(changed))
    return renewed, unreadable, last


def _sealed_jobs(after: int) -> sa.Select[Any]:
    sealed = Job.payload["sealed"].as_string()
    return sa.select(Job).where(Job.id > after, Job.status.in_(_JOBS_ALIVE), sealed.is_not(None)).order_by(Job.id)


def _renew_jobs(session: Session, after: int) -> tuple[int, int, int | None]:
    vault = context(session).vault
    renewed, unreadable, last = 0, 0, None
    for job in session.scalars(_sealed_jobs(after).limit(BATCH)).all():
        last = job.id
        sealed = base64.b64decode(job.payload["sealed"])
        if vault.is_current(sealed):
            continue
        fresh = _renewed(vault, sealed, JOB_PURPOSE)
        if fresh is None:
            unreadable += 1
            continue
        job.payload = {"sealed": base64.b64encode(fresh).decode()}
        renewed += 1
    return renewed, unreadable, last


def _renewed(vault: Vault, sealed: bytes, purpose: str) -> bytes | None:
    try:
        return vault.seal(vault.open(sealed, purpose), purpose)
    except VaultError:
        return None


def _rotate_files(database: Database) -> Rotated:
    renewed = 0
    try:
        while count := files.rotate(database, BATCH):
            renewed += count
    except (PortError, PortRejected, VaultError):
        return Rotated("files", renewed, database.read(files.under_older_keys))
    return Rotated("files", renewed, 0)
