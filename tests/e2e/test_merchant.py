"""A merchant's counter and a customer's phone in two browsers: the screen turns to Paid, with and without JavaScript."""

import uuid
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from portal.services import payment_requests, payments, takings
from tests.support import merchants, people
from tests.support.beside import app_beside
from tests.support.browser import Browse, Visitor
from tests.support.live import LivePortal
from tests.support.merchants import PIN, Shop
from tests.support.people import Person

#: The counter asks every second; the rest is the road and the drawing. Without JavaScript the page loads itself again.
SOON_MS, SOON_WITHOUT_MS = 3000, 8000


@pytest.fixture(scope="module")
def beside(live: LivePortal) -> Flask:
    return app_beside(live)


@pytest.fixture(scope="module")
def shop(beside: Flask) -> Shop:
    """A store of this module's own in the running portal, with a tenth off."""
    return merchants.shop(beside, name=f"山嵐咖啡 {uuid.uuid4().hex[:6]}", discount="10", kind="percent")


def newcomer(app: Flask, **amounts: str) -> Person:
    return people.customer(app.extensions["portal"], f"m{uuid.uuid4().hex[:10]}", **(amounts or {"twip": "500"}))


def enter(
    browse: Browse, live: LivePortal, who: Person, device: str, language: str = "zh_Hant_TW", **more: Any
) -> Visitor:
    visitor = browse(device, **more)
    cookies = {"token": who.token, "language": language}
    visitor.context.add_cookies([{"name": name, "value": value, "url": live.url} for name, value in cookies.items()])
    return visitor


def ask(counter: Visitor, shop: Shop, amount: str) -> Page:
    page = counter.go(f"{shop.path}/counter")
    page.fill("#amount", amount)
    page.click("form[action$='/counter'] .actions button")
    expect(page.locator("#request")).to_have_attribute("data-state", "open")
    return page


def scanned(shop: Shop, screen: Page) -> str:
    """What a phone reads from the code on the counter's screen."""
    asked = shop.portal.db.read(payment_requests.find, shop.store.id, screen.url.rsplit("/", 1)[-1])
    return f"/pay/{asked.request.code}"


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "without"])
def test_the_counter_turns_to_paid_when_the_phone_confirms(
    browse: Browse, live: LivePortal, beside: Flask, shop: Shop, javascript: bool
) -> None:
    amy = newcomer(beside)
    counter = enter(browse, live, shop.cashier, "desktop", javascript=javascript)
    phone = enter(browse, live, amy, "phone", javascript=javascript)
    screen = ask(counter, shop, "120.5")
    counter.fits()
    page = phone.go(scanned(shop, screen))
    phone.fits()
    if javascript:
        counter.axe()
        phone.axe()
    page.click("form[action^='/pay/'] .actions button")
    page.fill("#code", live.code(amy.phone))
    phone.fits()
    page.click("form:has(#code) .actions button")
    soon = SOON_MS if javascript else SOON_WITHOUT_MS
    expect(screen.locator("#request")).to_have_attribute("data-state", "paid", timeout=soon)
    expect(screen.locator("#request")).to_contain_text("108.45")
    expect(page.locator("main")).to_contain_text("108.45")
    counter.fits()
    phone.fits()
    if javascript:
        counter.axe()
        phone.axe()
        counter.picture("merchant-paid")
    page = phone.go(scanned(shop, screen))
    expect(page.locator("main")).to_contain_text("108.45")
    made = shop.portal.db.read(payments.page, amy.id)
    assert [paid.order.status for paid in made] == ["paid"], "a repeated tap pays nothing more"
    assert amy.balance("TWIP") == 500_000_000 - 108_450_000


def test_the_stores_own_code_takes_an_amount_and_the_day_shows_it(
    browse: Browse, live: LivePortal, beside: Flask, shop: Shop
) -> None:
    amy = newcomer(beside)
    watching = enter(browse, live, shop.viewer, "desktop")
    watching.go(shop.path)
    before = watching.page.locator("[data-takings]").inner_text()
    phone = enter(browse, live, amy, "phone")
    page = phone.go(f"/pay/{shop.store.code}")
    page.fill("#amount", "40")
    page.click("form[action^='/pay/'] .actions button")
    page.fill("#code", live.code(amy.phone))
    page.click("form:has(#code) .actions button")
    expect(page.locator("main")).to_contain_text("36")
    expect(watching.page.locator("[data-takings]")).not_to_have_text(before, timeout=8000)
    watching.axe()


