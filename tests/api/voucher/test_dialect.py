"""What all routes of the voucher family share: envelopes, bearer tokens, strict bodies, failures in its own shape."""

import json
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.api.voucher.errors import AREAS, COMMON, FAILED, HTTP_FAILURES, MESSAGES
from portal.api.voucher.family import family
from tests.support import contract
from tests.support.families import VoucherClient
from tests.support.vouchers import open_store

DOCUMENTED = contract.contract("voucher")["endpoints"]


def route(path):
    """A contract path as the app's rules write it."""
    return re.sub(r"\{(\w+)\}", r"<\1>", path.removeprefix("/api/v1"))


def test_every_documented_route_is_served(sqlite_app):
    served = {(found.method, found.path): found for found in family.operations}
    assert len(DOCUMENTED) == 46
    for endpoint in DOCUMENTED:
        assert served[endpoint["method"], route(endpoint["path"])].operation_id == endpoint["id"]


def test_the_routes_ask_for_a_token_where_the_document_does(sqlite_app):
    for endpoint in DOCUMENTED:
        found = next(one for one in family.operations if one.operation_id == endpoint["id"])
        assert found.auth == endpoint["auth"], endpoint["id"]


def test_documented_texts_are_the_documents():
    for error in contract.contract("voucher")["errors"]:
        wanted = {error["meaning"], error.get("message_in_example")}
        if error["code"] not in ("store_checkout_broadcast_txhash_failed", "password_invalid_user"):
            assert MESSAGES[error["code"]] in wanted, error["code"]


def test_every_code_has_a_text():
    said = {*COMMON.values(), *FAILED.values(), *HTTP_FAILURES.values()}
    said |= {code for area in AREAS.values() for code in area.values()}
    assert said <= set(MESSAGES)


def test_nothing_is_shown_without_a_token(voucher, companies):
    for endpoint in DOCUMENTED:
        if endpoint["auth"] == "bearer":
            path = re.sub(r"\{\w+\}", "x", endpoint["path"].removeprefix("/api/v1"))
            for token in ("", "nonsense", "94a3f91f-0751-48ef-b9fb-6265a02fbfa7|" + "T" * 40):
                error = voucher(token).refused("unauthenticated", endpoint["method"], path, {})
                assert error == {
                    "message": "Unauthenticated.",
                    "code": "unauthenticated",
                    "type": "invalid_request_error",
                }


def test_a_token_of_another_door_opens_nothing(app, amy):
    client = VoucherClient(app, amy.token)
    client.refused("unauthenticated", "GET", "/profile")
    for scheme in ("Token", "Basic", ""):
        header = {"Authorization": f"{scheme} {amy.voucher_token()}"}
        VoucherClient(app).refused("unauthenticated", "GET", "/profile", headers=header)


def test_unknown_paths_and_wrong_methods_fail_in_the_familys_shape(voucher):
    client = voucher()
    for path in ("/nowhere", "/stores/x/y/z", "", "/"):
        assert client.refused("resource_missing", "GET", path)["type"] == "invalid_request_error"
        assert client.last.status_code == 404
    client.refused("method_not_allowed", "PUT", "/profile")
    assert client.last.status_code == 405


def test_a_body_must_be_one_json_object_or_a_form(app, as_customer, amy):
    client = as_customer(amy)
    path = "/cards"
    for body in (
        "[]",
        "null",
        "1",
        "{",
        '{"card_no": "x", "card_no": "y"}',
        '{"card_no": NaN}',
        "\u0000",
        "x" * 70_000,
    ):
        client.refused("parameter_invalid", "POST", path, body)
    plain = client.call("POST", path, json.dumps({"card_no": "0" * 20}), content_type="text/plain")
    assert (plain.status_code, plain.json["error"]["code"]) == (403, "illegal_request")
    for bare in ("{}", ""):
        client.refused("parameter_invalid", "POST", path, bare)
    form = client.raw.post("/api/v1/cards", data={"card_no": "0" * 20}, headers=client.headers("POST", path, ""))
    assert form.json == {"success": True}


def test_a_form_body_counts_for_the_idempotency_key(as_customer, portal, amy):
    store = open_store(portal)
    client = as_customer(amy)
    headers = {**client.headers("POST", "", ""), "Idempotency-Key": "one"}

    def tap(amount):
        path = f"/api/v1/stores/{store.public_id}/checkout"
        return client.raw.post(path, data={"amount": amount}, headers=headers)

    first = tap("10")
    assert tap("10").json == first.json
    assert tap("11").json["error"]["code"] == "idempotency_key_reused"


def test_head_shows_nothing_and_changes_nothing(as_customer, amy):
    answer = as_customer(amy).call("HEAD", "/profile")
    assert (answer.status_code, answer.data) == (200, b"")


def test_private_answers_are_kept_by_nobody(as_customer, amy):
    client = as_customer(amy)
    client.ok("GET", "/profile")
    assert client.last.headers["Cache-Control"] == "no-store"
    assert client.last.mimetype == "application/json"


TEXT = st.text(st.characters(codec=None), max_size=20)
ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | TEXT
    | st.sampled_from(["\ud800", "\u0000", "٣", "1" * 5000]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_body_makes_it_fail(as_customer, amy, data):
    client = as_customer(amy)
    endpoint = data.draw(st.sampled_from([found for found in DOCUMENTED if found["method"] == "POST"]))
    names = [row["name"] for row in endpoint["params"] if row["in"] == "json"]
    body = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(names, ANY_JSON)))
    path = re.sub(r"\{\w+\}", "x", endpoint["path"].removeprefix("/api/v1"))
    if endpoint["id"] != "logout":
        answer = client.call("POST", path, json.dumps(body))
        assert answer.status_code < 500 and answer.is_json
