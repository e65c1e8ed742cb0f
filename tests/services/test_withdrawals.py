"""A withdrawal is asked for, proven by its code, held, sent and booked, to the last unit."""

import pytest
import sqlalchemy as sa

from portal import ledger
from portal.errors import Refusal
from portal.models.customers import Customer
from portal.models.system import Activity
from portal.models.wallet import Deposit, Withdrawal
from portal.money import parse_units
from portal.ports import PayoutState
from portal.services import addresses, withdrawals
from portal.services.withdrawals import Request
from tests.support import people
from tests.support.outside import code_for, let_blocks_go_by, run_worker

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


def status_of(portal, withdrawal):
    return portal.db.read(lambda session: session.get(Withdrawal, withdrawal.id).status)


def test_a_crypto_withdrawal_leaves_by_the_chain_with_its_fee_inside(portal, app):
    amy = people.customer(portal, usdt="500")
    with app.app_context():
        made = portal.db.transact(withdrawals.request, crypto(amy))
        assert (made.status, made.fee_units) == ("otp_pending", 1_000_000)
        assert amy.balance("USDT", "frozen") == 0
        run_worker(portal)
        done = portal.db.transact(confirm, made.id, code_for(portal, amy.email))
        assert done.status == "approved"
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
