"""Balances, deposits and history over `/v1`."""

from decimal import Decimal

import pytest
import sqlalchemy as sa

from tests.support import contract, people
from tests.support.market import address, bank_credit, mine, open_market, send


@pytest.fixture
def amy(portal):
    open_market(portal, usdt="30", eth="90000")
    return people.customer(portal, "Amy", totp=True, twd="1000.5", usdt="10", eth="0.5")


@pytest.fixture
def client(amy, brokerage):
    return brokerage(amy.token)


def history(client, **query):
    return client.ok("GET", "/wallet/historyList", query=query)


def test_the_total_is_the_sum_of_what_is_shown(client):
    said = client.ok("GET", "/wallet/balance")
    assert not contract.differences(said, contract.example("brokerage", "wallet_balance"))
    assert said["total"] == Decimal("46300.5")
    assert [(row["currency"], row["type"]) for row in said["balance"]] == [("USDT", 3), ("ETH", 2), ("TWD", 1)]
    assert said["balance"][2]["available"] == Decimal("1000.5")


def test_the_total_in_another_currency(client):
    said = client.ok("GET", "/wallet/balance", query={"currency": "USDT"})
    assert {row["currency"]: row["convertRate"] for row in said["balance"]} == {
        "USDT": 1, "ETH": 3000, "TWD": Decimal("0.03333333"),
    }  # fmt: skip
    assert said["total"] == sum(row["total"] * row["convertRate"] for row in said["balance"])


def test_unknown_currencies_and_an_unknown_market_are_refused(client, transact):
    client.refused(-2023, "GET", "/wallet/balance", query={"currency": "DOGE"})
    transact(lambda session: session.execute(sa.text("DELETE FROM prices")))
    client.refused(-4041, "GET", "/wallet/balance")


def test_pre_deposit_shows_the_virtual_account_and_the_limits(client):
    said = client.ok("GET", "/wallet/pre_deposit", query={"currency": "TWD"})
    assert not contract.differences(said, contract.example("brokerage", "pre_deposit"))
    assert (said[0]["dailyAccumulated"], said[0]["monthlyAccumulated"]) == (500000, 1000000)
    assert said[0]["bank"]["account"].startswith("****")
    assert len(said[0]["virtualBank"]["account"]) == 16
    assert said == client.ok("GET", "/wallet/pre_deposit", query={"currency": "TWD"})


def test_pre_deposit_of_crypto_has_limits_alone(client):
    (said,) = client.ok("GET", "/wallet/pre_deposit", query={"currency": "USDT"})
    assert set(said) == {"dailyAccumulated", "monthlyAccumulated"}


def test_pre_deposit_refuses_who_has_no_bank_and_what_is_unknown(client, portal, brokerage):
    brokerage(people.customer(portal, kyc_level=2).token).refused(
        3006, "GET", "/wallet/pre_deposit", query={"currency": "TWD"}
    )
    client.refused(-2023, "GET", "/wallet/pre_deposit", query={"currency": "BTC"})
    client.refused(-2, "GET", "/wallet/pre_deposit")


def test_an_address_is_made_once(client):
    said = client.ok("POST", "/wallet/address", {"coinNetwork": "USDT-TRC20"})
    assert not contract.differences(said, contract.example("brokerage", "get_or_create_address"))
    assert said["paymentWay"] == "TRC20" and said["address"].startswith("T")
    assert said == client.ok("POST", "/wallet/address", {"coinNetwork": "USDT-TRC20"})
    default = client.ok("POST", "/wallet/address", {})
    assert default["paymentWay"] == "ERC20"
    assert default["address"] == client.ok("POST", "/wallet/address", {"coinNetwork": "ETH-ETHEREUM"})["address"]


def test_addresses_come_in_the_order_asked_for(client):
    said = client.ok("POST", "/wallet/addresses", {})
    assert not contract.differences(said, contract.example("brokerage", "get_or_create_addresses"))
    assert [row["paymentWay"] for row in said] == ["ERC20", "TRC20"]
    swapped = client.ok("POST", "/wallet/addresses", {"coinNetwork": "USDT-TRC20, USDT-ERC20"})
    assert swapped == said[::-1]


def test_addresses_need_level_one_and_a_known_network(client, portal, brokerage, app_with):
    newcomer = brokerage(people.customer(portal, kyc_level=0).token)
    for path in ("/wallet/address", "/wallet/addresses"):
        newcomer.refused(40039, "POST", path, {})
        client.refused(-2023, "POST", path, {"coinNetwork": "BTC-BITCOIN"})
        client.refused(-2, "POST", path, {"coinNetwork": 7})


def test_without_a_key_there_is_no_address(app_with, monkeypatch):
    from tests.support.families import BrokerageClient

    app = app_with("sqlite")
    portal = app.extensions["portal"]
    amy = people.customer(portal)
    monkeypatch.setattr("portal.services.addresses._key", _no_key)
    BrokerageClient(app, amy.token).refused(-4038, "POST", "/wallet/address", {"coinNetwork": "USDT-TRC20"})


def _no_key(session, network):
    from portal.errors import Refusal

    raise Refusal("address_unavailable")


