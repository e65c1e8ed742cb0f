"""Loads: the float pays once, the card gets what the document's arithmetic says, failures give all back."""

from decimal import Decimal

import pytest
import sqlalchemy as sa

from portal import ledger
from portal.models.partner import InstitutionAsset
from portal.models.system import StateChange
from portal.money import parse_units
from portal.ports import PortRejected
from portal.services import idempotency, institutions, loads, partner_cards
from tests.api.partner.test_cards import act
from tests.support.outside import at_once
from tests.support.partners import load_body, partner, terms

LOADS = "/deposit-transactions"


def status(p, tx_id: str) -> int:
    return p.ok("GET", f"{LOADS}/{tx_id}/status")["tx_status"]


def house(p, bucket: str, asset: str) -> int:
    return p.portal.db.read(ledger.balance, ledger.house(bucket, asset))


def set_terms(p, card_type_id: str, tiers: list[dict[str, str]], **changes: str) -> None:
    changed = {**terms(**changes), "loading_tiers": tiers}
    p.portal.db.transact(lambda session: institutions.set_terms(session, p.id, card_type_id, **changed))


def test_the_documents_example_to_the_last_digit(app) -> None:
    p = partner(app, usdt="100")
    set_terms(p, "50000001", [{"min": "0", "max": "1000", "rate": "0.0812"}], exchange_rate="1.00239251357")
    card_no = p.card()
    before = p.float_units()
    said = p.load(card_no, "1")
    assert {name: said[name] for name in said if name != "tx_id"} == {
        "currency_type": "USD", "deposit_usdt": "0.9188", "currency_amount": "0.92", "exchange_rate": "1.00239251357",
        "exchange_fee_rate": "0", "exchange_fee": "0", "loading_fee": "0.0812",
    }  # fmt: skip
    assert len(said["tx_id"]) == 25 and said["tx_id"].isdigit()
    assert before - p.float_units() == parse_units("1", "USDT")


def test_fees_and_deposit_are_what_the_float_pays(app) -> None:
    p = partner(app)
    card_no = p.card(card_type_id="50000002")
    for amount, fee_rate in (("100", "0.05"), ("999.999999", "0.05"), ("1000", "0.03"), ("2500", "0.03")):
        before = p.float_units()
        said = p.load(card_no, amount)
        parts = [parse_units(said[name], "USDT") for name in ("exchange_fee", "loading_fee", "deposit_usdt")]
        assert sum(parts) == parse_units(amount, "USDT") == before - p.float_units()
        exact = Decimal(amount) * Decimal(fee_rate)
        assert Decimal(said["loading_fee"]) - exact < Decimal("0.000001") and Decimal(said["loading_fee"]) >= exact


def test_the_worker_settles_a_load(app) -> None:
    p = partner(app)
    card_no = p.card(card_type_id="50000002")
    said = p.load(card_no, "100")
    assert said["currency_amount"] == "94.13"
    assert status(p, said["tx_id"]) == 0
    assert house(p, "clearing", "USDT") == 100_000000
    fees = house(p, "fees", "USDT")
    p.work()
    assert status(p, said["tx_id"]) == 1
    assert house(p, "clearing", "USDT") == 0
    assert house(p, "fees", "USDT") - fees == 6_000000
    assert house(p, "inventory", "USDT") == 94_000000
    assert house(p, "rounding", "USD") == 7_208
    balance = p.ok("POST", "/bank/balance", {"card_no": card_no})
    assert balance["current_balance"] == "94.13"

    def way(session) -> list[str]:
        query = sa.select(StateChange.to_state).where(StateChange.machine == "card_load").order_by(StateChange.id)
        return list(session.scalars(query))

    assert p.portal.db.read(way) == ["submitted", "sent", "processing", "loaded"]


