"""The bank cockpit in Chromium: three files as banks give them out are imported, matched, queued and reconciled to nothing unexplained."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from portal.models.bank import StatementLine
from portal.money import parse_units
from portal.services import bank_reconciliation, parameters, voucher_orders, withdrawals
from portal.services.activity import TAIPEI
from portal.services.voucher_orders import Wanted
from portal.services.withdrawals import Request
from tests.support import live_desk, people, statement_files, vouchers
from tests.support.beside import app_beside
from tests.support.browser import Browse, Visitor, browsing
from tests.support.live import LivePortal
from tests.support.outside import code_for
from tests.support.statement_files import Movement, signed

MAPPING = "809 凱基銀行"


@pytest.fixture(scope="module")
def bank(live_on: Callable[..., LivePortal]) -> LivePortal:
    """A portal of one's own: a day is closed only when nobody else leaves lines open."""
    return live_on()


@pytest.fixture
def seat(browser: Browser, bank: LivePortal) -> Iterator[Browse]:
    """`seat("desktop")` opens a window on it."""
    with browsing(browser, bank.url) as maker:
        yield maker


def today(bank: LivePortal) -> date:
    day: date = live_desk.beside(bank).clock.now().astimezone(TAIPEI).date()
    return day


def order(bank: LivePortal, person: people.Person, quantity: int) -> str:
    """An order of vouchers that waits for its money; the account to pay into."""
    portal = live_desk.beside(bank)
    wanted = Wanted(quantity=quantity, payment_type="atm", payout_account=vouchers.PAYOUT["tungkai"])
    with app_beside(bank).app_context():
        made = portal.db.transact(voucher_orders.create, person.id, wanted)
        bank.run_worker()
        code = code_for(portal, person.phone)
        found = portal.db.transact(voucher_orders.verify, person.id, made.order.public_id, code)
    return str(found.virtual.account)


def payout(bank: LivePortal, person: people.Person, amount: str, *, send: bool = True) -> str:
    """A withdrawal of TWD that its owner confirmed; with `send` the bank has paid it, else it waits to leave. Answers its reference."""
    portal = live_desk.beside(bank)
    wanted = Request(
        owner_kind="customer", owner_id=person.id, family="brokerage", kind="fiat", asset="TWD", network="BANK",
        amount_units=signed(amount), bank_account_id=person.bank_account_id,
    )  # fmt: skip
    with app_beside(bank).app_context():
        made = portal.db.transact(withdrawals.request, wanted)
        bank.run_worker()
        code = code_for(portal, person.email)
        portal.db.transact(
            lambda session: withdrawals.confirm(
                session, session.get(type(made), made.id), code, f"customer:{person.id}"
            )
        )
    for _ in range(2 if send else 1):
        bank.run_worker()
    return str(made.reference)


def import_file(visitor: Visitor, name: str, content: bytes, mapping: str = "") -> Page:
    page = visitor.go("/staff/bank")
    page.set_input_files("input[name=file]", {"name": name, "mimeType": "application/octet-stream", "buffer": content})
    page.select_option("select[name=mapping]", mapping)
    page.click("form[action='/staff/bank/statements'] .actions button")
    page.wait_for_load_state()
    return page


def open_lines(bank: LivePortal) -> dict[str, int]:
    """Lines that wait, by their reference."""

    def find(session: Any) -> dict[str, int]:
        return {line.reference: line.id for line in session.query(StatementLine).filter_by(status="open")}

    found: dict[str, int] = live_desk.beside(bank).db.read(find)
    return found


def looked_at(visitor: Visitor, javascript: bool = True) -> None:
    visitor.fits()
    if javascript:
        visitor.axe()


