"""A withdrawal is asked for, proven by its code, held, sent and booked, to the last unit."""

import contextlib
import dataclasses

import pytest
import sqlalchemy as sa

from portal import ledger
from portal.errors import Refusal
from portal.models.customers import Customer
from portal.models.system import Activity
from portal.models.wallet import Deposit, Withdrawal
from portal.money import parse_units
from portal.ports import PortTimeout
from portal.services import addresses, devices, freezing, parameters, withdrawals
from portal.services import withdrawal_approvals as approvals
from portal.services import withdrawal_sending as sending
from portal.services.withdrawals import Request
from portal.worker import withdrawals as worker
from tests.support import people
from tests.support.market import open_market
from tests.support.outside import at_once, code_for, let_blocks_go_by, run_worker

TRON_ADDRESS = "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj"


def crypto(person, amount="100", **also):
    values = {
        "owner_kind": "customer", "owner_id": person.id, "family": "brokerage", "kind": "crypto", "asset": "USDT",
        "network": "TRON", "amount_units": parse_units(amount, "USDT"), "address": TRON_ADDRESS, **also,
    }  # fmt: skip
    return Request(**values)


def fiat(person, amount="1015", **also):
    return crypto(
        person, kind="fiat", asset="TWD", network="BANK", address=None, bank_account_id=person.bank_account_id,
        amount_units=parse_units(amount, "TWD"), **also,
    )  # fmt: skip


def confirm(session, withdrawal_id, code, actor="customer:1"):
    return withdrawals.confirm(session, session.get(Withdrawal, withdrawal_id), code, actor)


def confirmed(portal, person, wanted):
    made = portal.db.transact(withdrawals.request, wanted)
    run_worker(portal)
    return portal.db.transact(confirm, made.id, code_for(portal, person.email), f"customer:{person.id}")


def cancel(session, withdrawal_id):
    return withdrawals.cancel(session, session.get(Withdrawal, withdrawal_id), "customer:1")


class Listening:
    """A chain that keeps what it is told to broadcast; it loses the next few before they are mined."""

    def __init__(self, chain):
        self.chain, self.sent, self.lose_next = chain, [], 0

    def __getattr__(self, name):
        return getattr(self.chain, name)

    def broadcast(self, signed):
        self.sent.append(signed.raw)
        if self.lose_next:
            self.lose_next -= 1
            raise PortTimeout("lost")
        self.chain.broadcast(signed)


@contextlib.contextmanager
def heard(portal, network, chain):
    before = portal.ports.chains[network]
    portal.ports.chains[network] = chain
    yield
    portal.ports.chains[network] = before


def status_of(portal, withdrawal):
    return portal.db.read(lambda session: session.get(Withdrawal, withdrawal.id).status)


@pytest.fixture(autouse=True)
def market(portal):
    open_market(portal)


def test_a_crypto_withdrawal_leaves_by_the_chain_with_its_fee_inside(portal, app):
    amy = people.customer(portal, usdt="500")
    with app.app_context():
        made = portal.db.transact(withdrawals.request, crypto(amy))
        assert (made.status, made.fee_units) == ("otp_pending", 1_000_000)
        assert amy.balance("USDT", "frozen") == 0
        run_worker(portal)
        done = portal.db.transact(confirm, made.id, code_for(portal, amy.email))
        assert done.status == "awaiting_approval"
        assert (amy.balance("USDT"), amy.balance("USDT", "frozen")) == (400_000_000, 100_000_000)
        run_worker(portal)
        assert status_of(portal, made) == "broadcast"
        let_blocks_go_by(portal, "TRON")
        run_worker(portal)
    assert status_of(portal, made) == "confirmed"
    assert (amy.balance("USDT"), amy.balance("USDT", "frozen")) == (400_000_000, 0)
    assert portal.db.read(ledger.balance, ledger.house("fees", "USDT")) == 1_000_000
    assert portal.db.read(ledger.balance, ledger.house("chain", "USDT")) == -500_000_000 + 99_000_000
    mined = portal.world.rows("SELECT recipient, units FROM chain_transfers WHERE network = 'TRON'")
    assert [tuple(row) for row in mined] == [(TRON_ADDRESS, 99_000_000)]


