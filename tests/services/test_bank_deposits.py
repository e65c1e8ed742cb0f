"""TWD in: the customer's own virtual account, their own money, within their limits; all else waits in suspense."""

import pytest
import sqlalchemy as sa

from portal import ledger
from portal.errors import Refusal
from portal.models.wallet import BankCredit, Deposit
from portal.money import parse_units
from portal.services import bank_credits, bank_deposits, deposits
from tests.support import people
from tests.support.market import bank_credit

ONE_MILLION = parse_units("1000000", "TWD")


def account_of(portal, person):
    return portal.db.transact(bank_deposits.way_in, person.id).account.account


def suspense(portal):
    return portal.db.read(ledger.balance, ledger.house("suspense", "TWD"))


def test_a_customer_has_one_account_of_sixteen_digits_with_a_check_digit(portal):
    amy = people.customer(portal)
    account = account_of(portal, amy)
    assert account == account_of(portal, amy)
    assert len(account) == 16 and account.isdigit()
    assert account[-1] == bank_credits.check_digit(account[:-1])


def test_what_arrives_is_credited_once(portal):
    amy = people.customer(portal)
    account = account_of(portal, amy)
    first = bank_credit(portal, account, "1500", reference="b-1")
    again = bank_credit(portal, account, "1500", reference="b-1")
    assert first.outcome == "deposit" and first.id == again.id
    assert amy.balance("TWD") == parse_units("1500", "TWD")


def test_a_reference_that_comes_back_with_another_amount_is_refused(portal):
    account = account_of(portal, people.customer(portal))
    bank_credit(portal, account, "1500", reference="b-1")
    with pytest.raises(Refusal, match="bank_reference_conflict"):
        bank_credit(portal, account, "1501", reference="b-1")


def test_an_unknown_account_waits_in_suspense(portal):
    credit = bank_credit(portal, "9180700000000000", "77")
    assert (credit.outcome, credit.reason) == ("suspense", "account_unknown")
    assert suspense(portal) == parse_units("77", "TWD")


def test_only_the_customers_own_bank_account_pays_in(portal):
    amy, ben = people.customer(portal), people.customer(portal)
    account = account_of(portal, amy)
    number, foreign = (f"{int(person.phone[-8:]):014d}" for person in (amy, ben))
    for spelled in (number, f"809{number}", f"809-{number}", number.lstrip("0")):
        assert bank_credit(portal, account, "10", payer_account=spelled).outcome == "deposit", spelled
    stranger = bank_credit(portal, account, "10", payer_account=foreign)
    assert (stranger.outcome, stranger.reason) == ("suspense", "payer_not_own")
    assert amy.balance("TWD") == parse_units("40", "TWD")


def test_what_is_above_the_limits_waits_in_suspense(portal, travel):
    amy = people.customer(portal)
    account = account_of(portal, amy)
    assert bank_credit(portal, account, "500000").outcome == "deposit"
    over = bank_credit(portal, account, "0.0001")
    assert (over.outcome, over.reason) == ("suspense", "limit_exceeded")
    assert amy.balance("TWD") == parse_units("500000", "TWD")


@pytest.mark.parametrize("change,reason", [("kyc_level = 2", "kyc_level"), ("standing = 'suspended'", "standing")])
def test_a_customer_who_lost_the_right_gets_nothing_yet(portal, transact, change, reason):
    amy = people.customer(portal)
    account = account_of(portal, amy)
    transact(lambda session: session.execute(sa.text(f"UPDATE customers SET {change} WHERE id = {amy.id}")))
    credit = bank_credit(portal, account, "10")
    assert (credit.outcome, credit.reason) == ("suspense", reason)


def test_an_expired_account_takes_nothing_and_is_replaced(portal, travel):
    amy = people.customer(portal)
    old = account_of(portal, amy)
    travel(366 * 86400)
    assert bank_credit(portal, old, "10").reason == "virtual_account_expired"
    assert account_of(portal, amy) != old


def test_without_level_three_there_is_no_account(portal, transact):
    with pytest.raises(Refusal, match="bank_account_missing"):
        transact(bank_deposits.way_in, people.customer(portal, kyc_level=2).id)
    with pytest.raises(Refusal, match="deposit_not_allowed"):
        transact(bank_deposits.way_in, people.customer(portal, kyc_level=2, bank_account=True).id)


def test_an_announced_deposit_is_completed_by_its_amount(portal, transact):
    amy = people.customer(portal)
    transact(bank_deposits.announce, amy.id, parse_units("300", "TWD"))
    bank_credit(portal, account_of(portal, amy), "300")
    bank_credit(portal, account_of(portal, amy), "300")
    rows = portal.db.read(lambda session: list(session.scalars(sa.select(Deposit).order_by(Deposit.id))))
    assert [row.status for row in rows] == ["confirmed", "confirmed"]
    assert amy.balance("TWD") == parse_units("600", "TWD")


def test_an_announced_deposit_ends_by_the_clock_or_by_hand(portal, transact, travel):
    amy = people.customer(portal)
    for amount in ("300", "400"):
        transact(bank_deposits.announce, amy.id, parse_units(amount, "TWD"))
    first = portal.db.read(deposits.recent, amy.id)[0]
    transact(deposits.cancel, first, f"customer:{amy.id}")
    travel(4 * 86400)
    assert transact(deposits.expire) == 1
    assert {row.status for row in portal.db.read(deposits.recent, amy.id)} == {"cancelled", "expired"}
    with pytest.raises(Refusal, match="deposit_not_cancellable"):
        transact(deposits.cancel, first, f"customer:{amy.id}")


def test_staff_give_suspense_to_its_owner_or_send_it_back_once(portal, transact):
    amy = people.customer(portal)
    lost, stray = bank_credit(portal, "111", "50"), bank_credit(portal, "222", "60")
    transact(deposits.assign, lost.id, amy.id, "staff:1", "proved by receipt")
    transact(bank_credits.send_back, stray.id, "staff:1", "unknown payer")
    assert amy.balance("TWD") == parse_units("50", "TWD")
    assert suspense(portal) == 0
    for service, arguments in ((deposits.assign, (lost.id, amy.id)), (bank_credits.send_back, (stray.id,))):
        with pytest.raises(Refusal, match="credit_not_waiting"):
            transact(service, *arguments, "staff:1", "again")


def test_a_matcher_that_refuses_leaves_nothing_but_suspense(portal, transact):
    @bank_credits.takes("test-only")
    def greedy(session, account, credit):
        lines = [
            (ledger.customer_available(1, "TWD"), credit.amount_units),
            (ledger.house("bank", "TWD"), -credit.amount_units),
        ]
        ledger.post(session, "greedy", f"greedy:{credit.id}", [ledger.Line(*line) for line in lines], actor="system")
        raise Refusal("state_conflict")

    account = transact(bank_credits.open_virtual_account, "test-only", 1, None).account
    credit = bank_credit(portal, account, "5")
    assert (credit.outcome, credit.reason) == ("suspense", "state_conflict")
    assert suspense(portal) == parse_units("5", "TWD")
    assert portal.db.read(lambda session: session.scalar(sa.select(sa.func.count()).select_from(BankCredit))) == 1
