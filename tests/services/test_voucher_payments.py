"""What the bank brings for voucher orders: taken once, or kept in suspense with its reason, to the last dollar."""

import pytest
import sqlalchemy as sa

from portal import ledger, states
from portal.errors import Refusal
from portal.machines.buying import BUYING
from portal.models.system import Activity, Notification
from portal.models.vouchers import BuyOrder
from portal.money import parse_units
from portal.services import companies, voucher_orders, voucher_payments
from portal.services.voucher_orders import Wanted
from tests.support import people, vouchers
from tests.support.vouchers import PAYOUT, bank_brings, own_account, work


@pytest.fixture
def amy(app, portal):
    vouchers.open_companies(portal)
    return people.customer(portal)


@pytest.fixture
def ordered(app, portal):
    """`ordered(amy, 100)` is a confirmed order with its account to pay to."""

    def order(person, quantity=100, **more):
        wanted = Wanted(**{"quantity": quantity, "payment_type": "atm", "payout_account": PAYOUT["tungkai"], **more})
        made = portal.db.transact(voucher_orders.create, person.id, wanted)
        otp = vouchers.code(app, person.phone)
        return portal.db.transact(voucher_orders.verify, person.id, made.order.public_id, otp)

    return order


def balance(portal, bucket, asset="TWD"):
    return portal.db.read(ledger.balance, ledger.house(bucket, asset))


def status(portal, payable):
    return portal.db.read(lambda session: session.get_one(BuyOrder, payable.order.id).status)


def told(portal, person):
    query = sa.select(Notification.event).where(Notification.customer_id == person.id)
    return list(portal.db.read(lambda session: session.scalars(query).all()))


def test_exact_money_backs_the_vouchers_that_are_handed_out(portal, amy, ordered):
    found = ordered(amy, 100)
    credit = bank_brings(portal, found.virtual.account, "100", payer_account=own_account(amy))
    assert (credit.outcome, credit.matched_id) == ("order", found.order.id)
    assert status(portal, found) == "token"
    assert amy.balance("TWIP") == parse_units("100", "TWIP")
    assert balance(portal, "bank") == -parse_units("100", "TWD")
    assert (balance(portal, "issuance"), balance(portal, "clearing")) == (parse_units("100", "TWD"), 0)
    assert balance(portal, "issuance", "TWIP") == -parse_units("100", "TWIP")
    assert told(portal, amy) == ["vouchers_bought"]


def test_the_history_shows_the_purchase_once(portal, amy, ordered):
    bank_brings(portal, ordered(amy).virtual.account, "100")
    rows = portal.db.read(lambda session: session.scalars(sa.select(Activity)).all())
    assert [(row.kind, row.asset, row.amount_units, row.counter_units, row.status) for row in rows] == [
        ("voucher_buy", "TWIP", parse_units("100", "TWIP"), parse_units("100", "TWD"), "token")
    ]


def test_an_order_goes_through_the_documents_states(portal, amy, ordered):
    found = ordered(amy)
    bank_brings(portal, found.virtual.account, "100")
    moves = portal.db.read(states.history, BUYING, found.order.id)
    assert [move.to_state for move in moves] == ["created", "otp_pending", "otp_verified", "unpaid", "paid", "token"]


def test_a_doubled_credit_is_taken_once(portal, amy, ordered):
    account = ordered(amy).virtual.account
    first = bank_brings(portal, account, "100", reference="b-7")
    again = bank_brings(portal, account, "100", reference="b-7")
    assert first.id == again.id
    assert amy.balance("TWIP") == parse_units("100", "TWIP")


def test_paid_twice_the_second_waits_for_staff(portal, amy, ordered):
    account = ordered(amy).virtual.account
    bank_brings(portal, account, "100", reference="b-7")
    second = bank_brings(portal, account, "100", reference="b-8")
    assert (second.outcome, second.reason) == ("suspense", "order_paid_already")
    assert amy.balance("TWIP") == parse_units("100", "TWIP")
    assert balance(portal, "suspense") == parse_units("100", "TWD")


@pytest.mark.parametrize(
    ("amount", "reason"), [("99", "amount_short"), ("101", "amount_over"), ("0.01", "amount_short")]
)
def test_another_amount_waits_and_the_order_stays_unpaid(portal, amy, ordered, amount, reason):
    found = ordered(amy)
    credit = bank_brings(portal, found.virtual.account, amount)
    assert (credit.outcome, credit.reason, credit.details) == ("suspense", reason, {"buy_order": found.order.public_id})
    assert status(portal, found) == "unpaid"
    assert balance(portal, "suspense") == parse_units(amount, "TWD")
    assert told(portal, amy) == ["order_money_waits"]
    assert bank_brings(portal, found.virtual.account, "100").outcome == "order"


