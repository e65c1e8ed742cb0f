"""The market: what is believed, what is kept at which resolution, and when a price is too old to trade on."""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from portal.errors import Refusal
from portal.models.market import PricePoint
from portal.money import parse_units
from portal.services import prices
from portal.worker import prices as watching
from tests.support.market import open_market


def points(portal, resolution):
    query = sa.select(PricePoint.price).where(PricePoint.symbol == "USDT-TWD", PricePoint.resolution == resolution)
    return portal.db.read(lambda session: list(session.scalars(query.order_by(PricePoint.at))))


def test_the_worker_takes_over_what_the_market_says(portal):
    portal.ports.rates.set_price("USDT-TWD", Decimal("31.5"))
    watching.watch(portal)
    assert portal.db.read(prices.last, "USDT-TWD") == Decimal("31.5")


def test_an_unknown_price_is_named(read):
    with pytest.raises(Refusal, match="price_unknown"):
        read(prices.last, "USDT-TWD")


def test_a_leap_is_not_believed_until_staff_say_so(portal, transact, read):
    open_market(portal, usdt="30")
    assert transact(prices.record, {"USDT-TWD": Decimal("3")}, "market") == 0
    assert read(prices.last, "USDT-TWD") == 30
    transact(prices.believe, "USDT-TWD", Decimal("3"), "staff:1")
    assert read(prices.last, "USDT-TWD") == 3


@pytest.mark.parametrize("nonsense", ["0", "-1", "NaN", "Infinity", "1e20"])
def test_what_cannot_be_a_price_is_ignored(portal, transact, read, nonsense):
    open_market(portal, usdt="30")
    transact(prices.record, {"USDT-TWD": Decimal(nonsense)}, "market", trusted=True)
    assert read(prices.last, "USDT-TWD") == 30


def test_a_price_goes_stale_by_the_portals_clock(portal, read, travel):
    open_market(portal)
    assert read(prices.tradable, "USDT-TWD") == Decimal("32.1079")
    travel(121)
    with pytest.raises(Refusal, match="price_stale"):
        read(prices.tradable, "USDT-TWD")
    watching.watch(portal)
    assert read(prices.tradable, "USDT-TWD") == Decimal("32.1079")


def test_a_price_from_before_the_clock_was_set_back_is_not_traded_on_and_gives_way(portal, transact, read):
    open_market(portal, usdt="30")
    portal.clock.advance(-600)
    with pytest.raises(Refusal, match="price_stale"):
        read(prices.tradable, "USDT-TWD")
    transact(prices.record, {"USDT-TWD": Decimal("31")}, "market")
    assert read(prices.tradable, "USDT-TWD") == 31


def test_each_resolution_keeps_the_last_price_of_its_bucket(portal, travel):
    start = portal.clock.now()
    travel(int(3602 - start.timestamp() % 3600))
    for price in ("30", "31", "32"):
        open_market(portal, usdt=price)
        travel(200)
    assert points(portal, prices.RAW) == [30, 31, 32]
    assert points(portal, prices.FIVE_MINUTES) == [31, 32]
    assert points(portal, prices.HOUR) == [32]


def test_points_are_pruned_by_their_resolutions_life(portal, transact, travel):
    open_market(portal)
    travel(4 * 86400)
    assert transact(prices.prune) == 4  # both symbols' observations and five-minute points
    assert points(portal, prices.HOUR) and points(portal, prices.DAY)


def test_the_change_is_over_24_hours(portal, read, travel):
    open_market(portal, usdt="30")
    travel(90000)
    open_market(portal, usdt="33")
    usdt = read(prices.tickers)[0]
    assert (usdt.base, usdt.last, usdt.change) == ("USDT", 33, Decimal("0.1"))


def test_a_chart_ends_with_the_price_in_force(portal, read, travel):
    open_market(portal, usdt="30")
    travel(7200)
    open_market(portal, usdt="31")
    week = read(prices.series, "USDT", 1)
    assert [price for _, price in week] == [30, 31]
    assert week[-1][0] - week[0][0] >= timedelta(hours=1)


@pytest.mark.parametrize("range_type", [-1, 6])
def test_an_unknown_range_is_refused(read, range_type):
    with pytest.raises(Refusal, match="chart_range_invalid"):
        read(prices.series, "USDT", range_type)


def test_a_value_in_twd_is_rounded_down(portal, read):
    open_market(portal, usdt="32.10795")
    assert read(prices.value_in_twd, "USDT", parse_units("0.01", "USDT")) == parse_units("0.321", "TWD")
    assert read(prices.value_in_twd, "TWIP", parse_units("12.5", "TWIP")) == parse_units("12.5", "TWD")
