"""Market prices: what is in force now, how it moved, and what an amount is worth in TWD.

The worker reads the rates port and hands what it saw to `record`. History is kept by resolution: every observation for
two days, five-minute points for the day chart, hourly ones for week and month, daily ones (Taipei) for all beyond.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from portal import money
from portal.db import after_commit, context, insert_if_absent, now
from portal.errors import N_, Refusal, declare
from portal.models.market import Price, PriceLeap, PricePoint
from portal.services import audit, parameters

log = logging.getLogger(__name__)

R = TypeVar("R")

#: What is traded against TWD, in the order it is shown.
MARKETS = ("USDT", "ETH")
#: Vouchers are worth their face (voucher contract: unit_price 1).
AT_PAR = ("TWD", "TWIP", "TWIG")

#: How far the clocks of two machines may be apart.
CLOCKS_APART = timedelta(seconds=5)

RAW, FIVE_MINUTES, HOUR, DAY = 0, 300, 3600, 86400
RESOLUTIONS = (FIVE_MINUTES, HOUR, DAY)
#: How long points of a resolution are kept; daily points stay for ever.
KEPT = {RAW: timedelta(days=2), FIVE_MINUTES: timedelta(days=3), HOUR: timedelta(days=120)}

#: Chart ranges (brokerage contract, enum range_type): how far back, at which resolution.
RANGES: tuple[tuple[str, timedelta | None, int], ...] = (
    ("day", timedelta(days=1), FIVE_MINUTES),
    ("week", timedelta(days=7), HOUR),
    ("month", timedelta(days=30), HOUR),
    ("season", timedelta(days=90), DAY),
    ("year", timedelta(days=365), DAY),
    ("all", None, DAY),
)

_TAIPEI_SECONDS = 8 * 3600
_REMEMBERED_SECONDS = 1.0

parameters.declare("prices", {"max_age_seconds": 120, "max_move_percent": "30"})
declare(
    {
        "price_unknown": N_("There is no market price for this currency yet."),
        "chart_range_invalid": N_("There is no such range."),
        "price_stale": N_("The market price is being updated. Please try again in a moment."),
    }
)


@dataclass(frozen=True, slots=True)
class Ticker:
    """A market's present price in TWD and its change over 24 hours (a ratio; None without a history)."""

    base: str
    last: Decimal | None
    change: Decimal | None
    at: datetime | None


def symbol_of(asset: str) -> str:
    """The market symbol of an asset. Raises Refusal `currency_unknown` for one that is not traded."""
    if asset not in MARKETS:
        raise Refusal("currency_unknown", field="currency")
    return f"{asset}-TWD"


def last(session: Session, symbol: str) -> Decimal:
    """The price in force, in TWD for one unit. Raises Refusal `price_unknown`."""
    found = session.scalar(sa.select(Price.__table__.c.price).where(Price.__table__.c.symbol == symbol))
    if found is None:
        raise Refusal("price_unknown", symbol=symbol)
    return found


def all_last(session: Session) -> dict[str, Decimal]:
    """The prices in force by asset, vouchers and TWD at par included."""
    rows = session.execute(sa.select(Price.__table__.c.symbol, Price.__table__.c.price))
    found = {symbol.partition("-")[0]: price for symbol, price in rows if symbol.endswith("-TWD")}
    return {**found, **dict.fromkeys(AT_PAR, Decimal(1))}


def fresh(session: Session, price: Decimal | None, at: datetime | None) -> Decimal:
    """The price if it is recent enough to trade on. Raises Refusal `price_unknown` or `price_stale`.

    One from the future is from before the clock was set back: nobody knows how old it is.
    """
    if price is None or at is None:
        raise Refusal("price_unknown")
    age = now(session) - at
    if not -CLOCKS_APART <= age <= timedelta(seconds=int(parameters.get(session, "prices")["max_age_seconds"])):
        raise Refusal("price_stale")
    return price


def tradable(session: Session, symbol: str) -> Decimal:
    """The price in force, refused when it is too old. Raises Refusal `price_unknown` or `price_stale`."""
    row = session.execute(sa.select(Price.price, Price.at).where(Price.symbol == symbol)).first()
    return fresh(session, row.price if row else None, row.at if row else None)


