"""A customer's statement for a month or a year: what there was, every movement, what there is, to the last unit.

Lines come from the ledger, so that opening balance and lines add up to the closing balance; the history gives them their
words. A hold, which moves nothing out of a customer's hands, is no line.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import context, now
from portal.errors import N_, Refusal, declare
from portal.models.customers import Customer
from portal.models.ledger import Account, Entry, Journal, LedgerDay
from portal.models.system import Activity
from portal.services import book_days
from portal.services.activity import TAIPEI

declare({"statement_period_invalid": N_("Choose a month or a year that has begun.")})

#: Journals are read in slices, so that a year of a busy customer is never held at once.
_SLICE = 500

#: What the history calls the subject of a posting, where its reference calls it something else.
_SUBJECTS = {"payment": "shopping_order"}


@dataclass(frozen=True, slots=True)
class Period:
    """Days of Taipei's calendar, the last one included; `name` is `2026-11` or `2026`.

    `ends_at` is the first moment after it, or now in a period that is not over: what is posted later is not in it.
    """

    name: str
    first: date
    last: date
    ends_at: datetime

    @property
    def begins_at(self) -> datetime:
        """The first moment."""
        return datetime.combine(self.first, time(), TAIPEI).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Line:
    """One movement of one asset: its signed units and the balance after it, held money included."""

    at: datetime
    asset: str
    kind: str
    reference: str
    counterparty: str
    units: int
    balance_units: int


@dataclass(frozen=True, slots=True)
class Balance:
    """What there was of an asset at the period's begin and end."""

    asset: str
    opening_units: int
    closing_units: int


def period(session: Session, text: str) -> Period:
    """The period that `2026-11` or `2026` names. Raises Refusal `statement_period_invalid`."""
    parts = text.split("-")
    plain = all(part.isascii() and part.isdigit() for part in parts)
    try:
        if (
            not plain
            or len(parts) > 2
            or len(parts[0]) != 4
            or parts[0] < "2000"
            or (len(parts) == 2 and len(parts[1]) != 2)
        ):
            raise ValueError(text)
        year = int(parts[0])
        month = int(parts[1]) if len(parts) == 2 else 0
        first = date(year, month or 1, 1)
        following = date(year + (month in (0, 12)), 1 if month in (0, 12) else month + 1, 1)
    except ValueError as error:
        raise Refusal("statement_period_invalid", field="period") from error
    moment = now(session)
    ends_at = datetime.combine(following, time(), TAIPEI).astimezone(UTC)
    found = Period(text, first, following - timedelta(days=1), min(ends_at, moment))
    if found.begins_at > moment:
        raise Refusal("statement_period_invalid", field="period")
    return found


def periods(session: Session, customer_id: int) -> list[str]:
    """Months and years since the customer came, newest first, at most three years of them."""
    since = session.get_one(Customer, customer_id).created_at.astimezone(TAIPEI)
    today = now(session).astimezone(TAIPEI)
    names: list[str] = []
    year, month = today.year, today.month
    while (year, month) >= (since.year, since.month) and len(names) < 36:
        names.append(f"{year}-{month:02d}")
        if month == 1 or (year, month) == (since.year, since.month):
            names.append(f"{year}")
        year, month = (year - 1, 12) if month == 1 else (year, month - 1)
    return names


def holder(session: Session, customer_id: int) -> str:
    """Whose statement it is: the name that was checked, with the one they go by."""
    customer = session.get_one(Customer, customer_id)
    if customer.real_name_sealed is None:
        return customer.display_name
    return f"{context(session).vault.open_text(customer.real_name_sealed, 'real name')} ({customer.display_name})"


def balances(session: Session, customer_id: int, wanted: Period) -> list[Balance]:
    """Opening and closing balance of every asset that the customer has ever had."""
    opening = _sums(session, customer_id, wanted.begins_at)
    closing = _sums(session, customer_id, wanted.ends_at)
    return [Balance(asset, opening.get(asset, 0), units) for asset, units in sorted(closing.items())]


def lines(look: Any, customer_id: int, wanted: Period, balances: Sequence[Balance]) -> Iterator[Line]:
    """The movements of the period, oldest first, read in pieces by `look(service, …)`: no transaction stays open between."""
    running = {balance.asset: balance.opening_units for balance in balances}
    after: int | None = 0
    while after is not None:
        rows, after = look(_piece, customer_id, wanted, after)
        for row, told in rows:
            running[row.asset] = running.get(row.asset, 0) + int(row.units)
            yield Line(
                at=row.posted_at,
                asset=row.asset,
                kind=told.kind if told else row.kind,
                reference=told.reference if told else row.reference,
                counterparty=(told.counterparty or "") if told else "",
                units=int(row.units),
                balance_units=running[row.asset],
            )


