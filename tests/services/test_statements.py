"""A statement begins where the last one ended, and every line adds up; snapshots and alerts come once."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from pypdf import PdfReader

from portal import ledger
from portal.errors import Refusal
from portal.models.stores import ShoppingOrder, Store
from portal.money import parse_units
from portal.services import alerts, book_days, conversions, notifications, payments, portfolio, statements, transfers
from tests.support import people, vouchers
from tests.support.market import open_market
from tests.support.outside import code_for, run_worker


def all_lines(portal, person, name):
    wanted = portal.db.read(statements.period, name)
    balances = portal.db.read(statements.balances, person.id, wanted)
    return balances, list(statements.lines(portal.db.read, person.id, wanted, balances))


def month_of(portal):
    return portal.clock.now().astimezone(statements.TAIPEI).strftime("%Y-%m")


@pytest.fixture
def moved(app, portal):
    """Amy got money, converted some, and sent some to Ben."""
    open_market(portal, usdt="30")
    amy, ben = people.customer(portal, "Amy", usdt="100", twd="1000"), people.customer(portal, "Ben")
    portal.db.transact(conversions.convert, amy.id, "USDT", 10_000_000, "TWD")
    sent = portal.db.transact(transfers.request, amy.id, ben.username, ben.email, "USDT", parse_units("5", "USDT"))
    with app.app_context():
        run_worker(portal)
    portal.db.transact(transfers.open_link, code_for(portal, amy.email), amy.id)
    portal.db.transact(lambda session: transfers.confirm(session, session.get(type(sent), sent.id), "customer:1"))
    return amy, ben


def test_opening_plus_lines_is_closing_for_every_asset(portal, moved):
    amy, _ = moved
    balances, found = all_lines(portal, amy, month_of(portal))
    assert {balance.asset: balance.closing_units for balance in balances} == {
        "USDT": amy.balance("USDT"), "TWD": amy.balance("TWD"),
    }  # fmt: skip
    for balance in balances:
        own = [line for line in found if line.asset == balance.asset]
        assert balance.opening_units + sum(line.units for line in own) == balance.closing_units
        assert own[-1].balance_units == balance.closing_units
    assert {line.kind for line in found} == {"test_gift", "convert", "transfer_out"}


def test_the_next_period_begins_where_this_one_ends(portal, moved):
    amy, _ = moved
    this = month_of(portal)
    portal.clock.advance(32 * 86400)
    balances, found = all_lines(portal, amy, this)
    following, none = all_lines(portal, amy, month_of(portal))
    assert found and not none
    assert (
        [b.closing_units for b in balances]
        == [b.opening_units for b in following]
        == [b.closing_units for b in following]
    )
    year, all_year = all_lines(portal, amy, this[:4])
    assert len(all_year) == len(found) and year[0].opening_units == 0


@pytest.mark.parametrize(
    "name", ["", "2026-13", "2026-1", "26-01", "2999", "2999-01", "x", "2026-01-01", "１９９９", "0000-01", "0037"]
)
def test_what_is_no_period_is_refused(portal, name):
    with pytest.raises(Refusal, match="statement_period_invalid"):
        portal.db.read(statements.period, name)


def test_a_hold_is_no_line_and_slices_tear_nothing_apart(portal, moved, monkeypatch):
    amy, _ = moved
    _, whole = all_lines(portal, amy, month_of(portal))
    monkeypatch.setattr(statements, "_SLICE", 1)
    _, sliced = all_lines(portal, amy, month_of(portal))
    assert whole == sliced


def test_the_files_say_the_same_and_are_nobodys_else(portal, moved, visitor):
    amy, _ = moved
    pages = visitor()
    pages.raw.set_cookie("token", amy.token)
    pages.raw.set_cookie("language", "en")
    name = month_of(portal)
    assert pages.page("/statements").all(f"a[href='/statements/{name}.pdf']")
    table = pages.raw.get(f"/statements/{name}.csv")
    rows = list(csv.reader(io.StringIO(table.text.removeprefix("\ufeff"))))
    assert rows[0][:2] == ["Time", "Movement"]
    assert sum(Decimal(row[5]) for row in rows[1:] if row[4] == "TWD" and row[5]) == Decimal("1299.7")
    document = pages.raw.get(f"/statements/{name}.pdf")
    assert document.mimetype == "application/pdf"
    assert document.headers["Content-Disposition"].startswith("attachment")
    text = PdfReader(io.BytesIO(document.data)).pages[0].extract_text()
    assert "Amy" in text and "1,299.70" in text
    chinese = visitor("zh-TW")
    chinese.raw.set_cookie("token", amy.token)
    assert chinese.raw.get(f"/statements/{name}.pdf").status_code == 200
    assert pages.raw.get("/statements/2999-01.pdf").status_code == 400
    assert visitor().raw.get(f"/statements/{name}.csv").status_code == 303


def test_a_snapshot_a_day_makes_the_chart(portal):
    open_market(portal, usdt="30")
    amy, nobody = people.customer(portal, usdt="100"), people.customer(portal)
    assert portal.db.transact(portfolio.take) == 1
    assert portal.db.transact(portfolio.take) == 0
    portal.clock.advance(86400)
    open_market(portal, usdt="33")
    assert portal.db.transact(portfolio.take) == 1
    points = portal.db.read(portfolio.points, amy.id, "month")
    assert [point.worth_units for point in points] == [30_000_000, 33_000_000]
    assert points[1].day - points[0].day == timedelta(days=1)
    assert [point.worth_units for point in portal.db.read(portfolio.points, nobody.id, "all")] == [0]


def test_an_alert_is_told_once_when_its_mark_is_reached(app, portal):
    open_market(portal, usdt="30")
    amy = people.customer(portal)
    portal.db.transact(alerts.add, amy.id, "USDT", "above", Decimal("31"))
    portal.db.transact(alerts.add, amy.id, "USDT", "below", Decimal("29.5"))
    assert portal.db.transact(alerts.watch) == 0
    open_market(portal, usdt="31")
    assert portal.db.transact(alerts.watch) == 1
    assert portal.db.transact(alerts.watch) == 0
    open_market(portal, usdt="29")
    assert portal.db.transact(alerts.watch) == 1
    events = [row.event for row in portal.db.read(notifications.page, amy.id)]
    assert events == ["price_below", "price_above"]
    assert portal.db.read(alerts.watched, amy.id) == []


@pytest.mark.parametrize(
    ("asset", "direction", "price", "name"),
    [
        ("DOGE", "above", "31", "currency_unknown"),
        ("USDT", "over", "31", "alert_direction_invalid"),
        ("USDT", "above", "0", "alert_price_invalid"),
        ("USDT", "above", "31.0000001", "alert_price_invalid"),
        ("USDT", "above", "30", "alert_passed_already"),
        ("USDT", "below", "30", "alert_passed_already"),
    ],
)
def test_a_mark_that_makes_no_sense_is_refused(portal, asset, direction, price, name):
    open_market(portal, usdt="30")
    amy = people.customer(portal)
    with pytest.raises(Refusal, match=name):
        portal.db.transact(alerts.add, amy.id, asset, direction, Decimal(price))


def test_nobody_removes_anothers_alert_and_nobody_has_too_many(portal):
    open_market(portal, usdt="30")
    amy, ben = people.customer(portal), people.customer(portal)
    made = portal.db.transact(alerts.add, amy.id, "USDT", "above", Decimal("31"))
    with pytest.raises(Refusal, match="not_found"):
        portal.db.transact(alerts.remove, ben.id, made.id)
    for number in range(alerts.MOST - 1):
        portal.db.transact(alerts.add, amy.id, "USDT", "above", Decimal(40 + number))
    with pytest.raises(Refusal, match="alerts_too_many"):
        portal.db.transact(alerts.add, amy.id, "USDT", "above", Decimal("99"))


def test_statements_read_by_days_say_what_every_entry_says(portal):
    """However much of the ledger is summed by day, backdated journals included, nothing of a statement changes."""
    amy = people.customer(portal, "Amy", usdt="100")
    months = []
    for number in range(1, 24):
        portal.clock.advance(3 * 86400 + 5000)
        back = 40 * 86400 if number == 17 else 0
        portal.clock.advance(-back)
        portal.db.transact(_gift, amy.id, number)
        portal.clock.advance(back)
        months.append(month_of(portal))
    unsummed = {name: all_lines(portal, amy, name) for name in {*months, months[-1][:4]}}
    portal.clock.advance(3600)
    for count in (9, 20, 1000):
        portal.db.transact(book_days.sum_up, count)
        assert {name: all_lines(portal, amy, name) for name in unsummed} == unsummed
    assert portal.db.read(book_days.mark) > 0


def _gift(session, customer_id, number):
    units = number * 1_000_000
    lines = [
        ledger.Line(ledger.customer_available(customer_id, "USDT"), units),
        ledger.Line(ledger.house("suspense", "USDT"), -units),
    ]
    ledger.post(session, "test_gift", f"late_gift:{number}", lines, actor="system")


def test_a_payment_is_called_by_its_number_and_its_store(app, portal):
    vouchers.open_companies(portal)
    cafe = vouchers.open_store(portal)
    amy = people.customer(portal, "Amy", twip="500")
    made = portal.db.transact(payments.checkout, amy.id, cafe.public_id, "120")
    portal.db.transact(_pay, made.order.id)
    _, found = all_lines(portal, amy, month_of(portal))
    paid = next(line for line in found if line.kind == "payment")
    assert (paid.counterparty, paid.units) == ("山嵐咖啡", -parse_units("120", "TWIP"))
    assert paid.reference.isdigit()


def _pay(session, order_id):
    order = session.get_one(ShoppingOrder, order_id)
    payments.settle(
        session, payments.Payment(order, session.get_one(Store, order.store_id)), f"customer:{order.customer_id}"
    )
