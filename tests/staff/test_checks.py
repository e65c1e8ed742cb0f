"""Checks for others: institutions' people and stores' bank accounts, decided as they were looked at, never one's own."""

from typing import Any

import pytest
from flask import Flask

from portal.models.partner import PartnerKyc
from portal.services import partner_kyc, staff_accounts, store_bank_accounts
from tests.support import desk, merchants, partners
from tests.support.partners import kyc_body


@pytest.fixture
def waiting(app: Flask) -> tuple[partners.Partner, PartnerKyc]:
    """A person of an institution whose check waits."""
    who = partners.partner(app)
    who.ok("POST", "/customers/accounts", kyc_body(acct_no="u1"))
    who.work()
    found: PartnerKyc = who.portal.db.read(partner_kyc.newest, "u1", "50000001", who.id)
    assert found.status == "checking"
    return who, found


def status_of(who: partners.Partner) -> str:
    return str(who.portal.db.read(partner_kyc.newest, "u1", "50000001", who.id).status)


def token(who: desk.Desk) -> str:
    return str(who.page("/staff").one("meta[name=csrf-token]")["content"])


def test_a_person_is_looked_at_and_passed(app: Flask, portal: Any, waiting: Any) -> None:
    institution, found = waiting
    who = desk.desk(app, "compliance")
    page = who.page("/staff/partner-kyc")
    where = str(page.one("#list td a")["href"])
    page = who.page(where)
    assert "No. 1, Zhongxiao Road" in page.text and "Passport A" in page.text
    picture = who.raw.get(str(page.all("img.doc-picture")[0]["src"]))
    assert (picture.status_code, picture.mimetype) == (200, "image/png")
    assert "sandbox" in picture.headers["Content-Security-Policy"]
    assert who.raw.get(f"{where}/pictures/nothing").status_code == 404
    who.submit(page, "/decide", decision="approve")
    assert status_of(institution) == "passed"
    acts = [desk.audited(portal, f"partner_kyc.{act}")[-1].actor for act in ("open", "document", "approve")]
    assert acts == [who.member.actor] * 3


def test_a_person_is_refused_with_a_reason_and_handed_in_again(app: Flask, portal: Any, waiting: Any) -> None:
    institution, found = waiting
    who = desk.desk(app, "compliance")
    where = f"/staff/partner-kyc/{found.public_id}"
    first = who.page(where)
    assert who.submit(first, "/decide", decision="reject", status=422).errors
    who.submit(first, "/decide", decision="reject", template="0")
    assert status_of(institution) == "not_passed"
    institution.ok("POST", "/customers/accounts", kyc_body(acct_no="u1"))
    institution.work()
    # What was opened before is not what is there now.
    data = {"csrf_token": token(who), "submission": "1", "decision": "approve"}
    assert who.raw.post(f"{where}/decide", data=data).status_code == 303
    assert status_of(institution) == "checking"
    who.submit(where, "/decide", decision="approve")
    assert status_of(institution) == "passed"


def test_who_works_for_an_institution_does_not_check_its_people(app: Flask, portal: Any, waiting: Any) -> None:
    from portal.services import institution_members
    from tests.support import people

    institution, found = waiting
    amy = people.customer(portal)
    portal.db.transact(institution_members.add_member, institution.id, amy.id, "owner", "system")
    who = desk.desk(app, "compliance")
    portal.db.transact(staff_accounts.name_customer, who.member.id, amy.id, "system")
    where = f"/staff/partner-kyc/{found.public_id}"
    assert who.raw.get(where).status_code == 403
    data = {"csrf_token": token(who), "submission": "1", "decision": "approve"}
    assert who.raw.post(f"{where}/decide", data=data).status_code == 403
    assert status_of(institution) == "checking"


def proposed(portal: Any, shop: merchants.Shop, number: str) -> None:
    portal.db.transact(store_bank_accounts.propose, shop.store, "山嵐咖啡有限公司", "812", "0012", number, "customer:1")


def tail_in_force(portal: Any, shop: merchants.Shop) -> str | None:
    found = portal.db.read(store_bank_accounts.of_store, shop.store.id, "verified")
    return found.account_tail if found else None


def test_a_stores_account_is_verified_as_it_was_looked_at(app: Flask, portal: Any) -> None:
    shop = merchants.shop(app)
    proposed(portal, shop, "00999988887777")
    who = desk.desk(app, "finance")
    where = str(who.page("/staff/store-accounts").one("#list td a")["href"])
    page = who.page(where)
    assert "00999988887777" in page.text and "****9012" in page.text
    proposed(portal, shop, "00999988881111")
    who.submit(page, "/decide", decision="approve")
    assert tail_in_force(portal, shop) == "9012"
    who.submit(where, "/decide", decision="approve")
    assert tail_in_force(portal, shop) == "1111"
    assert desk.audited(portal, "store.bank_verify")[-1].actor == who.member.actor
    assert desk.audited(portal, "store.bank_open")


def test_a_rejection_needs_a_reason_and_owners_do_not_decide(app: Flask, portal: Any) -> None:
    shop = merchants.shop(app)
    proposed(portal, shop, "00999988887777")
    where = f"/staff/store-accounts/{shop.store.public_id}"
    who = desk.desk(app, "finance")
    assert who.submit(where, "/decide", decision="reject", status=422).errors
    portal.db.transact(staff_accounts.name_customer, who.member.id, shop.owner.id, "system")
    assert who.raw.get(where).status_code == 403
    other = desk.desk(app, "finance")
    other.submit(where, "/decide", decision="reject", reason="Another holder.")
    assert tail_in_force(portal, shop) == "9012"
    assert other.raw.get(where).status_code == 404
    support = desk.desk(app, "support")
    assert not support.page("/staff/store-accounts").all("#list td a")
    assert support.raw.get(where).status_code == 403
