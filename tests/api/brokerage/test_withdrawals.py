"""The brokerage family's withdrawals: success as the contract shows it, and each refusal that can be reached."""

from decimal import Decimal

import pytest

from portal.services import bank_accounts, common_addresses
from tests.support import contract, people
from tests.support.market import open_market
from tests.support.outside import code_for, let_blocks_go_by, messages, run_worker

TRON = "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj"
ETHEREUM = "0xdAC17F958D2ee523a2206206994597C13D831ec7"


@pytest.fixture
def amy(app, portal):
    open_market(portal)
    return people.customer(portal, "Amy", totp=True, twd="100000", usdt="1000", eth="2")


@pytest.fixture
def ben(app, portal):
    return people.customer(portal, "Ben", totp=True, twd="1000", usdt="1000")


def fiat(person, amount=1015, **more):
    return {"currency": "TWD", "amount": amount, "bankId": person.bank_account_id, "code2FA": person.code(), **more}


def crypto(person, amount=100, **more):
    body = {"currency": "USDT", "amount": amount, "address": TRON, "paymentWay": "TRC20", **more}
    return body if "code2FA" in more else {**body, "code2FA": person.code()}


def worked(app, portal):
    with app.app_context():
        run_worker(portal)


def applied(app, portal, client, person, body):
    """Asks for a withdrawal; answers it and the mail's code."""
    data = client.ok("POST", "/wallet/withdraw", body)
    worked(app, portal)
    return data, code_for(portal, person.email)


def test_pre_withdraw_tells_fees_and_limits_of_every_network(brokerage, amy):
    shown = brokerage(amy.token).ok("GET", "/wallet/pre_withdraw", query={"currency": "USDT"})
    assert shown == [
        {
            "fee": fee, "minLimit": 20, "maxLimit": 50000, "dailyAccumulated": 100000, "monthlyAccumulated": 200000,
            "paymentWay": way, "isSupportAddressExtension": False, "addressExtensionTypeName": None,
        }
        for fee, way in ((5, "ERC20"), (1, "TRC20"))
    ]  # fmt: skip
    [twd] = brokerage(amy.token).ok("GET", "/wallet/pre_withdraw", query={"currency": "TWD"})
    assert (twd["fee"], twd["paymentWay"]) == (15, "SWIFT")
    [eth] = brokerage(amy.token).ok("GET", "/wallet/pre_withdraw", query={"currency": "ETH"})
    assert (eth["fee"], eth["paymentWay"]) == (Decimal("0.002"), "ERC20")
    brokerage(amy.token).refused(-2023, "GET", "/wallet/pre_withdraw", query={"currency": "BTC"})
    brokerage(amy.token).refused(-2, "GET", "/wallet/pre_withdraw")
    brokerage().refused(10002, "GET", "/wallet/pre_withdraw", query={"currency": "USDT"})


def test_a_fiat_withdrawal_goes_from_17_to_10_and_the_bank_pays_what_is_left_of_the_fee(app, portal, brokerage, amy):
    client = brokerage(amy.token)
    data, code = applied(app, portal, client, amy, fiat(amy))
    assert set(data) == {
        "auditId", "currency", "fee", "amount", "status", "transactionTimestamp", "toBank", "toAddress", "transactionRef",
    }  # fmt: skip
    assert not contract.differences(data, contract.example("brokerage", "withdraw_apply"))
    assert (data["currency"], data["fee"], data["amount"], data["status"]) == ("TWD", 15, 1015, 17)
    assert set(data["toBank"]) == {"id", "name", "code", "account", "accountHolder", "swiftCode"}
    assert (data["toBank"]["id"], data["toBank"]["code"]) == (amy.bank_account_id, "809")
    assert data["toAddress"] is None
    assert amy.balance("TWD", "frozen") == 0
    confirmed = client.ok("PATCH", "/wallet/withdraw", {"auditId": data["auditId"], "codeEmail": code})
    assert not contract.differences(confirmed, contract.example("brokerage", "withdraw_confirm"))
    assert confirmed["status"] == 3
    assert amy.balance("TWD", "frozen") == 10_150_000
    worked(app, portal)
    assert [row["units"] for row in portal.world.rows("SELECT units FROM payouts")] == [10_000_000]
    assert (amy.balance("TWD"), amy.balance("TWD", "frozen")) == (989_850_000, 0)


