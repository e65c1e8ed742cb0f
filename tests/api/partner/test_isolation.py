"""Nothing of one institution is visible to, or touched by, another on any route; and keys repeat for their owner alone."""

import json

import pytest

from portal.api.partner.family import family
from tests.support.partners import kyc_body, load_body, partner, picture


@pytest.fixture
def two(app):
    """One institution with a loaded card, and a stranger with everything but people."""
    p, q = partner(app), partner(app)
    card_no = p.card("owner-u1")
    said = p.load(card_no, "100", "owner-1", "owner-u1")
    p.work()
    month = f"{p.portal.clock.now():%m%Y}"
    return p, q, card_no, said["tx_id"], month


def calls(card_no: str, tx_id: str, month: str):
    """Every route of the family with what belongs to the first institution: (operation, method, path, body, query)."""
    yield "submit_kyc", "POST", "/customers/accounts", kyc_body(acct_no="stranger"), None
    yield "list_kyc", "GET", "/customers/accounts", None, None
    yield "list_kyc", "GET", "/customers/accounts", None, {"acct_no": "owner-u1", "page_size": "100"}
    yield "open_card", "POST", "/debit-cards", {"acct_no": "owner-u1", "card_type_id": "50000002"}, None
    yield "submit_card_attachment", "POST", "/debit-cards/attachment", {"card_no": card_no, "poa_doc": picture()}, None
    yield "activate_card", "PUT", "/debit-cards/status", {"card_no": card_no, "acct_no": "owner-u1"}, None
    yield "send_pin_email", "POST", "/debit-cards/deposit-pwd-emails", {"card_no": card_no, "acct_no": "owner-u1"}, None
    yield "list_cards", "GET", "/debit-cards", None, {"acct_no": "owner-u1"}
    yield "load_card", "POST", "/deposit-transactions", load_body(card_no, "1", "owner-1", "owner-u1"), None
    yield "load_status", "GET", f"/deposit-transactions/{tx_id}/status", None, None
    yield "list_loads", "GET", "/deposit-transactions", None, {"acct_no": "owner-u1"}
    yield "send_email_code", "POST", "/emails/x@example.net/verification-codes", None, None
    yield "check_email_code", "PUT", "/emails/x@example.net/verification-codes", None, {"code": "1", "mail_token": "t"}
    yield "send_mobile_code", "POST", "/mobiles/886912/verification-codes", None, None
    yield "check_mobile_code", "PUT", "/mobiles/886912/verification-codes", None, {"code": "1", "mobile_token": "t"}
    yield "card_types", "GET", "/card/type", None, None
    yield "rates", "GET", "/rates", None, {"card_type_id": "50000001"}
    crypto = {"currency_amount": "1", "card_type_id": "50000001", "coin_type": "usdt"}
    yield "calculate_crypto", "POST", "/calculation/crypto", crypto, None
    currency = {"coin_amount": "1", "card_type_id": "50000001", "coin_type": "usdt"}
    yield "calculate_currency", "POST", "/calculation/currency", currency, None
    yield "institution_balance", "GET", "/customers/balance", None, None
    yield "card_activated", "POST", "/bank/account-status", {"card_no": card_no}, None
    yield "card_balance", "POST", "/bank/balance", {"card_no": card_no}, None
    span = {"card_no": card_no, "former_month_year": month, "latter_month_year": month}
    yield "card_statement", "POST", "/bank/transaction-record", span, None


def test_a_stranger_sees_and_moves_nothing(two) -> None:
    p, q, card_no, tx_id, month = two
    before = (p.float_units(), q.float_units(), p.ok("POST", "/bank/balance", {"card_no": card_no}))
    asked = set()
    for operation, method, path, body, query in calls(card_no, tx_id, month):
        said = q.client.call(method, path, body, query=query)
        asked.add(operation)
        shown = json.dumps({key: value for key, value in said.json.items() if key == "result"})
        for secret in (card_no, tx_id, "owner-1", "owner-u1", "94.13", "95.13"):
            assert secret not in shown, (operation, shown)
    assert asked == {operation.operation_id for operation in family.operations}
    after = (p.float_units(), q.float_units(), p.ok("POST", "/bank/balance", {"card_no": card_no}))
    assert after == before
    assert p.ok("GET", "/debit-cards")["records"][0]["status"] == 1


