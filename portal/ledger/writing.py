"""The statements under a posting. They are few and always the same text, so that the driver prepares them.

On PostgreSQL a journal, its balances and its entries are written by one statement. That is safe only because the accounts
were locked by the statement before it, and every balance was computed from what that lock answered. A journal that is there
already leaves no number for the entries, and the database refuses them.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import exchanges
from portal.db import after_commit, context
from portal.errors import Refusal
from portal.ledger.chart import AccountKey
from portal.models.ledger import Journal

#: Account numbers remembered by a process at most; an account keeps its number for ever.
_MOST_REMEMBERED = 200_000


class Locked(NamedTuple):
    """A locked account: its row number, and its balance in ledger units as no one else can change it now."""

    id: int
    balance_units: int


class Head(NamedTuple):
    """A journal's own columns."""

    kind: str
    reference: str
    actor: str
    details: dict[str, Any] | None
    reverses_id: int | None
    posted_at: datetime


class Row(NamedTuple):
    """One entry to write."""

    account_id: int
    asset: str
    amount_units: int
    balance_after_units: int


def locked(session: Session, keys: Sequence[AccountKey], slot: int) -> dict[AccountKey, Locked]:
    """Locks the accounts that exist, people first and the house last (its rows are held for the shortest time)."""
    known: dict[tuple[AccountKey, int], int] = context(session).cache.setdefault("ledger accounts", {})
    ids = [known.get((key, _slot(key, slot)), 0) for key in keys]
    if all(ids):
        found = _by_number(session, ids)
        # What was remembered is believed only as far as the rows say the same.
        if all(key in found for key in keys):
            return found
    found = _by_name(session, keys, slot)
    fresh = {(key, _slot(key, slot)): row.id for key, row in found.items()}
    after_commit(session, lambda: _remember(known, fresh))
    return found


def _slot(key: AccountKey, slot: int) -> int:
    return slot if key.owner_kind == "house" else 0


def _remember(known: dict[tuple[AccountKey, int], int], fresh: dict[tuple[AccountKey, int], int]) -> None:
    if len(known) > _MOST_REMEMBERED:
        known.clear()
    known.update(fresh)


def _by_number(session: Session, ids: Sequence[int]) -> dict[AccountKey, Locked]:
    statement = _lock_by_number(len(ids), session.get_bind().dialect.name)
    rows = exchanges.ask(session, statement, {f"i{number}": account_id for number, account_id in enumerate(ids)}).rows
    return {AccountKey(row[1], row[2], row[3], row[4]): Locked(row[0], row[5]) for row in rows}


def _by_name(session: Session, keys: Sequence[AccountKey], slot: int) -> dict[AccountKey, Locked]:
    parameters: dict[str, Any] = {}
    for number, key in enumerate(keys):
        parameters |= {
            f"k{number}": key.owner_kind,
            f"o{number}": key.owner_id,
            f"a{number}": key.asset,
            f"b{number}": key.bucket,
            f"s{number}": _slot(key, slot),
        }
    rows = exchanges.ask(session, _lock_by_name(len(keys), session.get_bind().dialect.name), parameters).rows
    return {AccountKey(row[1], row[2], row[3], row[4]): Locked(row[0], row[5]) for row in rows}


def write(session: Session, head: Head, changes: Sequence[tuple[int, int]], rows: Sequence[Row]) -> None:
    """Writes a journal, moves the balances of (account number, change), and writes the entries, with the next exchange.

    Raises Refusal `already_posted` then, for the whole transaction, when its reference or reversal is there already.
    """
    parameters: dict[str, Any] = {
        **head._asdict(),
        "details": None if head.details is None else orjson.dumps(head.details).decode(),
    }
    moved = [(account_id, change) for account_id, change in changes if change]
    if session.get_bind().dialect.name == "sqlite":
        _write_in_steps(session, parameters, moved, rows)
        return
    for number, (account_id, change) in enumerate(moved):
        parameters |= {f"i{number}": account_id, f"d{number}": change}
    for number, row in enumerate(rows):
        parameters |= _row_parameters(number, row)
    refusal = Refusal("already_posted", reference=head.reference)
    exchanges.later(session, _write_at_once(len(moved), len(rows)), parameters, otherwise=refusal)