def test_a_crypto_withdrawal_names_its_address_and_leaves_by_the_chain(app, portal, brokerage, amy):
    client = brokerage(amy.token)
    data, code = applied(
        app,
        portal,
        client,
        amy,
        crypto(amy, currency="ETH", amount=Decimal("0.5"), address=ETHEREUM, paymentWay="ERC20"),
    )
    assert data["toAddress"] == {"name": "", "address": ETHEREUM}
    assert data["toBank"] is None
    client.ok("PATCH", "/wallet/withdraw", {"auditId": data["auditId"], "codeEmail": code})
    worked(app, portal)
    let_blocks_go_by(portal, "ETHEREUM")
    worked(app, portal)
    assert [tuple(r) for r in portal.world.rows("SELECT recipient, units FROM chain_transfers")] == [
        (ETHEREUM, 498_000_000)
    ]
    assert (amy.balance("ETH"), amy.balance("ETH", "frozen")) == (1_500_000_000, 0)


def test_the_mail_names_amount_and_destination_and_freezes_by_a_link(app, portal, brokerage, amy):
    applied(app, portal, brokerage(amy.token), amy, crypto(amy))
    mail = messages(portal, amy.email)[0]
    assert "100" in mail["body"] and "USDT" in mail["body"] and "LMEqcdj"[-6:] in mail["body"]
    assert "http://localhost/security/lock/" in mail["body"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"currency": "BTC"}, -2023),
        ({"currency": None}, -2),
        ({"paymentWay": "OMNI"}, -2023),
        ({"paymentWay": None}, -2),
        ({"address": None}, -2),
        ({"address": TRON[:-1] + "J"}, -2),
        ({"address": ETHEREUM}, -2),
        ({"amount": 0}, -2),
        ({"amount": -1}, -2),
        ({"amount": "NaN"}, -2),
        ({"amount": "1e3"}, -2),
        ({"amount": "１００"}, -2),
        ({"amount": True}, -2),
        ({"amount": None}, -2),
        ({"amount": []}, -2),
        ({"amount": "100.0000001"}, -2),
        ({"amount": 19}, -2),
        ({"amount": 50001}, -2),
        ({"amount": 5000}, 8),
        ({"code2FA": "abcdef"}, -2),
        ({"code2FA": None}, -2),
        ({"code2FA": "000000"}, 10027),
    ],
)
def test_what_is_wrong_with_a_request_is_told_and_nothing_is_written(portal, brokerage, amy, change, code):
    body = {**crypto(amy), **change}
    client = brokerage(amy.token)
    client.refused(code, "POST", "/wallet/withdraw", {key: value for key, value in body.items() if value is not None})
    assert client.last.status_code == 400
    with portal.db.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM withdrawals").scalar() == 0


def test_a_foreign_unknown_or_missing_bank_account_is_3006(brokerage, amy, ben):
    client = brokerage(amy.token)
    client.refused(3006, "POST", "/wallet/withdraw", fiat(amy, bankId=ben.bank_account_id))
    client.refused(3006, "POST", "/wallet/withdraw", fiat(amy, bankId=999999))
    client.refused(-2, "POST", "/wallet/withdraw", fiat(amy, amount="1015.5"))
    body = fiat(amy)
    del body["bankId"]
    client.refused(-2, "POST", "/wallet/withdraw", body)


def test_without_an_authenticator_it_is_10011_and_five_wrong_codes_lock_even_the_right_one(brokerage, portal, amy):
    plain = people.customer(portal, usdt="1000")
    brokerage(plain.token).refused(10011, "POST", "/wallet/withdraw", crypto(plain, code2FA="123456"))
    client = brokerage(amy.token)
    for _ in range(5):
        client.call("POST", "/wallet/withdraw", crypto(amy, code2FA="000000"))
    client.refused(10026, "POST", "/wallet/withdraw", crypto(amy))


def test_a_code_of_the_authenticator_serves_once(brokerage, amy):
    client = brokerage(amy.token)
    body = crypto(amy)
    client.ok("POST", "/wallet/withdraw", body)
    client.refused(10027, "POST", "/wallet/withdraw", {**body, "amount": 101})


@pytest.mark.parametrize(("level", "standing"), [(1, "normal"), (3, "locked"), (3, "blocked")])
def test_who_may_not_withdraw_is_told_40059(brokerage, portal, level, standing):
    person = people.customer(portal, kyc_level=level, standing=standing, totp=True, usdt="1000")
    brokerage(person.token).refused(40059, "POST", "/wallet/withdraw", crypto(person))


