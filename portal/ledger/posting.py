"""Posting journals: the one place that changes a balance."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import insert_if_absent, now
from portal.errors import Refusal
from portal.ledger import writing
from portal.ledger.chart import HOUSE_SLOTS, AccountKey
from portal.ledger.writing import Head, Locked, Row
from portal.models.ledger import Account, Entry, Journal


class Line(NamedTuple):
    """A signed change of one account, in ledger units of its asset."""

    account: AccountKey
    units: int


@dataclass(frozen=True, slots=True)
class Posting:
    """What a journal did: the balance after it of every account but the house's."""

    balances: dict[AccountKey, int]


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
    `insufficient_balance` (facts: asset, available_units) before anything is written, so that the caller may go on;
    `already_posted`, at the latest when the transaction commits, which then leaves nothing; ValueError for lines that do
    not balance.
    """
    changes = _changes(lines)
    locked = _lock(session, list(changes), random.randrange(HOUSE_SLOTS))
    numbers = {key: account.id for key, account in locked.items()}
    balances: dict[AccountKey, int] = {}
    for key, change in changes.items():
        after = locked[key].balance_units + change
        if after < 0 and key.owner_kind != "house":
            _refuse_repeat(session, reference, reverses_id)
            raise Refusal("insufficient_balance", asset=key.asset, available_units=locked[key].balance_units)
        balances[key] = after
    running = {key: locked[key].balance_units for key in changes}
    rows = []
    for line in _in_order(lines, numbers):
        running[line.account] += line.units
        rows.append(Row(numbers[line.account], line.account.asset, line.units, running[line.account]))
    writing.write(session, Head(kind, reference, actor, details, reverses_id, now(session)), rows)
    return Posting({key: units for key, units in balances.items() if key.owner_kind != "house"})


def post_seen(
    session: Session,
    kind: str,
    reference: str,
    lines: Sequence[Line],
    seen: Mapping[AccountKey, int],
    *,
    actor: str,
) -> None:
    """`post` for hot paths, on balances that were `seen` in this transaction without a lock: one exchange less.

    Refuses like `post`. Should a balance not suffice any more when the journal is written, the transaction is run again
    (portal/db.py:transact) and sees what is left.
    """
    changes = _changes(lines)
    numbers = None
    if all(seen.get(key, 0) + change >= 0 for key, change in changes.items() if key.owner_kind != "house"):
        numbers = writing.known(session, list(changes), random.randrange(HOUSE_SLOTS))
    if numbers is None or session.get_bind().dialect.name == "sqlite":
        post(session, kind, reference, lines, actor=actor)
        return
    rows = [Row(numbers[line.account], line.account.asset, line.units, None) for line in _in_order(lines, numbers)]
    writing.write(session, Head(kind, reference, actor, None, None, now(session)), rows)


def foreseen(session: Session, lines: Sequence[Line]) -> dict[str, str] | None:
    """A journal's lines as PostgreSQL's `post_journal` takes them, for a posting that the database makes later by itself.

    Accounts of the house and of stores are made where they are missing. None on SQLite, and for who has no account yet.
    """
    if session.get_bind().dialect.name == "sqlite":
        return None
    keys, slot = list(_changes(lines)), random.randrange(HOUSE_SLOTS)
    numbers = writing.known(session, keys, slot)
    if numbers is None:
        found = writing.find(session, keys, slot)
        absent = [key for key in keys if key not in found and key.owner_kind in ("house", "store")]
        if absent:
            insert_if_absent(session, Account.__table__, [_account_row(key, slot) for key in absent])
            found = writing.find(session, keys, slot)
        if len(found) < len(keys):
            return None
        numbers = found
    ordered = _in_order(lines, numbers)
    return {
        "accounts": writing.array(numbers[line.account] for line in ordered),
        "assets": writing.array(line.account.asset for line in ordered),
        "units": writing.array(line.units for line in ordered),
    }


def _in_order(lines: Sequence[Line], numbers: Mapping[AccountKey, int]) -> list[Line]:
    """Lines in the one order of locks; of one account what comes in before what goes out."""
    return sorted(lines, key=lambda line: (line.account.owner_kind == "house", numbers[line.account], line.units < 0))


def reverse(session: Session, journal_number: int, kind: str, reference: str, *, actor: str) -> Posting:
    """Posts the exact opposite of a journal. Raises Refusal `already_posted` when it was reversed before."""
    accounts, entries = Account.__table__, Entry.__table__
    query = (
        sa.select(
            accounts.c.owner_kind, accounts.c.owner_id, accounts.c.asset, accounts.c.bucket, entries.c.amount_units
        )
        .join(accounts, accounts.c.id == entries.c.account_id)
        .where(entries.c.journal_id == journal_number)
        .order_by(entries.c.id)
    )
    lines = [Line(AccountKey(*row[:4]), -row[4]) for row in session.execute(query)]
    return post(session, kind, reference, lines, actor=actor, reverses_id=journal_number)


def journal_id(session: Session, reference: str) -> int:
    """The number of the journal posted under a reference, also in this very transaction."""
    return session.scalars(sa.select(Journal.id).where(Journal.reference == reference)).one()


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


def _lock(session: Session, keys: list[AccountKey], slot: int) -> dict[AccountKey, Locked]:
    found = writing.locked(session, keys, slot)
    if len(found) < len(keys):
        missing = [key for key in keys if key not in found]
        insert_if_absent(session, Account.__table__, [_account_row(key, slot) for key in missing])
        found = writing.locked(session, keys, slot)
    return found


def _account_row(key: AccountKey, slot: int) -> dict[str, Any]:
    return {**key._asdict(), "slot": slot if key.owner_kind == "house" else 0, "balance_units": 0}
