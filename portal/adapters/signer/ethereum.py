"""Signing on Ethereum: EIP-1559 transactions, one nonce after another, replaced by dearer ones when the market moved on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eth_account import Account
from eth_utils.address import to_checksum_address

from portal.adapters.signer.journal import Entry, Journal
from portal.adapters.signer.keystore import Key, Keystore
from portal.adapters.signer.policy import DAY_SECONDS, Approvals, Limits, Order, Refused

NETWORK = "ETHEREUM"
#: Ledger units of ETH are gwei.
WEI_IN_UNIT = 10**9
_TRANSFER = bytes.fromhex("a9059cbb")  # transfer(address,uint256)
_MOST_GAS = 500_000
#: A node takes a replacement only when both fees rise by a tenth.
_RISE_PERCENT = 110


@dataclass(frozen=True, slots=True)
class Fees:
    """What a transaction may cost: gas units, and wei per unit of gas."""

    gas: int
    max_fee: int
    priority_fee: int


class EthereumSigner:
    """Settings: ETHEREUM_CHAIN_ID (1), CHAIN_CONTRACT_ETHEREUM_USDT, SIGNER_MAX_FEE_GWEI (300)."""

    def __init__(self, settings: Mapping[str, str], keys: Keystore, journal: Journal, approvals: Approvals) -> None:
        self._keys, self._journal, self._approvals = keys, journal, approvals
        self._limits = Limits(settings)
        self._chain_id = int(settings.get("ETHEREUM_CHAIN_ID", "1"))
        self._contracts = {
            name.rpartition("_")[2]: address
            for name, address in settings.items()
            if name.startswith("CHAIN_CONTRACT_ETHEREUM_")
        }
        self._contracts.setdefault("USDT", "0xdAC17F958D2ee523a2206206994597C13D831ec7")
        self._most_fee = int(settings.get("SIGNER_MAX_FEE_GWEI", "300")) * WEI_IN_UNIT

    def sign(self, order: Order, fees: Fees, chain_nonce: int, landed_nonce: int, moment: int) -> Entry:
        """Signs an approved order, or answers the signature it has. Raises Refused.

        `chain_nonce` is the next one the node expects with its pending ones, `landed_nonce` without them.
        """
        known = self._journal.of_key(order.key)
        if known:
            first = known[0]
            if (first.asset, first.recipient, first.units) != (order.asset, order.to, order.units):
                raise Refused("this key was signed for something else")
            return known[-1]
        self._approvals.check(order)
        signed_today = self._journal.units_since(NETWORK, order.asset, moment - DAY_SECONDS)
        self._limits.check(NETWORK, order.asset, order.units, signed_today)
        hot = self._keys.hot(NETWORK)
        nonce = self._free_nonce(hot.address, landed_nonce)
        if nonce is None:
            nonce = self._journal.next_nonce(NETWORK, hot.address, chain_nonce)
        return self._write(order, 0, hot, nonce, fees, moment)

    def bump(self, tx_hash: str, fees: Fees, moment: int) -> Entry:
        """Signs the same order again for a higher fee, under the same nonce. Raises Refused."""
        known = self._journal.of_hash(tx_hash)
        if not known:
            raise Refused("never signed")
        last = known[-1]
        risen = Fees(
            last.fields["gas"],
            max(fees.max_fee, -(-last.fields["max_fee"] * _RISE_PERCENT // 100)),
            max(fees.priority_fee, -(-last.fields["priority_fee"] * _RISE_PERCENT // 100)),
        )
        order = Order(last.key, NETWORK, last.asset, last.recipient, last.units)
        key = self._keys.hot(NETWORK)
        if last.sender != key.address or last.nonce is None:
            raise Refused("only withdrawals are sent again for more")
        return self._write(order, last.attempt + 1, key, last.nonce, risen, moment)

    def sweep(self, index: int, asset: str, units: int, fees: Fees, nonce: int, moment: int) -> Entry:
        """Moves what lies on a deposit address to the hot wallet, and nowhere else."""
        order = Order(f"house:sweep:{index}:{nonce}", NETWORK, asset, self._keys.hot(NETWORK).address, units)
        return self._house(order, self._keys.deposit(NETWORK, index), fees, nonce, moment)

    def fund(self, index: int, fees: Fees, sweep_fees: Fees, chain_nonce: int, moment: int) -> Entry:
        """Sends a deposit address what moving a token off it costs, at most: from the hot wallet."""
        self._check_fees(sweep_fees)
        hot, to = self._keys.hot(NETWORK), self._keys.deposit(NETWORK, index).address
        units = -(-sweep_fees.gas * sweep_fees.max_fee // WEI_IN_UNIT)
        nonce = self._journal.next_nonce(NETWORK, hot.address, chain_nonce)
        return self._house(Order(f"house:fund:{index}:{nonce}", NETWORK, "ETH", to, units), hot, fees, nonce, moment)

    def _house(self, order: Order, key: Key, fees: Fees, nonce: int, moment: int) -> Entry:
        known = self._journal.of_key(order.key)
        return known[-1] if known else self._write(order, 0, key, nonce, fees, moment)

    def _free_nonce(self, sender: str, landed_nonce: int) -> int | None:
        """A nonce given to an order that was called off before its bytes were stored: it must be used, or all others wait."""
        for entry in self._journal.open_nonces(NETWORK, sender, landed_nonce):
            hashes = {each.tx_hash for each in self._journal.of_key(entry.key)}
            if not entry.key.startswith("house:") and self._approvals.is_abandoned(entry.key, hashes):
                self._journal.abandon(entry.key)
                return entry.nonce
        return None

    def _check_fees(self, fees: Fees) -> None:
        if not (0 < fees.gas <= _MOST_GAS and 0 <= fees.priority_fee <= fees.max_fee <= self._most_fee):
            raise Refused("the fee is above the limit")

    def _write(self, order: Order, attempt: int, key: Key, nonce: int, fees: Fees, moment: int) -> Entry:
        self._check_fees(fees)
        content: dict[str, Any] = {
            "type": 2, "chainId": self._chain_id, "nonce": nonce, "gas": fees.gas, "maxFeePerGas": fees.max_fee,
            "maxPriorityFeePerGas": fees.priority_fee, **self._payment(order),
        }  # fmt: skip
        signed = Account.sign_transaction(content, key.secret)
        fields = {"gas": fees.gas, "max_fee": fees.max_fee, "priority_fee": fees.priority_fee}
        entry = Entry(
            order.key, attempt, NETWORK, key.address, order.asset, order.to, order.units, nonce,
            "0x" + signed.hash.hex().removeprefix("0x"), bytes(signed.raw_transaction), fields, None,
        )  # fmt: skip
        self._journal.write(entry, moment)
        return entry

    def _payment(self, order: Order) -> dict[str, Any]:
        to = to_checksum_address(order.to)
        if order.asset == "ETH":
            return {"to": to, "value": order.units * WEI_IN_UNIT, "data": b""}
        contract = self._contracts.get(order.asset)
        if contract is None:
            raise Refused(f"no contract of {order.asset} is known")
        data = _TRANSFER + bytes.fromhex(to[2:]).rjust(32, b"\0") + order.units.to_bytes(32, "big")
        return {"to": to_checksum_address(contract), "value": 0, "data": data}
