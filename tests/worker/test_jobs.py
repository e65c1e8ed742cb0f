"""Jobs run once, are tried again with patience, end dead rather than for ever, and never after their life."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from portal.models.system import Job
from portal.ports import PortError, PortRejected
from portal.services import jobs
from portal.worker import duties, loop


@pytest.fixture
def handler(app, monkeypatch):
    """A handler of the kind `probe` that notes its calls and fails as often as it is told to."""
    loop.load()
    calls = []
    failures = []

    def run(portal, payload, job_id):
        calls.append(payload)
        if failures:
            raise failures.pop(0)

    monkeypatch.setitem(duties.HANDLERS, "probe", run)
    run.calls, run.failures = calls, failures
    return run


@pytest.fixture
def work(app, portal):
    """Runs the worker until it is idle."""

    def run():
        with app.app_context():
            return loop.run_until_idle(portal)

    return run


def only_job(portal):
    with portal.db.session() as session:
        return session.scalars(sa.select(Job).where(Job.kind == "probe")).one()


def test_a_job_runs_once_and_its_sealed_payload_is_not_readable_at_rest(transact, portal, handler, work):
    transact(jobs.enqueue, "probe", {"secret": "hush"}, secret=True)
    assert "hush" not in str(only_job(portal).payload)
    work()
    work()
    assert handler.calls == [{"secret": "hush"}]
    assert only_job(portal).status == "done"


def test_a_job_with_the_same_key_is_written_once(transact, handler, work):
    assert transact(jobs.enqueue, "probe", {}, unique_key="receipt:1")
    assert not transact(jobs.enqueue, "probe", {}, unique_key="receipt:1")
    work()
    assert len(handler.calls) == 1


def test_a_failed_job_is_tried_again_later_and_then_succeeds(transact, portal, handler, work, travel):
    handler.failures.append(PortError("away"))
    transact(jobs.enqueue, "probe", {})
    work()
    assert (only_job(portal).status, len(handler.calls)) == ("queued", 1)
    travel(60)
    work()
    assert (only_job(portal).status, len(handler.calls)) == ("done", 2)


def test_a_job_ends_dead_after_its_last_try_and_can_be_revived(transact, portal, handler, work, travel):
    handler.failures.extend(PortError("away") for _ in range(3))
    transact(jobs.enqueue, "probe", {}, max_attempts=3)
    for _ in range(5):
        work()
        travel(3600)
    assert (only_job(portal).status, len(handler.calls)) == ("dead", 3)
    assert transact(jobs.revive, only_job(portal).id)
    work()
    assert only_job(portal).status == "done"


def test_a_final_no_is_not_tried_again(transact, portal, handler, work, travel):
    handler.failures.append(PortRejected("no such address"))
    transact(jobs.enqueue, "probe", {})
    work()
    travel(86400)
    work()
    assert (only_job(portal).status, len(handler.calls)) == ("dead", 1)


def test_a_job_past_its_life_is_never_run(transact, portal, handler, work, travel):
    transact(jobs.enqueue, "probe", {}, expires_at=portal.clock.now() + timedelta(minutes=5))
    travel(301)
    work()
    assert (only_job(portal).status, handler.calls) == ("dropped", [])


def test_a_job_whose_worker_died_is_taken_over(transact, portal, handler, work):
    transact(jobs.enqueue, "probe", {})
    transact(jobs.claim, "a worker that dies", ["probe"])
    assert only_job(portal).status == "running"
    work()
    assert (only_job(portal).status, len(handler.calls)) == ("done", 1)


def test_workers_beside_each_other_wait_for_the_lease(transact, portal, handler, travel):
    transact(jobs.enqueue, "probe", {})
    transact(jobs.claim, "first", ["probe"])
    assert transact(jobs.claim, "second", ["probe"]) == []
    travel(61)
    assert len(transact(jobs.claim, "second", ["probe"])) == 1
    assert not transact(jobs.finish, only_job(portal).id, "first")
    assert transact(jobs.finish, only_job(portal).id, "second")
