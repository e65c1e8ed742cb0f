"""A counter asks, a customer pays once, money goes back by PIN only, and takings are paid out: to the last unit."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
import sqlalchemy as sa

from portal.errors import Refusal
from portal.models.stores import PaymentRequest, ShoppingOrder
from portal.models.system import Activity
from portal.services import (
    cards,
    payment_requests,
    payments,
    refunds,
    settlements,
    store_bank_accounts,
    store_keys,
    store_payments,
    takings,
    webhooks,
)
from portal.services.store_payments import Filters
from tests.support import merchants, people, vouchers
from tests.support.outside import code_for, messages, run_worker

ONE = 1_000_000


@pytest.fixture
def shop(app):
    return merchants.shop(app)


@pytest.fixture
def amy(portal):
    return people.customer(portal, "amy", twip="1000")


@pytest.fixture
def ben(portal):
    return people.customer(portal, "ben", twip="1000")


def give_back(shop, order, amount, role="cashier", **more):
    return shop.portal.db.transact(refunds.refund, shop.store, order.public_id, amount, signed=shop.sign(role), **more)


def state_of(shop, request):
    found = shop.portal.db.read(payment_requests.state, shop.store.id, request.public_id)
    return found.at(shop.portal.clock.now())


# --- asking and paying ---


def test_a_request_is_paid_once_with_the_stores_discount(app, portal, amy, ben):
    shop = merchants.shop(app, discount="10", kind="percent")
    asked = shop.ask("120", note="2 latte", reference="T-17")
    assert state_of(shop, asked) == "open"
    order = shop.pay(amy, request=asked)
    assert (order.bill_units, order.discount_units, order.amount_units) == (120 * ONE, 12 * ONE, 108 * ONE)
    assert state_of(shop, asked) == "paid"
    assert (amy.balance("TWIP"), shop.balance()) == (892 * ONE, 108 * ONE)
    again = portal.db.transact(payments.checkout_request, amy.id, asked.code)
    assert again.order.id == order.id, "a repeated tap finds the payment that was made"
    with pytest.raises(Refusal, match="payment_request_closed"):
        portal.db.transact(payments.checkout_request, ben.id, asked.code)


@pytest.mark.parametrize(
    "amount", ["0", "-1", "", "1e3", "NaN", "１００", "1_000", "0.0000001", "10000001", None, True, []]
)
def test_an_amount_that_is_none_is_refused(shop, amount):
    with pytest.raises(Refusal, match="amount_"):
        shop.ask(amount)


def test_a_request_runs_out_and_cannot_be_paid_or_cancelled_then(portal, shop, amy, travel):
    asked = shop.ask("100", life_seconds=60)
    travel(61)
    assert state_of(shop, asked) == "expired"
    with pytest.raises(Refusal, match="payment_request_closed"):
        portal.db.transact(payments.checkout_request, amy.id, asked.code)
    with pytest.raises(Refusal, match="request_not_open"):
        portal.db.transact(payment_requests.cancel, shop.store.id, asked.public_id, "customer:1")
    for life in (59, 86401):
        with pytest.raises(Refusal, match="request_life_invalid"):
            shop.ask("100", life_seconds=life)


def test_a_cancelled_request_takes_no_money_even_from_one_who_had_begun(app, portal, shop, amy):
    asked = shop.ask("100")
    begun = portal.db.transact(payments.checkout_request, amy.id, asked.code)
    otp = vouchers.code(app, amy.phone)
    portal.db.transact(payment_requests.cancel, shop.store.id, asked.public_id, f"customer:{shop.cashier.id}")
    with pytest.raises(Refusal, match="payment_request_closed"):
        portal.db.transact(payments.verify, amy.id, shop.store.public_id, begun.order.public_id, otp)
    assert (amy.balance("TWIP"), shop.balance()) == (1000 * ONE, 0)
    with pytest.raises(Refusal, match="request_not_open"):
        portal.db.transact(payment_requests.cancel, shop.store.id, asked.public_id, f"customer:{shop.cashier.id}")


def test_a_tapped_card_names_its_holder_who_alone_can_pay(app, portal, shop, amy, ben):
    number = "04a1b2c3d4e5f6a7b8c9"
    portal.db.transact(cards.register, amy.id, number)
    portal.db.transact(cards.verify, amy.id, number, vouchers.code(app, amy.phone))
    asked = shop.ask("50", card_no=number.upper())
    vouchers.work(app)
    assert f"/pay/{asked.code}" in messages(portal, amy.phone)[0]["body"]
    with pytest.raises(Refusal, match="payment_request_of_another"):
        portal.db.transact(payments.checkout_request, ben.id, asked.code)
    shop.pay(amy, request=asked)
    assert shop.balance() == 50 * ONE
    with pytest.raises(Refusal, match="card_unknown"):
        shop.ask("50", card_no="00000000000000000000")


def test_a_closed_store_asks_for_nothing(portal, shop):
    shop.store.standing = "closed"
    with pytest.raises(Refusal, match="store_closed"):
        shop.ask("10")


# --- giving back ---


def test_a_refund_in_parts_never_gives_back_more_than_was_paid(app, portal, shop, amy):
    order = shop.pay(amy, "100")
    first = give_back(shop, order, "30.5", reason="cold coffee")
    assert (first.order.refunded_units, first.refund.made_by) == (30_500_000, f"customer:{shop.cashier.id}")
    with pytest.raises(Refusal) as refused:
        give_back(shop, order, "69.500001")
    assert (refused.value.name, refused.value.facts["left_units"]) == ("refund_too_large", 69_500_000)
    give_back(shop, order, "69.5")
    with pytest.raises(Refusal, match="refund_too_large"):
        give_back(shop, order, "0.000001")
    assert (amy.balance("TWIP"), shop.balance()) == (1000 * ONE, 0)
    lines = portal.db.read(
        lambda session: session.execute(
            sa.select(Activity.direction, Activity.amount_units).where(
                Activity.customer_id == amy.id, Activity.kind == "refund"
            )
        ).all()
    )
    assert sorted(map(tuple, lines)) == [("in", 30_500_000), ("in", 69_500_000)]


@pytest.mark.parametrize("amount", ["0", "-1", "", "1e1", None, True])
def test_a_refund_of_no_amount_is_refused(shop, amy, amount):
    order = shop.pay(amy, "100")
    with pytest.raises(Refusal, match="amount_"):
        give_back(shop, order, amount)


def test_only_a_right_pin_signs_and_wrong_ones_lock_it(portal, shop, amy, travel):
    for _ in range(4):
        with pytest.raises(Refusal, match="pin_wrong"):
            shop.sign(pin="4863")
    assert shop.sign()
    for _ in range(5):
        with pytest.raises(Refusal, match="pin_wrong"):
            shop.sign(pin="９９９９")
    with pytest.raises(Refusal) as refused:
        shop.sign()
    assert (refused.value.name, refused.value.facts["retry_after_seconds"] > 1700) == ("pin_locked", True)
    assert shop.sign("owner"), "another member's PIN is not concerned"
    travel(30 * 60 + 1)
    assert shop.sign()


def test_wrong_pins_tried_all_at_once_are_all_counted(portal, shop):
    def attempt(number):
        try:
            shop.sign(pin=f"{7000 + number}")
        except Refusal as refusal:
            return refusal.name
        return "signed"

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(attempt, range(24)))
    assert said.count("pin_wrong") == 5
    assert said.count("pin_locked") == 19


def test_a_viewer_and_a_member_of_another_store_cannot_refund(app, portal, shop, amy):
    order = shop.pay(amy, "100")
    other = merchants.shop(app, name="隔壁小館")
    with pytest.raises(Refusal, match="pin_missing"):
        shop.sign("viewer")
    with pytest.raises(Refusal, match="forbidden"):
        portal.db.transact(refunds.refund, shop.store, order.public_id, "1", signed=other.sign("owner"))
    with pytest.raises(Refusal, match="not_found"):
        portal.db.transact(refunds.refund, other.store, order.public_id, "1", signed=other.sign("owner"))
    assert shop.balance() == 100 * ONE


def test_above_a_cashiers_limits_an_owner_signs_too(app, portal, shop):
    rich = people.customer(portal, twip="50000")
    order = shop.pay(rich, "8000")
    with pytest.raises(Refusal) as refused:
        give_back(shop, order, "3000.000001")
    assert (refused.value.name, refused.value.facts["limit_units"]) == ("refund_needs_owner", 3000 * ONE)
    give_back(shop, order, "3000")
    with pytest.raises(Refusal, match="refund_needs_owner"):
        give_back(shop, order, "0.5")
    with pytest.raises(Refusal, match="refund_needs_owner"):
        give_back(shop, order, "0.5", approved=shop.sign("cashier"))
    give_back(shop, order, "0.5", approved=shop.sign("owner"))
    give_back(shop, order, "4999.5", role="owner")
    for number in range(3):
        more = shop.pay(rich, "3000")
        if number < 2:
            give_back(shop, more, "3000")
    with pytest.raises(Refusal) as refused:
        give_back(shop, more, "1000.5")
    assert (refused.value.name, refused.value.facts["limit_units"]) == ("refund_needs_owner", 1000 * ONE)
    give_back(shop, more, "1000")


def test_takings_that_were_paid_out_cannot_be_given_back(app, portal, shop, amy):
    order = shop.pay(amy, "100")
    settle(shop)
    with pytest.raises(Refusal, match="takings_too_low"):
        give_back(shop, order, "1")


def test_many_refunds_at_once_give_back_once(postgres_app):
    portal = postgres_app.extensions["portal"]
    shop = merchants.shop(postgres_app)
    amy = people.customer(portal, twip="1000")
    order = shop.pay(amy, "100")
    signed = shop.sign("owner")

    def attempt(_):
        try:
            portal.db.transact(refunds.refund, shop.store, order.public_id, "60", signed=signed)
        except Refusal as refusal:
            return refusal.name
        return "given"

    with ThreadPoolExecutor(16) as pool:
        said = list(pool.map(attempt, range(32)))
    assert sorted(set(said)) == ["given", "refund_too_large"]
    assert said.count("given") == 1
    assert (amy.balance("TWIP"), shop.balance()) == (960 * ONE, 40 * ONE)


# --- paying out ---


def settle(shop, amount=None):
    portal, owner = shop.portal, shop.members["owner"]
    with shop.app.app_context():
        asked = portal.db.transact(settlements.request, shop.store, owner, amount)
        run_worker(portal)
        otp = code_for(portal, shop.owner.phone)
        portal.db.transact(settlements.confirm, shop.store, owner, asked.public_id, otp)
        run_worker(portal)
    return portal.db.read(settlements.find, shop.store.id, asked.public_id)


def test_takings_are_paid_in_whole_dollars_to_the_stores_account(app, portal, shop, amy):
    shop.pay(amy, "100.75")
    done = settle(shop)
    assert (done.status, done.amount_units, done.payout_asset) == ("confirmed", 100 * ONE, "TWD")
    assert (shop.balance(), shop.balance("frozen")) == (750_000, 0)
    with pytest.raises(Refusal, match="settlement_nothing"):
        portal.db.transact(settlements.request, shop.store, shop.members["owner"], None)


def test_only_an_owner_settles_and_only_with_the_own_code(app, portal, shop, amy):
    shop.pay(amy, "100")
    for role in ("cashier", "viewer"):
        with pytest.raises(Refusal, match="forbidden"):
            portal.db.transact(settlements.request, shop.store, shop.members[role], None)
    second = people.customer(portal)
    from portal.services import store_members

    other = portal.db.transact(store_members.add, shop.store, second.id, "owner", "system")
    asked = portal.db.transact(settlements.request, shop.store, shop.members["owner"], "50")
    otp = vouchers.code(app, shop.owner.phone)
    with pytest.raises(Refusal, match="forbidden"):
        portal.db.transact(settlements.confirm, shop.store, other, asked.public_id, otp)
    with pytest.raises(Refusal, match="code_wrong"):
        portal.db.transact(settlements.confirm, shop.store, shop.members["owner"], asked.public_id, vouchers.wrong(otp))
    portal.db.transact(settlements.confirm, shop.store, shop.members["owner"], asked.public_id, otp)
    assert (shop.balance(), shop.balance("frozen")) == (50 * ONE, 50 * ONE)


def test_a_settlement_of_another_store_is_as_if_it_were_not_there(app, portal, shop, amy):
    shop.pay(amy, "100")
    asked = portal.db.transact(settlements.request, shop.store, shop.members["owner"], "50")
    other = merchants.shop(app, name="隔壁小館")
    for public_id in (asked.public_id, "no-such-id"):
        with pytest.raises(Refusal, match="not_found"):
            portal.db.read(settlements.find, other.store.id, public_id)


def test_a_changed_bank_account_holds_the_takings_for_a_day(app, portal, shop, amy, travel):
    shop.pay(amy, "100")
    assert portal.db.read(settlements.position, shop.store.id).held_until is None, "the first account holds nothing"
    portal.db.transact(merchants.give_account, shop.store, "00999988887777")
    with pytest.raises(Refusal, match="settlement_held"):
        portal.db.transact(settlements.request, shop.store, shop.members["owner"], None)
    travel(24 * 3600 + 1)
    assert settle(shop).status == "confirmed"


def test_without_an_account_nothing_is_paid_out(app, portal, amy):
    shop = merchants.shop(app, bank=False)
    shop.pay(amy, "100")
    with pytest.raises(Refusal, match="store_bank_account_missing"):
        portal.db.transact(settlements.request, shop.store, shop.members["owner"], None)
    portal.db.transact(
        store_bank_accounts.propose, shop.store, "山嵐咖啡有限公司", "812", "0012", "001-234-567", "customer:1"
    )
    with pytest.raises(Refusal, match="store_bank_account_missing"):
        portal.db.transact(settlements.request, shop.store, shop.members["owner"], None)


# --- the day, the list, the webhooks ---


def test_a_day_tells_what_came_and_went_and_what_is_left(app, portal, shop, amy, ben, travel):
    travel(24 * 3600)
    first = shop.pay(amy, "100")
    shop.pay(ben, "50.5")
    give_back(shop, first, "20")
    yesterday = portal.db.read(takings.today, shop.store.id)
    assert (yesterday.payments, yesterday.paid_units, yesterday.refunds, yesterday.refunded_units) == (
        2, 150_500_000, 1, 20 * ONE,
    )  # fmt: skip
    assert (yesterday.opening_units, yesterday.closing_units, yesterday.net_units) == (0, 130_500_000, 130_500_000)
    travel(24 * 3600)
    settle(shop)
    today, before = portal.db.read(takings.days, shop.store.id)
    assert (today.opening_units, today.settled_units, today.closing_units) == (130_500_000, 130 * ONE, 500_000)
    assert before == yesterday
    assert today.other_units == before.other_units == 0
    travel(24 * 3600)
    quiet = portal.db.read(takings.today, shop.store.id)
    assert (quiet.payments, quiet.opening_units, quiet.closing_units) == (0, 500_000, 500_000)


def test_payments_are_found_by_day_refund_and_reference(app, portal, shop, amy, travel):
    old = shop.pay(amy, "10")
    old_day = date.fromisoformat(portal.db.read(takings.today, shop.store.id).day)
    travel(48 * 3600)
    tilled = shop.pay(amy, request=shop.ask("20", reference="T-100%"))
    refunded = shop.pay(amy, "30")
    give_back(shop, refunded, "5")

    def found(**filters):
        rows = portal.db.read(store_payments.page, shop.store.id, Filters(**filters))
        return [row.order.id for row in rows]

    assert found() == [refunded.id, tilled.id, old.id]
    assert found(first=old_day, last=old_day) == [old.id]
    assert found(state="with_refunds") == found(state="partly_refunded") == [refunded.id]
    assert (found(state="paid"), found(state="refunded")) == ([tilled.id, old.id], [])
    assert found(text="T-100%") == [tilled.id]
    assert found(text="T-1_0") == []
    assert found(text=old.public_id) == [old.id]
    page = portal.db.read(store_payments.page, shop.store.id, Filters(), count=2)
    rest = portal.db.read(store_payments.page, shop.store.id, Filters(), before=page[-1].order.public_id)
    assert [row.order.id for row in [*page, *rest]] == found()
    other = merchants.shop(app, name="隔壁小館")
    assert portal.db.read(store_payments.page, other.store.id, Filters()) == []
    with pytest.raises(Refusal, match="not_found"):
        portal.db.read(store_payments.find, other.store.id, old.public_id)


def test_a_payment_begun_but_not_paid_is_none_of_the_stores_business(app, portal, shop, amy):
    begun = portal.db.transact(payments.checkout, amy.id, shop.store.public_id, "10")
    with pytest.raises(Refusal, match="not_found"):
        portal.db.read(store_payments.find, shop.store.id, begun.order.public_id)


def test_webhooks_hear_of_payments_refunds_and_settlements_once(app, portal, shop, amy):
    portal.db.transact(
        webhooks.add_endpoint, "store", shop.store.id, "http://127.0.0.1:9/", ["*"], store_payments.EVENTS, "customer:1"
    )
    order = shop.pay(amy, request=shop.ask("100", reference="T-1"))
    give_back(shop, order, "25")
    settle(shop)
    told = portal.db.read(webhooks.log, "store", shop.store.id)
    assert [line.message.event for line in told] == ["settlement.paid", "payment.refunded", "payment.paid"]
    paid, back, out = (line.message.data for line in told[::-1])
    assert (paid["payment"], paid["amount"], paid["reference"]) == (order.public_id, "100", "T-1")
    assert (back["amount"], back["refunded"]) == ("25", "25")
    assert (out["amount"], out["account_tail"]) == ("75", "9012")


# --- keys of tills ---


def test_a_key_opens_its_own_store_with_its_own_scopes_until_it_is_revoked(app, portal, shop):
    made, token = portal.db.transact(store_keys.create, shop.store, "Till 1", ["read"], [], f"customer:{shop.owner.id}")
    till = portal.db.read(store_keys.authenticate, token, "127.0.0.1")
    assert (till.store.id, till.scopes) == (shop.store.id, {"read"})
    with pytest.raises(Refusal, match="store_key_scope"):
        till.check("charge")
    wrong = token[:-1] + ("A" if token[-1] != "A" else "B")
    for bad in ("", token[:-1], wrong, f"{made.key}.", token.upper(), "x" * 5000):
        with pytest.raises(Refusal, match="store_key_refused"):
            portal.db.read(store_keys.authenticate, bad, "127.0.0.1")
    portal.db.transact(store_keys.revoke, shop.store, made.key, "customer:1")
    with pytest.raises(Refusal, match="store_key_refused"):
        portal.db.read(store_keys.authenticate, token, "127.0.0.1")


def test_a_key_with_addresses_serves_from_those_only(portal, shop):
    _, token = portal.db.transact(
        store_keys.create, shop.store, "Till", ["read"], ["203.0.113.0/24", "2001:db8::1"], "customer:1"
    )
    assert portal.db.read(store_keys.authenticate, token, "203.0.113.9")
    assert portal.db.read(store_keys.authenticate, token, "::ffff:203.0.113.9")
    for address in ("203.0.114.9", "127.0.0.1", "-"):
        with pytest.raises(Refusal, match="store_key_address"):
            portal.db.read(store_keys.authenticate, token, address)
    with pytest.raises(Refusal, match="store_key_networks_invalid"):
        portal.db.transact(store_keys.create, shop.store, "Till", ["read"], ["office"], "customer:1")


def test_of_two_who_tap_at_once_one_pays(postgres_app):
    portal = postgres_app.extensions["portal"]
    shop = merchants.shop(postgres_app)
    payers = [people.customer(portal, twip="500") for _ in range(6)]
    asked = shop.ask("100")
    begun = []
    for person in payers:
        order = portal.db.transact(payments.checkout_request, person.id, asked.code).order
        begun.append((person, order, vouchers.code(postgres_app, person.phone)))

    def attempt(one):
        person, order, otp = one
        try:
            portal.db.transact(payments.verify, person.id, shop.store.public_id, order.public_id, otp)
        except Refusal as refusal:
            return refusal.name
        return "paid"

    with ThreadPoolExecutor(12) as pool:
        said = list(pool.map(attempt, begun * 4))
    assert said.count("paid") == 1
    assert set(said) <= {"paid", "payment_request_closed", "payment_closed"}
    assert shop.balance() == 100 * ONE
    paid = portal.db.read(
        lambda session: session.scalars(sa.select(ShoppingOrder).where(ShoppingOrder.status == "paid")).all()
    )
    assert len(paid) == 1
    assert portal.db.read(lambda session: session.get(PaymentRequest, asked.id).order_id) == paid[0].id
