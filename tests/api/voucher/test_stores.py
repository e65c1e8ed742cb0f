"""Stores and paying in them, as the contract shows it, and every refusal that can be reached."""

from decimal import Decimal

import pytest

from portal.money import parse_units
from tests.support import contract, people
from tests.support.vouchers import open_store, work, wrong


@pytest.fixture
def cafe(portal, companies):
    return open_store(portal, "山嵐咖啡", discount="5", kind="percent")


def differences(said, endpoint_id):
    return contract.differences(said, contract.example("voucher", endpoint_id))


def paid(client, code, person, store, amount):
    made = client.ok("POST", f"/stores/{store.public_id}/checkout", {"amount": amount})["data"]
    return client.ok("POST", f"/stores/{store.public_id}/{made['id']}/verify", {"otp": code(person)})["data"]


def taken_in(portal, store):
    from portal import ledger

    return portal.db.read(ledger.balance, ledger.store_available(store.id, "TWIP"))


def test_anybody_may_list_stores_and_look_for_a_name(voucher, portal, cafe):
    open_store(portal, "和平書房", discount="20")
    said = voucher().ok("GET", "/stores")
    assert differences(said["data"], "list_stores") == []
    assert [row["name"] for row in said["data"]] == ["山嵐咖啡", "和平書房"]
    assert said["meta"] == {
        "current_page": 1, "from": 1, "path": said["meta"]["path"], "per_page": 15, "to": 2,
    }  # fmt: skip
    assert said["links"]["first"] == said["meta"]["path"] + "?page=1"
    assert (said["links"]["last"], said["links"]["prev"], said["links"]["next"]) == (None, None, None)
    found = voucher().ok("GET", "/stores", query={"name": "書"})["data"]
    assert [(row["name"], row["discount_type"], row["discount_value"]) for row in found] == [
        ("和平書房", "fixed", "20.00")
    ]
    assert voucher().ok("GET", "/stores", query={"name": "%"})["data"] == []


def test_pages_hold_fifteen_stores(voucher, portal, companies):
    for number in range(17):
        open_store(portal, f"Store {number:02d}")
    first, second = (voucher().ok("GET", "/stores", query={"page": page}) for page in (1, 2))
    assert (len(first["data"]), len(second["data"])) == (15, 2)
    assert first["links"]["next"].endswith("/api/v1/stores?page=2") and second["links"]["next"] is None
    assert (second["meta"]["from"], second["meta"]["to"]) == (16, 17)
    empty = voucher().ok("GET", "/stores", query={"page": 3})
    assert (empty["data"], empty["meta"]["from"], empty["meta"]["to"]) == ([], None, None)
    for page in ("0", "-1", "x", "１", "1.5", ""):
        voucher().refused("parameter_invalid", "GET", "/stores", query={"page": page})


def test_one_store_is_shown_and_an_unknown_one_is_missing(voucher, cafe):
    said = voucher().ok("GET", f"/stores/{cafe.public_id}")["data"]
    assert differences(said, "get_store") == []
    assert said["discount_value"] == "5.00"
    error = voucher().refused("resource_missing", "GET", "/stores/94a3f4ae-bf67-47fc-af2c-2172e3232a72")
    assert error == {"message": "No such resource.", "code": "resource_missing", "type": "invalid_request_error"}


def test_a_bill_is_paid_less_the_discount(as_customer, code, portal, amy, cafe):
    client = as_customer(amy)
    made = client.ok("POST", f"/stores/{cafe.public_id}/checkout", {"amount": 100})["data"]
    assert differences(made, "checkout") == []
    assert (made["amount"], made["status"]) == (95, "created")
    assert amy.balance("TWIP") == parse_units("1000", "TWIP")
    done = client.ok("POST", f"/stores/{cafe.public_id}/{made['id']}/verify", {"otp": code(amy)})["data"]
    assert differences(done, "verify_checkout") == []
    assert (done["id"], done["amount"], done["status"]) == (made["id"], 95, "paid")
    assert amy.balance("TWIP") == parse_units("905", "TWIP")
    assert taken_in(portal, cafe) == parse_units("95", "TWIP")


def test_a_percentage_is_rounded_to_the_stores_side(as_customer, code, portal, amy):
    store = open_store(portal, discount="12.5", kind="percent")
    assert paid(as_customer(amy), code, amy, store, Decimal("9.999999"))["amount"] == Decimal("8.75")
    assert taken_in(portal, store) == 8_750_000


