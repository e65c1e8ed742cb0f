"""The answers have the contract's very shapes: its keys, its types of values, its figures."""

import json
from pathlib import Path
from typing import Any

import pytest

from portal.api.partner.errors import CODES, TEXTS
from portal.api.partner.family import family
from portal.errors import CATALOGUE
from tests.support.partners import kyc_body, partner

CONTRACT = json.loads((Path(__file__).parents[2] / "contract" / "partner.json").read_text(encoding="utf-8"))
EXAMPLES = {entry["id"]: entry["response"]["example"] for entry in CONTRACT["endpoints"]}


def shape(value: Any) -> Any:
    """Keys and kinds of a value; of a list, those of its first member."""
    if isinstance(value, dict):
        return {key: shape(member) for key, member in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def test_every_route_of_the_contract_is_served(sqlite_app) -> None:
    wanted = {(entry["method"], entry["path"].replace("/api/v1", "").split("?")[0]) for entry in CONTRACT["endpoints"]}
    served = {(operation.method, operation.path.replace("<", "{").replace(">", "}")) for operation in family.operations}
    assert served == wanted
    assert len(served) == 22


def test_every_code_of_the_contract_has_its_text() -> None:
    assert {error["code"]: error["en"] for error in CONTRACT["errors"]} == TEXTS


def test_every_refusal_of_the_table_exists(sqlite_app) -> None:
    assert set(CODES) <= set(CATALOGUE)
    assert set(CODES.values()) <= set(TEXTS)


@pytest.fixture
def told(app) -> dict[str, Any]:
    """The answers of a whole life: from the check to the statement."""
    p = partner(app)
    answers: dict[str, Any] = {}
    answers["submit_kyc"] = p.ok("POST", "/customers/accounts", kyc_body(acct_no="other"))
    card_no = p.card()
    p.passed("u2")
    answers["open_card"] = p.ok("POST", "/debit-cards", {"acct_no": "u2", "card_type_id": "50000001"})
    attachment = {"card_no": answers["open_card"]["card_no"], "poa_doc": kyc_body()["front_doc"]}
    answers["submit_card_attachment"] = p.ok("POST", "/debit-cards/attachment", attachment)
    answers["activate_card"] = True
    answers["load_card"] = p.load(card_no)
    answers["load_status"] = p.ok("GET", f"/deposit-transactions/{answers['load_card']['tx_id']}/status")
    p.work()
    for name, path in (("kyc", "/customers/accounts"), ("cards", "/debit-cards"), ("loads", "/deposit-transactions")):
        answers[f"list_{name}"] = p.ok("GET", path)
        answers[f"list_{name}_of_user"] = p.ok("GET", path, query={"acct_no": "u1"})
    answers["send_email_code"] = p.ok("POST", "/emails/somebody@example.net/verification-codes")
    answers["card_types"] = p.ok("GET", "/card/type")
    answers["rates"] = p.ok("GET", "/rates", query={"card_type_id": "50000002"})
    crypto = {"currency_amount": "100", "card_type_id": "50000002", "coin_type": "usdt"}
    answers["calculate_crypto"] = p.ok("POST", "/calculation/crypto", crypto)
    currency = {"coin_amount": "100", "card_type_id": "50000002", "coin_type": "USDT"}
    answers["calculate_currency"] = p.ok("POST", "/calculation/currency", currency)
    answers["institution_balance"] = p.ok("GET", "/customers/balance")
    answers["card_activated"] = p.ok("POST", "/bank/account-status", {"card_no": card_no})
    answers["card_balance"] = p.ok("POST", "/bank/balance", {"card_no": card_no})
    month = f"{p.portal.clock.now():%m%Y}"
    span = {"card_no": card_no, "former_month_year": month, "latter_month_year": month}
    answers["card_statement"] = p.ok("POST", "/bank/transaction-record", span)
    return answers


def test_answers_have_the_contracts_shapes(told) -> None:
    unsupported = {"send_pin_email", "send_mobile_code", "check_mobile_code", "check_email_code"}
    assert set(told) == set(EXAMPLES) - unsupported
    wrong = {
        name: (shape(told[name]), shape(EXAMPLES[name])) for name in told if shape(told[name]) != shape(EXAMPLES[name])
    }
    assert not wrong


def test_the_samples_come_out_to_the_last_digit(told) -> None:
    assert told["calculate_crypto"] == EXAMPLES["calculate_crypto"]
    assert told["calculate_currency"] == EXAMPLES["calculate_currency"]
    assert told["card_types"] == EXAMPLES["card_types"]
    rates = {**EXAMPLES["rates"], "exchange_rate": "1.00145966373"}
    assert told["rates"] == rates


def test_success_says_so(app) -> None:
    p = partner(app)
    answer = p.client.call("GET", "/card/type")
    assert (answer.status_code, answer.json["code"], answer.json["msg"]) == (200, 0, "SUCCESS")
    assert answer.headers["Cache-Control"] == "no-store"
