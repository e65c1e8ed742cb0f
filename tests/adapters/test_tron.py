"""TRON against a node's interface: deposits once they are solid, bytes that expire before they are replaced, real signatures."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from portal.adapters.signer import tron_bytes
from portal.adapters.tron import TronChain
from portal.clock import SystemClock
from portal.ports import PortError, PortRejected, SignedTransaction
from tests.adapters import signing, tron_node
from tests.adapters.tron_node import BLOCK_MS, SOLID_AFTER, TronNode

STRANGER = "TVjsyZ7fYF3qLF6BQgPmTEZy1xrNNyVAAA"
FAKE_TOKEN = "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj"
LIFE_BLOCKS = 600_000 // BLOCK_MS


@pytest.fixture
def node() -> Any:
    with tron_node.running(time.time_ns() // 1_000_000) as found:
        yield found


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    wide = {"SIGNER_DAY_LIMIT_TRON_USDT": "1000000"}
    with signing.running(tmp_path_factory.mktemp("signer"), **wide) as found:
        yield found


@pytest.fixture
def chain(node: TronNode, signer: signing.Signing) -> TronChain:
    node.give(signer.keys.hot("TRON").address, 1_000_000_000)
    return TronChain({"TRON_NODE_URL": node.url, "SIGNER_SOCKET": signer.settings["SIGNER_SOCKET"]}, SystemClock())


_numbers = iter(range(1, 1000))


def withdraw(signer: signing.Signing, chain: TronChain, units: int = 5_000_000) -> tuple[str, SignedTransaction]:
    reference = f"T{next(_numbers)}"
    return reference, chain.sign(signer.approve(reference, "TRON", "USDT", STRANGER, units), "USDT", STRANGER, units)


def test_bytes_are_what_the_protocols_own_encoder_writes() -> None:
    vector = json.loads((Path(__file__).parent / "tron_vector.json").read_text())
    call = tron_bytes.trigger_contract(
        owner=bytes.fromhex(vector["owner"]),
        contract=bytes.fromhex(vector["contract"]),
        data=bytes.fromhex(vector["data"]),
    )
    raw = tron_bytes.raw_data(
        bytes.fromhex(vector["block_id"]), call, timestamp=vector["timestamp"], expiration=vector["expiration"],
        fee_limit=vector["fee_limit"],
    )  # fmt: skip
    assert tron_bytes.transaction(raw, b"\x05" * 65).hex() == vector["transaction"]


def test_a_deposit_is_seen_when_its_block_is_solid(node: TronNode, signer: signing.Signing, chain: TronChain) -> None:
    mine = signer.keys.deposit("TRON", 2).address
    paid = node.pay(mine, 7_500_000)
    failed, fake = (
        node.pay(mine, 1, result="REVERT"),
        node.pay(mine, 9_000_000, contract="TPYmHEhy5n8TCEfYGqW2rPxsghSfzghPDn"),
    )
    node.mine()
    number = len(node.blocks) - 1
    assert chain.head().number < number
    node.mine(SOLID_AFTER)
    head = chain.head()
    assert (head.number, head.solid_number) == (number, number)
    (found,) = chain.transfers(number - 3, number)
    assert (found.tx_hash, found.asset, found.to, found.amount_units) == (paid, "USDT", mine, 7_500_000)
    assert found.block_hash == chain.block_hash(number) == head.block_hash
    assert found.tx_hash not in (failed, fake)


def test_an_approved_order_is_paid_once_and_confirmed_when_solid(
    node: TronNode, signer: signing.Signing, chain: TronChain
) -> None:
    _, signed = withdraw(signer, chain)
    assert chain.status(signed.tx_hash).state == "unknown"
    chain.broadcast(signed)
    chain.broadcast(signed)
    assert chain.status(signed.tx_hash).state == "pending"
    node.mine()
    chain.broadcast(signed)
    node.mine(SOLID_AFTER)
    assert chain.status(signed.tx_hash).state == "confirmed"
    assert node.holds(STRANGER) == 5_000_000


def test_a_transfer_that_fails_in_its_block_is_failed_once_solid(
    node: TronNode, signer: signing.Signing, chain: TronChain
) -> None:
    _, signed = withdraw(signer, chain)
    chain.broadcast(signed)
    node.give(signer.keys.hot("TRON").address, 0)
    node.mine(1 + SOLID_AFTER)
    assert chain.status(signed.tx_hash).state == "failed"


def test_bytes_are_replaced_only_when_they_can_never_land(
    node: TronNode, signer: signing.Signing, chain: TronChain
) -> None:
    reference, first = withdraw(signer, chain)
    signer.sql(
        "UPDATE withdrawals SET status = 'processing', tx_hash = ? WHERE reference = ?", first.tx_hash, reference
    )
    node.mine(LIFE_BLOCKS)
    with pytest.raises(PortRejected, match="may still land"):
        chain.sign(f"{reference}:2", "USDT", STRANGER, 5_000_000)
    node.mine(SOLID_AFTER)
    with pytest.raises(PortError, match="EXPIRATION"):
        chain.broadcast(first)
    second = chain.sign(f"{reference}:2", "USDT", STRANGER, 5_000_000)
    assert second.tx_hash != first.tx_hash
    chain.broadcast(second)
    node.mine(1 + SOLID_AFTER)
    assert (chain.status(second.tx_hash).state, chain.status(first.tx_hash).state) == ("confirmed", "unknown")
    assert node.holds(STRANGER) == 5_000_000


def test_one_key_is_one_signature(signer: signing.Signing, chain: TronChain) -> None:
    reference, first = withdraw(signer, chain)
    signer.kill()
    signer.start()
    assert chain.sign(f"{reference}:1", "USDT", STRANGER, 5_000_000) == first
    with pytest.raises(PortRejected, match="something else"):
        chain.sign(f"{reference}:1", "USDT", STRANGER, 5_000_001)


def test_equal_orders_are_still_two(node: TronNode, signer: signing.Signing, chain: TronChain) -> None:
    both = [withdraw(signer, chain)[1] for _ in range(2)]
    for each in both:
        chain.broadcast(each)
    node.mine()
    assert both[0].tx_hash != both[1].tx_hash
    assert node.holds(STRANGER) == 10_000_000


def test_what_would_fail_or_cost_too_much_is_not_signed(
    node: TronNode, signer: signing.Signing, chain: TronChain
) -> None:
    node.energy_used = 500_000
    with pytest.raises(PortError, match="fee limit"):
        withdraw(signer, chain)
    node.energy_used = 65_000
    node.give(signer.keys.hot("TRON").address, 1)
    with pytest.raises(PortError, match="would fail"):
        withdraw(signer, chain)


def test_altered_bytes_are_refused_for_good_and_a_busy_node_is_trouble(
    node: TronNode, signer: signing.Signing, chain: TronChain
) -> None:
    _, signed = withdraw(signer, chain)
    node.busy = True
    with pytest.raises(PortError, match="SERVER_BUSY"):
        chain.broadcast(signed)
    node.busy = False
    other = signed.raw.replace((5_000_000).to_bytes(32, "big"), (6_000_000).to_bytes(32, "big"))
    with pytest.raises(PortRejected, match="SIGERROR"):
        chain.broadcast(SignedTransaction(other, signed.tx_hash, signed.expires_at))


def test_only_approved_orders_are_signed(signer: signing.Signing, chain: TronChain) -> None:
    key = signer.approve("T-held", "TRON", "USDT", STRANGER, 5_000_000, "awaiting_approval")
    with pytest.raises(PortRejected, match="not approved"):
        chain.sign(key, "USDT", STRANGER, 5_000_000)
    key = signer.approve("T-twip", "TRON", "TWIP", STRANGER, 5_000_000)
    with pytest.raises(PortRejected, match="has no limit"):
        chain.sign(key, "TWIP", STRANGER, 5_000_000)


def test_deposits_are_swept_to_the_hot_wallet(node: TronNode, signer: signing.Signing, chain: TronChain) -> None:
    hot, mine = signer.keys.hot("TRON").address, signer.keys.deposit("TRON", 5).address
    before = node.holds(hot)
    node.give(mine, 3_000_000)
    assert chain.sweep(5, mine, "USDT")
    node.mine()
    assert (node.holds(mine), node.holds(hot) - before) == (0, 3_000_000)
    assert chain.sweep(5, mine, "USDT") == ""


def test_a_node_that_is_away_is_trouble(signer: signing.Signing) -> None:
    settings = {"TRON_NODE_URL": "http://127.0.0.1:9", "SIGNER_SOCKET": signer.settings["SIGNER_SOCKET"]}
    with pytest.raises(PortError):
        TronChain(settings, SystemClock()).head()
