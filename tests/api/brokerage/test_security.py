"""The second factor and the sign-in log over `/v1`, as the contract writes them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyotp
import pytest
from flask import Flask

from tests.support import contract, newcomers, people
from tests.support.families import BrokerageClient

Brokerage = Callable[..., BrokerageClient]
APPLY = "/user/apply_google_device_authenticator"
BIND = "/user/bind_google_device_authenticator"
UNBIND = "/user/unbind_google_device_authenticator"
PROVE = "/user/reauthenticate_with_credential"
CHECK = "/user/check/2FA"


def now_code(portal: Any, secret: str) -> str:
    return pyotp.TOTP(secret).at(int(portal.clock.now().timestamp()))


def half_signed_in(portal: Any, client: BrokerageClient, person: people.Person) -> BrokerageClient:
    said = newcomers.login(client, person.username, person.password)
    assert said["data"]["is2FA"] is True
    return client


def test_binding_signing_in_with_a_code_and_unbinding(portal: Any, brokerage: Brokerage) -> None:
    amy = people.customer(portal, "amy")
    client = brokerage(amy.token)
    given = client.ok("GET", APPLY)
    assert not contract.differences(given, contract.example("brokerage", "apply_google_authenticator"))
    assert given["qecode"] == f"otpauth://totp/amy@Taroko?secret={given['totpKey']}"
    assert client.ok("GET", APPLY) == given
    code = now_code(portal, given["totpKey"])
    bound = client.ok("POST", BIND, {"totpCode": code, "totpKey": given["totpKey"]})
    assert bound == contract.example("brokerage", "bind_google_device")
    assert client.ok("GET", "/user")["is2FA"] is True
    client.refused(-19, "GET", APPLY)
    amy.totp_secret = given["totpKey"]
    portal.clock.advance(30)
    second = half_signed_in(portal, brokerage(), amy)
    waiting = second.token
    passed = second.ok("POST", CHECK, {"totpCode": amy.code()})
    assert not contract.differences(passed, contract.example("brokerage", "check_2fa"))
    assert set(passed) == set(contract.example("brokerage", "check_2fa"))
    assert passed["token"].endswith(passed["tokenUuid"]) and passed["token"] != waiting
    assert second.last is not None and second.last.headers["token"] == passed["token"]
    second.refused(10002, "GET", "/user")
    full = brokerage(passed["token"])
    assert full.ok("GET", "/login_status") == {"isLogin": True}
    assert full.ok("POST", UNBIND, {"totpCode": amy.code()}) == contract.example("brokerage", "unbind_google_device")
    assert full.ok("GET", "/user")["is2FA"] is False


def test_a_token_before_the_second_step_opens_nothing_else(app: Flask, portal: Any, brokerage: Brokerage) -> None:
    client = half_signed_in(portal, brokerage(), people.customer(portal, "amy", totp=True))
    assert client.ok("GET", "/login_status") == {"isLogin": False}
    open_to_it = {"check_2fa", "logout"}
    from portal.api.brokerage.family import family

    asked = 0
    for operation in family.operations:
        if operation.auth in ("none", "optional") or operation.operation_id in open_to_it:
            continue
        said = client.call(operation.method, operation.path, {} if operation.method != "GET" else None).get_json()
        assert said["code"] == 10002, operation.operation_id
        asked += 1
    assert asked >= 9
    assert client.post("/logout")["code"] == 1
    client.refused(10002, "POST", CHECK, {"totpCode": "123456"})


def test_binding_refuses_every_secret_but_its_own(portal: Any, brokerage: Brokerage) -> None:
    client = brokerage(people.customer(portal, "amy").token)
    own = pyotp.random_base32()
    client.refused(10011, "POST", BIND, {"totpCode": now_code(portal, own), "totpKey": own})
    given = client.ok("GET", APPLY)["totpKey"]
    client.refused(-19, "POST", BIND, {"totpCode": now_code(portal, own), "totpKey": own})
    client.refused(-2, "POST", BIND, {"totpCode": now_code(portal, given)})
    for _ in range(5):
        client.refused(10027, "POST", BIND, {"totpCode": "abc", "totpKey": given})
    locked = client.refused(10026, "POST", BIND, {"totpCode": now_code(portal, given), "totpKey": given})
    assert locked["data"] is None and client.last is not None and int(client.last.headers["Retry-After"]) > 7000


@pytest.mark.parametrize("path", [UNBIND, PROVE])
def test_without_an_authenticator_there_is_nothing_to_prove_by(portal: Any, brokerage: Brokerage, path: str) -> None:
    client = brokerage(people.customer(portal, "amy").token)
    client.refused(10011, "POST", path, {"totpCode": "123456"})
    client.refused(-2, "POST", path, {})
    brokerage().refused(10002, "POST", path, {"totpCode": "123456"})


def test_all_doors_share_one_count_of_wrong_codes(portal: Any, brokerage: Brokerage) -> None:
    amy = people.customer(portal, "amy", totp=True)
    client, second = brokerage(amy.token), half_signed_in(portal, brokerage(), amy)
    client.refused(10027, "POST", UNBIND, {"totpCode": "x"})
    client.refused(10027, "POST", PROVE, {"totpCode": "x"})
    for _ in range(3):
        second.refused(10070, "POST", CHECK, {"totpCode": "x"})
    second.refused(10026, "POST", CHECK, {"totpCode": amy.code()})
    client.refused(10026, "POST", PROVE, {"totpCode": amy.code()})
    client.refused(10026, "POST", UNBIND, {"totpCode": amy.code()})
    portal.clock.advance(7201)
    client.ok("POST", PROVE, {"totpCode": amy.code()})


def test_a_code_used_to_sign_in_is_spent_everywhere(portal: Any, brokerage: Brokerage) -> None:
    amy = people.customer(portal, "amy", totp=True)
    code = amy.code()
    half_signed_in(portal, brokerage(), amy).ok("POST", CHECK, {"totpCode": code})
    half_signed_in(portal, brokerage(), amy).refused(10070, "POST", CHECK, {"totpCode": code})
    brokerage(amy.token).refused(10027, "POST", PROVE, {"totpCode": code})
    brokerage(amy.token).ok("POST", PROVE, {"totpCode": int(amy.code())})


def test_fifty_second_steps_with_one_code_give_one_session(app: Flask, portal: Any, brokerage: Brokerage) -> None:
    amy = people.customer(portal, "amy", totp=True)
    waiting = [half_signed_in(portal, brokerage(), amy) for _ in range(10)]
    code = amy.code()

    def step(number: int) -> Any:
        return BrokerageClient(app, waiting[number % 10].token).post(CHECK, {"totpCode": code})["code"]

    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(step, range(50)))
    assert outcomes.count(1) == 1
    assert set(outcomes) <= {1, 10070, 10002}


def test_a_recovery_code_may_stand_in_the_codes_place(portal: Any, brokerage: Brokerage) -> None:
    from portal.services import second_factor

    amy = people.customer(portal, "amy", totp=True)
    codes = portal.db.transact(second_factor.renew_recovery_codes, "customer", amy.id)
    half_signed_in(portal, brokerage(), amy).ok("POST", CHECK, {"totpCode": codes[0]})
    half_signed_in(portal, brokerage(), amy).refused(10070, "POST", CHECK, {"totpCode": codes[0]})


def test_the_sign_in_log_tells_the_owner_alone_what_happened(portal: Any, brokerage: Brokerage) -> None:
    amy, ben = people.customer(portal, "amy"), people.customer(portal, "ben")
    browser = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
                             "Chrome/91.0.4472.114 Safari/537.36"}  # fmt: skip
    client = brokerage()
    newcomers.login(client, "amy", "wrong")
    body = {"loginName": "amy", "password": amy.password_digest}
    assert client.call("POST", "/login", body, headers=browser).get_json()["code"] == 1
    assert client.last is not None
    client.token = client.last.headers["token"]
    client.ok("POST", "/logout", {})
    rows = brokerage(amy.token).ok("GET", "/user/login_log")
    assert not contract.differences(rows, contract.example("brokerage", "login_log"))
    assert [row["operationCode"] for row in rows["dataList"]] == [1002, 1001, 1003]
    assert rows["dataList"][1]["browser"] == "Chrome 91.0.4472.114" and rows["dataList"][1]["os"] == "Windows 10"
    assert brokerage(ben.token).ok("GET", "/user/login_log") == {"dataList": []}
    page = brokerage(amy.token).ok("GET", "/user/login_log", query={"pageSize": 2, "pageNum": 2})
    assert [row["operationCode"] for row in page["dataList"]] == [1003]
    for query in ({"pageSize": 0}, {"pageNum": "x"}, {"pageSize": "１"}, {"pageSize": 101}, {"pageNum": -1}):
        brokerage(amy.token).refused(-2, "GET", "/user/login_log", query=query)


def test_vips_have_a_spread_of_their_own(portal: Any, brokerage: Brokerage) -> None:
    from decimal import Decimal

    amy = people.customer(portal, "amy")
    client = brokerage(amy.token)
    assert client.ok("GET", "/user/vip_info") == {"isVIP": False, "spread": Decimal("0.1")}
    assert not contract.differences(client.ok("GET", "/user/vip_info"), contract.example("brokerage", "vip_info"))
    portal.db.transact(_make_vip, amy.id)
    assert client.ok("GET", "/user/vip_info") == {"isVIP": True, "spread": Decimal("0.05")}
    brokerage().refused(10002, "GET", "/user/vip_info")


def _make_vip(session: Any, customer_id: int) -> None:
    from portal.services import accounts

    accounts.customer(session, customer_id).is_vip = True


def test_a_new_device_is_told_to_the_owner_and_a_known_one_is_not(
    app: Flask, portal: Any, brokerage: Brokerage
) -> None:
    amy = people.customer(portal, "amy")
    for agent, mails in (("App/1", 1), ("App/1", 1), ("App/2", 2)):
        body = {"loginName": "amy", "password": amy.password_digest}
        headers = {"User-Agent": agent, "Host": "evil.example"}
        assert brokerage().call("POST", "/login", body, headers=headers).get_json()["code"] == 1
        sent = newcomers.sent(portal, app, amy.email)
        assert len(sent) == mails, agent
        assert "http://localhost/security/lock/" in sent[0]["body"] and "evil.example" not in sent[0]["body"]
