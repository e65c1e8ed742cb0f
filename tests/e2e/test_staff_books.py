"""The books in Chromium: what they say now and as of a moment, a correction by two, nobody approves their own, cover of what is owed."""

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from portal.money import parse_units
from portal.services.activity import TAIPEI
from tests.support import live_desk, people
from tests.support.browser import Browse, Visitor
from tests.support.live import LivePortal


def propose(visitor: Visitor, person: people.Person, amount: str, reason: str) -> Page:
    """Proposes a correction of a customer's balance of TWD."""
    page = visitor.go("/staff/books/account")
    form = page.locator("form[action='/staff/books/adjustments']")
    form.locator("[name=kind]").select_option("customer")
    form.locator("[name=owner]").fill(str(person.id))
    form.locator("[name=asset]").select_option("TWD")
    form.locator("[name=bucket]").select_option("available")
    form.locator("[name=amount]").fill(amount)
    form.locator("[name=counter]").select_option("adjustments")
    form.locator("[name=reason]").fill(reason)
    form.locator(".actions button").click()
    page.wait_for_load_state()
    return page


@pytest.mark.parametrize(("device", "javascript"), [("phone", True), ("desktop", False)])
def test_a_balance_is_corrected_by_two_and_the_books_remember_what_was_before(
    seat: Browse, back_office: LivePortal, device: str, javascript: bool
) -> None:
    portal = live_desk.beside(back_office)
    person = people.customer(portal, twd="100")
    before = portal.clock.now().astimezone(TAIPEI) + timedelta(minutes=1)
    back_office.advance(180)
    maker, checker = seat(device, javascript=javascript), seat("desktop", javascript=javascript)
    live_desk.new_desk(maker, back_office, "finance")
    page = propose(maker, person, "many", "a gift")
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    page = propose(maker, person, "-1000", "more than there is")
    expect(page.locator(".error-summary, [role=alert]").first).to_be_visible()
    page = propose(maker, person, "50", f"a gift to {person.username}")
    live_desk.said(page, "Another person decides.")
    assert person.balance("TWD") == parse_units("100", "TWD")

    live_desk.new_desk(checker, back_office, "treasury")
    page = checker.go("/staff/approvals")
    page.click(f"#list tr:has-text('a gift to {person.username}') a")
    expect(page.locator("main")).to_contain_text("+50.00\xa0TWD")
    expect(page.locator("main")).to_contain_text("Corrections")
    live_desk.press(page, "form[action$='/approve'] button")
    live_desk.said(page, "Approved and carried out.")
    assert person.balance("TWD") == parse_units("150", "TWD")

    account = f"/staff/books/account?kind=customer&owner={person.id}&asset=TWD&bucket=available"
    page = maker.go(account)
    expect(page.locator(".stat .value").first).to_have_text("150.00\xa0TWD")
    page = maker.go(f"{account}&at={before:%Y-%m-%dT%H:%M}")
    expect(page.locator(".stat .value").first).to_have_text("100.00\xa0TWD")
    maker.fits()
    if javascript:
        maker.axe()
    live_desk.ledger_is_right(back_office)


def test_nobody_approves_what_they_proposed(seat: Browse, back_office: LivePortal) -> None:
    person = people.customer(live_desk.beside(back_office), twd="100")
    visitor = seat("desktop")
    who = live_desk.new_desk(visitor, back_office, "finance", "treasury")
    propose(visitor, person, "50", f"own gift {person.username}")
    page = visitor.go("/staff/approvals")
    page.click(f"#list tr:has-text('own gift {person.username}') a")
    expect(page.locator("main")).to_contain_text("Another person decides")
    expect(page.locator("form[action$='/approve']")).to_have_count(0)
    token = str(page.locator("meta[name=csrf-token]").get_attribute("content"))
    for act in ("approve", "reject"):
        answer = page.request.post(f"{page.url}/{act}", form={"csrf_token": token, "reason": "mine"})
        assert answer.status == 403, act
    assert live_desk.audited(back_office, "staff.refused", who.actor)[-1].details == {"needs": "approval_own"}
    assert person.balance("TWD") == parse_units("100", "TWD")
    live_desk.press(page, "form[action$='/withdraw'] button")
    live_desk.said(page, "Taken back.")


def test_a_proposal_is_turned_down_with_a_reason(seat: Browse, back_office: LivePortal) -> None:
    person = people.customer(live_desk.beside(back_office), twd="100")
    maker, checker = seat("desktop"), seat("phone")
    live_desk.new_desk(maker, back_office, "finance")
    propose(maker, person, "50", f"turn this down {person.username}")
    live_desk.new_desk(checker, back_office, "treasury")
    page = checker.go("/staff/approvals")
    page.click(f"#list tr:has-text('turn this down {person.username}') a")
    checker.axe()
    live_desk.press(page, "form[action$='/reject'] button")
    expect(page.locator("#reason")).to_have_attribute("aria-invalid", "true")
    page.fill("#reason", "no ground for it")
    live_desk.press(page, "form[action$='/reject'] button")
    live_desk.said(page, "Turned down.")
    expect(page.locator("main")).to_contain_text("no ground for it")
    assert person.balance("TWD") == parse_units("100", "TWD")


def test_the_trial_balance_is_balanced_on_the_page_and_in_the_file(seat: Browse, back_office: LivePortal) -> None:
    visitor = seat("desktop")
    live_desk.new_desk(visitor, back_office, "finance")
    page = visitor.go("/staff/books")
    sums: list[Any] = page.locator("main .badge.done").all_inner_texts()
    assert len(sums) >= 5
    assert all("balanced" in text for text in sums)
    with page.expect_download() as waited:
        page.click("a[href*='form=csv']")
    content = waited.value.path().read_text(encoding="utf-8-sig")
    assert content.splitlines()[0] == "owner,account,asset,balance,accounts"


def test_the_house_by_day_and_cover_say_what_is_owed_and_held(seat: Browse, back_office: LivePortal) -> None:
    back_office.run_worker()
    visitor = seat("phone", scheme="dark")
    live_desk.new_desk(visitor, back_office, "treasury")
    page = visitor.go("/staff/books/days")
    expect(page.locator("table tbody tr").first.locator("[data-label='Worth NT$']")).to_contain_text(re.compile(r"\d"))
    visitor.axe()
    wide = seat("desktop")
    live_desk.new_desk(wide, back_office, "treasury")
    table = wide.go("/staff/books/days").locator(".table-wrap")
    assert table.evaluate("box => box.scrollWidth <= box.clientWidth"), "nobody pushes the table to read it"
    page = visitor.go("/staff/books/cover")
    expect(page.locator("main .stat")).to_have_count(3)
    visitor.axe()
    visitor.fits()
