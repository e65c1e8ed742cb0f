"""Checks for others, disputes, and what two people set up, in Chromium: done by the right role, shut to the wrong one, in both languages."""

import uuid
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from portal.services import disputes, institution_members, institutions, prices, store_bank_accounts, store_members
from tests.support import live_checks, live_desk, merchants, people
from tests.support.browser import Browse, Visitor
from tests.support.live import LivePortal

CHINESE, ENGLISH = "zh_Hant_TW", "en"
TWO_WAYS = pytest.mark.parametrize(
    ("device", "javascript", "language"), [("phone", True, CHINESE), ("desktop", False, ENGLISH)]
)

#: What the pages say, by the language.
SAYS = {
    "person decided": {ENGLISH: "Decided; the institution is told.", CHINESE: "已決定，並已通知機構。"},
    "account decided": {ENGLISH: "Decided; the store's owners are told.", CHINESE: "已決定，並已通知商家負責人。"},
    "written": {ENGLISH: "Written down.", CHINESE: "已記錄。"},
    "moved": {ENGLISH: "Moved on.", CHINESE: "已推進。"},
    "known": {ENGLISH: "This movement is disputed already.", CHINESE: "此筆交易已有爭議案件。"},
    "proposed": {ENGLISH: "Proposed. Another person decides.", CHINESE: "已提出，由另一位同仁決定。"},
    "nobody": {
        ENGLISH: "There is no customer with this user name or e-mail address.",
        CHINESE: "查無此使用者名稱或電子郵件的客戶。",
    },
}


def looked_at(visitor: Visitor, javascript: bool) -> None:
    visitor.fits()
    if javascript:
        visitor.axe()


def shut(visitor: Visitor, live: LivePortal, role: str, act: str, **sent: str) -> None:
    """The role is refused the act itself, and that is written down."""
    who = live_desk.new_desk(visitor, live, role)
    page = visitor.go("/staff")
    token = str(page.locator("meta[name=csrf-token]").get_attribute("content"))
    answer = page.request.post(f"{live.url}{act}", form={"csrf_token": token, "reason": "because", **sent})
    assert answer.status == 403, act
    assert live_desk.audited(live, "staff.refused", who.actor)[-1].subject == f"POST {act}"


def filled(page: Page, action: str, **values: str) -> None:
    """Fills the form of this address and sends it by its first button."""
    form = page.locator(f"form[action='{action}']")
    for name, value in values.items():
        field = form.locator(f"[name={name}]")
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    live_desk.press(page, f"form[action='{action}'] .actions button")


@TWO_WAYS
def test_a_person_of_an_institution_is_refused_and_passed_the_second_time(
    seat: Browse, back_office: LivePortal, device: str, javascript: bool, language: str
) -> None:
    institution, found = live_checks.person(back_office, f"p-{device}")
    where = f"/staff/partner-kyc/{found.public_id}"
    visitor = seat(device, javascript=javascript)
    who = live_desk.new_desk(visitor, back_office, "compliance", language=language)
    page = visitor.go("/staff/partner-kyc")
    page.click(f"#list a[href='{where}']")
    picture = page.locator("img.doc-picture").first
    answer = page.request.get(str(picture.get_attribute("src")))
    assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
    page.click("button[name=decision][value=reject]")
    expect(page.locator("#reason")).to_have_attribute("aria-invalid", "true")
    looked_at(visitor, javascript)
    page.fill("#reason", "The picture is blurred.")
    page.click("button[name=decision][value=reject]")
    live_desk.said(page, SAYS["person decided"][language])
    assert live_checks.check_of(institution, found.acct_no).status == "not_passed"
    again = live_checks.handed_in(institution, found.acct_no)
    assert (again.public_id, again.submissions) == (found.public_id, 2)
    page = visitor.go(where)
    page.click("button[name=decision][value=approve]")
    live_desk.said(page, SAYS["person decided"][language])
    assert live_checks.check_of(institution, found.acct_no).status == "passed"
    expect(page.locator(f"#list a[href='{where}']")).to_have_count(0)
    for act in ("open", "document", "reject", "approve"):
        assert live_desk.audited(back_office, f"partner_kyc.{act}", who.actor), act


