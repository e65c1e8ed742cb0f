"""Withdraw, send and convert from page to page in Chromium: phones and desks, with and without JavaScript, light and dark."""

from datetime import datetime
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Page, expect

from portal.sandbox import demo_customers
from tests.support.browser import Browse, Visitor
from tests.support.live import LivePortal

SECRETS = {person.username: person.totp_secret for person in demo_customers.PEOPLE}
TRON = "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj"
PAGES = (
    "/wallet/withdraw?asset=TWD", "/wallet/withdraw?asset=USDT", "/wallet/addresses", "/send", "/convert?from=USDT&to=TWD&amount=50",
    "/limits", "/security/api-keys", "/security/api-keys/doctor", "/notifications", "/statements", "/alerts", "/portfolio",
)  # fmt: skip


def totp(live: LivePortal, name: str) -> str:
    """A code of a step that was not used yet: the portal's clock moves on to the next one."""
    moment = datetime.fromisoformat(live.advance(31))
    return pyotp.TOTP(SECRETS[name]).at(int(moment.timestamp()))


def sign_in(visitor: Visitor, live: LivePortal, name: str) -> None:
    page = visitor.go("/login")
    page.fill("#login_name", name)
    page.fill("#password", demo_customers.PASSWORD)
    page.click("#login-form .actions button")
    page.wait_for_url("**/login/second**")
    page.fill("#code", totp(live, name))
    page.click("form:has(#code) .actions button")
    page.wait_for_url(lambda url: "/login" not in url)


def looked_at(visitor: Visitor, javascript: bool) -> None:
    if javascript:
        visitor.axe()
    visitor.fits()


def balance(live: LivePortal, page: Page, asset: str) -> Any:
    """What the customer of this window holds, by the brokerage API."""
    token = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "token")
    answer = live.http.get("/v1/wallet/balance", params={"currency": "TWD"}, headers={"token": token}).json()
    return next(row for row in answer["data"]["balance"] if row["currency"] == asset)


@pytest.mark.parametrize(
    ("device", "javascript", "scheme"),
    [("phone", True, "light"), ("desktop", True, "dark"), ("phone", False, "light"), ("desktop", False, "light")],
)
def test_a_withdrawal_from_the_form_to_its_arrival(
    browse: Browse, live: LivePortal, device: str, javascript: bool, scheme: str
) -> None:
    visitor = browse(device, javascript=javascript, scheme=scheme, locale="en" if device == "desktop" else "zh-TW")
    sign_in(visitor, live, "amy")
    page = visitor.go("/wallet/withdraw?asset=USDT")
    before = balance(live, page, "USDT")
    looked_at(visitor, javascript)
    page.check("input[name=network][value=TRON]")
    page.fill("#address", TRON)
    page.locator("#amount").press_sequentially("25")
    if javascript:
        expect(page.locator("#summary .sum dd")).to_contain_text("24")
    page.fill("#totp", totp(live, "amy"))
    page.click("form[action='/wallet/withdraw'] .actions button")
    page.wait_for_url("**/wallet/withdraw/*")
    looked_at(visitor, javascript)
    page.fill("#code", live.code("amy@example.com"))
    page.click("#code-step form[action$='/confirm'] .actions button")
    expect(page.locator("#status-step")).to_be_visible()
    looked_at(visitor, javascript)
    live.run_worker()
    live.post("/sandbox/chain/blocks", network="TRON", count=25)
    live.run_worker()
    if not javascript:
        page.reload()
    expect(page.locator("#status-step a[href*='tronscan']")).to_be_visible()
    expect(page.locator("#status-step .badge.done").first).to_be_visible()
    after = balance(live, page, "USDT")
    assert round(before["total"] - after["total"], 6) == 25
    looked_at(visitor, javascript)


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "without"])
def test_a_transfer_from_the_form_by_the_mail_to_the_receiver(
    browse: Browse, live: LivePortal, javascript: bool
) -> None:
    visitor = browse("phone", javascript=javascript)
    sign_in(visitor, live, "amy")
    page = visitor.go("/send")
    looked_at(visitor, javascript)
    page.fill("#receiver", "ben")
    page.fill("#receiver_email", "ben@example.com")
    page.select_option("#asset", "USDT")
    page.fill("#amount", "7")
    page.fill("#note", "hx-get=/logout <b>thanks</b>")
    page.fill("#totp", totp(live, "amy"))
    page.click("form[action='/send'] .actions button")
    page.wait_for_url("**/send/*")
    looked_at(visitor, javascript)
    path = page.url
    live.run_worker()
    link = next(mail for mail in live.messages("amy@example.com") if mail["code"] and "emailtransfer" in mail["body"])
    page.goto(f"/v1/validate/emailtransfer?code={link['code']}")
    assert page.url == path
    looked_at(visitor, javascript)
    page.click("form[action$='/confirm'] button")
    expect(page.locator("#transfer .badge.done")).to_be_visible()
    expect(page.get_by_text("<b>thanks</b>")).to_be_visible()
    receiver = browse("desktop", javascript=javascript, locale="en")
    sign_in(receiver, live, "ben")
    told = receiver.go("/notifications")
    expect(told.get_by_text("7.00\u00a0USDT").first).to_be_visible()
    looked_at(receiver, javascript)


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "without"])
def test_a_conversion_is_seen_before_it_is_done(browse: Browse, live: LivePortal, javascript: bool) -> None:
    visitor = browse("phone", javascript=javascript, locale="en")
    sign_in(visitor, live, "amy")
    page = visitor.go("/convert?from=USDT")
    before = balance(live, page, "USDT")
    page.locator("#amount").press_sequentially("10")
    page.select_option("#to", "TWD")
    if not javascript:
        page.click("form[action='/convert'][method=get] .actions button")
    expect(page.locator("form[action='/convert'][method=post] .sum dd")).to_be_visible()
    looked_at(visitor, javascript)
    page.click("form[action='/convert'][method=post] .actions button")
    page.wait_for_url("**/wallet/history")
    assert round(before["total"] - balance(live, page, "USDT")["total"], 6) == 10


