"""Daily worth of the demo customers' holdings over their month of history, as the daily duty would have noted it."""

from datetime import datetime, time, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.bootstrap import Portal
from portal.db import insert_if_absent, now
from portal.models.ledger import Account, Entry, Journal
from portal.models.market import PricePoint
from portal.models.portfolio import PortfolioSnapshot
from portal.services import prices
from portal.services.activity import TAIPEI

DAYS = 40


def load(portal: Portal) -> None:
    """Notes a snapshot for every past day on which a customer held something."""
    portal.db.transact(_make)


def _make(session: Session) -> None:
    today = now(session).astimezone(TAIPEI).date()
    for back in range(DAYS, 0, -1):
        day = today - timedelta(days=back)
        moment = datetime.combine(day, time(23, 59), TAIPEI)
        known = dict.fromkeys(prices.AT_PAR, Decimal(1))
        for asset in prices.MARKETS:
            price = session.scalar(
                sa.select(PricePoint.price)
                .where(PricePoint.symbol == prices.symbol_of(asset), PricePoint.at <= moment)
                .order_by(PricePoint.at.desc())
                .limit(1)
            )
            if price is not None:
                known[asset] = price
        for customer_id, units in _worth(session, moment, known).items():
            row = {"customer_id": customer_id, "day": day.isoformat(), "worth_units": units, "taken_at": moment}
            insert_if_absent(session, PortfolioSnapshot.__table__, row)


def _worth(session: Session, moment: datetime, known: dict[str, Decimal]) -> dict[int, int]:
    query = (
        sa.select(Account.owner_id, Account.asset, sa.func.sum(Entry.amount_units))
        .join(Entry, Entry.account_id == Account.id)
        .join(Journal, Journal.id == Entry.journal_id)
        .where(Account.owner_kind == "customer", Journal.posted_at <= moment)
        .group_by(Account.owner_id, Account.asset)
    )
    worth: dict[int, int] = {}
    for customer_id, asset, units in session.execute(query):
        if asset in known:
            worth[customer_id] = worth.get(customer_id, 0) + prices.worth(asset, int(units), known[asset])
    return worth