def test_finance_and_support_do_not_check_people_of_institutions(seat: Browse, back_office: LivePortal) -> None:
    institution, found = live_checks.person(back_office, "p-shut")
    visitor = seat("desktop")
    for role in ("finance", "support"):
        shut(
            visitor,
            back_office,
            role,
            f"/staff/partner-kyc/{found.public_id}/decide",
            decision="approve",
            submission="1",
        )
        answer = visitor.page.request.get(f"/staff/partner-kyc/{found.public_id}/pictures/front_doc")
        assert answer.status == 403
    assert live_checks.check_of(institution, found.acct_no).status == "checking"


@TWO_WAYS
def test_a_stores_bank_account_is_verified_and_the_next_one_rejected(
    seat: Browse, back_office: LivePortal, device: str, javascript: bool, language: str
) -> None:
    shop = live_checks.shop(back_office, "00999988887777")
    where = f"/staff/store-accounts/{shop.store.public_id}"
    visitor = seat(device, javascript=javascript)
    live_desk.new_desk(visitor, back_office, "finance", language=language)
    page = visitor.go("/staff/store-accounts")
    page.click(f"#list a[href='{where}']")
    expect(page.locator("main")).to_contain_text("00999988887777")
    expect(page.locator("main")).to_contain_text("****9012")
    looked_at(visitor, javascript)
    page.click("button[name=decision][value=approve]")
    live_desk.said(page, SAYS["account decided"][language])
    assert in_force(shop) == "7777"
    live_checks.wants(shop, "00999988881111")
    page = visitor.go(where)
    page.click("button[name=decision][value=reject]")
    expect(page.locator("#reason")).to_have_attribute("aria-invalid", "true")
    page.fill("#reason", "Another holder.")
    page.click("button[name=decision][value=reject]")
    live_desk.said(page, SAYS["account decided"][language])
    expect(page.locator(f"#list a[href='{where}']")).to_have_count(0)
    assert in_force(shop) == "7777"


def in_force(shop: merchants.Shop) -> str:
    """The last digits of the account that a store's takings go to."""
    found = shop.portal.db.read(store_bank_accounts.of_store, shop.store.id, "verified")
    return str(found.account_tail)


def test_support_sees_which_accounts_wait_and_neither_opens_nor_decides_them(
    seat: Browse, back_office: LivePortal
) -> None:
    shop = live_checks.shop(back_office)
    where = f"/staff/store-accounts/{shop.store.public_id}"
    visitor = seat("phone")
    live_desk.new_desk(visitor, back_office, "support")
    page = visitor.go("/staff/store-accounts")
    expect(page.locator("#list")).to_contain_text("****7777")
    expect(page.locator("#list td a")).to_have_count(0)
    live_desk.refused(page, where)
    waiting = shop.portal.db.read(store_bank_accounts.of_store, shop.store.id, "pending")
    for role in ("support", "compliance", "treasury"):
        shut(visitor, back_office, role, f"{where}/decide", decision="approve", account=str(waiting.id))
    assert in_force(shop) == "9012"


