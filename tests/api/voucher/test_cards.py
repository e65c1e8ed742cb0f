"""Cards: claimed, proven, listed, given up; one holder each, ten at most."""

import pytest

from tests.support import contract, people, vouchers
from tests.support.vouchers import wrong

NUMBER = "0feeafda805bc632f600"


def number(index):
    return f"{index:020d}"


def register(client, card_no=NUMBER, code=None):
    body = {"card_no": card_no}
    return client.refused(code, "POST", "/cards", body) if code else client.ok("POST", "/cards", body)


def verify(client, otp, card_no=NUMBER, code=None):
    body = {"card_no": card_no, "otp": otp}
    return client.refused(code, "POST", "/cards/verify", body) if code else client.ok("POST", "/cards/verify", body)


def test_a_card_is_claimed_proven_listed_and_given_up(as_customer, code, amy, ben):
    client = as_customer(amy)
    assert register(client) == {"success": True}
    assert client.ok("GET", "/cards")["data"] == []
    assert verify(client, code(amy)) == {"success": True}
    said = client.ok("GET", "/cards")
    assert contract.differences(said["data"], contract.example("voucher", "list_cards")) == []
    assert [row["card_no"] for row in said["data"]] == [NUMBER]
    card_id = said["data"][0]["id"]
    error = as_customer(ben).refused("resource_missing", "DELETE", f"/cards/{card_id}")
    assert error["message"] == "No such resource."
    assert client.ok("DELETE", f"/cards/{card_id}") == {"success": True}
    client.refused("resource_missing", "DELETE", f"/cards/{card_id}")
    assert client.ok("GET", "/cards")["data"] == []
    register(as_customer(ben))


def test_a_card_has_one_holder(as_customer, code, amy, ben):
    client = as_customer(amy)
    register(client)
    register(as_customer(ben), code="card_registered_by_someone")
    register(client, code="card_request_otp_too_often")
    assert client.last.status_code == 429
    verify(client, code(amy))
    error = register(client, NUMBER.upper(), code="card_registered_by_myself")
    assert error["message"] == "卡片已存在於列表清單中,不可重複註冊。"
    register(as_customer(ben), code="card_registered_by_someone")
    verify(as_customer(ben), "123456", code="card_invalid_status_or_verified")


@pytest.mark.parametrize(
    "card_no", ["", "0" * 19, "0" * 21, "0feeafda805bc632f60\u00e9", "0" * 19 + " ", None, 12345678901234567890]
)
def test_a_number_has_twenty_letters_or_digits(as_customer, amy, card_no):
    register(as_customer(amy), card_no, code="parameter_invalid")


def test_an_eleventh_card_is_refused(as_customer, code, amy):
    client = as_customer(amy)
    for index in range(10):
        register(client, number(index))
        if index % 2:
            verify(client, code(amy), number(index))
    register(client, number(10), code="card_reach_maximum_limited")
    assert len(client.ok("GET", "/cards")["data"]) == 5


def test_a_code_is_sent_again_and_the_older_one_is_dead(as_customer, code, travel, amy):
    client = as_customer(amy)
    client.refused("card_invalid_status_or_verified", "POST", "/cards/resend", {"card_no": NUMBER})
    register(client)
    older = code(amy)
    client.refused("card_request_otp_too_often", "POST", "/cards/resend", {"card_no": NUMBER})
    travel(61)
    assert client.ok("POST", "/cards/resend", {"card_no": NUMBER}) == {"success": True}
    newer = code(amy)
    if older != newer:
        verify(client, older, code="card_invalid_otp")
    verify(client, newer)
    verify(client, newer, code="card_invalid_status_or_verified")


def test_wrong_and_late_codes_prove_nothing(as_customer, code, travel, amy):
    client = as_customer(amy)
    register(client)
    otp = code(amy)
    verify(client, wrong(otp), code="card_invalid_otp")
    verify(client, otp, number(5), code="card_invalid_status_or_verified")
    travel(301)
    verify(client, otp, code="card_otp_expired")


def test_a_code_of_one_card_does_not_prove_another(as_customer, code, amy):
    client = as_customer(amy)
    register(client, number(1))
    of_first = code(amy)
    register(client, number(2))
    if of_first != code(amy):
        verify(client, of_first, number(2), code="card_invalid_otp")


def test_a_claim_that_nobody_proves_lapses(app, as_customer, code, travel, amy, ben):
    register(as_customer(amy))
    otp = code(amy)
    travel(901)
    verify(as_customer(amy), otp, code="card_invalid_status_or_verified")
    register(as_customer(ben))
    vouchers.work(app)
    verify(as_customer(ben), code(ben))
    register(as_customer(amy), code="card_registered_by_someone")


def test_the_holder_of_a_card_is_found_by_its_number(portal, as_customer, code, amy):
    from portal.services import cards

    register(as_customer(amy))
    assert portal.db.read(cards.holder_of, NUMBER) is None
    verify(as_customer(amy), code(amy))
    assert portal.db.read(cards.holder_of, NUMBER.upper()) == amy.id
    assert portal.db.read(cards.holder_of, "x" * 21) is None


def test_a_customer_without_a_phone_cannot_get_a_code(as_customer, portal, companies):
    person = people.customer(portal, kyc_level=0)
    register(as_customer(person), code="user_invalid_status_or_verified")
