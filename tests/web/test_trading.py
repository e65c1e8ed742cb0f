"""Buying and selling on the pages, with and without htmx: the price, the countdown's end, the receipt, bad input."""

import pytest
import sqlalchemy as sa

from portal.money import parse_units
from tests.support import people
from tests.support.market import open_market
from tests.support.pages import Page


@pytest.fixture
def amy(portal):
    open_market(portal)
    return people.customer(portal, twd="100000", usdt="1000")


@pytest.fixture
def page(client, amy):
    client.raw.set_cookie("token", amy.token)
    return client


def quoted(page, **fields):
    return page.submit("/trade", "/trade/quote", **{"amount": "1000", **fields})


def test_an_amount_is_typed_a_price_accepted_and_a_receipt_shown(page, amy):
    held = quoted(page)
    assert "1 USDT = 32.1401 TWD" in held.text and "31.113779" in held.text.replace(" .", ".")
    receipt = page.submit(held, "/accept")
    assert "Bought" in receipt.text
    assert amy.balance("TWD") == parse_units("99000", "TWD")
    assert amy.balance("USDT") == parse_units("1031.113779", "USDT")


def test_selling_for_an_amount_in_the_asset(page, amy):
    receipt = page.submit(quoted(page, side="sell", amount="100", **{"in": "base"}), "/accept")
    assert "Sold" in receipt.text
    assert amy.balance("TWD") == parse_units("103207.57", "TWD")


def test_sending_the_same_form_twice_trades_once(page, amy):
    held = quoted(page)
    for _ in range(2):
        page.submit(held, "/accept")
    assert amy.balance("TWD") == parse_units("99000", "TWD")


def test_too_late_shows_the_new_price_one_tap_away(page, amy, travel):
    held = quoted(page)
    travel(11)
    late = page.submit(held, "/accept")
    assert "This price has run out" in late.text
    assert amy.balance("TWD") == parse_units("100000", "TWD")
    again = page.submit(late, "/trade/quote")
    assert "This price is held for you." in again.text
    assert again.url != held.url


def test_too_little_money_books_nothing_and_says_so(page, amy):
    told = page.submit(quoted(page, amount="900000"), "/accept")
    assert "The balance was too low" in told.text
    assert amy.balance("TWD") == parse_units("100000", "TWD")


def test_htmx_gets_the_quotes_block_in_place(page, amy):
    held = quoted(page)
    block = page.submit(held, "/accept", htmx=True)
    assert block.one("#quote") and "<html" not in block.html
    assert "Bought" in block.text


def test_the_preview_says_what_the_quote_says(page):
    form = page.page("/trade").form("/trade/quote")
    answer = page.raw.post("/trade/preview", data={**form.values, "amount": "1000"}, headers={"HX-Request": "true"})
    assert '31<span class="fraction">.113779</span>' in answer.text
    answer = page.raw.post("/trade/preview", data={**form.values, "amount": "1"}, headers={"HX-Request": "true"})
    assert "One trade is between 5.00" in answer.text.replace("\xa0", " ")


def preview(page, touched, **fields):
    form = page.page("/trade").form("/trade/quote")
    headers = {"HX-Request": "true", "HX-Trigger-Name": touched}
    return page.raw.post("/trade/preview", data={**form.values, **fields}, headers=headers).text.replace("\xa0", " ")


def value_of(text, which):
    return Page(text, "/trade/preview", {}, partial=True).one(f"input[name={which}]")["value"]


def test_either_amount_may_be_typed_and_the_other_follows(page):
    said = preview(page, "order", order="1,000")
    assert (value_of(said, "base"), value_of(said, "in")) == ("31.113779", "order")
    assert 'id="order-field"' not in said, "the field under the fingers stays as it is"
    said = preview(page, "base", order="1000", base="100")
    assert (value_of(said, "order"), value_of(said, "in")) == ("3214.01", "base")
    said = preview(page, "base", order="1000", base="")
    assert (value_of(said, "order"), value_of(said, "follows")) == ("", "")
    said = preview(page, "side", side="sell", order="3214.01", base="100", follows="3214.01", **{"in": "base"})
    assert value_of(said, "base") == "100" and value_of(said, "order") != "3214.01"