@TWO_WAYS
def test_a_dispute_is_opened_from_a_line_answered_and_closed(
    seat: Browse, back_office: LivePortal, device: str, javascript: bool, language: str
) -> None:
    portal = live_desk.beside(back_office)
    amy = people.customer(portal, usdt="1000")
    line = live_checks.line(back_office, amy)
    customer = f"/staff/customers/{live_desk.public_id(back_office, amy)}"
    visitor = seat(device, javascript=javascript)
    who = live_desk.new_desk(visitor, back_office, "support", language=language)
    page = visitor.go(f"{customer}/activity")
    page.click(f"#list a[href$='/{line.public_id}']")
    page.click("details.disclosure summary")
    looked_at(visitor, javascript)
    act = f"{customer}/activity/{line.public_id}/dispute"
    claim = f"I did not ask for this. {uuid.uuid4().hex[:6]}"
    filled(page, act, claim=claim)
    expect(page.locator("h1")).to_have_text(claim)
    where = page.url.removeprefix(back_office.url)
    expect(page.locator(".timeline")).to_contain_text(who.name)
    looked_at(visitor, javascript)
    filled(page, f"{where}/notes", note="")
    expect(page.locator("#note")).to_have_attribute("aria-invalid", "true")
    filled(page, f"{where}/notes", note="Called the customer.")
    live_desk.said(page, SAYS["written"][language])
    filled(page, f"{where}/move", to="closed", reason="")
    expect(page.locator("#reason")).to_have_attribute("aria-invalid", "true")
    page = visitor.go(f"{customer}/activity/{line.public_id}")
    page.click("details.disclosure summary")
    filled(page, act, claim="Once more.")
    live_desk.said(page, SAYS["known"][language])
    page = visitor.go(where)
    filled(page, f"{where}/move", to="closed", reason="It was their own device.")
    live_desk.said(page, SAYS["moved"][language])
    expect(page.locator(".timeline")).to_contain_text("It was their own device.")
    ways = page.locator(f"form[action='{where}/move'] option").evaluate_all("all => all.map(one => one.value)")
    assert ways == ["investigating"]
    page = visitor.go("/staff/disputes")
    expect(page.locator(f"#list a[href='{where}']")).to_have_count(0)
    page = visitor.go("/staff/disputes?status=closed")
    expect(page.locator(f"#list a[href='{where}']")).to_have_text(claim)
    assert live_desk.audited(back_office, "dispute.open", who.actor)
    live_desk.ledger_is_right(back_office)


def test_who_does_not_talk_to_customers_follows_no_disputes(seat: Browse, back_office: LivePortal) -> None:
    portal = live_desk.beside(back_office)
    amy = people.customer(portal, usdt="1000")
    case = live_checks.dispute(back_office, amy)
    where = f"/staff/disputes/{case.public_id}"
    visitor = seat("desktop")
    shut(visitor, back_office, "admin", f"{where}/notes", note="I was here.")
    shut(visitor, back_office, "admin", f"{where}/move", to="closed")
    live_desk.refused(visitor.page, where)
    assert portal.db.read(disputes.find, case.public_id).status == "open"


@TWO_WAYS
def test_a_price_that_leapt_is_believed_by_two_and_trading_goes_on(
    seat: Browse, back_office: LivePortal, device: str, javascript: bool, language: str
) -> None:
    portal = live_desk.beside(back_office)
    back_office.post("/sandbox/prices", symbol="ETH-TWD", price="100000")
    maker, checker = seat(device, javascript=javascript), seat("desktop", javascript=javascript)
    try:
        portal.ports.rates.set_price("ETH-TWD", Decimal(150000))
        back_office.run_worker()
        back_office.advance(10)
        back_office.run_worker()
        live_desk.new_desk(maker, back_office, "treasury", language=language)
        page = maker.go("/staff/prices")
        expect(page.locator("#symbol")).to_have_value("ETH-TWD")
        expect(page.locator("#price")).to_have_value("150000")
        filled(page, "/staff/prices", price="many", reason="seen it")
        expect(page.locator("#price")).to_have_attribute("aria-invalid", "true")
        looked_at(maker, javascript)
        reason = f"two other markets say so, {device}"
        filled(page, "/staff/prices", price="150000", reason=reason)
        live_desk.said(page, SAYS["proposed"][language])
        assert portal.db.read(prices.last, "ETH-TWD") == 100000
        live_desk.approve(checker, back_office, reason)
        assert portal.db.read(prices.last, "ETH-TWD") == 150000
        page = maker.go("/staff/prices")
        expect(page.locator("table")).to_contain_text("150,000")
        expect(page.locator("table .badge.bad")).to_have_count(0)
    finally:
        back_office.post("/sandbox/prices", symbol="ETH-TWD", price="98765.4321")