def _write_in_steps(
    session: Session, parameters: dict[str, Any], moved: Sequence[tuple[int, int]], rows: Sequence[Row]
) -> None:
    journal = session.connection().execute(_INSERT_JOURNAL, parameters).first()
    if journal is None:
        raise Refusal("already_posted", reference=parameters["reference"])
    if moved:
        shifts: dict[str, Any] = {}
        for number, (account_id, change) in enumerate(moved):
            shifts |= {f"i{number}": account_id, f"d{number}": change}
        session.connection().execute(_move(len(moved)), shifts)
    values: dict[str, Any] = {"journal_id": journal[0]}
    for number, row in enumerate(rows):
        values |= _row_parameters(number, row)
    session.connection().execute(_insert_entries(len(rows)), values)


def _row_parameters(number: int, row: Row) -> dict[str, Any]:
    return {
        f"c{number}": row.account_id,
        f"a{number}": row.asset,
        f"u{number}": row.amount_units,
        f"b{number}": row.balance_after_units,
    }


_COLUMNS = "id, owner_kind, owner_id, asset, bucket, balance_units"
_ORDER = " ORDER BY (owner_kind = 'house'), id"


@lru_cache(maxsize=64)
def _lock_by_number(count: int, dialect: str) -> sa.TextClause:
    wanted = ", ".join(f":i{n}" for n in range(count))
    lock = "" if dialect == "sqlite" else " FOR UPDATE"
    return sa.text(f"SELECT {_COLUMNS} FROM accounts WHERE id IN ({wanted}){_ORDER}{lock}")


@lru_cache(maxsize=64)
def _lock_by_name(count: int, dialect: str) -> sa.TextClause:
    wanted = ", ".join(f"(:k{n}, :o{n}, :a{n}, :b{n}, :s{n})" for n in range(count))
    values, lock = ("VALUES ", "") if dialect == "sqlite" else ("", " FOR UPDATE")
    return sa.text(
        f"SELECT {_COLUMNS} FROM accounts"
        f" WHERE (owner_kind, owner_id, asset, bucket, slot) IN ({values}{wanted}){_ORDER}{lock}"
    )


_INSERT_JOURNAL = sa.text(
    "INSERT INTO journals (kind, reference, actor, details, reverses_id, posted_at)"
    " VALUES (:kind, :reference, :actor, :details, :reverses_id, :posted_at)"
    " ON CONFLICT DO NOTHING RETURNING id"
).bindparams(sa.bindparam("posted_at", type_=Journal.__table__.c.posted_at.type))


@lru_cache(maxsize=64)
def _move(count: int) -> sa.TextClause:
    cases = " ".join(f"WHEN :i{n} THEN :d{n}" for n in range(count))
    ids = ", ".join(f":i{n}" for n in range(count))
    return sa.text(f"UPDATE accounts SET balance_units = balance_units + CASE id {cases} END WHERE id IN ({ids})")


@lru_cache(maxsize=64)
def _insert_entries(count: int) -> sa.TextClause:
    values = ", ".join(f"(:journal_id, :c{n}, :a{n}, :u{n}, :b{n})" for n in range(count))
    return sa.text(
        f"INSERT INTO entries (journal_id, account_id, asset, amount_units, balance_after_units) VALUES {values}"
    )


@lru_cache(maxsize=256)
def _write_at_once(moved: int, rows: int) -> sa.TextClause:
    changes = ", ".join(f"(CAST(:i{n} AS BIGINT), CAST(:d{n} AS BIGINT))" for n in range(moved))
    lines = ", ".join(
        f"({n}, CAST(:c{n} AS BIGINT), CAST(:a{n} AS VARCHAR), CAST(:u{n} AS BIGINT), CAST(:b{n} AS BIGINT))"
        for n in range(rows)
    )
    update = (
        ", moved AS (UPDATE accounts SET balance_units = accounts.balance_units + change.units"
        f" FROM journal, (VALUES {changes}) AS change (id, units) WHERE accounts.id = change.id RETURNING 1)"
        if moved
        else ""
    )
    return sa.text(
        "WITH journal AS (INSERT INTO journals (kind, reference, actor, details, reverses_id, posted_at)"
        " VALUES (:kind, :reference, :actor, CAST(:details AS JSON), CAST(:reverses_id AS BIGINT), :posted_at)"
        f" ON CONFLICT DO NOTHING RETURNING id){update}"
        " INSERT INTO entries (journal_id, account_id, asset, amount_units, balance_after_units)"
        " SELECT (SELECT id FROM journal), line.account_id, line.asset, line.units, line.after_units"
        f" FROM (VALUES {lines}) AS line (n, account_id, asset, units, after_units) ORDER BY line.n"
    ).bindparams(sa.bindparam("posted_at", type_=Journal.__table__.c.posted_at.type))
