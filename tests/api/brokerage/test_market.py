"""Tickers, limits, charts, currencies and networks over `/v1`, open to everybody."""

from decimal import Decimal

import pytest

from tests.support import contract
from tests.support.market import open_market


def test_tickers_have_the_contracts_shape_and_exact_prices(portal, brokerage, travel):
    open_market(portal, usdt="30", eth="90000.000000001")
    travel(90000)
    open_market(portal, usdt="31.5", eth="90000.000000001")
    said = brokerage().ok("GET", "/allTickers")
    assert not contract.differences(said, contract.example("brokerage", "all_tickers_again"))
    assert said == [
        {"baseCurrency": "USDT", "quoteCurrency": "TWD", "changePricePercent": 5, "lastPrice": Decimal("31.5")},
        {
            "baseCurrency": "ETH", "quoteCurrency": "TWD", "changePricePercent": 0,
            "lastPrice": Decimal("90000.000000001"),
        },
    ]  # fmt: skip
    assert brokerage().last is None


def test_before_the_market_speaks_a_price_is_null(brokerage):
    assert [row["lastPrice"] for row in brokerage().ok("GET", "/allTickers")] == [None, None]


@pytest.mark.parametrize("currency,least,most", [("USDT", 5, 30000), ("ETH", Decimal("0.005"), 10)])
def test_limits_of_a_trade_are_in_the_currency_asked_for(brokerage, currency, least, most):
    said = brokerage().ok("GET", "/trade/pre_exchange", query={"currency": currency})
    assert said == {"minLimit": least, "maxLimit": most}


def test_the_currency_may_stand_in_a_body_on_get(brokerage):
    assert brokerage().ok("GET", "/trade/pre_exchange", {"currency": "USDT"}) == {"minLimit": 5, "maxLimit": 30000}


def test_limits_of_nothing_or_of_something_unknown_are_refused(brokerage):
    brokerage().refused(-2, "GET", "/trade/pre_exchange")
    brokerage().refused(-2023, "GET", "/trade/pre_exchange", query={"currency": "DOGE"})


@pytest.mark.parametrize("range_type", range(6))
def test_a_chart_has_the_contracts_shape(portal, brokerage, range_type):
    open_market(portal)
    said = brokerage().ok("GET", "/trade/line_chart", query={"rangeType": range_type})
    assert not contract.differences(said, contract.example("brokerage", "line_chart"))
    assert said[-1]["value"] == Decimal("32.1079")
    eth = brokerage().ok("GET", "/trade/line_chart", query={"rangeType": range_type, "currency": "ETH"})
    assert eth[-1]["value"] == Decimal("98765.4321")


@pytest.mark.parametrize("range_type", ["6", "-1", "1.0", "１", "x", ""])
def test_an_unknown_range_is_refused_in_the_contracts_words(brokerage, range_type):
    said = brokerage().refused(-2, "GET", "/trade/line_chart", query={"rangeType": range_type})
    assert said["msg"] == "Invalid type."


def test_a_chart_of_something_unknown_is_refused(brokerage):
    brokerage().refused(-2, "GET", "/trade/line_chart")
    brokerage().refused(-2023, "GET", "/trade/line_chart", query={"rangeType": 0, "currency": "TWD"})


def test_currencies_and_their_networks(brokerage):
    assert brokerage().ok("GET", "/wallet/crypto_list") == contract.example("brokerage", "crypto_list")
    ways = contract.example("brokerage", "crypto_payment_ways")
    assert brokerage().ok("GET", "/wallet/crypto_paymentway") == ways
    assert brokerage().ok("GET", "/wallet/crypto_paymentway", query={"currency": "ETH"}) == {"ETH": ways["ETH"]}
    brokerage().refused(-2023, "GET", "/wallet/crypto_paymentway", query={"currency": "TWD"})


def test_the_alias_serves_the_same(portal, app):
    open_market(portal)
    plain, alias = (app.test_client().get(f"{base}/allTickers").get_json()["data"] for base in ("/v1", "/bitgin/v1"))
    assert plain == alias