def value_in_twd(session: Session, asset: str, units: int) -> int:
    """What an amount is worth, in TWD ledger units, rounded down. Raises Refusal `price_unknown`."""
    price = Decimal(1) if asset in AT_PAR else last(session, f"{asset}-TWD")
    return worth(asset, units, price)


def worth(asset: str, units: int, price: Decimal) -> int:
    """The TWD ledger units of an amount at a price, rounded down."""
    with localcontext(money.EXACT):
        return money.units_floor(money.to_decimal(units, asset) * price, "TWD")


def record(
    session: Session, seen: Mapping[str, Decimal], source: str, *, trusted: bool = False, at: datetime | None = None
) -> int:
    """Takes over what a market said; how many symbols were accepted.

    What cannot be a price is ignored. A leap beyond `prices.max_move_percent` from the price in force is not believed
    (it goes stale instead, which stops trading) unless `trusted`.
    """
    moment = at or now(session)
    present = {symbol: price for symbol, price in session.execute(sa.select(Price.symbol, Price.price))}
    leaps = set(session.scalars(sa.select(PriceLeap.symbol)))
    most = Decimal(str(parameters.get(session, "prices")["max_move_percent"])) / 100
    accepted = 0
    for symbol, price in sorted(seen.items()):
        if not price.is_finite() or not 0 < price < Decimal(10) ** 12:
            log.error("not a price", extra={"symbol": symbol, "source": source})
            continue
        before = present.get(symbol)
        if before is not None and not trusted and abs(price - before) > before * most:
            log.error("price leap not believed", extra={"symbol": symbol, "before": str(before), "said": str(price)})
            _note_leap(session, symbol, price, source, moment)
            continue
        _accept(session, symbol, price.quantize(Decimal("1e-12"), context=money.EXACT).normalize(), source, moment)
        accepted += 1
        if symbol in leaps:
            session.execute(sa.delete(PriceLeap).where(PriceLeap.symbol == symbol))
    after_commit(session, lambda: forget(session))
    return accepted


def _note_leap(session: Session, symbol: str, price: Decimal, source: str, moment: datetime) -> None:
    """Keeps the newest leap for staff to look at."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    row = {"price": price.quantize(Decimal("1e-12"), context=money.EXACT).normalize(), "source": source, "at": moment}
    fresh_row = dialect.insert(PriceLeap.__table__).values(symbol=symbol, **row)
    session.execute(fresh_row.on_conflict_do_update(index_elements=["symbol"], set_=row))


def believe(session: Session, symbol: str, price: Decimal, actor: str) -> None:
    """Staff confirm a leap that `record` did not believe."""
    record(session, {symbol: price}, "staff", trusted=True)
    audit.write(session, actor, "price.believe", f"price:{symbol}", details={"price": format(price, "f")})


def _accept(session: Session, symbol: str, price: Decimal, source: str, moment: datetime) -> None:
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    table, points = Price.__table__, PricePoint.__table__
    fresh_row = dialect.insert(table).values(symbol=symbol, price=price, source=source, at=moment)
    session.execute(
        fresh_row.on_conflict_do_update(
            index_elements=["symbol"],
            set_={"price": fresh_row.excluded.price, "source": source, "at": moment},
            # A newer one stays, unless the clock was set back since: it would stay until the clock is there again.
            where=sa.or_(table.c.at <= moment, table.c.at > now(session) + CLOCKS_APART),
        )
    )
    insert_if_absent(session, points, {"symbol": symbol, "resolution": RAW, "at": moment, "price": price})
    for resolution in RESOLUTIONS:
        point = dialect.insert(points).values(
            symbol=symbol, resolution=resolution, at=bucket(moment, resolution), price=price
        )
        session.execute(
            point.on_conflict_do_update(
                index_elements=["symbol", "resolution", "at"], set_={"price": point.excluded.price}
            )
        )


def bucket(moment: datetime, resolution: int) -> datetime:
    """The start of the bucket a moment falls into; days are Taipei's."""
    shift = _TAIPEI_SECONDS if resolution == DAY else 0
    seconds = int(moment.timestamp()) + shift
    return datetime.fromtimestamp(seconds - seconds % resolution - shift, UTC)