def test_a_repeated_number_is_the_same_load(app) -> None:
    p, q = partner(app), partner(app)
    card_no = p.card()
    first = p.load(card_no, "10", "mine")
    before = p.float_units()
    assert p.load(card_no, "10", "mine") == first
    p.work()
    act(p, card_no, "freeze")
    assert p.load(card_no, "10", "mine") == first
    p.refused(111001, "POST", LOADS, load_body(card_no, "11", "mine"))
    for name, other in (
        ("remark", "other"),
        ("coin_type", "BTC"),
        ("acct_no", "u2"),
        ("card_no", "1"),
        ("amount", "10.0"),
    ):
        p.refused(111001, "POST", LOADS, {**load_body(card_no, "10", "mine"), name: other})
    assert p.load(card_no, "10", "mine") == first
    assert p.float_units() == before
    other = q.card()
    assert q.load(other, "10", "mine")["tx_id"] != first["tx_id"]


def test_numbers_that_are_none(app) -> None:
    p = partner(app)
    card_no = p.card()
    before = p.float_units()
    for amount in (
        "0", "-1", "-0", "NaN", "Infinity", "1e3", "1e400", "1e-30", "０１", "1_000", " 1", "1 ", "", ".5", "1.", "+1", "0x1",
        "0.0000001", "99999999999999999999", "0.000001", "01",
    ):  # fmt: skip
        p.refused(111001, "POST", LOADS, load_body(card_no, amount))
    for raw in ("true", "null", "[]", "{}", "-1", "1e400", "0.0000001"):
        body = f'{{"card_no":"{card_no}","acct_no":"u1","amount":{raw},"coin_type":"USDT","cust_tx_id":"raw"}}'
        said = p.client.call("POST", LOADS, body).json
        assert said["code"] in (111001, 112007)
    assert p.float_units() == before
    assert p.ok("GET", LOADS)["total"] == 0


def test_a_number_is_taken_as_it_is_written(app) -> None:
    p = partner(app)
    card_no = p.card()
    body = f'{{"card_no":"{card_no}","acct_no":"u1","amount":12.50,"coin_type":"USDT","cust_tx_id":"n1"}}'
    assert p.ok("POST", LOADS, body)["deposit_usdt"] == "11.875"


def test_cards_that_cannot_be_loaded(app) -> None:
    p, q = partner(app), partner(app)
    card_no = p.card(active=False)
    p.refused(111013, "POST", LOADS, load_body(card_no))
    p.ok("PUT", "/debit-cards/status", {"card_no": card_no, "acct_no": "u1"})
    p.refused(111012, "POST", LOADS, load_body("nothing"))
    p.refused(111012, "POST", LOADS, load_body(card_no, acct_no="u2"))
    q.refused(111012, "POST", LOADS, load_body(card_no))
    act(p, card_no, "freeze")
    p.refused(111015, "POST", LOADS, load_body(card_no))


def test_assets_that_cannot_be_used(app) -> None:
    p = partner(app)
    card_no = p.card()
    p.refused(111008, "POST", LOADS, {**load_body(card_no), "coin_type": "ETH"})

    def block(session) -> None:
        session.get(InstitutionAsset, (p.id, "USDT")).status = "blocked"

    p.portal.db.transact(block)
    p.refused(111009, "POST", LOADS, load_body(card_no))
    p.refused(111009, "GET", "/customers/balance")

    def remove(session) -> None:
        session.delete(session.get(InstitutionAsset, (p.id, "USDT")))

    p.portal.db.transact(remove)
    p.refused(111008, "POST", LOADS, load_body(card_no))
    p.refused(111008, "GET", "/customers/balance")


def test_the_float_is_never_overdrawn(app) -> None:
    p = partner(app, usdt="101")
    card_no = p.card()
    p.refused(111011, "POST", LOADS, load_body(card_no, "100.000001"))
    assert p.load(card_no, "100")
    assert p.float_units() == 0
    p.refused(111011, "POST", LOADS, load_body(card_no, "1"))


def test_thirty_two_loads_at_once_never_overdraw(postgres_app) -> None:
    p = partner(postgres_app, usdt="101")
    card_no = p.card()

    def one(number: int):
        order = loads.Order(card_no, "u1", 10_000000, "USDT", f"c{number}", None, idempotency.fingerprint(str(number)))
        return lambda: p.portal.db.transact(loads.load, p.id, order).tx_id

    answers = at_once(*[one(number) for number in range(32)])
    assert answers.count("insufficient_balance") == 22
    assert p.float_units() == 0
    p.work()
    assert {record["tx_status"] for record in p.ok("GET", LOADS, query={"page_size": "100"})["records"]} == {1}
    assert p.ok("POST", "/bank/balance", {"card_no": card_no})["current_balance"] == "95.1"