@TWO_WAYS
def test_a_card_type_is_made_by_two(
    seat: Browse, back_office: LivePortal, device: str, javascript: bool, language: str
) -> None:
    number, reason = f"7000{uuid.uuid4().int % 10**4:04d}", f"a new bank, {device}"
    maker, checker = seat(device, javascript=javascript), seat("desktop", javascript=javascript)
    live_desk.new_desk(maker, back_office, "treasury", language=language)
    page = maker.go("/staff/card-types")
    wanted = {"id": number, "bank_id": "7000", "currency": "USD", "description": "Travel card", "reason": reason}
    filled(page, "/staff/card-types", **{**wanted, "currency": "TWD"})
    expect(page.locator("#currency")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#description")).to_have_value("Travel card")
    looked_at(maker, javascript)
    filled(page, "/staff/card-types", **wanted, restock_to="3")
    live_desk.said(page, SAYS["proposed"][language])
    portal = live_desk.beside(back_office)
    assert number not in {kind.id for kind in portal.db.read(institutions.card_types)}
    live_desk.approve(checker, back_office, reason)
    page = maker.go("/staff/card-types")
    expect(page.locator("table tr", has_text=number)).to_contain_text("Travel card")
    (made,) = [kind for kind in portal.db.read(institutions.card_types) if kind.id == number]
    assert (made.bank_id, made.currency, made.restock_to) == ("7000", "USD", 3)


@TWO_WAYS
def test_a_store_and_an_institution_get_their_first_people_by_two(
    seat: Browse, back_office: LivePortal, device: str, javascript: bool, language: str
) -> None:
    portal = live_desk.beside(back_office)
    amy, ben = people.customer(portal), people.customer(portal)
    store = live_checks.store(back_office)
    institution, _ = live_checks.person(back_office, f"m-{device}")
    maker, checker = seat(device, javascript=javascript), seat("desktop", javascript=javascript)
    live_desk.new_desk(maker, back_office, "treasury", language=language)
    page = maker.go(f"/staff/stores/{store.id}")
    act = f"/staff/stores/{store.id}/owner"
    filled(page, act, login="nobody@example.net", reason="a new shop")
    expect(page.locator("main")).to_contain_text(SAYS["nobody"][language])
    looked_at(maker, javascript)
    filled(page, act, login=amy.email, reason=f"a new shop, {device}")
    live_desk.said(page, SAYS["proposed"][language])
    assert portal.db.read(store_members.owners, store.id) == []
    live_desk.approve(checker, back_office, f"a new shop, {device}")
    assert portal.db.read(store_members.owners, store.id) == [amy.id]
    page = maker.go(f"/staff/stores/{store.id}")
    expect(page.locator("table").first).to_contain_text(amy.username)
    page = maker.go(f"/staff/institutions/{institution.id}")
    filled(
        page, f"/staff/institutions/{institution.id}/members", login=ben.email, role="owner", reason=f"first, {device}"
    )
    live_desk.said(page, SAYS["proposed"][language])
    live_desk.approve(checker, back_office, f"first, {device}")
    assert portal.db.read(institution_members.owners, institution.id) == [ben.id]
    page = maker.go(f"/staff/institutions/{institution.id}")
    expect(page.locator("main")).to_contain_text(ben.username)


def test_who_may_only_look_sets_up_no_prices_card_types_or_people(seat: Browse, back_office: LivePortal) -> None:
    store = live_checks.store(back_office)
    visitor = seat("desktop")
    live_desk.new_desk(visitor, back_office, "finance")
    for path in ("prices", "card-types", f"stores/{store.id}"):
        page = visitor.go(f"/staff/{path}")
        expect(page.locator("main form[method=post]")).to_have_count(0)
        live_desk.new_desk(visitor, back_office, "support")
        live_desk.refused(visitor.page, f"/staff/{path}")
        live_desk.new_desk(visitor, back_office, "finance")
    for role in ("finance", "compliance"):
        shut(visitor, back_office, role, "/staff/prices", symbol="ETH-TWD", price="1")
        shut(visitor, back_office, role, "/staff/card-types", id="70009999", bank_id="7000", currency="USD")
        shut(visitor, back_office, role, f"/staff/stores/{store.id}/owner", login="amy")
