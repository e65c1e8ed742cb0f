"""Send to another customer and convert, over `/v1`: the whole way, each refusal, and links that move nothing."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from portal.models.customers import Customer
from tests.support import people
from tests.support.market import open_market
from tests.support.outside import code_for, messages, run_worker


@pytest.fixture
def amy(app, portal):
    open_market(portal, usdt="30", eth="90000")
    return people.customer(portal, "Amy", totp=True, twd="10000", usdt="1000")


@pytest.fixture
def ben(app, portal):
    return people.customer(portal, "Ben", totp=True, usdt="5")


def transfer(person, receiver, amount=100, **more):
    body = {
        "operation": "TRANSFER",
        "fromWallet": [{"wallet": "SPOT@", "asset": "USDT", "amount": amount}],
        "receiver": receiver.username,
        "receiverEmail": receiver.email,
        **more,
    }
    return body if "twoFAcode" in more else {**body, "twoFAcode": person.code()}


def worked(app, portal):
    with app.app_context():
        run_worker(portal)


def begun(app, portal, client, person, receiver, amount=100):
    """A transfer that waits for its mail: its number and the link's code."""
    number = client.ok("POST", "/capital/wallet/operation", transfer(person, receiver, amount))
    worked(app, portal)
    return number, code_for(portal, person.email)


def opened(client, code, **headers):
    """Opens the mail's link; where it leads and with what."""
    answer = client.call("GET", "/validate/emailtransfer", query={"code": code}, headers=headers)
    assert answer.status_code == 302
    target = urlsplit(answer.headers["Location"])
    assert not target.scheme and not target.netloc and target.path.startswith("/send")
    return target.path, {key: values[0] for key, values in parse_qs(target.query).items()}


def test_a_transfer_is_asked_for_mailed_opened_confirmed_and_only_then_moves(app, portal, brokerage, amy, ben):
    client = brokerage(amy.token)
    number, code = begun(app, portal, client, amy, ben)
    assert isinstance(number, int)
    assert [row["status"] for row in client.ok("GET", "/wallet/historyList", query={"auditIds": number})["data"]] == [
        17
    ]
    assert brokerage(ben.token).ok("GET", "/wallet/historyList", query={"auditIds": number})["data"] == []
    client.refused(-20, "GET", "/validate/transfer_confirm", query={"balance_audit_id": number})
    assert opened(client, code) == (
        "/send/confirm", {"balance_audit_id": str(number), "coin_id": "USDT", "type": "confirm"},
    )  # fmt: skip
    assert (amy.balance("USDT"), ben.balance("USDT")) == (1_000_000_000, 5_000_000)
    assert client.ok("GET", "/validate/transfer_confirm", query={"balance_audit_id": number}) == number
    assert client.ok("GET", "/validate/transfer_confirm", query={"balance_audit_id": number}) == number
    assert (amy.balance("USDT"), ben.balance("USDT")) == (900_000_000, 105_000_000)
    worked(app, portal)
    assert "Amy" in messages(portal, ben.email)[0]["body"]


def test_the_link_moves_nothing_for_a_scanner_a_stranger_nobody_or_after_the_cancel(app, portal, brokerage, amy, ben):
    client = brokerage(amy.token)
    number, code = begun(app, portal, client, amy, ben)
    for visitor in (brokerage(), brokerage(ben.token)):
        path, query = opened(visitor, code)
        assert path == "/send" and "alertcode" in query and "balance_audit_id" not in query
    assert client.call("HEAD", "/validate/emailtransfer", query={"code": code}).status_code == 204
    ahead = client.call("GET", "/validate/emailtransfer", query={"code": code}, headers={"Sec-Purpose": "prefetch"})
    assert ahead.status_code == 204
    client.refused(-20, "GET", "/validate/transfer_confirm", query={"balance_audit_id": number})
    assert opened(client, code)[0] == opened(client, code)[0] == "/send/confirm"
    assert client.call("HEAD", "/capital/transfer/cancel", query={"id": number}).status_code == 204
    assert client.call("HEAD", "/validate/transfer_confirm", query={"balance_audit_id": number}).status_code == 204
    assert ben.balance("USDT") == 5_000_000
    assert client.ok("GET", "/capital/transfer/cancel", query={"id": number}) is None
    assert client.ok("GET", "/capital/transfer/cancel", query={"id": number}) is None
    assert opened(client, code)[0] == "/send"
    client.refused(-20, "GET", "/validate/transfer_confirm", query={"balance_audit_id": number})
    assert (amy.balance("USDT"), ben.balance("USDT")) == (1_000_000_000, 5_000_000)


