"""Signing on TRON: the signer builds the transaction itself, from a block's id and time, and it ends by its own expiry.

An order is signed anew under a later number only when the chain's own solid time has passed the expiry of the bytes before,
so that of all its transactions one can land.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from coincurve import PrivateKey
from tronpy.keys import to_hex_address

from portal.adapters.signer import tron_bytes
from portal.adapters.signer.journal import Entry, Journal
from portal.adapters.signer.keystore import Key, Keystore
from portal.adapters.signer.policy import DAY_SECONDS, Approvals, Limits, Order, Refused

NETWORK = "TRON"
_TRANSFER = bytes.fromhex("a9059cbb")  # transfer(address,uint256)
_LIFE_SECONDS = 600
_CONTRACTS = {
    "USDT": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    "TWIP": "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj",
    "TWIG": "TG3XXyExBkPp9nzdajDZsozEu4BkaSJozs",
}


@dataclass(frozen=True, slots=True)
class Block:
    """A solid block: its id (32 bytes, the height first) and its time in milliseconds."""

    block_id: bytes
    ms: int


class TronSigner:
    """Settings: CHAIN_CONTRACT_TRON_<ASSET>, TRON_FEE_LIMIT_SUN (100 TRX)."""

    def __init__(self, settings: Mapping[str, str], keys: Keystore, journal: Journal, approvals: Approvals) -> None:
        self._keys, self._journal, self._approvals = keys, journal, approvals
        self._limits = Limits(settings)
        self._fee_limit = int(settings.get("TRON_FEE_LIMIT_SUN", "100000000"))
        self._contracts = {
            asset: settings.get(f"CHAIN_CONTRACT_TRON_{asset}") or address for asset, address in _CONTRACTS.items()
        }

    def sign(self, order: Order, block: Block, moment: int) -> Entry:
        """Signs an approved order, or answers the signature it has. Raises Refused."""
        known = self._journal.of_key(order.key)
        if known:
            if (known[0].asset, known[0].recipient, known[0].units) != (order.asset, order.to, order.units):
                raise Refused("this key was signed for something else")
            return known[-1]
        self._approvals.check(order)
        replaced = self._bytes_before(order.key)
        if replaced is not None and (replaced.expires_at is None or block.ms <= replaced.expires_at * 1000):
            raise Refused("the bytes signed before may still land")
        if replaced is None:
            signed_today = self._journal.units_since(NETWORK, order.asset, moment - DAY_SECONDS)
            self._limits.check(NETWORK, order.asset, order.units, signed_today)
        return self._write(order, self._keys.hot(NETWORK), block, moment)

    def sweep(self, index: int, asset: str, units: int, block: Block, moment: int) -> Entry:
        """Moves what lies on a deposit address to the hot wallet, and nowhere else."""
        hot = self._keys.hot(NETWORK).address
        order = Order(f"house:sweep:{index}:{block.block_id.hex()}", NETWORK, asset, hot, units)
        known = self._journal.of_key(order.key)
        return known[-1] if known else self._write(order, self._keys.deposit(NETWORK, index), block, moment)

    def _bytes_before(self, key: str) -> Entry | None:
        reference, _, number = key.rpartition(":")
        found = self._journal.of_key(f"{reference}:{int(number) - 1}")
        return found[-1] if found else None

    def _write(self, order: Order, key: Key, block: Block, moment: int) -> Entry:
        content, tx_id, later = b"", b"", 0
        while not tx_id or self._journal.of_hash(tx_id.hex()):
            # Two orders of one amount to one address after one block must not be the same transaction.
            content = self._raw(order, key, block, block.ms + later)
            tx_id, later = hashlib.sha256(content).digest(), later + 1
        signature = PrivateKey(key.secret).sign_recoverable(tx_id, hasher=None)
        entry = Entry(
            order.key, 0, NETWORK, key.address, order.asset, order.to, order.units, None, tx_id.hex(),
            tron_bytes.transaction(content, signature), {"fee_limit": self._fee_limit}, block.ms // 1000 + _LIFE_SECONDS,
        )  # fmt: skip
        self._journal.write(entry, moment)
        return entry

    def _raw(self, order: Order, key: Key, block: Block, timestamp: int) -> bytes:
        contract = self._contracts.get(order.asset)
        if contract is None:
            raise Refused(f"no contract of {order.asset} is known")
        to = _address(order.to)[1:]
        call = tron_bytes.trigger_contract(
            owner=_address(key.address),
            contract=_address(contract),
            data=_TRANSFER + to.rjust(32, b"\0") + order.units.to_bytes(32, "big"),
        )
        return tron_bytes.raw_data(
            block.block_id,
            call,
            timestamp=timestamp,
            expiration=(block.ms // 1000 + _LIFE_SECONDS) * 1000,
            fee_limit=self._fee_limit,
        )


def _address(text: str) -> bytes:
    """The 21 bytes of an address. Raises Refused."""
    try:
        return bytes.fromhex(to_hex_address(text))
    except ValueError as error:
        raise Refused("not an address of TRON") from error
