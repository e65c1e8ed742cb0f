"""Set-up in Chromium: rules, companies, stores, institutions, card terms, staff and roles: proposed by one, in force with another's yes."""

import uuid

import pytest
from playwright.sync_api import expect

from portal.services import companies, offering, parameters, staff_accounts
from tests.support import desk, live_desk
from tests.support.browser import Browse
from tests.support.live import LivePortal

TWO_WAYS = pytest.mark.parametrize(("device", "javascript"), [("phone", True), ("desktop", False)])


@TWO_WAYS
def test_a_rule_is_changed_by_two_and_keeps_its_versions(
    seat: Browse, back_office: LivePortal, device: str, javascript: bool
) -> None:
    limit, reason = ("250000", "more eyes") if javascript else ("260000", "fewer eyes")
    maker, checker = seat(device, javascript=javascript), seat("desktop", javascript=javascript)
    live_desk.new_desk(maker, back_office, "treasury")
    page = maker.go("/staff/settings")
    page.click("a[href='/staff/settings/withdrawal_approval']")
    page.fill("[name=one_above_twd]", "many")
    page.fill("#reason", reason)
    page.click("main form .actions button")
    expect(page.locator("[name=one_above_twd]")).to_have_attribute("aria-invalid", "true")
    maker.fits()
    page.fill("[name=one_above_twd]", limit)
    page.fill("#reason", reason)
    page.click("main form .actions button")
    live_desk.said(page, "Another person decides.")
    portal = live_desk.beside(back_office)
    assert portal.db.read(parameters.get, "withdrawal_approval")["one_above_twd"] != limit
    page = live_desk.approve(checker, back_office, reason)
    expect(page.locator("main")).to_contain_text(limit)
    page = maker.go("/staff/settings/withdrawal_approval")
    expect(page.locator("table")).to_contain_text(limit)
    if javascript:
        maker.axe()


@TWO_WAYS
def test_a_company_is_made_stocked_and_gets_an_account_and_terms(
    seat: Browse, back_office: LivePortal, device: str, javascript: bool
) -> None:
    code = f"c{uuid.uuid4().hex[:8]}"
    maker, checker = seat(device, javascript=javascript), seat("desktop", javascript=javascript)
    live_desk.new_desk(maker, back_office, "treasury")
    page = maker.go("/staff/companies")
    form = page.locator("form[action='/staff/companies']")
    for name, value in {"code": code, "name": "玉山", "stock": "10", "reason": f"new {code}"}.items():
        form.locator(f"[name={name}]").fill(value)
    form.locator(".actions button").click()
    live_desk.said(page, "Another person decides.")
    live_desk.approve(checker, back_office, f"new {code}")
    portal = live_desk.beside(back_office)
    made = portal.db.read(companies.by_code, code)
    page = maker.go(f"/staff/companies/{made.id}")
    form = page.locator("form[action$='/stock']")
    form.locator("[name=amount]").fill("1.5")
    form.locator("[name=reason]").fill(f"more {code}")
    form.locator(".actions button").click()
    live_desk.said(page, "Another person decides.")
    live_desk.approve(checker, back_office, f"more {code}")
    assert portal.db.read(companies.sellable_units, made.id) == 11_500_000
    form = page.locator("form[action$='/accounts']")
    number = f"009-{uuid.uuid4().int % 10**13:013d}"
    account = {"account": "009-5251234567890", "bank_name": "彰化銀行", "branch_name": "總行", "account_name": "玉山"}
    for name, value in {**account, "reason": f"pay {code}"}.items():
        form.locator(f"[name={name}]").fill(value)
    form.locator(".actions button").click()
    expect(page.locator("main")).to_contain_text("A company has this account already.")
    for name, value in {**account, "account": number, "reason": f"pay {code}"}.items():
        form.locator(f"[name={name}]").fill(value)
    form.locator(".actions button").click()
    live_desk.said(page, "Another person decides.")
    live_desk.approve(checker, back_office, f"pay {code}")
    page = maker.go(f"/staff/companies/{made.id}")
    expect(page.locator("main")).to_contain_text(number)
    form = page.locator("form[action$='/policies']")
    form.locator("[name=version]").fill("1.2")
    form.locator("[name=content]").fill("Terms.")
    form.locator(".actions button").click()
    expect(page.locator("main")).to_contain_text("1.2")
    maker.fits()


def test_a_store_is_opened_and_closed(seat: Browse, back_office: LivePortal) -> None:
    name = f"山嵐 {uuid.uuid4().hex[:6]}"
    visitor = seat("desktop")
    live_desk.new_desk(visitor, back_office, "treasury")
    page = visitor.go("/staff/stores")
    form = page.locator("form[action='/staff/stores']")
    form.locator("[name=name]").fill(name)
    form.locator("[name=address]").fill("台北市大安區基隆路二段100號")
    form.locator("[name=discount_value]").fill("-3")
    form.locator(".actions button").click()
    expect(page.locator("form[action='/staff/stores'] [aria-invalid=true]").first).to_be_visible()
    form.locator("[name=discount_value]").fill("5")
    form.locator(".actions button").click()
    row = page.locator("#list tr", has_text=name)
    while not row.count():
        page.click(".pager a:last-child")
        expect(page.locator("#list tbody tr").first).to_be_visible()
    row.locator("button").click()
    yes = page.locator("dialog[open] button[value=yes]")
    if yes.count():
        yes.click()
    page.wait_for_load_state()
    visitor.axe()


