"""Queues: withdrawals that people look at, credits in suspense, dead jobs, failed webhooks, stuck things."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DBAPIError

from portal import ledger
from portal.models.bank import BankRefund
from portal.models.wallet import BankCredit, Withdrawal
from portal.money import parse_units
from portal.services import (
    bank_credits,
    bank_deposits,
    jobs,
    parameters,
    payout_switch,
    staff_accounts,
    stuck,
    withdrawals,
)
from portal.services.withdrawals import Request
from portal.worker import bank as bank_worker
from portal.worker import withdrawals as withdrawal_worker
from tests.support import desk, people
from tests.support.market import open_market
from tests.support.outside import code_for, run_worker

ADDRESS = "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj"


def ask(app: Flask, person: people.Person, amount: str) -> Withdrawal:
    """A withdrawal of USDT over TRON that its owner has confirmed."""
    portal = app.extensions["portal"]
    wanted = Request(
        owner_kind="customer", owner_id=person.id, family="brokerage", kind="crypto", asset="USDT", network="TRON",
        amount_units=parse_units(amount, "USDT"), address=ADDRESS,
    )  # fmt: skip
    with app.app_context():
        made = portal.db.transact(withdrawals.request, wanted)
        run_worker(portal)
        code = code_for(portal, person.email)
        return portal.db.transact(
            lambda session: withdrawals.confirm(
                session, session.get(Withdrawal, made.id), code, f"customer:{person.id}"
            )
        )


def status_of(portal: Any, made: Withdrawal) -> str:
    return str(portal.db.read(lambda session: session.get(Withdrawal, made.id).status))


def suspended(portal: Any, amount: str = "1000", account: str = "9990001112223334", **also: Any) -> BankCredit:
    """A credit that nobody takes."""
    return portal.db.transact(
        bank_credits.receive, account=account, amount_units=parse_units(amount, "TWD"), payer_name="王大明",
        payer_account="00412345678901", **also,
    )  # fmt: skip


@pytest.fixture
def amy(portal: Any) -> people.Person:
    open_market(portal, usdt="30")
    return people.customer(portal, usdt="100000", twd="1000")


def token(who: desk.Desk) -> str:
    return str(who.page("/staff").one("meta[name=csrf-token]")["content"])


def test_a_very_large_withdrawal_leaves_when_two_people_said_yes(app: Flask, portal: Any, amy: people.Person) -> None:
    portal.db.transact(parameters.change, "withdrawal_approval", {"two_above_twd": "500000"}, "staff:0")
    made = ask(app, amy, "20000")
    first, second = desk.desk(app, "compliance"), desk.desk(app, "treasury")
    page = first.page("/staff/withdrawals")
    where = str(page.one("#list td a")["href"])
    page = first.submit(where, "/approve")
    assert "You have decided already" in page.text
    answer = first.raw.post(f"{where}/approve", data={"csrf_token": token(first)})
    assert answer.status_code == 422
    assert status_of(portal, made) == "awaiting_approval"
    second.submit(where, "/approve")
    assert status_of(portal, made) == "approved"
    with app.app_context():
        run_worker(portal)
    assert status_of(portal, made) == "broadcast"
    assert "Sent to the network" in first.page(where).text


def test_the_database_counts_the_approvals_itself(app: Flask, portal: Any, amy: people.Person) -> None:
    portal.db.transact(parameters.change, "withdrawal_approval", {"two_above_twd": "500000"}, "staff:0")
    made = ask(app, amy, "20000")
    desk.desk(app, "compliance").submit(f"/staff/withdrawals/{made.public_id}", "/approve")
    for statement in (
        "UPDATE withdrawals SET status = 'approved' WHERE id = :id",
        "UPDATE withdrawal_approvals SET decided_by = 'staff:0' WHERE withdrawal_id = :id",
        "DELETE FROM withdrawal_approvals WHERE withdrawal_id = :id",
        "INSERT INTO withdrawal_approvals (withdrawal_id, decided_by, decision, decided_at)"
        " SELECT withdrawal_id, decided_by, decision, decided_at FROM withdrawal_approvals WHERE withdrawal_id = :id",
    ):
        with pytest.raises(DBAPIError), portal.db.engine.begin() as connection:
            connection.execute(sa.text(statement).bindparams(id=made.id))


def test_a_rejected_withdrawal_gives_the_money_back_and_says_why(app: Flask, portal: Any, amy: people.Person) -> None:
    made = ask(app, amy, "20000")
    who, where = desk.desk(app, "compliance"), f"/staff/withdrawals/{made.public_id}"
    who.submit(where, "/aside", reason="call the customer")
    assert who.submit(where, "/reject", reason="", status=422).errors
    who.submit(where, "/reject", reason="the address is on a list")
    assert status_of(portal, made) == "rejected"
    assert amy.balance("USDT") == parse_units("100000", "USDT")


def test_nobody_approves_their_own_withdrawal(app: Flask, portal: Any, amy: people.Person) -> None:
    made = ask(app, amy, "20000")
    who = desk.desk(app, "compliance")
    portal.db.transact(staff_accounts.name_customer, who.member.id, amy.id, "system")
    answer = who.raw.post(f"/staff/withdrawals/{made.public_id}/approve", data={"csrf_token": token(who)})
    assert answer.status_code == 403
    assert desk.audited(portal, "staff.refused")[-1].details == {"needs": "staff_not_oneself"}
    assert status_of(portal, made) == "awaiting_approval"


def test_support_sees_withdrawals_but_decides_none(app: Flask, portal: Any, amy: people.Person) -> None:
    made = ask(app, amy, "20000")
    who = desk.desk(app, "support")
    assert not who.page(f"/staff/withdrawals/{made.public_id}").soup.find(
        "form", action=lambda to: to and "approve" in to
    )
    for act in ("approve", "reject", "aside"):
        answer = who.raw.post(
            f"/staff/withdrawals/{made.public_id}/{act}", data={"csrf_token": token(who), "reason": "why not"}
        )
        assert answer.status_code == 403, act
    desk.desk(app, "admin").page("/staff/withdrawals", 403)


def test_one_person_stops_all_pay_outs_and_two_let_them_go_on(app: Flask, portal: Any, amy: people.Person) -> None:
    made = ask(app, amy, "100")
    who = desk.desk(app, "finance")
    assert who.submit("/staff/withdrawals", "/payouts/stop", reason="").errors == []
    page = who.submit("/staff/withdrawals", "/payouts/stop", reason="the bank calls")
    assert "Pay-outs are stopped" in page.text
    with app.app_context():
        run_worker(portal)
    assert status_of(portal, made) == "approved"
    who.submit("/staff/withdrawals", "/payouts/resume", reason="all is well")
    assert not portal.db.read(payout_switch.running)
    other = desk.desk(app, "treasury")
    page = other.page("/staff/approvals")
    other.submit(str(page.one("#list td a")["href"]), "/approve")
    with app.app_context():
        withdrawal_worker.send_to_chains(portal)
    assert status_of(portal, made) == "broadcast"


def test_a_credit_in_suspense_is_given_to_its_customer(app: Flask, portal: Any, amy: people.Person) -> None:
    credit = suspended(portal)
    who, where = desk.desk(app, "finance"), f"/staff/bank/credits/{credit.public_id}"
    assert credit.bank_reference in who.page("/staff/bank/suspense?queue=other").text
    assert credit.bank_reference not in who.page("/staff/bank/suspense?queue=short").text
    assert who.submit(where, "/customer", login="nobody", reason="they called", status=422).errors
    who.submit(where, "/customer", login=amy.email, reason="they called")
    assert amy.balance("TWD") == parse_units("2000", "TWD")
    assert portal.db.read(ledger.balance, ledger.house("suspense", "TWD")) == 0
    page = who.page(where)
    assert not page.soup.find("form", action=lambda to: to and to.endswith("/refund"))


def test_credits_are_queued_by_why_they_wait(app: Flask, portal: Any, amy: people.Person) -> None:
    with app.app_context():
        way = portal.db.transact(bank_deposits.way_in, amy.id)
    suspended(portal, account=way.account.account, reference="third")
    page = desk.desk(app, "finance").page("/staff/bank/suspense?queue=third_party")
    assert "third" in page.text
    assert "Not from the customer&#39;s own account" in page.html or "Not from the customer's own account" in page.text


def test_a_small_refund_goes_at_once_and_is_paid_by_the_bank(app: Flask, portal: Any) -> None:
    credit = suspended(portal)
    who, where = desk.desk(app, "finance"), f"/staff/bank/credits/{credit.public_id}"
    target = {"bank_code": "004", "branch_code": "0037", "account": "12345678901", "holder": "王大明"}
    page = who.submit(where, "/refund", **{**target, "account": "12"}, reason="not ours", status=422)
    assert page.errors
    page = who.submit(where, "/refund", **target, reason="not ours")
    assert "told to send it back" in page.text
    assert portal.db.read(ledger.balance, ledger.house("clearing", "TWD")) == parse_units("1000", "TWD")
    bank_worker.send_refunds(portal)
    bank_worker.send_refunds(portal)
    assert portal.db.read(ledger.balance, ledger.house("clearing", "TWD")) == 0
    assert portal.db.read(ledger.balance, ledger.house("bank", "TWD")) == 0
    assert [row["units"] for row in portal.world.rows("SELECT units FROM payouts")] == [parse_units("1000", "TWD")]


def test_a_large_refund_needs_two(app: Flask, portal: Any) -> None:
    credit = suspended(portal, "50000")
    who, where = desk.desk(app, "finance"), f"/staff/bank/credits/{credit.public_id}"
    who.submit(
        where, "/refund", bank_code="004", branch_code="0037", account="12345678901", holder="王大明", reason="not ours"
    )
    page = who.page(where)
    assert "Proposals" in page.text
    other = desk.desk(app, "treasury")
    page = other.page(str(page.one("a[href^='/staff/approvals/']:not(.menu-item)")["href"]))
    assert "12345678901" not in page.html
    other.submit(page, "/approve")
    with portal.db.session() as session:
        refund = session.scalars(sa.select(BankRefund)).one()
        assert (refund.status, refund.account_tail) == ("ordered", "8901")


@pytest.mark.parametrize("fault", ["timeout", "error", "lost_answer", "duplicate"])
def test_a_refund_is_paid_once_whatever_the_bank_does(
    app: Flask, portal: Any, travel: Callable[[int], Any], fault: str
) -> None:
    credit = suspended(portal)
    desk.desk(app, "finance").submit(
        f"/staff/bank/credits/{credit.public_id}", "/refund", bank_code="004", branch_code="0037", account="12345678901",
        holder="王大明", reason="not ours",
    )  # fmt: skip
    portal.world.set_fault("bank", fault, 2)
    for _ in range(6):
        bank_worker.send_refunds(portal)
        travel(61)
    assert len(portal.world.rows("SELECT 1 FROM payouts")) == 1
    with portal.db.session() as session:
        assert session.scalars(sa.select(BankRefund.status)).one() == "paid"


def test_a_refused_refund_waits_in_suspense_again(app: Flask, portal: Any) -> None:
    class Refusing:
        def __getattr__(self, name: str) -> Any:
            return getattr(portal.ports.bank, name)

        def pay(self, *arguments: Any) -> None:
            from portal.ports import PortRejected

            raise PortRejected("no such account")

    credit = suspended(portal)
    desk.desk(app, "finance").submit(
        f"/staff/bank/credits/{credit.public_id}", "/refund", bank_code="004", branch_code="0037", account="12345678901",
        holder="王大明", reason="not ours",
    )  # fmt: skip
    import dataclasses

    refusing = dataclasses.replace(portal, ports=dataclasses.replace(portal.ports, bank=Refusing()))
    bank_worker.send_refunds(refusing)
    assert portal.db.read(ledger.balance, ledger.house("suspense", "TWD")) == parse_units("1000", "TWD")
    page = desk.desk(app, "finance").page("/staff/bank/suspense")
    assert "could not send it back" in page.text


def test_nobody_takes_money_in_suspense_for_themselves(app: Flask, portal: Any, amy: people.Person) -> None:
    credit = suspended(portal)
    who = desk.desk(app, "finance")
    portal.db.transact(staff_accounts.name_customer, who.member.id, amy.id, "system")
    answer = who.raw.post(
        f"/staff/bank/credits/{credit.public_id}/customer",
        data={"csrf_token": token(who), "login": amy.email, "reason": "it is mine"},
    )
    assert answer.status_code == 403
    assert amy.balance("TWD") == parse_units("1000", "TWD")


def test_dead_jobs_run_again(app: Flask, portal: Any) -> None:
    with portal.db.session() as session:
        jobs.enqueue(session, "mail", {"to": "x"}, unique_key="one")
        jobs.enqueue(session, "mail", {"to": "y"}, unique_key="two")
        session.execute(sa.text("UPDATE jobs SET status = 'dead', attempts = 12, last_error = 'SMTP is away'"))
        session.commit()
    who = desk.desk(app, "admin")
    page = who.page("/staff/jobs")
    assert "SMTP is away" in page.text
    who.submit(page, "/revive", having="csrf_token")
    assert "No dead jobs" in who.page("/staff/jobs").text
    with portal.db.session() as session:
        assert set(session.execute(sa.text("SELECT status FROM jobs")).scalars()) == {"queued"}
    desk.desk(app, "support").page("/staff/jobs")


def test_what_does_not_move_is_shown(app: Flask, portal: Any, amy: people.Person, travel: Callable[[int], Any]) -> None:
    made = ask(app, amy, "20000")
    assert portal.db.read(stuck.found) == []
    travel(5 * 3600)
    (found,) = portal.db.read(stuck.found)
    assert (found.machine, found.thing_id, found.status) == ("withdrawal", made.id, "awaiting_approval")
    assert f"Withdrawal #{made.id}" in desk.desk(app, "finance").page("/staff/stuck").text


def test_every_state_that_is_watched_belongs_to_its_life_cycle(portal: Any) -> None:
    from portal.machines import MACHINES

    for name in parameters.DEFAULTS["stuck"]:
        machine, _, state = name.partition(".")
        assert state in MACHINES[machine].transitions, name
        assert not MACHINES[machine].is_final(state), name


def test_failed_webhooks_are_sent_again(app: Flask, portal: Any) -> None:
    from portal.services import webhooks

    def fail(session: Any) -> None:
        webhooks.add_endpoint(session, "store", 1, "https://shop.example/hook", ["*"], ("order.paid",), "store:1")
        webhooks.tell(session, "store", 1, "order.paid", {"id": 1}, key="1")
        session.execute(sa.text("UPDATE webhook_deliveries SET status = 'failed'"))

    portal.db.transact(fail)
    who = desk.desk(app, "admin")
    page = who.page("/staff/webhooks")
    assert "shop.example" in page.text
    assert "No failed webhooks" in who.submit(page, "/resend").text


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("jobs", "compliance"),
        ("webhooks", "compliance"),
        ("stuck", "compliance"),
        ("bank/suspense", "compliance"),
        ("bank/suspense", "admin"),
    ],
)
def test_the_wrong_role_is_refused(app: Flask, portal: Any, path: str, role: str) -> None:
    desk.desk(app, role).page(f"/staff/{path}", 403)
    assert desk.audited(portal, "staff.refused")
