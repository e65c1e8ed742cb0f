"""The books as finance reads them: trial balance, any account at any moment, what the house owns and earned by day."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import now
from portal.ledger import AccountKey
from portal.models.ledger import Account, Entry, Journal, LedgerDay
from portal.models.market import Price, PricePoint
from portal.services import book_days, prices
from portal.services.activity import TAIPEI, taipei_day

#: House buckets that are the house's own: what it trades from, what it earned, what was corrected.
OWN = ("inventory", "fees", "spread", "rounding", "adjustments")
INCOME = ("fees", "spread", "rounding")
#: Journals that bring own money in or take it out: no profit.
CAPITAL_KINDS = ("capital", "bank_opening")

MOST_DAYS = 92


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the trial balance: all accounts of a kind of owner and a bucket, in an asset's units.

    `accounts` is how many they are now; None as of a moment.
    """

    owner_kind: str
    bucket: str
    asset: str
    units: int
    accounts: int | None


def trial_balance(session: Session, at: datetime | None = None) -> list[Row]:
    """Every kind of account with its balance now, or as of a moment; per asset they sum to zero."""
    if at is not None:
        found = _as_of(session, at)
        return [Row(*key, units, None) for key, units in sorted(found.items(), key=lambda item: (item[0][2], item[0]))]
    columns = (Account.owner_kind, Account.bucket, Account.asset)
    query = sa.select(*columns, sa.func.sum(Account.balance_units), sa.func.count())
    rows = session.execute(query.group_by(*columns).order_by(Account.asset, Account.owner_kind, Account.bucket))
    return [Row(row[0], row[1], row[2], int(row[3] or 0), int(row[4])) for row in rows]


def _as_of(session: Session, at: datetime, **only: str) -> dict[tuple[str, str, str], int]:
    """Units by (kind of owner, bucket, asset) as of a moment: the days before it, then the entries of its own day."""
    day = taipei_day(at)

    def read(mark: int) -> dict[tuple[str, str, str], int]:
        found: dict[tuple[str, str, str], int] = {}
        days = sa.select(LedgerDay.owner_kind, LedgerDay.bucket, LedgerDay.asset, sa.func.sum(LedgerDay.units))
        days = days.group_by(LedgerDay.owner_kind, LedgerDay.bucket, LedgerDay.asset)
        _gather(found, session.execute(days.where(LedgerDay.day < day, *_only(LedgerDay, only))))
        single = (
            sa.select(Account.owner_kind, Account.bucket, Account.asset, sa.func.sum(Entry.amount_units))
            .join(Entry, Entry.account_id == Account.id)
            .join(Journal, Journal.id == Entry.journal_id)
            .where(Journal.posted_at <= at, *_only(Account, only))
            .group_by(Account.owner_kind, Account.bucket, Account.asset)
        )
        _gather(found, session.execute(single.where(Entry.id > mark)))
        span = book_days.span(session, day)
        if span is not None:
            its_own = single.where(Entry.id.between(*span), Journal.posted_at >= book_days.midnight(day))
            _gather(found, session.execute(its_own))
        return found

    return book_days.steady(session, read)


def _only(model: Any, values: Mapping[str, Any]) -> list[sa.ColumnElement[bool]]:
    return [getattr(model, name) == value for name, value in values.items()]


def _gather(found: dict[tuple[str, str, str], int], rows: Any) -> None:
    for owner_kind, bucket, asset, units in rows:
        key = (owner_kind, bucket, asset)
        found[key] = found.get(key, 0) + int(units or 0)


def balance_at(session: Session, key: AccountKey, at: datetime) -> int:
    """The balance of an account as of a moment, in ledger units."""
    if key.owner_kind == "house":
        found = _as_of(session, at, owner_kind=key.owner_kind, bucket=key.bucket, asset=key.asset)
        return sum(found.values()) if key.owner_id == 0 else 0
    newest = sa.select(sa.func.max(LedgerDay.last_id)).where(LedgerDay.day <= taipei_day(at))

    def read(mark: int) -> int | None:
        last = (
            sa.select(Entry.balance_after_units)
            .join(Journal, Journal.id == Entry.journal_id)
            .where(Entry.account_id.in_(_account_ids(session, key)), Journal.posted_at <= at)
            .order_by(Entry.id.desc())
            .limit(1)
        )
        young = session.scalar(last.where(Entry.id > mark))
        return young if young is not None else session.scalar(last.where(Entry.id <= (session.scalar(newest) or 0)))

    return book_days.steady(session, read) or 0


def _account_ids(session: Session, key: AccountKey) -> list[int]:
    """The row numbers of an account: one, or the slots of a house account."""
    return list(session.scalars(sa.select(Account.id).where(*_only(Account, key._asdict()))))


