"""Quotes and trades: exact amounts, refused whole, accepted once."""

from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from portal import ledger, money
from portal.errors import Refusal
from portal.ledger import posting
from portal.models.ledger import Entry, Journal
from portal.models.system import Activity, Notification
from portal.money import parse_units
from portal.services import parameters, pricing, quotes
from tests.support import people
from tests.support.market import open_market
from tests.support.statements import seen

USDT, TWD = "USDT", "TWD"


def units(text, asset):
    return parse_units(text, asset)


def house(portal, bucket, asset):
    return portal.db.read(ledger.balance, ledger.house(bucket, asset))


def offer(portal, person, side="buy", base=None, order=None, asset=USDT):
    given, amount = quotes.amount(asset, base, order)
    return portal.db.transact(quotes.offer, person.id, side, asset, given, amount)


def accept(portal, person, quote):
    return portal.db.transact(quotes.accept, person.id, quote.public_id)


@pytest.fixture
def amy(portal):
    open_market(portal)
    return people.customer(portal, kyc_level=2, twd="100000", usdt="1000", eth="2")


def test_a_purchase_by_base_amount_costs_exactly_this(portal, amy):
    quote = offer(portal, amy, base="100")
    assert (quote.unit_price, quote.market_price) == (Decimal("32.1401"), Decimal("32.1079"))
    assert quote.order_units == units("3214.01", TWD)
    assert accept(portal, amy, quote).status == "executed"
    assert amy.balance(TWD) == units("96785.99", TWD)
    assert amy.balance(USDT) == units("1100", USDT)
    assert house(portal, "inventory", USDT) == -units("100", USDT)
    assert house(portal, "inventory", TWD) == units("3210.79", TWD)
    assert house(portal, "spread", TWD) == units("3.2107", TWD)
    assert house(portal, "rounding", TWD) == units("0.0093", TWD)


def test_a_sale_by_base_amount_brings_exactly_this(portal, amy):
    quote = offer(portal, amy, "sell", base="100")
    assert quote.unit_price == Decimal("32.0757")
    accept(portal, amy, quote)
    assert amy.balance(TWD) == units("103207.57", TWD)
    assert amy.balance(USDT) == units("900", USDT)
    assert house(portal, "inventory", TWD) == -units("3210.79", TWD)
    assert house(portal, "spread", TWD) + house(portal, "rounding", TWD) == units("3.22", TWD)


def test_a_purchase_by_twd_amount_takes_exactly_that(portal, amy):
    quote = offer(portal, amy, order="1000")
    assert quote.order_units == units("1000", TWD)
    assert quote.base_units == units("31.113779", USDT)  # 1000 / 32.1401 = 31.1137799…
    accept(portal, amy, quote)
    assert amy.balance(TWD) == units("99000", TWD)


def test_a_sale_for_a_twd_amount_pays_exactly_that(portal, amy):
    quote = offer(portal, amy, "sell", order="1000")
    assert quote.base_units == units("31.176249", USDT)  # 1000 / 32.0757 = 31.1762486…, rounded up
    accept(portal, amy, quote)
    assert amy.balance(TWD) == units("101000", TWD)


def test_ether_is_traded_in_its_own_limits(portal, amy):
    quote = offer(portal, amy, base="0.5", asset="ETH")
    assert quote.unit_price == Decimal("98864.1976")
    assert quote.order_units == units("49432.0988", TWD)
    for outside in ("0.004999999", "10.000000001"):
        with pytest.raises(Refusal, match="amount_out_of_range"):
            offer(portal, amy, base=outside, asset="ETH")


@pytest.mark.parametrize("base,order", [(None, None), ("5", "5"), (0, 0)])
def test_both_or_neither_amount_is_refused(base, order):
    with pytest.raises(Refusal, match="one_amount"):
        quotes.amount(USDT, base, order)


@pytest.mark.parametrize(
    "nonsense", ["0", "-1", "-0", "NaN", "1e3", "１０", "1_000", " 5", "", True, [], {}, "5.0000001"]
)
def test_what_is_no_amount_is_refused(nonsense):
    with pytest.raises(Refusal):
        quotes.amount(USDT, nonsense, None)


@pytest.mark.parametrize("amount", ["4.999999", "30000.000001"])
def test_amounts_outside_the_limits_are_refused(portal, amy, amount):
    with pytest.raises(Refusal, match="amount_out_of_range"):
        offer(portal, amy, base=amount)


