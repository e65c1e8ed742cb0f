"""The till API: keys with scopes, requests and payments, refunds by PIN, settlements by code; nothing of another store's."""

from decimal import Decimal

import pytest

from portal.services import store_keys, store_members
from tests.support import merchants, people, vouchers
from tests.support.families import JsonClient, read
from tests.support.merchants import PIN


class Till(JsonClient):
    """A till with a key."""

    prefix = "/api/v1/merchant"

    def __init__(self, app, token):
        super().__init__(app)
        self.token = token

    def headers(self, method, target, body):
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def ok(self, method, path, body=None, **more):
        said = read(self.call(method, path, body, **more))
        assert self.last.status_code == 200, said
        return said["data"]

    def refused(self, code, status, method, path, body=None, **more):
        said = read(self.call(method, path, body, **more))
        assert (said.get("error", {}).get("code"), self.last.status_code) == (code, status), said
        assert set(said["error"]) == {"message", "code", "type"}
        return said["error"]


@pytest.fixture
def shop(app):
    return merchants.shop(app, discount="10", kind="percent")


@pytest.fixture
def amy(portal):
    return people.customer(portal, "amy", twip="1000")


@pytest.fixture
def till_of(app, portal):
    """`till_of(shop, "read", …)` is a till with a key of these scopes (all, when none are named)."""

    def make(shop, *scopes, networks=()):
        wanted = list(scopes or store_keys.SCOPES)
        _, token = portal.db.transact(store_keys.create, shop.store, "Till 1", wanted, list(networks), "customer:1")
        return Till(app, token)

    return make


@pytest.fixture
def till(shop, till_of):
    return till_of(shop)


def signed(shop, role="cashier", pin=PIN):
    return {"Store-Member": shop.members[role].public_id, "Store-Pin": pin}


# --- the key ---


@pytest.mark.parametrize("token", ["", "nonsense", "mk_0123456789abcdef01234567.secret", "1|2"])
def test_without_a_good_key_nothing_opens(app, shop, token):
    stranger = Till(app, token)
    for method, path in (("GET", "/store"), ("GET", "/payments"), ("POST", "/payment_requests")):
        stranger.refused("merchant_key_refused", 401, method, path)


def test_a_customers_token_is_no_key_and_a_key_is_no_customers_token(app, shop, till, amy, voucher):
    Till(app, amy.voucher_token()).refused("merchant_key_refused", 401, "GET", "/store")
    voucher(till.token).refused("unauthenticated", "GET", "/profile")


def test_a_key_does_what_its_scopes_say(shop, till_of, amy):
    order = shop.pay(amy, "100")
    reader = till_of(shop, "read")
    reader.refused("merchant_key_scope", 403, "POST", "/payment_requests", {"amount": 1})
    reader.refused(
        "merchant_key_scope", 403, "POST", f"/payments/{order.public_id}/refunds", {"amount": 1}, headers=signed(shop)
    )
    reader.refused("merchant_key_scope", 403, "POST", "/settlements", {"member": "x"})
    charger = till_of(shop, "charge")
    charger.refused("merchant_key_scope", 403, "GET", "/payments")
    assert charger.ok("POST", "/payment_requests", {"amount": 1})["status"] == "open"


def test_a_key_with_addresses_is_refused_from_elsewhere(shop, till_of):
    till_of(shop, "read", networks=["203.0.113.0/24"]).refused("merchant_key_address", 403, "GET", "/store")
    till_of(shop, "read", networks=["127.0.0.0/8"]).ok("GET", "/store")


def test_an_unknown_path_answers_in_the_familys_shape(till):
    till.refused("resource_missing", 404, "GET", "/nothing")
    till.refused("method_not_allowed", 405, "PUT", "/store")


# --- asking ---


