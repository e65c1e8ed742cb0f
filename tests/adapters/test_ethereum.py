"""Ethereum against a real node: deposits through reorganisations, withdrawals once each whatever dies, fees that keep up."""

from pathlib import Path
from typing import Any

import pytest

from portal.adapters.ethereum import EthereumChain
from portal.ports import PortError, PortRejected, SignedTransaction
from tests.adapters import evm, signing

ETHER = 10**18
GWEI = 10**9
CONFIRMATIONS = 6
STRANGER = "0x000000000000000000000000000000000000dEaD"


@pytest.fixture(scope="module")
def token() -> dict[str, Any]:
    return evm.compiled()


@pytest.fixture
def node(token: dict[str, Any]) -> Any:
    with evm.running(token) as found:
        yield found


@pytest.fixture
def signer(tmp_path: Path, node: evm.Node) -> Any:
    contract = {"CHAIN_CONTRACT_ETHEREUM_USDT": node.token.address, "ETHEREUM_CHAIN_ID": "31337"}
    with signing.running(tmp_path, **contract) as found:
        hot = found.keys.hot("ETHEREUM").address
        node.pay(hot, 100 * ETHER)
        node.pay_token(hot, 10_000_000_000)
        node.mine()
        yield found


@pytest.fixture
def chain(node: evm.Node, signer: signing.Signing) -> EthereumChain:
    return EthereumChain(
        {
            "ETHEREUM_NODE_URL": node.url, "ETHEREUM_CONFIRMATIONS": str(CONFIRMATIONS),
            "SIGNER_SOCKET": signer.settings["SIGNER_SOCKET"], "CHAIN_CONTRACT_ETHEREUM_USDT": node.token.address,
        }
    )  # fmt: skip


def seen(chain: EthereumChain, to: str) -> list[tuple[str, str, int]]:
    head = chain.head().number
    return [(each.tx_hash, each.asset, each.amount_units) for each in chain.transfers(0, head) if each.to == to]