def test_three_files_match_queue_and_reconcile_to_nothing_unexplained(seat: Browse, bank: LivePortal) -> None:
    portal, day = live_desk.beside(bank), today(bank)
    amy, ben = people.customer(portal), people.customer(portal, twd="5000")
    own, account = live_desk.virtual_account(bank, amy), vouchers.own_account(amy)
    exact, short, twice = (order(bank, amy, quantity) for quantity in (500, 600, 700))
    vouchers.bank_brings(portal, twice, "700", payer_account=account, reference="K-HEARD")
    paid = payout(bank, ben, "1015")
    csv, notice, statement = statement_files.three_files(
        day, payer=account, own=own, exact=exact, short=short, twice=twice,
        payee=vouchers.own_account(ben), paid=paid,
    )  # fmt: skip
    visitor = seat("desktop")
    live_desk.new_desk(visitor, bank, "finance")
    live_desk.said(import_file(visitor, "kgi.csv", csv, MAPPING), "10 new lines, 0 known before")
    looked_at(visitor)
    live_desk.said(import_file(visitor, "notice.xml", notice), "1 new lines")
    page = import_file(visitor, "statement.xml", statement)
    live_desk.said(page, "2 new lines, 1 known before")
    page = import_file(visitor, "again.csv", csv, MAPPING)
    expect(page.locator("main")).to_contain_text("This very file was imported already.")

    page = visitor.go("/staff/bank/lines")
    looked_at(visitor)
    live_desk.press(page, "form[action$='/lines/certain'] button")
    live_desk.said(page, "lines are booked")
    assert amy.balance("TWD") == signed("1400")
    assert amy.balance("TWIP") == parse_units("1200", "TWIP")
    left = open_lines(bank)
    assert set(left) == {"K3", "K4", "K5", "K9"}
    for reference, number in left.items():
        page = visitor.go(f"/staff/bank/lines/{number}")
        expect(page.locator("main")).to_contain_text(reference)
        live_desk.press(page, "form[action$='/book'] button")
        live_desk.said(page, "Booked.")
    looked_at(visitor)
    for queue, reference in {"short": "K3", "duplicate": "K4", "third_party": "K5", "other": "K9"}.items():
        expect(visitor.go(f"/staff/bank/suspense?queue={queue}").locator("#list")).to_contain_text(reference)
        looked_at(visitor)
    reconciled_and_closed(seat, visitor, bank, day)


def reconciled_and_closed(seat: Browse, visitor: Visitor, bank: LivePortal, day: date) -> None:
    """What is left is the money from before the first statement: two people book it, nothing is unexplained, the day is closed."""
    page = visitor.go("/staff/bank")
    expect(page.locator("dl.fees .sum dd").first).to_have_text("0.00\xa0TWD")
    page.fill("input[name=day]", day.isoformat())
    page.click("form[action='/staff/bank/close'] button")
    expect(page.locator("[aria-invalid=true], .error-summary").first).to_be_visible()
    page.select_option("select[name=account]", statement_files.HOUSE)
    page.fill("form[action='/staff/bank/opening'] [name=reason]", "our own money")
    live_desk.press(page, "form[action='/staff/bank/opening'] .actions button")
    live_desk.said(page, "Another person decides.")
    other = seat("phone")
    live_desk.new_desk(other, bank, "treasury")
    page = other.go("/staff/approvals")
    page.locator("#list tbody a").first.click()
    live_desk.press(page, "form[action$='/approve'] button")
    live_desk.said(page, "Approved and carried out.")
    looked_at(other)
    result = live_desk.beside(bank).db.read(bank_reconciliation.against_bank)
    assert (result.clean, result.unexplained_units) == (True, 0)
    page = visitor.go("/staff/bank")
    expect(page.locator("main .badge.done").first).to_have_text("Agrees")
    page.fill("input[name=day]", day.isoformat())
    page.click("form[action='/staff/bank/close'] button")
    live_desk.said(page, "The day is closed.")
    looked_at(visitor)
    live_desk.ledger_is_right(bank)


def test_without_scripts_a_file_is_imported_and_a_line_booked_by_two(seat: Browse, bank: LivePortal) -> None:
    visitor, other = seat("phone", javascript=False), seat("desktop", javascript=False)
    live_desk.new_desk(visitor, bank, "finance")
    page = import_file(visitor, "broken.xml", b"<a")
    expect(page.locator("main")).to_contain_text("The file is no well-formed XML.")
    tax = statement_files.camt054([Movement(today(bank), "-777", "稅款", "T1")], account="00880011112222")
    live_desk.said(import_file(visitor, "tax.xml", tax), "1 new lines")
    number = open_lines(bank)["T1"]
    page = visitor.go(f"/staff/bank/lines/{number}")
    page.select_option("form[action$='/propose'] [name=bucket]", "fees")
    page.fill("form[action$='/propose'] [name=reason]", "a tax")
    page.click("form[action$='/propose'] .actions button")
    live_desk.said(page, "Another person decides.")
    visitor.fits()
    live_desk.new_desk(other, bank, "treasury")
    page = other.go("/staff/approvals")
    page.locator("#list tbody a").first.click()
    live_desk.press(page, "form[action$='/approve'] button")
    assert "T1" not in open_lines(bank)
    live_desk.ledger_is_right(bank)


