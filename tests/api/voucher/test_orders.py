"""Buying vouchers and swapping them, as the contract shows it, and every refusal that can be reached."""

from decimal import Decimal

import pytest

from portal.money import parse_units
from tests.support import contract, people, vouchers
from tests.support.outside import messages
from tests.support.vouchers import PAYOUT, bank_brings, own_account, work, wrong


def buy(person, **changes):
    return {
        "fund_password": person.password, "quantity": 1000, "payment_type": "atm", "payout_account": PAYOUT["tungkai"],
        **changes,
    }  # fmt: skip


def differences(said, endpoint_id):
    return contract.differences(said, contract.example("voucher", endpoint_id))


@pytest.fixture
def ordered(as_customer, code):
    """`ordered(amy, quantity=50)` is an order she confirmed."""

    def order(person, **changes):
        client = as_customer(person)
        made = client.ok("POST", "/orders/buy", buy(person, **changes))["data"]
        client.ok("POST", f"/orders/{made['id']}/verify", {"otp": code(person)})
        return client.ok("GET", f"/orders/{made['id']}")["data"]

    return order


def test_an_order_is_made_confirmed_paid_and_handed_out(app, as_customer, code, portal, amy):
    client = as_customer(amy)
    made = client.ok("POST", "/orders/buy", buy(amy, quantity=10))["data"]
    assert differences(made, "create_buy_order") == []
    assert (made["quantity"], made["unit_price"], made["total_amount"], made["status"]) == (10, 1, 10, "created")
    assert client.ok("GET", f"/orders/{made['id']}")["data"]["status"] == "otp_pending"
    done = client.ok("POST", f"/orders/{made['id']}/verify", {"otp": code(amy)})["data"]
    assert differences(done, "verify_buy_order") == []
    assert done == {
        "id": made["id"], "quantity": "10.0000000000", "unit_price": "1.0000", "total_amount": "10",
        "payout_account": PAYOUT["tungkai"], "payment_type": "atm", "status": "unpaid",
    }  # fmt: skip
    unpaid = client.ok("GET", f"/orders/{made['id']}")["data"]
    bank, _, account = unpaid["payer_account"].partition("-")
    assert (len(bank), len(account)) == (3, 16) and "payout_bank" not in unpaid
    credit = bank_brings(portal, account, "10", payer_account=own_account(amy))
    assert (credit.outcome, credit.reason) == ("order", None)
    paid = client.ok("GET", f"/orders/{made['id']}")["data"]
    assert differences(paid, "get_buy_order") == []
    assert paid["status"] == "token"
    assert amy.balance("TWIP") == parse_units("1010", "TWIP")


def test_a_remittance_names_its_remitter_and_shows_the_bank(ordered, portal, amy):
    order = ordered(amy, payment_type="remittance", remittance_name=" 林 小明 ")
    assert order["payout_bank"] == {
        "bank_name": "彰化銀行", "branch_name": "復興分行", "account_name": "香港商全金集成有限公司台灣分公司",
    }  # fmt: skip
    for account in (PAYOUT["tungkai"], PAYOUT["tungkai"].partition("-")[2]):
        assert bank_brings(portal, account, "1000", payer_name="王大明").outcome == "suspense"
    assert bank_brings(portal, PAYOUT["tungkai"], "1000", payer_name="林小明").outcome == "order"
    assert amy.balance("TWIP") == parse_units("2000", "TWIP")


def test_a_remittance_may_come_to_the_virtual_account_too(ordered, portal, amy):
    order = ordered(amy, payment_type="remittance", remittance_name="林小明")
    assert bank_brings(portal, order["payer_account"], "1000", payer_name="林小明").outcome == "order"