def test_a_till_asks_and_sees_the_payment(app, portal, shop, till, amy):
    asked = till.ok(
        "POST",
        "/payment_requests",
        {"amount": Decimal("120.5"), "note": "2 latte", "reference": "T-1", "expires_in": 300},
    )
    assert (asked["status"], asked["amount"], asked["payable"]) == ("open", "120.5", "108.45")
    assert asked["pay_url"].endswith(f"/pay/{asked['code']}")
    path = f"/payment_requests/{asked['id']}"
    assert till.ok("GET", path) == asked
    request = portal.db.read(lambda session: session.scalars(_request(asked["id"])).one())
    order = shop.pay(amy, request=request)
    paid = till.ok("GET", path)
    assert (paid["status"], paid["payment"], paid["payable"]) == ("paid", order.public_id, "108.45")
    found = till.ok("GET", f"/payments/{order.public_id}")
    assert (found["bill"], found["discount"], found["amount"], found["reference"]) == (
        "120.5",
        "12.05",
        "108.45",
        "T-1",
    )
    assert found["payer"] == f"***{amy.phone[-3:]}"
    assert amy.email not in till.last.text and amy.phone not in till.last.text
    till.refused("merchant_request_not_open", 400, "POST", f"{path}/cancel")


def _request(public_id):
    import sqlalchemy as sa

    from portal.models.stores import PaymentRequest

    return sa.select(PaymentRequest).where(PaymentRequest.public_id == public_id)


def test_a_repeated_request_with_one_key_is_one_request(shop, till):
    again = {"headers": {"Idempotency-Key": "till-1-17"}}
    first = till.ok("POST", "/payment_requests", {"amount": 5}, **again)
    assert till.ok("POST", "/payment_requests", {"amount": 5}, **again) == first
    assert till.last.headers["Idempotency-Replayed"] == "true"
    till.refused("idempotency_key_reused", 409, "POST", "/payment_requests", {"amount": 6}, **again)
    assert len(till.ok("GET", "/payment_requests")) == 1


@pytest.mark.parametrize(
    "body",
    [{}, {"amount": 0}, {"amount": -1}, {"amount": "1e2"}, {"amount": None}, {"amount": True}, {"amount": []},
     {"amount": "１"}, {"amount": "0.0000001"}, {"amount": 1, "expires_in": 59}, {"amount": 1, "expires_in": "60"},
     {"amount": 1, "note": "x" * 101}, {"amount": 1, "note": "a\u202eb"}, {"amount": 1, "reference": 7}],
)  # fmt: skip
def test_a_request_that_is_none_is_refused_and_nothing_is_written(till, body):
    till.refused("parameter_invalid", 422, "POST", "/payment_requests", body)
    assert till.ok("GET", "/payment_requests") == []


@pytest.mark.parametrize("text", ['{"amount": NaN}', '{"amount": 1e400}', '{"amount":1,"amount":2}', "[]", "{"])
def test_a_body_that_is_no_plain_json_is_refused(till, text):
    till.refused("parameter_invalid", 422, "POST", "/payment_requests", text)


def test_text_that_only_looks_like_json_is_refused(till):
    answer = till.call("POST", "/payment_requests", '{"amount": 1}', content_type="text/plain")
    assert (answer.status_code, read(answer)["error"]["code"]) == (403, "illegal_request")


def test_a_request_is_taken_back_and_runs_out(till, travel):
    one, two = (till.ok("POST", "/payment_requests", {"amount": 5, "expires_in": 60}) for _ in range(2))
    assert till.ok("POST", f"/payment_requests/{one['id']}/cancel")["status"] == "cancelled"
    travel(61)
    assert till.ok("GET", f"/payment_requests/{two['id']}")["status"] == "expired"
    till.refused("merchant_request_not_open", 400, "POST", f"/payment_requests/{two['id']}/cancel")
    assert [row["id"] for row in till.ok("GET", "/payment_requests", query={"status": "expired"})] == [two["id"]]
    assert till.ok("GET", "/payment_requests", query={"status": "open"}) == []


def test_an_unknown_card_is_told(till):
    till.refused("merchant_card_unknown", 400, "POST", "/payment_requests", {"amount": 5, "card_no": "0" * 20})


# --- lists ---


def test_lists_are_read_page_by_page(till):
    ids = [till.ok("POST", "/payment_requests", {"amount": n})["id"] for n in range(1, 6)]
    seen, path = [], "/payment_requests?count=2"
    while path:
        said = read(till.call("GET", path))
        seen += [row["id"] for row in said["data"]]
        following = said["links"]["next"]
        path = following.split("/merchant", 1)[1] if following else None
    assert seen == ids[::-1]