def test_a_fiat_withdrawal_is_paid_by_the_bank_once(portal, app):
    amy = people.customer(portal, twd="5000")
    with app.app_context():
        made = confirmed(portal, amy, fiat(amy))
        run_worker(portal)
    assert status_of(portal, made) == "confirmed"
    assert [tuple(row) for row in portal.world.rows("SELECT units, copies FROM payouts")] == [(10_000_000, 1)]
    assert (amy.balance("TWD"), amy.balance("TWD", "frozen")) == (39_850_000, 0)
    assert portal.db.read(ledger.balance, ledger.house("fees", "TWD")) == 150_000


def test_a_redemption_gives_vouchers_and_pays_twd_one_to_one(portal, app):
    amy = people.customer(portal, twip="500")
    wanted = dataclasses.replace(fiat(amy), kind="redemption", asset="TWIP", amount_units=parse_units("500", "TWIP"))
    with app.app_context():
        made = confirmed(portal, amy, wanted)
        run_worker(portal)
    assert status_of(portal, made) == "confirmed"
    assert [row["units"] for row in portal.world.rows("SELECT units FROM payouts")] == [5_000_000]
    assert portal.db.read(ledger.balance, ledger.house("issuance", "TWIP")) == 500_000_000
    assert portal.db.read(ledger.balance, ledger.house("issuance", "TWD")) == -5_000_000
    assert portal.db.read(ledger.balance, ledger.house("bank", "TWD")) == 5_000_000


def test_the_bank_pays_whole_dollars_only(portal):
    amy = people.customer(portal, twd="5000")
    with pytest.raises(Refusal, match="amount_not_whole"):
        portal.db.transact(withdrawals.request, fiat(amy, "1015.5"))


@pytest.mark.parametrize("owner_kind", ["customer", "institution"])
def test_an_address_of_the_portals_own_settles_at_once_without_the_chain(portal, app, owner_kind):
    amy, ben = people.customer(portal, usdt="500"), people.customer(portal)
    own = portal.db.transact(addresses.for_owner, owner_kind, ben.id, "TRON").address
    with app.app_context():
        made = confirmed(portal, amy, crypto(amy, address=own))
        assert made.status == "confirmed"
        run_worker(portal)
    bucket = "available" if owner_kind == "customer" else "float"
    received = portal.db.read(ledger.balance, ledger.AccountKey(owner_kind, ben.id, "USDT", bucket))
    assert (received, amy.balance("USDT"), amy.balance("USDT", "frozen")) == (99_000_000, 400_000_000, 0)
    assert portal.world.rows("SELECT * FROM chain_transfers") == []
    with portal.db.session() as session:
        deposit = session.scalars(sa.select(Deposit)).one()
        assert (deposit.owner_kind, deposit.amount_units, deposit.status) == (owner_kind, 99_000_000, "confirmed")
        lines = session.scalars(sa.select(Activity).order_by(Activity.id)).all()
        assert [(line.customer_id, line.kind, line.status) for line in lines] == [
            (amy.id, "withdrawal", "confirmed"),
            *([(ben.id, "deposit", "confirmed")] if owner_kind == "customer" else []),
        ]


def test_nobody_pays_a_fee_to_withdraw_to_themselves(portal):
    amy = people.customer(portal, usdt="500")
    own = portal.db.transact(addresses.for_owner, "customer", amy.id, "TRON").address
    with pytest.raises(Refusal, match="address_own"):
        portal.db.transact(withdrawals.request, crypto(amy, address=own))
    assert (amy.balance("USDT"), amy.balance("USDT", "frozen")) == (500_000_000, 0)


@pytest.mark.parametrize("fault", ["timeout", "error", "lost_answer", "duplicate"])
@pytest.mark.parametrize("port", ["chain", "bank"])
def test_whatever_is_lost_on_the_way_one_payment_arrives(portal, app, port, fault):
    amy = people.customer(portal, usdt="500", twd="5000")
    with app.app_context():
        made = confirmed(portal, amy, crypto(amy) if port == "chain" else fiat(amy))
        portal.world.set_fault(port, fault, 3)
        for _ in range(6):
            worker.send_to_chains(portal)
            worker.send_to_bank(portal)
        let_blocks_go_by(portal, "TRON")
        run_worker(portal)
    assert status_of(portal, made) == "confirmed"
    paid = portal.world.rows("SELECT units FROM chain_transfers") + portal.world.rows("SELECT units FROM payouts")
    assert len(paid) == 1
    assert amy.balance("USDT", "frozen") == amy.balance("TWD", "frozen") == 0


