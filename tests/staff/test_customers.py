"""Customers: found by whatever one has in hand, changed only with a reason, never by oneself."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.models.customers import Customer
from portal.models.wallet import BankAccount
from portal.services import addresses, second_factor, sessions, staff_customers, staff_search
from tests.support import desk, identities, people
from tests.support.client import PageClient


def public_id(portal: Any, person: people.Person) -> str:
    return str(portal.db.read(lambda session: session.get(Customer, person.id).public_id))


def where(portal: Any, person: people.Person) -> str:
    return f"/staff/customers/{public_id(portal, person)}"


def test_a_customer_is_found_by_anything(app: Flask, portal: Any, transact: Callable[..., Any]) -> None:
    amy, ben = people.customer(portal, "amelia", usdt="10"), people.customer(portal, "benno")
    address = transact(addresses.for_owner, "customer", amy.id, "TRON").address
    known = ["Amel", amy.email.upper(), amy.phone, "0" + amy.phone[4:], f"#{amy.id}", address, public_id(portal, amy)]
    with portal.db.session() as session:
        tail = session.scalar(sa.select(BankAccount.account_tail).where(BankAccount.owner_id == amy.id))
    known.append(f"809-{int(tail):014d}")
    for text in known:
        hits = portal.db.read(staff_search.search, text)
        assert [hit.customer.id for hit in hits] == [amy.id], text
    assert portal.db.read(staff_search.search, "x") == []
    page = desk.desk(app, "support").page("/staff/customers", q="amel")
    assert "amelia" in page.words("#found")
    assert ben.email not in page.text


def test_an_identity_number_is_found_by_its_blind_index(app: Flask, portal: Any) -> None:
    from portal.services import kyc

    person = people.customer(portal, kyc_level=0)
    number = identities.fresh_number()
    portal.db.transact(kyc.submit_basic_data, person.id, "林自得", 1, "1990/05/31", number)
    assert [hit.customer.id for hit in portal.db.read(staff_search.search, number.lower())] == [person.id]


@pytest.mark.parametrize(
    "text", ["%", "__", "0x" + "a" * 64, "T" * 34, "0x" + "0" * 40, "null\x00byte", "é" * 50, "809-1", "9" * 19]
)
def test_any_search_is_answered(app: Flask, text: str) -> None:
    page = desk.desk(app, "support").page("/staff/customers", q=text)
    assert "Nobody found" in page.text


def test_a_customers_page_shows_what_is_known(app: Flask, portal: Any) -> None:
    amy = people.customer(portal, usdt="12.5", totp=True)
    page = desk.desk(app, "compliance").page(where(portal, amy))
    assert "12.5" in page.text
    assert "林*明" in page.text
    assert desk.audited(portal, "customer.open")[-1].subject == f"customer:{amy.id}"
    desk.desk(app, "support").page(f"{where(portal, amy)}/activity")


def test_a_locked_customer_is_out_and_a_released_one_is_back(app: Flask, portal: Any) -> None:
    amy = people.customer(portal)
    support, compliance = desk.desk(app, "support"), desk.desk(app, "compliance")
    here = where(portal, amy)
    assert support.submit(here, "/standing", standing="locked", reason="", status=422).errors
    support.submit(here, "/standing", standing="locked", reason="phone was stolen")
    assert sessions.resolve(portal.db, amy.token) is None
    token = str(support.page(here).one("meta[name=csrf-token]")["content"])
    answer = support.raw.post(f"{here}/standing", data={"csrf_token": token, "standing": "normal", "reason": "because"})
    assert answer.status_code == 403
    compliance.submit(here, "/standing", standing="normal", reason="came by in person")
    with portal.db.session() as session:
        assert session.get(Customer, amy.id).standing == "normal"
    assert [record.action for record in desk.audited(portal, "customer.locked")] == ["customer.locked"]


def test_a_lost_second_factor_is_taken_off_only_after_all_checks(app: Flask, portal: Any) -> None:
    amy = people.customer(portal, totp=True)
    who = desk.desk(app, "support")
    here = where(portal, amy)
    page = who.submit(here, "/second-factor", checks=["called_back"], reason="lost the phone", status=422)
    assert "All checks must have been made" in page.text
    who.submit(here, "/second-factor", checks=list(staff_customers.CHECKS), reason="lost the phone")
    assert not portal.db.read(second_factor.is_required, "customer", amy.id)
    with portal.db.session() as session:
        held = session.get(Customer, amy.id).withdrawals_held_until
    assert held > portal.clock.now()
    assert sessions.resolve(portal.db, amy.token) is None


def test_withdrawals_are_held_signed_out_noted_and_marked(app: Flask, portal: Any) -> None:
    amy = people.customer(portal)
    who, here = desk.desk(app, "compliance"), where(portal, amy)
    who.submit(here, "/hold", hours="48", reason="an inquiry")
    assert who.submit(here, "/hold", hours="many", reason="an inquiry", status=422).errors
    who.submit(here, "/sign-out", reason="strange device")
    assert sessions.resolve(portal.db, amy.token) is None
    assert who.submit(here, "/notes", note="", status=422).errors
    page = who.submit(here, "/notes", note="<b>Called</b> at noon hx-get=/x")
    assert "<b>Called</b> at noon" in page.text
    page = who.submit(here, "/marks", label="watch", mark_note="many small deposits")
    assert "To be watched" in page.text
    mark = portal.db.read(staff_customers.marks, amy.id)[0]
    who.submit(page, f"/marks/{mark.id}/remove")
    assert not portal.db.read(staff_customers.marks, amy.id)


def test_vip_and_spread_need_two(app: Flask, portal: Any) -> None:
    amy = people.customer(portal)
    who, here = desk.desk(app, "treasury"), where(portal, amy)
    assert who.submit(here, "/terms", is_vip="y", spread="9999", reason="big client", status=422).errors
    who.submit(here, "/terms", is_vip="y", spread="5", reason="big client")
    other = desk.desk(app, "admin")
    page = other.page("/staff/approvals")
    other.submit(str(page.all("#list td a")[0]["href"]), "/approve")
    with portal.db.session() as session:
        assert (session.get(Customer, amy.id).is_vip, session.get(Customer, amy.id).spread_override_bp) == (True, 5)


def test_nobody_changes_their_own_account(app: Flask, portal: Any) -> None:
    from portal.services import staff_accounts

    amy = people.customer(portal, totp=True)
    who, here = desk.desk(app, "compliance", "support"), where(portal, amy)
    portal.db.transact(staff_accounts.name_customer, who.member.id, amy.id, "system")
    page = who.page(here)
    assert "your own account" in page.text
    token = str(page.one("meta[name=csrf-token]")["content"])
    for path, fields in (
        ("standing", {"standing": "not_tradable"}), ("hold", {"hours": "0"}), ("marks", {"label": "watch", "mark_note": "x"}),
        ("second-factor", {"checks": list(staff_customers.CHECKS)}),
    ):  # fmt: skip
        answer = who.raw.post(f"{here}/{path}", data={"csrf_token": token, "reason": "because", **fields})
        assert answer.status_code == 403, path
    assert desk.audited(portal, "staff.refused")[-1].details == {"needs": "staff_not_oneself"}


def test_an_entry_of_the_history_is_explained(app: Flask, portal: Any) -> None:
    from portal.services import adjustments

    amy = people.customer(portal)
    _, payload = adjustments.proposal("customer", amy.id, "TWD", "available", 5000, "adjustments")
    portal.db.transact(adjustments.carry_out, payload, "staff:1", "approval:1")
    who = desk.desk(app, "support")
    page = who.page(where(portal, amy))
    page = who.page(str(page.all("table a")[0]["href"]))
    assert "Correction" in page.title


def test_strangers_and_customers_see_no_customers(client: PageClient, portal: Any) -> None:
    amy, ben = people.customer(portal), people.customer(portal)
    assert client.raw.get(where(portal, amy)).status_code == 303
    client.raw.set_cookie("token", ben.token)
    client.page(where(portal, amy), 403)


def test_an_unknown_customer_is_not_found(app: Flask) -> None:
    desk.desk(app, "support").page("/staff/customers/nobody", 404)
