"""race: one fact from outside counts once however often it is told, and one code of an authenticator opens once (PROMISES 2, 7)."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from portal.errors import Refusal
from portal.money import parse_units
from portal.services import bank_credits, bank_deposits, quotes, second_factor
from tests.harness.report import FULL, table
from tests.support import people
from tests.support.market import address, look, open_market
from tests.support.outside import at_once

pytestmark = pytest.mark.harness

SEED = 314
FACTS = 100 if FULL else 5
REPLAYS = 34 if FULL else 8
HANDS = 50 if FULL else 16


def test_a_fact_told_many_times_is_posted_once(postgres_app):
    portal = postgres_app.extensions["portal"]
    open_market(portal)
    person = people.customer(portal, twd="10000000")
    account = portal.db.transact(bank_deposits.way_in, person.id).account.account
    to, chain = address(portal, person), portal.ports.chains["TRON"]
    one = parse_units("1", "TWD")
    tellings: list[Any] = []
    for number in range(FACTS):
        quote = portal.db.transact(quotes.offer, person.id, "buy", "USDT", "base", parse_units("5", "USDT"))
        credit = {"account": account, "amount_units": one, "reference": f"fact-{number}"}
        tellings += [lambda q=quote.public_id: portal.db.transact(quotes.accept, person.id, q)] * REPLAYS
        tellings += [lambda c=credit: portal.db.transact(bank_credits.receive, **c)] * REPLAYS
        chain.add_transfer("USDT", to, parse_units("1", "USDT"), f"{number + 1:064x}", 0, sender="x")
    chain.mine(30)
    tellings += [lambda: look(portal)] * REPLAYS
    random.Random(SEED).shuffle(tellings)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda tell: tell(), tellings))
    kinds = Counter(
        dict(portal.db.read(lambda session: session.execute(sa.text(_POSTED)).all()))
    )  # fmt: skip
    table("race: replays", seed=SEED, facts=3 * FACTS, tellings=len(tellings), posted=dict(kinds))
    assert kinds["buy"] == FACTS
    assert person.balance("USDT") == parse_units("6", "USDT") * FACTS
    assert sum(kinds.values()) == 3 * FACTS, kinds


_POSTED = "SELECT kind, COUNT(*) FROM journals WHERE kind NOT LIKE 'test_%' GROUP BY kind"


def test_one_code_of_an_authenticator_given_by_many_hands_opens_once(postgres_app):
    portal = postgres_app.extensions["portal"]
    person = people.customer(portal, totp=True)
    code = person.code()

    def give() -> str:
        try:
            portal.db.transact(second_factor.check_totp, "customer", person.id, code)
        except Refusal as refusal:
            return refusal.name
        return "opened"

    said = Counter(at_once(*[give] * HANDS))
    table("race: one authenticator code", hands=HANDS, said=dict(said))
    assert said["opened"] == 1
    assert set(said) <= {"opened", "totp_wrong", "totp_locked"}
