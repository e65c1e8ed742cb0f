"""The books: balanced now and at any moment, the house by day, and pay-outs that stop when holdings do not cover."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import ledger
from portal.ledger import Line
from portal.models.ledger import Entry
from portal.money import parse_units
from portal.services import approvals, book_days, books, cover, parameters, payout_switch
from portal.worker import holdings
from tests.support import desk, people
from tests.support.market import open_market


def post(portal: Any, kind: str, reference: str, *lines: tuple[Any, str]) -> None:
    moves = [
        Line(key, parse_units(amount.lstrip("-"), key.asset) * (-1 if amount.startswith("-") else 1))
        for key, amount in lines
    ]
    portal.db.transact(ledger.post, kind, reference, moves, actor="system")


def test_an_account_is_known_at_any_moment(portal: Any, travel: Callable[[int], Any]) -> None:
    amy = people.customer(portal, twd="100")
    before = portal.clock.now()
    travel(3600)
    post(
        portal, "gift", "gift:1", (ledger.customer_available(amy.id, "TWD"), "50"), (ledger.house("bank", "TWD"), "-50")
    )
    key = ledger.customer_available(amy.id, "TWD")
    assert portal.db.read(books.balance_at, key, before) == parse_units("100", "TWD")
    assert portal.db.read(books.balance_at, key, portal.clock.now()) == parse_units("150", "TWD")
    assert portal.db.read(books.balance_at, key, before - timedelta(days=1)) == 0
    for moment in (None, before):
        rows = portal.db.read(books.trial_balance, moment)
        assert sum(row.units for row in rows) == 0
    then = {(row.owner_kind, row.bucket): row.units for row in portal.db.read(books.trial_balance, before)}
    assert then == {("customer", "available"): 1_000_000, ("house", "bank"): -1_000_000}


def test_the_house_by_day_tells_income_from_prices(portal: Any, travel: Callable[[int], Any]) -> None:
    open_market(portal, usdt="30")
    post(
        portal,
        "capital",
        "capital:1",
        (ledger.house("inventory", "USDT"), "100"),
        (ledger.house("chain", "USDT"), "-100"),
    )
    amy = people.customer(portal, twd="50")
    travel(86400)
    open_market(portal, usdt="32")
    post(
        portal,
        "trade",
        "trade:1",
        (ledger.customer_available(amy.id, "TWD"), "-7"),
        (ledger.house("spread", "TWD"), "7"),
    )
    today = portal.db.read(books.today)
    first, second = portal.db.read(books.days, today - timedelta(days=1), today)
    assert (first.worth, first.profit) == (parse_units("3000", "TWD"), 0)
    assert (second.worth, second.earned) == (parse_units("3207", "TWD"), parse_units("7", "TWD"))
    assert (second.profit, second.by_prices) == (parse_units("207", "TWD"), parse_units("200", "TWD"))


def test_summed_days_and_single_entries_tell_the_same(portal: Any, travel: Callable[[int], Any]) -> None:
    open_market(portal)
    moments = []
    amy, ben = people.customer(portal, twd="100"), people.customer(portal)
    to_ben = (ledger.customer_available(ben.id, "TWD"), "1"), (ledger.customer_available(amy.id, "TWD"), "-1")
    for number in range(6):
        post(portal, "gift", f"gift:{number}", *to_ben)
        post(
            portal,
            "income",
            f"income:{number}",
            (ledger.house("fees", "TWD"), "2"),
            (ledger.house("bank", "TWD"), "-2"),
        )
        moments.append(portal.clock.now())
        travel(11 * 3600)
    keys = [ledger.customer_available(ben.id, "TWD"), ledger.house("fees", "TWD"), ledger.house("bank", "TWD")]

    def told() -> list[Any]:
        today = portal.db.read(books.today)
        return [
            [portal.db.read(books.trial_balance, moment) for moment in moments],
            [[portal.db.read(books.balance_at, key, moment) for key in keys] for moment in moments],
            portal.db.read(books.days, today - timedelta(days=5), today),
        ]

    by_entries = told()
    assert by_entries[1][2] == [30_000, 60_000, -1_060_000]
    assert portal.db.transact(book_days.sum_up, 7) == 7
    assert told() == by_entries
    while portal.db.transact(book_days.sum_up, 7):
        pass
    newest = portal.db.read(lambda session: session.scalar(sa.select(sa.func.max(Entry.id))))
    assert portal.db.read(book_days.mark) == newest
    assert told() == by_entries
    post(portal, "gift", "gift:young", *to_ben)
    assert portal.db.transact(book_days.sum_up) == 0
    assert portal.db.read(books.balance_at, keys[0], portal.clock.now()) == 70_000
    house = portal.db.read(books.entries, keys[2], None, 4)
    assert [journal.reference for _, journal in house] == [f"income:{number}" for number in (5, 4, 3, 2)]
    older = portal.db.read(books.entries, keys[2], house[-1][0].id, 4)
    assert [entry.amount_units for entry, _ in older] == [-20_000, -20_000, -1_000_000]


def test_pay_outs_stop_by_themselves_when_holdings_do_not_cover(app: Flask, portal: Any) -> None:
    open_market(portal, usdt="30")
    people.customer(portal, usdt="1000", twd="10")
    portal.db.transact(parameters.change, "cover", {"own_funds_twd": "100"}, "staff:0")
    assert portal.db.read(cover.cover).covered
    chain = portal.ports.chains["TRON"]
    portal.ports.chains["ETHEREUM"].set_opening("USDT", 0)
    chain.set_opening("USDT", parse_units("998", "USDT"))
    holdings.watch_cover(portal)
    assert portal.db.read(payout_switch.running)
    chain.set_opening("USDT", parse_units("996", "USDT"))
    holdings.watch_cover(portal)
    switch = portal.db.read(payout_switch.state)
    assert (switch.stopped, switch.by) == (True, "system")
    assert "20 TWD are missing" in switch.why
    page = desk.desk(app, "finance").page("/staff/books/cover")
    assert "Not covered" in page.text


@pytest.mark.parametrize("fault", ["timeout", "error", "reject", "lost_answer"])
def test_a_chain_that_does_not_answer_stops_nothing(portal: Any, fault: str) -> None:
    people.customer(portal, usdt="1000")
    portal.db.transact(parameters.change, "cover", {"own_funds_twd": "0"}, "staff:0")
    portal.world.set_fault("chain", fault, 2)
    holdings.watch_cover(portal)
    assert portal.db.read(payout_switch.running)


def test_an_old_reading_counts_no_more(portal: Any, travel: Callable[[int], Any]) -> None:
    open_market(portal, usdt="30")
    people.customer(portal, usdt="1000")
    told = {network: {"USDT": 1} for network in ("TRON", "ETHEREUM")}
    portal.db.transact(cover.note, told, portal.db.read(cover.books))
    portal.db.transact(parameters.change, "cover", {"own_funds_twd": "0"}, "staff:0")
    assert not portal.db.read(cover.cover).covered
    travel(31 * 60)
    assert portal.db.read(cover.cover).covered


def test_the_pages_of_the_books_are_read_by_finance_alone(app: Flask, portal: Any) -> None:
    open_market(portal)
    amy = people.customer(portal, twd="100", usdt="5")
    who = desk.desk(app, "finance")
    assert "balanced" in who.page("/staff/books").text
    who.page("/staff/books?at=2026-01-01T00:00")
    who.page("/staff/books?at=nonsense")
    assert "100.00" in who.page(f"/staff/books/account?kind=customer&owner={amy.id}&asset=TWD&bucket=available").text
    who.page("/staff/books/account?kind=x&owner=-1&asset=?&bucket=")
    for query in (
        "",
        "?first=2026-11-01&last=2026-11-20",
        "?first=x&last=9999-99-99",
        "?first=2030-01-01&last=2020-01-01",
    ):
        who.page(f"/staff/books/days{query}")
    who.page("/staff/books/cover")
    sheet = who.raw.get("/staff/books?form=csv")
    assert sheet.mimetype == "text/csv"
    assert "customer,available,TWD,100,1" in sheet.text.replace("\r", "")
    other = desk.desk(app, "support")
    for path in ("books", "books/account", "books/days", "books/cover"):
        other.page(f"/staff/{path}", 403)


def test_a_correction_is_proposed_and_approved_on_pages(app: Flask, portal: Any) -> None:
    amy = people.customer(portal, twd="100")
    who = desk.desk(app, "finance")
    where = "/staff/books/account"
    fields = {"kind": "customer", "owner": str(amy.id), "asset": "TWD", "bucket": "available", "counter": "adjustments"}
    assert who.submit(where, "/adjustments", **fields, amount="ten", reason="a mistake", status=422).errors
    assert who.submit(where, "/adjustments", **fields, amount="-1000", reason="a mistake", status=422).errors
    who.submit(where, "/adjustments", **fields, amount="-10", reason="a mistake")
    other = desk.desk(app, "treasury")
    other.submit(str(other.page("/staff/approvals").one("#list td a")["href"]), "/approve")
    assert amy.balance("TWD") == parse_units("90", "TWD")
    token = str(other.page("/staff").one("meta[name=csrf-token]")["content"])
    assert other.raw.post("/staff/books/adjustments", data={"csrf_token": token, **fields}).status_code == 403
    assert approvals.KINDS
