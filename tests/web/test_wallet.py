"""Wallet, deposits and history on the pages."""

import csv
import io

import pytest

from portal.services import activity
from portal.web.history import inert
from tests.support import people
from tests.support.market import address, bank_credit, look, mine, open_market, send


@pytest.fixture
def amy(portal):
    open_market(portal, usdt="30", eth="90000")
    return people.customer(portal, twd="3000", usdt="100")


@pytest.fixture
def page(client, amy):
    client.raw.set_cookie("token", amy.token)
    return client


def plain(text):
    return text.replace("\xa0", " ").replace(" .", ".")


def test_the_wallet_shows_worth_and_shares(page):
    shown = page.page("/wallet")
    assert "NT$ 6,000" in plain(shown.text)
    assert plain(shown.text).count("50.0%") == 2
    assert "100.00 USDT" in plain(shown.text)
    again = page.raw.get("/wallet/balances")
    assert page.raw.get("/wallet/balances", headers={"If-None-Match": again.headers["ETag"]}).status_code == 304
    assert again.headers["Cache-Control"] == "private, no-cache"


def test_a_deposit_address_is_shown_with_its_code_and_a_warning(page, portal, amy):
    shown = page.page("/wallet/deposit", way="usdt-tron")
    assert shown.one("[data-copy]")["data-copy"] == address(portal, amy)
    assert shown.one("svg.qr") and "may be lost for good" in shown.text


def test_an_arrival_shows_itself_from_seen_to_arrived(page, portal, amy):
    send(portal, "TRON", "USDT", address(portal, amy), "7")
    look(portal)
    block = page.page("/wallet/deposit/arrivals", htmx=True)
    assert "Confirmations" in block.text and "1 of 20" in block.text
    mine(portal)
    assert "Arrived" in page.page("/wallet/deposit/arrivals", htmx=True).text


def test_the_virtual_account_limits_and_own_bank_are_shown(page, portal, amy):
    shown = page.page("/wallet/deposit")
    account = shown.one("[data-copy]")["data-copy"]
    bank_credit(portal, account, "1000")
    assert "NT$ 1,000 of NT$ 500,000 used" in plain(page.page("/wallet/deposit").text)


def test_an_announced_deposit_is_open_until_taken_back_or_paid(page, portal, amy):
    noted = page.submit("/wallet/deposit", "/announce", amount="5,000")
    assert "Open" in noted.text
    assert "Open" not in page.submit(noted, "/cancel").text
    paid = page.submit("/wallet/deposit", "/announce", amount="500")
    bank_credit(portal, paid.one("[data-copy]")["data-copy"], "500")
    assert "Arrived" in page.page("/wallet/deposit").text


@pytest.mark.parametrize("amount", ["", "0", "-1", "x", "500001", "1.00001"])
def test_a_wrong_announcement_comes_back_beside_its_field(page, amount):
    again = page.submit("/wallet/deposit", "/announce", amount=amount, status=422)
    assert again.one("#amount")["aria-invalid"] == "true"


def test_an_outsider_cannot_take_an_announcement_back(page, visitor, portal):
    noted = page.submit("/wallet/deposit", "/announce", amount="500")
    outsider = visitor()
    outsider.raw.set_cookie("token", people.customer(portal).token)
    token = outsider.page("/wallet/deposit").form("/announce").values["csrf_token"]
    assert outsider.raw.post(noted.form("/cancel").action, data={"csrf_token": token}).status_code == 404


@pytest.mark.parametrize(
    "level,way,words",
    [
        (0, "usdt-tron", "Level 1 of the identity check unlocks this"),
        (2, "twd", "Level 3 of the identity check unlocks this"),
    ],
)
def test_the_step_that_unlocks_a_deposit_is_named(visitor, portal, level, way, words):
    newcomer = visitor()
    newcomer.raw.set_cookie("token", people.customer(portal, kyc_level=level).token)
    assert words in newcomer.page("/wallet/deposit", way=way).text


def test_history_filters_pages_and_explains(page, portal, amy):
    for _ in range(23):
        send(portal, "TRON", "USDT", address(portal, amy), "7")
    mine(portal)
    first = page.page("/wallet/history", kind="deposit", asset="USDT")
    assert len(first.all("a.item")) == 20
    older = page.page(first.one(".pager a")["href"])
    assert len(older.all("a.item")) == 3
    assert page.page(older.one(".pager a")["href"]).all("a.item")[0]["href"] == first.all("a.item")[0]["href"]
    assert "Nothing fits these filters" in page.page("/wallet/history", kind="buy").text
    entry = page.page(first.all("a.item")[0]["href"])
    assert "How this amount was worked out" in entry.text and "+7.00 USDT" in plain(entry.text)


def test_an_unreadable_filter_hides_nothing(page, portal, amy):
    send(portal, "TRON", "USDT", address(portal, amy), "7")
    look(portal)
    for query in (
        {"from": "yesterday"},
        {"to": "2026-02-31"},
        {"kind": "x"},
        {"asset": "'"},
        {"before": "x"},
        {"after": "x"},
    ):
        assert len(page.page("/wallet/history", **query).all("a.item")) == 1


def test_an_outsider_does_not_find_an_entry(page, visitor, portal, amy):
    send(portal, "TRON", "USDT", address(portal, amy), "7")
    look(portal)
    href = page.page("/wallet/history").one("a.item")["href"]
    outsider = visitor()
    outsider.raw.set_cookie("token", people.customer(portal).token)
    outsider.page(href, status=404)
    outsider.page(f"{href}/live", status=404)


def test_the_export_is_inert_complete_and_in_the_readers_language(page, visitor, portal, amy):
    def write(session):
        activity.record(
            session, amy.id, "transfer_in", direction="in", asset="USDT", amount_units=5, status="completed",
            reference="r", subject_kind="test", subject_id=1, counterparty='=HYPERLINK("http://x")',
        )  # fmt: skip

    portal.db.transact(write)
    answer = page.raw.get("/wallet/history.csv", headers={"Accept-Language": "en"})
    assert answer.mimetype == "text/csv" and "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True).lstrip("\ufeff"))))
    assert rows[0][0] == "Time" and rows[1][4] == "0.000005"
    assert rows[1][-1] == '\'=HYPERLINK("http://x")'


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "|calc"])
def test_a_cell_is_never_a_formula(cell):
    assert inert(cell) == f"'{cell}"
    assert inert("plain") == "plain"


def test_names_of_others_are_text_and_nothing_else(page, portal, amy):
    def write(session):
        activity.record(
            session, amy.id, "transfer_in", direction="in", asset="USDT", amount_units=5, status="completed",
            reference="r", subject_kind="test", subject_id=1, counterparty='<b hx-get="/x">B</b>',
            details={"note": "<script>1</script>"},
        )  # fmt: skip

    portal.db.transact(write)
    shown = page.page("/wallet/history")
    assert not shown.all("[hx-get='/x']")
    entry = page.page(shown.one("a.item")["href"])
    assert "<script>1" not in entry.html


@pytest.mark.parametrize(
    "path", ["/wallet", "/wallet/deposit", "/wallet/history", "/wallet/history.csv", "/wallet/history/x"]
)
def test_a_stranger_is_sent_to_sign_in(client, path):
    assert client.raw.get(path).headers["Location"].startswith("/login")


def test_private_pages_are_kept_by_nobody(page):
    assert page.page("/wallet").headers["Cache-Control"] == "no-store"