def test_one_of_many_repeats_pays(postgres_app) -> None:
    p = partner(postgres_app, usdt="101")
    card_no = p.card()
    order = loads.Order(card_no, "u1", 10_000000, "USDT", "same", None, "f" * 64)
    answers = at_once(*[lambda: p.portal.db.transact(loads.load, p.id, order).tx_id for _ in range(24)])
    assert len(set(answers)) == 1
    assert p.float_units() == 90_000000


@pytest.mark.parametrize("fault", ["timeout", "error", "lost_answer", "duplicate"])
def test_faults_of_the_network_lose_and_double_nothing(app, travel, fault) -> None:
    p = partner(app)
    card_no = p.card()
    said = p.load(card_no, "100")
    p.portal.world.set_fault("card_network", fault, 3)
    for _ in range(6):
        p.work()
        travel(120)
    p.work()
    p.portal.world.set_fault("card_network", fault, 0)
    assert status(p, said["tx_id"]) == 1
    assert p.ok("POST", "/bank/balance", {"card_no": card_no})["current_balance"] == said["currency_amount"]


@pytest.mark.parametrize("times", [1, 5])
def test_a_final_no_gives_the_money_back_once_however_often_it_is_said(app, times) -> None:
    p = partner(app)
    card_no = p.card()
    before = p.float_units()
    said = p.load(card_no, "100")
    p.portal.world.set_fault("card_network", "reject", times)
    p.work()
    assert status(p, said["tx_id"]) == 5
    assert p.float_units() == before
    assert house(p, "clearing", "USDT") == 0


def test_what_the_worker_looks_at_leaves_a_final_no_to_the_load(app, travel) -> None:
    p = partner(app)
    card_no = p.card()
    p.portal.world.set_fault("card_network", "reject", 1)
    for _ in range(3):  # the feed of events is read every two seconds
        travel(3)
        p.work()
    said = p.load(card_no, "100")
    p.work()
    assert status(p, said["tx_id"]) == 5


def test_a_network_that_will_not_say_how_a_load_stands_is_asked_again(app, travel, monkeypatch) -> None:
    p = partner(app)
    card_no = p.card()
    before = p.float_units()
    said = p.load(card_no, "100")
    network = p.portal.ports.card_network
    with monkeypatch.context() as patched:
        patched.setattr(network, "load_state", _refuse)
        patched.setattr(network, "events", lambda after, limit: [])
        p.work()
        assert status(p, said["tx_id"]) == 4
    travel(120)
    p.work()
    assert status(p, said["tx_id"]) == 1
    assert before - p.float_units() == 100_000000


def _refuse(_: str) -> None:
    raise PortRejected("not now")


def test_a_no_after_a_lost_yes_is_no_refund(app, travel) -> None:
    p = partner(app)
    card_no = p.card()
    before = p.float_units()
    said = p.load(card_no, "100")
    load, network_id = p.portal.db.transact(loads.sending, p.portal.db.read(loads.by_tx_id, p.id, said["tx_id"]).id)
    p.portal.ports.card_network.load(load.tx_id, network_id, load.currency_units)  # done, and the answer lost
    p.portal.world.set_fault("card_network", "reject", 1)
    p.work()
    travel(60)
    p.work()
    assert status(p, said["tx_id"]) == 1
    assert before - p.float_units() == 100_000000


def test_a_card_frozen_at_the_bank_refuses_the_load(app) -> None:
    p = partner(app)
    card_no = p.card()
    before = p.float_units()
    said = p.load(card_no, "100")
    act_at_the_bank_only(p, card_no)
    p.work()
    assert status(p, said["tx_id"]) == 5
    assert p.float_units() == before


def act_at_the_bank_only(p, card_no: str) -> None:
    card = p.portal.db.read(partner_cards.by_card_no, card_no)
    assert p.portal.ports.card_network.set_frozen(card.network_id, True)


