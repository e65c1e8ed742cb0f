"""Sign-up, sign-in, captchas, codes and passwords over `/v1`, as the contract writes them."""

import base64
import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from PIL import Image

from tests.support import contract, newcomers, people
from tests.support.families import BrokerageClient, sha256_password

Brokerage = Callable[..., BrokerageClient]
NEW = sha256_password("quiet-mountain-77-heron")


@pytest.fixture
def signed_up(app: Flask, portal: Any, brokerage: Brokerage) -> BrokerageClient:
    """A visitor who signed up as nina and verified the address."""
    client = brokerage()
    assert newcomers.register(client, portal, "nina")["code"] == 1
    client.ok("POST", "/verify", {"loginName": "nina", "code": newcomers.code(portal, app, "nina@example.com")})
    return client


def test_the_whole_way_from_sign_up_to_sign_out(app: Flask, portal: Any, brokerage: Brokerage) -> None:
    client = brokerage()
    assert client.ok("GET", "/login_status") == contract.example("brokerage", "check_login_status")
    said = newcomers.register(client, portal, "Nina", lang="en")
    assert (said["code"], said["msg"], said["data"], said["success"]) == (1, "Success", None, True)
    assert newcomers.login(client, "nina")["data"]["userStatus"] == 4
    mail = newcomers.sent(portal, app, "nina@example.com")[0]
    assert mail["code"] in mail["subject"] and "Nina" in mail["body"]
    assert client.ok("POST", "/verify", {"loginName": "NINA@example.com", "code": mail["code"]}) is None
    said = newcomers.login(client, "nina")
    assert said["data"] == {
        "email": "nina@example.com", "username": "Nina", "userStatus": 1, "is2FA": False, "isKyc": False,
    }  # fmt: skip
    assert not contract.differences(said["data"], contract.example("brokerage", "login"))
    assert client.ok("GET", "/login_status") == {"isLogin": True}
    user = client.ok("GET", "/user")
    assert not contract.differences(user, contract.example("brokerage", "user_info"))
    assert user["kycLevel"] == 0 and not user["allowTrade"] and not user["allowCryptoDeposit"]
    said = client.post("/logout")
    assert (said["code"], said["msg"], said["data"]) == (1, "Logout", None)
    assert client.ok("GET", "/login_status") == {"isLogin": False}
    assert client.refused(10002, "GET", "/user")["data"] is None
    client.refused(10002, "POST", "/logout", {})


def test_the_token_comes_as_header_and_cookie_and_both_are_accepted(app: Flask, signed_up: BrokerageClient) -> None:
    newcomers.login(signed_up, "nina")
    assert signed_up.last is not None
    cookie = signed_up.last.headers["Set-Cookie"]
    assert cookie.startswith(f"token={signed_up.token};") and "HttpOnly" in cookie and "SameSite=Lax" in cookie
    by_cookie = app.test_client()
    by_cookie.set_cookie("token", signed_up.token)
    assert by_cookie.get("/v1/user").get_json()["data"]["username"] == "nina"
    assert by_cookie.get("/bitgin/v1/user").get_json()["data"]["username"] == "nina"
    foreign = by_cookie.get("/v1/user", headers={"Sec-Fetch-Site": "cross-site"})
    assert (foreign.status_code, foreign.get_json()["code"]) == (403, -19)


def test_a_captcha_is_a_jpeg_under_a_decimal_id(brokerage: Brokerage) -> None:
    given = brokerage().ok("GET", "/captcha/image")
    assert not contract.differences(given, contract.example("brokerage", "captcha_image"))
    assert given["captchaId"].isdigit()
    assert Image.open(io.BytesIO(base64.b64decode(given["img"]))).format == "JPEG"


def test_a_captcha_serves_once_even_when_read_wrong(portal: Any, brokerage: Brokerage) -> None:
    client = brokerage()
    given = newcomers.captcha(client, portal)
    assert newcomers.register(client, portal, "otto", **{**given, "captchaNumber": "????"})["code"] == 10083
    assert newcomers.register(client, portal, "otto", **given)["code"] == 10083
    late = newcomers.captcha(client, portal)
    portal.clock.advance(301)
    assert newcomers.register(client, portal, "otto", **late)["code"] == 10083
    low = newcomers.captcha(client, portal)
    assert (
        newcomers.register(client, portal, "otto", **{**low, "captchaNumber": low["captchaNumber"].lower()})["code"]
        == 1
    )
    assert newcomers.register(client, portal, "otta", **low)["code"] == 10083


