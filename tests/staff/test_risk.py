"""Risk: rules raise each finding once, staff clear it or make a case, and what the regulator gets is written down."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DBAPIError

from portal.models.customers import Customer
from portal.models.risk import RiskSignal
from portal.money import parse_units
from portal.services import (
    bank_credits,
    bank_deposits,
    parameters,
    regulator,
    risk,
    risk_rules,
    sessions,
    staff_accounts,
)
from tests.support import desk, people, vouchers, withdrawals_of
from tests.support.market import address, mine, open_market, send


def signals(portal: Any) -> list[tuple[str, int]]:
    def find(session: Any) -> list[tuple[str, int]]:
        rows = session.scalars(sa.select(RiskSignal).order_by(RiskSignal.id))
        return [(row.rule, row.customer_id) for row in rows]

    found: list[tuple[str, int]] = portal.db.read(find)
    return found


def signed_in(portal: Any, person: people.Person, device: str) -> None:
    portal.db.transact(
        sessions.open_session, person.id, "web", sessions.FULL, ip="127.0.0.1", user_agent="x", device_digest=device
    )


@pytest.fixture
def raised(portal: Any) -> people.Person:
    """Amy, who shares a device with Ben."""
    amy, ben = people.customer(portal), people.customer(portal)
    for person in (amy, ben):
        signed_in(portal, person, "d" * 64)
    portal.db.transact(risk_rules.scan)
    return amy


def test_one_device_of_two_customers_is_one_signal_each(portal: Any, raised: people.Person) -> None:
    assert sorted(rule for rule, _ in signals(portal)) == ["shared_device"] * 2
    assert portal.db.transact(risk_rules.scan) == 0
    assert len(signals(portal)) == 2


def test_a_rule_may_hold_withdrawals_and_may_be_switched_off(portal: Any) -> None:
    portal.db.transact(parameters.change, "risk.shared_device", {"hold_hours": 24}, "staff:0")
    amy, ben = people.customer(portal), people.customer(portal)
    for person in (amy, ben):
        signed_in(portal, person, "d" * 64)
    portal.db.transact(risk_rules.scan)
    with portal.db.session() as session:
        assert session.get(Customer, amy.id).withdrawals_held_until > portal.clock.now()
    portal.db.transact(parameters.change, "risk.shared_device", {"enabled": False}, "staff:0")
    signed_in(portal, people.customer(portal), "d" * 64)
    assert portal.db.transact(risk_rules.scan) == 0


def test_amounts_just_under_the_limit_and_new_names_are_noticed(portal: Any, travel: Callable[[int], Any]) -> None:
    open_market(portal)
    amy = people.customer(portal)
    account = portal.db.transact(bank_deposits.way_in, amy.id).account.account
    for number, amount in enumerate(("100000", "100000", "100000")):
        portal.db.transact(
            bank_credits.receive, account=account, amount_units=parse_units(amount, "TWD"), payer_name="王大明",
            payer_account=vouchers.own_account(amy), reference=f"S{number}",
        )  # fmt: skip
    portal.db.transact(parameters.change, "risk.structuring", {"limit_twd": "110000"}, "staff:0")
    portal.db.transact(risk_rules.scan)
    assert sorted(signals(portal)) == [("new_payer", amy.id), ("structuring", amy.id)]


def test_a_chain_deposit_above_the_limit_is_credited_and_noticed(portal: Any, travel: Callable[[int], Any]) -> None:
    open_market(portal)
    amy = people.customer(portal)
    portal.db.transact(parameters.change, "deposit.crypto.USDT", {"per_day": "1000", "per_month": "1500"}, "staff:0")
    expected = []
    for amount, noticed in (("1000", 0), ("0.5", 1), ("9", 0)):
        send(portal, "TRON", "USDT", address(portal, amy), amount)
        mine(portal)
        expected += [("deposit_limit", amy.id)] * noticed
        portal.db.transact(risk_rules.scan)
        assert signals(portal) == expected
    assert amy.balance("USDT") == parse_units("1009.5", "USDT")
    travel(86400)
    send(portal, "TRON", "USDT", address(portal, amy), "600")
    mine(portal)
    portal.db.transact(risk_rules.scan)
    assert signals(portal) in (expected, [*expected, ("deposit_limit", amy.id)]), "a new month may have begun"


def test_a_signal_is_cleared_or_becomes_a_case_with_a_timeline(app: Flask, portal: Any, raised: people.Person) -> None:
    who = desk.desk(app, "compliance")
    page = who.page("/staff/risk")
    assert "One device, several customers" in page.text
    first, second = portal.db.read(risk.signals)
    who.submit(page, f"/staff/risk/{first[0].id}/clear", reason="one family")
    assert "one family" in who.page("/staff/risk?status=cleared").text
    token = str(page.one("meta[name=csrf-token]")["content"])
    answer = who.raw.post(
        f"/staff/risk/{second[0].id}/case", data={"csrf_token": token, "reason": "Two names, one phone"}
    )
    where = answer.headers["Location"]
    page = who.submit(where, "/notes", note="Called the customer.")
    assert "Called the customer." in page.text
    assert who.submit(where, "/move", to="investigating", reason="", status=422).errors
    who.submit(where, "/move", to="investigating", reason="documents asked for")
    who.submit(where, "/move", to="closed", reason="explained")
    assert "explained" in who.page(where).text
    assert "Two names, one phone" in who.page("/staff/cases?status=closed").text
    with pytest.raises(DBAPIError), portal.db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE risk_case_entries SET text = 'nothing'"))


def test_nobody_decides_about_a_signal_of_their_own(app: Flask, portal: Any, raised: people.Person) -> None:
    who = desk.desk(app, "compliance")
    portal.db.transact(staff_accounts.name_customer, who.member.id, raised.id, "system")
    own = next(signal for signal, customer in portal.db.read(risk.signals) if customer.id == raised.id)
    token = str(who.page("/staff").one("meta[name=csrf-token]")["content"])
    for act in ("clear", "case"):
        answer = who.raw.post(f"/staff/risk/{own.id}/{act}", data={"csrf_token": token, "reason": "it is me"})
        assert answer.status_code == 403
    assert desk.audited(portal, "staff.refused")[-1].details == {"needs": "staff_not_oneself"}


@pytest.mark.parametrize("kind", ["large", "cases", "signals"])
def test_exports_are_inert_and_written_down(app: Flask, portal: Any, raised: people.Person, kind: str) -> None:
    who = desk.desk(app, "compliance")
    token = str(who.page("/staff/cases").one("meta[name=csrf-token]")["content"])
    today = portal.clock.now().date()
    span = {"first": f"{today.year}-01-01", "last": f"{today.year}-12-31"}
    for form, kind_of in (("csv", "text/csv"), ("json", "application/json")):
        answer = who.raw.post("/staff/regulator", data={"csrf_token": token, "kind": kind, "form": form, **span})
        assert (answer.status_code, answer.mimetype) == (200, kind_of)
    assert desk.audited(portal, "regulator.export")[-1].actor == who.member.actor
    for bad in (
        {"first": "x", "last": "y"},
        {"first": "2026-01-01", "last": "2020-01-01"},
        {"first": "2000-01-01", "last": "2026-01-01"},
    ):
        assert who.raw.post("/staff/regulator", data={"csrf_token": token, "kind": kind, **bad}).status_code == 303


def test_the_audit_log_is_read_by_who_may(app: Flask, portal: Any, raised: people.Person) -> None:
    who = desk.desk(app, "compliance")
    who.page("/staff/customers", q="nobody at all")
    page = who.page("/staff/audit?action=customer.search")
    assert who.member.actor in page.text
    who.page("/staff/audit?actor=x&subject=%00&before=99999999999999999999")
    for path in ("audit", "risk", "cases"):
        desk.desk(app, "support").page(f"/staff/{path}", 403)


def test_who_may_only_look_decides_nothing(app: Flask, portal: Any, raised: people.Person) -> None:
    who = desk.desk(app, "admin")
    page = who.page("/staff/risk")
    token = str(page.one("meta[name=csrf-token]")["content"])
    signal = portal.db.read(risk.signals)[0][0]
    for path in (f"risk/{signal.id}/clear", f"risk/{signal.id}/case", "regulator"):
        assert who.raw.post(f"/staff/{path}", data={"csrf_token": token, "reason": "because"}).status_code == 403


def test_a_withdrawal_counts_when_it_is_confirmed_however_long_that_takes(
    app: Flask, portal: Any, travel: Callable[[int], Any]
) -> None:
    open_market(portal, usdt="30")
    portal.db.transact(parameters.change, "risk.velocity", {"worth_twd": "1000"}, "staff:0")
    amy, ben = people.customer(portal, usdt="1000"), people.customer(portal, usdt="1000")
    asked = [withdrawals_of.requested(app, person, "100") for person in (amy, ben)]
    assert portal.db.transact(risk_rules.scan) == 0
    travel(240)
    portal.db.transact(risk_rules.scan)
    for person, made in zip((amy, ben), asked, strict=True):
        withdrawals_of.confirmed(app, person, made)
    assert portal.db.read(risk_rules.anything_new)
    portal.db.transact(risk_rules.scan)
    assert sorted(signals(portal)) == sorted(
        (rule, person.id) for rule in ("velocity", "shared_address") for person in (amy, ben)
    )
    travel(120)
    portal.db.transact(risk_rules.scan)
    assert not portal.db.read(risk_rules.anything_new)


def test_what_the_regulator_calls_large_is_found_by_its_worth(app: Flask, portal: Any) -> None:
    open_market(portal, usdt="30")
    portal.db.transact(parameters.change, "regulator", {"large_twd": "3210.79"}, "staff:0")
    amy = people.customer(portal, usdt="1000")
    small = withdrawals_of.requested(app, amy, "99.999999")
    withdrawals_of.confirmed(app, amy, small)
    large = withdrawals_of.requested(app, amy, "100")
    withdrawals_of.confirmed(app, amy, large)
    day = portal.clock.now().astimezone(regulator.TAIPEI).date().isoformat()
    rows = portal.db.transact(regulator.export, "large", day, day, "staff:1")
    assert [(row["amount"], row["worth_twd"]) for row in rows] == [("100", "3210.79")]
