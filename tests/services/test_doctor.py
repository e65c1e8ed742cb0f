"""The doctor finds a portal healthy when it is, and says in one line what is wrong when it is not."""

import time
from dataclasses import replace

import pytest
import sqlalchemy as sa

from portal.models.system import Job
from portal.ports import PortError
from portal.services import doctor, jobs
from portal.worker import holdings
from tests.support import people
from tests.support.market import open_market


@pytest.fixture
def healthy(transact):
    transact(doctor.beat, "worker@here", 1, int(time.time()))


def test_a_healthy_portal_has_nothing_wrong(read, portal, healthy):
    assert read(doctor.examine) == {}
    assert doctor.examine_outside(portal.db.context) == {}


def test_a_silent_worker_is_noticed(transact, read, healthy):
    transact(doctor.beat, "worker@here", 1, int(time.time()) - 61)
    assert "no worker has been seen for 6" in read(doctor.examine)["worker"]


def test_dead_and_overdue_jobs_are_noticed(transact, read, healthy, travel):
    transact(jobs.enqueue, "nobody handles this", {})
    travel(16 * 60)
    assert read(doctor.examine)["jobs"] == "1 jobs are overdue"
    transact(lambda session: session.execute(sa.update(Job).values(status="dead")))
    assert read(doctor.examine)["jobs"].startswith("1 jobs are dead")


def test_a_file_store_that_fails_is_noticed(portal, healthy, monkeypatch):
    def fail(name, content):
        raise PortError("disk full")

    monkeypatch.setattr(portal.ports.files, "put", fail)
    assert doctor.examine_outside(portal.db.context) == {"files": "the file store fails: disk full"}


def test_holdings_that_no_chain_tells_of_are_noticed_where_money_is_real(portal, read, healthy, monkeypatch):
    open_market(portal)
    assert "holdings" not in read(doctor.examine)
    people.customer(portal, usdt="5", twip="5")
    assert "holdings" not in read(doctor.examine)
    context = portal.db.context
    real = replace(context, settings=replace(context.settings, environment="production"))
    monkeypatch.setattr(portal.db, "context", real)
    assert read(doctor.examine)["holdings"] == "no chain has told lately what is held of USDT"
    for chain in portal.ports.chains.values():
        chain.set_opening("USDT", 5_000_000)
    holdings.watch_cover(portal)
    assert "holdings" not in read(doctor.examine)