def test_an_institution_and_its_card_terms_are_decided_by_two(seat: Browse, back_office: LivePortal) -> None:
    name = f"Partner {uuid.uuid4().hex[:6]}"
    maker, checker = seat("desktop"), seat("phone")
    live_desk.new_desk(maker, back_office, "treasury")
    page = maker.go("/staff/institutions")
    form = page.locator("form[action='/staff/institutions']")
    form.locator("[name=name]").fill(name)
    form.locator("[name=reason]").fill(f"new {name}")
    form.locator(".actions button").click()
    live_desk.said(page, "Another person decides.")
    live_desk.approve(checker, back_office, f"new {name}")
    page = maker.go("/staff/institutions")
    page.click(f"a:has-text('{name}')")
    maker.axe()
    form = page.locator("form[action*='/terms/']").first
    form.locator("[name=may_open]").check()
    form.locator("[name=open_fee_usdt]").fill("3")
    form.locator("[name=exchange_rate]").fill("0.97")
    form.locator("[name=tiers]").fill("0,1000000,0.01")
    form.locator("[name=reason]").fill(f"terms {name}")
    form.locator(".actions button").click()
    page.wait_for_load_state()
    live_desk.said(page, "Another person decides.")
    live_desk.approve(checker, back_office, f"terms {name}")
    page.reload()
    expect(page.locator("form[action*='/terms/'] [name=open_fee_usdt]").first).to_have_value("3")


@TWO_WAYS
def test_a_member_is_invited_given_a_role_and_suspended(
    seat: Browse, back_office: LivePortal, device: str, javascript: bool
) -> None:
    portal = live_desk.beside(back_office)
    email = f"invited-{device}@taroko.example"
    maker, checker = seat(device, javascript=javascript), seat("desktop", javascript=javascript)
    live_desk.new_desk(maker, back_office, "admin")
    page = maker.go("/staff/people")
    form = page.locator("form[action='/staff/people']")
    form.locator("[name=name]").fill(f"Ivy {device}")
    form.locator("[name=email]").fill(email)
    form.locator("#invite-support").check()
    form.locator("[name=reason]").fill(f"help for {device}")
    form.locator(".actions button").click()
    live_desk.said(page, "Another person decides.")
    live_desk.approve(checker, back_office, f"help for {device}")
    assert any(email in message["to"] for message in back_office.messages(email))
    page = maker.go("/staff/people")
    page.click(f"a:has-text('Ivy {device}')")
    page.check("#role-finance")
    page.fill("form[action$='/roles'] [name=reason]", f"moves {device}")
    page.click("form[action$='/roles'] .actions button")
    live_desk.said(page, "Another person decides.")
    live_desk.approve(checker, back_office, f"moves {device}")
    found = portal.db.read(staff_accounts.by_email, email)
    assert portal.db.read(staff_accounts.roles_of, found.id) == ["finance", "support"]
    page = maker.go(f"/staff/people/{found.public_id}")
    live_desk.press(page, "form[action$='/standing'] button")
    expect(page.locator("main .badge", has_text="Suspended").first).to_be_visible()
    maker.fits()


@TWO_WAYS
def test_an_asset_is_paused_and_opened_again_by_two(
    seat: Browse, back_office: LivePortal, device: str, javascript: bool
) -> None:
    thing = "TWIG:trading" if javascript else "TWIG:withdrawals"
    portal = live_desk.beside(back_office)
    maker, checker = seat(device, javascript=javascript), seat("desktop", javascript=javascript)
    live_desk.new_desk(maker, back_office, "treasury")
    for to in ("paused", "open"):
        page = maker.go("/staff/offering")
        page.select_option("[name=switch]", thing)
        page.select_option("[name=to]", to)
        page.click("main form .actions button")
        expect(page.locator("[name=reason]")).to_have_attribute("aria-invalid", "true")
        maker.fits()
        page.fill("[name=reason]", f"{to} {thing}")
        page.click("main form .actions button")
        live_desk.said(page, "Another person decides.")
        live_desk.approve(checker, back_office, f"{to} {thing}")
        page = maker.go("/staff/offering")
        expect(page.locator("main table .badge", has_text="Paused")).to_have_count(1 if to == "paused" else 0)
        if javascript:
            maker.axe()
    assert portal.db.read(offering.is_open, *reversed(thing.split(":")))


def test_nobody_gives_roles_to_themselves(seat: Browse, back_office: LivePortal) -> None:
    portal = live_desk.beside(back_office)
    maker, other = seat("desktop"), seat("desktop")
    mine = desk.member(portal, "admin")
    live_desk.sit_down(other, back_office, mine)
    live_desk.new_desk(maker, back_office, "admin")
    page = maker.go(f"/staff/people/{mine.public_id}")
    page.check("#role-treasury")
    page.fill("form[action$='/roles'] [name=reason]", f"for {mine.name}")
    page.click("form[action$='/roles'] .actions button")
    page = other.go("/staff/approvals")
    page.click(f"#list tr:has-text('for {mine.name}') a")
    with page.expect_response("**/approve") as answered:
        live_desk.press(page, "form[action$='/approve'] button")
    assert answered.value.status == 403
    assert portal.db.read(staff_accounts.roles_of, mine.id) == ["admin"]


def test_who_may_only_look_at_the_rules_proposes_none(seat: Browse, back_office: LivePortal) -> None:
    visitor = seat("desktop")
    live_desk.new_desk(visitor, back_office, "finance")
    for path in ("settings/withdrawal_approval", "companies", "stores", "institutions"):
        page = visitor.go(f"/staff/{path}")
        expect(page.locator("main form[method=post] .actions")).to_have_count(0)
        token = str(page.locator("meta[name=csrf-token]").get_attribute("content"))
        answer = page.request.post(f"{back_office.url}/staff/{path}", form={"csrf_token": token, "reason": "because"})
        assert answer.status == 403, path
    live_desk.refused(page, "/staff/people")