@pytest.mark.parametrize(
    "fields",
    [
        {"order": "1000"},
        {"order": "1000", "base": "31.113779", "in": "order", "follows": "31.113779"},
        {"order": "1000", "base": "55", "in": "base", "follows": "77"},
        {"amount": "1000"},
    ],
)
def test_the_price_is_for_the_amount_that_was_typed(page, fields):
    held = page.submit("/trade", "/trade/quote", **fields)
    assert "1,000" in held.text and "31.113779" in held.text.replace(" .", ".")


def test_two_amounts_that_nobody_linked_are_refused(page, portal):
    again = page.submit("/trade", "/trade/quote", order="1000", base="7", status=422, **{"in": ""})
    assert again.one("#amount")["aria-invalid"] == "true" and "one of the two" in again.text
    assert (again.one("#amount")["value"], again.one("#base")["value"]) == ("1000", "7")
    assert portal.db.read(lambda s: s.scalar(sa.text("SELECT COUNT(*) FROM quotes"))) == 0


@pytest.mark.parametrize(
    "amount", ["", "0", "-5", "1e3", "NaN", "１０", "1_000", "abc", "1.00001", "1", "99999999999999999999", "\x00"]
)
def test_a_wrong_amount_comes_back_beside_its_field_and_writes_nothing(page, portal, amount):
    again = page.submit("/trade", "/trade/quote", amount=amount, status=422)
    assert again.one("#amount")["aria-invalid"] == "true"
    assert portal.db.read(lambda s: s.scalar(sa.text("SELECT COUNT(*) FROM quotes"))) == 0


def test_grouped_digits_are_understood(page):
    assert "32.1401" in quoted(page, amount="1,000").text


@pytest.mark.parametrize("level,words", [(0, "Begin with level 1"), (1, "Continue with level 2")])
def test_below_level_two_the_exact_step_is_named(visitor, portal, level, words):
    open_market(portal)
    newcomer = visitor()
    newcomer.raw.set_cookie("token", people.customer(portal, kyc_level=level, twd="5000").token)
    shown = newcomer.page("/trade")
    assert words in shown.text and shown.one("form#trade-form button[type=submit]").has_attr("disabled")
    refused = newcomer.submit(shown, "/trade/quote", amount="1000", status=422)
    assert "may not trade yet" in refused.text


def test_an_outsider_finds_neither_the_quote_nor_its_accept(page, visitor, portal, amy):
    held = quoted(page)
    outsider = visitor()
    outsider.raw.set_cookie("token", people.customer(portal, twd="5000").token)
    outsider.page(held.url, status=404)
    form = held.form("/accept")
    token = outsider.page("/trade").form("/trade/quote").values["csrf_token"]
    answer = outsider.raw.post(form.action, data={**form.values, "csrf_token": token})
    assert answer.status_code == 404
    assert amy.balance("TWD") == parse_units("100000", "TWD")


def test_a_stranger_is_sent_to_sign_in_and_back(client):
    answer = client.raw.get("/trade?asset=ETH")
    assert answer.status_code == 303 and answer.headers["Location"].startswith("/login?next=/trade")


def test_without_a_csrf_token_nothing_happens(page, amy):
    held = quoted(page)
    assert page.raw.post(held.form("/accept").action).status_code == 403
    assert amy.balance("TWD") == parse_units("100000", "TWD")


def test_the_first_page_shows_prices_and_every_range(client, portal):
    open_market(portal)
    shown = client.page("/")
    assert "32.1079" in shown.text and "98,765.43" in shown.text
    for key in ("day", "week", "month", "season", "year", "all"):
        assert "98,765.4321" in client.page("/", asset="ETH", range=key).text
        said = client.raw.get(f"/market/chart?asset=ETH&range={key}").get_json()
        assert said["series"][0]["values"][-1] == 98765.4321


def test_the_first_page_stands_before_the_market_has_spoken(client):
    assert "No market prices yet" in client.page("/").text


def test_the_tickers_are_not_sent_again_while_nothing_changed(client, portal):
    open_market(portal)
    first = client.raw.get("/market/tickers")
    again = client.raw.get("/market/tickers", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.data) == (200, 304, b"")
    open_market(portal, usdt="33")
    assert client.raw.get("/market/tickers", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200
