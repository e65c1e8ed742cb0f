"""Signing up and in on pages, the second factor, passwords, devices, the link that locks."""

import re
from collections.abc import Callable
from typing import Any

import pyotp
import pytest
from flask import Flask

from tests.support import newcomers, people
from tests.support.client import PageClient
from tests.support.pages import Page

Visitor = Callable[..., PageClient]
PASSWORD = "plum-river-2026-lantern"


def captcha_text(portal: Any, page: Page) -> str:
    from portal.models.security import Captcha

    with portal.db.session() as session:
        found = session.get(Captcha, page.one("input[name=captcha_id]")["value"])
        assert found is not None
        return str(found.text)


def sign_in(client: PageClient, person: people.Person, password: str | None = None, **more: Any) -> Page:
    page = client.page("/login", **more)
    return client.submit(page, "/login", login_name=person.username, password=password or person.password, status=303)


def at(client: PageClient) -> str:
    assert client.last is not None
    return client.last.headers["Location"]


@pytest.fixture
def amy(portal: Any) -> people.Person:
    return people.customer(portal, "amy")


def test_a_stranger_signs_up_verifies_the_address_and_is_in(app: Flask, portal: Any, client: PageClient) -> None:
    page = client.page("/signup")
    client.submit(
        page, "/signup", username="Nina", email="nina@example.com", password=PASSWORD,
        captcha_text=captcha_text(portal, page), status=303,
    )  # fmt: skip
    assert at(client) == "/signup/verify"
    page = client.page("/signup/verify")
    assert "ni***@example.com" in page.text
    wrong = client.submit(page, "/signup/verify", code="12", status=422)
    assert any("The code is not right" in error for error in wrong.errors)
    code = newcomers.code(portal, app, "nina@example.com")
    client.submit(wrong, "/signup/verify", code=code, status=303)
    assert at(client) == "/kyc"
    assert "Nina" in client.page("/security").text


def test_a_sign_up_with_mistakes_keeps_what_was_typed_and_says_what_is_wrong(portal: Any, client: PageClient) -> None:
    page = client.page("/signup")
    page = client.submit(page, "/signup", username="x", email="nina@example.com", password=PASSWORD, status=422)
    assert any("3 to 32" in error for error in page.errors)
    assert page.one("input[name=email]")["value"] == "nina@example.com"
    assert page.one("input[name=password]")["value"] == ""
    for password, words in (("short", "at least 8"), ("Password123!", "Many people"), ("", "enter a password")):
        page = client.submit(page, "/signup", username="nina", password=password, status=422)
        assert any(words in error for error in page.errors), page.errors
    again = client.submit(page, "/signup", username="nina", again="1", status=200)
    assert again.one("input[name=captcha_id]")["value"] != page.one("input[name=captcha_id]")["value"]
    wrong = client.submit(again, "/signup", password=PASSWORD, captcha_text="????", status=422)
    assert any("picture" in error for error in wrong.errors)
    part = client.page("/captcha", htmx=True)
    assert part.one("#captcha img")["src"].startswith("data:image/jpeg;base64,")


def test_a_captcha_can_be_heard_while_it_lives(portal: Any, client: PageClient) -> None:
    page = client.page("/signup")
    source = page.one("#captcha audio")["src"]
    heard = client.raw.get(source)
    assert heard.mimetype == "audio/wav" and heard.data[:4] == b"RIFF"
    assert client.raw.get("/captcha/1.wav").status_code == 404
    portal.clock.advance(301)
    assert client.raw.get(source).status_code == 404


def test_wrong_passwords_bring_the_captcha_for_known_and_unknown_alike(
    portal: Any, visitor: Visitor, amy: people.Person
) -> None:
    seen = []
    for name in ("amy", "nobody"):
        client = visitor()
        page = client.page("/login")
        for _ in range(3):
            assert not page.all("#captcha")
            page = client.submit(page, "/login", login_name=name, password="wrong", status=422)
        assert page.all("#captcha")
        page = client.submit(page, "/login", password=amy.password, status=422)
        seen.append((page.errors, page.words("main").replace(name, "…")))
    assert seen[0] == seen[1]
    page = visitor().submit("/login", "/login", login_name="amy", password="wrong", status=422)
    client = visitor()
    page = client.submit("/login", "/login", login_name="amy", password="wrong", status=422)
    client.submit(page, "/login", password=amy.password, captcha_text=captcha_text(portal, page), status=303)
    assert at(client) == "/wallet"


def test_signing_in_leads_back_but_never_out_of_the_portal(visitor: Visitor, amy: people.Person) -> None:
    for wanted, led in (
        ("/security", "/security"), ("//evil.example", "/wallet"), ("https://evil.example", "/wallet"),
        ("/\\evil.example", "/wallet"), ("javascript:alert(1)", "/wallet"),
    ):  # fmt: skip
        client = visitor()
        sign_in(client, amy, next=wanted)
        assert at(client) == led
    stranger = visitor()
    stranger.page("/security", status=303)
    assert at(stranger) == "/login?next=/security"