@pytest.mark.parametrize(
    "query", [{"count": "0"}, {"count": "101"}, {"count": "x"}, {"count": "９"}, {"status": "odd"}]
)
def test_a_list_that_is_asked_for_oddly_is_refused(till, query):
    till.refused("parameter_invalid", 422, "GET", "/payment_requests", query=query)


@pytest.mark.parametrize(
    "query", [{"first": "2026-02-30"}, {"last": "yesterday"}, {"status": "paid?"}, {"first": "0001-01-01"}]
)
def test_payments_of_no_day_are_refused(till, query):
    till.refused("parameter_invalid", 422, "GET", "/payments", query=query)


def test_a_list_below_an_unknown_row_is_refused(till):
    for path in ("/payment_requests", "/payments", "/refunds", "/settlements"):
        till.refused("resource_missing", 404, "GET", path, query={"before": "no-such-id"})


# --- refunds ---


def test_a_refund_is_signed_by_a_member_and_told(shop, till, amy):
    order = shop.pay(amy, "100")
    path = f"/payments/{order.public_id}/refunds"
    made = till.ok("POST", path, {"amount": "20.5", "reason": "cold"}, headers=signed(shop))
    assert (made["payment"], made["amount"], made["status"]) == (order.public_id, "20.5", "done")
    assert till.ok("GET", f"/refunds/{made['id']}") == made
    found = till.ok("GET", f"/payments/{order.public_id}")
    assert (found["status"], found["refunded"], found["refunds"]) == ("partly_refunded", "20.5", [made])
    assert till.ok("GET", "/refunds") == [made]

    def listed(status):
        return [row["id"] for row in till.ok("GET", "/payments", query={"status": status})]

    assert (listed("partly_refunded"), listed("paid"), listed("refunded")) == ([order.public_id], [], [])
    till.ok("POST", path, {"amount": "69.5"}, headers=signed(shop))
    assert (listed("partly_refunded"), listed("paid"), listed("refunded")) == ([], [], [order.public_id])
    till.refused("parameter_invalid", 422, "GET", "/payments", query={"status": "open"})
    assert amy.balance("TWIP") == 1_000_000_000


def test_half_a_signature_is_no_try_at_a_pin(shop, till, amy):
    order = shop.pay(amy, "100")
    path, whole = f"/payments/{order.public_id}/refunds", signed(shop)
    for _ in range(store_members.PIN_TRIES + 1):
        for name in whole:
            till.refused("merchant_pin_missing", 400, "POST", path, {"amount": "1"}, headers={name: whole[name]})
        approver = {**whole, "Store-Approver": shop.members["owner"].public_id}
        till.refused("merchant_pin_missing", 400, "POST", path, {"amount": "1"}, headers=approver)
    till.ok("POST", path, {"amount": "1"}, headers=whole)


def test_a_refused_key_is_told_how_to_sign_in(till_of, shop, app):
    Till(app, "mk_nobody").refused("merchant_key_refused", 401, "GET", "/store")
    stranger = Till(app, "")
    stranger.refused("merchant_key_refused", 401, "GET", "/store")
    assert stranger.last.headers["WWW-Authenticate"] == "Bearer"


def test_the_reference_tells_a_till_all_it_sends_and_hears(app):
    paths = app.test_client().get("/docs/voucher.json").json["paths"]
    refund = paths["/merchant/payments/{payment_id}/refunds"]["post"]
    headers = {row["name"]: row["required"] for row in refund["parameters"] if row["in"] == "header"}
    assert headers == {
        "Store-Member": True, "Store-Pin": True, "Store-Approver": False, "Store-Approver-Pin": False,
        "Idempotency-Key": False,
    }  # fmt: skip
    listing = paths["/merchant/payments"]["get"]
    [status] = [row["schema"] for row in listing["parameters"] if row["name"] == "status"]
    assert ["paid", "partly_refunded", "refunded"] in [one.get("enum") for one in status["anyOf"]]
    for path, operations in paths.items():
        for method, operation in operations.items():
            if path.startswith("/merchant/"):
                assert {"401", "403"} <= set(operation["responses"]), path
                assert ("409" in operation["responses"]) == (method == "post"), path


