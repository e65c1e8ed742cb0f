"""Staff at a running portal: a browser that sits at a desk, and a day's work that waits for somebody.

People and things are made beside the portal (tests/support/beside.py), because a test of a queue is not a test of
how what waits there came about.
"""

from typing import Any

import sqlalchemy as sa
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from portal.db import now
from portal.ledger.check import check
from portal.models.customers import Customer
from portal.models.system import AuditRecord, Job
from portal.models.wallet import BankCredit, Withdrawal
from portal.models.webhooks import WebhookDelivery
from portal.money import parse_units
from portal.services import (
    bank_credits,
    bank_deposits,
    jobs,
    risk_rules,
    sessions,
    staff_sessions,
    webhooks,
    withdrawals,
)
from portal.services.withdrawals import Request
from portal.staff.access import COOKIE
from tests.support import desk, identities, people
from tests.support.beside import app_beside
from tests.support.browser import Visitor
from tests.support.live import LivePortal
from tests.support.outside import code_for

ADDRESS = "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj"


def beside(live: LivePortal) -> Any:
    """What the running portal's second app keeps: db, clock, ports."""
    return app_beside(live).extensions["portal"]


def sit_down(visitor: Visitor, live: LivePortal, who: desk.Member, language: str = "en") -> Page:
    """Signs the visitor's browser in as a member of staff, both factors proved."""
    token = beside(live).db.transact(
        staff_sessions.open_session, who.id, staff_sessions.FULL, ip="127.0.0.1", user_agent="test"
    )
    visitor.context.add_cookies(
        [
            {"name": COOKIE, "value": token, "domain": "127.0.0.1", "path": "/staff"},
            {"name": "language", "value": language, "url": live.url},
        ]
    )
    return visitor.page


def new_desk(visitor: Visitor, live: LivePortal, *roles: str, language: str = "en") -> desk.Member:
    """Seats a new member with these roles at the visitor's browser."""
    who = desk.member(beside(live), *roles)
    sit_down(visitor, live, who, language)
    return who


def press(page: Page, button: str) -> None:
    """Presses a button and answers yes when the page asks; a browser without JavaScript is not asked."""
    page.locator(button).first.click()
    yes = page.locator("dialog[open] button[value=yes]")
    if yes.count():
        with page.expect_navigation():  # the form leaves a moment after the dialog has closed
            yes.click()
    page.wait_for_load_state()


def said(page: Page, text: str) -> None:
    """The page says so at its top."""
    expect(page.locator("#notices")).to_contain_text(text)


def approve(checker: Visitor, live: LivePortal, reason: str) -> Page:
    """Another member, at the checker's browser, approves the proposal with this reason."""
    new_desk(checker, live, "admin")
    page = checker.go("/staff/approvals")
    page.click(f"#list tr:has-text('{reason}') a")
    press(page, "form[action$='/approve'] button")
    said(page, "Approved and carried out.")
    return page


def refused(page: Page, path: str) -> None:
    """The address answers 403, and the page says so in the house style."""
    answer = page.goto(path)
    assert answer is not None and answer.status == 403, f"{path}: {answer.status if answer else 'no answer'}"


def audited(live: LivePortal, action: str, actor: str) -> list[AuditRecord]:
    """What a member did of this kind, oldest first."""
    return [row for row in desk.audited(beside(live), action) if row.actor == actor]


def ledger_is_right(live: LivePortal) -> None:
    """Proves the ledger of the running portal."""
    report = beside(live).db.read(check)
    assert not report.violations, "\n".join(report.violations)


