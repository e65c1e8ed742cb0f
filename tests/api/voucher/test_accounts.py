"""Signing in at the voucher door, and the forgotten password."""

import pytest
import sqlalchemy as sa

from tests.support import contract, people, vouchers
from tests.support.families import VoucherClient
from tests.support.outside import messages

NEW = "harbour-lantern-71-otter"


def login(client, person, status_code=None, **changes):
    body = {"email": person.email, "password": person.password, "user_source": "tungkai", **changes}
    return (
        client.refused(status_code, "POST", "/login", body)
        if status_code
        else client.ok("POST", "/login", body)["data"]
    )


def test_login_answers_a_bearer_token_that_logout_ends(app, voucher, amy):
    said = login(voucher(), amy)
    assert contract.differences(said, contract.example("voucher", "login")) == []
    assert said["name"] == "林小明"
    uuid, _, secret = said["token"].partition("|")
    assert (len(uuid), len(secret)) == (36, 40)
    client = VoucherClient(app, said["token"])
    assert client.ok("GET", "/profile")["data"]["email"] == amy.email
    assert client.ok("POST", "/logout") == {"success": True}
    client.refused("unauthenticated", "GET", "/profile")
    assert client.last.status_code == 401
    client.refused("unauthenticated", "POST", "/logout")


def test_unknown_mail_wrong_password_and_wrong_company_fail_alike(voucher, amy):
    client = voucher()
    for change in (
        {"password": "no"},
        {"email": "nobody@example.com"},
        {"user_source": "huanyu"},
        {"email": "not a mail"},
    ):
        error = login(client, amy, "password_invalid_user", **change)
        assert (error["message"], client.last.status_code) == ("用戶不存在", 400)
    assert login(client, amy)["email"] == amy.email


@pytest.mark.parametrize("change", [{"email": None}, {"password": 1}, {"user_source": []}, {"email": ""}])
def test_a_login_without_its_parameters_is_refused(voucher, amy, change):
    login(voucher(), amy, "parameter_invalid", **change)


def test_after_ten_wrong_passwords_the_account_waits(voucher, travel, amy):
    client = voucher()
    for _ in range(10):
        login(client, amy, "password_invalid_user", password="wrong")
    login(client, amy, "too_many_requests")
    assert client.last.status_code == 429 and client.last.headers["Retry-After"]
    travel(901)
    login(client, amy)


def test_the_password_may_come_as_the_digest_of_the_other_doors(voucher, amy):
    login(voucher(), amy, password=amy.password_digest)


def test_a_customer_with_an_authenticator_sends_its_code(app, voucher, portal, companies):
    amy = people.customer(portal, totp=True)
    client = voucher()
    login(client, amy, "totp_required")
    assert client.last.status_code == 401
    login(client, amy, "totp_invalid", totp="000000")
    assert client.last.status_code == 401
    totp = amy.code()
    token = login(client, amy, totp=totp)["token"]
    VoucherClient(app, token).ok("GET", "/profile")
    login(client, amy, "totp_invalid", totp=totp)
    login(client, amy, "password_invalid_user", totp=amy.code(), password="wrong")


def test_a_locked_account_does_not_open(voucher, portal, companies):
    login(voucher(), people.customer(portal, standing="locked"), "account_restricted")


def forgot(client, email, code=None, source="tungkai"):
    body = {"email": email, "user_source": source}
    path = "/forgot-password"
    return client.refused(code, "POST", path, body) if code else client.ok("POST", path, body)


def reset(client, email, token, code=None, source="tungkai", password=NEW, **changes):
    body = {
        "token": token, "email": email, "password": password, "password_confirmation": password, "user_source": source,
        **changes,
    }  # fmt: skip
    path = "/reset-password"
    return client.refused(code, "POST", path, body) if code else client.ok("POST", path, body)


def test_a_forgotten_password_is_reset_by_the_mailed_token(app, voucher, amy):
    session = VoucherClient(app, amy.voucher_token())
    client = voucher()
    assert forgot(client, amy.email) == {"success": True}
    assert reset(client, amy.email, vouchers.code(app, amy.email)) == {"success": True}
    session.refused("unauthenticated", "GET", "/profile")
    login(client, amy, "password_invalid_user")
    login(client, amy, password=NEW)


def test_a_reset_holds_what_leaves_the_account(app, voucher, travel, amy):
    client = voucher()
    forgot(client, amy.email)
    reset(client, amy.email, vouchers.code(app, amy.email))
    bearer = VoucherClient(app, login(client, amy, password=NEW)["token"])
    body = {"fund_password": NEW, "currency": "twip", "amount": 100}
    bearer.refused("redeem_invalid_status", "POST", "/redemptions", body)
    sent = {**body, "recipient_address": "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj"}
    bearer.refused("withdrawal_invalid_status", "POST", "/withdrawals", sent)
    travel(24 * 3600 + 1)
    bearer.ok("POST", "/redemptions", body)


def test_forgetting_tells_nothing_about_who_exists(app, voucher, portal, amy):
    client = voucher()
    for email, source in (("nobody@example.com", "tungkai"), (amy.email, "huanyu")):
        assert forgot(client, email, source=source) == {"success": True}
        assert forgot(client, email, source=source) == {"success": True}
    forgot(client, amy.email, "parameter_invalid", source="nobody")
    vouchers.work(app)
    assert messages(portal, amy.email) == [] and messages(portal, "nobody@example.com") == []
    reset(client, "nobody@example.com", "123456", "password_invalid_token")
    error = reset(client, amy.email, "123456", "password_invalid_token")
    assert error["message"] == "Failed: This password reset token is invalid."


def test_asking_twice_at_once_answers_alike_and_mails_once(app, voucher, travel, portal, amy):
    client = voucher()
    for _ in range(3):
        assert forgot(client, amy.email) == {"success": True}
    vouchers.work(app)
    assert len(messages(portal, amy.email)) == 1
    travel(61)
    forgot(client, amy.email)
    vouchers.work(app)
    assert len(messages(portal, amy.email)) == 2


def test_a_token_serves_its_own_customer_once(app, voucher, travel, amy, ben):
    client = voucher()
    forgot(client, amy.email)
    token = vouchers.code(app, amy.email)
    reset(client, ben.email, token, "password_invalid_token")
    reset(client, amy.email, token, "password_invalid_token", source="huanyu")
    reset(client, amy.email, token, "parameter_invalid", password="password")
    reset(client, amy.email, token, "parameter_invalid", password_confirmation="other")
    reset(client, amy.email, token)
    reset(client, amy.email, token, "password_invalid_token")
    travel(61)
    forgot(client, amy.email)
    late = vouchers.code(app, amy.email)
    travel(301)
    reset(client, amy.email, late, "password_invalid_token")


def test_asking_for_a_reset_does_the_same_work_for_everybody(sqlite_app):
    engine, said = sqlite_app.extensions["portal"].db.engine, []
    vouchers.open_companies(sqlite_app.extensions["portal"])
    known = people.customer(sqlite_app.extensions["portal"])
    client = VoucherClient(sqlite_app)
    forgot(client, "first@example.com")  # what the first call alone does

    def note(connection, cursor, statement, *rest):
        said[-1].append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        for email in (known.email, "nobody-knows@example.com"):
            said.append([])
            forgot(client, email)
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    assert said[0] == said[1] and said[0]
