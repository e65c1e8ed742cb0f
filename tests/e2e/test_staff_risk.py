"""Risk and oversight in Chromium: signals cleared or made a case with its timeline, exports for the regulator, the audit log."""

from typing import Any

import pytest
from playwright.sync_api import expect

from portal.services import risk, staff_accounts
from tests.support import live_desk, people
from tests.support.browser import Browse
from tests.support.live import LivePortal


def signal_of(live: LivePortal, person: people.Person) -> Any:
    """The newest signal about somebody."""
    return next(
        signal
        for status in ("open", "in_case", "cleared")
        for signal, customer in live_desk.beside(live).db.read(risk.signals, status=status, count=200)
        if customer.id == person.id
    )


@pytest.mark.parametrize(("device", "javascript"), [("phone", True), ("desktop", False)])
def test_one_signal_is_cleared_and_the_other_becomes_a_case(
    seat: Browse, back_office: LivePortal, device: str, javascript: bool
) -> None:
    first, second = live_desk.shared_device(back_office)
    visitor = seat(device, javascript=javascript)
    live_desk.new_desk(visitor, back_office, "compliance")
    page = visitor.go("/staff/risk")
    visitor.fits()
    number = signal_of(back_office, first).id
    page.fill(f"#reason-{number}", "one family")
    live_desk.press(page, f"form[action='/staff/risk/{number}/clear'] button:not([formaction])")
    live_desk.said(page, "Cleared.")
    assert signal_of(back_office, first).status == "cleared"
    number = signal_of(back_office, second).id
    page.fill(f"#reason-{number}", f"One phone, {second.username}")
    live_desk.press(page, f"button[formaction='/staff/risk/{number}/case']")
    page.wait_for_url("**/staff/cases/*")
    expect(page.locator("h1")).to_have_text(f"One phone, {second.username}")
    expect(page.locator("main")).to_contain_text("One device, several customers")
    page.fill("#note", "Called the customer.")
    live_desk.press(page, "form[action$='/notes'] button")
    live_desk.said(page, "Written down.")
    live_desk.press(page, "form[action$='/move'] .actions button")
    expect(page.locator("#reason")).to_have_attribute("aria-invalid", "true")
    for to in ("investigating", "closed"):
        page.select_option("form[action$='/move'] [name=to]", to)
        page.fill("#reason", f"now {to}")
        live_desk.press(page, "form[action$='/move'] .actions button")
        live_desk.said(page, "Moved on.")
    if javascript:
        visitor.axe()
    visitor.fits()
    expect(page.locator("main")).to_contain_text("now closed")
    expect(visitor.go("/staff/cases?status=closed").locator("#list")).to_contain_text(second.username)


def test_who_only_looks_decides_nothing_and_nobody_decides_about_themselves(
    seat: Browse, back_office: LivePortal
) -> None:
    first, _ = live_desk.shared_device(back_office)
    number = signal_of(back_office, first).id
    visitor = seat("desktop")
    live_desk.new_desk(visitor, back_office, "admin")
    page = visitor.go("/staff/risk")
    expect(page.locator("form[action$='/clear']")).to_have_count(0)
    expect(visitor.go("/staff/cases").locator("form[action='/staff/regulator']")).to_have_count(0)
    token = str(page.locator("meta[name=csrf-token]").get_attribute("content"))
    for path in (f"risk/{number}/clear", f"risk/{number}/case", "regulator"):
        answer = page.request.post(f"{back_office.url}/staff/{path}", form={"csrf_token": token, "reason": "because"})
        assert answer.status == 403, path
    who = live_desk.new_desk(visitor, back_office, "compliance")
    live_desk.beside(back_office).db.transact(staff_accounts.name_customer, who.id, first.id, "system")
    page = visitor.go("/staff/risk")
    page.fill(f"#reason-{number}", "it is only me")
    with page.expect_response("**/clear") as answered:
        live_desk.press(page, f"form[action='/staff/risk/{number}/clear'] button:not([formaction])")
    assert answered.value.status == 403
    assert signal_of(back_office, first).status == "open"


@pytest.mark.parametrize("form", ["csv", "json"])
def test_an_export_for_the_regulator_is_taken_and_written_down(
    seat: Browse, back_office: LivePortal, form: str
) -> None:
    visitor = seat("desktop")
    who = live_desk.new_desk(visitor, back_office, "compliance")
    page = visitor.go("/staff/cases")
    day = live_desk.beside(back_office).clock.now().date()
    page.fill("#first", f"{day.year}-01-01")
    page.fill("#last", f"{day.year}-12-31")
    page.select_option("form[action='/staff/regulator'] [name=form]", form)
    with page.expect_download() as waited:
        page.click("form[action='/staff/regulator'] .actions button")
    assert waited.value.suggested_filename.endswith(form)
    (record,) = live_desk.audited(back_office, "regulator.export", who.actor)
    assert record.outcome == "done"


def test_the_audit_log_is_searched_paged_and_proves_itself(seat: Browse, back_office: LivePortal) -> None:
    visitor = seat("phone")
    who = live_desk.new_desk(visitor, back_office, "compliance")
    visitor.go("/staff/customers?q=nobody-of-that-name")
    page = visitor.go("/staff/audit")
    visitor.axe()
    page.fill("#actor", who.actor)
    page.fill("#action", "customer.search")
    page.click("form[action='/staff/audit'] button")
    rows = page.locator("#list tbody tr")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("Customers searched")
    expect(rows.first).to_contain_text(who.name)
    visitor.fits()
    checked = back_office.command("audit", "verify")
    assert checked.returncode == 0, checked.stdout + checked.stderr
