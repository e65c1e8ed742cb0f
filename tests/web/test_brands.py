"""Stores and vouchers in their company's look, and what the frame of a page tells of news and consoles."""

from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from PIL import Image

from portal.models.customers import Company
from portal.services import brands, notifications, store_members, voucher_orders
from portal.services.voucher_orders import Wanted
from tests.support import desk, people, vouchers
from tests.support.client import PageClient


def picture(kind: str = "PNG") -> bytes:
    made = BytesIO()
    Image.new("RGB", (120, 28), (200, 30, 60)).save(made, kind)
    return made.getvalue()


@pytest.fixture
def cafe(portal: Any) -> Any:
    vouchers.open_companies(portal)
    store = vouchers.open_store(portal)

    def dress(session: Any) -> None:
        session.execute(
            sa.update(Company).where(Company.id == store.company_id).values(name="東楷禮券", colour="#8a1c5b")
        )

    portal.db.transact(dress)
    return store


@pytest.fixture
def amy(portal: Any, cafe: Any) -> people.Person:
    return people.customer(portal, "amy", twip="500")


@pytest.fixture
def pages(client: PageClient, amy: people.Person) -> PageClient:
    client.raw.set_cookie("token", amy.token)
    return client


def test_the_pages_of_a_store_wear_its_companys_name_and_colour(
    portal: Any, pages: PageClient, cafe: Any, amy: people.Person
) -> None:
    portal.db.transact(store_members.add, cafe, amy.id, "owner", "system")
    shown = (f"/pay/{cafe.code}", f"/stores/{cafe.public_id}", "/vouchers/buy", f"/merchant/{cafe.public_id}/counter")
    for path in shown:
        page = pages.page(path)
        assert "東楷禮券" in page.one(".site-head .brand").text, path
        assert "#8a1c5b" in pages.last.get_data(as_text=True), path
    assert "Taroko" in pages.page("/wallet").one(".site-head .brand").text


@pytest.mark.parametrize("path", ["", "/buy", "/orders", "/swap", "/redeem", "/withdraw", "/deposit", "/bank-account"])
def test_the_pages_of_vouchers_wear_the_look_of_the_company_one_came_through(
    pages: PageClient, amy: people.Person, path: str
) -> None:
    page = pages.page(f"/vouchers{path}")
    assert page.one(".site-head .brand").text.strip() == "東楷禮券"
    assert "東楷禮券" in page.one("title").text
    assert "#8a1c5b" in pages.last.get_data(as_text=True)


@pytest.mark.parametrize(("code", "name"), [("tungkai", "東楷禮券"), ("huanyu", "Huanyu")])
def test_an_order_wears_the_look_of_the_company_that_sells(
    app: Flask, portal: Any, pages: PageClient, amy: people.Person, code: str, name: str
) -> None:
    wanted = Wanted(quantity="100", payment_type="atm", payout_account=vouchers.PAYOUT[code])
    made = portal.db.transact(voucher_orders.create, amy.id, wanted).order
    path = f"/vouchers/orders/{made.public_id}"

    def worn() -> str:
        return str(pages.page(path).one(".site-head .brand").text.strip())

    assert worn() == name, "the page that asks for the code"
    found = portal.db.transact(voucher_orders.verify, amy.id, made.public_id, vouchers.code(app, amy.phone))
    assert worn() == name, "the page that tells how to pay"
    vouchers.bank_brings(portal, found.virtual.account, "100")
    assert worn() == name, "the receipt"


def test_a_logo_is_made_anew_shown_and_taken_away(app: Flask, portal: Any, pages: PageClient, cafe: Any) -> None:
    who = desk.desk(app, "admin")
    path = f"/staff/companies/{cafe.company_id}"
    who.submit(
        path, "/logo", files={"file": (BytesIO(picture() + b"<script>alert(1)</script>"), "logo.svg")}, status=303
    )
    image = pages.page(f"/stores/{cafe.public_id}").one(".site-head .brand img")
    assert image["alt"] == "東楷禮券"
    answer = pages.raw.get(image["src"])
    assert (answer.status_code, answer.mimetype) == (200, "image/png")
    assert b"<script" not in answer.data and answer.headers["X-Content-Type-Options"] == "nosniff"
    for bad in (b"", b"<svg/>", b"%PDF-1.4", picture() * 3000):
        who.submit(path, "/logo", files={"file": (BytesIO(bad), "logo.png")}, status=422)
    who.submit(path, "/logo", remove="1", status=303)
    assert pages.raw.get(image["src"]).status_code == 404
    assert portal.db.read(brands.of_company, cafe.company_id).logo_url is None


def test_the_bell_counts_what_was_not_read(portal: Any, pages: PageClient, amy: people.Person) -> None:
    assert pages.page("/wallet").soup.select(".bell .count") == []
    for _ in range(3):
        facts = {"store": "x", "amount": notifications.amount(1, "TWIP")}
        portal.db.transact(notifications.tell, amy.id, "payment_made", facts, "/payments")
    assert pages.page("/wallet").one(".bell .count").text.strip() == "3"
    page = pages.page("/notifications")
    pages.submit(page, "/notifications/read", status=303)
    assert pages.page("/wallet").soup.select(".bell .count") == []


def test_the_account_menu_leads_members_to_their_consoles(
    portal: Any, pages: PageClient, cafe: Any, amy: people.Person
) -> None:
    ways = '.site-head .menu-item[href="/merchant"]'
    assert pages.page("/wallet").soup.select(ways) == []
    portal.db.transact(store_members.add, cafe, amy.id, "viewer", "system")
    assert len(pages.page("/wallet").soup.select(ways)) == 1