def test_the_pad_types_for_a_tablet(browse: Browse, live: LivePortal, shop: Shop) -> None:
    counter = enter(browse, live, shop.cashier, "phone")
    page = counter.go(f"{shop.path}/counter")
    for key in ("1", "2", "00", ".", "5", "back", "7"):
        page.click(f"[data-key='{key}']")
    assert page.locator("#amount").input_value() == "1,200.7"
    page.click("[data-key=clear]")
    assert page.locator("#amount").input_value() == ""
    counter.axe()
    counter.fits()


def test_a_cancelled_code_cannot_be_paid(browse: Browse, live: LivePortal, beside: Flask, shop: Shop) -> None:
    counter = enter(browse, live, shop.cashier, "phone")
    screen = ask(counter, shop, "50")
    path = scanned(shop, screen)
    screen.click("form[action$='/cancel'] button")
    expect(screen.locator("#request")).to_have_attribute("data-state", "cancelled")
    counter.axe()
    phone = enter(browse, live, newcomer(beside), "phone")
    phone.go(path)
    assert phone.page.locator("form[action^='/pay/']").count() == 0


@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_a_note_of_one_long_word_stays_within_the_window(
    browse: Browse, live: LivePortal, beside: Flask, shop: Shop, device: str
) -> None:
    asked = shop.ask("50", note="Donaudampfschifffahrtsgesellschaftskapitaen" * 2)
    counter = enter(browse, live, shop.cashier, device)
    for path in (f"{shop.path}/counter", f"{shop.path}/counter/{asked.public_id}"):
        counter.go(path)
        counter.fits()
    phone = enter(browse, live, newcomer(beside), device)
    phone.go(f"/pay/{asked.code}")
    phone.fits()
    shop.pay(newcomer(beside), request=asked)
    counter.go(f"{shop.path}/counter/{asked.public_id}")
    counter.fits()


PAGES = (
    "", "/counter", "/payments", "/refunds", "/settlements", "/statements", "/people", "/discount", "/developers",
    "/developers/deliveries", "/poster",
)  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_every_page_is_accessible_and_fits(
    browse: Browse, live: LivePortal, beside: Flask, shop: Shop, device: str, scheme: str
) -> None:
    order = shop.pay(newcomer(beside), "100")
    day = shop.portal.db.read(takings.today, shop.store.id).day
    language = "en" if device == "desktop" else "zh_Hant_TW"
    visitor = enter(browse, live, shop.owner, device, language, scheme=scheme)
    for path in (*PAGES, f"/payments/{order.public_id}", f"/statements/{day}"):
        visitor.go(shop.path + path)
        visitor.axe()
        visitor.fits()


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "without"])
def test_a_refund_and_a_settlement_go_through(
    browse: Browse, live: LivePortal, beside: Flask, javascript: bool
) -> None:
    stand = merchants.shop(beside, name=f"小滿食堂 {uuid.uuid4().hex[:6]}")
    amy = newcomer(beside)
    order = stand.pay(amy, "200")
    visitor = enter(browse, live, stand.owner, "phone", "en", javascript=javascript)
    page = visitor.go(f"{stand.path}/payments/{order.public_id}")
    page.fill("#amount", "250")
    page.fill("#pin", PIN)
    page.click("form[action$='/refund'] .actions button")
    expect(page.locator("#amount-error")).to_be_visible()
    if javascript:
        visitor.axe()
    page.fill("#amount", "50")
    page.fill("#pin", PIN)
    page.click("form[action$='/refund'] .actions button")
    expect(page.locator("#notices")).to_contain_text("50 TWIP was given back")
    page = visitor.go(f"{stand.path}/settlements")
    page.click("form[action$='/settlements'] .actions button")
    if javascript:
        visitor.axe()
    page.fill("#code", live.code(stand.owner.phone))
    page.click("form[action$='/confirm'] .actions button")
    live.run_worker()
    page.reload()
    expect(page.locator("main")).to_contain_text("It has arrived")
    visitor.fits()
    if javascript:
        visitor.axe()
    assert (amy.balance("TWIP"), stand.balance()) == (350_000_000, 0)