def prune(session: Session) -> int:
    """Deletes points past their resolution's life; how many."""
    table, gone = PricePoint.__table__, 0
    for resolution, life in KEPT.items():
        result = session.execute(
            sa.delete(table).where(table.c.resolution == resolution, table.c.at < now(session) - life)
        )
        gone += result.rowcount if isinstance(result, sa.CursorResult) else 0
    return gone


def tickers(session: Session) -> list[Ticker]:
    """All markets with their change over 24 hours, remembered in this process for a second."""
    return _remembered(session, "tickers", lambda: _tickers(session))


def _tickers(session: Session) -> list[Ticker]:
    rows = {row.symbol: row for row in session.execute(sa.select(Price.symbol, Price.price, Price.at))}
    found = []
    for base in MARKETS:
        row = rows.get(f"{base}-TWD")
        if row is None:
            found.append(Ticker(base, None, None, None))
            continue
        before = _reference(session, f"{base}-TWD")
        change = None
        if before:
            with localcontext(money.EXACT):
                change = ((row.price - before) / before).quantize(Decimal("1e-12"), ROUND_HALF_UP)
        found.append(Ticker(base, row.price, change, row.at))
    return found


def _reference(session: Session, symbol: str) -> Decimal | None:
    """The price 24 hours ago; with a shorter history its first point."""
    table = PricePoint.__table__
    day_ago = now(session) - timedelta(days=1)
    query = sa.select(table.c.price).where(table.c.symbol == symbol)
    for resolution in (FIVE_MINUTES, HOUR):
        earlier = query.where(table.c.resolution == resolution, table.c.at <= day_ago).order_by(table.c.at.desc())
        price = session.scalar(earlier.limit(1))
        if price is not None:
            return price
    return session.scalar(query.where(table.c.resolution == RAW).order_by(table.c.at).limit(1))


def series(session: Session, asset: str, range_type: int) -> list[tuple[datetime, Decimal]]:
    """The points of a chart, oldest first, ending with the price in force.

    `range_type` is 0 to 5 (day, week, month, season, year, all). Raises Refusal `currency_unknown` or
    `chart_range_invalid`.
    """
    symbol = symbol_of(asset)
    if not 0 <= range_type < len(RANGES):
        raise Refusal("chart_range_invalid")
    return _remembered(session, f"series:{symbol}:{range_type}", lambda: _series(session, symbol, range_type))


def _series(session: Session, symbol: str, range_type: int) -> list[tuple[datetime, Decimal]]:
    _, span, resolution = RANGES[range_type]
    table = PricePoint.__table__
    query = sa.select(table.c.at, table.c.price).where(table.c.symbol == symbol, table.c.resolution == resolution)
    if span is not None:
        query = query.where(table.c.at >= now(session) - span)
    points = [(at, price) for at, price in session.execute(query.order_by(table.c.at))]
    present = session.execute(sa.select(Price.at, Price.price).where(Price.symbol == symbol)).first()
    if present is not None:
        # The newest bucket has not ended: its point is the price in force.
        if points and points[-1][0] >= bucket(present.at, resolution):
            points.pop()
        points.append((present.at, present.price))
    return points


def forget(session: Session) -> None:
    """Drops what this process remembers of the market."""
    memory = context(session).cache
    for key in [key for key in memory if key.startswith("market:")]:
        memory.pop(key, None)


def remembered_bytes(session: Session, key: str, make: Callable[[], bytes]) -> bytes:
    """Something made of the market's data, such as its JSON, remembered for as long as the data itself."""
    return _remembered(session, f"bytes:{key}", make)


def _remembered(session: Session, key: str, make: Callable[[], R]) -> R:
    memory: dict[str, Any] = context(session).cache
    found = memory.get(f"market:{key}")
    if found is None or found[0] < time.monotonic():
        found = (time.monotonic() + _REMEMBERED_SECONDS, make())
        memory[f"market:{key}"] = found
    answer: R = found[1]
    return answer
