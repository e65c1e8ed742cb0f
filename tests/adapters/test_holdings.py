"""What the house holds on a chain: told alike by the sandbox's twin, by a real EVM node and by a TRON node."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from web3.types import RPCEndpoint

from portal.adapters import ethereum, tron
from portal.adapters.ethereum import EthereumChain
from portal.adapters.sandbox.chain import SOLID_DEPTH, SandboxChain
from portal.adapters.sandbox.world import World
from portal.adapters.tron import TronChain
from portal.clock import SystemClock
from portal.ports import ChainPort, PortError, PortTimeout, TellsHoldings
from tests.adapters import evm, signing, tron_node
from tests.adapters.tron_node import TronNode

ETHER = 10**18
CONFIRMATIONS = 6
STRANGERS = {"ETHEREUM": "0x000000000000000000000000000000000000dEaD", "TRON": "TVjsyZ7fYF3qLF6BQgPmTEZy1xrNNyVAAA"}


@dataclass
class House:
    """A chain on which the house has a hot wallet with something in it, and addresses of its own.

    `arrives(address, units)` and `leaves(units)` move USDT and make one block; `ages(count)` lets blocks go by, of which
    `solid_after` make one that can no longer change; `breaks()` takes the node away.
    """

    chain: Any
    addresses: list[str]
    arrives: Callable[[str, int], Any]
    leaves: Callable[[int], Any]
    ages: Callable[[int], Any]
    solid_after: int
    breaks: Callable[[], Any]

    @property
    def dollars(self) -> int:
        found: int = self.chain.holdings(self.addresses)["USDT"]
        return found


@pytest.fixture(scope="module")
def token() -> dict[str, Any]:
    return evm.compiled()


@pytest.fixture
def signer(tmp_path: Path) -> Any:
    with signing.running(tmp_path, ETHEREUM_CHAIN_ID="31337") as found:
        yield found


@pytest.fixture
def evm_node(token: dict[str, Any]) -> Any:
    with evm.running(token) as found:
        yield found


@pytest.fixture
def tron_server() -> Any:
    with tron_node.running(time.time_ns() // 1_000_000) as found:
        yield found


@pytest.fixture(params=["sandbox", "ethereum", "tron"])
def house(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(f"{request.param}_house")


@pytest.fixture
def sandbox_house(tmp_path: Path) -> House:
    world = World(tmp_path / "world.db")
    chain = SandboxChain(world, SystemClock(), "ETHEREUM")
    chain.set_opening("USDT", 1_000_000_000)
    names = iter(f"0x{number:064x}" for number in range(1, 100))

    def leaves(units: int) -> None:
        chain.broadcast(chain.sign(next(names), "USDT", STRANGERS["ETHEREUM"], units))

    return House(
        chain, ["0xAa", "0xBb"], lambda to, units: chain.add_transfer("USDT", to, units, next(names), 0), leaves,
        chain.mine, SOLID_DEPTH["ETHEREUM"], lambda: world.set_fault("chain", "timeout", 9),
    )  # fmt: skip


def ethereum_chain(node: evm.Node, signer: signing.Signing, **other: str) -> EthereumChain:
    return EthereumChain(
        {
            "ETHEREUM_NODE_URL": node.url, "ETHEREUM_CONFIRMATIONS": str(CONFIRMATIONS),
            "SIGNER_SOCKET": signer.settings["SIGNER_SOCKET"], "CHAIN_CONTRACT_ETHEREUM_USDT": node.token.address, **other,
        }
    )  # fmt: skip


@pytest.fixture
def evm_signer(evm_node: evm.Node, tmp_path: Path) -> Any:
    contract = {"CHAIN_CONTRACT_ETHEREUM_USDT": evm_node.token.address, "ETHEREUM_CHAIN_ID": "31337"}
    with signing.running(tmp_path, **contract) as found:
        yield found


@pytest.fixture
def ethereum_house(evm_node: evm.Node, evm_signer: signing.Signing) -> House:
    signer = evm_signer
    hot = signer.keys.hot("ETHEREUM").address
    evm_node.pay(hot, 3 * ETHER)
    evm_node.pay_token(hot, 1_000_000_000)
    evm_node.mine(1 + CONFIRMATIONS)
    found = House(
        ethereum_chain(evm_node, signer), [signer.keys.deposit("ETHEREUM", number).address for number in (0, 1)],
        lambda to, units: (evm_node.pay_token(to, units), evm_node.mine()), lambda units: None, evm_node.mine,
        CONFIRMATIONS, lambda: None,
    )  # fmt: skip
    return _real(found, signer, lambda: setattr(found, "chain", ethereum_chain(evm_node, signer, **_NOBODY)))


#: An address at which nobody answers.
_NOBODY = {"ETHEREUM_NODE_URL": "http://127.0.0.1:9", "TRON_NODE_URL": "http://127.0.0.1:9"}


def _real(found: House, signer: signing.Signing, breaks: Callable[[], Any]) -> House:
    numbers = iter(range(1, 100))
    chain: ChainPort = found.chain

    def leaves(units: int) -> None:
        to = STRANGERS[chain.network]
        key = signer.approve(f"H{next(numbers)}", chain.network, "USDT", to, units)
        chain.broadcast(chain.sign(key, "USDT", to, units))
        found.ages(1)

    found.leaves, found.breaks = leaves, breaks
    return found


@pytest.fixture
def tron_house(tron_server: TronNode, signer: signing.Signing) -> House:
    settings = {"TRON_NODE_URL": tron_server.url, "SIGNER_SOCKET": signer.settings["SIGNER_SOCKET"]}
    tron_server.give(signer.keys.hot("TRON").address, 1_000_000_000)
    found = House(
        TronChain(settings, SystemClock()), [signer.keys.deposit("TRON", number).address for number in (0, 1)],
        lambda to, units: (tron_server.pay(to, units), tron_server.mine()), lambda units: None, tron_server.mine,
        tron_node.SOLID_AFTER, lambda: None,
    )  # fmt: skip
    away = TronChain({**settings, **_NOBODY}, SystemClock())
    return _real(found, signer, lambda: setattr(found, "chain", away))


def test_a_payment_to_ones_own_address_is_held_once_it_cannot_change_any_more(house: House) -> None:
    assert isinstance(house.chain, TellsHoldings)
    assert house.dollars == 1_000_000_000
    house.arrives(house.addresses[1], 7_000_001)
    house.ages(house.solid_after - 1)
    assert house.dollars == 1_000_000_000
    house.ages(1)
    assert house.dollars == 1_007_000_001


def test_a_payment_out_leaves_once_it_cannot_change_any_more(house: House) -> None:
    house.leaves(250_000_000)
    house.ages(house.solid_after - 1)
    assert house.dollars == 1_000_000_000
    house.ages(1)
    assert house.dollars == 750_000_000


def test_strangers_money_is_not_held_and_an_address_counts_once(house: House) -> None:
    house.arrives(STRANGERS[house.chain.network], 5_000_000)
    house.arrives(house.addresses[0], 2_000_000)
    house.ages(house.solid_after)
    assert house.dollars == 1_002_000_000
    assert house.chain.holdings([*house.addresses, *house.addresses])["USDT"] == 1_002_000_000
    assert house.chain.holdings([])["USDT"] == 1_000_000_000


def test_a_chain_that_is_away_tells_nothing(house: House) -> None:
    house.breaks()
    with pytest.raises(PortError):
        house.chain.holdings(house.addresses)


def test_a_sandbox_chain_without_an_opening_cannot_tell(tmp_path: Path) -> None:
    chain = SandboxChain(World(tmp_path / "world.db"), SystemClock(), "TRON")
    chain.add_transfer("USDT", "TAa", 5, "1", 0)
    chain.mine(SOLID_DEPTH["TRON"])
    assert chain.holdings(["TAa"]) == {}


# --- Ethereum ---


def test_coins_are_added_up_before_they_are_cut_to_units(ethereum_house: House, evm_node: evm.Node) -> None:
    before = ethereum_house.chain.holdings(ethereum_house.addresses)["ETH"]
    for each in ethereum_house.addresses:
        evm_node.pay(each, 10**9 // 2)
    evm_node.mine(1 + CONFIRMATIONS)
    assert ethereum_house.chain.holdings(ethereum_house.addresses)["ETH"] == before + 1
    assert before == 3 * 10**9


def test_many_addresses_are_asked_about_in_bounded_requests_of_one_block(
    ethereum_house: House, evm_signer: signing.Signing, evm_node: evm.Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, blocks = [], set()
    ask = ethereum_house.chain._provider.make_batch_request

    def seen(questions: list[tuple[RPCEndpoint, Any]]) -> Any:
        sizes.append(len(questions))
        blocks.update(what[1] for _, what in questions)
        evm_node.mine()  # the chain goes on meanwhile
        return ask(questions)

    monkeypatch.setattr(ethereum_house.chain._provider, "make_batch_request", seen)
    many = [evm_signer.keys.deposit("ETHEREUM", number).address for number in range(120)]
    ethereum_house.arrives(many[119], 11_000_000)
    evm_node.mine(CONFIRMATIONS)
    solid = ethereum_house.chain.head().solid_number
    assert ethereum_house.chain.holdings(many)["USDT"] == 1_011_000_000
    assert (sizes, blocks) == ([100, 100, 42], {hex(solid)})


def test_a_node_that_is_too_slow_or_has_no_such_token_tells_nothing(
    ethereum_house: House, evm_signer: signing.Signing, evm_node: evm.Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = ethereum_chain(evm_node, evm_signer, CHAIN_CONTRACT_ETHEREUM_USDT=STRANGERS["ETHEREUM"])
    with pytest.raises(PortError, match="does not tell a balance"):
        nowhere.holdings(ethereum_house.addresses)
    monkeypatch.setattr(ethereum, "READING_SECONDS", 0)
    with pytest.raises(PortTimeout, match="too slow"):
        ethereum_house.chain.holdings(ethereum_house.addresses)


# --- TRON ---


def test_a_tron_node_that_is_too_slow_is_not_waited_for(
    tron_house: House, tron_server: TronNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tron, "READING_SECONDS", 0.1)
    tron_server.quick.clear()
    with pytest.raises(PortTimeout, match="too slow"):
        tron_house.chain.holdings(tron_house.addresses)
    tron_server.quick.set()


def test_what_a_token_contract_refuses_to_tell_is_trouble(tron_house: House, tron_server: TronNode) -> None:
    tron_server.mute = True
    with pytest.raises(PortError, match="does not tell a balance"):
        tron_house.chain.holdings(tron_house.addresses)


def test_money_swept_in_between_is_never_missing(tron_house: House, tron_server: TronNode) -> None:
    first, hot = tron_house.addresses[0], tron_house.chain._signer.ask("public")["TRON"]["hot"]
    tron_house.arrives(first, 4_000_000)
    tron_house.ages(tron_house.solid_after)
    balance, asked = tron_house.chain._balance, []

    def sweeping(owner: str, asset: str) -> int:
        found: int = balance(owner, asset)
        asked.append(owner)
        if owner == first:
            tron_server.give(first, 0)
            tron_server.give(hot, 1_004_000_000)
        return found

    tron_house.chain._balance = sweeping
    assert tron_house.chain.holdings(tron_house.addresses)["USDT"] >= 1_004_000_000
    assert asked[-1] == hot