def test_a_fixed_discount_above_the_bill_takes_it_to_nothing(as_customer, code, portal, amy):
    store = open_store(portal, discount="50")
    assert paid(as_customer(amy), code, amy, store, 30)["amount"] == 0
    assert amy.balance("TWIP") == parse_units("1000", "TWIP")
    assert taken_in(portal, store) == 0


def test_a_bill_of_nothing_is_paid_without_a_posting(as_customer, code, portal, amy, cafe):
    assert paid(as_customer(amy), code, amy, cafe, 0)["status"] == "paid"
    assert taken_in(portal, cafe) == 0


@pytest.mark.parametrize(
    "amount",
    ["-1", "-0", "1e3", "NaN", "１００", "1_000", " 1", "", "0.0000001", True, None, [], {}, "999999999999999999"],
)
def test_what_is_no_amount_is_refused_and_nothing_is_written(as_customer, amy, cafe, amount):
    client = as_customer(amy)
    client.refused("parameter_invalid", "POST", f"/stores/{cafe.public_id}/checkout", {"amount": amount})
    assert client.last.status_code == 422
    assert client.ok("GET", "/payments")["data"] == []


def test_too_little_is_refused_at_once_and_again_at_the_end(as_customer, code, portal, amy, cafe):
    client = as_customer(amy)
    client.refused("store_insufficient_balance_of_user", "POST", f"/stores/{cafe.public_id}/checkout", {"amount": 1100})
    waiting = client.ok("POST", f"/stores/{cafe.public_id}/checkout", {"amount": 800})["data"]
    otp = code(amy)
    paid(client, code, amy, cafe, 500)
    path = f"/stores/{cafe.public_id}/{waiting['id']}/verify"
    client.refused("store_insufficient_balance_of_user", "POST", path, {"otp": otp})
    assert client.last.status_code == 400
    people.fund(portal, amy, twip="300")
    assert client.ok("POST", path, {"otp": otp})["data"]["status"] == "paid"


def test_a_wrong_code_pays_nothing_and_five_end_it(as_customer, code, amy, cafe):
    client = as_customer(amy)
    made = client.ok("POST", f"/stores/{cafe.public_id}/checkout", {"amount": 10})["data"]
    path, otp = f"/stores/{cafe.public_id}/{made['id']}/verify", code(amy)
    for _ in range(5):
        client.refused("store_invalid_otp", "POST", path, {"otp": wrong(otp)})
    client.refused("store_invalid_otp", "POST", path, {"otp": otp})
    assert amy.balance("TWIP") == parse_units("1000", "TWIP")


def test_a_code_of_one_payment_does_not_open_another(as_customer, code, amy, cafe):
    client = as_customer(amy)
    client.ok("POST", f"/stores/{cafe.public_id}/checkout", {"amount": 10})
    of_first = code(amy)
    second = client.ok("POST", f"/stores/{cafe.public_id}/checkout", {"amount": 900})["data"]
    client.refused("store_invalid_otp", "POST", f"/stores/{cafe.public_id}/{second['id']}/verify", {"otp": of_first})


def test_a_late_code_expires_the_payment(as_customer, code, travel, amy, cafe):
    client = as_customer(amy)
    made = client.ok("POST", f"/stores/{cafe.public_id}/checkout", {"amount": 10})["data"]
    path, otp = f"/stores/{cafe.public_id}/{made['id']}", code(amy)
    travel(301)
    client.refused("store_otp_expired", "POST", f"{path}/verify", {"otp": otp})
    assert client.ok("GET", f"/payments/{made['id']}")["data"]["status"] == "expired"
    client.refused("store_invalid_order_status", "POST", f"{path}/verify", {"otp": otp})
    client.refused("store_invalid_order_status", "POST", f"{path}/resend")


def test_payments_that_nobody_confirms_expire_by_themselves(app, as_customer, travel, amy, cafe):
    client = as_customer(amy)
    made = client.ok("POST", f"/stores/{cafe.public_id}/checkout", {"amount": 10})["data"]
    travel(301)
    work(app)
    assert client.ok("GET", f"/payments/{made['id']}")["data"]["status"] == "expired"


