"""Queues of the back office in Chromium: withdrawals, suspense, dead jobs, failed webhooks; the act that moves money also without scripts."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from portal import ledger
from portal.models.bank import BankRefund
from portal.models.wallet import BankCredit, Withdrawal
from portal.money import parse_units
from portal.services import parameters, staff_accounts
from tests.support import live_desk, people
from tests.support.browser import Browse
from tests.support.live import LivePortal

TWO_WAYS = pytest.mark.parametrize(("device", "javascript"), [("phone", True), ("desktop", False)])


def stored(live: LivePortal, model: Any, number: int) -> Any:
    return live_desk.beside(live).db.read(lambda session: session.get(model, number))


def token(page: Page) -> str:
    return str(page.locator("meta[name=csrf-token]").get_attribute("content"))


@TWO_WAYS
def test_a_very_large_withdrawal_leaves_with_two_yeses(
    seat: Browse, back_office: LivePortal, device: str, javascript: bool
) -> None:
    portal = live_desk.beside(back_office)
    portal.db.transact(parameters.change, "withdrawal_approval", {"two_above_twd": "500000"}, "system")
    person = people.customer(portal, usdt="100000")
    made = live_desk.withdrawal(back_office, person, "20000")
    first, second = seat(device, javascript=javascript), seat("desktop", javascript=javascript)
    live_desk.new_desk(first, back_office, "compliance")
    page = first.go("/staff/withdrawals")
    first.fits()
    page.click(f"#list a[href='/staff/withdrawals/{made.public_id}']")
    live_desk.press(page, "form[action$='/approve'] button")
    expect(page.locator("main")).to_contain_text("You have decided already")
    again = page.request.post(f"{page.url}/approve", form={"csrf_token": token(page)})
    assert again.status == 422
    assert stored(back_office, Withdrawal, made.id).status == "awaiting_approval"
    live_desk.new_desk(second, back_office, "treasury")
    page = second.go(f"/staff/withdrawals/{made.public_id}")
    live_desk.press(page, "form[action$='/approve'] button")
    expect(page.locator(".page-head .badge").first).not_to_have_text("Awaiting approval")
    back_office.run_worker()
    assert stored(back_office, Withdrawal, made.id).status == "broadcast"
    portal.db.transact(parameters.change, "withdrawal_approval", {"two_above_twd": "3000000"}, "system")
    live_desk.ledger_is_right(back_office)


@TWO_WAYS
def test_a_withdrawal_put_aside_and_rejected_gives_the_money_back(
    seat: Browse, back_office: LivePortal, device: str, javascript: bool
) -> None:
    person = people.customer(live_desk.beside(back_office), usdt="100000")
    made = live_desk.withdrawal(back_office, person, "20000")
    visitor = seat(device, javascript=javascript)
    live_desk.new_desk(visitor, back_office, "compliance")
    page = visitor.go(f"/staff/withdrawals/{made.public_id}")
    page.fill("#aside-reason", "call the customer")
    live_desk.press(page, "form[action$='/aside'] button")
    live_desk.said(page, "Put aside.")
    live_desk.press(page, "form[action$='/reject'] button")
    expect(page.locator("#reject-reason")).to_have_attribute("aria-invalid", "true")
    page.fill("#reject-reason", "the address is on a list")
    live_desk.press(page, "form[action$='/reject'] button")
    live_desk.said(page, "Rejected; the money is back.")
    visitor.fits()
    assert person.balance("USDT") == parse_units("100000", "USDT")
    live_desk.ledger_is_right(back_office)


def test_nobody_decides_their_own_withdrawal_and_support_decides_none(seat: Browse, back_office: LivePortal) -> None:
    portal = live_desk.beside(back_office)
    person = people.customer(portal, usdt="100000")
    made = live_desk.withdrawal(back_office, person, "20000")
    visitor = seat("desktop")
    who = live_desk.new_desk(visitor, back_office, "compliance")
    portal.db.transact(staff_accounts.name_customer, who.id, person.id, "system")
    page = visitor.go(f"/staff/withdrawals/{made.public_id}")
    answer = page.request.post(f"{page.url}/approve", form={"csrf_token": token(page)})
    assert answer.status == 403
    live_desk.new_desk(visitor, back_office, "support")
    page = visitor.go(f"/staff/withdrawals/{made.public_id}")
    for act in ("approve", "reject", "aside"):
        expect(page.locator(f"form[action$='/{act}']")).to_have_count(0)
        answer = page.request.post(f"{page.url}/{act}", form={"csrf_token": token(page), "reason": "because"})
        assert answer.status == 403, act
    assert stored(back_office, Withdrawal, made.id).status == "awaiting_approval"


def test_one_person_stops_all_pay_outs_and_two_let_them_go_on(seat: Browse, back_office: LivePortal) -> None:
    person = people.customer(live_desk.beside(back_office), usdt="1000")
    one, two = seat("phone"), seat("desktop", javascript=False)
    live_desk.new_desk(one, back_office, "finance")
    page = one.go("/staff/withdrawals")
    page.fill("#reason", "the bank calls")
    live_desk.press(page, "form[action='/staff/payouts/stop'] .actions button")
    expect(page.locator("main")).to_contain_text("the bank calls")
    one.axe()
    made = live_desk.withdrawal(back_office, person, "100")
    back_office.run_worker()
    assert stored(back_office, Withdrawal, made.id).status == "approved"
    page = one.go("/staff/withdrawals")
    page.fill("#reason", "all is well")
    live_desk.press(page, "form[action='/staff/payouts/resume'] .actions button")
    live_desk.said(page, "Another person decides.")
    live_desk.new_desk(two, back_office, "treasury")
    page = two.go("/staff/approvals")
    page.click("#list tr:has-text('Pay-outs') a")
    live_desk.press(page, "form[action$='/approve'] button")
    live_desk.said(page, "Approved and carried out.")
    back_office.run_worker()
    assert stored(back_office, Withdrawal, made.id).status == "broadcast"


@TWO_WAYS
def test_money_in_suspense_is_given_to_its_customer(
    seat: Browse, back_office: LivePortal, device: str, javascript: bool
) -> None:
    person = people.customer(live_desk.beside(back_office), twd="1")
    credit = live_desk.suspended(back_office, "777")
    visitor = seat(device, javascript=javascript)
    live_desk.new_desk(visitor, back_office, "finance")
    page = visitor.go("/staff/bank/suspense?queue=other")
    page.click(f"#list a[href$='{credit.public_id}']")
    page.fill("#login", "nobody")
    page.fill("#customer-reason", "they called")
    live_desk.press(page, "form[action$='/customer'] .actions button")
    expect(page.locator("#login")).to_have_attribute("aria-invalid", "true")
    page.fill("#login", person.email)
    page.fill("#customer-reason", "they called")
    live_desk.press(page, "form[action$='/customer'] .actions button")
    expect(page.locator("form[action$='/refund']")).to_have_count(0)
    visitor.fits()
    assert person.balance("TWD") == parse_units("778", "TWD")
    live_desk.ledger_is_right(back_office)


@TWO_WAYS
def test_money_in_suspense_is_sent_back_and_a_large_sum_by_two(
    seat: Browse, back_office: LivePortal, device: str, javascript: bool
) -> None:
    portal = live_desk.beside(back_office)
    maker, checker = seat(device, javascript=javascript), seat("desktop", javascript=javascript)
    live_desk.new_desk(maker, back_office, "finance")
    waiting = portal.db.read(ledger.balance, ledger.house("suspense", "TWD"))
    for amount in ("1000", "50000"):
        credit = live_desk.suspended(back_office, amount)
        page = maker.go(f"/staff/bank/credits/{credit.public_id}")
        page.fill("#bank_code", "004")
        page.fill("#branch_code", "0037")
        page.fill("#account", "12345678901")
        page.fill("#holder", "王大明")
        page.fill("#refund-reason", "not ours")
        live_desk.press(page, "form[action$='/refund'] .actions button")
        maker.fits()
        if amount == "1000":
            live_desk.said(page, "told to send it back")
            continue
        assert stored(back_office, BankCredit, credit.id).outcome == "suspense"
        where = page.locator("main a[href^='/staff/approvals/']").first.get_attribute("href")
        live_desk.new_desk(checker, back_office, "treasury")
        page = checker.go(str(where))
        expect(page.locator("main")).not_to_contain_text("12345678901")
        live_desk.press(page, "form[action$='/approve'] button")
        live_desk.said(page, "Approved and carried out.")
    back_office.run_worker()
    back_office.run_worker()
    assert portal.db.read(ledger.balance, ledger.house("suspense", "TWD")) == waiting
    paid = stored_refunds(back_office)
    assert paid[-2:] == [parse_units("1000", "TWD"), parse_units("50000", "TWD")]
    live_desk.ledger_is_right(back_office)


def stored_refunds(live: LivePortal) -> list[int]:
    """Amounts of the refunds that the bank has paid, oldest first."""

    def find(session: Any) -> list[int]:
        rows = session.query(BankRefund).filter(BankRefund.status == "paid").order_by(BankRefund.id)
        return [row.amount_units for row in rows]

    found: list[int] = live_desk.beside(live).db.read(find)
    return found


@TWO_WAYS
def test_dead_jobs_and_failed_webhooks_are_taken_up_again(
    seat: Browse, back_office: LivePortal, device: str, javascript: bool
) -> None:
    live_desk.dead_job(back_office, f"job-{device}")
    live_desk.failed_webhook(back_office, f"hook-{device}")
    visitor = seat(device, javascript=javascript)
    live_desk.new_desk(visitor, back_office, "admin")
    page = visitor.go("/staff/jobs")
    expect(page.locator("#list")).to_contain_text("SMTP is away")
    if javascript:
        visitor.axe()
    before = page.locator("#list tbody tr").count()
    live_desk.press(page, "#list form[action$='/revive'] button")
    expect(page.locator("#list tbody tr")).to_have_count(before - 1)
    page = visitor.go("/staff/webhooks")
    row = page.locator("#list tr", has_text=f"hook-{device}")
    row.locator("button").click()
    expect(page.locator("#list tr", has_text=f"hook-{device}")).to_have_count(0)
    visitor.fits()