def test_a_spoofed_host_reaches_neither_the_mail_nor_the_redirect(app, portal, brokerage, amy, ben):
    client = brokerage(amy.token)
    client.call("POST", "/capital/wallet/operation", transfer(amy, ben), headers={"Host": "evil.example"})
    worked(app, portal)
    mail = messages(portal, amy.email)[0]
    assert "evil.example" not in mail["body"] + mail["html"]
    assert "http://localhost/v1/validate/emailtransfer?code=" in mail["body"]
    assert opened(client, mail["code"], Host="evil.example")[0] == "/send/confirm"


def test_a_new_mail_ends_the_older_link_and_is_throttled(app, portal, brokerage, amy, ben):
    client = brokerage(amy.token)
    number, old = begun(app, portal, client, amy, ben)
    query = {"balance_audit_id": number}
    client.refused(10063, "GET", "/validate/emailtransfer_resend", query=query)
    assert int(client.last.headers["Retry-After"]) <= 61
    portal.clock.advance(61)
    assert client.call("HEAD", "/validate/emailtransfer_resend", query=query).status_code == 204
    assert client.ok("GET", "/validate/emailtransfer_resend", query=query) == number
    worked(app, portal)
    assert opened(client, old)[0] == "/send"
    assert opened(client, code_for(portal, amy.email))[0] == "/send/confirm"
    client.refused(-20, "GET", "/validate/emailtransfer_resend", query=query)
    brokerage(ben.token).refused(-20, "GET", "/validate/emailtransfer_resend", query=query)


def test_an_outsider_finds_no_transfer_of_others(app, portal, brokerage, amy, ben):
    number, code = begun(app, portal, brokerage(amy.token), amy, ben)
    opened(brokerage(amy.token), code)
    outsider = brokerage(ben.token)
    for path, name in (("/capital/transfer/cancel", "id"), ("/validate/transfer_confirm", "balance_audit_id")):
        foreign = outsider.refused(-20, "GET", path, query={name: number})
        missing = outsider.refused(-20, "GET", path, query={name: 999999})
        assert (foreign["msg"], foreign["data"]) == (missing["msg"], missing["data"])
        brokerage().refused(10002, "GET", path, query={name: number})
        outsider.refused(-2, "GET", path)
        outsider.refused(-20, "GET", path, query={name: "9" * 40})
    assert ben.balance("USDT") == 5_000_000


def test_a_transfer_ends_by_itself_and_nothing_has_moved(app, portal, brokerage, amy, ben):
    client = brokerage(amy.token)
    number, code = begun(app, portal, client, amy, ben)
    opened(client, code)
    portal.clock.advance(24 * 3600 + 1)
    worked(app, portal)
    client.refused(-20, "GET", "/validate/transfer_confirm", query={"balance_audit_id": number})
    assert amy.balance("USDT") == 1_000_000_000


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"receiver": "nobody"}, 10004),
        ({"receiverEmail": "nobody@example.com"}, 10004),
        ({"receiverEmail": "not a mail"}, 10004),
        ({"receiver": "a" * 4000}, 10004),
        ({"receiver": None}, -2),
        ({"receiverEmail": None}, -2),
        ({"fromUser": "Ben"}, -2),
        ({"fromWallet": None}, -2),
        ({"fromWallet": []}, -2),
        ({"fromWallet": [{"wallet": "FUTURES@", "asset": "USDT", "amount": 1}]}, -2),
        ({"fromWallet": [{"asset": "USDT"}]}, -2),
        ({"fromWallet": [{"amount": 1}]}, -2),
        ({"fromWallet": [{"asset": "DOGE", "amount": 1}]}, -2023),
        ({"fromWallet": [{"asset": "USDT", "amount": 0}]}, -2),
        ({"fromWallet": [{"asset": "USDT", "amount": "0.0000001"}]}, -2),
        ({"fromWallet": [{"asset": "USDT", "amount": 1001}]}, 8),
        ({"fromWallet": [{"asset": "USDT", "amount": 50001}]}, -2),
        ({"twoFAcode": "000000"}, 10027),
        ({"twoFAcode": "x"}, -2),
        ({"operation": "PAY_FOR_SERVICE"}, -20),
        ({"operation": "PRE_PAY_FOR_SERVICE"}, -20),
        ({"operation": "GET_BALANCE_IN_QUOTE"}, -20),
        ({"operation": "transfer"}, -20),
        ({"operation": None}, -2),
    ],
)
def test_what_is_wrong_with_a_transfer_is_told(brokerage, amy, ben, change, code):
    body = {**transfer(amy, ben), **change}
    client = brokerage(amy.token)
    client.refused(code, "POST", "/capital/wallet/operation", {k: v for k, v in body.items() if v is not None})
    assert client.last.status_code == 400


