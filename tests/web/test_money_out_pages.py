"""Send, convert, limits, API keys and notifications: complete without JavaScript, in both languages."""

import hashlib
import hmac
import re

import pytest

from portal.services import api_keys, notifications, transfers
from tests.support import people
from tests.support.market import open_market
from tests.support.outside import code_for, messages, run_worker


@pytest.fixture
def amy(app, portal):
    open_market(portal, usdt="30", eth="90000")
    return people.customer(portal, "Amy", totp=True, twd="100000", usdt="1000")


@pytest.fixture
def ben(app, portal):
    return people.customer(portal, "Ben", totp=True)


@pytest.fixture
def enter(visitor):
    def signed_in(person, language="en"):
        pages = visitor(language)
        pages.raw.set_cookie("token", person.token)
        pages.raw.set_cookie("language", {"en": "en"}.get(language, "zh_Hant_TW"))
        return pages

    return signed_in


PATHS = (
    "/wallet/withdraw",
    "/wallet/addresses",
    "/send",
    "/convert",
    "/limits",
    "/security/api-keys",
    "/security/api-keys/doctor",
    "/notifications",
)


@pytest.mark.parametrize("path", PATHS)
def test_every_page_opens_for_any_customer_in_both_languages_and_for_nobody_else(portal, enter, visitor, path):
    assert visitor().page(path, 303).headers["Location"].startswith("/login?next=")
    for person in (
        people.customer(portal),
        people.customer(portal, kyc_level=0),
        people.customer(portal, totp=True, standing="locked"),
    ):
        for language in ("en", "zh-TW"):
            assert enter(person, language).page(path).title


def asked(pages, person, receiver, **fields):
    values = {
        "receiver": receiver.username,
        "receiver_email": receiver.email,
        "asset": "USDT",
        "amount": "100",
        "totp": person.code(),
        **fields,
    }
    return pages.submit(pages.page("/send"), "/send", having="receiver", **values)


def test_sending_from_page_to_page(app, portal, enter, amy, ben):
    pages = enter(amy)
    page = asked(pages, amy, ben, note="Lunch <script>")
    assert "Open the link in the mail" in page.text and "Lunch <script>" in page.text
    with app.app_context():
        run_worker(portal)
    link = re.search(r"http://localhost(/v1/validate/emailtransfer\?code=\S+)", messages(portal, amy.email)[0]["body"])[
        1
    ]
    opened = pages.raw.get(link, headers={"Sec-Fetch-Site": "cross-site"})
    page = pages.page(pages.raw.get(opened.headers["Location"]).headers["Location"])
    assert "Confirm to send the money" in page.text
    page = pages.submit(page, "/confirm")
    assert page.title.startswith("Transfer") and "Sent" in page.text
    assert (amy.balance("USDT"), ben.balance("USDT")) == (900_000_000, 100_000_000)
    assert "Amy sent you" in enter(ben).page("/notifications").text
    assert "Send to them again" in pages.page("/send").text


def test_a_link_that_is_dead_is_told_on_the_send_page(enter, amy):
    pages = enter(amy)
    answer = pages.raw.get("/v1/validate/emailtransfer?code=nothing")
    page = pages.page(answer.headers["Location"])
    assert "expired" in page.text


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"receiver": ""}, "fill this in"),
        ({"receiver": "nobody"}, "no customer"),
        ({"receiver_email": "x@example.com"}, "no customer"),
        ({"amount": "0"}, "plain digits"),
        ({"amount": "100000"}, "outside the limits"),
        ({"amount": "1001"}, "too low"),
        ({"totp": "000000"}, "not right"),
    ],
)
def test_what_is_wrong_with_a_transfer_is_said_and_the_input_kept(enter, amy, ben, fields, says):
    pages = enter(amy)
    values = {
        "receiver": ben.username,
        "receiver_email": ben.email,
        "asset": "USDT",
        "amount": "100",
        "totp": amy.code(),
        **fields,
    }
    page = pages.submit(pages.page("/send"), "/send", having="receiver", status=422, **values)
    assert says in page.words(".error-summary")
    assert page.form("/send", having="receiver").values["amount"] == values["amount"]


def test_nobody_else_sees_or_moves_a_transfer(portal, enter, amy, ben):
    page = asked(enter(amy), amy, ben)
    outsider = enter(ben)
    outsider.page(page.url, 404)
    outsider.page(f"{page.url}/status", 404)
    token = outsider.page("/notifications").form().values["csrf_token"]
    for act in ("confirm", "cancel", "resend"):
        assert (
            outsider.raw.post(f"{page.url}/{act}", data={"csrf_token": token}, headers=outsider.headers).status_code
            == 404
        )
    assert outsider.page("/send/confirm", 303, balance_audit_id="1").headers["Location"] == "/send?alerttype=link"


def test_confirming_before_the_mail_or_twice_moves_at_most_once(app, portal, enter, amy, ben):
    pages = enter(amy)
    page = asked(pages, amy, ben)
    token = page.form("/cancel").values["csrf_token"]
    early = pages.raw.post(f"{page.url}/confirm", data={"csrf_token": token}, headers=pages.headers)
    assert early.status_code == 303 and ben.balance("USDT") == 0
    with app.app_context():
        run_worker(portal)
    portal.db.transact(transfers.open_link, code_for(portal, amy.email), amy.id)
    for _ in range(2):
        pages.raw.post(f"{page.url}/confirm", data={"csrf_token": token}, headers=pages.headers)
    assert ben.balance("USDT") == 100_000_000


