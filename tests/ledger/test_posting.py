"""The ledger moves money exactly, refuses what would overdraw or repeat, and keeps its history for ever."""

import threading

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal import ledger
from portal.errors import Refusal
from portal.ledger import Line
from portal.ledger.check import check

ALICE = ledger.customer_available(1, "TWD")
BOB = ledger.customer_available(2, "TWD")
BANK = ledger.house("bank", "TWD")


def give(transact, units, account=ALICE, reference="gift:1"):
    return transact(ledger.post, "gift", reference, [Line(account, units), Line(BANK, -units)], actor="system")


def test_a_journal_moves_exact_units_and_tells_the_balances_after_it(transact, read):
    posting = give(transact, 1_000_0000)
    assert posting.balances == {ALICE: 1_000_0000}
    moved = transact(ledger.post, "move", "move:1", [Line(ALICE, -1), Line(BOB, 1)], actor="system")
    assert moved.balances == {ALICE: 999_9999, BOB: 1}
    assert read(ledger.balance, BANK) == -1_000_0000


def test_nobody_but_the_house_goes_below_zero(transact, read):
    give(transact, 100)
    with pytest.raises(Refusal) as refused:
        transact(ledger.post, "move", "move:1", [Line(ALICE, -101), Line(BOB, 101)], actor="system")
    assert refused.value.name == "insufficient_balance"
    assert refused.value.facts["available_units"] == 100
    assert read(ledger.balance, ALICE) == 100
    assert read(ledger.balance, BOB) == 0


def test_a_reference_posts_once_and_leaves_nothing_behind_the_second_time(transact, read):
    give(transact, 100)
    with pytest.raises(Refusal, match="already_posted"):
        give(transact, 100)
    assert read(ledger.balance, ALICE) == 100


def test_lines_that_do_not_balance_are_refused(transact):
    with pytest.raises(ValueError, match="sum to zero"):
        transact(ledger.post, "bad", "bad:1", [Line(ALICE, 5), Line(BANK, -4)], actor="system")


def test_a_reversal_is_the_exact_opposite_and_happens_once(transact, read):
    give(transact, 250)
    journal_id = read(ledger.journal_id, "gift:1")
    transact(ledger.reverse, journal_id, "reversal", "gift:1:reversed", actor="staff:1")
    assert read(ledger.balance, ALICE) == 0
    with pytest.raises(Refusal, match="already_posted"):
        transact(ledger.reverse, journal_id, "reversal", "gift:1:again", actor="staff:1")


@pytest.mark.parametrize("statement", ["UPDATE journals SET kind = 'x'", "DELETE FROM entries", "DELETE FROM journals"])
def test_the_database_itself_refuses_to_change_history(transact, portal, statement):
    give(transact, 100)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), portal.db.engine.begin() as connection:
        connection.exec_driver_sql(statement)


def test_the_check_finds_a_balance_that_was_changed_by_hand(transact, portal, read):
    give(transact, 100)
    with portal.db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE accounts SET balance_units = 101 WHERE owner_kind = 'customer'")
    report = read(check)
    assert any("stores 101" in line for line in report.violations)
    with portal.db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE accounts SET balance_units = 100 WHERE owner_kind = 'customer'")


def test_many_at_once_never_overdraw_and_never_lose_a_unit(transact, read):
    give(transact, 50)
    outcomes = []

    def spend(number):
        try:
            transact(ledger.post, "move", f"move:{number}", [Line(ALICE, -10), Line(BOB, 10)], actor="system")
            outcomes.append("moved")
        except Refusal as refusal:
            outcomes.append(refusal.name)

    threads = [threading.Thread(target=spend, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["insufficient_balance"] * 11 + ["moved"] * 5
    assert (read(ledger.balance, ALICE), read(ledger.balance, BOB)) == (0, 50)


def test_opposite_moves_between_two_people_do_not_deadlock(transact, read, portal):
    give(transact, 1000)
    give(transact, 1000, BOB, "gift:2")

    def swap(number):
        first, second = (ALICE, BOB) if number % 2 else (BOB, ALICE)
        transact(ledger.post, "move", f"move:{number}", [Line(first, -1), Line(second, 1)], actor="system")

    threads = [threading.Thread(target=swap, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (read(ledger.balance, ALICE), read(ledger.balance, BOB)) == (1000, 1000)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 10**15)), max_size=12))
def test_whatever_is_posted_the_ledger_stays_provable(sqlite_app, moves):
    db = sqlite_app.extensions["portal"].db
    with db.session() as session:
        owners = [BANK, ALICE, BOB, ledger.customer_frozen(1, "TWD")]
        for number, (source, target, units) in enumerate(moves):
            if source == target:
                continue
            with session.begin_nested() as savepoint:
                try:
                    lines = [Line(owners[source], -units), Line(owners[target], units)]
                    ledger.post(session, "move", f"p:{number}", lines, actor="system")
                except Refusal as refusal:
                    assert refusal.name == "insufficient_balance"
                    savepoint.rollback()
        assert check(session).clean
        session.rollback()
