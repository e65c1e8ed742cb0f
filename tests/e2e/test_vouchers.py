"""Vouchers in a browser: a newcomer adds a bank account, buys, pays at a counter's code; with JavaScript and without."""

import itertools
import secrets
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from portal.models.customers import Company
from tests.support import people
from tests.support.beside import app_beside
from tests.support.browser import Browse, Visitor
from tests.support.live import LivePortal

PASSWORD = "plum-river-2026-lantern"

_numbers = itertools.count(secrets.randbelow(9000) * 1000)


@dataclass(frozen=True)
class Newcomer:
    """Somebody who signed up over the voucher family's calls; `token` is the bearer token."""

    phone: str
    email: str
    token: str

    def headers(self) -> dict[str, str]:
        """What a voucher call of hers carries."""
        return {"Authorization": f"Bearer {self.token}"}


def newcomer(live: LivePortal) -> Newcomer:
    """Signs up: phone, code, mail, code, password."""
    phone = f"+8869{next(_numbers):08d}"
    email = f"v{secrets.token_hex(5)}@example.com"
    base = {"phone": phone, "user_source": "tungkai"}
    live.post("/api/v1/register/register_phone", **base)
    live.post("/api/v1/register/verify_phone", **base, otp=live.code(phone))
    live.post("/api/v1/register/set_email", **base, email=email)
    live.post("/api/v1/register/verify_email", **base, email=email, otp=live.code(email))
    passwords = {"password": PASSWORD, "password_confirmation": PASSWORD}
    live.post("/api/v1/register/set_password", **base, email=email, **passwords)
    said = live.post("/api/v1/login", email=email, password=PASSWORD, user_source="tungkai")
    return Newcomer(phone, email, said["data"]["token"])


def enter(visitor: Visitor, person: Newcomer, live: LivePortal) -> None:
    visitor.context.add_cookies([{"name": "token", "value": person.token, "url": live.url}])


def press(visitor: Visitor, words: str) -> None:
    """Presses a button and waits for the page it leads to."""
    visitor.page.get_by_role("button", name=words, exact=True).first.click()
    visitor.page.wait_for_load_state()


def sound(visitor: Visitor, javascript: bool = True) -> None:
    """The page fits its window and axe, which is a script itself, finds nothing."""
    visitor.fits()
    if javascript:
        visitor.axe()


@pytest.mark.parametrize(("device", "javascript"), [("phone", True), ("phone", False), ("desktop", True)])
def test_from_a_bank_account_to_a_paid_bill(browse: Browse, live: LivePortal, device: str, javascript: bool) -> None:
    mei = newcomer(live)
    visitor = browse(device, javascript=javascript)
    enter(visitor, mei, live)
    page = visitor.go("/vouchers")
    sound(visitor, javascript)
    _add_bank_account(visitor, live, mei, javascript)
    _buy(visitor, live, mei, javascript)
    store = live.get("/sandbox/stores")["stores"][0]
    page = visitor.go(f"/pay/{store['code']}")
    page.get_by_label("帳單金額").fill("200")
    if javascript:
        page.get_by_text("您的餘額").wait_for()
    sound(visitor, javascript)
    press(visitor, "繼續")
    page.get_by_label("六位數驗證碼").fill(live.code(mei.phone))
    sound(visitor, javascript)
    page.get_by_role("button", name="付款 190 TWIP").click()
    page.get_by_role("heading", name="已付款").first.wait_for()
    assert store["name"] in page.inner_text("main")
    sound(visitor, javascript)
    visitor.go("/payments")
    sound(visitor, javascript)
    held = live.http.get("/api/v1/me/assets", headers=mei.headers()).json()["data"]
    assert held[0] == {"asset": "TWIP", "free": 1310, "locked": 0}


def _add_bank_account(visitor: Visitor, live: LivePortal, mei: Newcomer, javascript: bool) -> None:
    page = visitor.go("/vouchers/bank-account")
    page.get_by_label("戶名").fill("陳美")
    page.get_by_label("銀行", exact=True).select_option("013")
    page.get_by_label("分行代碼").fill("0017")
    page.get_by_label("帳號").fill(mei.phone[-8:] + "1234")
    page.get_by_label("您的密碼").fill(PASSWORD)
    sound(visitor, javascript)
    press(visitor, "傳送驗證碼")
    page.get_by_label("六位數驗證碼").fill(live.code(mei.phone))
    sound(visitor, javascript)
    press(visitor, "驗證帳戶")
    page.get_by_text("您的銀行帳戶已通過驗證").first.wait_for()


