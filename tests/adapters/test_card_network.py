"""The card network issues, loads and tells once per key: the sandbox's and one behind HTTP alike."""

from pathlib import Path
from typing import Any

import pytest

from portal.adapters.http_card_network import HttpCardNetwork
from portal.adapters.sandbox.card_network import TAIPEI, SandboxCardNetwork
from portal.adapters.sandbox.world import World
from portal.clock import SandboxClock
from portal.ports import PortError, PortRejected
from tests.adapters.outside import KEY, card_network, serving

FIVE_DOLLARS = 5_000_000


@pytest.fixture
def twin(tmp_path: Path) -> SandboxCardNetwork:
    return SandboxCardNetwork(World(tmp_path / "world.db"), SandboxClock(tmp_path / "clock"))


@pytest.fixture(params=["sandbox", "http"])
def port(request: pytest.FixtureRequest, twin: SandboxCardNetwork) -> Any:
    if request.param == "sandbox":
        yield twin
        return
    with serving(card_network(twin)) as url:
        yield HttpCardNetwork({"CARD_NETWORK_URL": url, "CARD_NETWORK_API_KEY": KEY})


@pytest.fixture
def card(port: Any) -> str:
    issued: str = port.issue("card:1", "50000001").network_id
    port.activate("card:1:activate", issued)
    return issued


def test_one_key_makes_one_card(port: Any) -> None:
    first = port.issue("card:1", "50000001")
    assert port.issue("card:1", "50000001") == first
    assert port.issue("card:2", "50000001").network_id != first.network_id
    assert (first.first_six, len(first.last_four)) == ("430021", 4)


def test_one_key_loads_once(port: Any, card: str) -> None:
    port.load("load:1", card, FIVE_DOLLARS)
    port.load("load:1", card, FIVE_DOLLARS)
    account = port.account(card)
    assert (account.active, account.frozen) == (True, False)
    assert (account.balance_units, account.available_units) == (FIVE_DOLLARS, FIVE_DOLLARS)
    assert (port.load_state("load:1").state, port.load_state("load:2").state) == ("paid", "unknown")


def test_a_load_that_is_refused_stays_refused(port: Any, twin: SandboxCardNetwork, card: str) -> None:
    twin.set_frozen(card, True)
    with pytest.raises(PortRejected, match="frozen"):
        port.load("load:1", card, FIVE_DOLLARS)
    assert (port.load_state("load:1").state, port.load_state("load:1").reason) == ("rejected", "the card is frozen")
    assert port.account(card).balance_units == 0


def test_a_card_it_never_made_is_a_final_no(port: Any) -> None:
    for call in (
        lambda: port.account("net_x"),
        lambda: port.activate("k", "net_x"),
        lambda: port.load("k", "net_x", 1),
    ):
        with pytest.raises(PortRejected):
            call()


def test_documents_are_reviewed_before_a_card_is_active(port: Any, twin: SandboxCardNetwork) -> None:
    network_id = port.issue("card:1", "50000001").network_id
    port.submit_documents("card:1:documents", network_id)
    with pytest.raises(PortRejected):
        port.activate("card:1:activate", network_id)
    twin.review(network_id, True)
    assert port.account(network_id).active


def test_events_come_in_order_and_from_where_one_stopped(port: Any, twin: SandboxCardNetwork, card: str) -> None:
    port.load("load:1", card, FIVE_DOLLARS)
    twin.use(card, "purchase", 1_000_000, "TEA HOUSE")
    twin.use(card, "purchase", 90_000_000, "JEWELLER")
    events = port.events(0, 50)
    assert [(e.kind, e.debit_units, e.credit_units, e.approved) for e in events] == [
        ("activated", 0, 0, True), ("load", 0, FIVE_DOLLARS, True), ("purchase", 1_000_000, 0, True),
        ("fee", 200_000, 0, True), ("purchase", 90_000_000, 0, False),
    ]  # fmt: skip
    assert (events[1].key, events[2].description, events[4].reason) == ("load:1", "TEA HOUSE", "insufficient_funds")
    assert port.events(events[1].number, 1) == [events[2]]


def test_a_statement_adds_up(port: Any, twin: SandboxCardNetwork, card: str) -> None:
    port.load("load:1", card, FIVE_DOLLARS)
    twin.use(card, "purchase", 1_000_000, "TEA HOUSE")
    today = twin._clock.now().astimezone(TAIPEI).date()
    (statement,) = port.statements(card, (today.year, today.month), (today.year, today.month))
    assert (statement.year, statement.month) == (today.year, today.month)
    assert statement.opening_units + sum(line.credit_units - line.debit_units for line in statement.lines) == 3_800_000
    assert statement.closing_units == 3_800_000
    assert statement == twin.statements(card, (today.year, today.month), (today.year, today.month))[0]


@pytest.mark.parametrize(
    "answer", [{}, {"product": "X", "balance": "1e9", "available": "0", "active": True, "frozen": False}]
)
def test_an_answer_that_is_not_as_agreed_is_trouble(answer: dict[str, Any]) -> None:
    with serving(lambda *call: (200, answer)) as url, pytest.raises(PortError):
        HttpCardNetwork({"CARD_NETWORK_URL": url, "CARD_NETWORK_API_KEY": KEY}).account("net_1")
