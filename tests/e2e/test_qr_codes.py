"""Every QR code that the portal draws, read back from the rendered page by a real decoder, as a phone's camera would."""

import uuid
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from portal.ledger.check import check
from portal.models.customers import Customer
from portal.services import addresses, networks, payments, sessions, voucher_orders
from portal.services.voucher_orders import Wanted
from tests.support import merchants, people, qr, vouchers
from tests.support.beside import app_beside
from tests.support.browser import Browse, Visitor
from tests.support.live import LivePortal
from tests.support.merchants import Shop
from tests.support.people import Person

SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


@pytest.fixture(scope="module")
def beside(live: LivePortal) -> Flask:
    return app_beside(live)


@pytest.fixture(scope="module")
def shop(beside: Flask) -> Shop:
    return merchants.shop(beside, name=f"大稻埕茶行 {uuid.uuid4().hex[:6]}", discount="10", kind="percent")


def newcomer(app: Flask, **more: str) -> Person:
    return people.customer(app.extensions["portal"], f"q{uuid.uuid4().hex[:10]}", **more)


def enter(visitor: Visitor, live: LivePortal, who: Person) -> Visitor:
    visitor.context.add_cookies([{"name": "token", "value": who.token, "url": live.url}])
    return visitor


def card(page: Page) -> str:
    """The text of the page's only QR code."""
    expect(page.locator(".qr-card")).to_have_count(1)
    return qr.read(page.locator(".qr-card"))


@SCHEMES
def test_the_counters_code_is_the_address_of_its_request(
    browse: Browse, live: LivePortal, shop: Shop, scheme: str
) -> None:
    asked = shop.ask("120.5")
    counter = enter(browse("phone", scheme=scheme), live, shop.cashier)
    page = counter.go(f"{shop.path}/counter/{asked.public_id}")
    assert card(page) == f"{live.url}/pay/{asked.code}"


@SCHEMES
def test_a_stores_sticker_leads_a_customer_to_that_store_and_pays(
    browse: Browse, live: LivePortal, beside: Flask, shop: Shop, scheme: str
) -> None:
    merchants.shop(beside, name=f"隔壁 {uuid.uuid4().hex[:6]}")  # another store, whose code must not be shown
    sticker = card(enter(browse("phone", scheme=scheme), live, shop.owner).go(f"{shop.path}/poster"))
    passer_by = browse("phone", scheme=scheme)
    assert card(passer_by.go(f"/stores/{shop.store.public_id}")) == sticker == f"{live.url}/pay/{shop.store.code}"
    mei, before = newcomer(beside, twip="500"), shop.balance()
    phone = enter(browse("phone", scheme=scheme), live, mei)
    page = phone.page
    page.goto(sticker)
    expect(page.locator("h1")).to_have_text(shop.store.name)
    page.fill("#amount", "80")
    page.click("form[action^='/pay/'] .actions button")
    page.fill("#code", live.code(mei.phone))
    page.click("form:has(#code) .actions button")
    expect(page.locator(".receipt")).to_contain_text(shop.store.name)
    [paid] = shop.portal.db.read(payments.page, mei.id)
    assert (paid.store.id, paid.order.status, paid.order.amount_units) == (shop.store.id, "paid", 72_000_000)
    assert (mei.balance("TWIP"), shop.balance() - before) == (428_000_000, 72_000_000)
    assert not shop.portal.db.read(check).violations


@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_a_code_stays_within_its_card(browse: Browse, live: LivePortal, shop: Shop, device: str) -> None:
    page = browse(device).go(f"/stores/{shop.store.public_id}")
    outer, inner = page.locator(".card:has(.qr-card)").bounding_box(), page.locator(".qr-frame").bounding_box()
    assert outer and inner
    assert outer["x"] < inner["x"] and inner["x"] + inner["width"] < outer["x"] + outer["width"]


@SCHEMES
@pytest.mark.parametrize(
    ("path", "network"),
    [
        ("/vouchers/deposit", networks.TRON),
        ("/wallet/deposit?way=usdt-tron", networks.TRON),
        ("/wallet/deposit?way=usdt-ethereum", networks.ETHEREUM),
        ("/wallet/deposit?way=eth-ethereum", networks.ETHEREUM),
    ],
)
def test_a_deposit_code_is_the_customers_own_address(
    browse: Browse, live: LivePortal, beside: Flask, path: str, network: str, scheme: str
) -> None:
    mei = newcomer(beside)
    page = enter(browse("phone", scheme=scheme), live, mei).go(path)
    read = card(page)
    own = mei.portal.db.read(addresses.owner_of, network, read)
    assert own is not None
    assert (own.owner_kind, own.owner_id, own.address) == ("customer", mei.id, read)
    assert "".join(page.locator(".qr-card .copy-value").inner_text().split()) == read