def test_name_and_mail_must_mean_one_other_customer_who_may_receive(portal, brokerage, amy, ben):
    client = brokerage(amy.token)
    client.refused(-2, "POST", "/capital/wallet/operation", transfer(amy, amy))
    client.refused(10004, "POST", "/capital/wallet/operation", {**transfer(amy, ben), "receiver": amy.username})
    client.refused(10004, "POST", "/capital/wallet/operation", transfer(amy, people.customer(portal, kyc_level=1)))
    client.refused(
        10004, "POST", "/capital/wallet/operation", transfer(amy, people.customer(portal, standing="locked"))
    )


def test_who_may_not_send_is_told_so(portal, brokerage, ben):
    low = people.customer(portal, kyc_level=1, totp=True, usdt="10")
    brokerage(low.token).refused(40059, "POST", "/capital/wallet/operation", transfer(low, ben, 1))
    plain = people.customer(portal, usdt="10")
    brokerage(plain.token).refused(
        10011, "POST", "/capital/wallet/operation", transfer(plain, ben, 1, twoFAcode=123456)
    )
    locked = people.customer(portal, totp=True, usdt="10")
    for _ in range(5):
        brokerage(locked.token).call("POST", "/capital/wallet/operation", transfer(locked, ben, 1, twoFAcode="000000"))
    brokerage(locked.token).refused(10026, "POST", "/capital/wallet/operation", transfer(locked, ben, 1))


def test_the_code_may_be_a_number_that_lost_its_zeros_and_the_payer_may_name_themselves(brokerage, amy, ben):
    code = amy.code()
    body = transfer(amy, ben, fromUser="AMY", twoFAcode=int(code))
    assert isinstance(brokerage(amy.token).ok("POST", "/capital/wallet/operation", body), int)


def test_money_spent_before_the_confirm_refuses_it_whole(app, portal, brokerage, amy, ben):
    client = brokerage(amy.token)
    number, code = begun(app, portal, client, amy, ben, 600)
    opened(client, code)
    other, code = begun(app, portal, client, amy, ben, 600)
    opened(client, code)
    client.ok("GET", "/validate/transfer_confirm", query={"balance_audit_id": number})
    client.refused(8, "GET", "/validate/transfer_confirm", query={"balance_audit_id": other})
    assert (amy.balance("USDT"), ben.balance("USDT")) == (400_000_000, 605_000_000)


