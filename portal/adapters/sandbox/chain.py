"""A sandbox chain: transfers land in the next block, and blocks go by when they are told to."""

import hashlib
from datetime import timedelta

import orjson

from portal.adapters.sandbox.world import World
from portal.clock import Clock
from portal.ports import ChainHead, ChainTransfer, PortRejected, SignedTransaction, TransactionStatus

#: How deep a block must lie before it can no longer change.
SOLID_DEPTH = {"TRON": 19, "ETHEREUM": 12}

_SIGNED_LIFE = timedelta(minutes=10)

#: The real contracts' addresses, so that a fake token is told from a real one.
CONTRACTS = {
    ("TRON", "USDT"): "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    ("ETHEREUM", "USDT"): "0xdAC17F958D2ee523a2206206994597C13D831ec7",
    ("ETHEREUM", "ETH"): None,
    ("TRON", "TWIP"): "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj",
    ("TRON", "TWIG"): "TG3XXyExBkPp9nzdajDZsozEu4BkaSJozs",
}

HOT_WALLET = {"TRON": "TVjsyZ7fYF3qLF6BQgPmTEZy1xrNNyVAAA", "ETHEREUM": "0x3d42f5aab7b8347bDB107083d939ca059F273B6d"}


_FORKS = """
CREATE TABLE IF NOT EXISTS chain_openings (network TEXT NOT NULL, asset TEXT NOT NULL, units INTEGER NOT NULL,
  PRIMARY KEY (network, asset));
CREATE TABLE IF NOT EXISTS chain_forks (id INTEGER PRIMARY KEY, network TEXT NOT NULL, first_block INTEGER NOT NULL);
"""


def block_hash(network: str, number: int, branch: int = 0) -> str:
    """The hash of a sandbox block: the same for the same number until a reorganisation puts it on another branch."""
    return hashlib.sha256(f"{network}:{number}{f':{branch}' if branch else ''}".encode()).hexdigest()