def test_a_foreign_card_looks_exactly_like_a_missing_one(two) -> None:
    _, q, card_no, _, month = two
    span = {"former_month_year": month, "latter_month_year": month}
    for method, path, body in (
        ("POST", "/debit-cards/attachment", {"poa_doc": picture()}),
        ("PUT", "/debit-cards/status", {"acct_no": "owner-u1"}),
        ("POST", "/deposit-transactions", {**load_body("", "1", "", "owner-u1")}),
        ("POST", "/bank/account-status", {}),
        ("POST", "/bank/balance", {}),
        ("POST", "/bank/transaction-record", span),
    ):
        foreign = q.client.call(method, path, {**body, "card_no": card_no}).json
        missing = q.client.call(method, path, {**body, "card_no": "100199999500000011234"}).json
        assert foreign == missing
        assert foreign["code"] == 111012


def test_an_idempotency_key_repeats_on_every_post(two) -> None:
    p, q, card_no, tx_id, month = two
    for operation, method, path, body, _ in calls(card_no, tx_id, month):
        if method != "POST":
            continue
        if operation == "submit_kyc":
            body = kyc_body(acct_no="again")
        if operation == "load_card":
            body = load_body(card_no, "1", "again", "owner-u1")
        key = {"Idempotency-Key": f"{operation}-1"}
        first = p.client.call(method, path, body, headers=key)
        if first.json["code"]:
            continue
        second = p.client.call(method, path, body, headers=key)
        assert second.json == first.json, operation
        assert second.headers["Idempotency-Replayed"] == "true", operation
        stranger = q.client.call(method, path, body, headers=key)
        assert "Idempotency-Replayed" not in stranger.headers
    assert p.ok("GET", "/deposit-transactions")["total"] == 2


def test_levers_reach_the_right_persons_check(app) -> None:
    p, q = partner(app), partner(app)
    for each in (p, q):
        each.ok("POST", "/customers/accounts", kyc_body(acct_no="shared"))
    levers = app.test_client()
    body = {"acct_no": "shared", "card_type_id": "50000001", "decision": "approve", "api_key": p.api_key}
    answer = levers.post("/sandbox/partner/kyc/decisions", json=body)
    assert (answer.status_code, answer.json["status"]) == (200, "passed")
    assert q.ok("GET", "/customers/accounts", query={"acct_no": "shared"})["records"][0]["status"] == 3
    body = {
        "acct_no": "shared",
        "card_type_id": "50000001",
        "decision": "reject",
        "reason": "No.",
        "api_key": q.api_key,
    }
    assert levers.post("/sandbox/partner/kyc/decisions", json=body).json["status"] == "not_passed"
    assert levers.post("/sandbox/partner/kyc/decisions", json={**body, "acct_no": "nobody"}).status_code == 404
    assert levers.post("/sandbox/partner/kyc/decisions", json=body).status_code == 400


def test_levers_play_the_network(app) -> None:
    p = partner(app)
    card_no = p.card()
    p.load(card_no, "100")
    levers = app.test_client()
    levers.post("/sandbox/worker/run")
    use = {"card_no": card_no, "type": "purchase", "amount": "10.00", "description": "COFFEE"}
    said = levers.post("/sandbox/card-network/transactions", json=use)
    assert said.status_code == 200 and said.json["approved"] and said.json["current_balance"] == "83.13"
    for wrong in ({"amount": "0"}, {"amount": "1.001"}, {"amount": "x"}, {"type": "theft"}):
        assert levers.post("/sandbox/card-network/transactions", json={**use, **wrong}).status_code == 400
    assert levers.post("/sandbox/card-network/transactions", json={**use, "card_no": "1"}).status_code == 404
    frozen = levers.post("/sandbox/card-network/cards", json={"card_no": card_no, "action": "freeze"})
    assert frozen.json == {"card_no": card_no, "status": "frozen"}
    p.refused(111015, "POST", "/deposit-transactions", load_body(card_no))
    assert levers.post("/sandbox/card-network/cards", json={"card_no": card_no, "action": "freeze"}).status_code == 400
    assert levers.post("/sandbox/card-network/cards", json={"card_no": card_no, "action": "melt"}).status_code == 400