def withdrawal(live: LivePortal, person: people.Person, amount: str) -> Withdrawal:
    """A withdrawal of USDT over TRON that its owner has confirmed; a large one waits for staff."""
    portal = beside(live)
    wanted = Request(
        owner_kind="customer", owner_id=person.id, family="brokerage", kind="crypto", asset="USDT", network="TRON",
        amount_units=parse_units(amount, "USDT"), address=ADDRESS,
    )  # fmt: skip
    with app_beside(live).app_context():
        made = portal.db.transact(withdrawals.request, wanted)
    live.run_worker()
    code = code_for(portal, person.email)

    def confirm(session: Session) -> Withdrawal:
        return withdrawals.confirm(session, session.get(Withdrawal, made.id), code, f"customer:{person.id}")

    with app_beside(live).app_context():
        confirmed: Withdrawal = portal.db.transact(confirm)
    return confirmed


def suspended(live: LivePortal, amount: str = "1000", account: str = "9990001112223334", **more: Any) -> BankCredit:
    """A bank credit that nobody takes."""
    found: BankCredit = beside(live).db.transact(
        bank_credits.receive, account=account, amount_units=parse_units(amount, "TWD"), payer_name="王大明",
        payer_account="00412345678901", **more,
    )  # fmt: skip
    assert found.outcome == "suspense"
    return found


def virtual_account(live: LivePortal, person: people.Person) -> str:
    """Where the person pays in."""
    with app_beside(live).app_context():
        return str(beside(live).db.transact(bank_deposits.way_in, person.id).account.account)


def dead_job(live: LivePortal, key: str) -> None:
    """A mail that could not be sent until nothing was left to try."""

    def bury(session: Session) -> None:
        jobs.enqueue(session, "mail", {"message": 0}, unique_key=key)
        gone = {"status": "dead", "attempts": 12, "last_error": "SMTP is away", "finished_at": now(session)}
        session.execute(sa.update(Job).where(Job.unique_key == key).values(**gone))

    beside(live).db.transact(bury)


def failed_webhook(live: LivePortal, key: str) -> None:
    """A notice to a store that was given up."""

    def fail(session: Session) -> None:
        made, _ = webhooks.add_endpoint(
            session, "store", 1, f"https://{key}.example/hook", ["*"], ("order.paid",), "store:1"
        )
        webhooks.tell(session, "store", 1, "order.paid", {"id": 1}, key=key)
        session.flush()
        gone = {"status": "failed", "attempts": 9, "finished_at": now(session)}
        session.execute(sa.update(WebhookDelivery).where(WebhookDelivery.endpoint_id == made.id).values(**gone))

    beside(live).db.transact(fail)


def shared_device(live: LivePortal) -> tuple[people.Person, people.Person]:
    """Two customers of one device, for whom the rules have raised a signal each."""
    portal = beside(live)
    pair = people.customer(portal), people.customer(portal)
    for person in pair:
        portal.db.transact(
            sessions.open_session, person.id, "web", sessions.FULL, ip="127.0.0.1", user_agent="x",
            device_digest=f"{pair[0].id:064d}",
        )  # fmt: skip
    portal.db.transact(risk_rules.scan)
    return pair


def public_id(live: LivePortal, person: people.Person) -> str:
    """The customer's number in addresses."""

    def find(session: Session) -> str:
        found = session.get(Customer, person.id)
        assert found is not None
        return found.public_id

    return str(beside(live).db.read(find))


def furnish(live: LivePortal) -> dict[str, str]:
    """Puts something into every queue; answers the addresses of single things, by what they are."""
    portal = beside(live)
    large = people.customer(portal, usdt="100000", twd="30000")
    waiting = identities.applied_level_2(app_beside(live))
    made = withdrawal(live, large, "20000")
    credit = suspended(live, "1234")
    suspended(live, "500", virtual_account(live, large), reference="third")
    dead_job(live, "desk-day")
    failed_webhook(live, "desk-day")
    shared_device(live)
    customer = f"/staff/customers/{public_id(live, large)}"
    return {
        "customer": customer,
        "kyc": f"/staff/kyc/{public_id(live, waiting)}",
        "withdrawal": f"/staff/withdrawals/{made.public_id}",
        "credit": f"/staff/bank/credits/{credit.public_id}",
    }