def test_taken_names_and_addresses_are_told_only_after_a_right_captcha(portal: Any, signed_up: BrokerageClient) -> None:
    said = newcomers.register(signed_up, portal, "NINA", email="other@example.com")
    assert (said["code"], said["data"]) == (10086, None)
    assert newcomers.register(signed_up, portal, "other", email="Nina@Example.com")["code"] == 10013
    assert newcomers.register(signed_up, portal, "nina")["code"] == 10086
    for name in ("nina", "other"):
        said = newcomers.register(signed_up, portal, name, email="nina@example.com", captchaNumber="no")
        assert said["code"] == 10083


def test_an_unfinished_sign_up_gives_its_names_back_after_a_day(portal: Any, brokerage: Brokerage) -> None:
    client = brokerage()
    assert newcomers.register(client, portal, "zoe")["code"] == 1
    assert newcomers.register(client, portal, "zoe")["code"] == 10086
    portal.clock.advance(24 * 3600 + 1)
    assert newcomers.register(client, portal, "zoe")["code"] == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", ""), ("username", "a"), ("username", "x" * 10_000), ("username", "nı̇na"), ("username", "ni na"),
        ("username", "nina\u202e"), ("username", "ni\x00na"), ("username", "admin"), ("username", 7), ("username", None),
        ("email", "nobody"), ("email", "a@b"), ("email", "ı@example.com"), ("email", "a@example.com\x00"),
        ("email", "x" * 10_000 + "@example.com"), ("email", ["a@example.com"]), ("password", "short"),
        ("password", "g" * 64), ("password", "a" * 63), ("password", sha256_password("password1")), ("lang", 3),
    ],
)  # fmt: skip
def test_bad_sign_ups_are_refused_by_field_and_write_nothing(
    portal: Any, brokerage: Brokerage, field: str, value: Any
) -> None:
    client = brokerage()
    said = newcomers.register(client, portal, "vera", **{field: value})
    assert said["code"] == -2 and not said["success"] and field in said["msg"]
    assert newcomers.register(client, portal, "vera")["code"] == 1


@pytest.mark.parametrize("look_alike", ["ＮＩＮＡ", "NiNa", " nina "])
def test_look_alike_names_are_one_name(portal: Any, signed_up: BrokerageClient, look_alike: str) -> None:
    assert newcomers.register(signed_up, portal, look_alike, email="new@example.com")["code"] == 10086
    assert newcomers.login(signed_up, look_alike)["code"] == 1


def test_a_registration_code_is_good_for_five_minutes_and_for_its_own_purpose(
    app: Flask, portal: Any, brokerage: Brokerage, signed_up: BrokerageClient
) -> None:
    client = brokerage()
    newcomers.register(client, portal, "otto")
    code = newcomers.code(portal, app, "otto@example.com")
    assert client.refused(-2, "POST", "/verify", {"loginName": "", "code": code})["msg"] == "[empty loginName]"
    assert client.refused(-2, "POST", "/verify", {"code": code})["msg"] == "[empty loginName]"
    client.refused(10022, "POST", "/verify", {"loginName": "nina", "code": code})
    client.refused(10022, "POST", "/verify", {"loginName": "nobody", "code": code})
    client.refused(10029, "POST", "/user/forget_password", {"username": "otto", "codeEmail": code, "newPassword": NEW})
    portal.clock.advance(301)
    client.refused(10022, "POST", "/verify", {"loginName": "otto", "code": code})
    client.ok("POST", "/apply_verification_code", {"loginName": "otto"})
    fresh = newcomers.code(portal, app, "otto@example.com")
    for _ in range(5):
        client.refused(10022, "POST", "/verify", {"loginName": "otto", "code": "x"})
    client.refused(10022, "POST", "/verify", {"loginName": "otto", "code": fresh})


