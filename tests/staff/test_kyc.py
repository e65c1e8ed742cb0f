"""Identity reviews: queued, looked at, decided once, never by oneself, and every look written down."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from portal.models.customers import Customer
from portal.services import kyc, staff_accounts
from tests.support import desk, identities, people


def public_id(portal: Any, person: people.Person) -> str:
    with portal.db.session() as session:
        return str(session.get(Customer, person.id).public_id)


def test_a_reviewer_approves_what_waits(app: Flask, portal: Any, read: Callable[..., Any]) -> None:
    person = identities.applied_level_2(app)
    who = desk.desk(app, "compliance")
    page = who.page("/staff/kyc")
    assert identities.NAME in page.text
    link = page.one("#queue td a")["href"]
    page = who.page(str(link))
    assert len(page.all(".doc img")) == len(kyc.LEVEL_2_KINDS)
    page = who.submit(page, "/levels/2", decision="approve")
    assert "is approved" in page.text
    assert read(kyc.standing, person.id).level == 2
    assert desk.audited(portal, "kyc_approve")[-1].actor == who.member.actor
    assert desk.audited(portal, "kyc.open")[-1].subject == f"customer:{person.id}"


def test_single_documents_are_rejected_with_reasons(app: Flask, portal: Any, read: Callable[..., Any]) -> None:
    person = identities.applied_level_2(app)
    who = desk.desk(app, "compliance")
    where = f"/staff/kyc/{public_id(portal, person)}"
    page = who.submit(where, "/levels/2", decision="reject", status=422, reject_1="y")
    assert "Say what is wrong" in page.text
    who.submit(where, "/levels/2", decision="reject", reject_1="y", template_1="0", reason_3="Look up, please.")
    stand = read(kyc.standing, person.id)
    assert stand.papers[1].reason == "The picture is blurred. Please take it again in good light."
    assert stand.papers[3].reason == "Look up, please."
    assert {kind for kind, paper in stand.papers.items() if paper.status == "rejected"} == {1, 3}


def test_what_changed_since_it_was_opened_is_not_decided(app: Flask, portal: Any, read: Callable[..., Any]) -> None:
    person = identities.applied_level_2(app)
    first, second = desk.desk(app, "compliance"), desk.desk(app, "compliance")
    where = f"/staff/kyc/{public_id(portal, person)}"
    stale = first.page(where)
    second.submit(where, "/levels/2", decision="reject", reason="Once more, please.")
    identities.upload(portal, person, 1)
    for kind in kyc.LEVEL_2_KINDS[1:]:
        identities.upload(portal, person, kind)
    portal.db.transact(kyc.apply_level_2, person.id, identities.ANSWERS)
    page = first.submit(stale, "/levels/2", decision="approve", status=422)
    assert "has changed since you opened it" in page.text
    assert read(kyc.standing, person.id).level == 1


@pytest.mark.parametrize("known_by", ["account", "mail"])
def test_nobody_reviews_their_own_identity(app: Flask, portal: Any, known_by: str) -> None:
    person = identities.applied_level_2(app)
    who = desk.desk(app, "compliance")
    if known_by == "account":
        portal.db.transact(staff_accounts.name_customer, who.member.id, person.id, "system")
    else:
        with portal.db.session() as session:
            session.get(Customer, person.id).email = who.member.email
            session.commit()
    where = f"/staff/kyc/{public_id(portal, person)}"
    who.page(where, 403)
    answer = who.raw.post(f"{where}/levels/2", data={"decision": "approve", "revision": "1"})
    assert answer.status_code == 403
    assert desk.audited(portal, "staff.refused")[-1].actor == who.member.actor


def test_documents_are_handed_out_inert(app: Flask, portal: Any) -> None:
    person = identities.applied_level_3(app)
    who = desk.desk(app, "compliance")
    page = who.page(f"/staff/kyc/{public_id(portal, person)}")
    picture = who.raw.get(str(page.all(".doc img")[0]["src"]))
    passbook = who.raw.get(str(page.all(".doc a.button")[0]["href"]))
    assert picture.mimetype == "image/jpeg"
    assert passbook.headers["Content-Disposition"].startswith("attachment")
    for answer in (picture, passbook):
        assert answer.status_code == 200
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; sandbox")
        assert "no-store" in answer.headers["Cache-Control"]
    assert len(desk.audited(portal, "kyc.document")) == 2


def test_a_foreign_document_is_not_found(app: Flask, portal: Any) -> None:
    amy, ben = identities.applied_level_2(app), identities.applied_level_2(app)
    who = desk.desk(app, "compliance")
    page = who.page(f"/staff/kyc/{public_id(portal, amy)}")
    file = str(page.all(".doc img")[0]["src"]).rsplit("/", 1)[-1]
    assert who.raw.get(f"/staff/kyc/{public_id(portal, ben)}/files/{file}").status_code == 404
    who.page("/staff/kyc/nobody", 404)


@pytest.mark.parametrize("role", ["support", "treasury", "finance", "admin"])
def test_other_roles_see_no_identities(app: Flask, portal: Any, role: str) -> None:
    person = identities.applied_level_2(app)
    who = desk.desk(app, role)
    who.page("/staff/kyc", 403)
    who.page(f"/staff/kyc/{public_id(portal, person)}", 403)
    assert who.submit(who.page("/staff"), "/staff/logout").url == "/staff/login"
    assert desk.audited(portal, "staff.refused")[-1].details == {"needs": "kyc.review"}


def test_a_record_is_declared_invalid_and_opened_again(app: Flask, portal: Any, read: Callable[..., Any]) -> None:
    person = identities.at_level_2(app)
    who = desk.desk(app, "compliance")
    where = f"/staff/kyc/{public_id(portal, person)}"
    who.submit(where, "/withdraw", status=422)
    page = who.submit(where, "/withdraw", reason="The document was forged.")
    assert read(kyc.standing, person.id).void
    who.submit(page, "/reopen")
    assert read(kyc.standing, person.id).level == 0


@pytest.mark.parametrize("query", ["?after=x", "?after=2026~1", "?after=2026-01-01~1", "?level=9", "?after=2026-01-01T00:00:00%2B00:00~9999999999999999999999"])  # fmt: skip
def test_any_place_in_the_queue_is_answered(app: Flask, query: str) -> None:
    desk.desk(app, "compliance").page(f"/staff/kyc{query}")
