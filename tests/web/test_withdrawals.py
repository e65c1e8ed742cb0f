"""Withdrawing from page to page, without JavaScript."""

import pytest

from portal.services import common_addresses
from tests.support import people
from tests.support.market import open_market
from tests.support.outside import code_for, let_blocks_go_by, run_worker

TRON = "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj"


@pytest.fixture
def amy(app, portal):
    open_market(portal)
    return people.customer(portal, "Amy", totp=True, twd="100000", usdt="1000")


@pytest.fixture
def enter(client):
    def signed_in(person, visitor=client):
        visitor.raw.set_cookie("token", person.token)
        visitor.raw.set_cookie("language", "en")
        return visitor

    return signed_in


def worked(app, portal):
    with app.app_context():
        run_worker(portal)


def test_a_visitor_is_led_to_the_sign_in_page_and_back(client):
    for path in ("/wallet/withdraw", "/wallet/addresses", "/wallet/withdraw/abc"):
        assert client.page(path, 303).headers["Location"] == "/login?next=" + path


def test_withdrawing_from_page_to_page(app, portal, enter, amy):
    pages = enter(amy)
    page = pages.page("/wallet/withdraw", asset="USDT")
    assert "1,000.00" in page.text
    page = pages.submit(page, "/wallet/withdraw", network="TRON", address=TRON, amount="100", totp=amy.code())
    assert "99 .00" in page.text and "Enter the code" in page.text
    worked(app, portal)
    code = code_for(portal, amy.email)
    wrong = "000000" if code != "000000" else "000001"
    refused = pages.submit(page, "/confirm", status=422, code=wrong)
    assert "not right" in refused.text
    page = pages.submit(page, "/confirm", code=code)
    assert "On its way" in page.text
    worked(app, portal)
    let_blocks_go_by(portal, "TRON")
    worked(app, portal)
    page = pages.page(page.url)
    assert "It has arrived" in page.text
    assert page.all("a[href*='tronscan']")
    assert amy.balance("USDT") == 900_000_000


def test_the_same_form_sent_twice_asks_once(portal, enter, amy):
    pages = enter(amy)
    form = pages.page("/wallet/withdraw")
    fields = {"amount": "1,015", "bank_account": str(amy.bank_account_id), "totp": amy.code()}
    first = pages.submit(form, "/wallet/withdraw", **fields)
    again = pages.submit(form, "/wallet/withdraw", **fields)
    assert first.url == again.url
    with portal.db.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM withdrawals").scalar() == 1


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"amount": ""}, "fill this in"),
        ({"amount": "1e5"}, "plain digits"),
        ({"amount": "10.123456789"}, "decimal places"),
        ({"amount": "5"}, "outside the limits"),
        ({"amount": "5000"}, "too low"),
        ({"address": "Tnothing"}, "no address"),
        ({"network": "BITCOIN"}, "not offered"),
        ({"totp": "000000"}, "not right"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_the_input_is_kept(enter, amy, fields, says):
    pages = enter(amy)
    values = {"network": "TRON", "address": TRON, "amount": "100", "totp": amy.code(), **fields}
    page = pages.submit(pages.page("/wallet/withdraw", asset="USDT"), "/wallet/withdraw", status=422, **values)
    assert says in page.words(".error-summary")
    assert page.form("/wallet/withdraw", having="amount").values["amount"] == values["amount"]


def test_the_preview_says_what_arrives_by_the_same_rules(enter, amy):
    pages = enter(amy)
    form = pages.page("/wallet/withdraw", asset="USDT").form("/wallet/withdraw", having="amount")
    sent = {**form.values, "network": "TRON", "address": TRON, "amount": "250"}
    answer = pages.raw.post("/wallet/withdraw/preview", data=sent, headers={"HX-Request": "true", **pages.headers})
    assert answer.status_code == 200 and ">249<" in answer.text
    answer = pages.raw.post(
        "/wallet/withdraw/preview", data={**sent, "amount": "1"}, headers={"HX-Request": "true", **pages.headers}
    )
    assert "outside the limits" in answer.text


@pytest.mark.parametrize(
    ("who", "says"),
    [
        ({"kyc_level": 2}, "opens with level 3"),
        ({"totp": False}, "authenticator"),
        ({"bank_account": False}, "bank account"),
        ({"standing": "blocked"}, "contact us"),
    ],
)
def test_the_page_names_what_is_missing(portal, enter, who, says):
    person = people.customer(portal, **{"totp": True, **who})
    assert says in enter(person).page("/wallet/withdraw").text


def test_another_customers_withdrawal_is_not_there(app, portal, enter, amy, visitor):
    page = enter(amy).submit(
        enter(amy).page("/wallet/withdraw"), "/wallet/withdraw", amount="1015", bank_account=str(amy.bank_account_id),
        totp=amy.code(),
    )  # fmt: skip
    ben = people.customer(portal, totp=True)
    outsider = enter(ben, visitor())
    outsider.page(page.url, 404)
    outsider.page(f"{page.url}/status", 404)
    token = outsider.page("/wallet/addresses").form().values["csrf_token"]
    for act in ("confirm", "resend", "cancel"):
        answer = outsider.raw.post(
            f"{page.url}/{act}", data={"csrf_token": token, "code": "1"}, headers=outsider.headers
        )
        assert answer.status_code == 404


def test_cancelling_on_the_page_gives_the_money_back(app, portal, enter, amy):
    pages = enter(amy)
    page = pages.submit(
        pages.page("/wallet/withdraw"), "/wallet/withdraw", amount="1015", bank_account=str(amy.bank_account_id),
        totp=amy.code(),
    )  # fmt: skip
    worked(app, portal)
    page = pages.submit(page, "/confirm", code=code_for(portal, amy.email))
    page = pages.submit(page, "/cancel")
    assert "Cancelled" in page.text and "back in your wallet" in page.text
    assert amy.balance("TWD") == 1_000_000_000


def test_the_status_block_is_asked_for_cheaply(app, portal, enter, amy):
    pages = enter(amy)
    page = pages.submit(
        pages.page("/wallet/withdraw"), "/wallet/withdraw", amount="1015", bank_account=str(amy.bank_account_id),
        totp=amy.code(),
    )  # fmt: skip
    worked(app, portal)
    page = pages.submit(page, "/confirm", code=code_for(portal, amy.email))
    first = pages.raw.get(f"{page.url}/status", headers={"HX-Request": "true"})
    assert first.status_code == 200
    again = pages.raw.get(f"{page.url}/status", headers={"HX-Request": "true", "If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_known_addresses_are_added_used_and_removed(portal, enter, amy):
    pages = enter(amy)
    page = pages.submit(
        "/wallet/addresses", "/wallet/addresses", having="coin", coin="USDT:TRON", address=TRON,
        name="<b>Cold</b> wallet", totp=amy.code(),
    )  # fmt: skip
    assert "<b>Cold</b> wallet" in page.text
    assert portal.db.read(common_addresses.named, amy.id)[0].name == "<b>Cold</b> wallet"
    refused = pages.submit(
        page, "/wallet/addresses", having="coin", status=422, coin="USDT:TRON", address="x", name="", totp=amy.code()
    )
    assert "no address" in refused.words(".error-summary")
    page = pages.submit("/wallet/addresses", "/wallet/addresses/known-only", totp=amy.code())
    assert "On" in page.text
    page = pages.submit(page, "/wallet/addresses/remove")
    assert portal.db.read(common_addresses.named, amy.id) == []
