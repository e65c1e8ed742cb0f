"""The statements under a posting. They are few and always the same text, so that the driver prepares them.

On PostgreSQL a journal, its balances and its entries are written by one function of the database (migration 0004): every
balance is what the UPDATE of its row answered, under that row's lock. On SQLite, where only one writes at a time, three
statements do the same.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeDecorator

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
    """One entry to write; the database itself knows the balance after it where None is given."""

    account_id: int
    asset: str
    amount_units: int
    balance_after_units: int | None


def locked(session: Session, keys: Sequence[AccountKey], slot: int) -> dict[AccountKey, Locked]:
    """Locks the accounts that exist, people first and the house last (its rows are held for the shortest time)."""
    numbers = known(session, keys, slot)
    if numbers is not None:
        found = _by_number(session, list(numbers.values()))
        # What was remembered is believed only as far as the rows say the same.
        if all(key in found for key in keys):
            return found
    found = _by_name(session, keys, slot)
    fresh = {(key, _slot(key, slot)): row.id for key, row in found.items()}
    after_commit(session, lambda: _remember(_remembered(session), fresh))
    return found


def _remembered(session: Session) -> dict[tuple[AccountKey, int], int]:
    found: dict[tuple[AccountKey, int], int] = context(session).cache.setdefault("ledger accounts", {})
    return found


def _slot(key: AccountKey, slot: int) -> int:
    return slot if key.owner_kind == "house" else 0


def _remember(numbers: dict[tuple[AccountKey, int], int], fresh: dict[tuple[AccountKey, int], int]) -> None:
    if len(numbers) > _MOST_REMEMBERED:
        numbers.clear()
    numbers.update(fresh)


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


def known(session: Session, keys: Sequence[AccountKey], slot: int) -> dict[AccountKey, int] | None:
    """The row numbers of accounts, when this process remembers all of them."""
    remembered = _remembered(session)
    found = {key: remembered.get((key, _slot(key, slot)), 0) for key in keys}
    return found if all(found.values()) else None


def find(session: Session, keys: Sequence[AccountKey], slot: int) -> dict[AccountKey, int]:
    """The numbers of the accounts that are there, without a lock; those of all slots of the house's are remembered."""
    values = {
        f"{name}{number}": part for number, key in enumerate(keys) for name, part in zip("koab", key, strict=True)
    }
    rows = exchanges.ask(session, _find(len(keys)), values).rows
    fresh = {(AccountKey(*row[:4]), row[4]): row[5] for row in rows}
    after_commit(session, lambda: _remember(_remembered(session), fresh))
    return {key: fresh[key, _slot(key, slot)] for key in keys if (key, _slot(key, slot)) in fresh}


def write(session: Session, head: Head, rows: Sequence[Row]) -> None:
    """Writes a journal, moves the balances and writes the entries, with the next exchange.

    Raises Refusal `already_posted` then, for the whole transaction, when its reference or reversal is there already. On
    PostgreSQL a balance that would fall below zero by then is a serialisation failure.
    """
    if session.get_bind().dialect.name == "sqlite":
        _write_in_steps(session, head, rows)
        return
    values = {
        **head._asdict(),
        "accounts": [row.account_id for row in rows],
        "assets": [row.asset for row in rows],
        "units": [row.amount_units for row in rows],
    }
    refusal = Refusal("already_posted", reference=head.reference)
    exchanges.later(session, _POST, values, otherwise=refusal)


def _write_in_steps(session: Session, head: Head, rows: Sequence[Row]) -> None:
    connection = session.connection()
    details = None if head.details is None else orjson.dumps(head.details).decode()
    journal = connection.execute(_INSERT_JOURNAL, {**head._asdict(), "details": details}).first()
    if journal is None:
        raise Refusal("already_posted", reference=head.reference)
    changes: dict[int, int] = {}
    for row in rows:
        changes[row.account_id] = changes.get(row.account_id, 0) + row.amount_units
    shifts: dict[str, Any] = {}
    for number, (account_id, change) in enumerate(changes.items()):
        shifts |= {f"i{number}": account_id, f"d{number}": change}
    connection.execute(_move(len(changes)), shifts)
    values: dict[str, Any] = {"journal_id": journal[0]}
    for number, row in enumerate(rows):
        values |= _row_parameters(number, row)
    connection.execute(_insert_entries(len(rows)), values)


def _row_parameters(number: int, row: Row) -> dict[str, Any]:
    return {
        f"c{number}": row.account_id,
        f"a{number}": row.asset,
        f"u{number}": row.amount_units,
        f"b{number}": row.balance_after_units,
    }


def array(values: Iterable[Any]) -> str:
    """An array of PostgreSQL's as text; of numbers and plain words, which need no quoting."""
    return "{" + ",".join(map(str, values)) + "}"


class PlainArray(TypeDecorator[list[Any]]):
    """A list written as an array of PostgreSQL's."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: list[Any] | None, dialect: Any) -> str | None:
        return None if value is None else array(value)


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


@lru_cache(maxsize=64)
def _find(count: int) -> sa.TextClause:
    wanted = ", ".join(f"(:k{n}, :o{n}, :a{n}, :b{n})" for n in range(count))
    return sa.text(
        "SELECT owner_kind, owner_id, asset, bucket, slot, id FROM accounts"
        f" WHERE (owner_kind, owner_id, asset, bucket) IN ({wanted})"
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


_POST = sa.text(
    "SELECT post_journal(:kind, :reference, :actor, CAST(:details AS JSON), CAST(:reverses_id AS BIGINT), :posted_at,"
    " CAST(:accounts AS BIGINT[]), CAST(:assets AS TEXT[]), CAST(:units AS BIGINT[]))"
).bindparams(
    sa.bindparam("posted_at", type_=Journal.__table__.c.posted_at.type),
    *(sa.bindparam(name, type_=PlainArray()) for name in ("accounts", "assets", "units")),
)