def test_a_form_without_its_token_or_from_another_site_is_refused(app: Flask, amy: people.Person) -> None:
    form = {"login_name": "amy", "password": amy.password}
    assert app.test_client().post("/login", data=form).status_code == 403


def test_after_signing_out_nothing_is_shown_and_nothing_was_kept(client: PageClient, amy: people.Person) -> None:
    sign_in(client, amy)
    client.page("/security")
    assert client.last is not None and client.last.headers["Cache-Control"] == "no-store"
    token = client.raw.get_cookie("token")
    assert token is not None
    client.submit(client.page("/logout"), "/logout", status=303)
    assert client.raw.get_cookie("token") is None
    client.raw.set_cookie("token", token.value)
    client.page("/security", status=303)
    assert at(client).startswith("/login")


def test_setting_up_an_authenticator_and_using_it(portal: Any, visitor: Visitor, amy: people.Person) -> None:
    client = visitor()
    sign_in(client, amy)
    page = client.page("/security/authenticator")
    secret = page.words(".copy-value").replace(" ", "")
    assert page.one("svg.qr") and client.page("/security/authenticator").words(".copy-value").replace(" ", "") == secret
    page = client.submit(page, "/security/authenticator", code="000", status=422)
    assert any("not right" in error for error in page.errors)
    code = pyotp.TOTP(secret).at(int(portal.clock.now().timestamp()))
    client.submit(page, "/security/authenticator", code=code, status=303)
    shown = client.page("/security/recovery-codes")
    codes = [tag.get_text() for tag in shown.all(".codes li")]
    assert len(set(codes)) == 10
    client.page("/security/recovery-codes", status=303)
    assert "10 codes are left" in client.page("/security").text

    second = visitor()
    sign_in(second, amy)
    assert at(second) == "/login/second?next=/wallet"
    second.page("/security", status=303)
    page = second.page("/login/second")
    page = second.submit(page, "/login/second", having="code", code=code, status=422)
    assert any("used already" in error for error in page.errors)
    portal.clock.advance(30)
    fresh = pyotp.TOTP(secret).at(int(portal.clock.now().timestamp()))
    second.submit(page, "/login/second", having="code", code=fresh, status=303)
    second.page("/security")

    third = visitor()
    sign_in(third, amy)
    page = third.submit("/login/second", "/login/second", having="recovery_code", recovery_code="nonsense", status=422)
    third.submit(page, "/login/second", having="recovery_code", recovery_code=codes[4].upper(), status=303)
    assert "9 codes are left" in third.page("/security").text


def test_risky_acts_ask_again_who_one_is(portal: Any, visitor: Visitor, amy: people.Person) -> None:
    client = visitor()
    sign_in(client, amy)
    portal.clock.advance(601)
    client.page("/security/authenticator", status=303)
    assert at(client) == "/security/confirm?next=/security/authenticator"
    page = client.page(at(client))
    page = client.submit(page, "/security/confirm", password="wrong", status=422)
    assert any("password is not right" in error for error in page.errors)
    client.submit(page, "/security/confirm", password=amy.password, status=303)
    assert at(client) == "/security/authenticator"
    client.page("/security/authenticator")


def test_with_an_authenticator_its_code_is_what_is_asked_again(portal: Any, visitor: Visitor) -> None:
    ben = people.customer(portal, "ben", totp=True)
    client = visitor()
    client.raw.set_cookie("token", ben.token)
    page = client.page("/security/confirm", next="/security/passkeys")
    page = client.submit(page, "/security/confirm", having="code", code="123", status=422)
    client.submit(page, "/security/confirm", having="code", code=ben.code(), status=303)
    assert at(client) == "/security/passkeys"


def test_taking_the_authenticator_off_needs_its_code_or_a_recovery_code(portal: Any, visitor: Visitor) -> None:
    from portal.services import second_factor

    for by in ("code", "recovery_code"):
        person = people.customer(portal, totp=True)
        codes = portal.db.transact(second_factor.renew_recovery_codes, "customer", person.id)
        client = visitor()
        client.raw.set_cookie("token", person.token)
        page = client.page("/security/authenticator/remove")
        page = client.submit(page, "/security/authenticator/remove", having=by, **{by: "1"}, status=422)
        right = person.code() if by == "code" else codes[0]
        client.submit(page, "/security/authenticator/remove", having=by, **{by: right}, status=303)
        assert not portal.db.read(second_factor.is_bound, "customer", person.id)


def test_changing_the_password_and_signing_out_elsewhere(portal: Any, visitor: Visitor, amy: people.Person) -> None:
    here, there = visitor(), visitor()
    sign_in(here, amy)
    sign_in(there, amy)
    page = here.page("/security")
    assert len(page.all("#devices li")) == 3
    here.submit(page, "/security/devices/end-others", status=303)
    there.page("/security", status=303)
    sign_in(there, amy)
    page = here.page("/security/password")
    page = here.submit(page, "/security/password", old_password="wrong", new_password=PASSWORD, status=422)
    page = here.submit(page, "/security/password", old_password=amy.password, new_password="short", status=422)
    here.submit(page, "/security/password", old_password=amy.password, new_password=PASSWORD, status=303)
    there.page("/security", status=303)
    sign_in(there, amy, PASSWORD)
    assert "Password changed" in here.page("/security/log").text