class SandboxChain:
    """One network of the sandbox world."""

    def __init__(self, world: World, clock: Clock, network: str) -> None:
        self._world, self._clock, self.network = world, clock, network
        world.script(_FORKS)
        with world.change() as connection:
            connection.execute("INSERT OR IGNORE INTO chain_heads VALUES (?, 1000)", (network,))

    def head(self) -> ChainHead:
        with self._world.call("chain", looks=True):
            number = self._number()
        return ChainHead(number, self._hash(number), number - SOLID_DEPTH[self.network])

    def block_hash(self, number: int) -> str | None:
        with self._world.call("chain", looks=True):
            return self._hash(number) if number <= self._number() else None

    def _hash(self, number: int) -> str:
        forks = self._world.rows(
            "SELECT COUNT(*) AS branch FROM chain_forks WHERE network = ? AND first_block <= ?", self.network, number
        )
        return block_hash(self.network, number, forks[0]["branch"])

    def transfers(self, first_block: int, last_block: int) -> list[ChainTransfer]:
        with self._world.call("chain", looks=True) as times:
            rows = self._world.rows(
                "SELECT * FROM chain_transfers WHERE network = ? AND block_number BETWEEN ? AND ? ORDER BY id",
                self.network, first_block, last_block,
            )  # fmt: skip
        seen = [
            ChainTransfer(
                network=self.network,
                tx_hash=row["tx_hash"],
                log_index=row["log_index"],
                asset=row["asset"],
                contract=row["contract"],
                to=row["recipient"],
                sender=row["sender"],
                amount_units=row["units"],
                block_number=row["block_number"],
                block_hash=self._hash(row["block_number"]),
                succeeded=bool(row["succeeded"]),
            )
            for row in rows
        ]
        return seen * times

    def sign(self, key: str, asset: str, to: str, amount_units: int) -> SignedTransaction:
        content = {"key": key, "asset": asset, "to": to, "units": amount_units, "nonce": key}
        raw = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
        tx_hash = ("0x" if self.network == "ETHEREUM" else "") + hashlib.sha256(raw).hexdigest()
        return SignedTransaction(raw, tx_hash, self._clock.now() + _SIGNED_LIFE)

    def broadcast(self, signed: SignedTransaction) -> None:
        with self._world.call("chain"):
            if signed.expires_at is not None and signed.expires_at <= self._clock.now():
                raise PortRejected("the transaction has expired")
            content = orjson.loads(signed.raw)
            self.add_transfer(
                content["asset"], content["to"], content["units"], signed.tx_hash, 0, sender=HOT_WALLET[self.network]
            )

    def status(self, tx_hash: str) -> TransactionStatus:
        with self._world.call("chain", looks=True):
            rows = self._world.rows(
                "SELECT block_number, succeeded FROM chain_transfers WHERE network = ? AND tx_hash = ?",
                self.network, tx_hash,
            )  # fmt: skip
            head = self._number()
        if not rows:
            return TransactionStatus("unknown")
        deep = head - rows[0]["block_number"]
        if not rows[0]["succeeded"]:
            return TransactionStatus("failed", deep)
        return TransactionStatus("confirmed" if deep >= SOLID_DEPTH[self.network] else "pending", max(deep, 0))

    def holdings(self, addresses: list[str]) -> dict[str, int]:
        """What the house holds by asset in solid blocks: its opening, what its addresses got, less what the hot wallet sent.

        A chain whose opening was never set tells nothing: the money of such a world came from nowhere.
        """
        with self._world.call("chain", looks=True):
            openings = self._world.rows("SELECT asset, units FROM chain_openings WHERE network = ?", self.network)
            moved = self._world.rows(
                "SELECT asset, contract, recipient, sender, units FROM chain_transfers WHERE network = ? AND succeeded = 1"
                " AND block_number <= ?",
                self.network, self._number() - SOLID_DEPTH[self.network],
            )  # fmt: skip
        held, ours = {row["asset"]: int(row["units"]) for row in openings}, set(addresses)
        for row in moved if held else ():
            if row["contract"] != CONTRACTS.get((self.network, row["asset"])):
                continue
            change = row["units"] * ((row["recipient"] in ours) - (row["sender"] == HOT_WALLET[self.network]))
            held[row["asset"]] = held.get(row["asset"], 0) + change
        return held

    def set_opening(self, asset: str, units: int) -> None:
        """What the house held on this chain before its first block."""
        with self._world.change() as connection:
            connection.execute("INSERT OR REPLACE INTO chain_openings VALUES (?, ?, ?)", (self.network, asset, units))

    def transaction_url(self, tx_hash: str) -> str:
        host = (
            "https://shasta.tronscan.org/#/transaction/"
            if self.network == "TRON"
            else "https://sepolia.etherscan.io/tx/"
        )
        return host + tx_hash

    def add_transfer(
        self,
        asset: str,
        to: str,
        units: int,
        tx_hash: str,
        log_index: int,
        *,
        sender: str = "",
        contract: str | None = None,
        succeeded: bool = True,
    ) -> bool:
        """Mines a block with one transfer; False when the chain already has it (a hash is mined once)."""
        with self._world.change() as connection:
            connection.execute("BEGIN IMMEDIATE")
            known = connection.execute(
                "SELECT 1 FROM chain_transfers WHERE network = ? AND tx_hash = ? AND log_index = ?",
                (self.network, tx_hash, log_index),
            ).fetchone()
            if known:
                return False
            connection.execute("UPDATE chain_heads SET number = number + 1 WHERE network = ?", (self.network,))
            connection.execute(
                "INSERT INTO chain_transfers (network, tx_hash, log_index, asset, contract, recipient, sender, units,"
                " block_number, succeeded) SELECT ?, ?, ?, ?, ?, ?, ?, ?, number, ? FROM chain_heads WHERE network = ?",
                (
                    self.network, tx_hash, log_index, asset, contract or CONTRACTS.get((self.network, asset)), to, sender,
                    units, succeeded, self.network,
                ),
            )  # fmt: skip
        return True

    def mine(self, count: int) -> int:
        """Lets blocks go by; the new head's number."""
        with self._world.change() as connection:
            connection.execute("UPDATE chain_heads SET number = number + ? WHERE network = ?", (count, self.network))
        return self._number()

    def reorganise(self, depth: int, *, again: bool) -> int:
        """The newest `depth` blocks give way to others of the same heights; how many transfers that touched.

        With `again` their transfers are mined anew in the last block, otherwise they are gone for good.
        """
        with self._world.change() as connection:
            connection.execute("BEGIN IMMEDIATE")
            heads = connection.execute("SELECT number FROM chain_heads WHERE network = ?", (self.network,))
            head = heads.fetchone()["number"]
            first = head - depth + 1
            connection.execute("INSERT INTO chain_forks (network, first_block) VALUES (?, ?)", (self.network, first))
            moved = "UPDATE chain_transfers SET block_number = ?" if again else "DELETE FROM chain_transfers"
            touched = connection.execute(
                f"{moved} WHERE network = ? AND block_number >= ?",
                (*((head,) if again else ()), self.network, first),
            )
        return touched.rowcount

    def _number(self) -> int:
        return int(self._world.rows("SELECT number FROM chain_heads WHERE network = ?", self.network)[0]["number"])
