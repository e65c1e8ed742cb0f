"""Signing up, in and out in Chromium: phones and desks, with and without JavaScript, passkeys with a virtual authenticator."""

import uuid
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Browse, Visitor
from tests.support.live import LivePortal

PASSWORD = "plum-river-2026-lantern"


def newcomer() -> str:
    return f"e{uuid.uuid4().hex[:10]}"


def totp(live: LivePortal, secret: str) -> str:
    """A code of a step that was not used yet: the portal's clock moves on to the next one."""
    from datetime import datetime

    moment = datetime.fromisoformat(live.advance(31))
    return pyotp.TOTP(secret).at(int(moment.timestamp()))


def captcha(live: LivePortal, page: Page) -> str:
    return str(live.get(f"/sandbox/captchas/{page.locator('input[name=captcha_id]').input_value()}")["text"])


def sign_up(visitor: Visitor, live: LivePortal, name: str, *, javascript: bool = True) -> Page:
    page = visitor.go("/signup")
    if javascript:
        visitor.axe()
    visitor.fits()
    page.fill("#username", name)
    page.fill("#email", f"{name}@example.com")
    page.fill("#password", PASSWORD)
    page.fill("#captcha_text", captcha(live, page))
    page.click("#signup-form .actions button")
    expect(page).to_have_url(f"{live.url}/signup/verify")
    if javascript:
        visitor.axe()
    page.fill("#code", live.code(f"{name}@example.com"))
    page.click("form[action='/signup/verify'] button")
    expect(page.locator("form[action='/signup/verify']")).to_have_count(0)
    return page


def sign_out(visitor: Visitor) -> None:
    page = visitor.go("/logout")
    page.click("main form[action='/logout'] button")
    page.wait_for_url("**/")


def sign_in(visitor: Visitor, name: str) -> Page:
    page = visitor.go("/login")
    page.fill("#login_name", name)
    page.fill("#password", PASSWORD)
    page.click("#login-form .actions button")
    return page


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "without"])
@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_from_sign_up_to_a_second_factor_and_back_in(
    browse: Browse, live: LivePortal, device: str, javascript: bool
) -> None:
    name = newcomer()
    visitor = browse(device, javascript=javascript, locale="en" if device == "desktop" else "zh-TW")
    sign_up(visitor, live, name, javascript=javascript)
    page = visitor.go("/security")
    if javascript:
        visitor.axe()
    visitor.fits()
    page = visitor.go("/security/authenticator")
    secret = "".join(page.locator(".copy-value").inner_text().split())
    visitor.fits()
    page.fill("#code", totp(live, secret))
    page.click("form[action='/security/authenticator'] .actions button")
    page.wait_for_url("**/security/recovery-codes")
    codes = page.locator(".codes li").all_inner_texts()
    assert len(codes) == 10
    if javascript:
        visitor.axe()
    sign_out(visitor)
    page = sign_in(visitor, name)
    page.wait_for_url("**/login/second**")
    if javascript:
        visitor.axe()
    visitor.fits()
    page.fill("#code", "000000")
    page.click("form:has(#code) .actions button")
    expect(page.locator("#code-error")).to_be_visible()
    page.fill("#code", totp(live, secret))
    page.click("form:has(#code) .actions button")
    page.wait_for_url(lambda url: "/login" not in url)
    assert visitor.go("/security").url.endswith("/security")
    page.go_back()
    sign_out(visitor)
    page.go_back()
    expect(page.locator("input[name=password], main form[action='/logout'], #login-form").first).to_be_visible()


def test_another_picture_comes_in_place_and_what_was_typed_stays(browse: Browse, live: LivePortal) -> None:
    visitor = browse("phone", locale="en")
    page = visitor.go("/signup")
    page.fill("#username", "somebody")
    first = page.locator("input[name=captcha_id]").input_value()
    page.click("button[name=again]")
    expect(page.locator("input[name=captcha_id]")).not_to_have_value(first)
    assert page.locator("#username").input_value() == "somebody"
    assert page.locator("main h1").count() == 1
    visitor.axe()


def test_mistakes_are_named_beside_their_field_for_everybody(browse: Browse, live: LivePortal) -> None:
    for javascript in (True, False):
        visitor = browse("phone", javascript=javascript)
        page = visitor.go("/login")
        page.fill("#login_name", newcomer())
        page.fill("#password", "wrong")
        for _ in range(3):
            page.click("#login-form .actions button")
            page.fill("#password", "wrong")
        expect(page.locator("#captcha img")).to_be_visible()
        expect(page.locator("#password-error")).to_be_visible()
        visitor.fits()
        if javascript:
            visitor.axe()