def test_a_form_without_its_token_is_refused(enter, amy):
    pages = enter(amy)
    for path in ("/send", "/convert", "/wallet/withdraw", "/security/api-keys", "/notifications/read"):
        assert pages.raw.post(path, data={"amount": "1"}, headers=pages.headers).status_code == 403


def test_converting_shows_what_comes_before_it_is_done(enter, amy):
    pages = enter(amy)
    page = pages.page("/convert", **{"from": "USDT", "to": "TWD", "amount": "100"})
    assert "2,997" in page.text
    pages.submit(page, "/convert", having="at_least")
    assert (amy.balance("USDT"), amy.balance("TWD")) == (900_000_000, 1_029_970_000)


def test_a_price_that_moved_shows_the_new_amount_and_converts_nothing(portal, enter, amy):
    pages = enter(amy)
    page = pages.page("/convert", **{"from": "USDT", "to": "TWD", "amount": "100"})
    open_market(portal, usdt="29", eth="90000")
    refused = pages.submit(page, "/convert", having="at_least", status=422)
    assert "price has moved" in refused.text
    assert amy.balance("USDT") == 1_000_000_000


def test_a_conversion_sent_twice_is_done_once(enter, amy):
    pages = enter(amy)
    page = pages.page("/convert", **{"from": "USDT", "to": "TWD", "amount": "100"})
    pages.submit(page, "/convert", having="at_least")
    pages.submit(page, "/convert", having="at_least")
    assert amy.balance("USDT") == 900_000_000


def test_limits_say_what_is_used_and_what_is_closed(portal, enter):
    page = enter(people.customer(portal, kyc_level=1)).page("/limits")
    assert "Opens with level 2" in page.text and "Opens with level 3" in page.text


def test_a_key_is_shown_once_works_and_ends(app, portal, enter, amy):
    pages = enter(amy)
    page = pages.submit(
        "/security/api-keys", "/security/api-keys", having="name", status=200, name="Export", scopes="read", networks="",
        totp=amy.code(),
    )  # fmt: skip
    assert page.headers["Cache-Control"] == "no-store"
    key, secret = (tag["data-copy"] for tag in page.all("[data-copy]"))
    nonce, path = str(portal.clock.now_ms()), "/v1/user/bank_accounts"
    sign = hmac.new(secret.encode(), f"{path}{nonce}".encode(), hashlib.sha384).hexdigest()
    answer = app.test_client().post(path, headers={"btse-api": key, "btse-nonce": nonce, "btse-sign": sign})
    assert answer.get_json()["code"] == 1
    page = pages.page("/security/api-keys")
    assert secret not in page.html
    page = pages.submit(page, "/security/api-keys/end")
    assert "No keys yet" in page.text


def test_a_key_without_name_scope_or_right_code_is_refused(enter, amy):
    pages = enter(amy)
    for fields, says in (
        ({"name": "", "scopes": "read"}, "name"),
        ({"name": "x", "scopes": "admin"}, "Choose what"),
        ({"name": "x", "scopes": "read", "networks": "nowhere"}, "network addresses"),
        ({"name": "x", "scopes": "read", "totp": "000000"}, "not right"),
    ):
        values = {"networks": "", "totp": amy.code(), **fields}
        page = pages.submit("/security/api-keys", "/security/api-keys", having="name", status=422, **values)
        assert says in page.words(".error-summary")


def test_the_doctor_reads_a_pasted_request(portal, enter, amy):
    made = portal.db.transact(api_keys.create, amy.id, "bot", ["read"], [])
    nonce = str(portal.clock.now_ms())
    signed = f"/v1/user{nonce}" + '{"a":\n1}'
    fields = {
        "key": str(made.id),
        "path": "/v1/user",
        "nonce": nonce,
        "body": '{"a":\r\n1}',
        "signed_text": signed + "x",
    }
    page = enter(amy).submit(
        "/security/api-keys/doctor", "/security/api-keys/doctor", status=200,
        signature=api_keys.sign(made.secret, signed.encode()), **fields,
    )  # fmt: skip
    assert "It fits." in page.text and "First difference" in page.text


def test_notifications_are_listed_read_and_chosen(portal, enter, amy):
    for _ in range(25):
        portal.db.transact(notifications.tell, amy.id, "address_added", {"name": "<i>x</i>", "address": "T1"})
    pages = enter(amy)
    page = pages.page("/notifications")
    assert "<i>x</i>" in page.text and len(page.all("main li")) == 20
    older = page.one("nav.pager a")["href"]
    assert len(pages.page(older).all("main li")) == 5
    page = pages.submit(page, "/notifications/read")
    assert "Mark all as read" not in page.text
    form = page.form("/notifications/settings")
    pages.submit(page, "/notifications/settings", mail=["trading"])
    assert form.values["mail"]
    checked = [tag["value"] for tag in pages.page("/notifications").all("input[name=mail][checked]")]
    assert checked == ["trading", "security"]
