"""The books as finance reads them: trial balance, any account at any moment, what the house owns and earned by day."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import now
from portal.ledger import AccountKey
from portal.models.ledger import Account, Entry, Journal
from portal.models.market import Price, PricePoint
from portal.services import prices
from portal.services.activity import TAIPEI, taipei_day

#: House buckets that are the house's own: what it trades from, what it earned, what was corrected.
OWN = ("inventory", "fees", "spread", "rounding", "adjustments")
INCOME = ("fees", "spread", "rounding")
#: Journals that bring own money in or take it out: no profit.
CAPITAL_KINDS = ("capital", "bank_opening")

MOST_DAYS = 92


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the trial balance: all accounts of a kind of owner and a bucket, in an asset's units."""

    owner_kind: str
    bucket: str
    asset: str
    units: int
    accounts: int


def trial_balance(session: Session, at: datetime | None = None) -> list[Row]:
    """Every kind of account with its balance now, or as of a moment; per asset they sum to zero."""
    if at is None:
        query = sa.select(
            Account.owner_kind, Account.bucket, Account.asset, sa.func.sum(Account.balance_units), sa.func.count()
        )
    else:
        query = (
            sa.select(
                Account.owner_kind, Account.bucket, Account.asset, sa.func.sum(Entry.amount_units),
                sa.func.count(sa.distinct(Account.id)),
            )
            .join(Entry, Entry.account_id == Account.id)
            .join(Journal, Journal.id == Entry.journal_id)
            .where(Journal.posted_at <= at)
        )  # fmt: skip
    columns = (Account.owner_kind, Account.bucket, Account.asset)
    rows = session.execute(query.group_by(*columns).order_by(Account.asset, Account.owner_kind, Account.bucket))
    return [Row(row[0], row[1], row[2], int(row[3] or 0), int(row[4])) for row in rows]


def balance_at(session: Session, key: AccountKey, at: datetime) -> int:
    """The balance of an account as of a moment, in ledger units: the sum of what was posted until then."""
    query = (
        sa.select(sa.func.coalesce(sa.func.sum(Entry.amount_units), 0))
        .join(Account, Account.id == Entry.account_id)
        .join(Journal, Journal.id == Entry.journal_id)
        .where(
            Account.owner_kind == key.owner_kind,
            Account.owner_id == key.owner_id,
            Account.asset == key.asset,
            Account.bucket == key.bucket,
            Journal.posted_at <= at,
        )
    )
    return int(session.scalar(query) or 0)


def entries(
    session: Session, key: AccountKey, before_id: int | None = None, count: int = 50
) -> list[tuple[Entry, Journal]]:
    """The newest entries of an account, below a number (keyset)."""
    query = (
        sa.select(Entry, Journal)
        .join(Account, Account.id == Entry.account_id)
        .join(Journal, Journal.id == Entry.journal_id)
        .where(
            Account.owner_kind == key.owner_kind,
            Account.owner_id == key.owner_id,
            Account.asset == key.asset,
            Account.bucket == key.bucket,
        )
    )
    if before_id is not None:
        query = query.where(Entry.id < before_id)
    return [(row[0], row[1]) for row in session.execute(query.order_by(Entry.id.desc()).limit(count))]


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


def _own_before(session: Session, start: datetime) -> dict[str, int]:
    query = (
        sa.select(Account.asset, sa.func.sum(Entry.amount_units))
        .join(Entry, Entry.account_id == Account.id)
        .join(Journal, Journal.id == Entry.journal_id)
        .where(Account.owner_kind == "house", Account.bucket.in_(OWN), Journal.posted_at < start)
        .group_by(Account.asset)
    )
    return {asset: int(units) for asset, units in session.execute(query)}


def _changes(session: Session, start: datetime, end: datetime) -> dict[str, dict[tuple[str, str, str], int]]:
    """What the house's own accounts gained by day, and by (bucket, kind of journal, asset)."""
    day: Any
    if session.get_bind().dialect.name == "sqlite":
        day = sa.func.strftime("%Y-%m-%d", Journal.posted_at, "+8 hours")
    else:
        day = sa.func.to_char(sa.func.timezone("Asia/Taipei", Journal.posted_at), "YYYY-MM-DD")
    query = (
        sa.select(day.label("day"), Account.bucket, Journal.kind, Account.asset, sa.func.sum(Entry.amount_units))
        .join(Entry, Entry.journal_id == Journal.id)
        .join(Account, Account.id == Entry.account_id)
        .where(
            Account.owner_kind == "house", Account.bucket.in_(OWN), Journal.posted_at >= start, Journal.posted_at < end
        )
        .group_by("day", Account.bucket, Journal.kind, Account.asset)
    )
    found: dict[str, dict[tuple[str, str, str], int]] = {}
    for when, bucket, kind, asset, units in session.execute(query):
        found.setdefault(when, {})[(bucket, kind, asset)] = int(units)
    return found


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
        PricePoint.resolution == prices.DAY, PricePoint.at >= start
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