def test_a_broadcast_without_an_answer_sends_the_same_bytes_again(portal, app):
    amy = people.customer(portal, usdt="500")
    chain = Listening(portal.ports.chains["TRON"])
    with app.app_context(), heard(portal, "TRON", chain):
        made = confirmed(portal, amy, crypto(amy))
        chain.lose_next = 2
        for _ in range(4):
            worker.send_to_chains(portal)
    assert len(chain.sent) == 3
    assert len(set(chain.sent)) == 1
    assert status_of(portal, made) == "broadcast"


def test_lost_bytes_are_replaced_only_after_the_chain_itself_would_refuse_them(portal, app):
    amy = people.customer(portal, usdt="500")
    chain = Listening(portal.ports.chains["TRON"])
    with app.app_context(), heard(portal, "TRON", chain):
        made = confirmed(portal, amy, crypto(amy))
        chain.lose_next = 100
        worker.send_to_chains(portal)
        portal.clock.advance(590)
        worker.send_to_chains(portal)
        assert len(set(chain.sent)) == 1
        portal.clock.advance(30)
        worker.send_to_chains(portal)
        assert len(set(chain.sent)) == 1
        portal.clock.advance(60)
        chain.lose_next = 0
        worker.send_to_chains(portal)
        assert len(set(chain.sent)) == 2
        let_blocks_go_by(portal, "TRON")
        worker.send_to_chains(portal)
    assert status_of(portal, made) == "confirmed"
    assert len(portal.world.rows("SELECT * FROM chain_transfers")) == 1


def test_a_refused_broadcast_is_paid_back_only_when_it_is_certain(portal, app):
    amy = people.customer(portal, usdt="500")
    with app.app_context():
        made = confirmed(portal, amy, crypto(amy))
        portal.world.set_fault("chain", "reject", 1)
        worker.send_to_chains(portal)
        worker.send_to_chains(portal)
        assert (status_of(portal, made), amy.balance("USDT", "frozen")) == ("processing", 100_000_000)
        portal.clock.advance(700)
        worker.send_to_chains(portal)
    assert status_of(portal, made) == "failed"
    assert (amy.balance("USDT"), amy.balance("USDT", "frozen")) == (500_000_000, 0)
    assert portal.world.rows("SELECT * FROM chain_transfers") == []


def test_bytes_that_were_sent_too_late_are_replaced_and_the_withdrawal_is_paid_once(portal, app):
    class Suspended(Listening):
        def broadcast(self, signed):
            if not self.sent:
                portal.clock.advance(901)  # the machine stood still between signing and sending
            super().broadcast(signed)

    amy = people.customer(portal, usdt="500")
    chain = Suspended(portal.ports.chains["TRON"])
    with app.app_context(), heard(portal, "TRON", chain):
        made = confirmed(portal, amy, crypto(amy))
        worker.send_to_chains(portal)
        worker.send_to_chains(portal)
        let_blocks_go_by(portal, "TRON")
        worker.send_to_chains(portal)
    assert len(set(chain.sent)) == 2
    assert (status_of(portal, made), amy.balance("USDT"), amy.balance("USDT", "frozen")) == (
        "confirmed",
        400_000_000,
        0,
    )
    assert len(portal.world.rows("SELECT * FROM chain_transfers")) == 1


def test_a_reverted_transaction_gives_the_money_back(portal, app):
    amy = people.customer(portal, usdt="500")
    with app.app_context():
        made = confirmed(portal, amy, crypto(amy))
        worker.send_to_chains(portal)
        with portal.world.change() as world:
            world.execute("UPDATE chain_transfers SET succeeded = 0")
        worker.send_to_chains(portal)
    assert status_of(portal, made) == "failed"
    assert amy.balance("USDT") == 500_000_000


def test_a_bank_that_refuses_gives_the_money_back_but_not_while_an_order_may_be_under_way(portal, app):
    amy, ben = people.customer(portal, twd="5000"), people.customer(portal, twd="5000")
    with app.app_context():
        made = confirmed(portal, amy, fiat(amy))
        portal.world.set_fault("bank", "reject", 1)
        worker.send_to_bank(portal)
        worker.send_to_bank(portal)
        assert (status_of(portal, made), amy.balance("TWD")) == ("failed", 50_000_000)
        unsure = confirmed(portal, ben, fiat(ben))
        portal.world.set_fault("bank", "timeout", 1)
        worker.send_to_bank(portal)
        portal.db.transact(sending.note, unsure.id, refused="closed account")
        worker.send_to_bank(portal)
        assert status_of(portal, unsure) == "processing"
        portal.clock.advance(25 * 3600)
        worker.send_to_bank(portal)
    assert (status_of(portal, unsure), ben.balance("TWD")) == ("failed", 50_000_000)


