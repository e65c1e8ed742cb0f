"""Posting journals: the one place that changes a balance."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import insert_if_absent, now
from portal.errors import Refusal
from portal.ledger.chart import HOUSE_SLOTS, AccountKey
from portal.models.ledger import Account, Entry, Journal


class Line(NamedTuple):
    """A signed change of one account, in ledger units of its asset."""

    account: AccountKey
    units: int


@dataclass(frozen=True, slots=True)
class Posting:
    """What a journal did: its number, and the balance after it of every account but the house's."""

    journal_id: int
    balances: dict[AccountKey, int]


class _Locked(NamedTuple):
    id: int
    balance_units: int


def post(
    session: Session,
    kind: str,
    reference: str,
    lines: Sequence[Line],
    *,
    actor: str,
    details: dict[str, Any] | None = None,
    reverses_id: int | None = None,
) -> Posting:
    """Posts one journal. `lines` sum to zero per asset; `reference` is used once, ever.

    Locks in one fixed order: people's accounts by row number, then house slots by row number. Raises Refusal
    `insufficient_balance` (facts: asset, available_units) or `already_posted`, both before anything is written, so that
    the caller may go on; ValueError for lines that do not balance.
    """
    changes = _changes(lines)
    slot = random.randrange(HOUSE_SLOTS)
    locked = _lock(session, list(changes), slot)
    balances: dict[AccountKey, int] = {}
    for key, change in changes.items():
        after = locked[key].balance_units + change
        if after < 0 and key.owner_kind != "house":
            _refuse_repeat(session, reference, reverses_id)
            raise Refusal("insufficient_balance", asset=key.asset, available_units=locked[key].balance_units)
        balances[key] = after
    journal_id = _insert_journal(session, kind, reference, actor, details, reverses_id)
    _apply(session, [(locked[key].id, change) for key, change in changes.items()])
    running = {key: locked[key].balance_units for key in changes}
    rows = []
    for line in lines:
        running[line.account] += line.units
        rows.append(
            (journal_id, locked[line.account].id, line.account.asset, line.units, running[line.account]),
        )
    _insert_entries(session, rows)
    return Posting(journal_id, {key: units for key, units in balances.items() if key.owner_kind != "house"})


def reverse(session: Session, journal_id: int, kind: str, reference: str, *, actor: str) -> Posting:
    """Posts the exact opposite of a journal. Raises Refusal `already_posted` when it was reversed before."""
    accounts, entries = Account.__table__, Entry.__table__
    query = (
        sa.select(
            accounts.c.owner_kind, accounts.c.owner_id, accounts.c.asset, accounts.c.bucket, entries.c.amount_units
        )
        .join(accounts, accounts.c.id == entries.c.account_id)
        .where(entries.c.journal_id == journal_id)
        .order_by(entries.c.id)
    )
    lines = [Line(AccountKey(*row[:4]), -row[4]) for row in session.execute(query)]
    return post(session, kind, reference, lines, actor=actor, reverses_id=journal_id)


def balance(session: Session, account: AccountKey) -> int:
    """The balance of one account in ledger units; a house account's is the sum of its slots; 0 when never used."""
    table = Account.__table__
    query = sa.select(sa.func.coalesce(sa.func.sum(table.c.balance_units), 0)).where(
        table.c.owner_kind == account.owner_kind,
        table.c.owner_id == account.owner_id,
        table.c.asset == account.asset,
        table.c.bucket == account.bucket,
    )
    return int(session.scalar(query) or 0)


def balances(session: Session, owner_kind: str, owner_id: int) -> dict[tuple[str, str], int]:
    """All balances of an owner, by (asset, bucket), in ledger units."""
    table = Account.__table__
    query = sa.select(table.c.asset, table.c.bucket, table.c.balance_units).where(
        table.c.owner_kind == owner_kind, table.c.owner_id == owner_id
    )
    return {(asset, bucket): units for asset, bucket, units in session.execute(query)}


def lock_owner(session: Session, owner_kind: str, owner_id: int, asset: str) -> None:
    """Locks an owner's accounts of an asset before counting limits against them; kept until the commit."""
    keys = [AccountKey(owner_kind, owner_id, asset, bucket) for bucket in ("available", "frozen")]
    _lock(session, keys, 0)


def lock(session: Session, keys: Sequence[AccountKey]) -> None:
    """Locks accounts of several people in the one fixed order, before a transaction that goes on to move money between
    them; kept until the commit.
    """
    _lock(session, list(keys), 0)


def _refuse_repeat(session: Session, reference: str, reverses_id: int | None) -> None:
    """A repeat is told as one even when the first has left too little for a second."""
    same = Journal.reference == reference
    if reverses_id is not None:
        same = sa.or_(same, Journal.reverses_id == reverses_id)
    if session.scalar(sa.select(Journal.id).where(same)) is not None:
        raise Refusal("already_posted", reference=reference)


