"""Many hands at once on one balance, one order, one card, one request: money is right on both engines."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from portal.errors import Refusal
from portal.models.stores import PaymentRequest
from portal.money import parse_units
from portal.services import (
    bank_credits,
    cards,
    codes,
    payments,
    staff_registry,
    swaps,
    voucher_orders,
    voucher_withdrawals,
    withdrawals,
)
from portal.services.voucher_orders import Wanted
from portal.services.withdrawal_rules import REDEMPTION, VOUCHER
from tests.support import people, vouchers
from tests.support.statements import seen
from tests.support.vouchers import PAYOUT

OUTSIDE = "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj"


@pytest.fixture
def amy(portal):
    vouchers.open_companies(portal)
    return people.customer(portal, twip="1000")


@pytest.fixture
def known_codes(monkeypatch):
    """Every code that is issued, by what it is for: a race has no time to read messages."""
    seen = {}
    issue = codes.issue

    def remember(session, purpose, subject, channel, target, **more):
        seen[purpose, subject] = made = issue(session, purpose, subject, channel, target, **more)
        return made

    monkeypatch.setattr(codes, "issue", remember)
    return seen


def at_once(*acts):
    """Runs all acts at the same moment; what each answered, a refusal as its name."""
    ready = threading.Barrier(len(acts))

    def run(act):
        ready.wait()
        try:
            return act()
        except Refusal as refusal:
            return refusal.name

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_32_threads_that_spend_withdraw_and_redeem_never_overspend(portal, amy, known_codes):
    store = vouchers.open_store(portal)
    transact = portal.db.transact
    spent = []

    def pay(made):
        otp = known_codes["payment", f"payment:{made.order.public_id}"]
        return lambda: transact(payments.verify, amy.id, store.public_id, made.order.public_id, otp)

    def leave(kind):
        waiting = portal.db.read(withdrawals.latest_pending, "customer", amy.id, (kind,))
        otp = known_codes["withdrawal", f"withdrawal:{waiting.id}"]
        return lambda: transact(voucher_withdrawals.verify, amy.id, kind, otp)

    orders = [transact(payments.checkout, amy.id, store.public_id, 100) for _ in range(28)]
    swap = transact(swaps.create, amy.id, "TWIP", "TWIG", 100)
    swap_otp = known_codes["swap_order", f"swap_order:{swap.id}"]
    transact(voucher_withdrawals.withdraw, amy.id, OUTSIDE, "twip", 100)
    transact(voucher_withdrawals.redeem, amy.id, "twip", 100)
    acts = [pay(made) for made in orders] + [leave(VOUCHER), leave(REDEMPTION)]
    acts += [lambda: transact(swaps.verify, amy.id, swap.public_id, swap_otp)] * 2
    spent = at_once(*acts)
    done = [answer for answer in spent if not isinstance(answer, str)]
    assert len(done) == 10
    assert {answer for answer in spent if isinstance(answer, str)} <= {
        "insufficient_balance",
        "swap_closed",
        "state_conflict",
    }
    assert amy.balance("TWIP") == 0


def test_one_payment_confirmed_by_many_hands_is_paid_once(portal, amy, known_codes):
    store = vouchers.open_store(portal)
    made = portal.db.transact(payments.checkout, amy.id, store.public_id, 10)
    otp = known_codes["payment", f"payment:{made.order.public_id}"]
    answers = at_once(
        *[lambda: portal.db.transact(payments.verify, amy.id, store.public_id, made.order.public_id, otp)] * 16
    )
    assert [type(answer) for answer in answers].count(payments.Payment) == 1
    assert amy.balance("TWIP") == parse_units("990", "TWIP")


def test_a_store_that_closed_meanwhile_is_not_paid(portal, amy, known_codes):
    store = vouchers.open_store(portal)
    made = portal.db.transact(payments.checkout, amy.id, store.public_id, 10)
    otp = known_codes["payment", f"payment:{made.order.public_id}"]
    portal.db.transact(staff_registry.set_store_standing, store.id, "closed", "staff:1")
    with pytest.raises(Refusal, match="payment_closed"):
        portal.db.transact(payments.verify, amy.id, store.public_id, made.order.public_id, otp)
    assert amy.balance("TWIP") == parse_units("1000", "TWIP")


def test_a_counters_request_is_settled_by_one_customer(portal, amy, known_codes):
    store, transact = vouchers.open_store(portal), portal.db.transact
    people_there = [amy, *(people.customer(portal, twip="100") for _ in range(5))]
    code = transact(_ask, store.id, parse_units("10", "TWIP"))
    made = [(person, transact(payments.checkout_request, person.id, code)) for person in people_there]

    def confirm(person, payment):
        otp = known_codes["payment", f"payment:{payment.order.public_id}"]
        return lambda: transact(payments.verify, person.id, store.public_id, payment.order.public_id, otp)

    answers = at_once(*(confirm(person, payment) for person, payment in made))
    assert sorted(str(answer) for answer in answers if isinstance(answer, str)) == ["payment_request_closed"] * 5
    assert sum(person.balance("TWIP") for person in people_there) == parse_units("1490", "TWIP")


def _ask(session, store_id, amount_units):
    from datetime import timedelta

    from portal.db import now

    moment = now(session)
    session.add(
        PaymentRequest(
            code="TESTCODE22", store_id=store_id, amount_units=amount_units, made_by="store:1", created_at=moment,
            expires_at=moment + timedelta(minutes=10),
        )
    )  # fmt: skip
    return "TESTCODE22"


def test_a_repeated_tap_is_the_same_payment(portal, amy):
    store = vouchers.open_store(portal)
    code = portal.db.transact(_ask, store.id, parse_units("10", "TWIP"))
    first = portal.db.transact(payments.checkout_request, amy.id, code)
    assert portal.db.transact(payments.checkout_request, amy.id, code).order.id == first.order.id


def test_a_bank_credit_told_many_times_at_once_is_taken_once(portal, amy, known_codes):
    wanted = Wanted(quantity=100, payment_type="atm", payout_account=PAYOUT["tungkai"])
    made = portal.db.transact(voucher_orders.create, amy.id, wanted)
    otp = known_codes["buy_order", f"buy_order:{made.order.id}"]
    found = portal.db.transact(voucher_orders.verify, amy.id, made.order.public_id, otp)
    credit = {"account": found.virtual.account, "amount_units": parse_units("100", "TWD"), "reference": "b-1"}
    answers = at_once(*[lambda: portal.db.transact(bank_credits.receive, **credit)] * 12)
    assert len({answer.id for answer in answers}) == 1
    assert amy.balance("TWIP") == parse_units("1100", "TWIP")


def test_the_last_vouchers_are_sold_once(portal, amy, known_codes):
    buyers = [people.customer(portal) for _ in range(6)]
    found = []
    for person in buyers:
        wanted = Wanted(quantity=100, payment_type="atm", payout_account=PAYOUT["huanyu"])
        made = portal.db.transact(voucher_orders.create, person.id, wanted)
        otp = known_codes["buy_order", f"buy_order:{made.order.id}"]
        found.append(portal.db.transact(voucher_orders.verify, person.id, made.order.public_id, otp))
    vouchers.open_companies(portal, sellable="250")
    at_once(
        *(
            lambda account=one.virtual.account: portal.db.transact(
                bank_credits.receive, account=account, amount_units=parse_units("100", "TWD")
            )
            for one in found
        )
    )
    assert sum(person.balance("TWIP") for person in buyers) == parse_units("200", "TWIP")


def test_two_who_claim_one_card_get_one_holder(portal, amy):
    ben = people.customer(portal)
    answers = at_once(
        *(lambda person=person: portal.db.transact(cards.register, person.id, "0" * 20) for person in (amy, ben) * 4)
    )
    holders = {answer.customer_id for answer in answers if not isinstance(answer, str)}
    assert len(holders) == 1
    assert {answer for answer in answers if isinstance(answer, str)} == {"card_of_another", "code_too_soon"}


def test_an_eleventh_card_at_once_is_refused(portal, amy):
    answers = at_once(
        *(lambda number=number: portal.db.transact(cards.register, amy.id, f"{number:020d}") for number in range(16))
    )
    assert answers.count("card_limit") == 6


def test_the_statements_of_a_confirmation_at_the_counter_are_few_and_fixed(portal, amy, known_codes):
    """The counter's hot path: the row, the code, the payment, its journal, its history; never more with more payments."""
    store = vouchers.open_store(portal)
    counted = []
    for _ in range(3):
        made = portal.db.transact(payments.checkout, amy.id, store.public_id, 10)
        otp = known_codes["payment", f"payment:{made.order.public_id}"]
        with seen(portal) as found:
            portal.db.transact(payments.verify, amy.id, store.public_id, made.order.public_id, otp)
        counted.append((len(found.statements), found.exchanges))
    assert counted[1] == counted[2], counted  # the first payment opens the accounts
    # The payment with all about it; the code; then the journal and all that tells of it with the commit.
    assert counted[2] == ((7, 2) if portal.db.engine.dialect.name == "postgresql" else (12, 12)), counted
