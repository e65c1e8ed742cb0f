"""Owners of stores, members of institutions, card types and leaping prices: proposed by one, approved by another."""

from decimal import Decimal
from typing import Any

from flask import Flask

from portal.services import institution_members, institutions, prices, store_members
from tests.staff.test_setup import approve_newest
from tests.support import desk, partners, people, vouchers
from tests.support.market import open_market


def test_a_store_gets_its_first_owner_by_two(app: Flask, portal: Any) -> None:
    store, amy = vouchers.open_store(portal, "山嵐咖啡", "0", "fixed"), people.customer(portal)
    who = desk.desk(app, "treasury")
    where = f"/staff/stores/{store.id}"
    assert where in str(who.page("/staff/stores").soup)
    assert who.submit(where, "/owner", login="nobody@example.net", reason="a new shop", status=422).errors
    who.submit(where, "/owner", login=amy.email, reason="a new shop")
    assert portal.db.read(store_members.owners, store.id) == []
    approve_newest(app, "admin")
    assert portal.db.read(store_members.owners, store.id) == [amy.id]
    assert amy.username in who.page(where).text
    who.page("/staff/stores/999999", 404)


def test_an_institution_gets_members_by_two(app: Flask, portal: Any) -> None:
    made, amy = partners.partner(app), people.customer(portal)
    who = desk.desk(app, "treasury")
    where = f"/staff/institutions/{made.id}"
    page = who.submit(where, "/members", login="nobody@example.net", role="owner", reason="their first")
    assert "no customer" in page.text
    who.submit(where, "/members", login=amy.email, role="owner", reason="their first")
    approve_newest(app, "admin")
    assert portal.db.read(institution_members.owners, made.id) == [amy.id]


def test_a_card_type_is_made_and_changed_by_two(app: Flask, portal: Any) -> None:
    who = desk.desk(app, "treasury")
    fields = {
        "id": "70000009",
        "bank_id": "7000",
        "currency": "USD",
        "description": "travel card",
        "reason": "new bank",
    }
    for wrong in (
        {"id": "60000009"},
        {"currency": "TWD"},
        {"restock_to": "-1"},
        {"restock_to": "9999999"},
        {"description": ""},
    ):
        assert who.submit("/staff/card-types", "/staff/card-types", **{**fields, **wrong}, status=422).errors
    who.submit("/staff/card-types", "/staff/card-types", **fields, restock_to="5")
    approve_newest(app, "admin")
    assert "travel card" in who.page("/staff/card-types").text
    who.submit("/staff/card-types", "/staff/card-types", **{**fields, "description": "gold card"}, restock_to="7")
    approve_newest(app, "admin")
    (kept,) = [kind for kind in portal.db.read(institutions.card_types) if kind.id == "70000009"]
    assert (kept.description, kept.restock_to) == ("gold card", 7)
    moved = {**fields, "bank_id": "70000"}
    assert who.submit("/staff/card-types", "/staff/card-types", **moved, status=422).errors


def test_a_leap_is_believed_by_two_and_then_the_market_goes_on(app: Flask, portal: Any) -> None:
    open_market(portal, usdt="30")
    portal.clock.advance(1)
    assert portal.db.transact(prices.record, {"USDT-TWD": Decimal(50)}, "feed") == 0
    who = desk.desk(app, "treasury")
    page = who.page("/staff/prices")
    assert "50" in page.text
    assert page.form("/staff/prices", having="price").values["price"] == "50"
    assert who.submit(page, "/staff/prices", price="0", reason="seen it", status=422).errors
    assert who.submit(page, "/staff/prices", price="many", reason="seen it", status=422).errors
    who.submit(page, "/staff/prices", reason="two other markets say so")
    assert portal.db.read(prices.last, "USDT-TWD") == Decimal(30)
    portal.clock.advance(1)
    approve_newest(app, "admin")
    assert portal.db.read(prices.last, "USDT-TWD") == Decimal(50)
    portal.clock.advance(1)
    assert portal.db.transact(prices.record, {"USDT-TWD": Decimal(51)}, "feed") == 1
    assert not who.page("/staff/prices").soup.find(string="50.00")
    assert desk.audited(portal, "price.believe")
