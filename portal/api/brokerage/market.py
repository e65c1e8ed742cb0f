"""The market in the brokerage family: tickers, limits of a trade, charts, currencies and their networks."""

from collections.abc import Sequence
from typing import Any

import orjson
from flask import request
from sqlalchemy.orm import Session

from portal.api import parsing
from portal.api.brokerage.family import family
from portal.api.family import Call
from portal.api.rendering import dumps
from portal.clock import to_ms
from portal.errors import Refusal
from portal.money import to_decimal
from portal.services import networks, offering, prices, quotes
from portal.services.sessions import SignedIn

#: Order of the contract's examples.
CRYPTO_LIST = ("ETH", "USDT")


class OptionalCurrency(parsing.Model):
    """A currency; some calls read it from the body of their GET, too (reading B30)."""

    currency: str | None = None


class ChartQuery(parsing.Model):
    """Which chart. `rangeType`: 0 day, 1 week, 2 month, 3 season, 4 year, 5 all."""

    rangeType: str
    currency: str = "USDT"


def currency_of(call: Call[Any]) -> str | None:
    """The currency asked for, from the query or, as one of the contract's examples has it, from a body on GET."""
    if call.query.currency is not None:
        return str(call.query.currency)
    if request.content_length:
        found = parsing.into(OptionalCurrency, parsing.json_object(request)).currency
        return found
    return None


@family.route("GET", "/allTickers", "all_tickers", auth="none", summary="Prices in TWD and their change in 24 hours")
def all_tickers(call: Call[SignedIn | None]) -> Any:
    """All markets; the JSON is made once a second and process."""
    return orjson.Fragment(call.look(_tickers_json))


def _tickers_json(session: Session) -> bytes:
    def make() -> bytes:
        return dumps(
            [
                {
                    "baseCurrency": ticker.base,
                    "quoteCurrency": "TWD",
                    "changePricePercent": (ticker.change or 0) * 100,
                    "lastPrice": ticker.last,
                }
                for ticker in prices.tickers(session)
            ]
        )

    return prices.remembered_bytes(session, "tickers", make)


@family.route(
    "GET", "/trade/pre_exchange", "pre_exchange", auth="none", summary="Least and most of one trade",
    query=OptionalCurrency, errors=("input_missing", "currency_unknown"),
)  # fmt: skip
def pre_exchange(call: Call[SignedIn | None]) -> Any:
    """The limits, in the currency asked for."""
    currency = currency_of(call)
    if currency is None:
        raise Refusal("input_missing", field="currency")
    bounds = call.look(quotes.limits, currency)
    return {"minLimit": to_decimal(bounds.least, currency), "maxLimit": to_decimal(bounds.most, currency)}


@family.route(
    "GET", "/trade/line_chart", "line_chart", auth="none", summary="A chart's points",
    query=ChartQuery, errors=("input_missing", "chart_range_invalid", "currency_unknown"),
)  # fmt: skip
def line_chart(call: Call[SignedIn | None]) -> Any:
    """The points of a range, oldest first."""
    text = call.query.rangeType
    if not (text.isascii() and text.isdigit() and len(text) == 1):
        raise Refusal("chart_range_invalid")
    return orjson.Fragment(call.look(_chart_json, call.query.currency, int(text)))


def _chart_json(session: Session, currency: str, range_type: int) -> bytes:
    points = prices.series(session, currency, range_type)
    key = f"chart:{currency}:{range_type}"
    return prices.remembered_bytes(
        session, key, lambda: dumps([{"time": to_ms(at), "value": price} for at, price in points])
    )


@family.route("GET", "/wallet/crypto_list", "crypto_list", auth="none", summary="Crypto currencies")
def crypto_list(call: Call[SignedIn | None]) -> Any:
    """What is traded at present."""
    return call.look(_traded)


def _traded(session: Session) -> list[str]:
    return [asset for asset in CRYPTO_LIST if offering.is_open(session, offering.TRADING, asset)]


@family.route(
    "GET", "/wallet/crypto_paymentway", "crypto_payment_ways", auth="none", summary="Networks of the crypto currencies",
    query=OptionalCurrency, errors=("currency_unknown",),
)  # fmt: skip
def crypto_payment_ways(call: Call[SignedIn | None]) -> Any:
    """The networks that are open at present by currency; all currencies when none is asked for."""
    currency = currency_of(call)
    if currency is not None:
        prices.symbol_of(currency)
    return call.look(_ways, (currency,) if currency else prices.MARKETS)


def _ways(session: Session, assets: Sequence[str]) -> dict[str, list[str]]:
    found = {asset: offering.open_networks(session, asset, offering.DEPOSITS, offering.WITHDRAWALS) for asset in assets}
    return {asset: [networks.WAY_OF[network] for network in open_ones] for asset, open_ones in found.items()}
