"""Demo prices: a year of days, a month of hours and a day of five-minute points, the same in every sandbox.

The path is walked backwards from the market's opening price, so that it ends where the market stands.
"""

import hashlib
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.bootstrap import Portal
from portal.db import now
from portal.models.market import PricePoint
from portal.services import prices

#: Widest step per hour, in parts of a million.
WIDEST_STEP = {"USDT-TWD": 700, "ETH-TWD": 6000}
HOURS = 370 * 24


def load(portal: Portal) -> None:
    """Writes the history and puts the market's present prices in force."""
    present = portal.ports.rates.prices()
    portal.db.transact(_write, present)


def path(symbol: str, present: Decimal) -> list[Decimal]:
    """The price of each hour back from now: index 0 is now, 1 an hour ago."""
    walked = [present]
    for hour in range(1, HOURS):
        walked.append((walked[-1] * (1 + _step(symbol, hour))).quantize(Decimal("0.0001"), ROUND_HALF_UP))
    return walked


def _step(symbol: str, hour: int) -> Decimal:
    """A step as a ratio, from a digest: random to the eye, the same everywhere, pulled neither up nor down."""
    noise = int.from_bytes(hashlib.sha256(f"{symbol}:{hour}".encode()).digest()[:4]) % 2001 - 1000
    # A slow swell of about nine days under the noise, so that the chart has weather and not only static.
    phase = hour % 216
    swell = phase - 108 if phase < 108 else 324 - phase - 108
    return Decimal(noise * WIDEST_STEP[symbol] + swell * WIDEST_STEP[symbol]) / 10**9


def _write(session: Session, present: dict[str, Decimal]) -> None:
    moment = now(session)
    hour = prices.bucket(moment, prices.HOUR)
    for symbol, price in present.items():
        if symbol not in WIDEST_STEP:
            continue
        walked = path(symbol, price)
        rows = _days(symbol, hour, walked) + _hours(symbol, hour, walked) + _five_minutes(symbol, hour, walked)
        session.execute(sa.insert(PricePoint), rows)
    prices.record(session, present, "sandbox", trusted=True)


def _days(symbol: str, hour: datetime, walked: list[Decimal]) -> list[dict[str, object]]:
    """The last hour of each day of Taipei but today."""
    found = {
        prices.bucket(hour - timedelta(hours=back), prices.DAY): price
        for back, price in reversed(list(enumerate(walked)))
    }
    found.pop(prices.bucket(hour, prices.DAY), None)
    return [_row(symbol, prices.DAY, at, price) for at, price in sorted(found.items())[1:]]


def _hours(symbol: str, hour: datetime, walked: list[Decimal]) -> list[dict[str, object]]:
    return [_row(symbol, prices.HOUR, hour - timedelta(hours=back), walked[back]) for back in range(30 * 24, 0, -1)]


def _five_minutes(symbol: str, hour: datetime, walked: list[Decimal]) -> list[dict[str, object]]:
    """Twelve points an hour between the hourly ones, for the last 25 hours."""
    rows = []
    for back in range(25, 0, -1):
        start, end = walked[back], walked[back - 1]
        for part in range(12):
            at = hour - timedelta(hours=back) + timedelta(minutes=5 * part)
            between = start + (end - start) * part / 12 * (1 + _step(symbol, back * 12 + part) * 20)
            rows.append(_row(symbol, prices.FIVE_MINUTES, at, between.quantize(Decimal("0.0001"), ROUND_HALF_UP)))
    return rows


def _row(symbol: str, resolution: int, at: datetime, price: Decimal) -> dict[str, object]:
    return {"symbol": symbol, "resolution": resolution, "at": at, "price": price}