def test_history_tells_of_everything_in_the_contracts_shape(client, portal, amy):
    account = client.ok("GET", "/wallet/pre_deposit", query={"currency": "TWD"})[0]["virtualBank"]["account"]
    bank_credit(portal, account, "500", payer_name="林小明")
    tx_hash = send(portal, "TRON", "USDT", address(portal, amy), "7")
    mine(portal)
    quoted = client.ok("POST", "/trade/quote", {"side": "buy", "quoteAmountInBase": 10})
    client.ok("POST", "/trade/accept", {"quoteId": quoted["quoteId"]})
    said = history(client)
    assert (said["totalRows"], said["pageSize"], said["currentPage"], said["totalPages"]) == (3, 10, 1, 1)
    trade, chain, bank = said["data"]
    shape = {key for key in contract.example("brokerage", "wallet_history")["data"][0]}
    assert all(shape <= set(row) for row in said["data"])
    assert (trade["type"], trade["inOutType"], trade["status"], trade["amount"]) == (3, 1, 10, 10)
    assert trade["baseCurrencyUnitPrice"] == Decimal("30.03") and trade["baseCurrencyTotalPrice"] == Decimal("300.3")
    assert (chain["type"], chain["amount"], chain["txHash"]) == (1, 7, tx_hash)
    assert chain["txUrl"].endswith(tx_hash)
    assert (bank["type"], bank["amount"], bank["currencyType"]) == (1, 500, 1)
    assert bank["fromBank"]["name"] == "林小明"


def test_history_filters_by_pairs_kinds_days_and_ids(client, portal, amy, travel):
    send(portal, "TRON", "USDT", address(portal, amy), "7")
    mine(portal)
    open_market(portal)
    quoted = client.ok("POST", "/trade/quote", {"side": "sell", "quoteAmountInBase": 10})
    client.ok("POST", "/trade/accept", {"quoteId": quoted["quoteId"]})
    today = portal.clock.now().astimezone().strftime("%Y")
    assert [row["type"] for row in history(client, query="USDT-1")["data"]] == [1]
    assert [row["type"] for row in history(client, query="USDT-1,USDT-4")["data"]] == [4, 1]
    assert history(client, query="ETH-1")["totalRows"] == 0
    assert [row["type"] for row in history(client, isTxn="true")["data"]] == [4]
    assert [row["type"] for row in history(client, isTxn="false")["data"]] == [1]
    assert history(client, startDate=f"{int(today) + 5}-01-01")["totalRows"] == 0
    assert history(client, endDate="2020-12-31") == {
        "totalRows": 0, "pageSize": 10, "currentPage": 1, "totalPages": 0, "data": [],
    }  # fmt: skip
    ids = [row["auditId"] for row in history(client)["data"]]
    assert [row["auditId"] for row in history(client, auditIds=f"{ids[1]},nothing")["data"]] == [ids[1]]
    repeated = client.call("GET", "/wallet/historyList?query=USDT-1&query=USDT-4").get_json()["data"]
    assert repeated["totalRows"] == 2


def test_pages_go_as_deep_as_the_rows(client, portal, amy):
    for _ in range(7):
        send(portal, "TRON", "USDT", address(portal, amy), "7")
    mine(portal)
    pages = [history(client, pageSize=3, pageNum=number) for number in (1, 2, 3, 4)]
    assert [len(page["data"]) for page in pages] == [3, 3, 1, 0]
    assert {page["totalPages"] for page in pages} == {3}
    assert len({row["auditId"] for page in pages for row in page["data"]}) == 7


@pytest.mark.parametrize(
    "query",
    [
        {"pageNum": "0"}, {"pageNum": "x"}, {"pageNum": "１"}, {"pageSize": "0"}, {"pageSize": "501"}, {"pageSize": "-1"},
        {"startDate": "2026-13-01"}, {"startDate": "2026/01/01"}, {"endDate": "20260101"}, {"isTxn": "maybe"},
        {"query": "USDT"}, {"query": "USDT-7"}, {"query": "USDT-0"}, {"auditIds": ",".join(map(str, range(101)))},
    ],
)  # fmt: skip
def test_an_unreadable_filter_is_minus_two(client, query):
    client.refused(-2, "GET", "/wallet/historyList", query=query)


def test_an_unknown_currency_in_a_filter_is_minus_2023(client):
    client.refused(-2023, "GET", "/wallet/historyList", query={"query": "DOGE-1"})


def test_an_outsider_sees_nothing_of_it(client, portal, amy, brokerage):
    send(portal, "TRON", "USDT", address(portal, amy), "7")
    mine(portal)
    audit_id = history(client)["data"][0]["auditId"]
    outsider = brokerage(people.customer(portal).token)
    assert history(outsider, auditIds=audit_id)["data"] == []


@pytest.mark.parametrize(
    "method,path",
    [
        ("GET", "/wallet/balance"), ("GET", "/wallet/pre_deposit"), ("POST", "/wallet/address"),
        ("POST", "/wallet/addresses"), ("GET", "/wallet/historyList"),
    ],
)  # fmt: skip
def test_a_stranger_is_told_to_sign_in(brokerage, method, path):
    client = brokerage()
    client.refused(10002, method, path, {} if method == "POST" else None)
    assert client.last.status_code == 401
