"""The levers that play bank and chains, as scripts use them, and the demo world's history."""

import pytest
import sqlalchemy as sa

from portal.models.customers import Customer
from portal.money import parse_units
from portal.ports import PortRejected
from portal.sandbox import demo_companies, demo_customers, demo_prices
from portal.services import history, prices
from tests.support import people
from tests.support.market import address, open_market


@pytest.fixture
def pull(app):
    client = app.test_client()

    def post(path, status=200, **values):
        answer = client.post(f"/sandbox{path}", json=values)
        assert answer.status_code == status, answer.text
        return answer.get_json()

    return post


@pytest.fixture
def amy(portal):
    return people.customer(portal)


def account_of(brokerage, person):
    said = brokerage(person.token).ok("GET", "/wallet/pre_deposit", query={"currency": "TWD"})
    return said[0]["virtualBank"]["account"]


def test_a_bank_credit_says_what_it_matched(pull, amy, brokerage):
    account = account_of(brokerage, amy)
    assert pull("/bank/credits", account=account, amount=1500, reference="r")["matched"] == "deposit"
    assert pull("/bank/credits", account=account, amount="1500", reference="r")["matched"] == "deposit"
    assert pull("/bank/credits", account="nobody", amount=10)["matched"] == "suspense"
    assert amy.balance("TWD") == parse_units("1500", "TWD")


@pytest.mark.parametrize("amount", ["0", "-1", "1e3", "１", "1.00001", True, None, [], "NaN"])
def test_a_bank_credit_of_no_amount_is_refused(pull, amount):
    pull("/bank/credits", status=400, account="1", amount=amount)


def test_a_transfer_is_seen_at_once_and_credited_when_blocks_went_by(pull, portal, amy):
    to = address(portal, amy)
    said = pull("/chain/transfers", network="TRON", asset="USDT", to=to, amount="12.5")
    assert set(said) == {"network", "tx_hash", "log_index", "block_number"}
    rows = portal.db.read(history.page, amy.id).rows
    assert [(row.kind, row.status) for row in rows] == [("deposit", "seen")]
    pull("/chain/transfers", network="TRON", asset="USDT", to=to, amount="12.5", tx_hash=said["tx_hash"], log_index=1)
    heads = pull("/chain/blocks", count=30)["heads"]
    assert set(heads) == {"TRON", "ETHEREUM"}
    assert amy.balance("USDT") == parse_units("25", "USDT")


def test_the_same_transfer_pulled_twice_is_one(pull, portal, amy):
    to = address(portal, amy)
    for _ in range(2):
        pull("/chain/transfers", network="TRC20", asset="USDT", to=to, amount=3, tx_hash="ab", log_index=0)
    pull("/chain/blocks", network="TRON", count=30)
    assert amy.balance("USDT") == parse_units("3", "USDT")


def test_what_is_not_for_the_portal_is_seen_by_nobody(pull, portal, amy):
    to = address(portal, amy)
    pull("/chain/transfers", network="TRON", asset="USDT", to="TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", amount=3)
    pull("/chain/transfers", network="TRON", asset="FAKE", to=to, amount=3)
    pull(
        "/chain/transfers", network="TRON", asset="USDT", to=to, amount=3, contract="TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj"
    )
    pull("/chain/transfers", network="TRON", asset="USDT", to=to, amount=3, succeeded=False)
    pull("/chain/blocks", count=30)
    assert portal.db.read(history.page, amy.id).rows == []


def test_a_reorganisation_takes_an_unsolid_deposit_back(pull, portal, amy):
    pull("/chain/transfers", network="TRON", asset="USDT", to=address(portal, amy), amount=3)
    assert pull("/chain/reorganise", network="TRON", depth=2, again=False)["transfers"] == 1
    (row,) = portal.db.read(history.page, amy.id).rows
    assert row.status == "dropped"


@pytest.mark.parametrize(
    "path,values",
    [
        ("/chain/transfers", {"asset": "USDT", "to": "x", "amount": 1}),
        ("/chain/transfers", {"network": "BITCOIN", "asset": "USDT", "to": "x", "amount": 1}),
        ("/chain/transfers", {"network": "TRON", "asset": "USDT", "to": "x", "amount": "1.0000001"}),
        ("/chain/transfers", {"network": "TRON", "asset": "USDT", "to": "x", "amount": 1, "log_index": -1}),
        ("/chain/transfers", {"network": "TRON", "asset": "USDT", "to": "x", "amount": 1, "succeeded": "yes"}),
        ("/chain/transfers", {"network": "TRON", "asset": "TOOLONGNAME", "to": "x", "amount": 1}),
        ("/chain/blocks", {"count": 0}),
        ("/chain/blocks", {"count": "5"}),
        ("/chain/blocks", {"network": 5, "count": 5}),
        ("/chain/reorganise", {"network": "TRON", "depth": 0}),
        ("/bank/credits", {"amount": 5}),
        ("/bank/credits", {"account": "1" * 65, "amount": 5}),
    ],
)
def test_a_lever_pulled_wrongly_is_refused_and_does_nothing(pull, path, values):
    pull(path, status=400, **values)


def test_the_market_moves_as_far_as_the_lever_says(pull, portal, read):
    open_market(portal)
    pull("/prices", symbol="USDT-TWD", price="64.5")
    assert str(read(prices.last, "USDT-TWD")) == "64.5"


def test_prices_stay_fresh_when_the_clock_is_moved_by_its_lever(pull, portal, read):
    pull("/clock", advance_seconds=86400)
    assert read(prices.tradable, "ETH-TWD")


def test_messages_are_found_however_a_script_writes_the_number(app, portal):
    portal.ports.sms.send("1", "+886912345678", "code 123456", "123456")
    client = app.test_client()
    for to in ("%2B886912345678", "+886912345678", "0912345678"):
        assert [row["code"] for row in client.get(f"/sandbox/messages?to={to}").get_json()["messages"]] == ["123456"]


def test_a_final_no_waits_for_an_act_that_can_be_refused(portal):
    chain = portal.ports.chains["TRON"]
    portal.world.set_fault("chain", "reject", 1)
    chain.head()
    chain.transfers(1, 2000)
    with pytest.raises(PortRejected):
        chain.broadcast(chain.sign("w1", "TWIP", "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj", 1))


def test_the_demo_world_has_charts_for_every_range_and_two_people_with_a_past(portal, read):
    for subject in (demo_companies, demo_prices, demo_customers):
        subject.load(portal)
    for range_type in range(6):
        assert len(read(prices.series, "ETH", range_type)) > 80
    amy = read(lambda session: session.scalars(sa.select(Customer.id).where(Customer.username == "amy")).one())
    rows = read(history.page, amy, limit=50).rows
    assert {row.kind for row in rows} == {"deposit", "buy", "sell"}
    assert [row.created_at for row in rows] == sorted((row.created_at for row in rows), reverse=True)
    assert read(history.total, amy, history.Filters()) == len(rows)
    assert str(read(prices.last, "USDT-TWD")) == "32.1079"