def test_pay_outs_by_file_leave_once(seat: Browse, bank: LivePortal) -> None:
    portal = live_desk.beside(bank)
    portal.db.transact(parameters.change, "payouts", {"bank_by": "file"}, "system")
    bank.stop()
    bank.start()  # no process remembers the older rule
    made = payout(bank, people.customer(portal, twd="5000"), "1015", send=False)
    visitor = seat("desktop")
    live_desk.new_desk(visitor, bank, "treasury")
    page = visitor.go("/staff/bank/payouts")
    expect(page.locator("main")).to_contain_text(made)
    looked_at(visitor)
    page.select_option("select[name=format]", "pain.001")
    live_desk.press(page, "form[action='/staff/bank/payouts'] button")
    live_desk.said(page, "The file is made.")
    with page.expect_download() as waited:
        page.click("#list form[action$='/file'] button")
    content = waited.value.path().read_text(encoding="utf-8")
    assert f"<EndToEndId>{made}</EndToEndId>" in content
    assert '<InstdAmt Ccy="TWD">1000</InstdAmt>' in content
    expect(visitor.go("/staff/bank/payouts").locator("form[action='/staff/bank/payouts']")).to_have_count(0)
    looked_at(visitor)


def test_staff_make_a_mapping_of_their_own_and_it_reads_their_bank(seat: Browse, bank: LivePortal) -> None:
    visitor = seat("phone", scheme="dark")
    live_desk.new_desk(visitor, bank, "finance")
    page = visitor.go("/staff/bank/mappings")
    looked_at(visitor)
    for name, value in {"name": "mine", "date": "D", "amount": "A", "account_number": "123456"}.items():
        page.fill(f"main form [name={name}]", value)
    page.click("form[action='/staff/bank/mappings'] .actions button")
    live_desk.said(page, "Saved.")
    page = import_file(visitor, "mine.csv", f"D,A\n{today(bank)},5\n".encode(), "mine")
    live_desk.said(page, "1 new lines")


@pytest.mark.parametrize("role", ["compliance", "admin"])
def test_other_roles_see_no_bank_and_support_books_nothing(seat: Browse, bank: LivePortal, role: str) -> None:
    visitor = seat("desktop")
    live_desk.new_desk(visitor, bank, role)
    for path in ("bank", "bank/lines", "bank/mappings", "bank/payouts", "bank/suspense"):
        live_desk.refused(visitor.page, f"/staff/{path}")
    live_desk.new_desk(visitor, bank, "support")
    page = visitor.go("/staff/bank")
    expect(page.locator("form[action='/staff/bank/statements'], form[action='/staff/bank/close']")).to_have_count(0)
    token = str(page.locator("meta[name=csrf-token]").get_attribute("content"))
    for path in ("bank/statements", "bank/lines/certain", "bank/close", "bank/mappings", "bank/payouts"):
        answer = page.request.post(f"{bank.url}/staff/{path}", form={"csrf_token": token})
        assert answer.status == 403, path


@pytest.mark.parametrize(
    ("device", "scheme", "language"), [("phone", "light", "zh_Hant_TW"), ("desktop", "dark", "en")]
)
def test_a_statement_and_its_line_are_sound_for_finance_and_shut_to_others(
    seat: Browse, bank: LivePortal, device: str, scheme: str, language: str
) -> None:
    visitor = seat(device, scheme=scheme)
    live_desk.new_desk(visitor, bank, "finance", language=language)
    told = Movement(today(bank), "7", "不明", f"L-{device}", name="不知名")
    page = import_file(visitor, "one.xml", statement_files.camt054([told]))
    screens = (page.url.removeprefix(bank.url), f"/staff/bank/lines/{open_lines(bank)[told.reference]}")
    assert screens[0].startswith("/staff/bank/statements/")
    for screen in screens:
        expect(visitor.go(screen).locator("main")).to_contain_text(told.reference)
        looked_at(visitor)
    for role in ("compliance", "admin"):
        live_desk.new_desk(visitor, bank, role, language=language)
        for screen in screens:
            live_desk.refused(visitor.page, screen)
            visitor.fits()
