"""Many hands at one balance on PostgreSQL: nothing is overspent, no limit is passed, nobody waits for ever."""

from decimal import Decimal

import pytest
import sqlalchemy as sa

from portal.errors import Refusal
from portal.models.wallet import Transfer, Withdrawal
from portal.money import parse_units
from portal.services import conversions, transfers, withdrawals
from portal.services.withdrawals import Request
from tests.support import people
from tests.support.market import open_market
from tests.support.outside import at_once, code_for, run_worker

TRON = "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj"


@pytest.fixture
def portal(postgres_app):
    found = postgres_app.extensions["portal"]
    found.ports.rates.set_price("USDT-TWD", Decimal(30))
    open_market(found, usdt="30")
    with postgres_app.app_context():
        yield found


def asked(portal, person, amount):
    """A withdrawal and the code its mail brought."""
    wanted = Request(
        owner_kind="customer", owner_id=person.id, family="brokerage", kind="crypto", asset="USDT", network="TRON",
        amount_units=parse_units(amount, "USDT"), address=TRON,
    )  # fmt: skip
    made = portal.db.transact(withdrawals.request, wanted)
    run_worker(portal)
    return made.id, code_for(portal, person.email)


def prove(session, withdrawal_id, code):
    found = session.get(Withdrawal, withdrawal_id)
    return withdrawals.confirm(session, found, code, "customer:1").status


def opened(portal, sender, receiver, amount):
    """A transfer whose mail link was opened."""
    made = portal.db.transact(
        transfers.request, sender.id, receiver.username, receiver.email, "USDT", parse_units(amount, "USDT")
    )
    run_worker(portal)
    portal.db.transact(transfers.open_link, code_for(portal, sender.email), sender.id)
    return made.id


def move(session, transfer_id):
    return transfers.confirm(session, session.get(Transfer, transfer_id), "customer:1").status


def test_32_threads_that_withdraw_send_and_convert_one_balance_never_overspend(portal):
    amy, ben = people.customer(portal, "Amy", usdt="1000"), people.customer(portal, "Ben")
    acts = []
    for _ in range(11):
        withdrawal_id, code = asked(portal, amy, "100")
        acts.append(lambda w=withdrawal_id, c=code: portal.db.transact(prove, w, c))
    for _ in range(11):
        transfer_id = opened(portal, amy, ben, "100")
        acts.append(lambda t=transfer_id: portal.db.transact(move, t))
    for _ in range(10):
        acts.append(
            lambda: portal.db.transact(conversions.convert, amy.id, "USDT", 100_000_000, "TWD").id and "converted"
        )
    before = portal.db.retries
    outcomes = at_once(*acts)
    done = [outcome for outcome in outcomes if outcome != "insufficient_balance"]
    assert set(done) <= {"awaiting_approval", "completed", "converted"}
    assert len(done) == 10
    assert amy.balance("USDT") == 0
    assert amy.balance("USDT", "frozen") == done.count("awaiting_approval") * 100_000_000
    assert ben.balance("USDT") == done.count("completed") * 100_000_000
    assert amy.balance("TWD") == done.count("converted") * 29_970_000
    assert portal.db.retries == before


def test_transfers_both_ways_at_once_do_not_deadlock(portal):
    amy, ben = people.customer(portal, "Amy", usdt="1000"), people.customer(portal, "Ben", usdt="1000")
    there = [opened(portal, amy, ben, "10") for _ in range(12)]
    back = [opened(portal, ben, amy, "10") for _ in range(12)]
    before = portal.db.retries
    outcomes = at_once(*(lambda t=number: portal.db.transact(move, t) for number in there + back))
    assert outcomes == ["completed"] * 24
    assert (amy.balance("USDT"), ben.balance("USDT")) == (1_000_000_000, 1_000_000_000)
    assert portal.db.retries == before


def test_withdrawals_at_once_never_pass_the_limit_of_the_day(portal):
    amy = people.customer(portal, "Amy", usdt="400000")
    both = [asked(portal, amy, "40000") for _ in range(6)]
    outcomes = at_once(*(lambda w=w, c=c: portal.db.transact(prove, w, c) for w, c in both))
    assert sorted(outcomes) == ["awaiting_approval"] * 2 + ["limit_exceeded"] * 4
    assert amy.balance("USDT", "frozen") == 80_000_000_000


def test_one_code_confirms_once_however_many_try(portal):
    amy = people.customer(portal, "Amy", usdt="1000")
    withdrawal_id, code = asked(portal, amy, "100")
    outcomes = at_once(*(lambda: portal.db.transact(prove, withdrawal_id, code) for _ in range(16)))
    assert outcomes.count("awaiting_approval") == 1
    assert outcomes.count("withdrawal_not_waiting") == 15
    assert amy.balance("USDT", "frozen") == 100_000_000


def test_one_transfer_confirmed_many_times_and_cancelled_meanwhile_moves_at_most_once(portal):
    amy, ben = people.customer(portal, "Amy", usdt="1000"), people.customer(portal, "Ben")
    number = opened(portal, amy, ben, "100")

    def stop(session):
        return transfers.cancel(session, session.get(Transfer, number), "customer:1").status

    outcomes = at_once(*(lambda: portal.db.transact(move, number) for _ in range(12)), lambda: portal.db.transact(stop))
    moved = ben.balance("USDT")
    assert moved in (0, 100_000_000)
    assert ("completed" in outcomes) == (moved == 100_000_000)
    with portal.db.session() as session:
        kept = session.scalar(sa.select(Transfer.status))
    assert kept == ("completed" if moved else "cancelled")


def test_a_wrong_code_is_counted_even_when_many_guess_at_once(portal):
    amy = people.customer(portal, "Amy", usdt="1000")
    withdrawal_id, code = asked(portal, amy, "100")
    wrong = "111111" if code != "111111" else "222222"
    at_once(*(lambda: portal.db.transact(prove, withdrawal_id, wrong) for _ in range(8)))
    with pytest.raises(Refusal, match="code_wrong"):
        portal.db.transact(prove, withdrawal_id, code)
