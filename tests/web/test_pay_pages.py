"""What surrounds a payment: where the receipt leads, what a low balance offers, long notes at the counter, the sticker."""

import pytest

from portal.ledger.check import check
from portal.services import payment_requests, payments
from tests.support import merchants, people, vouchers


@pytest.fixture
def shop(app):
    return merchants.shop(app)


@pytest.fixture
def amy(portal):
    return people.customer(portal, "amy", twip="100")


@pytest.fixture
def enter(client):
    def signed_in(person):
        client.raw.set_cookie("token", person.token)
        client.raw.set_cookie("language", "en")
        return client

    return signed_in


def links(page, inside):
    return [tag["href"] for tag in page.soup.select(f"{inside} a[href]")]


def test_a_receipt_leads_on(app, shop, amy, enter):
    asked = shop.ask("40")
    pages = enter(amy)
    page = pages.submit(f"/pay/{asked.code}", f"/pay/{asked.code}")
    page = pages.submit(page, page.url, code=vouchers.code(app, amy.phone))
    assert links(page, ".receipt") == ["/payments", "/vouchers"]
    [row] = [path for path in links(pages.page("/payments"), "#rows") if path.startswith("/payments/")]
    receipt = pages.page(row)
    assert links(receipt, ".receipt") == [f"/stores/{shop.store.public_id}"]
    assert receipt.one(".receipt [data-print]")


@pytest.mark.parametrize("path", ["/payments", "/vouchers"])
def test_only_what_was_paid_bears_the_sign_of_money_that_left(portal, shop, amy, enter, path):
    shop.pay(amy, "30")
    portal.db.transact(payments.checkout, amy.id, shop.store.public_id, "45")
    rows = enter(amy).page(path).soup.select("a.item[href^='/payments/'] .item-side")
    assert [row.get_text(" ", strip=True).split()[0] for row in rows] == ["45", "\N{MINUS SIGN}30"]


def test_a_balance_that_is_too_low_offers_vouchers_and_no_button_that_fails(shop, amy, enter):
    asked = shop.ask("100.01")
    page = enter(amy).page(f"/pay/{asked.code}")
    assert "Your balance is too low for this payment" in page.text
    assert links(page, "#pay .actions") == ["/vouchers/buy"]
    assert page.soup.select("#pay button") == []
    assert len(enter(amy).page(f"/pay/{shop.ask('100').code}").soup.select("#pay button")) == 1


def test_the_time_left_is_told_in_minutes(shop, amy, enter):
    asked = shop.ask("40", life_seconds=600)
    page = enter(amy).page(f"/pay/{asked.code}")
    assert page.one("[data-countdown-until] [data-seconds]").get_text() in ("10:00", "9:59")


def test_a_long_note_stays_one_line_where_requests_wait(shop, enter):
    asked = shop.ask("40", note="two large coffees for the table by the window, one without milk")
    page = enter(shop.cashier).page(f"{shop.path}/counter")
    [row] = [tag for tag in page.soup.select("a.item") if tag["href"].endswith(asked.public_id)]
    shown = row.select_one("b").get_text()
    assert len(shown) <= 28 and shown.startswith("two large coffees") and shown.endswith("…")


def test_the_sticker_spells_its_address_whole(portal, shop, enter):
    page = enter(shop.owner).page(f"{shop.path}/poster")
    assert page.one(".copy-value").get_text() == f"{portal.settings.public_url}/pay/{shop.store.code}"


@pytest.mark.parametrize("end", ["withdrawn", "run out", "paid by another"])
def test_a_code_for_a_request_that_has_closed_pays_nothing_and_is_not_asked_for_again(
    app, portal, shop, amy, enter, end
):
    asked = shop.ask("40", life_seconds=60)
    pages = enter(amy)
    page = pages.submit(f"/pay/{asked.code}", f"/pay/{asked.code}")
    code = vouchers.code(app, amy.phone)
    if end == "withdrawn":
        portal.db.transact(payment_requests.cancel, shop.store.id, asked.public_id, "customer:1")
    elif end == "run out":
        portal.clock.advance(61)
    else:
        shop.pay(people.customer(portal, "ben", twip="100"), request=asked)
    refused = pages.submit(page, page.url, status=422, code=code)
    assert "This request is closed" in refused.text and refused.soup.select("#code") == []
    again = pages.page(page.url)
    assert "Nothing was paid" in again.text and again.soup.select("#payment form") == []
    assert amy.balance("TWIP") == 100_000_000
    assert not portal.db.read(check).violations
