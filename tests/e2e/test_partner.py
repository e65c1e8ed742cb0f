"""A partner in Chromium: from the first sign-in to a loaded card; and the reference's programs, run as they stand."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from html import unescape
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Page, expect

from portal.sandbox import demo_customers
from tests.support.browser import Browse, Visitor
from tests.support.live import LivePortal

AMY = next(person.totp_secret for person in demo_customers.PEOPLE if person.username == "amy")


def sign_in(visitor: Visitor, live: LivePortal) -> None:
    """Amy signs in with her authenticator, a step that was not used yet."""
    page = visitor.go("/login?next=/partner")
    page.fill("#login_name", "amy")
    page.fill("#password", demo_customers.PASSWORD)
    page.click("#login-form .actions button")
    page.wait_for_url("**/login/second**")
    moment = datetime.fromisoformat(live.advance(31))
    page.fill("#code", pyotp.TOTP(AMY).at(int(moment.timestamp())))
    page.click("form:has(#code) .actions button")
    page.wait_for_url(lambda url: "/login" not in url)


def go_on(page: Page, path: str, live: LivePortal) -> None:
    page.goto(live.url + path)


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "without"])
@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_from_the_first_sign_in_to_a_loaded_card(
    browse: Browse, live: LivePortal, device: str, javascript: bool
) -> None:
    visitor = browse(device, javascript=javascript, locale="en")
    visitor.context.add_cookies([{"name": "language", "value": "en", "url": live.url}])
    sign_in(visitor, live)
    page = visitor.page

    def sound() -> None:
        if javascript:
            visitor.axe()
        visitor.fits()

    sound()
    page.click("a[href^='/partner/']:has-text('Sun Moon')")
    base = page.url.removeprefix(live.url)
    expect(page.locator("h1")).to_have_text("Sun Moon Financial Services")
    sound()
    go_on(page, f"{base}/playground", live)
    sound()
    page.click(f"form[action='{base}/playground/people'] button")
    acct_no = re.search(r"TEST-\d{6}", page.locator("#notices").inner_text())
    assert acct_no
    waiting = page.locator("li", has_text=acct_no.group())
    waiting.locator("button", has_text="Approve").click()
    expect(page.locator("#notices")).to_contain_text(acct_no.group())
    go_on(page, f"{base}/people?acct_no={acct_no.group()}", live)
    sound()
    page.click(f"#rows a:has-text('{acct_no.group()}')")
    sound()
    page.click("form[action$='/card'] button")
    page.wait_for_url("**/cards/*")
    sound()
    page.click("form[action$='/activate'] button")
    expect(page.locator(".page-head")).to_contain_text("Active")
    page.fill("#amount", "100")
    page.click("#loading form[method=get] button[type=submit]")
    expect(page.locator("#loading .sum")).to_contain_text("95")
    sound()
    page.click("#loading form[action$='/load'] button")
    page.wait_for_url("**/loads/*")
    live.run_worker()
    if javascript:
        expect(page.locator("#load .badge")).to_have_text("Loaded")
    else:
        page.reload()
        expect(page.locator("#load .badge")).to_have_text("Loaded")
    sound()
    visitor.picture(f"partner-load-{device}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_every_page_is_accessible_and_fits(browse: Browse, live: LivePortal, device: str, scheme: str) -> None:
    visitor = browse(device, scheme=scheme)
    sign_in(visitor, live)
    visitor.page.click("a[href^='/partner/']:has-text('Sun Moon')")
    base = visitor.page.url.removeprefix(live.url)
    for below in (
        "", "/float", "/people", "/cards", "/loads", "/fees?amount=100", "/keys", "/requests", "/doctor", "/webhooks",
        "/reference", "/members", "/playground",
    ):  # fmt: skip
        page = visitor.go(base + below)
        visitor.axe()
        visitor.fits()
        assert page.locator("h1").count() == 1
    visitor.go(base)
    visitor.picture(f"partner-home-{device}-{scheme}")


@pytest.fixture(scope="module")
def fresh(live_on: Callable[..., LivePortal]) -> LivePortal:
    """A portal whose clock nobody has moved, as other people's programs expect it."""
    return live_on()


def program(fresh: LivePortal, browse_text: str, language: str) -> str:
    """A program as the reference page shows it."""
    found = re.search(rf'<pre[^>]*data-program="{language}"[^>]*>(.*?)</pre>', browse_text, re.DOTALL)
    assert found, f"no program in {language}"
    return unescape(found.group(1)).lstrip("\n")


@pytest.fixture(scope="module")
def reference(fresh: LivePortal) -> str:
    """The reference page, fetched by Amy."""
    http = fresh.http
    page = http.get("/login").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    said = http.post(
        "/login", data={"csrf_token": token.group(1), "login_name": "amy", "password": demo_customers.PASSWORD}
    )
    step = http.get(said.headers["location"]).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', step)
    assert token
    code = pyotp.TOTP(AMY).now()
    http.post(said.headers["location"], data={"csrf_token": token.group(1), "code": code})
    chooser = http.get("/partner").text
    base = re.search(r'href="(/partner/[0-9a-f-]{36})"', chooser)
    assert base, chooser[:500]
    return http.get(f"{base.group(1)}/reference").text


RUN = {
    "python": lambda file: [sys.executable, str(file)],
    "curl": lambda file: ["bash", str(file)],
    "javascript": lambda file: ["node", str(file)],
    **({"java": lambda file: ["java", str(file)]} if shutil.which("java") else {}),
}
NAMES = {"python": "signed.py", "curl": "signed.sh", "javascript": "signed.mjs", "java": "Signed.java"}


@pytest.mark.parametrize("language", sorted(RUN))
@pytest.mark.parametrize("number", [0, 1], ids=["plain", "passphrase"])
def test_the_references_programs_run_as_they_stand(
    fresh: LivePortal, reference: str, tmp_path: Path, language: str, number: int
) -> None:
    institution = fresh.get("/sandbox/institutions")["institutions"][number]
    file = tmp_path / NAMES[language]
    file.write_text(program(fresh, reference, language), encoding="utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "PORTAL_KEY": institution["api_key"],
        "PORTAL_SECRET": institution["api_secret"],
        **({"PORTAL_PASSPHRASE": institution["passphrase"]} if institution["passphrase"] else {}),
    }
    done = subprocess.run(RUN[language](file), env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert '"exchange_rate"' in done.stdout and "1.00145966373" in done.stdout
    assert "95.13" in done.stdout
