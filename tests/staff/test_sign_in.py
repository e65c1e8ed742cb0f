"""Signing in to the console: a password is never enough, and nobody else gets past the door."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pyotp
import pytest
from flask import Flask

from portal.services import staff_accounts
from tests.support import desk, people
from tests.support.client import PageClient


def code_of(portal: Any, secret: str) -> str:
    return pyotp.TOTP(secret).at(int(portal.clock.now().timestamp()))


def test_a_password_and_an_authenticator_open_the_console(client: PageClient, portal: Any) -> None:
    who = desk.member(portal, "support")
    page = client.submit("/staff/login", email=who.email, password=who.password)
    assert "Second step" in page.title
    assert client.raw.get("/staff").status_code == 303
    page = client.submit(page, "/staff/login/second", code=code_of(portal, who.totp_secret))
    assert page.url == "/staff"
    assert who.name in page.text
    assert [record.outcome for record in desk.audited(portal, "staff.sign_in")] == ["done"]


def test_an_authenticator_code_opens_one_desk_only(visitor: Callable[..., PageClient], portal: Any) -> None:
    who = desk.member(portal, "support")
    code = code_of(portal, who.totp_secret)
    first, second = visitor(), visitor()
    pages = [person.submit("/staff/login", email=who.email, password=who.password) for person in (first, second)]
    first.submit(pages[0], "/staff/login/second", code=code)
    page = second.submit(pages[1], "/staff/login/second", code=code, status=422)
    assert page.errors


@pytest.mark.parametrize("email", ["nobody@staff.example", "known", "\x00", "a" * 300])
def test_nobody_learns_which_addresses_are_staff(client: PageClient, portal: Any, email: str) -> None:
    who = desk.member(portal, "support")
    email = who.email if email == "known" else email
    page = client.submit("/staff/login", email=email, password="not the password", status=422)
    assert page.errors[0].endswith("The e-mail address or the password is not right.")
    assert desk.audited(portal, "staff.sign_in") == [] or email == who.email


def test_five_wrong_passwords_shut_the_door_even_for_the_right_one(
    client: PageClient, portal: Any, travel: Callable[[int], datetime]
) -> None:
    who = desk.member(portal, "support")
    for _ in range(5):
        client.submit("/staff/login", email=who.email, password="wrong", status=422)
    page = client.submit("/staff/login", email=who.email, password=who.password, status=422)
    assert "Too many wrong tries" in page.text
    travel(15 * 60 + 1)
    assert "Second step" in client.submit("/staff/login", email=who.email, password=who.password).title


def test_the_first_sign_in_binds_a_second_factor_and_asks_for_an_own_password(app: Flask, portal: Any) -> None:
    created = app.test_cli_runner().invoke(
        args=["staff", "create", "--email", "new@taroko.example", "--name", "New", "--role", "finance"]
    )
    assert created.exit_code == 0, created.output
    password = created.output.strip().rsplit(" ", 1)[-1]
    client = PageClient(app)
    page = client.submit("/staff/login", email="new@taroko.example", password=password)
    secret = page.one("[data-copy]")["data-copy"]
    page = client.submit(page, "/staff/login/bind", code="000000", status=422)
    assert page.errors
    page = client.submit(page, "/staff/login/bind", code=code_of(portal, str(secret)), status=200)
    assert len(page.all(".codes li")) == 10
    assert client.raw.get("/staff").headers["Location"] == "/staff/password"
    page = client.submit(
        "/staff/password", "/staff/password", present=password, wanted="short", again="short", status=422
    )
    assert page.errors
    fresh = "granite harbour willow"
    page = client.submit("/staff/password", "/staff/password", present=password, wanted=fresh, again=fresh)
    assert page.url == "/staff"


def test_a_recovery_code_stands_in_for_the_authenticator_once(visitor: Callable[..., PageClient], portal: Any) -> None:
    from portal.services import second_factor

    who = desk.member(portal, "support")
    codes = portal.db.transact(second_factor.renew_recovery_codes, staff_accounts.KIND, who.id)
    for person, status in ((visitor(), None), (visitor(), 422)):
        page = person.submit("/staff/login", email=who.email, password=who.password)
        person.submit(page, "/staff/login/second", code=codes[0], status=status)


def test_a_desk_nobody_uses_is_signed_out(app: Flask, travel: Callable[[int], datetime]) -> None:
    who = desk.desk(app, "support")
    who.page("/staff")
    travel(44 * 60)
    who.page("/staff")
    travel(46 * 60)
    assert who.raw.get("/staff").headers["Location"].startswith("/staff/login")


def test_a_suspended_member_is_out_at_once(app: Flask, portal: Any) -> None:
    who, admin = desk.desk(app, "support"), desk.member(portal, "admin")
    who.page("/staff")
    portal.db.transact(staff_accounts.set_standing, who.member.id, "suspended", admin.actor)
    assert who.raw.get("/staff").status_code == 303
    page = PageClient(app).submit("/staff/login", email=who.member.email, password=desk.PASSWORD, status=422)
    assert page.errors


def test_a_customer_in_the_console_is_refused_and_written_down(client: PageClient, portal: Any) -> None:
    amy = people.customer(portal)
    client.raw.set_cookie("token", amy.token)
    client.page("/staff", 403)
    record = desk.audited(portal, "staff.refused")[-1]
    assert (record.actor, record.outcome, record.subject) == (f"customer:{amy.id}", "refused", "GET /staff")


def test_a_stranger_is_sent_to_the_sign_in_page_and_back(client: PageClient) -> None:
    assert client.raw.get("/staff/account").headers["Location"] == "/staff/login?next=/staff/account"
    page = client.page("/staff/login?next=//evil.example/")
    assert page.form("/staff/login").values["next"] == "/staff"


def test_signing_out_ends_the_desk(app: Flask) -> None:
    who = desk.desk(app, "support")
    page = who.page("/staff")
    token = who.raw.get_cookie("staff_token", path="/staff")
    who.submit(page, "/staff/logout")
    assert token is not None
    who.raw.set_cookie("staff_token", token.value, path="/staff")
    assert who.raw.get("/staff").status_code == 303


def test_ones_own_page_shows_desks_and_changes_the_password(app: Flask) -> None:
    who = desk.desk(app, "support")
    other = desk.Desk(app, who.member)
    page = who.page("/staff/account")
    assert "This desk" in page.text
    fresh = "granite harbour willow"
    page = who.submit("/staff/password", "/staff/password", present="wrong", wanted=fresh, again=fresh, status=422)
    assert "The password is not right." in page.text
    who.submit("/staff/password", "/staff/password", present=desk.PASSWORD, wanted=fresh, again=fresh)
    assert other.raw.get("/staff").status_code == 303
    who.page("/staff")
