"""Money in, trade, wallet and history in Chromium: phones and desks, with and without JavaScript, light and dark."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support import people
from tests.support.beside import app_beside
from tests.support.browser import Browse, Visitor
from tests.support.live import LivePortal

WAYS = [("phone", True, "light"), ("desktop", True, "dark"), ("phone", False, "light"), ("desktop", False, "light")]
PAGES = (
    "/wallet", "/wallet/deposit", "/wallet/deposit?way=usdt-tron", "/wallet/deposit?way=eth-ethereum", "/wallet/history",
    "/trade?amount=1000", "/trade?side=sell&asset=ETH&amount=0.1&in=base",
)  # fmt: skip


def arrive(live: LivePortal, visitor: Visitor, **more: Any) -> people.Person:
    """A new customer of the running portal, signed in in this window."""
    person = people.customer(app_beside(live).extensions["portal"], f"t{live.port}{id(visitor) % 10**9}", **more)
    visitor.context.add_cookies([{"name": "token", "value": person.token, "url": live.url}])
    return person


def balance(live: LivePortal, person: people.Person, asset: str) -> Decimal:
    answer = live.http.get("/v1/wallet/balance", headers={"token": person.token}).json()
    return Decimal(str(next(row["total"] for row in answer["data"]["balance"] if row["currency"] == asset)))


def looked_at(visitor: Visitor, javascript: bool) -> None:
    if javascript:
        visitor.axe()
    visitor.fits()


def price_asked(page: Page, amount: str) -> None:
    page.fill("#amount", amount)
    page.locator("#trade-form button[type=submit]").last.click()
    page.wait_for_url("**/trade/*-*")


@pytest.mark.parametrize(("device", "javascript", "scheme"), WAYS)
def test_money_arrives_is_traded_and_explained(
    browse: Browse, live: LivePortal, device: str, javascript: bool, scheme: str
) -> None:
    visitor = browse(device, javascript=javascript, scheme=scheme)
    person = arrive(live, visitor)
    page = visitor.go("/wallet/deposit")
    looked_at(visitor, javascript)
    account = page.locator("[data-copy]").first.get_attribute("data-copy")
    assert live.post("/sandbox/bank/credits", account=account, amount=50000)["matched"] == "deposit"
    if not javascript:
        page.reload()
    expect(page.locator("#arrivals li")).to_have_count(1)
    page = visitor.go("/trade")
    looked_at(visitor, javascript)
    price_asked(page, "1000")
    looked_at(visitor, javascript)
    page.locator("form[action$='/accept'] button").click()
    expect(page.locator(".receipt")).to_be_visible()
    looked_at(visitor, javascript)
    assert balance(live, person, "TWD") == 49000
    assert balance(live, person, "USDT") > 30
    page.locator(".receipt a[href^='/wallet/history/']").click()
    page.wait_for_url("**/wallet/history/*")
    expect(page.locator("#how")).to_be_visible()
    looked_at(visitor, javascript)
    page = visitor.go("/wallet/history?kind=buy")
    expect(page.locator("#rows a.item")).to_have_count(1)
    looked_at(visitor, javascript)
    assert live.command("ledger", "check").returncode == 0


@pytest.mark.parametrize("javascript", [True, False])
def test_too_late_gets_the_new_price_with_one_tap(browse: Browse, live: LivePortal, javascript: bool) -> None:
    visitor = browse("phone", javascript=javascript)
    person = arrive(live, visitor, twd="5000")
    page = visitor.go("/trade")
    price_asked(page, "1000")
    live.advance(11)
    page.locator("form[action$='/accept'] button").click()
    expect(page.locator("#quote .notice.warning")).to_be_visible()
    looked_at(visitor, javascript)
    assert balance(live, person, "TWD") == 5000
    page.locator("form[action='/trade/quote'] button").click()
    expect(page.locator("#quote .countdown")).to_be_visible()
    page.locator("form[action$='/accept'] button").click()
    expect(page.locator(".receipt")).to_be_visible()
    assert balance(live, person, "TWD") == 4000


def test_the_preview_follows_the_typing_and_the_side(browse: Browse, live: LivePortal) -> None:
    visitor = browse("phone")
    arrive(live, visitor, twd="5000", usdt="100")
    page = visitor.go("/trade")
    page.locator("#amount").press_sequentially("1000")
    expect(page.locator("#summary .sum")).to_contain_text("USDT")
    page.locator("input[name=side][value=sell]").check(force=True)
    expect(page.locator("#summary .sum")).to_contain_text("1,000")
    expect(page.locator("#base")).to_have_value(re.compile("^31.1"))  # the side has come through
    page.fill("#base", "")
    page.locator("#base").press_sequentially("50", delay=100)  # as fingers type: the field is a moment old
    expect(page.locator("#amount")).not_to_have_value("1,000")
    expect(page.locator("#summary .sum")).to_contain_text("1,60")
    visitor.axe()
    page.fill("#amount", "1")
    expect(page.locator("#summary .error-text")).to_be_visible()
    expect(page.locator("#base")).to_have_value("")
    visitor.axe()


def test_a_countdown_that_ends_in_front_of_the_reader_offers_the_new_price(browse: Browse, live: LivePortal) -> None:
    visitor = browse("phone")
    arrive(live, visitor, twd="5000")
    page = visitor.go("/trade")
    price_asked(page, "1000")
    page.locator(".countdown .late button").wait_for(timeout=15_000)
    page.locator(".countdown .late button").click()
    expect(page.locator(".countdown.over")).to_have_count(0)


def test_a_chain_deposit_is_watched_from_seen_to_arrived_without_reloading(browse: Browse, live: LivePortal) -> None:
    visitor = browse("phone")
    person = arrive(live, visitor)
    page = visitor.go("/wallet/deposit?way=usdt-tron")
    address = page.locator("[data-copy]").first.get_attribute("data-copy")
    live.post("/sandbox/chain/transfers", network="TRON", asset="USDT", to=address, amount="25")
    expect(page.locator("#arrivals progress")).to_be_visible()
    visitor.axe()
    live.post("/sandbox/chain/blocks", network="TRON", count=30)
    expect(page.locator("#arrivals .badge.done")).to_be_visible()
    assert balance(live, person, "USDT") == 25


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", ["phone", "desktop"])
@pytest.mark.parametrize("language", ["zh-TW", "en"])
def test_every_page_is_accessible_and_fits(
    browse: Browse, live: LivePortal, device: str, scheme: str, language: str
) -> None:
    visitor = browse(device, scheme=scheme, locale=language)
    arrive(live, visitor, twd="5000", usdt="100", eth="1")
    if language == "en":
        visitor.page.goto("/language/en")
    for path in PAGES:
        visitor.go(path)
        visitor.axe()
        visitor.fits()


def test_the_chart_changes_its_range_in_place(browse: Browse, live: LivePortal) -> None:
    visitor = browse("desktop")
    page = visitor.go("/")
    page.locator("#chart canvas").wait_for()
    page.locator("#chart-card .chart-head a[href*='range=year']").click()
    expect(page.locator("#chart-card .chart-head a[href*='range=year'][aria-current]")).to_have_count(1)
    page.locator("#chart canvas").wait_for()
    page.locator("#chart-card a[href*='asset=ETH']").first.click()
    expect(page.locator("#chart-title")).to_contain_text("ETH")
    assert "asset=ETH" in page.url
    visitor.axe()


def test_the_numbers_of_the_chart_stand_in_a_table_without_scripts(browse: Browse, live: LivePortal) -> None:
    page = browse("phone", javascript=False).go("/?asset=ETH&range=month")
    page.locator("#chart-card summary").click()
    assert page.locator("#chart-card tbody tr").count() > 10
    page.locator("#chart-card .chart-head a[href*='range=week']").click()
    expect(page.locator("#chart-card .chart-head a[href*='range=week'][aria-current]")).to_have_count(1)


@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_the_sandbox_page_is_accessible_and_its_levers_work(browse: Browse, live: LivePortal, device: str) -> None:
    visitor = browse(device)
    page = visitor.go("/sandbox/")
    visitor.axe()
    visitor.fits()
    page.locator("form[action='/sandbox/pull/blocks'] button").click()
    expect(page.locator(".notice.success")).to_contain_text("heads")


def test_what_a_script_sees_is_what_the_form_did(browse: Browse, live: LivePortal) -> None:
    visitor = browse("desktop")
    person = arrive(live, visitor)
    page = visitor.go("/wallet/deposit?way=usdt-tron")
    address = str(page.locator("[data-copy]").first.get_attribute("data-copy"))
    page = visitor.go("/sandbox/")
    page.fill("#transfer-to", address)
    page.locator("form[action='/sandbox/pull/transfer'] button").click()
    page.locator("form[action='/sandbox/pull/blocks'] button").click()
    expect(page.locator(".notice.success")).to_be_visible()
    assert balance(live, person, "USDT") == 100


class SlowLine:
    """The trade page on a slow line: previews wait until they are let through, and time passes only when told."""

    def __init__(self, visitor: Visitor) -> None:
        self.page = visitor.page
        self.waiting: list[Route] = []
        self.page.clock.install()
        visitor.go("/trade")
        self.page.route("**/trade/preview", lambda route: self.waiting.append(route))
        self.page.clock.pause_at(datetime.now() + timedelta(hours=1))

    def ask(self) -> None:
        """Nobody types for half a second: the preview is asked for and waits."""
        with self.page.expect_request("**/trade/preview"):
            self.page.clock.run_for(500)

    def answer(self) -> None:
        """What waits is let through and swapped in."""
        while not self.waiting:
            self.page.evaluate("'the request is on its way'")
        with self.page.expect_response("**/trade/preview"):
            for route in self.waiting:
                route.continue_()
        self.waiting.clear()
        expect(self.page.locator(".htmx-request")).to_have_count(0)
        self.page.clock.run_for(100)


def test_an_answer_never_touches_what_was_typed_since(browse: Browse, live: LivePortal) -> None:
    visitor = browse("phone")
    arrive(live, visitor, twd="5000", usdt="100")
    line, page = SlowLine(visitor), visitor.page
    amount, base = page.locator("#amount"), page.locator("#base")
    page.evaluate("for (const id of ['amount', 'base']) document.getElementById(id).mark = 'as it was'")
    amount.press_sequentially("1000")
    line.ask()
    base.press_sequentially("5")
    line.answer()
    expect(page.locator("#summary .sum")).to_contain_text("31.1")
    assert base.input_value() == "5", "the answer to the other amount came while this one was typed"
    assert page.evaluate("document.activeElement.id + ' ' + document.activeElement.mark") == "base as it was"
    base.press_sequentially("0")
    line.ask()
    line.answer()
    expect(page.locator("#summary .sum")).to_contain_text("50")
    expect(amount).to_have_value(re.compile("^1,6"))
    # A tap into the field that follows keeps the keyboard open, and the value is the answer's.
    amount.fill("")
    amount.press_sequentially("1000")
    line.ask()
    base.focus()
    line.answer()
    expect(base).to_have_value(re.compile(r"^31\.1"))
    assert page.evaluate("document.activeElement.id + ' ' + document.activeElement.mark") == "base as it was"
    # The same amount as before is a new question all the same.
    base.fill("50")
    line.ask()
    line.answer()
    expect(amount).to_have_value(re.compile("^1,6"))


def test_another_asset_renews_the_words_around_what_is_being_typed(browse: Browse, live: LivePortal) -> None:
    visitor = browse("phone", locale="en")
    arrive(live, visitor, twd="50000", usdt="100")
    line, page = SlowLine(visitor), visitor.page
    page.locator("#base").press_sequentially("2")
    line.ask()
    line.answer()
    with page.expect_request("**/trade/preview"):
        page.locator("input[name=asset][value=ETH]").check(force=True)
    page.locator("#base").press("End")
    page.locator("#base").press_sequentially("00")
    line.answer()
    assert page.locator("#base").input_value() == "200"
    expect(page.locator("#base-field")).to_contain_text("ETH")
    # Sent at once, before the page could ask again, what was typed last counts.
    page.locator("#base").fill("0.2")
    page.locator("#trade-form button[type=submit]").last.click()
    page.wait_for_url("**/trade/*-*")
    expect(page.locator("a[href='/trade?side=buy&asset=ETH&in=base&amount=0.2']")).to_be_visible()