def test_a_wrong_password_and_an_unknown_name_look_alike(portal: Any, brokerage: Brokerage) -> None:
    people.customer(portal, "amy")
    answers = []
    for name in ("amy", "nobody", "amy@example.com", "nobody@example.com", "n\u0131na", "?", "x" * 4000):
        said = newcomers.login(brokerage(), name, "wrong")
        answers.append((said["code"], said["msg"], said["data"]))
    assert set(map(str, answers)) == {str((10006, "用户名或密码错误", {"wrongTime": 1}))}


@pytest.mark.parametrize("name", ["amy", "nobody"])
def test_from_the_third_wrong_try_a_captcha_is_asked_for(portal: Any, brokerage: Brokerage, name: str) -> None:
    amy = people.customer(portal, "amy")
    client = brokerage()
    for count in (1, 2, 3):
        said = newcomers.login(client, name, "wrong")
        assert (said["code"], said["data"]) == (10006, {"wrongTime": count})
    said = newcomers.login(client, name, amy.password)
    assert (said["code"], said["data"]) == (10083, {"wrongTime": 3})
    said = newcomers.login(client, name, amy.password, captchaId="1", captchaNumber="1")
    assert (said["code"], said["data"]) == (10083, {"wrongTime": 3})
    said = newcomers.login(client, name, "wrong", **newcomers.captcha(client, portal))
    assert (said["code"], said["data"]) == (10006, {"wrongTime": 4})
    said = newcomers.login(client, name, amy.password, **newcomers.captcha(client, portal))
    assert said["code"] == (1 if name == "amy" else 10006)
    said = newcomers.login(brokerage(), name, "wrong")
    assert (said["code"], said["data"]) == ((10006, {"wrongTime": 1}) if name == "amy" else (10083, {"wrongTime": 5}))


@pytest.mark.parametrize("body", [{}, {"loginName": ""}, {"loginName": "  ", "password": "x"}, {"loginName": None}])
def test_an_empty_name_is_told_apart(brokerage: Brokerage, body: dict[str, Any]) -> None:
    said = brokerage().refused(10003, "POST", "/login", body)
    assert said["data"]["wrongTime"] >= 1


@pytest.mark.parametrize("password", ["", None, 7, [], "x" * 5000])
def test_a_password_of_whatever_kind_is_just_wrong(portal: Any, brokerage: Brokerage, password: Any) -> None:
    people.customer(portal, "amy")
    said = brokerage().refused(10006, "POST", "/login", {"loginName": "amy", "password": password})
    assert said["data"] == {"wrongTime": 1}


def test_wrong_tries_count_by_address_too_and_a_stranger_cannot_clear_them(app_with: Callable[..., Flask]) -> None:
    app = app_with("sqlite", PORTAL_RATE_LIMITS="on")
    portal = app.extensions["portal"]
    amy, client = people.customer(portal, "amy"), BrokerageClient(app)
    for count in (1, 2):
        assert newcomers.login(client, f"ghost{count}", "wrong")["data"] == {"wrongTime": count}
    assert newcomers.login(client, "amy", amy.password)["code"] == 1
    assert newcomers.login(client, "ghost3", "wrong")["data"] == {"wrongTime": 3}
    assert newcomers.login(client, "ghost4", "wrong")["code"] == 10083


def test_a_locked_or_suspended_customer_is_told_so_and_gets_no_token(portal: Any, brokerage: Brokerage) -> None:
    for standing, status in (("locked", 7), ("suspended", 6)):
        person = people.customer(portal, standing=standing)
        client = brokerage()
        said = newcomers.login(client, person.username, person.password)
        assert said["data"]["userStatus"] == status and client.token == ""
    gone = people.customer(portal, standing="deleted")
    assert newcomers.login(brokerage(), gone.username, gone.password)["code"] == 10006


