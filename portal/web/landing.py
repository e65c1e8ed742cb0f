"""The first page: what the market does, what the portal is, how to begin."""

from typing import Any

import orjson
from flask import Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.api.rendering import dumps
from portal.errors import N_
from portal.http import portal
from portal.money import parse_units
from portal.services import prices, pricing, quotes, withdrawal_desk, withdrawal_rules
from portal.services.prices import RANGES
from portal.web import access, blueprint, rendering

#: Words of the ranges, in the order of the contract's range_type.
RANGE_NAMES = (N_("Day"), N_("Week"), N_("Month"), N_("Season"), N_("Year"), N_("All"))
RANGE_KEYS = tuple(name for name, _, _ in RANGES)

#: The table beside the chart has at most this many rows, evenly chosen.
TABLE_ROWS = 24


#: The picture of a purchase at the head of the page: somebody pays this much TWD for USDT.
EXAMPLE_TWD = "3000"


@blueprint.get("/")
def landing() -> ResponseReturnValue:
    """Shows the market and the ways in."""
    block = "chart" if request.headers.get("HX-Target") == "chart-card" else None
    asset, chosen = _asked()
    facts = portal().db.read(_facts, asset, chosen)
    return rendering.page("landing/home.html", block, signed_in=access.signed_in() is not None, **facts)


@blueprint.get("/market/tickers")
def tickers() -> ResponseReturnValue:
    """The live block of the market's prices."""
    facts = portal().db.read(_market)
    return rendering.polled(rendering.render_block("landing/home.html", "tickers", **facts))


@blueprint.get("/market/chart")
def chart() -> ResponseReturnValue:
    """A chart's numbers for its script."""
    asset, chosen = _asked()
    points = portal().db.read(prices.series, asset, chosen)
    content = {
        "x": [int(at.timestamp()) for at, _ in points],
        "series": [{"label": f"{asset} / TWD", "values": [orjson.Fragment(format(price, "f")) for _, price in points]}],
        "unit": "TWD",
        "decimals": 2 if asset == "ETH" else 4,
    }
    answer = Response(dumps(content), mimetype="application/json")
    answer.headers["Cache-Control"] = "private, max-age=5"
    return answer


def _asked() -> tuple[str, int]:
    asset = request.args.get("asset", "")
    chosen = request.args.get("range", "")
    return (
        asset if asset in prices.MARKETS else prices.MARKETS[0],
        RANGE_KEYS.index(chosen) if chosen in RANGE_KEYS else 0,
    )


def _market(session: Session) -> dict[str, Any]:
    rows = [
        {"ticker": ticker, "path": [price for _, price in prices.series(session, ticker.base, 0)][::6]}
        for ticker in prices.tickers(session)
    ]
    return {"market": rows}


def _facts(session: Session, asset: str, chosen: int) -> dict[str, Any]:
    points = prices.series(session, asset, chosen)
    values = [price for _, price in points]
    step = max(1, -(-len(points) // TABLE_ROWS))
    return {
        **_market(session),
        "example": _example(session),
        "spread": quotes.spread_percent(session, False, None),
        "payouts": [
            *withdrawal_rules.rules(session, withdrawal_rules.FIAT, "TWD", 3),
            *withdrawal_rules.rules(session, withdrawal_rules.CRYPTO, "USDT", 3),
        ],
        "network_names": withdrawal_desk.network_names(),
        "asset": asset,
        "assets": prices.MARKETS,
        "chosen": RANGE_KEYS[chosen],
        "ranges": list(zip(RANGE_KEYS, RANGE_NAMES, strict=True)),
        "values": values,
        "low": min(values, default=None),
        "high": max(values, default=None),
        "change": (values[-1] - values[0]) / values[0] if len(values) > 1 and values[0] else None,
        "rows": points[::-1][::step],
    }


def _example(session: Session) -> dict[str, Any] | None:
    """A purchase as it would be priced now for a new customer; None before the market was heard."""
    market = prices.all_last(session).get("USDT")
    if market is None:
        return None
    spread = quotes.spread_percent(session, False, None)
    agreed = pricing.terms("buy", "USDT", "order", parse_units(EXAMPLE_TWD, "TWD"), market, spread)
    return {"agreed": agreed, "spread": spread}