def test_a_refund_sent_twice_under_one_key_gives_back_once(shop, till, amy):
    order = shop.pay(amy, "100")
    path = f"/payments/{order.public_id}/refunds"
    headers = {**signed(shop), "Idempotency-Key": "refund-9"}
    first = till.ok("POST", path, {"amount": 10}, headers=headers)
    assert till.ok("POST", path, {"amount": 10}, headers=headers) == first
    assert amy.balance("TWIP") == 1_000_000_000 - 90_000_000 + 10_000_000


def test_a_refund_needs_the_right_member_and_pin(app, shop, till, amy):
    order = shop.pay(amy, "100")
    path, body = f"/payments/{order.public_id}/refunds", {"amount": 1}
    till.refused("merchant_pin_missing", 400, "POST", path, body)
    till.refused("merchant_pin_missing", 400, "POST", path, body, headers=signed(shop, "viewer"))
    till.refused("merchant_pin_wrong", 400, "POST", path, body, headers=signed(shop, pin="1111"))
    till.refused("merchant_pin_wrong", 400, "POST", path, body, headers={"Store-Member": "x", "Store-Pin": PIN})
    stranger = merchants.shop(app, name="隔壁小館")
    till.refused("merchant_pin_wrong", 400, "POST", path, body, headers=signed(stranger, "owner"))
    for _ in range(4):
        till.refused("merchant_pin_wrong", 400, "POST", path, body, headers=signed(shop, pin="1111"))
    till.refused("merchant_pin_locked", 429, "POST", path, body, headers=signed(shop))
    assert int(till.last.headers["Retry-After"]) > 0


def test_a_refund_beyond_the_payment_the_limit_or_the_takings_is_refused(app, portal, shop, till):
    rich = people.customer(portal, twip="20000")
    order = shop.pay(rich, "5000")
    path = f"/payments/{order.public_id}/refunds"
    till.refused("merchant_refund_too_large", 400, "POST", path, {"amount": "4500.01"}, headers=signed(shop))
    till.refused("merchant_refund_needs_owner", 400, "POST", path, {"amount": "3000.01"}, headers=signed(shop))
    both = {**signed(shop), "Store-Approver": shop.members["owner"].public_id, "Store-Approver-Pin": PIN}
    assert till.ok("POST", path, {"amount": "3000.01"}, headers=both)["amount"] == "3000.01"
    settle(app, shop, till)
    till.refused("merchant_takings_too_low", 400, "POST", path, {"amount": "1000"}, headers=signed(shop, "owner"))
    till.refused("parameter_invalid", 422, "POST", path, {"amount": 0}, headers=signed(shop))
    till.refused("resource_missing", 404, "POST", "/payments/unknown/refunds", {"amount": 1}, headers=signed(shop))


# --- settlements ---


def settle(app, shop, till, **more):
    made = till.ok("POST", "/settlements", {"member": shop.members["owner"].public_id, **more})
    otp = vouchers.code(app, shop.owner.phone)
    till.ok("POST", f"/settlements/{made['id']}/verify", {"otp": otp})
    vouchers.work(app)
    return till.ok("GET", f"/settlements/{made['id']}")


def test_takings_are_settled_by_an_owners_code(app, shop, till, amy):
    shop.pay(amy, "100.25")
    assert till.ok("GET", "/store")["balance"] == {"available": "90.225", "frozen": "0", "payable": "90"}
    done = settle(app, shop, till)
    assert (done["status"], done["amount"]) == ("paid", "90")
    assert till.ok("GET", "/settlements") == [done]
    day = till.ok("GET", "/store")["today"]
    assert (day["paid"], day["settled"], day["closing"], day["other"]) == ("90.225", "90", "0.225", "0")
    assert till.ok("GET", f"/statements/{day['day']}") == day
    till.refused("parameter_invalid", 422, "GET", "/statements/today")
    till.refused(
        "merchant_settlement_nothing", 400, "POST", "/settlements", {"member": shop.members["owner"].public_id}
    )