def _changes(lines: Sequence[Line]) -> dict[AccountKey, int]:
    sums: dict[str, int] = {}
    changes: dict[AccountKey, int] = {}
    for line in lines:
        sums[line.account.asset] = sums.get(line.account.asset, 0) + line.units
        changes[line.account] = changes.get(line.account, 0) + line.units
    if not lines or any(sums.values()) or not all(line.units for line in lines):
        raise ValueError(f"a journal's lines must be non-zero and sum to zero per asset: {lines!r}")
    return changes


def _insert_journal(
    session: Session, kind: str, reference: str, actor: str, details: dict[str, Any] | None, reverses_id: int | None
) -> int:
    row = session.execute(
        _INSERT_JOURNAL,
        {
            "kind": kind,
            "reference": reference,
            "actor": actor,
            "details": orjson.dumps(details).decode() if details is not None else None,
            "reverses_id": reverses_id,
            "posted_at": now(session),
        },
    ).first()
    if row is None:
        raise Refusal("already_posted", reference=reference)
    return int(row[0])


_INSERT_JOURNAL = sa.text(
    "INSERT INTO journals (kind, reference, actor, details, reverses_id, posted_at)"
    " VALUES (:kind, :reference, :actor, :details, :reverses_id, :posted_at)"
    " ON CONFLICT DO NOTHING RETURNING id"
).bindparams(sa.bindparam("posted_at", type_=Journal.__table__.c.posted_at.type))


def _lock(session: Session, keys: list[AccountKey], slot: int) -> dict[AccountKey, _Locked]:
    found = _select_locked(session, keys, slot)
    if len(found) < len(keys):
        missing = [key for key in keys if key not in found]
        insert_if_absent(session, Account.__table__, [_account_row(key, slot) for key in missing])
        found = _select_locked(session, keys, slot)
    return found


def _account_row(key: AccountKey, slot: int) -> dict[str, Any]:
    return {**key._asdict(), "slot": slot if key.owner_kind == "house" else 0, "balance_units": 0}


def _select_locked(session: Session, keys: list[AccountKey], slot: int) -> dict[AccountKey, _Locked]:
    dialect = session.get_bind().dialect.name
    parameters: dict[str, Any] = {}
    for number, key in enumerate(keys):
        parameters |= {
            f"k{number}": key.owner_kind,
            f"o{number}": key.owner_id,
            f"a{number}": key.asset,
            f"b{number}": key.bucket,
            f"s{number}": slot if key.owner_kind == "house" else 0,
        }
    rows = session.execute(_lock_statement(len(keys), dialect), parameters)
    return {AccountKey(row[1], row[2], row[3], row[4]): _Locked(row[0], row[5]) for row in rows}


@lru_cache(maxsize=64)
def _lock_statement(count: int, dialect: str) -> sa.TextClause:
    wanted = ", ".join(f"(:k{n}, :o{n}, :a{n}, :b{n}, :s{n})" for n in range(count))
    # People first, the house last: its rows are held for the shortest time.
    return sa.text(
        "SELECT id, owner_kind, owner_id, asset, bucket, balance_units FROM accounts"
        f" WHERE (owner_kind, owner_id, asset, bucket, slot) IN ({'VALUES ' if dialect == 'sqlite' else ''}{wanted})"
        " ORDER BY (owner_kind = 'house'), id" + ("" if dialect == "sqlite" else " FOR UPDATE")
    )


def _apply(session: Session, changes: Iterable[tuple[int, int]]) -> None:
    moved = [(account_id, change) for account_id, change in changes if change]
    if not moved:
        return
    parameters: dict[str, Any] = {}
    for number, (account_id, change) in enumerate(moved):
        parameters |= {f"i{number}": account_id, f"d{number}": change}
    session.execute(_apply_statement(len(moved)), parameters)


@lru_cache(maxsize=64)
def _apply_statement(count: int) -> sa.TextClause:
    cases = " ".join(f"WHEN :i{n} THEN CAST(:d{n} AS BIGINT)" for n in range(count))
    ids = ", ".join(f":i{n}" for n in range(count))
    return sa.text(f"UPDATE accounts SET balance_units = balance_units + CASE id {cases} END WHERE id IN ({ids})")


def _insert_entries(session: Session, rows: Sequence[tuple[int, int, str, int, int]]) -> None:
    parameters: dict[str, Any] = {}
    for number, row in enumerate(rows):
        for letter, value in zip("jcaub", row, strict=True):
            parameters[f"{letter}{number}"] = value
    session.execute(_entries_statement(len(rows)), parameters)


@lru_cache(maxsize=64)
def _entries_statement(count: int) -> sa.TextClause:
    values = ", ".join(f"(:j{n}, :c{n}, :a{n}, :u{n}, :b{n})" for n in range(count))
    return sa.text(
        f"INSERT INTO entries (journal_id, account_id, asset, amount_units, balance_after_units) VALUES {values}"
    )
