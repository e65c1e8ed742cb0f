"""The worth of a customer's holdings over time, from one snapshot a day."""

from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import insert_if_absent, now
from portal.models.ledger import Account
from portal.models.portfolio import PortfolioSnapshot
from portal.services import prices, wallet
from portal.services.activity import TAIPEI, taipei_day

#: Ranges of the chart, in days; the last one is everything.
RANGES: dict[str, int | None] = {"month": 30, "season": 90, "year": 365, "all": None}
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Point:
    """The worth on a day, in TWD units."""

    day: date
    worth_units: int


def take(session: Session) -> int:
    """Takes today's snapshot of customers who hold something and have none yet; how many, at most some hundreds at once."""
    moment = now(session)
    day = taipei_day(moment)
    taken = sa.select(PortfolioSnapshot.customer_id).where(PortfolioSnapshot.day == day)
    due = (
        sa.select(Account.owner_id)
        .where(Account.owner_kind == "customer", Account.balance_units > 0, Account.owner_id.not_in(taken))
        .distinct()
        .order_by(Account.owner_id)
        .limit(_AT_ONCE)
    )
    holders = list(session.scalars(due))
    if not holders:
        return 0
    known = prices.all_last(session)
    worth = dict.fromkeys(holders, 0)
    sums = (
        sa.select(Account.owner_id, Account.asset, sa.func.sum(Account.balance_units))
        .where(Account.owner_kind == "customer", Account.owner_id.in_(holders))
        .group_by(Account.owner_id, Account.asset)
    )
    for customer_id, asset, units in session.execute(sums):
        if asset in known:
            worth[customer_id] += prices.worth(asset, int(units), known[asset])
    rows = [
        {"customer_id": customer_id, "day": day, "worth_units": units, "taken_at": moment}
        for customer_id, units in worth.items()
    ]
    insert_if_absent(session, PortfolioSnapshot.__table__, rows)
    return len(rows)


def points(session: Session, customer_id: int, name: str) -> list[Point]:
    """The days of a range, oldest first, and the worth of this moment as the last. An unknown range is a month."""
    days = RANGES.get(name, RANGES["month"])
    today = now(session).astimezone(TAIPEI).date()
    query = sa.select(PortfolioSnapshot.day, PortfolioSnapshot.worth_units).where(
        PortfolioSnapshot.customer_id == customer_id, PortfolioSnapshot.day < today.isoformat()
    )
    if days is not None:
        query = query.where(PortfolioSnapshot.day >= (today - timedelta(days=days)).isoformat())
    rows = session.execute(query.order_by(PortfolioSnapshot.day))
    found = [Point(date.fromisoformat(day), int(units)) for day, units in rows]
    return [*found, Point(today, wallet.overview(session, customer_id).worth_units)]
