"""Quote and accept over `/v1`: the contract's shapes, each refusal, and repeats."""

from decimal import Decimal

import pytest
import sqlalchemy as sa

from portal.services import parameters
from tests.support import contract, people
from tests.support.market import open_market

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def amy(portal):
    open_market(portal)
    return people.customer(portal, "Amy", kyc_level=2, twd="100000", usdt="1000", eth="2")


@pytest.fixture
def client(amy, brokerage):
    return brokerage(amy.token)


def quote(client, **body):
    return client.ok("POST", "/trade/quote", {"side": "buy", "quoteBaseCurrency": "USDT", **body})


def accept(client, quoted, **more):
    return client.ok("POST", "/trade/accept", {"quoteId": quoted["quoteId"]}, **more)


def test_a_quote_says_what_the_contract_says(client, portal):
    said = quote(client, quoteAmountInBase=100)
    assert not contract.differences(said, contract.example("brokerage", "otc_quote"))
    assert said | {"quoteId": "", "quoteTimestamp": 0} == {
        "side": "buy", "quoteId": "", "quoteTimestamp": 0, "quoteValidDurationMs": 10000, "status": 30001,
        "quoteBaseCurrency": "USDT", "quoteOrderCurrency": "TWD", "quoteAmountInBase": 100,
        "quoteAmountInOrder": Decimal("3214.01"), "unitPrice": Decimal("32.1401"),
        "originalUnitPrice": Decimal("32.1079"),
    }  # fmt: skip
    assert abs(said["quoteTimestamp"] - portal.clock.now_ms()) < 5000


def test_usdt_is_the_default_and_amounts_may_be_text(client):
    assert (
        client.ok("POST", "/trade/quote", {"side": "sell", "quoteAmountInOrder": "1000"})["quoteBaseCurrency"] == "USDT"
    )


def test_an_accepted_quote_is_30007_and_a_repeat_gets_the_same(client, amy):
    quoted = quote(client, quoteAmountInBase=100)
    first = accept(client, quoted)
    assert not contract.differences(first, contract.example("brokerage", "otc_accept"))
    assert (first["status"], first["quoteAmountInOrder"]) == (30007, Decimal("3214.01"))
    assert accept(client, quoted) == first
    assert accept(client, quoted, headers={"Idempotency-Key": "one"}) == first
    assert accept(client, quoted, headers={"Idempotency-Key": "one"}) == first
    assert client.last.headers["Idempotency-Replayed"] == "true"
    assert amy.balance("USDT") == 1100_000000


def test_a_key_used_for_another_quote_is_a_conflict(client):
    first, second = (quote(client, quoteAmountInBase=10) for _ in range(2))
    accept(client, first, headers={"Idempotency-Key": "one"})
    said = client.refused(
        -19, "POST", "/trade/accept", {"quoteId": second["quoteId"]}, headers={"Idempotency-Key": "one"}
    )
    assert client.last.status_code == 409 and said["data"] is None


def test_too_late_is_30008_with_code_1(client, travel, amy):
    quoted = quote(client, quoteAmountInBase=100)
    travel(11)
    assert accept(client, quoted)["status"] == 30008
    assert amy.balance("USDT") == 1000_000000


def test_too_little_is_8_with_code_1(client):
    quoted = quote(client, quoteAmountInBase=4000)
    assert accept(client, quoted)["status"] == 8


def test_an_unknown_or_foreign_quote_is_the_same(client, portal, brokerage):
    outsider = brokerage(people.customer(portal).token)
    quoted = quote(client, quoteAmountInBase=100)
    refused = [
        outsider.refused(-20, "POST", "/trade/accept", {"quoteId": public_id})
        for public_id in (quoted["quoteId"], UNKNOWN, "x" * 3000)
    ]
    assert len({(answer["code"], answer["msg"]) for answer in refused}) == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"side": "buy"},
        {"side": "hold", "quoteAmountInBase": 10},
        {"side": "buy", "quoteAmountInBase": 10, "quoteAmountInOrder": 300},
        {"side": "buy", "quoteAmountInBase": None},
        {"side": "buy", "quoteAmountInBase": 0},
        {"side": "buy", "quoteAmountInBase": -1},
        {"side": "buy", "quoteAmountInBase": True},
        {"side": "buy", "quoteAmountInBase": []},
        {"side": "buy", "quoteAmountInBase": "１０"},
        {"side": "buy", "quoteAmountInBase": "1_000"},
        {"side": "buy", "quoteAmountInBase": 4.999},
        {"side": "buy", "quoteAmountInBase": 30001},
        {"side": "buy", "quoteAmountInBase": Decimal("10.0000001")},
        {"side": "buy", "quoteAmountInOrder": Decimal("1000.00001")},
        {"side": ["buy"], "quoteAmountInBase": 10},
    ],
)
def test_bad_input_is_minus_two_and_writes_nothing(client, portal, body):
    client.refused(-2, "POST", "/trade/quote", body)
    assert portal.db.read(lambda s: s.scalar(sa.text("SELECT COUNT(*) FROM quotes"))) == 0


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e400", "-0", "1e-30"])
def test_numbers_that_are_none_are_refused(client, number):
    client.refused(-2, "POST", "/trade/quote", f'{{"side": "buy", "quoteAmountInBase": {number}}}')


@pytest.mark.parametrize("currency", ["TWD", "BTC", "usdt", ""])
def test_an_unknown_currency_is_minus_2023(client, currency):
    client.refused(
        -2023, "POST", "/trade/quote", {"side": "buy", "quoteAmountInBase": 10, "quoteBaseCurrency": currency}
    )


def test_without_level_two_trading_is_40049_at_quote_and_at_accept(client, amy, transact):
    quoted = quote(client, quoteAmountInBase=10)
    transact(lambda s: s.execute(sa.text(f"UPDATE customers SET kyc_level = 1 WHERE id = {amy.id}")))
    client.refused(40049, "POST", "/trade/quote", {"side": "buy", "quoteAmountInBase": 10})
    client.refused(40049, "POST", "/trade/accept", {"quoteId": quoted["quoteId"]})


def test_short_stock_and_an_old_price_are_refused(client, transact, travel):
    transact(parameters.change, "trading", {"exposure": {"USDT": "1", "ETH": "1", "TWD": "1"}}, "staff:1")
    client.refused(-2, "POST", "/trade/quote", {"side": "buy", "quoteAmountInBase": 10})
    travel(3600)
    client.refused(-1, "POST", "/trade/quote", {"side": "buy", "quoteAmountInBase": 10})
    assert client.last.status_code == 400


def test_a_stranger_is_told_to_sign_in(brokerage):
    for path, body in (
        ("/trade/quote", {"side": "buy", "quoteAmountInBase": 10}),
        ("/trade/accept", {"quoteId": UNKNOWN}),
    ):
        client = brokerage()
        client.refused(10002, "POST", path, body)
        assert client.last.status_code == 401