@pytest.mark.parametrize(
    ("level", "standing", "allowed"),
    [
        (0, "normal", set()), (1, "normal", {"CryptoDeposit"}),
        (2, "normal", {"CryptoDeposit", "CryptoWithdrawal", "Trade", "Transfer"}),
        (3, "normal", {"CryptoDeposit", "CryptoWithdrawal", "FiatDeposit", "FiatWithdrawal", "Trade", "Transfer"}),
        (3, "not_tradable", {"CryptoDeposit", "CryptoWithdrawal", "FiatDeposit", "FiatWithdrawal", "Transfer"}),
        (3, "blocked", set()),
    ],
)  # fmt: skip
def test_what_a_customer_may_do_follows_level_and_standing(
    portal: Any, brokerage: Brokerage, level: int, standing: str, allowed: set[str]
) -> None:
    person = people.customer(portal, kyc_level=level, standing=standing)
    user = brokerage(person.token).ok("GET", "/user")
    assert {key[5:] for key, value in user.items() if key.startswith("allow") and value} == allowed


def test_everyone_who_asks_for_a_code_is_answered_alike(app: Flask, portal: Any, brokerage: Brokerage) -> None:
    amy = people.customer(portal, "amy")
    client = brokerage()
    for known, unknown in (("amy", "nobody"), ("amy@example.com", "nobody@example.com")):
        answers = []
        for name in (known, unknown):
            said = client.post("/apply_verification_code", {"loginName": name})
            answers.append((said["code"], said["msg"], str(said["data"]).replace(name, "…")))
        assert answers[0] == answers[1] and answers[0][0] == 1
    assert not contract.differences(said["data"], contract.example("brokerage", "apply_verification_code"))
    said = client.post("/apply_verification_code", {"loginName": "amy", "mobilePhone": amy.phone})
    assert said["data"] == {"mobilePhone": amy.phone}
    strange = client.post("/apply_verification_code", {"loginName": "amy", "mobilePhone": "+886911111111"})
    assert strange["data"] == {"mobilePhone": "+886911111111"}
    assert newcomers.sent(portal, app, "nobody@example.com") == []
    assert newcomers.sent(portal, app, "+886911111111") == []
    client.refused(-2, "POST", "/apply_verification_code", {"loginName": ""})
    client.refused(-2, "POST", "/apply_verification_code", {"loginName": "amy", "mobilePhone": "02-27208889"})


def test_a_signed_in_customer_gets_a_code_to_the_number_being_proved(
    app: Flask, portal: Any, brokerage: Brokerage
) -> None:
    amy, ben = people.customer(portal, "amy", kyc_level=0), people.customer(portal, "ben")
    said = brokerage(amy.token).ok(
        "POST", "/apply_verification_code", {"loginName": "amy", "mobilePhone": "0912000333"}
    )
    assert said == {"mobilePhone": "+886912000333"}
    assert len(newcomers.sent(portal, app, "+886912000333")) == 1
    brokerage(amy.token).refused(
        10018, "POST", "/apply_verification_code", {"loginName": "amy", "mobilePhone": "0912000333"}
    )
    brokerage(ben.token).ok("POST", "/apply_verification_code", {"loginName": "amy", "mobilePhone": "0912000444"})
    assert newcomers.sent(portal, app, "+886912000444") == []
    mine = brokerage(amy.token).ok("POST", "/apply_verification_code", {"loginName": "amy"})
    assert mine == {"email": "amy@example.com"}


def test_code_requests_of_one_address_are_limited_for_everyone_alike(app_with: Callable[..., Flask]) -> None:
    from portal.services import code_requests

    app = app_with("sqlite", PORTAL_RATE_LIMITS="on")
    client = BrokerageClient(app)
    for _ in range(code_requests.PER_ADDRESS[0]):
        assert app.extensions["portal"].db.transact(code_requests.spend_address, "127.0.0.1")
    client.refused(10063, "POST", "/apply_verification_code", {"loginName": "ghost"})
    client.refused(10018, "POST", "/apply_verification_code", {"loginName": "ghost", "mobilePhone": "+886912000333"})


