"""The picture at the top of the README: a price held for a customer, as it looks today (PORTAL_PICTURES=1 keeps it)."""

from playwright.sync_api import expect

from tests.support import people
from tests.support.beside import app_beside
from tests.support.browser import Browse
from tests.support.live import LivePortal


def test_a_held_price_counts_down(browse: Browse, live: LivePortal) -> None:
    visitor = browse("desktop", locale="en")
    person = people.customer(app_beside(live).extensions["portal"], "readme", twd="100000", usdt="250", eth="0.75")
    visitor.context.add_cookies([
        {"name": "token", "value": person.token, "url": live.url},
        {"name": "language", "value": "en", "url": live.url},
    ])  # fmt: skip
    page = visitor.go("/trade")
    page.fill("#amount", "3214")
    page.locator("#trade-form button[type=submit]").last.click()
    page.wait_for_url("**/trade/*-*")
    expect(page.locator("#quote .countdown")).to_be_visible()
    visitor.picture("trade")
    visitor.axe()