def test_a_strangers_money_waits(portal, amy, ordered):
    ben = people.customer(portal)
    found = ordered(amy)
    credit = bank_brings(portal, found.virtual.account, "100", payer_account=own_account(ben))
    assert (credit.outcome, credit.reason) == ("suspense", "payer_not_own")
    assert amy.balance("TWIP") == 0 and ben.balance("TWIP") == 0


def test_late_money_waits_even_before_the_duty_ran(portal, amy, ordered, travel):
    found = ordered(amy)
    travel(3 * 86400 + 1)
    assert bank_brings(portal, found.virtual.account, "100").reason == "order_expired"
    assert status(portal, found) == "unpaid"


def test_money_for_a_restricted_customer_waits(portal, amy, ordered):
    found = ordered(amy)
    portal.db.transact(lambda session: setattr(session.get_one(people.Customer, amy.id), "standing", "suspended"))
    assert bank_brings(portal, found.virtual.account, "100").reason == "standing"


def test_what_was_paid_while_sold_out_is_handed_out_with_new_stock(app, portal, amy, ordered):
    found = ordered(amy, 100)
    vouchers.open_companies(portal, sellable="99")
    bank_brings(portal, found.virtual.account, "100")
    assert status(portal, found) == "untoken"
    assert amy.balance("TWIP") == 0
    assert (balance(portal, "clearing"), balance(portal, "issuance")) == (parse_units("100", "TWD"), 0)
    assert told(portal, amy) == ["vouchers_awaited"]
    work(app)
    assert status(portal, found) == "untoken"
    portal.db.transact(companies.restock, found.order.company_id, parse_units("1", "TWIP"), "staff:1")
    work(app)
    assert status(portal, found) == "token"
    assert amy.balance("TWIP") == parse_units("100", "TWIP")
    assert portal.db.read(companies.sellable_units, found.order.company_id) == 0


def test_a_company_cannot_take_back_more_than_it_may_sell(portal, amy):
    company_id = portal.db.read(lambda session: people.company_id(session, "tungkai"))
    with pytest.raises(Refusal, match="amount_out_of_range"):
        portal.db.transact(companies.restock, company_id, -parse_units("50000001", "TWIP"), "staff:1")


def test_a_remittance_pays_the_oldest_order_of_that_name_and_amount(portal, amy, ordered):
    remittance = {"payment_type": "remittance", "remittance_name": "Lin Xiao Ming"}
    first, second, other = (ordered(amy, quantity, **remittance) for quantity in (100, 100, 250))
    assert bank_brings(portal, PAYOUT["tungkai"], "100", payer_name="ＬＩＮ xiaoming").matched_id == first.order.id
    assert bank_brings(portal, PAYOUT["tungkai"], "250", payer_name="lin xiao ming").matched_id == other.order.id
    assert status(portal, second) == "unpaid"
    credit = bank_brings(portal, PAYOUT["tungkai"], "77", payer_name="lin xiao ming")
    assert (credit.outcome, credit.reason) == ("suspense", "amount_short")


def test_a_remittance_that_could_be_two_peoples_waits(portal, amy, ordered):
    ben = people.customer(portal)
    for person in (amy, ben):
        ordered(person, payment_type="remittance", remittance_name="王大明")
    credit = bank_brings(portal, PAYOUT["tungkai"], "100", payer_name="王大明")
    assert (credit.outcome, credit.reason) == ("suspense", "several_customers")


@pytest.mark.parametrize(("name", "reason"), [(None, "payer_unknown"), ("nobody", "no_order")])
def test_a_remittance_of_an_unknown_name_waits(portal, amy, ordered, name, reason):
    ordered(amy, payment_type="remittance", remittance_name="王大明")
    assert bank_brings(portal, PAYOUT["tungkai"], "100", payer_name=name).reason == reason


def test_staff_may_say_which_order_a_waiting_credit_pays(portal, amy, ordered):
    found, ben = ordered(amy), people.customer(portal)
    credit = bank_brings(portal, found.virtual.account, "100", payer_account=own_account(ben))
    portal.db.transact(voucher_payments.assign, credit.id, found.order.public_id, "staff:1", "spouse's account, proven")
    assert status(portal, found) == "token"
    assert (balance(portal, "suspense"), balance(portal, "bank")) == (0, -parse_units("100", "TWD"))
    with pytest.raises(Refusal, match="credit_not_waiting"):
        portal.db.transact(voucher_payments.assign, credit.id, found.order.public_id, "staff:1", "again")


def test_staff_cannot_pay_an_order_with_another_amount(portal, amy, ordered):
    found = ordered(amy)
    credit = bank_brings(portal, found.virtual.account, "99")
    with pytest.raises(Refusal, match="order_not_payable"):
        portal.db.transact(voucher_payments.assign, credit.id, found.order.public_id, "staff:1", "close enough")
    with pytest.raises(Refusal, match="not_found"):
        portal.db.transact(voucher_payments.assign, credit.id, "nothing", "staff:1", "")
    assert balance(portal, "suspense") == parse_units("99", "TWD")