@pytest.mark.parametrize("by", ["mail", "sms"])
def test_a_reset_ends_all_sessions_keeps_the_second_factor_and_holds_withdrawals(
    app: Flask, portal: Any, brokerage: Brokerage, by: str
) -> None:
    amy = people.customer(portal, "amy", totp=True)
    client = brokerage()
    to = amy.email if by == "mail" else amy.phone
    client.ok("POST", "/apply_verification_code", {"loginName": "amy", **({"mobilePhone": to} if by == "sms" else {})})
    code = newcomers.code(portal, app, to)
    body = {"username": "amy", "codeEmail": code, "newPassword": NEW}
    client.refused(10029, "POST", "/user/forget_password", {**body, "codeEmail": "000000" if code != "000000" else "1"})
    client.refused(10029, "POST", "/user/forget_password", {**body, "username": "nobody"})
    client.refused(10022, "POST", "/verify", {"loginName": "amy", "code": code})
    common = {**body, "newPassword": sha256_password("Password123!")}
    client.refused(-1, "POST", "/user/forget_password", common)
    client.refused(-2, "POST", "/user/forget_password", {**body, "newPassword": "plain text"})
    inner = client.ok("POST", "/user/forget_password", body)
    assert not contract.differences(inner, contract.example("brokerage", "forget_password"))
    assert (inner["code"], inner["success"], inner["data"]) == (1, True, None)
    client.refused(10029, "POST", "/user/forget_password", body)
    brokerage(amy.token).refused(10002, "GET", "/user")
    assert newcomers.login(brokerage(), "amy", amy.password)["code"] == 10006
    said = newcomers.login(brokerage(), "amy", "quiet-mountain-77-heron")
    assert said["data"]["is2FA"] is True
    held = portal.db.read(_held_until, amy.id) - portal.clock.now()
    assert 86_300 < held.total_seconds() <= 86_400


def _held_until(session: Any, customer_id: int) -> Any:
    from portal.services import accounts

    return accounts.customer(session, customer_id).withdrawals_held_until


def test_a_reset_opens_a_locked_account_again(app: Flask, portal: Any, brokerage: Brokerage) -> None:
    amy = people.customer(portal, "amy", standing="locked")
    client = brokerage()
    client.ok("POST", "/apply_verification_code", {"loginName": "amy"})
    code = newcomers.code(portal, app, amy.email)
    client.ok("POST", "/user/forget_password", {"username": "amy", "codeEmail": code, "newPassword": NEW})
    assert newcomers.login(client, "amy", "quiet-mountain-77-heron")["data"]["userStatus"] == 1
    assert client.token


def test_changing_the_password_signs_out_all_other_devices(portal: Any, brokerage: Brokerage) -> None:
    amy = people.customer(portal, "amy")
    other = brokerage()
    newcomers.login(other, "amy", amy.password)
    body = {"oldPassword": amy.password_digest, "newPassword": NEW}
    brokerage().refused(10002, "POST", "/user/change_password", body)
    mine = brokerage(amy.token)
    mine.refused(10006, "POST", "/user/change_password", {**body, "oldPassword": NEW})
    mine.refused(-2, "POST", "/user/change_password", {**body, "newPassword": "x"})
    mine.refused(-1, "POST", "/user/change_password", {**body, "newPassword": sha256_password("qwertyuiop")})
    inner = mine.ok("POST", "/user/change_password", body)
    assert not contract.differences(inner, contract.example("brokerage", "change_password"))
    other.refused(10002, "GET", "/user")
    mine.ok("GET", "/user")
    mine.ok("POST", "/user/change_password", {"oldPassword": NEW.upper(), "newPassword": NEW})


@pytest.mark.parametrize(
    "path", ["/login", "/register", "/verify", "/apply_verification_code", "/user/forget_password"]
)
@pytest.mark.parametrize("body", ["[]", "null", '"x"', "{", '{"loginName":1,"loginName":2}', "NaN", "\x00"])
def test_what_is_no_json_object_is_refused(brokerage: Brokerage, path: str, body: str) -> None:
    said = brokerage().post(path, body)
    assert said["code"] == -2 and not said["success"]


def test_json_sent_as_plain_text_is_forbidden(brokerage: Brokerage) -> None:
    answer = brokerage().call("POST", "/login", None, data=b'{"loginName":"amy"}', content_type="text/plain")
    assert answer.status_code == 403