def _buy(visitor: Visitor, live: LivePortal, mei: Newcomer, javascript: bool) -> None:
    page = visitor.go("/vouchers/buy")
    page.get_by_label("要多少禮券？").fill("1500")
    if javascript:
        page.get_by_text("您需轉帳").wait_for()
    page.get_by_label("您的密碼").fill(PASSWORD)
    sound(visitor, javascript)
    press(visitor, "繼續")
    page.get_by_label("六位數驗證碼").fill(live.code(mei.phone))
    press(visitor, "確認訂單")
    page.get_by_role("heading", name="請轉帳").wait_for()
    sound(visitor, javascript)
    [order] = live.http.get("/api/v1/orders", headers=mei.headers()).json()["data"]
    live.post("/sandbox/bank/credits", account=order["payer_account"], amount=1500)
    if not javascript:
        page.reload()
    page.get_by_role("heading", name="您的禮券已入帳").wait_for()
    sound(visitor, javascript)


@pytest.mark.parametrize("javascript", [True, False])
def test_every_other_page_is_sound_on_a_phone(browse: Browse, live: LivePortal, javascript: bool) -> None:
    mei = newcomer(live)
    visitor = browse("phone", javascript=javascript, scheme="dark", locale="en-US")
    enter(visitor, mei, live)
    store = live.get("/sandbox/stores")["stores"][1]
    for path in (
        "/vouchers/swap", "/vouchers/redeem", "/vouchers/withdraw", "/vouchers/deposit", "/vouchers/orders", "/payments",
        "/cards", "/stores", "/stores?near=25.03,121.54", f"/stores/{store['id']}", f"/pay/{store['code']}",
    ):  # fmt: skip
        visitor.go(path)
        sound(visitor, javascript)


def test_a_visitor_finds_a_store_without_signing_in(browse: Browse, live: LivePortal) -> None:
    visitor = browse("phone", permissions=["geolocation"], geolocation={"latitude": 24.1387, "longitude": 120.6845})
    page = visitor.go("/stores")
    page.get_by_role("button", name="我附近的商家").click()
    page.wait_for_url("**/stores?near=*")
    assert page.locator("#rows h2").first.inner_text() == "綠川茶事"
    sound(visitor)
    page.locator("#rows h2 a").first.click()
    page.get_by_role("link", name="在此付款").click()
    page.get_by_role("link", name="登入付款").wait_for()
    sound(visitor)


def test_a_card_is_registered_on_a_phone(browse: Browse, live: LivePortal) -> None:
    mei = newcomer(live)
    visitor = browse("phone")
    enter(visitor, mei, live)
    page = visitor.go("/cards")
    page.get_by_label("卡片編號").fill(secrets.token_hex(10))
    press(visitor, "傳送驗證碼")
    page.get_by_label("六位數驗證碼").fill(live.code(mei.phone))
    sound(visitor)
    press(visitor, "註冊卡片")
    page.get_by_text("您的卡片已註冊。").wait_for()
    sound(visitor)


@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_a_long_company_name_gives_way_to_the_ways_and_tools(browse: Browse, live: LivePortal, device: str) -> None:
    portal = app_beside(live).extensions["portal"]
    code = f"long{secrets.token_hex(4)}"
    person = people.customer(portal, f"wolfeschlegelstein{secrets.token_hex(6)}", company=code)
    name = "環宇國際數位禮券暨支付服務科技股份有限公司臺北分公司"
    portal.db.transact(
        lambda session: session.execute(sa.update(Company).where(Company.code == code).values(name=name))
    )
    visitor = browse(device)
    visitor.context.add_cookies([{"name": "token", "value": person.token, "url": live.url}])
    page = visitor.go("/vouchers")
    assert name in page.title()
    shown = [*page.locator(".site-head .brand, .site-nav a, .head-tools > *").all()]
    boxes = [box for box in (one.bounding_box() for one in shown if one.is_visible()) if box]
    assert len(boxes) > 3
    for left, right in itertools.pairwise(boxes):
        assert left["x"] + left["width"] <= right["x"] + 1, "nothing in the head lies on its neighbour"
    sound(visitor)
