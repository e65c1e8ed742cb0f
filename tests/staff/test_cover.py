"""The automatic stop: it stands still while nothing is missing, however little is known, and falls when something is."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from portal import ledger
from portal.ledger import Line
from portal.money import parse_units
from portal.ports import PortTimeout
from portal.sandbox import demo
from portal.services import (
    bank_credits,
    bank_deposits,
    bank_files,
    bank_statements,
    cover,
    parameters,
    payout_switch,
)
from portal.worker import holdings
from portal.worker.loop import run_until_idle
from tests.support import people, statement_files, vouchers
from tests.support.market import open_market
from tests.support.statement_files import Movement


@pytest.fixture
def bare(portal: Any) -> Any:
    """A portal whose house has pledged nothing beside its accounts."""
    open_market(portal, usdt="30")
    portal.db.transact(parameters.change, "cover", {"own_funds_twd": "0"}, "staff:0")
    return portal


def runs(portal: Any) -> bool:
    holdings.watch_cover(portal)
    return bool(portal.db.read(payout_switch.running))


def line_of(portal: Any, asset: str) -> cover.Line:
    return next(line for line in portal.db.read(cover.cover).lines if line.asset == asset)


def told(portal: Any, tron: str, ethereum: str = "0") -> None:
    for network, units in (("TRON", tron), ("ETHEREUM", ethereum)):
        portal.ports.chains[network].set_opening("USDT", parse_units(units, "USDT"))


def imported(portal: Any, content: bytes) -> None:
    portal.db.transact(bank_statements.take, bank_files.read(content, None), "a.xml", content, "staff:1")


def test_a_fresh_portal_and_the_demo_world_keep_paying_out_whatever_the_clock_says(sqlite_app: Flask) -> None:
    portal = sqlite_app.extensions["portal"]
    with sqlite_app.app_context():
        assert runs(portal)
        assert demo.load(portal)
        portal.db.transact(parameters.change, "cover", {"own_funds_twd": "0"}, "staff:0")
        assert portal.db.read(cover.cover).covered
        assert runs(portal)
        portal.clock.advance(5 * 86400)
        run_until_idle(portal)
        assert runs(portal)


def test_a_chain_that_tells_for_one_of_two_networks_stops_nothing(bare: Any) -> None:
    people.customer(bare, usdt="1000")
    bare.ports.chains["TRON"].set_opening("USDT", parse_units("400", "USDT"))
    assert runs(bare)
    assert not line_of(bare, "USDT").heard
    told(bare, "400", "600")
    assert runs(bare)
    assert line_of(bare, "USDT").heard
    told(bare, "400", "599")
    assert not runs(bare)


def test_what_is_booked_after_a_reading_is_not_missing(bare: Any) -> None:
    amy = people.customer(bare, usdt="1000")
    told(bare, "1000")
    assert runs(bare)
    bare.world.set_fault("chain", "timeout", 50)
    lines = [
        Line(ledger.customer_available(amy.id, "USDT"), parse_units("900", "USDT")),
        Line(ledger.house("chain", "USDT"), -parse_units("900", "USDT")),
    ]
    bare.db.transact(ledger.post, "deposit", "deposit:test", lines, actor="system")
    assert runs(bare)
    line = line_of(bare, "USDT")
    assert (line.heard, line.short_units) == (True, 0)


def test_what_was_missing_at_the_reading_stays_missing(bare: Any) -> None:
    people.customer(bare, usdt="1000")
    told(bare, "1000")
    assert runs(bare)
    told(bare, "990")
    assert not runs(bare)
    switch = bare.db.read(payout_switch.state)
    assert "300 TWD are missing" in switch.why
    assert bare.db.read(cover.is_short)


def test_too_many_addresses_are_not_asked_about_in_part(bare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    people.customer(bare, usdt="1000")
    told(bare, "1")
    monkeypatch.setattr(cover, "addresses", lambda session, network: None)
    assert runs(bare)
    assert not line_of(bare, "USDT").heard


def test_one_network_that_fails_leaves_the_reading_of_both_as_it_was(bare: Any) -> None:
    amy = people.customer(bare, usdt="1000")
    told(bare, "600", "400")
    assert runs(bare)
    ethereum = bare.ports.chains["ETHEREUM"]
    bare.ports.chains["ETHEREUM"] = Away(ethereum)
    lines = [
        Line(ledger.customer_available(amy.id, "USDT"), parse_units("50", "USDT")),
        Line(ledger.house("chain", "USDT"), -parse_units("50", "USDT")),
    ]
    bare.db.transact(ledger.post, "deposit", "deposit:test", lines, actor="system")
    told(bare, "650", "400")
    assert runs(bare)
    line = line_of(bare, "USDT")
    assert (line.heard, line.short_units) == (True, 0)
    bare.ports.chains["ETHEREUM"] = ethereum
    told(bare, "650", "399")
    assert not runs(bare)


class Away:
    """A chain whose node does not answer."""

    network = "ETHEREUM"

    def __init__(self, chain: Any) -> None:
        self._chain = chain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    def holdings(self, addresses: list[str]) -> dict[str, int]:
        raise PortTimeout("no answer")


class Slow(Away):
    """A chain that thinks long."""

    def __init__(self, chain: Any) -> None:
        super().__init__(chain)
        self.asked, self.may_answer = 0, threading.Event()

    def holdings(self, addresses: list[str]) -> dict[str, int]:
        self.asked += 1
        self.may_answer.wait(30)
        found: dict[str, int] = self._chain.holdings(addresses)
        return found


def test_a_slow_chain_does_not_hold_the_worker_up(bare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    amy = people.customer(bare, usdt="1000")
    told(bare, "1000")
    monkeypatch.setattr(holdings, "PATIENCE_SECONDS", 0.01)
    slow = Slow(bare.ports.chains["ETHEREUM"])
    bare.ports.chains["ETHEREUM"] = slow
    in_production = replace(bare, world=None)
    assert runs(in_production)
    assert not line_of(bare, "USDT").heard
    lines = [
        Line(ledger.customer_available(amy.id, "USDT"), parse_units("900", "USDT")),
        Line(ledger.house("chain", "USDT"), -parse_units("900", "USDT")),
    ]
    bare.db.transact(ledger.post, "deposit", "deposit:test", lines, actor="system")
    slow.may_answer.set()
    assert runs(bare)
    line = line_of(bare, "USDT")
    assert (slow.asked, line.heard, line.short_units) == (1, True, 0)


def test_own_vouchers_in_a_wallet_pay_nobody(bare: Any) -> None:
    people.customer(bare, usdt="10")
    for network in ("TRON", "ETHEREUM"):
        bare.ports.chains[network].set_opening("TWIP", parse_units("5000", "TWIP"))
    holdings.watch_cover(bare)
    assert all(line.asset != "TWIP" or not line.held_units for line in bare.db.read(cover.cover).lines)


def credited(portal: Any, amount: str) -> people.Person:
    amy = people.customer(portal)
    account = portal.db.transact(bank_deposits.way_in, amy.id).account.account
    portal.db.transact(
        bank_credits.receive, account=account, amount_units=parse_units(amount, "TWD"), payer_name="王小美",
        payer_account=vouchers.own_account(amy), reference=f"N{amount}",
    )  # fmt: skip
    assert amy.balance("TWD") == parse_units(amount, "TWD")
    return amy


def test_a_notice_without_balances_stops_nothing(bare: Any) -> None:
    credited(bare, "5000")
    people.customer(bare, twd="700")
    today = bare.clock.now().date()
    imported(bare, statement_files.camt054([Movement(today, "40", "x", "A")]))
    assert runs(bare)
    assert not line_of(bare, "TWD").heard


def test_a_statement_that_holds_less_than_is_owed_stops(bare: Any, travel: Callable[[int], Any]) -> None:
    credited(bare, "5000")
    today = bare.clock.now().date()
    imported(bare, statement_files.camt053([Movement(today, "40", "x", "A")], opening="0"))
    # The credit of 5,000 came by notice and is on no statement yet: nothing is missing.
    assert runs(bare)
    assert line_of(bare, "TWD").heard
    imported(bare, statement_files.camt053([Movement(today, "-60", "y", "B")], opening="40"))
    assert not runs(bare)
    assert "TWD are missing" in bare.db.read(payout_switch.state).why