def test_a_repeat_answers_the_stored_result_and_posts_nothing(portal, amy):
    quote = offer(portal, amy, base="100")
    first = accept(portal, amy, quote)
    assert accept(portal, amy, quote) == first
    journals = portal.db.read(lambda s: s.scalar(sa.select(sa.func.count()).where(Journal.reference.like("quote:%"))))
    assert journals == 1
    assert amy.balance(USDT) == units("1100", USDT)


def test_an_expired_quote_stays_dead_by_the_portals_clock(portal, amy, travel):
    quote = offer(portal, amy, base="100")
    travel(10)
    assert accept(portal, amy, quote).status == "expired"
    assert accept(portal, amy, quote).status == "expired"
    assert amy.balance(USDT) == units("1000", USDT)


def test_funds_for_one_of_two_execute_one(portal, amy):
    quoted = [offer(portal, amy, order="60000") for _ in range(2)]
    assert [accept(portal, amy, quote).status for quote in quoted] == ["executed", "unfunded"]
    people.fund(portal, amy, twd="60000")
    assert accept(portal, amy, quoted[1]).status == "unfunded"
    assert amy.balance(TWD) == units("100000", TWD)


def test_a_foreign_quote_does_not_exist(portal, amy):
    outsider = people.customer(portal, twd="100000")
    quote = offer(portal, amy, base="100")
    for public_id in (quote.public_id, "00000000-0000-0000-0000-000000000000", "nonsense"):
        with pytest.raises(Refusal, match="not_found"):
            portal.db.transact(quotes.accept, outsider.id, public_id)
    assert accept(portal, amy, quote).status == "executed"


@pytest.mark.parametrize("change", ["kyc_level = 1", "standing = 'not_tradable'", "standing = 'locked'"])
def test_the_right_to_trade_is_asked_again_at_accept(portal, amy, transact, change):
    quote = offer(portal, amy, base="100")
    transact(lambda session: session.execute(sa.text(f"UPDATE customers SET {change} WHERE id = {amy.id}")))
    for attempt in (lambda: accept(portal, amy, quote), lambda: offer(portal, amy, base="100")):
        with pytest.raises(Refusal, match="trading_not_allowed"):
            attempt()


def test_short_stock_refuses_whole_at_quote_and_at_accept(portal, amy, transact):
    quote = offer(portal, amy, base="100")
    exposure = {"USDT": "99.999999", "ETH": "0", "TWD": "0"}
    transact(parameters.change, "trading", {"exposure": exposure}, "staff:1")
    assert accept(portal, amy, quote).status == "expired"
    for side in ("buy", "sell"):
        with pytest.raises(Refusal, match="stock_short"):
            offer(portal, amy, side, base="100")
    assert offer(portal, amy, base="99.999999").status == "quoted"


def test_no_quote_without_a_fresh_price(portal, amy, travel):
    travel(121)
    with pytest.raises(Refusal, match="price_stale"):
        offer(portal, amy, base="100")


def test_a_vip_and_an_agreed_spread_pay_less(portal, amy, transact):
    transact(lambda s: s.execute(sa.text(f"UPDATE customers SET is_vip = true WHERE id = {amy.id}")))
    assert offer(portal, amy, base="100").unit_price == Decimal("32.1240")  # 32.1079 × 1.0005 = 32.12395…
    transact(lambda s: s.execute(sa.text(f"UPDATE customers SET spread_override_bp = 0 WHERE id = {amy.id}")))
    quote = offer(portal, amy, base="100")
    assert quote.order_units == units("3210.79", TWD)
    assert accept(portal, amy, quote).status == "executed"
    assert house(portal, "spread", TWD) == 0


def test_a_trade_stands_in_the_history(portal, amy):
    quote = offer(portal, amy, "sell", base="100")
    accept(portal, amy, quote)
    (row,) = portal.db.read(lambda s: list(s.scalars(sa.select(Activity).where(Activity.customer_id == amy.id))))
    assert (row.kind, row.asset, row.amount_units) == ("sell", USDT, units("100", USDT))
    assert (row.counter_asset, row.counter_units) == (TWD, units("3207.57", TWD))
    assert row.public_id == quote.public_id


