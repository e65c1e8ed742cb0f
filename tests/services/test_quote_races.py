"""Many hands at one quote, one wallet, one deposit: one posting, whatever the engine."""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from portal import ledger
from portal.money import parse_units
from portal.services import deposits, quotes
from tests.support import people
from tests.support.market import address, look, mine, open_market, send

HANDS = 50


def at_once(work, arguments):
    """Runs `work` once per argument, all let go together; the answers in order."""
    gate = threading.Barrier(len(arguments))

    def run(argument):
        gate.wait()
        return work(argument)

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(run, arguments))


def offer(portal, person, side="buy", base="100"):
    return portal.db.transact(quotes.offer, person.id, side, "USDT", "base", parse_units(base, "USDT"))


def count(portal, table, where="1=1"):
    return portal.db.read(lambda session: session.scalar(sa.text(f"SELECT COUNT(*) FROM {table} WHERE {where}")))


@pytest.fixture
def amy(portal):
    open_market(portal)
    return people.customer(portal, twd="1000000", usdt="10000")


def test_fifty_accepts_of_one_quote_give_one_posting_and_one_answer(portal, amy, brokerage):
    quote = offer(portal, amy)
    client = brokerage(amy.token)
    answers = at_once(
        lambda _: client.raw.post("/v1/trade/accept", json={"quoteId": quote.public_id}, headers={"token": amy.token}),
        range(HANDS),
    )
    said = [answer.get_json() for answer in answers]
    assert {answer["code"] for answer in said} == {1}
    assert len({str(answer["data"]) for answer in said}) == 1
    assert said[0]["data"]["status"] == 30007
    assert count(portal, "journals", "reference LIKE 'quote:%'") == 1
    assert count(portal, "activity", "subject_kind = 'quote'") == 1
    assert amy.balance("USDT") == parse_units("10100", "USDT")


def test_funds_for_one_of_two_quotes_execute_one(portal, amy):
    poor = people.customer(portal, twd="4000")
    pair = [offer(portal, poor) for _ in range(2)]
    done = at_once(lambda quote: portal.db.transact(quotes.accept, poor.id, quote.public_id).status, pair)
    assert sorted(done) == ["executed", "unfunded"]
    assert poor.balance("USDT") == parse_units("100", "USDT")


def test_everybody_trading_at_once_loses_and_creates_nothing(portal, amy):
    crowd = [people.customer(portal, twd="100000", usdt="1000") for _ in range(8)]

    def trade(person):
        done = Counter()
        for _ in range(6):
            side = random.choice(("buy", "sell"))
            quote = offer(portal, person, side, str(random.randint(5, 400)))
            done[portal.db.transact(quotes.accept, person.id, quote.public_id).status] += 1
        return done

    results = at_once(trade, crowd)
    executed = sum(result["executed"] for result in results)
    assert executed and not any(result["expired"] for result in results)
    assert count(portal, "journals", "reference LIKE 'quote:%'") == executed
    for asset in ("TWD", "USDT"):
        owned = sum(person.balance(asset) for person in [*crowd, amy])
        house = sum(
            portal.db.read(ledger.balance, ledger.house(bucket, asset))
            for bucket in ("inventory", "spread", "rounding", "bank", "chain")
        )
        assert owned + house == 0


def test_one_wallet_is_never_overspent_by_quotes_accepted_together(portal):
    open_market(portal)
    poor = people.customer(portal, twd="10000")
    many = [offer(portal, poor, base="100") for _ in range(12)]  # 3,214.01 each: three fit
    done = Counter(at_once(lambda quote: portal.db.transact(quotes.accept, poor.id, quote.public_id).status, many))
    assert done == {"executed": 3, "unfunded": 9}
    assert poor.balance("TWD") == parse_units("357.97", "TWD")


def test_two_workers_credit_a_deposit_once(portal, amy):
    to = address(portal, amy)
    for _ in range(5):
        send(portal, "TRON", "USDT", to, "1")
    look(portal)
    portal.ports.chains["TRON"].mine(30)
    at_once(lambda _: look(portal), range(4))
    mine(portal)
    assert amy.balance("USDT") == parse_units("10005", "USDT")
    assert count(portal, "journals", "reference LIKE 'deposit:%'") == 5
    assert portal.db.read(deposits.waiting, "TRON") == []


def test_a_bank_reference_told_by_many_posts_once(portal, amy):
    from portal.services import bank_credits, bank_deposits

    account = portal.db.transact(bank_deposits.way_in, amy.id).account.account
    before = amy.balance("TWD")

    def tell(_):
        return portal.db.transact(
            bank_credits.receive, account=account, amount_units=parse_units("100", "TWD"), reference="one"
        ).id

    assert len(set(at_once(tell, range(16)))) == 1
    assert amy.balance("TWD") == before + parse_units("100", "TWD")


def test_an_address_asked_for_by_many_is_one(portal, amy):
    assert len(set(at_once(lambda _: address(portal, amy), range(12)))) == 1
