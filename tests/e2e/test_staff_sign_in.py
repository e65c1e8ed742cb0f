"""Sitting down at a desk in Chromium: password and authenticator, the first binding, a passkey, and out again."""

import re
from datetime import datetime

import pyotp
import pytest
from playwright.sync_api import Page, expect

from portal.services import staff_accounts
from tests.e2e.test_identity import virtual_authenticator
from tests.support import desk, live_desk
from tests.support.browser import Browse, Visitor
from tests.support.live import LivePortal


def code(live: LivePortal, secret: str) -> str:
    """A code of a step that was not used yet."""
    moment = datetime.fromisoformat(live.advance(31))
    return pyotp.TOTP(secret).at(int(moment.timestamp()))


def give_password(page: Page, email: str, password: str) -> None:
    page.fill("#email", email)
    page.fill("#password", password)
    page.click("form[action='/staff/login'] button[type=submit]")


def looked_at(visitor: Visitor, javascript: bool) -> None:
    visitor.fits()
    if javascript:
        visitor.axe()


@pytest.mark.parametrize(
    ("device", "javascript", "scheme"),
    [("phone", True, "dark"), ("desktop", False, "light"), ("desktop", True, "light")],
)
def test_password_and_authenticator_open_the_desk_and_signing_out_shuts_it(
    seat: Browse, back_office: LivePortal, device: str, javascript: bool, scheme: str
) -> None:
    visitor = seat(device, javascript=javascript, scheme=scheme, locale="en")
    who = desk.member(live_desk.beside(back_office), "support")
    page = visitor.go("/staff/login?next=/staff/customers")
    looked_at(visitor, javascript)
    give_password(page, who.email, "not this one")
    expect(page.locator(".field-error, [role=alert]").first).to_be_visible()
    looked_at(visitor, javascript)
    give_password(page, who.email, who.password)
    page.wait_for_url("**/staff/login/second**")
    looked_at(visitor, javascript)
    page.fill("#code", "000000")
    page.click("form:has(#code) button[type=submit]")
    expect(page.locator("#code")).to_have_attribute("aria-invalid", "true")
    page.fill("#code", code(back_office, who.totp_secret))
    page.click("form:has(#code) button[type=submit]")
    page.wait_for_url("**/staff/customers")
    page.locator("details.menu:has(form[action='/staff/logout']) > summary").click()
    page.click("form[action='/staff/logout'] button")
    page.wait_for_url("**/staff/login**")
    page.goto("/staff")
    assert "/staff/login" in page.url


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "without"])
def test_somebody_new_binds_an_authenticator_and_chooses_a_password(
    seat: Browse, back_office: LivePortal, javascript: bool
) -> None:
    email = f"new-{javascript}@taroko.example".lower()
    made = back_office.command("staff", "create", "--email", email, "--name", "New", "--role", "finance")
    password = made.stdout.strip().rsplit(" ", 1)[-1]
    visitor = seat("phone", javascript=javascript)
    page = visitor.go("/staff/login")
    give_password(page, email, password)
    page.wait_for_url("**/staff/login/second**")
    looked_at(visitor, javascript)
    secret = page.locator("[data-copy]").first.get_attribute("data-copy") or ""
    page.fill("#code", code(back_office, secret.replace(" ", "")))
    page.click("form:has(#code) button[type=submit]")
    expect(page.locator(".codes li")).to_have_count(10)
    looked_at(visitor, javascript)
    page.click("main a.button")
    page.wait_for_url("**/staff/password")
    looked_at(visitor, javascript)
    page.fill("#present", password)
    page.fill("#wanted", "granite harbour willow")
    page.fill("#again", "granite harbour willow")
    page.click("main form button[type=submit]")
    page.wait_for_url(re.compile("/staff$"))
    expect(page.locator("h1")).to_contain_text("New")


def test_a_passkey_is_set_up_and_opens_the_desk(seat: Browse, back_office: LivePortal) -> None:
    visitor = seat("desktop")
    who = desk.member(live_desk.beside(back_office), "support")
    home = back_office.url.replace("127.0.0.1", "localhost")
    virtual_authenticator(visitor)
    page = visitor.page
    for way in ("totp", "passkey"):
        page.goto(f"{home}/staff/login")
        give_password(page, who.email, who.password)
        page.wait_for_url("**/staff/login/second**")
        if way == "totp":
            page.fill("#code", code(back_office, who.totp_secret))
            page.click("form:has(#code) button[type=submit]")
            page.wait_for_url(f"{home}/staff")
            page.goto(f"{home}/staff/account")
            page.fill("#name", "My laptop")
            page.click("[data-passkey] button")
            live_desk.said(page, "通行密鑰")
            page.locator("details.menu:has(form[action='/staff/logout']) > summary").click()
            page.click("form[action='/staff/logout'] button")
            page.wait_for_url("**/staff/login**")
        else:
            visitor.axe()
            page.click("[data-passkey] button")
            page.wait_for_url(f"{home}/staff")
    page.goto(f"{home}/staff/account")
    expect(page.locator("main")).to_contain_text("My laptop")
    visitor.axe()
    live_desk.press(page, "form[action*='/account/passkeys/'][action$='/remove'] button")
    expect(page.locator("main")).not_to_contain_text("My laptop")


def test_a_suspended_member_is_out_at_the_next_click(seat: Browse, back_office: LivePortal) -> None:
    visitor = seat("desktop")
    who = live_desk.new_desk(visitor, back_office, "support")
    page = visitor.go("/staff/customers")
    live_desk.beside(back_office).db.transact(staff_accounts.set_standing, who.id, "suspended", "system")
    page.reload()
    assert "/staff/login" in page.url