def test_the_statements_of_a_quote_and_an_accept_are_few_and_fixed(portal, amy):
    for asset in (USDT, TWD):  # all accounts exist from here on
        accept(portal, amy, offer(portal, amy, "buy" if asset == USDT else "sell", base="10"))
    for slot in range(posting.HOUSE_SLOTS):
        portal.db.transact(_touch_slot, slot)
    with seen(portal) as offered:
        quote = offer(portal, amy, base="10")
    with seen(portal) as accepted:
        accept(portal, amy, quote)
    if portal.db.engine.dialect.name == "sqlite":
        assert (len(offered.statements), len(accepted.statements)) == (2, 11), (offered, accepted)
        return
    # The look and the INSERT, and that it need not wait for the disk.
    assert len(offered.statements) == 3, offered
    # A journal, a line of history with its count, and a move with its reason are one statement each.
    assert len(accepted.statements) == 6, accepted
    # The question, then the INSERT with the COMMIT; the quote with its purse, then all that is written with the COMMIT.
    assert (offered.exchanges, accepted.exchanges) == (2, 2), (offered, accepted)


def test_a_receipt_is_mailed_once_to_whoever_wants_it(app, portal, amy):
    from portal.services import notifications
    from portal.worker.loop import run_until_idle

    def receipts():
        rows = portal.world.rows("SELECT body FROM messages WHERE recipient = ?", amy.email)
        return [row["body"] for row in rows if "/wallet/history/" in row["body"]]

    with app.app_context():
        quote = offer(portal, amy, base="10")
        accept(portal, amy, quote)
        run_until_idle(portal)
        assert len(receipts()) == 1
        assert quote.public_id in receipts()[0]
        portal.db.transact(notifications.choose, amy.id, {"trading": False})
        accept(portal, amy, offer(portal, amy, base="10"))
        run_until_idle(portal)
        assert len(receipts()) == 1


def _touch_slot(session, slot):
    """Makes the house's accounts of a slot and lets the portal learn their numbers."""
    names = (("inventory", USDT), ("inventory", TWD), ("spread", TWD), ("rounding", TWD))
    posting._lock(session, [ledger.house(bucket, asset) for bucket, asset in names], slot)


PRICES = st.decimals("0.0001", "9999999", places=6).filter(lambda price: price > 0)
SPREADS = st.sampled_from(["0", "0.05", "0.1", "0.33", "1"]).map(Decimal)
AMOUNTS = st.integers(1, 10**13)


@given(PRICES, SPREADS, AMOUNTS, st.sampled_from(["USDT", "ETH"]), st.sampled_from(["base", "order"]))
@settings(max_examples=400, deadline=None)
def test_no_arithmetic_favours_the_customer(price, spread, amount, asset, given_in):
    for side in ("buy", "sell"):
        agreed = pricing.terms(side, asset, given_in, amount, price, spread)
        if not agreed.base_units or not agreed.unit_price:
            continue  # below the least trade anyway
        worth = money.to_decimal(agreed.base_units, asset) * price
        paid = money.to_decimal(agreed.order_units, TWD)
        exact = worth * (1 + spread / 100) if side == "buy" else worth * (1 - spread / 100)
        assert paid >= exact if side == "buy" else paid <= exact
        assert agreed.rounding_units >= 0 and agreed.spread_units >= 0 and agreed.fair_units >= 0
        sign = 1 if side == "buy" else -1
        assert agreed.order_units == agreed.fair_units + sign * (agreed.spread_units + agreed.rounding_units)


@given(PRICES, SPREADS, st.lists(st.integers(1, 10**6), min_size=1, max_size=50))
@settings(max_examples=200, deadline=None)
def test_thousands_of_tiny_round_trips_never_profit(price, spread, amounts):
    gained = 0
    for amount in amounts:
        bought = pricing.terms("buy", USDT, "order", amount, price, spread)
        if bought.base_units:
            sold = pricing.terms("sell", USDT, "base", bought.base_units, price, spread)
            gained += sold.order_units - bought.order_units
    assert gained <= 0


def test_a_trade_is_told_in_the_customers_list(portal, amy):
    quote = offer(portal, amy, base="100")
    accept(portal, amy, quote)
    (line,) = portal.db.read(lambda s: list(s.scalars(sa.select(Notification))))
    assert (line.customer_id, line.event) == (amy.id, "bought")
    assert line.facts["paid"] == {"units": units("3214.01", TWD), "asset": TWD}


def test_entries_of_a_trade_say_the_balance_after_them(portal, amy):
    accept(portal, amy, offer(portal, amy, base="100"))
    after = portal.db.read(
        lambda s: s.scalar(sa.select(Entry.balance_after_units).where(Entry.amount_units == -units("3214.01", TWD)))
    )
    assert after == units("96785.99", TWD)