@pytest.mark.parametrize(
    "quantity",
    [
        "9",
        9.99,
        0,
        -1,
        "-0",
        "NaN",
        "Infinity",
        "1e400",
        "1e-30",
        "１０",
        "1_000",
        " ",
        True,
        None,
        [],
        {},
        10000001,
        "10.5",
    ],
)
def test_what_cannot_be_ordered_is_refused_and_nothing_is_written(as_customer, amy, quantity):
    client = as_customer(amy)
    client.refused("parameter_invalid", "POST", "/orders/buy", buy(amy, quantity=quantity))
    assert client.last.status_code == 422
    assert client.ok("GET", "/orders")["data"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"payment_type": "cash"}, {"payment_type": None}, {"payout_account": "006-1759717135270"}, {"payout_account": 1},
        {"payment_type": "remittance"}, {"payment_type": "remittance", "remittance_name": "  "},
        {"payment_type": "remittance", "remittance_name": "x" * 101}, {"fund_password": None},
    ],
)  # fmt: skip
def test_an_order_needs_its_parameters(as_customer, amy, change):
    as_customer(amy).refused("parameter_invalid", "POST", "/orders/buy", buy(amy, **change))


def test_the_largest_order_is_ten_million(as_customer, amy):
    made = as_customer(amy).ok("POST", "/orders/buy", buy(amy, quantity=Decimal("10000000.000000")))["data"]
    assert made["total_amount"] == 10_000_000


def test_the_fund_password_is_the_login_password(as_customer, amy):
    client = as_customer(amy)
    client.refused("order_invalid_fund_password", "POST", "/orders/buy", buy(amy, fund_password="wrong"))
    assert client.last.status_code == 400


def test_without_a_verified_bank_account_nothing_is_sold(as_customer, portal, companies):
    person = people.customer(portal, bank_account=False)
    as_customer(person).refused("user_unauthorized_bank_account", "POST", "/orders/buy", buy(person))


def test_a_company_sells_no_more_than_it_has(as_customer, portal, amy, ben, companies):
    vouchers.open_companies(portal, sellable="1500")
    client = as_customer(amy)
    client.ok("POST", "/orders/buy", buy(amy, quantity=1000))
    client.refused("order_insufficient_voucher_of_system", "POST", "/orders/buy", buy(amy, quantity=501))
    client.ok("POST", "/orders/buy", buy(amy, quantity=501, payout_account=PAYOUT["huanyu"]))
    as_customer(ben).ok("POST", "/orders/buy", buy(ben, quantity=1500))


def test_wrong_and_foreign_codes_confirm_nothing(as_customer, code, amy, ben):
    client = as_customer(amy)
    first = client.ok("POST", "/orders/buy", buy(amy))["data"]
    of_first = code(amy)
    second = client.ok("POST", "/orders/buy", buy(amy, quantity=20))["data"]
    if of_first != code(amy):
        client.refused("order_invalid_otp", "POST", f"/orders/{second['id']}/verify", {"otp": of_first})
    client.refused("order_invalid_otp", "POST", f"/orders/{first['id']}/verify", {"otp": wrong(of_first)})
    as_customer(ben).refused("resource_missing", "POST", f"/orders/{first['id']}/verify", {"otp": of_first})
    as_customer(ben).refused("resource_missing", "GET", f"/orders/{first['id']}")
    client.ok("POST", f"/orders/{first['id']}/verify", {"otp": of_first})
    client.refused("order_invalid_otp", "POST", f"/orders/{first['id']}/verify", {"otp": of_first})


def test_a_late_code_expires_the_order(as_customer, code, travel, amy):
    client = as_customer(amy)
    made = client.ok("POST", "/orders/buy", buy(amy))["data"]
    otp = code(amy)
    travel(301)
    for _ in range(2):
        client.refused("order_otp_session_expired", "POST", f"/orders/{made['id']}/verify", {"otp": otp})
    assert client.ok("GET", f"/orders/{made['id']}")["data"]["status"] == "expired"


def test_an_unpaid_order_lives_three_days(app, ordered, as_customer, portal, travel, amy):
    order = ordered(amy)
    travel(3 * 86400 - 60)
    work(app)
    assert as_customer(amy).ok("GET", f"/orders/{order['id']}")["data"]["status"] == "unpaid"
    travel(120)
    work(app)
    assert as_customer(amy).ok("GET", f"/orders/{order['id']}")["data"]["status"] == "expired"
    credit = bank_brings(portal, order["payer_account"], "1000")
    assert (credit.outcome, credit.reason) == ("suspense", "order_expired")
    assert amy.balance("TWIP") == parse_units("1000", "TWIP")