def test_a_reset_password_holds_withdrawals_and_says_until_when(app, portal, brokerage, amy):
    until = portal.clock.now().replace(microsecond=0).timestamp() + 86400
    with portal.db.engine.begin() as connection:
        import sqlalchemy as sa

        from portal.models.customers import Customer

        held = portal.clock.now().fromtimestamp(until, portal.clock.now().tzinfo)
        connection.execute(sa.update(Customer).where(Customer.id == amy.id).values(withdrawals_held_until=held))
    said = brokerage(amy.token).refused(40059, "POST", "/wallet/withdraw", crypto(amy))
    assert said["data"] == {"until": int(until * 1000)}
    portal.clock.advance(86401)
    brokerage(amy.token).ok("POST", "/wallet/withdraw", crypto(amy))


def test_known_addresses_only_admits_an_address_a_day_after_it_was_named(portal, brokerage, amy):
    portal.db.transact(common_addresses.known_only, amy.id, True)
    client = brokerage(amy.token)
    client.refused(40059, "POST", "/wallet/withdraw", crypto(amy))
    portal.db.transact(common_addresses.add, amy.id, "USDT", "TRON", TRON, "My ledger")
    assert client.refused(40059, "POST", "/wallet/withdraw", crypto(amy))["data"]["until"]
    portal.clock.advance(86401)
    data = client.ok("POST", "/wallet/withdraw", crypto(amy))
    assert data["toAddress"] == {"name": "My ledger", "address": TRON}


def test_a_confirm_needs_its_own_code_once(app, portal, brokerage, amy, ben):
    client, outsider = brokerage(amy.token), brokerage(ben.token)
    first, first_code = applied(app, portal, client, amy, fiat(amy))
    second, second_code = applied(app, portal, client, amy, fiat(amy, 2015))
    confirm = {"auditId": first["auditId"], "codeEmail": first_code}
    outsider.refused(3500, "PATCH", "/wallet/withdraw", confirm)
    client.refused(3500, "PATCH", "/wallet/withdraw", {**confirm, "auditId": "nothing"})
    wrong = "000000" if first_code != "000000" else "000001"
    client.refused(10029, "PATCH", "/wallet/withdraw", {**confirm, "codeEmail": wrong})
    if first_code != second_code:
        client.refused(10029, "PATCH", "/wallet/withdraw", {**confirm, "codeEmail": second_code})
    client.refused(-2, "PATCH", "/wallet/withdraw", {"auditId": first["auditId"]})
    client.ok("PATCH", "/wallet/withdraw", confirm)
    client.refused(3500, "PATCH", "/wallet/withdraw", confirm)
    assert amy.balance("TWD", "frozen") == 10_150_000


def test_a_code_past_its_life_confirms_nothing(app, portal, brokerage, amy):
    client = brokerage(amy.token)
    data, code = applied(app, portal, client, amy, fiat(amy))
    portal.clock.advance(301)
    client.refused(10029, "PATCH", "/wallet/withdraw", {"auditId": data["auditId"], "codeEmail": code})
    portal.clock.advance(1800)
    worked(app, portal)
    client.refused(3500, "PATCH", "/wallet/withdraw", {"auditId": data["auditId"], "codeEmail": code})


def test_a_repeated_key_gets_the_first_answer_and_other_contents_are_refused(brokerage, amy):
    client = brokerage(amy.token)
    body = crypto(amy)
    first = client.call("POST", "/wallet/withdraw", body, headers={"Idempotency-Key": "k1"})
    again = client.call("POST", "/wallet/withdraw", body, headers={"Idempotency-Key": "k1"})
    assert first.json["data"] == again.json["data"]
    assert again.headers["Idempotency-Replayed"] == "true"
    other = client.call("POST", "/wallet/withdraw", {**body, "amount": 30}, headers={"Idempotency-Key": "k1"})
    assert (other.status_code, other.json["code"]) == (409, -19)


def test_an_open_withdrawal_of_twd_can_be_cancelled_and_the_money_is_back(app, portal, brokerage, amy, ben):
    client = brokerage(amy.token)
    data, code = applied(app, portal, client, amy, fiat(amy))
    cancelled = client.ok("POST", "/wallet/apply_dw_cancel", {"auditId": data["auditId"]})
    assert set(cancelled) == {"updateTimestamp", "status", "createTimestamp"}
    assert not contract.differences(cancelled, contract.example("brokerage", "cancel_deposit_withdraw"))
    assert cancelled["status"] == 16
    client.refused(3500, "PATCH", "/wallet/withdraw", {"auditId": data["auditId"], "codeEmail": code})
    client.refused(3521, "POST", "/wallet/apply_dw_cancel", {"auditId": data["auditId"]})
    held, code = applied(app, portal, client, amy, fiat(amy))
    client.ok("PATCH", "/wallet/withdraw", {"auditId": held["auditId"], "codeEmail": code})
    brokerage(ben.token).refused(-20, "POST", "/wallet/apply_dw_cancel", {"auditId": held["auditId"]})
    client.ok("POST", "/wallet/apply_dw_cancel", {"auditId": held["transactionRef"]})
    assert (amy.balance("TWD"), amy.balance("TWD", "frozen")) == (1_000_000_000, 0)
    worked(app, portal)
    assert portal.world.rows("SELECT * FROM payouts") == []