def test_a_cookie_counts_for_the_portals_own_pages_only(app, portal, brokerage, amy, ben):
    number, code = begun(app, portal, brokerage(amy.token), amy, ben)
    raw = app.test_client()
    raw.set_cookie("token", amy.token)
    assert (
        raw.get(f"/v1/validate/emailtransfer?code={code}", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 302
    )
    path = f"/v1/validate/transfer_confirm?balance_audit_id={number}"
    for site in ("cross-site", "same-site", "none"):
        assert raw.get(path, headers={"Sec-Fetch-Site": site}).status_code == 403
    for silent in (
        {},
        {"Referer": "https://elsewhere.example/"},
        {"Origin": "null"},
        {"Referer": "http://["},
        {"Referer": "http://localhost.elsewhere.example/"},
    ):
        assert raw.get(path, headers=silent).status_code == 403
        assert raw.get(f"/v1/capital/transfer/cancel?id={number}", headers=silent).status_code == 403
        assert (
            raw.get(f"/v1/validate/emailtransfer_resend?balance_audit_id={number}", headers=silent).status_code == 403
        )
    assert ben.balance("USDT") == 5_000_000
    assert raw.get(path, headers={"Referer": "http://localhost/send/confirm"}).status_code == 200
    assert raw.get(path, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert ben.balance("USDT") == 105_000_000


@pytest.mark.parametrize("code", ["", "wrong", "x" * 5000, "%ff", "a&code=b", "//elsewhere.example", "%0d%0aX:y"])
def test_a_link_that_was_torn_on_the_way_leads_to_the_send_page(app, amy, code):
    raw = app.test_client()
    raw.set_cookie("token", amy.token)
    answer = raw.get(f"/v1/validate/emailtransfer?code={code}")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/send?alertcode=-20&alerttype=link")


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "null", "", "://", "http://localhost@elsewhere.example"])
def test_a_cookie_with_an_origin_that_is_none_changes_nothing(app, amy, origin):
    raw = app.test_client()
    raw.set_cookie("token", amy.token)
    answer = raw.post("/v1/logout", headers={"Origin": origin})
    assert (answer.status_code, answer.json["code"]) == (403, -19)
    assert raw.get("/v1/login_status").json["data"] == {"isLogin": True}


def convert(amount=100, **more):
    wallet = {"wallet": "SPOT@", "asset": "USDT", **({} if amount is None else {"amount": amount})}
    return {"operation": "CONVERT", "fromWallet": [wallet], "toAsset": "TWD", **more}


def test_convert_is_done_at_once_and_to_the_last_unit(brokerage, amy):
    client = brokerage(amy.token)
    assert isinstance(client.ok("POST", "/capital/wallet/operation", convert()), int)
    assert (amy.balance("USDT"), amy.balance("TWD")) == (900_000_000, 129_970_000)
    client.ok("POST", "/capital/wallet/operation", convert(None, toAmount="2997"))
    assert (amy.balance("USDT"), amy.balance("TWD")) == (800_000_000, 159_940_000)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"toAsset": "USDT"}, -2),
        ({"toAsset": "DOGE"}, -2023),
        ({"toAsset": None}, -2),
        ({"toAmount": "3000"}, -2),
        ({"toAmount": "NaN"}, -2),
        ({"fromWallet": [{"asset": "USD", "amount": 100}]}, -2023),
        ({"fromWallet": [{"asset": "USDT"}]}, -2),
        ({"fromWallet": [{"asset": "USDT", "amount": 1001}]}, 8),
        ({"fromWallet": [{"asset": "USDT", "amount": "0.01"}]}, -2),
        ({"fromUser": "Ben"}, -2),
    ],
)
def test_what_cannot_be_converted_is_told_and_nothing_moves(brokerage, amy, ben, change, code):
    body = {key: value for key, value in {**convert(), **change}.items() if value is not None}
    brokerage(amy.token).refused(code, "POST", "/capital/wallet/operation", body)
    assert (amy.balance("USDT"), amy.balance("TWD")) == (1_000_000_000, 100_000_000)


def test_below_level_two_nobody_converts(portal, brokerage, amy):
    low = people.customer(portal, kyc_level=1, usdt="100")
    brokerage(low.token).refused(40049, "POST", "/capital/wallet/operation", convert())


def test_a_held_account_sends_nothing_either_not_even_what_was_begun(app, portal, brokerage, amy, ben):
    client = brokerage(amy.token)
    number, code = begun(app, portal, client, amy, ben)
    opened(client, code)
    with portal.db.engine.begin() as connection:
        until = portal.clock.now() + timedelta(hours=24)
        connection.execute(sa.update(Customer).where(Customer.id == amy.id).values(withdrawals_held_until=until))
    said = client.refused(40059, "GET", "/validate/transfer_confirm", query={"balance_audit_id": number})
    assert said["data"]["until"] == int(until.timestamp() * 1000)
    client.refused(40059, "POST", "/capital/wallet/operation", transfer(amy, ben))
    assert ben.balance("USDT") == 5_000_000