def test_orders_are_listed_newest_first(ordered, as_customer, amy, ben):
    first, second = ordered(amy), ordered(amy, quantity=20)
    said = as_customer(amy).ok("GET", "/orders")
    assert [row["id"] for row in said["data"]] == [second["id"], first["id"]]
    assert said["meta"]["per_page"] == 15
    assert as_customer(ben).ok("GET", "/orders")["data"] == []


def test_the_code_names_what_is_ordered(app, as_customer, portal, amy):
    as_customer(amy).ok("POST", "/orders/buy", buy(amy))
    work(app)
    [sms] = messages(portal, amy.phone)
    assert sms["code"] in sms["body"] and "1000" in sms["body"]


def swap(person, **changes):
    return {"fund_password": person.password, "from_asset": "TWIP", "to_asset": "TWIG", "quantity": 40, **changes}


def test_a_swap_is_asked_for_and_confirmed(as_customer, code, amy, ben):
    client = as_customer(amy)
    made = client.ok("POST", "/orders/swap", swap(amy, quantity=Decimal("40.5")))["data"]
    assert set(made) == {"id", "from_asset", "to_asset", "quantity", "rate", "received", "status", "created_at"}
    assert (made["quantity"], made["rate"], made["received"], made["status"]) == (
        Decimal("40.5"),
        1,
        Decimal("40.5"),
        "created",
    )
    otp = code(amy)
    as_customer(ben).refused("resource_missing", "POST", f"/orders/{made['id']}/verify", {"otp": otp})
    client.refused("order_invalid_otp", "POST", f"/orders/{made['id']}/verify", {"otp": wrong(otp)})
    assert amy.balance("TWIG") == 0
    done = client.ok("POST", f"/orders/{made['id']}/verify", {"otp": otp})["data"]
    assert (done["quantity"], done["rate"], done["received"], done["status"]) == (
        "40.5000000000", "1.0000", "40.5000000000", "complete",
    )  # fmt: skip
    assert (amy.balance("TWIP"), amy.balance("TWIG")) == (parse_units("959.5", "TWIP"), parse_units("40.5", "TWIG"))
    client.refused("order_invalid_otp", "POST", f"/orders/{made['id']}/verify", {"otp": otp})
    assert client.ok("GET", f"/orders/{made['id']}")["data"]["status"] == "complete"


def test_too_little_cannot_be_swapped(as_customer, code, amy):
    client = as_customer(amy)
    client.refused("order_insufficient_voucher_of_user", "POST", "/orders/swap", swap(amy, quantity=1001))
    first = client.ok("POST", "/orders/swap", swap(amy, quantity=600))["data"]
    otp = code(amy)
    second = client.ok("POST", "/orders/swap", swap(amy, quantity=600))["data"]
    client.ok("POST", f"/orders/{second['id']}/verify", {"otp": code(amy)})
    client.refused("order_insufficient_voucher_of_user", "POST", f"/orders/{first['id']}/verify", {"otp": otp})
    assert amy.balance("TWIG") == parse_units("600", "TWIG")


@pytest.mark.parametrize(
    "change", [{"to_asset": "TWIP"}, {"from_asset": "USDT"}, {"to_asset": "twig"}, {"quantity": 0}, {"quantity": "x"}]
)
def test_what_cannot_be_swapped_is_refused(as_customer, amy, change):
    as_customer(amy).refused("parameter_invalid", "POST", "/orders/swap", swap(amy, **change))


def test_a_swap_asks_for_the_fund_password_and_its_code_in_time(app, as_customer, code, travel, amy):
    client = as_customer(amy)
    client.refused("order_invalid_fund_password", "POST", "/orders/swap", swap(amy, fund_password="wrong"))
    made = client.ok("POST", "/orders/swap", swap(amy))["data"]
    otp = code(amy)
    travel(301)
    client.refused("order_otp_session_expired", "POST", f"/orders/{made['id']}/verify", {"otp": otp})
    assert client.ok("GET", f"/orders/{made['id']}")["data"]["status"] == "expired"