def test_a_settlement_needs_an_owner_a_code_and_an_account(app, portal, shop, till, till_of, amy):
    shop.pay(amy, "100")
    for role in ("cashier", "viewer"):
        till.refused("merchant_member_refused", 403, "POST", "/settlements", {"member": shop.members[role].public_id})
    till.refused("merchant_member_refused", 403, "POST", "/settlements", {"member": "nobody"})
    owner = shop.members["owner"].public_id
    till.refused("merchant_takings_too_low", 400, "POST", "/settlements", {"member": owner, "amount": 91})
    till.refused("parameter_invalid", 422, "POST", "/settlements", {"member": owner, "amount": "10.5"})
    made = till.ok("POST", "/settlements", {"member": owner, "amount": 10})
    assert made["status"] == "awaiting_code"
    path = f"/settlements/{made['id']}"
    otp = vouchers.code(app, shop.owner.phone)
    till.refused("merchant_invalid_otp", 400, "POST", f"{path}/verify", {"otp": vouchers.wrong(otp)})
    till.refused("merchant_otp_too_often", 429, "POST", f"{path}/resend")
    till.ok("POST", f"{path}/verify", {"otp": otp})
    till.refused("merchant_settlement_closed", 400, "POST", f"{path}/verify", {"otp": otp})
    till.refused("resource_missing", 404, "POST", "/settlements/unknown/verify", {"otp": otp})
    poor = merchants.shop(app, name="新開小店", bank=False)
    till_of(poor).refused(
        "merchant_bank_account_missing", 400, "POST", "/settlements", {"member": poor.members["owner"].public_id}
    )
    portal.db.transact(merchants.give_account, shop.store, "00999988887777")
    till.refused("merchant_settlement_held", 400, "POST", "/settlements", {"member": owner})


def test_a_code_comes_again_after_a_minute_and_is_dead_after_five(app, shop, till, amy, travel):
    shop.pay(amy, "100")
    made = till.ok("POST", "/settlements", {"member": shop.members["owner"].public_id, "amount": 10})
    old = vouchers.code(app, shop.owner.phone)
    travel(61)
    till.ok("POST", f"/settlements/{made['id']}/resend")
    till.refused("merchant_invalid_otp", 400, "POST", f"/settlements/{made['id']}/verify", {"otp": vouchers.wrong(old)})
    fresh = vouchers.code(app, shop.owner.phone)
    travel(301)
    till.refused("merchant_otp_expired", 400, "POST", f"/settlements/{made['id']}/verify", {"otp": fresh})


# --- other stores ---


def test_nothing_of_one_store_is_seen_or_touched_by_another_stores_till(app, shop, till, till_of, amy):
    order = shop.pay(amy, "100")
    asked = till.ok("POST", "/payment_requests", {"amount": 5})
    made = till.ok("POST", f"/payments/{order.public_id}/refunds", {"amount": 1}, headers=signed(shop))
    settled = till.ok("POST", "/settlements", {"member": shop.members["owner"].public_id, "amount": 10})
    other_shop = merchants.shop(app, name="隔壁小館")
    other = till_of(other_shop)
    paths = [
        ("GET", f"/payment_requests/{asked['id']}", None), ("POST", f"/payment_requests/{asked['id']}/cancel", None),
        ("GET", f"/payments/{order.public_id}", None), ("GET", f"/refunds/{made['id']}", None),
        ("POST", f"/payments/{order.public_id}/refunds", {"amount": 1}), ("GET", f"/settlements/{settled['id']}", None),
        ("POST", f"/settlements/{settled['id']}/verify", {"otp": "000000"}),
        ("POST", f"/settlements/{settled['id']}/resend", None),
    ]  # fmt: skip
    for method, path, body in paths:
        foreign = other.refused("resource_missing", 404, method, path, body, headers=signed(other_shop, "owner"))
        unknown = path.replace(path.split("/")[2], "01234567-89ab-7def-8123-456789abcdef")
        assert foreign == other.refused(
            "resource_missing", 404, method, unknown, body, headers=signed(other_shop, "owner")
        )
    for path in ("/payment_requests", "/payments", "/refunds", "/settlements"):
        assert other.ok("GET", path) == []
        assert till.ok("GET", path)
    assert other.ok("GET", "/store")["today"]["paid"] == "0"