def test_a_forgotten_password_is_set_anew(browse: Browse, live: LivePortal) -> None:
    name = newcomer()
    visitor = browse("phone")
    sign_up(visitor, live, name)
    sign_out(visitor)
    live.advance(61)
    page = visitor.go("/forgot")
    visitor.axe()
    page.fill("#login_name", name)
    page.click("form[action='/forgot'] .actions button")
    page.wait_for_url("**/forgot/new")
    visitor.axe()
    page.fill("#code", live.code(f"{name}@example.com"))
    page.fill("#password", "entirely-other-words-9")
    page.click("form[action='/forgot/new'] .actions button")
    page.wait_for_url("**/login")
    page.fill("#login_name", name)
    page.fill("#password", "entirely-other-words-9")
    page.click("#login-form .actions button")
    page.wait_for_url(lambda url: "/login" not in url)


def virtual_authenticator(visitor: Visitor) -> Any:
    devtools = visitor.context.new_cdp_session(visitor.page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return devtools


@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_a_passkey_is_added_used_to_sign_in_and_removed(browse: Browse, live: LivePortal, device: str) -> None:
    name = newcomer()
    visitor = browse(device, locale="en")
    sign_up(visitor, live, name)
    page = visitor.go("/security/passkeys")
    assert "localhost" in page.locator("main .notice a").inner_text()
    visitor.axe()
    sign_out(visitor)

    home = live.url.replace("127.0.0.1", "localhost")
    virtual_authenticator(visitor)
    page = sign_in_at(visitor, home, name)
    page.wait_for_url(lambda url: "/login" not in url)
    page.goto(f"{home}/security/passkeys")
    visitor.axe()
    page.fill("#name", "My phone")
    page.click("[data-passkey] button")
    page.wait_for_url("**/security/recovery-codes")
    assert page.locator(".codes li").count() == 10
    page.goto(f"{home}/logout")
    page.click("main form[action='/logout'] button")
    page.wait_for_url(f"{home}/")
    page = sign_in_at(visitor, home, name)
    page.wait_for_url("**/login/second**")
    visitor.axe()
    page.click("[data-passkey] button")
    page.wait_for_url(lambda url: "/login" not in url)
    page.goto(f"{home}/security")
    expect(page.locator("#second-factor")).to_contain_text("My phone")
    page.click("#second-factor form[action='/security/passkeys/remove'] button")
    page.click("dialog[open] button[value=yes]")
    expect(page.locator("#second-factor")).not_to_contain_text("My phone")


def sign_in_at(visitor: Visitor, home: str, name: str) -> Page:
    page = visitor.page
    page.goto(f"{home}/login")
    page.fill("#login_name", name)
    page.fill("#password", PASSWORD)
    page.click("#login-form .actions button")
    return page


def test_the_security_page_is_sound_in_the_dark(browse: Browse, live: LivePortal) -> None:
    visitor = browse("desktop", scheme="dark")
    sign_up(visitor, live, newcomer())
    for path in ("/security", "/security/password", "/security/log", "/security/authenticator", "/logout"):
        visitor.go(path)
        visitor.axe()
        visitor.fits()


def test_the_reference_is_sound_and_asks_nothing_of_anybody_outside(browse: Browse, live: LivePortal) -> None:
    for device in ("phone", "desktop"):
        visitor = browse(device, locale="en")
        asked: list[str] = []
        visitor.page.on("request", lambda request, into=asked: into.append(request.url))
        for path in ("/docs", "/docs/brokerage", "/docs/voucher", "/docs/partner"):
            page = visitor.go(path)
            for call in page.locator("details.call > summary").all()[:3]:
                call.click()
            visitor.axe()
            visitor.fits()
        assert all(url.startswith(live.url) for url in asked)


def test_the_lock_page_and_the_question_who_one_is_are_sound(browse: Browse, live: LivePortal) -> None:
    name = newcomer()
    visitor = browse("phone")
    sign_up(visitor, live, name)
    other = browse("desktop")
    sign_in(other, name).wait_for_url(lambda url: "/login" not in url)
    mail = live.messages(f"{name}@example.com")[0]
    link = next(word for word in mail["body"].split() if "/security/lock/" in word)
    live.advance(601)
    visitor.go("/security/authenticator")
    assert "/security/confirm" in visitor.page.url
    visitor.axe()
    visitor.fits()
    page = browse("phone")
    page.go(link.removeprefix(live.url))
    page.axe()
    page.fits()
    page.page.click("main form button")
    page.page.wait_for_url("**/forgot")
    visitor.page.goto("/security")
    assert "/login" in visitor.page.url