def entries(
    session: Session, key: AccountKey, before_id: int | None = None, count: int = 50
) -> list[tuple[Entry, Journal]]:
    """The newest entries of an account, below a number (keyset); each slot gives its own newest by its index."""
    parts = []
    for account_id in _account_ids(session, key):
        part = sa.select(Entry.id).where(Entry.account_id == account_id).order_by(Entry.id.desc()).limit(count)
        parts.append(sa.select((part.where(Entry.id < before_id) if before_id is not None else part).subquery()))
    if not parts:
        return []
    newest = sa.union_all(*parts).subquery()
    query = (
        sa.select(Entry, Journal)
        .join(newest, newest.c.id == Entry.id)
        .join(Journal, Journal.id == Entry.journal_id)
        .order_by(Entry.id.desc())
        .limit(count)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


@dataclass(slots=True)
class Day:
    """A day of the house, by Taipei's calendar; TWD units. `units` and `income` are by asset, in its own units.

    `worth` is what the house owned at the day's end, `profit` its change without capital, of which `earned` came from
    fees, spreads and rounding and the rest from prices.
    """

    day: str
    units: dict[str, int] = field(default_factory=dict)
    income: dict[str, int] = field(default_factory=dict)
    capital: dict[str, int] = field(default_factory=dict)
    worth: int = 0
    earned: int = 0
    profit: int = 0

    @property
    def by_prices(self) -> int:
        """Profit that no fee or spread explains: the market moved what the house held."""
        return self.profit - self.earned


def days(session: Session, first: date, last: date) -> list[Day]:
    """The house day by day, oldest first; at most MOST_DAYS."""
    first = max(first, last - timedelta(days=MOST_DAYS - 1))
    start = datetime.combine(first, datetime.min.time(), TAIPEI)
    running = _own_before(session, start)
    changes = _changes(session, start, datetime.combine(last + timedelta(days=1), datetime.min.time(), TAIPEI))
    known = _prices_before(session, start)
    closing = _closing_prices(session, start)
    answer: list[Day] = []
    worth_before = _worth(running, known)
    for number in range((last - first).days + 1):
        day = Day((first + timedelta(days=number)).isoformat(), dict(running))
        for (bucket, kind, asset), units in changes.get(day.day, {}).items():
            day.units[asset] = day.units.get(asset, 0) + units
            if kind in CAPITAL_KINDS:
                day.capital[asset] = day.capital.get(asset, 0) + units
            elif bucket in INCOME:
                day.income[asset] = day.income.get(asset, 0) + units
        known |= closing.get(day.day, {})
        day.worth, day.earned = _worth(day.units, known), _worth(day.income, known)
        day.profit = day.worth - worth_before - _worth(day.capital, known)
        running, worth_before = day.units, day.worth
        answer.append(day)
    return answer


_Changes = dict[str, dict[tuple[str, str, str], int]]


def _own_before(session: Session, start: datetime) -> dict[str, int]:
    owned: dict[str, int] = {}
    for (owner_kind, bucket, asset), units in _as_of(
        session, start - timedelta(microseconds=1), owner_kind="house"
    ).items():
        if bucket in OWN and owner_kind == "house":
            owned[asset] = owned.get(asset, 0) + units
    return owned


def _changes(session: Session, start: datetime, end: datetime) -> _Changes:
    """What the house's own accounts gained by day, and by (bucket, kind of journal, asset)."""
    summed = sa.select(LedgerDay.day, LedgerDay.bucket, LedgerDay.kind, LedgerDay.asset, LedgerDay.units).where(
        LedgerDay.owner_kind == "house",
        LedgerDay.bucket.in_(OWN),
        LedgerDay.day >= taipei_day(start),
        LedgerDay.day < taipei_day(end),
    )
    day = book_days.day_of(session)
    young = (
        sa.select(day.label("day"), Account.bucket, Journal.kind, Account.asset, sa.func.sum(Entry.amount_units))
        .join(Entry, Entry.journal_id == Journal.id)
        .join(Account, Account.id == Entry.account_id)
        .where(
            Account.owner_kind == "house", Account.bucket.in_(OWN), Journal.posted_at >= start, Journal.posted_at < end
        )
        .group_by("day", Account.bucket, Journal.kind, Account.asset)
    )

    def read(mark: int) -> _Changes:
        found: _Changes = {}
        for query in (summed, young.where(Entry.id > mark)):
            for when, bucket, kind, asset, units in session.execute(query):
                of_day, key = found.setdefault(when, {}), (bucket, kind, asset)
                of_day[key] = of_day.get(key, 0) + int(units)
        return found

    return book_days.steady(session, read)


def _prices_before(session: Session, start: datetime) -> dict[str, Decimal]:
    """The last daily price of every market before a moment; without one, the price in force."""
    found = {symbol.partition("-")[0]: price for symbol, price in session.execute(sa.select(Price.symbol, Price.price))}
    for asset in list(found):
        query = sa.select(PricePoint.price).where(
            PricePoint.symbol == f"{asset}-TWD", PricePoint.resolution == prices.DAY, PricePoint.at < start
        )
        earlier = session.scalar(query.order_by(PricePoint.at.desc()).limit(1))
        if earlier is not None:
            found[asset] = earlier
    return {**found, **dict.fromkeys(prices.AT_PAR, Decimal(1))}


def _closing_prices(session: Session, start: datetime) -> dict[str, dict[str, Decimal]]:
    query = sa.select(PricePoint.symbol, PricePoint.at, PricePoint.price).where(
        PricePoint.resolution == prices.DAY, PricePoint.at >= start, PricePoint.at < start + timedelta(days=MOST_DAYS)
    )
    found: dict[str, dict[str, Decimal]] = {}
    for symbol, at, price in session.execute(query.order_by(PricePoint.at)):
        found.setdefault(taipei_day(at), {})[symbol.partition("-")[0]] = price
    return found


def _worth(units: dict[str, int], known: dict[str, Decimal]) -> int:
    """TWD units of amounts at prices; what has no price counts as nothing."""
    return sum(
        (1 if amount >= 0 else -1) * prices.worth(asset, abs(amount), known[asset])
        for asset, amount in units.items()
        if asset in known
    )


def today(session: Session) -> date:
    """The day in Taipei."""
    return now(session).astimezone(TAIPEI).date()
