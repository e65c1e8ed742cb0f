"""Customers in the back office: found by anything, one page, locked and released, second factor taken off, terms by two."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from portal.models.customers import Customer
from portal.services import second_factor
from tests.support import live_desk, people
from tests.support.browser import Browse
from tests.support.live import LivePortal


def row(live: LivePortal, person: people.Person) -> Any:
    return live_desk.beside(live).db.read(lambda session: session.get(Customer, person.id))


def found(page: Page, typed: str) -> str:
    """Looks for something and answers where the first hit leads."""
    page.goto("/staff/customers")
    page.fill("#q", typed)
    page.click("form[action='/staff/customers'] button")
    hit = page.locator("#found tbody a").first
    expect(hit).to_be_visible()
    return str(hit.get_attribute("href"))


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "without"])
def test_a_customer_is_found_by_whatever_one_knows(seat: Browse, back_office: LivePortal, javascript: bool) -> None:
    person = people.customer(live_desk.beside(back_office), twd="100")
    visitor = seat("phone", javascript=javascript)
    who = live_desk.new_desk(visitor, back_office, "support")
    where = f"/staff/customers/{live_desk.public_id(back_office, person)}"
    for typed in (person.username, person.email, person.phone, f"0{person.phone[4:]}"):
        assert found(visitor.page, typed) == where, typed
    visitor.go("/staff/customers?q=nobody-at-all")
    expect(visitor.page.locator("#found")).to_contain_text("Nobody found")
    visitor.fits()
    assert len(live_desk.audited(back_office, "customer.search", who.actor)) == 5


def test_an_account_is_locked_by_support_and_released_by_compliance(seat: Browse, back_office: LivePortal) -> None:
    person = people.customer(live_desk.beside(back_office), twd="100")
    where = f"/staff/customers/{live_desk.public_id(back_office, person)}"
    support, compliance = seat("phone"), seat("desktop", javascript=False)
    live_desk.new_desk(support, back_office, "support")
    page = support.go(where)
    expect(page.locator("select[name=standing] option[value=normal]")).to_have_count(0)
    for standing in ("locked", "suspended"):
        page.select_option("select[name=standing]", standing)
        page.fill("#standing-reason", "asked by telephone")
        live_desk.press(page, "form[action$='/standing'] .actions button")
        live_desk.said(page, "Done.")
        assert row(back_office, person).standing == standing
    support.axe()
    live_desk.new_desk(compliance, back_office, "compliance")
    page = compliance.go(where)
    page.select_option("select[name=standing]", "normal")
    page.fill("#standing-reason", "all is explained")
    live_desk.press(page, "form[action$='/standing'] .actions button")
    live_desk.said(page, "Done.")
    assert row(back_office, person).standing == "normal"


def test_a_lost_second_factor_is_taken_off_after_the_checks(seat: Browse, back_office: LivePortal) -> None:
    portal = live_desk.beside(back_office)
    person = people.customer(portal, totp=True)
    visitor = seat("desktop")
    live_desk.new_desk(visitor, back_office, "support")
    page = visitor.go(f"/staff/customers/{live_desk.public_id(back_office, person)}")
    page.fill("#factor-reason", "lost the phone")
    live_desk.press(page, "form[action$='/second-factor'] .actions button")
    expect(page.locator("[role=alert]").first).to_be_visible()
    assert portal.db.read(second_factor.is_required, "customer", person.id)
    for box in page.locator("form[action$='/second-factor'] input[type=checkbox]").all():
        box.check()
    page.fill("#factor-reason", "lost the phone")
    live_desk.press(page, "form[action$='/second-factor'] .actions button")
    live_desk.said(page, "The second factor is off; withdrawals wait 24 hours.")
    assert not portal.db.read(second_factor.is_required, "customer", person.id)
    assert row(back_office, person).withdrawals_held_until > portal.clock.now()


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "without"])
def test_notes_marks_and_a_vip_spread_that_another_person_approves(
    seat: Browse, back_office: LivePortal, javascript: bool
) -> None:
    person = people.customer(live_desk.beside(back_office))
    where = f"/staff/customers/{live_desk.public_id(back_office, person)}"
    maker, checker = seat("desktop", javascript=javascript), seat("phone", javascript=javascript)
    live_desk.new_desk(maker, back_office, "treasury", "compliance")
    page = maker.go(where)
    page.fill("#note", "Called about a spread.")
    page.click("form[action$='/notes'] button")
    expect(page.locator("article", has_text="Called about a spread.")).to_be_visible()
    page.fill("#mark_note", "seen on a list")
    page.click("form[action$='/marks'] button")
    expect(page.locator(".page-head .badge.bad")).to_be_visible()
    page.check("#is_vip")
    page.fill("#spread", "20")
    page.fill("#terms-reason", "a good customer")
    page.click("form[action$='/terms'] .actions button")
    live_desk.said(page, "Another person decides.")
    assert row(back_office, person).spread_override_bp is None
    if javascript:
        maker.axe()
    live_desk.new_desk(checker, back_office, "admin")
    page = checker.go("/staff/approvals")
    page.click(f"#list tr:has-text('Customer #{person.id}') a")
    checker.fits()
    live_desk.press(page, "form[action$='/approve'] button")
    live_desk.said(page, "Approved and carried out.")
    stored = row(back_office, person)
    assert (stored.is_vip, stored.spread_override_bp) == (True, 20)


def test_who_does_not_keep_accounts_changes_none(seat: Browse, back_office: LivePortal) -> None:
    person = people.customer(live_desk.beside(back_office))
    visitor = seat("desktop")
    live_desk.new_desk(visitor, back_office, "finance")
    page = visitor.go(f"/staff/customers/{live_desk.public_id(back_office, person)}")
    for act in ("standing", "hold", "sign-out", "second-factor", "terms", "marks"):
        expect(page.locator(f"form[action$='/{act}']")).to_have_count(0)
        token = page.locator("meta[name=csrf-token]").get_attribute("content")
        answer = page.request.post(
            f"{page.url}/{act}", form={"csrf_token": str(token), "standing": "locked", "reason": "because"}
        )
        assert answer.status == 403, act
    assert row(back_office, person).standing == "normal"
