"""A conversion goes through TWD at the market, rounds to the house's side and loses no unit."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal import ledger
from portal.errors import Refusal
from portal.services import conversions
from tests.support import people
from tests.support.market import open_market


def units(portal, account):
    return portal.db.read(ledger.balance, account)


def test_usdt_becomes_twd_less_the_spread(portal):
    open_market(portal, usdt="30")
    amy = people.customer(portal, usdt="100")
    made = portal.db.transact(conversions.convert, amy.id, "USDT", 100_000_000, "TWD")
    assert made.to_units == 29_970_000
    assert (amy.balance("USDT"), amy.balance("TWD")) == (0, 29_970_000)
    assert units(portal, ledger.house("spread", "TWD")) == 30_000


def test_two_coins_cross_through_twd_with_the_spread_on_both_sides(portal):
    open_market(portal, usdt="30", eth="90000")
    amy = people.customer(portal, usdt="3000")
    made = portal.db.transact(conversions.convert, amy.id, "USDT", 3_000_000_000, "ETH")
    assert made.to_units == 998_001_998
    assert amy.balance("ETH") == 998_001_998
    assert units(portal, ledger.house("spread", "ETH")) == 1_998_002


def test_what_must_be_given_for_a_wanted_amount_brings_at_least_that(portal):
    open_market(portal)
    amy = people.customer(portal, twd="100000")
    total = portal.db.read(conversions.reckon_for, amy.id, "TWD", "USDT", 1_000_000_000)
    assert total.to_units >= 1_000_000_000
    less = portal.db.read(conversions.reckon, amy.id, "TWD", total.from_units - 1, "USDT")
    assert less.to_units < 1_000_000_000


@pytest.mark.parametrize(
    ("given_", "wanted", "units_", "name"),
    [
        ("USDT", "USDT", 10_000_000, "conversion_same_asset"),
        ("USD", "ETH", 10_000_000, "currency_unknown"),
        ("USDT", "TWD", 1, "amount_out_of_range"),
        ("USDT", "TWD", 10**14, "amount_out_of_range"),
        ("USDT", "TWD", 100_000_001, "insufficient_balance"),
    ],
)
def test_what_cannot_be_converted_is_refused_and_nothing_moves(portal, given_, wanted, units_, name):
    open_market(portal)
    amy = people.customer(portal, usdt="100")
    with pytest.raises(Refusal, match=name):
        portal.db.transact(conversions.convert, amy.id, given_, units_, wanted)
    assert (amy.balance("USDT"), amy.balance("TWD")) == (100_000_000, 0)


def test_a_customer_below_level_two_or_out_of_standing_may_not_convert(portal):
    open_market(portal)
    for person in (
        people.customer(portal, kyc_level=1, usdt="10"),
        people.customer(portal, standing="locked", usdt="10"),
    ):
        with pytest.raises(Refusal, match="trading_not_allowed"):
            portal.db.transact(conversions.convert, person.id, "USDT", 10_000_000, "TWD")


def test_a_price_that_fell_since_it_was_shown_converts_nothing(portal):
    open_market(portal, usdt="30")
    amy = people.customer(portal, usdt="100")
    open_market(portal, usdt="29")
    with pytest.raises(Refusal, match="conversion_worse"):
        portal.db.transact(conversions.convert, amy.id, "USDT", 100_000_000, "TWD", at_least_units=29_970_000)
    assert amy.balance("USDT") == 100_000_000


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(30_0000, 900_000_0000))
def test_there_and_back_never_brings_a_profit(sqlite_app, amount):
    portal = sqlite_app.extensions["portal"]
    if "amy" not in portal.db.context.cache:
        portal.db.context.cache["amy"] = people.customer(portal, twd="1000000").id
        open_market(portal)
    amy = portal.db.context.cache["amy"]
    there = portal.db.read(conversions.reckon, amy, "TWD", amount, "USDT")
    try:
        back = portal.db.read(conversions.reckon, amy, "USDT", there.to_units, "TWD")
    except Refusal as refusal:
        assert refusal.name == "amount_out_of_range"
    else:
        assert back.to_units < amount