def test_coins_and_tokens_are_seen_where_they_went(
    node: evm.Node, signer: signing.Signing, chain: EthereumChain
) -> None:
    mine = signer.keys.deposit("ETHEREUM", 3).address
    coin, dollars = node.pay(mine, ETHER // 2 + 1), node.pay_token(mine, 12_345_678)
    node.mine()
    assert sorted(seen(chain, mine)) == sorted([(coin, "ETH", 500_000_000), (dollars, "USDT", 12_345_678)])
    head = chain.head()
    (block,) = {(each.block_number, each.block_hash) for each in chain.transfers(head.number, head.number)}
    assert block == (head.number, head.block_hash) == (head.number, chain.block_hash(head.number))
    assert head.solid_number == max(head.number - CONFIRMATIONS, 0)
    assert chain.block_hash(head.number + 1) is None


def test_a_payment_that_was_reverted_is_told_as_failed(node: evm.Node, chain: EthereumChain) -> None:
    transaction = {"from": node.rich, "to": node.token.address, "value": ETHER, "gas": 100_000}
    node.web3.eth.send_transaction(transaction)
    node.mine()
    (found,) = [each for each in chain.transfers(chain.head().number, chain.head().number)]
    assert (found.asset, found.succeeded) == ("ETH", False)


def test_a_deposit_follows_a_reorganisation(node: evm.Node, signer: signing.Signing, chain: EthereumChain) -> None:
    mine = signer.keys.deposit("ETHEREUM", 0).address
    lost = node.pay_token(mine, 5_000_000)
    node.mine(2)
    (before,) = [each for each in chain.transfers(0, chain.head().number) if each.to == mine]
    node.rpc("anvil_reorg", 3, [])
    assert chain.block_hash(before.block_number) != before.block_hash
    assert (lost, "USDT", 5_000_000) not in seen(chain, mine)
    again = node.pay_token(mine, 5_000_000)
    node.mine()
    assert (again, "USDT", 5_000_000) in seen(chain, mine)


def withdraw(
    signer: signing.Signing, chain: EthereumChain, number: int, asset: str, units: int, to: str = STRANGER
) -> SignedTransaction:
    key = signer.approve(f"W{number}", "ETHEREUM", asset, to, units)
    return chain.sign(key, asset, to, units)


@pytest.mark.parametrize("asset,units", [("ETH", 1_500_000_000), ("USDT", 250_000_000)])
def test_an_approved_order_is_paid_once_and_confirmed_when_it_is_deep(
    node: evm.Node, signer: signing.Signing, chain: EthereumChain, asset: str, units: int
) -> None:
    before = node.web3.eth.get_balance(STRANGER), node.tokens(STRANGER)
    signed = withdraw(signer, chain, 1, asset, units)
    assert chain.status(signed.tx_hash).state == "unknown"
    chain.broadcast(signed)
    chain.broadcast(signed)
    assert chain.status(signed.tx_hash).state == "pending"
    node.mine()
    assert chain.status(signed.tx_hash).state == "pending"
    node.mine(CONFIRMATIONS)
    status = chain.status(signed.tx_hash)
    assert (status.state, status.confirmations) == ("confirmed", CONFIRMATIONS + 1)
    assert status.fee_units > 0
    chain.broadcast(signed)
    node.mine()
    wei, dollars = node.web3.eth.get_balance(STRANGER) - before[0], node.tokens(STRANGER) - before[1]
    assert (wei, dollars) == ((units * GWEI, 0) if asset == "ETH" else (0, units))


def test_one_key_is_one_signature_even_when_the_signer_was_killed(
    signer: signing.Signing, chain: EthereumChain
) -> None:
    first = withdraw(signer, chain, 1, "USDT", 1_000_000)
    signer.kill()
    with pytest.raises(PortError, match="cannot be reached"):
        chain.sign("W1:1", "USDT", STRANGER, 1_000_000)
    signer.start()
    assert chain.sign("W1:1", "USDT", STRANGER, 1_000_000) == first
    second = withdraw(signer, chain, 2, "USDT", 1_000_000)
    assert second.nonce == (first.nonce or 0) + 1


def test_many_orders_signed_before_one_is_sent_get_a_nonce_each(
    node: evm.Node, signer: signing.Signing, chain: EthereumChain
) -> None:
    signed = [withdraw(signer, chain, number, "USDT", 1_000_000) for number in range(5)]
    assert [each.nonce for each in signed] == list(range(5))
    for each in reversed(signed):
        chain.broadcast(each)
    node.mine()
    assert node.tokens(STRANGER) == 5_000_000


def test_an_order_called_off_after_signing_leaves_no_gap(
    node: evm.Node, signer: signing.Signing, chain: EthereumChain
) -> None:
    gone = withdraw(signer, chain, 1, "USDT", 1_000_000)
    waiting = withdraw(signer, chain, 2, "USDT", 2_000_000)
    signer.sql("UPDATE withdrawals SET status = 'cancelled' WHERE reference = 'W1'")
    fills = withdraw(signer, chain, 3, "USDT", 4_000_000)
    assert (gone.nonce, waiting.nonce, fills.nonce) == (0, 1, 0)
    chain.broadcast(waiting)
    chain.broadcast(fills)
    node.mine()
    assert node.tokens(STRANGER) == 6_000_000


def test_an_order_whose_bytes_are_stored_keeps_its_nonce_whatever_became_of_it(
    signer: signing.Signing, chain: EthereumChain
) -> None:
    kept = withdraw(signer, chain, 1, "USDT", 1_000_000)
    signer.sql("UPDATE withdrawals SET status = 'failed', tx_hash = ? WHERE reference = 'W1'", kept.tx_hash)
    assert withdraw(signer, chain, 2, "USDT", 2_000_000).nonce == 1


def test_an_order_left_behind_by_the_fees_is_sent_for_more_and_lands_once(
    node: evm.Node, signer: signing.Signing, chain: EthereumChain
) -> None:
    signed = withdraw(signer, chain, 1, "USDT", 3_000_000)
    chain.broadcast(signed)
    node.rpc("anvil_setNextBlockBaseFeePerGas", hex(50 * GWEI))
    node.mine()
    assert chain.status(signed.tx_hash).state == "pending"  # it offered less: now a dearer one is under way
    node.mine()
    node.mine(CONFIRMATIONS)
    assert chain.status(signed.tx_hash).state == "confirmed"
    chain.broadcast(signed)
    node.mine()
    assert node.tokens(STRANGER) == 3_000_000


def test_a_withdrawal_survives_a_reorganisation(node: evm.Node, signer: signing.Signing, chain: EthereumChain) -> None:
    signed = withdraw(signer, chain, 1, "USDT", 3_000_000)
    chain.broadcast(signed)
    node.mine(2)
    node.rpc("anvil_reorg", 2, [])
    assert chain.status(signed.tx_hash).state in ("unknown", "pending")
    chain.broadcast(signed)
    node.mine(CONFIRMATIONS + 1)
    assert chain.status(signed.tx_hash).state == "confirmed"
    assert node.tokens(STRANGER) == 3_000_000


def test_what_the_hot_wallet_cannot_pay_is_trouble_and_nothing_is_signed(
    node: evm.Node, signer: signing.Signing, chain: EthereumChain
) -> None:
    node.rpc("anvil_setBalance", signer.keys.hot("ETHEREUM").address, hex(0))
    with pytest.raises(PortError):
        withdraw(signer, chain, 1, "ETH", 1_000_000_000)
    assert signer.client.ask("family", hash="0x1")["hashes"] == []


def test_deposits_are_swept_to_the_hot_wallet_and_nowhere_else(
    node: evm.Node, signer: signing.Signing, chain: EthereumChain
) -> None:
    hot, mine = signer.keys.hot("ETHEREUM").address, signer.keys.deposit("ETHEREUM", 4).address
    before = node.tokens(hot)
    node.pay_token(mine, 9_000_000)
    node.mine()
    steps = []
    for _ in range(2):
        steps.append(chain.sweep(4, mine, "USDT"))
        node.mine()
    assert all(steps) and steps[0] != steps[1]
    assert (node.tokens(mine), node.tokens(hot) - before) == (0, 9_000_000)
    assert chain.sweep(4, mine, "USDT") == ""
    node.pay(mine, ETHER)
    node.mine()
    coins = node.web3.eth.get_balance(hot)
    assert chain.sweep(4, mine, "ETH")
    node.mine()
    assert node.web3.eth.get_balance(hot) - coins > ETHER * 99 // 100


def test_a_node_that_is_away_is_trouble(signer: signing.Signing) -> None:
    settings = {"ETHEREUM_NODE_URL": "http://127.0.0.1:9", "SIGNER_SOCKET": signer.settings["SIGNER_SOCKET"]}
    for ask in (EthereumChain(settings).head, lambda: EthereumChain(settings).transfers(1, 1)):
        with pytest.raises(PortError):
            ask()


def test_the_signer_signs_only_what_was_approved(signer: signing.Signing, chain: EthereumChain) -> None:
    with pytest.raises(PortRejected, match="no such withdrawal"):
        chain.sign("W9:1", "USDT", STRANGER, 1_000_000)
    key = signer.approve("W1", "ETHEREUM", "USDT", STRANGER, 1_000_000)
    other = signer.keys.deposit("ETHEREUM", 1).address
    for asset, to, units in (("USDT", other, 1_000_000), ("USDT", STRANGER, 1_000_001), ("ETH", STRANGER, 1_000_000)):
        with pytest.raises(PortRejected, match="not what was approved"):
            chain.sign(key, asset, to, units)
    with pytest.raises(PortRejected, match="not approved"):
        chain.sign("W1:2", "USDT", STRANGER, 1_000_000)
    for status in ("otp_verified", "awaiting_approval", "cancelled", "confirmed"):
        key = signer.approve("W2", "ETHEREUM", "USDT", STRANGER, 1_000_000, status)
        with pytest.raises(PortRejected, match="not approved"):
            chain.sign(key, "USDT", STRANGER, 1_000_000)


def test_the_signer_keeps_its_limits_whoever_approved(signer: signing.Signing, chain: EthereumChain) -> None:
    with pytest.raises(PortRejected, match="limit for one order"):
        withdraw(signer, chain, 1, "USDT", 1_000_000_001)
    for number in (2, 3):
        withdraw(signer, chain, number, "USDT", 1_000_000_000)
    with pytest.raises(PortRejected, match="limit for a day"):
        withdraw(signer, chain, 4, "USDT", 500_000_001)
    withdraw(signer, chain, 5, "USDT", 500_000_000)
