"""Statements that travel together keep their order, their refusals and their transaction, on both engines."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from portal import exchanges, wire
from portal.db import UtcDateTime
from portal.errors import Refusal
from portal.models.system import Parameter
from portal.services import idempotency
from tests.support.statements import seen

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
PUT = sa.text(
    "INSERT INTO parameters (name, version, value, changed_at, changed_by) VALUES (:name, 7, :value, :at, :by)"
).bindparams(sa.bindparam("value", type_=sa.JSON()), sa.bindparam("at", type_=UtcDateTime()))
LOOK = sa.text("SELECT name, value, changed_at FROM parameters WHERE changed_by = 'x' ORDER BY name").columns(
    name=sa.String(), value=sa.JSON(), changed_at=UtcDateTime()
)


def row(name: str | None, value: Any = None) -> dict[str, Any]:
    """A row that the tests write."""
    return {"name": name, "value": value or {"n": 1}, "at": NOW, "by": "x"}


def names(portal: Any) -> list[str]:
    """What is written."""
    return [found[0] for found in portal.db.read(lambda s: exchanges.ask(s, LOOK, {}).rows)]


def test_what_is_written_later_is_there_for_the_next_question_and_after_the_commit(portal):
    def work(session):
        exchanges.later(session, PUT, row("a", {"deep": [1, "ü"]}))
        exchanges.later(session, PUT, row("b"))
        return exchanges.ask(session, LOOK, {}).rows

    found = portal.db.transact(work)
    assert found == [("a", {"deep": [1, "ü"]}, NOW), ("b", {"n": 1}, NOW)]
    assert names(portal) == ["a", "b"]


def test_a_statement_of_another_kind_comes_after_what_waits(portal):
    def work(session):
        exchanges.later(session, PUT, row("a"))
        return session.scalars(sa.select(Parameter.name).where(Parameter.changed_by == "x")).all()

    assert portal.db.transact(work) == ["a"]


def test_writes_and_commit_take_one_exchange_on_postgresql(portal):
    def work(session):
        for name in "abcd":
            exchanges.later(session, PUT, row(name))

    with seen(portal) as found:
        portal.db.transact(work)
    assert len(found.statements) == 4
    assert found.exchanges == (4 if portal.db.engine.dialect.name == "sqlite" else 1)
    assert names(portal) == ["a", "b", "c", "d"]


def test_a_failing_write_leaves_nothing_and_the_connection_is_as_good_as_new(portal):
    def work(session):
        exchanges.later(session, PUT, row("a"))
        exchanges.later(session, PUT, row("a"))

    for _ in range(3):
        with pytest.raises(DBAPIError):
            portal.db.transact(work)
    assert names(portal) == []
    portal.db.transact(lambda session: exchanges.later(session, PUT, row("b")))
    assert names(portal) == ["b"]


def test_a_write_that_finds_nothing_says_what_it_stands_for(portal):
    def work(session):
        exchanges.later(session, PUT, row("a"))
        exchanges.later(session, PUT, row(None), otherwise=Refusal("state_conflict"))

    with pytest.raises(Refusal, match="state_conflict"):
        portal.db.transact(work)
    assert names(portal) == []


def test_a_check_is_made_before_the_commit(portal):
    def check(answer):
        raise Refusal("not_found")

    with pytest.raises(Refusal, match="not_found"):
        portal.db.transact(lambda session: exchanges.later(session, PUT, row("a"), check=check))
    assert names(portal) == []


def test_a_rolled_back_transaction_takes_what_waits_with_it(portal):
    def work(session):
        exchanges.later(session, PUT, row("a"))
        raise Refusal("not_found")

    with pytest.raises(Refusal, match="not_found"):
        portal.db.transact(work)
    assert names(portal) == []


def test_a_savepoint_that_is_given_up_takes_its_own_writes_only(portal):
    def work(session):
        exchanges.later(session, PUT, row("a"))
        trial = session.begin_nested()
        exchanges.ask(session, LOOK, {})
        exchanges.later(session, PUT, row("b"))
        trial.rollback()
        exchanges.later(session, PUT, row("c"))

    for _ in range(3):
        portal.db.transact(work)
        assert names(portal) == ["a", "c"]
        portal.db.transact(lambda session: session.execute(sa.text("DELETE FROM parameters WHERE changed_by = 'x'")))


@pytest.mark.parametrize("text", ["nul\0", "\0", "a\0b"])
def test_a_text_with_a_nul_is_never_cut_short(portal, text):
    def work(session):
        exchanges.later(session, PUT, row(text))

    if portal.db.engine.dialect.name == "sqlite":
        return
    with pytest.raises(DBAPIError):
        portal.db.transact(work)
    assert names(portal) == []


def test_statements_thrown_away_by_somebody_are_prepared_anew(portal):
    for name in "abc":
        portal.db.transact(lambda session, name=name: exchanges.later(session, PUT, row(name)))
        if portal.db.engine.dialect.name == "postgresql":
            portal.db.transact(lambda session: session.execute(sa.text("DEALLOCATE ALL")))
    assert names(portal) == ["a", "b", "c"]


def test_a_repeat_whose_work_writes_before_it_asks_writes_nothing(portal):
    def work(session):
        def act():
            exchanges.later(session, PUT, row(f"made {len(runs)}"))
            runs.append(1)
            return {"run": len(runs)}

        return idempotency.once(session, "test", "key-1", "f" * 64, act)

    runs: list[int] = []
    assert portal.db.transact(work) == ({"run": 1}, False)
    assert portal.db.transact(work) == ({"run": 1}, True)
    assert names(portal) == ["made 0"]


def test_whatever_else_is_asked_joins_in_the_same_transaction(portal):
    def work(session, fail=False):
        exchanges.later(session, PUT, row("a"))
        session.add(Parameter(name="b", version=7, value={}, changed_at=NOW, changed_by="x"))
        session.flush()
        exchanges.later(session, PUT, row("c"))
        assert [found[0] for found in exchanges.ask(session, LOOK, {}).rows] == ["a", "b", "c"]
        if fail:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        portal.db.transact(work, fail=True)
    assert names(portal) == []
    portal.db.transact(work)
    assert names(portal) == ["a", "b", "c"]


def test_a_session_that_gave_all_back_begins_anew(portal):
    def work(session):
        exchanges.later(session, PUT, row("a"))
        assert exchanges.ask(session, LOOK, {}).touched == 1
        session.rollback()
        assert not session.in_transaction()
        exchanges.later(session, PUT, row("b"))

    portal.db.transact(work)
    assert names(portal) == ["b"]


def test_values_are_written_as_what_they_are_a_kind_of():
    class Word(StrEnum):
        YES = "yes"

    class Number(IntEnum):
        TWO = 2

    written = [
        wire._text(value) for value in (Word.YES, Number.TWO, Counter(a=1), True, None, Decimal("1E+2"), UUID(int=1))
    ]
    assert written == [b"yes", b"2", b'{"a":1}', b"t", None, b"100", b"00000000-0000-0000-0000-000000000001"]
    with pytest.raises(psycopg.DataError):
        wire._text("a\0b")


def test_a_connection_whose_commit_failed_serves_the_next(portal):
    def work(session, name, clash=False):
        exchanges.ask(session, LOOK, {})
        session.execute(sa.text("SELECT 1")).all()
        for _ in range(1 + clash):
            exchanges.later(session, PUT, row(name))

    for name in "ab":
        with pytest.raises(sa.exc.IntegrityError):
            portal.db.transact(work, f"not {name}", clash=True)
        portal.db.transact(work, name)
    assert names(portal) == ["a", "b"]


def test_of_repeats_at_once_one_acts_and_all_get_its_answer(portal):
    together, acted = threading.Barrier(6), set()

    def work(session, who):
        def act():
            session.execute(sa.text("SELECT 1")).all()
            if who not in acted and portal.db.engine.dialect.name == "postgresql":
                acted.add(who)
                together.wait(10)  # all have looked, and none has an answer yet
            exchanges.later(session, PUT, row(f"made by {who}"))
            return {"who": who}

        return idempotency.once(session, "test", "key-1", "f" * 64, act)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda who: portal.db.transact(work, who), range(6)))
    ((first, _),) = [answer for answer in answers if not answer[1]]
    assert all(answer == (first, True) for answer in answers if answer[1])
    assert names(portal) == [f"made by {first['who']}"]


def many_at_once(portal: Any, count: int) -> None:
    """Writes a row in each of so many transactions that are all open at the same time, then takes the rows away."""
    together = threading.Barrier(count)

    def work(session: Any, name: str) -> None:
        exchanges.later(session, PUT, row(name))
        exchanges.settle(session)
        together.wait(10)

    if portal.db.engine.dialect.name == "sqlite":
        return  # there only one writes at a time
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(lambda number: portal.db.transact(work, f"at once {number}"), range(count)))
    portal.db.transact(lambda session: session.execute(sa.text("DELETE FROM parameters WHERE changed_by = 'x'")))


def test_connections_kept_for_exchanges_leave_enough_for_everything_else(portal):
    many_at_once(portal, 12)
    assert portal.db.engine.pool.checkedout() <= max(4, portal.settings.web_threads)


def test_connections_that_died_while_they_were_kept_are_replaced_under_whoever_asks_next(portal):
    def work(session, name):
        exchanges.ask(session, LOOK, {})
        exchanges.later(session, PUT, row(name))

    many_at_once(portal, 4)
    if portal.db.engine.dialect.name == "postgresql":
        kill = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'portal' AND datname = current_database()"
        )
        other = sa.create_engine(portal.db.engine.url, isolation_level="AUTOCOMMIT")
        with other.connect() as connection:
            connection.execute(sa.text(kill))
        other.dispose()
    retries = portal.db.retries
    for name in "abc":
        portal.db.transact(work, name)
    assert names(portal) == ["a", "b", "c"]
    assert portal.db.engine.dialect.name == "sqlite" or portal.db.retries > retries