def test_a_large_amount_waits_for_one_person_and_a_very_large_one_for_two(portal, app):
    open_market(portal, usdt="30")
    amy = people.customer(portal, usdt="100000", twd="0.0001")
    with app.app_context():
        made = confirmed(portal, amy, crypto(amy, "20000"))
        assert (made.status, made.needs_approvals) == ("awaiting_approval", 1)
        portal.db.transact(parameters.change, "withdrawal_approval", {"two_above_twd": "500000"}, "staff:1")
        very = confirmed(portal, amy, crypto(amy, "20000.5"))
        assert very.needs_approvals == 2
        portal.db.transact(approvals.approve, made.id, "staff:1")
        portal.db.transact(approvals.approve, very.id, "staff:1")
        assert (status_of(portal, made), status_of(portal, very)) == ("approved", "awaiting_approval")
        with pytest.raises(Refusal, match="approval_twice"):
            portal.db.transact(approvals.approve, very.id, "staff:1")
        portal.db.transact(approvals.put_aside, very.id, "staff:2", "call the customer")
        assert status_of(portal, very) == "in_review"
        portal.db.transact(approvals.approve, very.id, "staff:2")
        assert status_of(portal, very) == "approved"
        with pytest.raises(Refusal, match="approval_not_waiting"):
            portal.db.transact(approvals.reject, very.id, "staff:3", "too late")


def test_a_rejected_withdrawal_gives_money_and_limits_back(portal, app):
    open_market(portal, usdt="30")
    amy = people.customer(portal, usdt="100000")
    with app.app_context():
        made = confirmed(portal, amy, crypto(amy, "50000"))
        portal.db.transact(approvals.reject, made.id, "staff:1", "sanctions list")
        confirmed(portal, amy, crypto(amy, "50000"))
        confirmed(portal, amy, crypto(amy, "50000"))
    assert status_of(portal, made) == "rejected"
    assert (amy.balance("USDT"), amy.balance("USDT", "frozen")) == (0, 100_000_000_000)


def test_a_newer_request_may_end_the_older_and_its_code(portal, app):
    amy = people.customer(portal, usdt="500")
    with app.app_context():
        older = portal.db.transact(withdrawals.request, crypto(amy, replaces_pending=True))
        run_worker(portal)
        code = code_for(portal, amy.email)
        newer = portal.db.transact(withdrawals.request, crypto(amy, "200", replaces_pending=True))
        assert (status_of(portal, older), status_of(portal, newer)) == ("expired", "otp_pending")
        with pytest.raises(Refusal, match="withdrawal_not_waiting"):
            portal.db.transact(confirm, older.id, code)
        with pytest.raises(Refusal, match="code_wrong"):
            portal.db.transact(confirm, newer.id, code)


def test_freezing_from_the_mail_stops_what_can_be_stopped(portal, app):
    amy = people.customer(portal, usdt="500", twd="5000")
    with app.app_context():
        pending = portal.db.transact(withdrawals.request, crypto(amy))
        held = confirmed(portal, amy, crypto(amy))
        link = portal.db.read(devices.lock_token, amy.id)
        portal.db.transact(freezing.freeze, link, "127.0.0.1")
        assert (status_of(portal, pending), status_of(portal, held)) == ("cancelled", "cancelled")
        assert amy.balance("USDT") == 500_000_000
        with portal.db.session() as session:
            assert session.get(Customer, amy.id).standing == "locked"
        with pytest.raises(Refusal, match="withdrawals_not_allowed"):
            portal.db.transact(withdrawals.request, crypto(amy))


def test_cancel_against_the_worker_has_one_winner(portal, app):
    amy = people.customer(portal, usdt="500")
    with app.app_context():
        made = confirmed(portal, amy, crypto(amy))
        signed = portal.ports.chains["TRON"].sign("key", "USDT", TRON_ADDRESS, 99_000_000)
        outcomes = at_once(
            lambda: portal.db.transact(cancel, made.id),
            lambda: portal.db.transact(sending.store_signed, made.id, signed),
        )
    won = status_of(portal, made)
    assert won in ("cancelled", "processing")
    assert (outcomes[0] == "withdrawal_too_late") == (won == "processing")
    assert (outcomes[1] is True) == (won == "processing")
    assert amy.balance("USDT", "frozen") == (100_000_000 if won == "processing" else 0)
