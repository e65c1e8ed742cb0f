"""The profile, the bank account that is paid out to, balances, and the lists beside them."""

from decimal import Decimal

import pytest

from tests.support import contract, people, vouchers
from tests.support.outside import messages
from tests.support.vouchers import PAYOUT, wrong


def account(person, **changes):
    return {
        "name": "林小明", "bank_code": "013", "branch_code": "0017", "card_no": "123456789012",
        "fund_password": person.password, **changes,
    }  # fmt: skip


@pytest.fixture
def mei(portal, companies):
    """A customer without a bank account."""
    return people.customer(portal, kyc_level=1, twip="100")


def set_account(client, person, code=None, **changes):
    path = "/profile/set_bank_account"
    body = account(person, **changes)
    return client.refused(code, "POST", path, body) if code else client.ok("POST", path, body)


def verify(client, otp, code=None):
    path = "/profile/verify_bank_account"
    return client.refused(code, "POST", path, {"otp": otp}) if code else client.ok("POST", path, {"otp": otp})


def test_assets_are_numbers(as_customer, portal, companies):
    person = people.customer(portal, twip="100", twig="0.5")
    said = as_customer(person).ok("GET", "/me/assets")["data"]
    assert contract.differences(said, contract.example("voucher", "my_assets")) == []
    assert said == [
        {"asset": "TWIP", "free": 100, "locked": 0},
        {"asset": "TWIG", "free": Decimal("0.5"), "locked": 0},
    ]


def test_a_bank_account_is_set_and_proven(app, as_customer, code, mei):
    client = as_customer(mei)
    before = client.ok("GET", "/profile")["data"]
    assert contract.differences(before, contract.example("voucher", "get_profile")) == []
    assert (before["status"], before["bank_info"]) == ("wallet_generated", None)
    verify(client, "123456", "user_invalid_status_or_verified")
    assert set_account(client, mei) == {"success": True}
    assert client.ok("GET", "/profile")["data"]["status"] == "bank_pending"
    otp = code(mei)
    verify(client, wrong(otp), "user_invalid_otp")
    assert verify(client, otp) == {"success": True}
    after = client.ok("GET", "/profile")["data"]
    assert after["bank_info"] == {"name": "林小明", "bank_code": "013", "card_no": "******89012"}
    assert after["status"] == "bank_verified"
    verify(client, otp, "user_bank_account_was_verified")
    set_account(client, mei, "user_bank_account_was_verified")


def test_the_fund_password_is_asked_for_and_ten_wrong_ones_lock_it(as_customer, mei):
    client = as_customer(mei)
    for _ in range(10):
        set_account(client, mei, "user_invalid_fund_password", fund_password="wrong")
    set_account(client, mei, "user_invalid_fund_password")


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""}, {"name": "x" * 61}, {"name": None}, {"bank_code": "999"}, {"bank_code": "13"}, {"branch_code": "17"},
        {"card_no": "12345"}, {"card_no": "１２３４５６７８"}, {"card_no": "12345678901234567"}, {"card_no": 123456789},
    ],
)  # fmt: skip
def test_a_bank_account_that_is_none_is_refused(as_customer, mei, change):
    client = as_customer(mei)
    set_account(client, mei, "parameter_invalid", **change)
    assert client.ok("GET", "/profile")["data"]["status"] == "wallet_generated"


def test_a_late_code_and_one_asked_for_too_soon(as_customer, code, travel, mei):
    client = as_customer(mei)
    set_account(client, mei)
    set_account(client, mei, "user_request_otp_too_often")
    otp = code(mei)
    travel(301)
    verify(client, otp, "user_otp_expired")
    set_account(client, mei)
    verify(client, code(mei))


def test_an_account_serves_one_customer(as_customer, code, portal, companies, mei):
    other = people.customer(portal, kyc_level=1)
    for person in (mei, other):
        set_account(as_customer(person), person)
    verify(as_customer(mei), code(mei))
    verify(as_customer(other), code(other), "user_bank_account_was_taken")
    portal.clock.advance(61)
    set_account(as_customer(other), other, "user_bank_account_was_taken")


def test_a_code_of_another_customer_proves_nothing(as_customer, code, portal, mei):
    other = people.customer(portal, kyc_level=1)
    set_account(as_customer(mei), mei)
    set_account(as_customer(other), other, card_no="999999999999")
    otp = code(mei)
    if otp != code(other):
        verify(as_customer(other), otp, "user_invalid_otp")


def test_the_code_names_the_account(app, as_customer, portal, mei):
    set_account(as_customer(mei), mei)
    vouchers.work(app)
    [sms] = messages(portal, mei.phone)
    assert sms["code"] in sms["body"] and "9012" in sms["body"] and "123456789012" not in sms["body"]


def test_payout_accounts_are_those_of_the_company(as_customer, amy):
    client = as_customer(amy)
    said = client.ok("GET", "/payout_accounts", query={"company": "huanyu"})["data"]
    assert contract.differences(said, contract.example("voucher", "list_payout_accounts")) == []
    assert [row["bank_account"] for row in said] == [PAYOUT["huanyu"]]
    for query in ({}, {"company": "elsewhere"}, {"company": ""}):
        client.refused("parameter_invalid", "GET", "/payout_accounts", query=query)


def test_banks_and_their_branches(as_customer, amy):
    client = as_customer(amy)
    said = client.ok("GET", "/banks")["data"]
    assert contract.differences(said, contract.example("voucher", "list_banks")) == []
    assert "006" in [row["code"] for row in said]
    branches = client.ok("GET", "/banks/006/branches")["data"]
    assert branches and contract.differences(branches, contract.example("voucher", "list_bank_branches")) == []
    for unknown in ("999", "6", "abc", "0060"):
        client.refused("resource_missing", "GET", f"/banks/{unknown}/branches")


def test_the_terms_in_force_are_public(voucher, companies):
    said = voucher().ok("GET", "/policy_versions")["data"]
    assert said == [{"terms_type": "all", "version": "1.23"}]