def test_a_code_is_sent_again_after_a_minute_and_the_older_one_is_dead(as_customer, code, travel, amy, cafe):
    client = as_customer(amy)
    made = client.ok("POST", f"/stores/{cafe.public_id}/checkout", {"amount": 10})["data"]
    path, older = f"/stores/{cafe.public_id}/{made['id']}", code(amy)
    client.refused("store_request_otp_too_often", "POST", f"{path}/resend")
    assert client.last.status_code == 429 and int(client.last.headers["Retry-After"]) > 0
    travel(61)
    assert client.ok("POST", f"{path}/resend") == {"success": True}
    newer = code(amy)
    if older != newer:
        client.refused("store_invalid_otp", "POST", f"{path}/verify", {"otp": older})
    assert client.ok("POST", f"{path}/verify", {"otp": newer})["data"]["status"] == "paid"


def test_after_many_payments_of_a_day_a_code_can_still_be_sent_again(as_customer, travel, amy, cafe):
    client = as_customer(amy)
    for _ in range(25):
        made = client.ok("POST", f"/stores/{cafe.public_id}/checkout", {"amount": 1})["data"]
    travel(61)
    assert client.ok("POST", f"/stores/{cafe.public_id}/{made['id']}/resend") == {"success": True}


def test_minus_nothing_is_no_amount(app, as_customer, amy, cafe):
    client = as_customer(amy)
    answer = app.test_client().post(
        f"/api/v1/stores/{cafe.public_id}/checkout",
        data=b'{"amount": -0}',
        content_type="application/json",
        headers={"Authorization": f"Bearer {amy.voucher_token()}"},
    )
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (422, "parameter_invalid")
    assert client.ok("GET", "/payments")["data"] == []


def test_a_paid_payment_is_not_paid_again(as_customer, code, amy, cafe):
    client = as_customer(amy)
    done = paid(client, code, amy, cafe, 100)
    client.refused(
        "store_invalid_order_status", "POST", f"/stores/{cafe.public_id}/{done['id']}/verify", {"otp": "000000"}
    )
    client.refused("store_invalid_order_status", "POST", f"/stores/{cafe.public_id}/{done['id']}/resend")
    assert amy.balance("TWIP") == parse_units("905", "TWIP")


def test_store_and_payment_must_belong_together(as_customer, code, portal, amy, ben, cafe):
    other = open_store(portal, "別家店")
    made = as_customer(amy).ok("POST", f"/stores/{cafe.public_id}/checkout", {"amount": 10})["data"]
    otp = code(amy)
    for client, store in ((as_customer(amy), other), (as_customer(ben), cafe)):
        client.refused("resource_missing", "POST", f"/stores/{store.public_id}/{made['id']}/verify", {"otp": otp})
        client.refused("resource_missing", "POST", f"/stores/{store.public_id}/{made['id']}/resend")
        assert client.last.status_code == 404
    as_customer(ben).refused("resource_missing", "GET", f"/payments/{made['id']}")
    as_customer(amy).refused("resource_missing", "POST", f"/stores/{amy.id}/checkout", {"amount": 1})


def test_payments_are_listed_newest_first(as_customer, code, amy, ben, cafe):
    client = as_customer(amy)
    first, second = (paid(client, code, amy, cafe, amount)["id"] for amount in (10, 20))
    said = client.ok("GET", "/payments")
    assert differences(said["data"], "list_payments") == []
    assert [row["id"] for row in said["data"]] == [second, first]
    one = client.ok("GET", f"/payments/{first}")["data"]
    assert differences(one, "get_payment") == []
    assert one["amount"] == Decimal("9.5")
    assert as_customer(ben).ok("GET", "/payments")["data"] == []


def test_a_repeated_key_gets_the_first_answer(as_customer, amy, cafe):
    client = as_customer(amy)
    path, key = f"/stores/{cafe.public_id}/checkout", {"Idempotency-Key": "tap-1"}
    first = client.ok("POST", path, {"amount": 10}, headers=key)
    again = client.ok("POST", path, {"amount": 10}, headers=key)
    assert again == first and client.last.headers["Idempotency-Replayed"] == "true"
    client.refused("idempotency_key_reused", "POST", path, {"amount": 11}, headers=key)
    assert client.last.status_code == 409
    assert len(client.ok("GET", "/payments")["data"]) == 1


def test_a_restricted_customer_pays_nowhere(as_customer, portal, companies, cafe):
    blocked = people.customer(portal, standing="suspended", twip="100")
    client = as_customer(blocked)
    client.refused("account_restricted", "POST", f"/stores/{cafe.public_id}/checkout", {"amount": 1})