def test_the_two_ends_of_an_account_frozen_from_a_mail(browse: Browse, live: LivePortal) -> None:
    """The link shows a page; only its button freezes. Ben opens it on a phone without a session."""
    visitor = browse("desktop", locale="en")
    sign_in(visitor, live, "ben")
    page = visitor.go("/wallet/withdraw?asset=USDT")
    page.check("input[name=network][value=TRON]")
    page.fill("#address", TRON)
    page.fill("#amount", "20")
    page.fill("#totp", totp(live, "ben"))
    page.click("form[action='/wallet/withdraw'] .actions button")
    page.wait_for_url("**/wallet/withdraw/*")
    live.run_worker()
    mail = next(
        mail
        for mail in live.messages("ben@example.com")
        if "/security/lock/" in mail["body"] and "USDT" in mail["subject"]
    )
    path = "/security/lock/" + mail["body"].split("/security/lock/")[1].split()[0]
    phone = browse("phone")
    opened = phone.go(path)
    phone.axe()
    assert visitor.go("/wallet/addresses").url.endswith("/wallet/addresses")
    opened.click(f"form[action='{path}'] button")
    if opened.locator("dialog[open] [data-confirm-yes]").count():
        opened.click("dialog[open] [data-confirm-yes]")
    opened.wait_for_url(lambda url: "/security/lock/" not in url)
    page.goto("/wallet/addresses")
    expect(page.locator("#login-form")).to_be_visible()


@pytest.mark.parametrize(
    ("device", "scheme"), [("phone", "light"), ("phone", "dark"), ("desktop", "light"), ("desktop", "dark")]
)
def test_every_page_reads_well_on_every_device(browse: Browse, live: LivePortal, device: str, scheme: str) -> None:
    visitor = browse(device, scheme=scheme, locale="en" if scheme == "dark" else "zh-TW")
    sign_in(visitor, live, "amy")
    for path in PAGES:
        visitor.go(path)
        visitor.axe()
        visitor.fits()
        visitor.picture(f"money-out-{path.strip('/').split('?')[0].replace('/', '-')}-{device}-{scheme}")


def test_somebody_who_has_only_just_signed_up_is_told_what_is_missing(browse: Browse, live: LivePortal) -> None:
    from tests.e2e import test_identity as identity

    for device in ("phone", "desktop"):
        visitor = browse(device)
        identity.sign_up(visitor, live, identity.newcomer())
        for path in PAGES:
            visitor.go(path)
            visitor.axe()
            visitor.fits()