def test_what_cannot_be_cancelled_says_which_kind_it_is(app, portal, brokerage, amy):
    client = brokerage(amy.token)
    coin = client.ok("POST", "/wallet/withdraw", crypto(amy))
    client.refused(3516, "POST", "/wallet/apply_dw_cancel", {"auditId": coin["auditId"]})
    client.refused(-20, "POST", "/wallet/apply_dw_cancel", {"auditId": "unknown"})
    client.refused(-2, "POST", "/wallet/apply_dw_cancel", {"auditId": []})
    brokerage().refused(10002, "POST", "/wallet/apply_dw_cancel", {"auditId": "x"})
    late, code = applied(app, portal, client, amy, fiat(amy))
    client.ok("PATCH", "/wallet/withdraw", {"auditId": late["auditId"], "codeEmail": code})
    worked(app, portal)
    client.refused(3521, "POST", "/wallet/apply_dw_cancel", {"auditId": late["auditId"]})


def test_the_day_and_month_limits_count_what_is_confirmed(app, portal, brokerage, amy):
    people.fund(portal, amy, usdt="300000")
    client = brokerage(amy.token)
    for _ in range(2):
        data, code = applied(app, portal, client, amy, crypto(amy, 50000))
        client.ok("PATCH", "/wallet/withdraw", {"auditId": data["auditId"], "codeEmail": code})
    client.refused(-2, "POST", "/wallet/withdraw", crypto(amy, 20))
    portal.clock.advance(86400)
    open_market(portal)
    for _ in range(2):
        data, code = applied(app, portal, client, amy, crypto(amy, 50000))
        client.ok("PATCH", "/wallet/withdraw", {"auditId": data["auditId"], "codeEmail": code})
    portal.clock.advance(86400)
    if portal.clock.now().day > 2:
        client.refused(-2, "POST", "/wallet/withdraw", crypto(amy, 20))


def test_common_addresses_are_listed_and_removed(portal, brokerage, amy, ben):
    portal.db.transact(common_addresses.add, amy.id, "USDT", "TRON", TRON, "Cold")
    portal.db.transact(common_addresses.add, amy.id, "ETH", "ETHEREUM", ETHEREUM, "Contract")
    client = brokerage(amy.token)
    assert client.ok("GET", "/wallet/common_address") == [
        {"address": TRON, "name": "Cold", "paymentWay": "TRC20"},
        {"address": ETHEREUM, "name": "Contract", "paymentWay": "ERC20"},
    ]
    assert client.ok("GET", "/wallet/common_address", query={"coinName": "USDT-TRC20"})[0]["name"] == "Cold"
    assert client.ok("GET", "/wallet/common_address", query={"coinName": "BTC-BITCOIN"}) == []
    client.refused(-2023, "GET", "/wallet/common_address", query={"coinName": "DOGE"})
    brokerage().refused(10002, "GET", "/wallet/common_address")
    brokerage(ben.token).refused(-20, "DELETE", "/wallet/common_address", query={"address": TRON})
    client.refused(-2, "DELETE", "/wallet/common_address")
    assert client.ok("DELETE", "/wallet/common_address", query={"address": TRON}) is None
    assert client.ok("DELETE", "/wallet/common_address", {"address": ETHEREUM.lower()}) is None
    assert client.ok("GET", "/wallet/common_address") == []
    client.refused(-20, "DELETE", "/wallet/common_address", query={"address": TRON})


def test_bank_accounts_are_the_verified_ones_of_the_caller(portal, brokerage, amy, ben):
    [account] = brokerage(amy.token).ok("POST", "/user/bank_accounts", {"currency": "TWD"})
    assert set(account) == {"id", "name", "code", "account", "accountHolder", "swiftCode"}
    assert not contract.differences([account], contract.example("brokerage", "list_bank_accounts"))
    assert (account["id"], account["swiftCode"]) == (amy.bank_account_id, "")
    assert brokerage(amy.token).ok("POST", "/user/bank_accounts", {"currency": "USDT"}) == []
    assert brokerage(amy.token).ok("POST", "/user/bank_accounts")[0]["account"] == account["account"]
    brokerage().refused(10002, "POST", "/user/bank_accounts", {})
    assert portal.db.read(bank_accounts.by_ids, []) == {}