@SCHEMES
def test_the_code_of_an_order_fills_in_bank_account_and_amount(
    browse: Browse, live: LivePortal, beside: Flask, scheme: str
) -> None:
    mei = newcomer(beside)
    transact = mei.portal.db.transact
    wanted = Wanted(quantity="12345", payment_type="atm", payout_account=vouchers.PAYOUT["tungkai"])
    made = transact(voucher_orders.create, mei.id, wanted).order
    page = enter(browse("phone", scheme=scheme), live, mei).go(f"/vouchers/orders/{made.public_id}")
    page.fill("#code", live.code(mei.phone))
    page.click("form:has(#code) .actions button")
    expect(page.locator(".qr-card")).to_be_visible()
    confirmed = mei.portal.db.read(voucher_orders.find, mei.id, made.public_id)
    bank, account = (mei.portal.db.read(voucher_orders.payable, confirmed).virtual_spelled or "").split("-")
    assert card(page) == (
        "TWQRP://%E8%BD%89%E5%B8%B3/158/02/V1"
        f"?D5={bank}&D6={account.rjust(16, '0')}&D10=901&D1=1234500"
    )  # fmt: skip


@SCHEMES
def test_the_authenticators_code_holds_the_secret_that_is_bound(
    browse: Browse, live: LivePortal, beside: Flask, scheme: str
) -> None:
    mei = newcomer(beside)
    page = enter(browse("phone", scheme=scheme), live, mei).go("/security/authenticator")
    page.fill("#password", people.PASSWORD)
    page.click("form:has(#password) .actions button")
    page.wait_for_url("**/security/authenticator")
    _provisions(page, f"{mei.username}@Taroko")


@SCHEMES
def test_a_new_members_code_holds_the_secret_that_is_bound(seat: Browse, back_office: LivePortal, scheme: str) -> None:
    email = f"qr-{scheme}@taroko.example"
    made = back_office.command("staff", "create", "--email", email, "--name", "Qr", "--role", "support")
    page = seat("phone", scheme=scheme).go("/staff/login")
    page.fill("#email", email)
    page.fill("#password", made.stdout.strip().rsplit(" ", 1)[-1])
    page.click("form[action='/staff/login'] button[type=submit]")
    page.wait_for_url("**/staff/login/second**")
    _provisions(page, f"Taroko:{email}")


@SCHEMES
def test_an_institutions_codes_are_the_addresses_of_its_float(
    browse: Browse, live: LivePortal, beside: Flask, scheme: str
) -> None:
    portal = beside.extensions["portal"]
    token = portal.db.transact(_as_amy)
    visitor = browse("phone", scheme=scheme)
    visitor.context.add_cookies([{"name": "token", "value": token, "url": live.url}])
    page = visitor.go("/partner")
    page.click("a[href^='/partner/']:has-text('Sun Moon')")
    page.goto(f"{page.url}/float")
    expect(page.locator(".qr-card")).to_have_count(2)
    read = [qr.read(page.locator(".qr-card").nth(place)) for place in range(2)]
    said = next(row for row in live.get("/sandbox/institutions")["institutions"] if row["name"].startswith("Sun Moon"))
    assert read == [said["float_addresses"][network] for network in (networks.ETHEREUM, networks.TRON)]


def _as_amy(session: Session) -> str:
    amy = session.scalars(sa.select(Customer.id).where(Customer.username == "amy")).one()
    return sessions.open_session(session, amy, "brokerage", sessions.FULL, ip="127.0.0.1", user_agent="test")


def _provisions(page: Page, label: str) -> None:
    """The code is a key URI (Google Authenticator's format) with the secret that stands below it."""
    read = urlsplit(card(page))
    secret = "".join(page.locator(".qr-card .copy-value").inner_text().split())
    assert (read.scheme, read.netloc, unquote(read.path)) == ("otpauth", "totp", f"/{label}")
    assert parse_qs(read.query)["secret"] == [secret]