def test_loads_of_others_and_of_nobody(app) -> None:
    p, q = partner(app), partner(app)
    said = p.load(p.card(), "10")
    q.refused(111023, "GET", f"{LOADS}/{said['tx_id']}/status")
    p.refused(111022, "GET", f"{LOADS}/{'9' * 25}/status")
    p.refused(111022, "GET", f"{LOADS}/{'9' * 99}/status")


def test_lists_of_loads(app, travel) -> None:
    p = partner(app)
    card_no = p.card(card_type_id="50000002")
    first = p.load(card_no, "61.86", "1223")
    travel(10)
    p.load(card_no, "10", "1224")
    said = p.ok("GET", LOADS)
    assert (said["total"], [record["cust_tx_id"] for record in said["records"]]) == (2, ["1224", "1223"])
    record = p.ok("GET", LOADS, query={"acct_no": "u1", "time_sort": "asc"})["records"][0]
    assert record["tx_id"] == first["tx_id"] and record["tx_amount"] == "61.86" and record["coin_type"] == "USDT"
    assert record["exchange_fee"] == "0.6186" and record["loading_fee"] == "3.093"
    assert abs(record["cust_tx_time"] - p.portal.clock.now_ms()) < 60_000


def test_the_calculators_and_a_load_agree(app) -> None:
    p = partner(app, usdt="100000")
    card_no = p.card(card_type_id="50000002")
    for wish in ("0.01", "1", "99.99", "100", "955", "960", "961.41", "2500"):
        body = {"currency_amount": wish, "card_type_id": "50000002", "coin_type": "USDT"}
        needed = p.ok("POST", "/calculation/crypto", body)
        body = {"coin_amount": needed["coin_amount"], "card_type_id": "50000002", "coin_type": "usdt"}
        arrives = p.ok("POST", "/calculation/currency", body)
        loaded = p.load(card_no, needed["coin_amount"])
        assert arrives["currency_amount"] == loaded["currency_amount"]
        assert Decimal(loaded["currency_amount"]) >= Decimal(wish)
        assert needed["loading_fee"] == arrives["loading_fee"] == loaded["loading_fee"]
        assert needed["exchange_fee"] == arrives["exchange_fee"] == loaded["exchange_fee"]


def test_calculations_that_make_no_sense(app) -> None:
    p = partner(app)
    for amount in ("0", "-1", "x", "1e5", "0.001"):
        body = {"currency_amount": amount, "card_type_id": "50000001", "coin_type": "USDT"}
        p.refused(111001, "POST", "/calculation/crypto", body)
    for changed in ({"coin_type": "ETH"}, {"coin_amount": "0"}, {"coin_amount": "0.005"}):
        body = {"coin_amount": "1", "card_type_id": "50000001", "coin_type": "USDT", **changed}
        p.refused(111001, "POST", "/calculation/currency", body)
    unknown = {"coin_amount": "1", "card_type_id": "9", "coin_type": "USDT"}
    p.refused(111016, "POST", "/calculation/currency", unknown)
    p.refused(111016, "GET", "/rates", query={"card_type_id": "9"})


def test_kinds_without_terms(app) -> None:
    p = partner(app, types=("50000001",))
    p.refused(111010, "GET", "/rates", query={"card_type_id": "50000002"})
    body = {"currency_amount": "1", "card_type_id": "50000002", "coin_type": "USDT"}
    p.refused(111010, "POST", "/calculation/crypto", body)


def test_the_float_is_filled_from_the_chain_like_any_deposit(app) -> None:
    p = partner(app, usdt="0")
    account = p.ok("GET", "/customers/balance")[0]
    assert account["balance"] == "0"
    chain = p.portal.ports.chains["ETHEREUM"]
    assert chain.add_transfer("USDT", account["address"], 872_526200, "0x" + "ab" * 32, 0)
    p.work()
    assert p.ok("GET", "/customers/balance")[0]["balance"] == "0"
    chain.mine(20)
    p.work()
    assert p.ok("GET", "/customers/balance")[0]["balance"] == "872.5262"