def test_one_device_can_be_signed_out_and_nobody_elses(portal: Any, visitor: Visitor, amy: people.Person) -> None:
    ben = people.customer(portal, "ben")
    mine, his = visitor(), visitor()
    sign_in(mine, amy)
    sign_in(his, ben)
    page = his.page("/security")
    form = next(form for form in page.forms() if form.action.endswith("/security/devices/end"))
    foreign = form.values["device"]
    mine_page = mine.page("/security")
    mine.submit(mine_page, "/security/devices/end", device=foreign, status=404)
    mine.submit(mine_page, "/security/devices/end", device="no such", status=404)
    his.page("/security")
    mine.submit(mine_page, "/security/devices/end", status=303)
    assert len(mine.page("/security").all("#devices li")) == 1


@pytest.mark.parametrize("name", ["amy", "nobody", "nobody@example.com"])
def test_asking_for_a_new_password_answers_everyone_alike(
    app: Flask, portal: Any, client: PageClient, amy: people.Person, name: str
) -> None:
    client.submit("/forgot", "/forgot", login_name=name, status=303)
    assert at(client) == "/forgot/new"
    page = client.page("/forgot/new")
    assert "If there is such an account" in page.text
    if name != "amy":
        page = client.submit(page, "/forgot/new", code="123456", password=PASSWORD, status=422)
        assert any("not right" in error for error in page.errors)
        return
    code = newcomers.code(portal, app, amy.email)
    page = client.submit(page, "/forgot/new", code=code, password="weak", status=422)
    client.submit(page, "/forgot/new", code=code, password=PASSWORD, status=303)
    assert at(client) == "/login"
    sign_in(client, amy, PASSWORD)
    assert at(client) == "/wallet"


def test_an_unverified_customer_is_led_to_the_code_and_not_in(
    app: Flask, portal: Any, visitor: Visitor, brokerage: Any
) -> None:
    newcomers.register(brokerage(), portal, "otto")
    client = visitor()
    client.submit("/login", "/login", login_name="otto", password=PASSWORD, status=303)
    assert at(client) == "/signup/verify"
    client.page("/security", status=303)
    client.submit("/signup/verify", "/signup/verify", code=newcomers.code(portal, app, "otto@example.com"), status=303)
    client.page("/security")
    visitor().page("/signup/verify", status=303)


def test_the_link_in_the_mail_locks_only_when_its_button_is_pressed(
    app: Flask, portal: Any, visitor: Visitor, amy: people.Person
) -> None:
    client = visitor()
    sign_in(client, amy)
    mail = newcomers.sent(portal, app, amy.email)[0]
    link = re.search(r"http://localhost(/security/lock/\S+)", mail["body"])
    assert link is not None
    reader = visitor()
    page = reader.page(link.group(1))
    client.page("/security")
    reader.page(link.group(1) + "x", status=404)
    reader.submit(page, link.group(1), status=303)
    client.page("/security", status=303)
    page = visitor().submit("/login", "/login", login_name="amy", password=amy.password, status=403)
    assert "This account is locked" in page.text
    portal.clock.advance(7 * 86400 + 1)
    reader.page(link.group(1), status=404)


def test_language_theme_and_price_colours_are_kept_with_the_account(visitor: Visitor, amy: people.Person) -> None:
    client = visitor()
    sign_in(client, amy)
    chosen = {"locale": "en", "theme": "dark", "price_colours": "western"}
    client.submit(client.page("/security"), "/security/display", **chosen, status=303)
    root = client.page("/security").one("html")
    assert (root["lang"], root["data-theme"], root["data-price-colours"]) == ("en", "dark", "western")
    client.submit(client.page("/security"), "/security/display", theme="purple", status=400)
    other = visitor()
    sign_in(other, amy)
    assert other.page("/security").one("html")["data-theme"] == "dark"


def test_pages_speak_chinese_first(visitor: Visitor) -> None:
    client = visitor("zh-TW")
    assert "註冊" in client.page("/signup").text
    assert "登入" in client.page("/login").title


def test_texts_from_the_network_stay_text(visitor: Visitor, portal: Any, amy: people.Person) -> None:
    client = visitor()
    client.headers["User-Agent"] = '<img src=x onerror=alert(1) hx-get="/logout">'
    sign_in(client, amy)
    assert not client.page("/security").all("[hx-get='/logout'], img[onerror]")
    page = visitor().submit("/login", "/login", login_name="<script>x</script>", password="x", status=422)
    assert page.one("input[name=login_name]")["value"] == "<script>x</script>"
