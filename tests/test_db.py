"""Transactions are run again when that is safe, and only then."""

import pytest
import sqlalchemy as sa

from portal import ledger
from portal.errors import Refusal
from portal.ledger import Line
from portal.models.system import Parameter

LINES = [Line(ledger.customer_available(1, "TWD"), 5), Line(ledger.house("bank", "TWD"), -5)]


def write(session, name, now):
    session.add(Parameter(name=name, version=1, value={}, changed_by="test", changed_at=now))
    session.flush()


def names(session):
    return list(session.scalars(sa.select(Parameter.name)))


def test_a_refusal_leaves_nothing_behind(transact, read, portal):
    def refused(session):
        write(session, "gone", portal.clock.now())
        raise Refusal("input_invalid")

    with pytest.raises(Refusal):
        transact(refused)
    assert read(names) == []


def test_a_kept_refusal_keeps_what_was_counted(transact, read, portal):
    def refused(session):
        write(session, "counted", portal.clock.now())
        raise Refusal("input_invalid", keep=True)

    with pytest.raises(Refusal):
        transact(refused)
    assert read(names) == ["counted"]


def test_pooled_connections_that_died_are_replaced_without_a_word(postgres_app):
    db = postgres_app.extensions["portal"].db
    db.transact(ledger.post, "gift", "gift:1", LINES, actor="system")
    with db.engine.connect() as killer:
        killer.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'portal' AND pid <> pg_backend_pid()"
        )
    db.transact(ledger.post, "gift", "gift:2", LINES, actor="system")
    with db.engine.connect() as killer:
        killer.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'portal' AND pid <> pg_backend_pid()"
        )
    assert db.read(ledger.balance, LINES[0].account) == 10


def test_a_commit_whose_answer_was_lost_is_not_run_again(postgres_app):
    db = postgres_app.extensions["portal"].db
    runs = []

    def work(session):
        runs.append(1)
        ledger.post(session, "gift", f"gift:{len(runs)}", LINES, actor="system")
        backend = session.scalar(sa.text("SELECT pg_backend_pid()"))
        with db.engine.connect() as killer:
            killer.exec_driver_sql(f"SELECT pg_terminate_backend({backend})")

    with pytest.raises(sa.exc.DBAPIError):
        db.transact(work)
    assert len(runs) == 1


def test_hooks_run_after_the_commit_and_never_after_a_roll_back(transact):
    from portal.db import after_commit

    ran = []
    transact(lambda session: after_commit(session, lambda: ran.append("committed")))

    def refused(session):
        after_commit(session, lambda: ran.append("rolled back"))
        raise Refusal("input_invalid")

    with pytest.raises(Refusal):
        transact(refused)
    assert ran == ["committed"]