def _piece(
    session: Session, customer_id: int, wanted: Period, after: int
) -> tuple[list[tuple[Any, Activity | None]], int | None]:
    rows = _slice(session, customer_id, wanted, after)
    words = _words(session, customer_id, [row.reference for row in rows])
    told = [(row, words.get(_subject(row.reference))) for row in rows if row.units]
    return told, rows[-1].journal_id if rows else None


def _of(customer_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(Account.owner_kind == "customer", Account.owner_id == customer_id)


def _sums(session: Session, customer_id: int, before: datetime) -> dict[str, int]:
    mark = book_days.mark(session)
    earliest, latest = _first_from(session, before, mark), _last_before(session, before)
    at_once = (
        sa.select(Entry.balance_after_units)
        .where(Entry.account_id == Account.id, Entry.id < earliest)
        .order_by(Entry.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    sums: dict[str, int] = {}
    for asset, units in session.execute(sa.select(Account.asset, at_once).where(_of(customer_id))):
        if units is not None:
            sums[asset] = sums.get(asset, 0) + int(units)
    between = (
        sa.select(Entry.asset, sa.func.sum(Entry.amount_units))
        .join(Account, Account.id == Entry.account_id)
        .join(Journal, Journal.id == Entry.journal_id)
        .where(_of(customer_id), Entry.id >= earliest, _up_to(latest, mark), Journal.posted_at < before)
        .group_by(Entry.asset)
    )
    for asset, units in session.execute(between):
        sums[asset] = sums.get(asset, 0) + int(units)
    return sums


def _first_from(session: Session, moment: datetime, mark: int) -> int:
    """No entry below this number was posted on the moment's day or later: the days' sums know it, up to the mark."""
    found = session.scalar(sa.select(sa.func.min(LedgerDay.first_id)).where(LedgerDay.day >= _day(moment)))
    return min(found, mark + 1) if found is not None else mark + 1


def _last_before(session: Session, moment: datetime) -> int:
    """The highest summed entry of the moment's day or an earlier one."""
    return session.scalar(sa.select(sa.func.max(LedgerDay.last_id)).where(LedgerDay.day <= _day(moment))) or 0


def _up_to(latest: int, mark: int) -> sa.ColumnElement[bool]:
    return sa.or_(Entry.id <= latest, Entry.id > mark)


def _day(moment: datetime) -> str:
    return moment.astimezone(TAIPEI).date().isoformat()


def _slice(session: Session, customer_id: int, wanted: Period, after: int) -> list[Any]:
    """Net changes per journal and asset of the next journals; a journal's assets are never torn apart."""
    mark = book_days.mark(session)
    earliest, latest = _first_from(session, wanted.begins_at, mark), _last_before(session, wanted.ends_at)
    numbers = (
        sa.select(Entry.journal_id)
        .join(Account, Account.id == Entry.account_id)
        .join(Journal, Journal.id == Entry.journal_id)
        .where(
            _of(customer_id),
            Entry.id >= earliest,
            _up_to(latest, mark),
            Entry.journal_id > after,
            Journal.posted_at >= wanted.begins_at,
            Journal.posted_at < wanted.ends_at,
        )
        .distinct()
        .order_by(Entry.journal_id)
        .limit(_SLICE)
        .subquery()
    )
    query = (
        sa.select(
            Journal.id.label("journal_id"),
            Journal.kind,
            Journal.reference,
            Journal.posted_at,
            Entry.asset,
            sa.func.sum(Entry.amount_units).label("units"),
        )
        .join(Entry, Entry.journal_id == Journal.id)
        .join(Account, Account.id == Entry.account_id)
        .where(_of(customer_id), Journal.id.in_(sa.select(numbers.c.journal_id)))
        .group_by(Journal.id, Journal.kind, Journal.reference, Journal.posted_at, Entry.asset)
        .order_by(Journal.id, Entry.asset)
    )
    return list(session.execute(query).all())


def _subject(reference: str) -> tuple[str, int] | None:
    kind, _, rest = reference.partition(":")
    number = rest.partition(":")[0]
    kind = _SUBJECTS.get(kind, kind)
    return (kind, int(number)) if number.isascii() and number.isdigit() and len(number) < 19 else None


def _words(session: Session, customer_id: int, references: list[str]) -> dict[tuple[str, int] | None, Activity]:
    wanted: dict[str, set[int]] = {}
    for subject in filter(None, map(_subject, references)):
        wanted.setdefault(subject[0], set()).add(subject[1])
    if not wanted:
        return {}
    any_of = [sa.and_(Activity.subject_kind == kind, Activity.subject_id.in_(ids)) for kind, ids in wanted.items()]
    query = sa.select(Activity).where(Activity.customer_id == customer_id, sa.or_(*any_of))
    return {(row.subject_kind, row.subject_id): row for row in session.scalars(query)}
