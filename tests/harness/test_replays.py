"""race: one fact from outside counts once however often it is told, and one code of an authenticator opens once (PROMISES 2, 7)."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from portal import ledger
from portal.db import context
from portal.errors import Refusal
from portal.ledger import Line
from portal.models.cards import PartnerCard
from portal.money import parse_units
from portal.services import bank_credits, bank_deposits, loads, quotes, second_factor
from portal.worker.partner import follow_network
from tests.harness.report import FULL, table
from tests.support import partners, people
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
    institution = partners.partner(postgres_app, usdt=str(20 * FACTS))
    card_no = institution.card("replayed")
    network_id = portal.db.read(_network_id, card_no)
    portal.db.transact(_fill_card, card_no, FACTS)
    tellings: list[Any] = []
    for number in range(FACTS):
        quote = portal.db.transact(quotes.offer, person.id, "buy", "USDT", "base", parse_units("5", "USDT"))
        credit = {"account": account, "amount_units": one, "reference": f"fact-{number}"}
        order = loads.Order(
            card_no, "replayed", parse_units("10", "USDT"), "USDT", f"fact{number}", None, f"{number:064x}"
        )
        tellings += [lambda o=order: portal.db.transact(loads.load, institution.id, o)] * REPLAYS
        tellings += [lambda q=quote.public_id: portal.db.transact(quotes.accept, person.id, q)] * REPLAYS
        tellings += [lambda c=credit: portal.db.transact(bank_credits.receive, **c)] * REPLAYS
        portal.ports.card_network.use(network_id, "purchase", 1_000_000, f"shop {number}")
        chain.add_transfer("USDT", to, parse_units("1", "USDT"), f"{number + 1:064x}", 0, sender="x")
    chain.mine(30)
    tellings += [lambda: look(portal)] * REPLAYS
    tellings += [lambda: follow_network(portal)] * REPLAYS
    random.Random(SEED).shuffle(tellings)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda tell: tell(), tellings))
    kinds = Counter(
        dict(portal.db.read(lambda session: session.execute(sa.text(_POSTED)).all()))
    )  # fmt: skip
    due = {"buy": FACTS, "card_load": FACTS, "card_purchase": FACTS, "deposit": 2 * FACTS}
    wrong = {kind: kinds[kind] - count for kind, count in due.items() if kinds[kind] != count}
    table(
        "race: replays",
        seed=SEED,
        facts=5 * FACTS,
        tellings=len(tellings),
        posted=dict(kinds),
        duplicates=sum(wrong.values()),
    )
    assert not wrong, kinds
    assert person.balance("USDT") == parse_units("6", "USDT") * FACTS
    assert institution.float_units() == parse_units(20 * FACTS - 1, "USDT") - parse_units("10", "USDT") * FACTS


def _network_id(session: Any, card_no: str) -> str:
    return str(session.scalars(sa.select(PartnerCard.network_id).where(PartnerCard.card_no == card_no)).one())


def _fill_card(session: Any, card_no: str, dollars: int) -> None:
    """Puts money on a card, at the network and in the ledger alike."""
    card = session.scalars(sa.select(PartnerCard).where(PartnerCard.card_no == card_no)).one()
    units = parse_units(2 * dollars, "USD")
    lines = [Line(ledger.card_balance(card.id, "USD"), units), Line(ledger.house("card_network", "USD"), -units)]
    ledger.post(session, "test_gift", f"test_card:{card.id}", lines, actor="system")
    context(session).ports.card_network.load(f"test:{card.id}", card.network_id, units)


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
