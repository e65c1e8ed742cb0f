"""What the signer signed, in a file of its own: one key gets one signature, nonces are given out once, days are counted."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS signed (id INTEGER PRIMARY KEY, key TEXT NOT NULL, attempt INTEGER NOT NULL,
  network TEXT NOT NULL, sender TEXT NOT NULL, asset TEXT NOT NULL, recipient TEXT NOT NULL, units INTEGER NOT NULL,
  nonce INTEGER, tx_hash TEXT NOT NULL UNIQUE, raw BLOB NOT NULL, fields TEXT NOT NULL, expires_at INTEGER,
  signed_at INTEGER NOT NULL, abandoned INTEGER NOT NULL DEFAULT 0, UNIQUE (key, attempt));
CREATE INDEX IF NOT EXISTS signed_by_nonce ON signed (network, sender, nonce);
CREATE INDEX IF NOT EXISTS signed_by_day ON signed (network, asset, signed_at);
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One signature: `attempt` counts fee replacements of the same order, `fields` is what else went into it."""

    key: str
    attempt: int
    network: str
    sender: str
    asset: str
    recipient: str
    units: int
    nonce: int | None
    tx_hash: str
    raw: bytes
    fields: dict[str, Any]
    expires_at: int | None


class Journal:
    """The signer's memory; every change is on the disk before its answer leaves."""

    def __init__(self, path: Path) -> None:
        self._path = path
        connection = sqlite3.connect(path)
        connection.executescript("PRAGMA journal_mode=WAL;" + _TABLES)
        connection.close()
        path.chmod(0o600)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous=FULL")
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    def write(self, entry: Entry, moment: int) -> None:
        """Notes a signature."""
        with self._open() as connection:
            connection.execute(
                "INSERT INTO signed (key, attempt, network, sender, asset, recipient, units, nonce, tx_hash, raw, fields,"
                " expires_at, signed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    entry.key, entry.attempt, entry.network, entry.sender, entry.asset, entry.recipient, entry.units,
                    entry.nonce, entry.tx_hash, entry.raw, json.dumps(entry.fields), entry.expires_at, moment,
                ),
            )  # fmt: skip

    def of_key(self, key: str) -> list[Entry]:
        """The signatures of an order, first attempt first."""
        return self._entries("key = ?", key)

    def of_hash(self, tx_hash: str) -> list[Entry]:
        """All signatures of the order that one hash belongs to; of them at most one can land."""
        found = self._entries("tx_hash = ?", tx_hash)
        return self.of_key(found[0].key) if found else []

    def open_nonces(self, network: str, sender: str, first: int) -> list[Entry]:
        """First attempts from a sender that use this nonce or a later one and were not abandoned, in order of nonce."""
        return self._entries(
            "network = ? AND sender = ? AND nonce >= ? AND attempt = 0 AND abandoned = 0", network, sender, first,
            order="nonce",
        )  # fmt: skip

    def next_nonce(self, network: str, sender: str, at_least: int) -> int:
        """The nonce after the last one given out, and not below what the chain says."""
        with self._open() as connection:
            row = connection.execute(
                "SELECT MAX(nonce) FROM signed WHERE network = ? AND sender = ?", (network, sender)
            ).fetchone()
        return at_least if row[0] is None else max(at_least, int(row[0]) + 1)

    def abandon(self, key: str) -> None:
        """An order that will never be sent: its nonce is free again."""
        with self._open() as connection:
            connection.execute("UPDATE signed SET abandoned = 1 WHERE key = ?", (key,))

    def units_since(self, network: str, asset: str, since: int) -> int:
        """What was signed away of an asset since a moment (UNIX seconds): an order counts once however often it was signed."""
        with self._open() as connection:
            row = connection.execute(
                "SELECT COALESCE(SUM(units), 0) FROM signed WHERE network = ? AND asset = ? AND signed_at > ?"
                " AND attempt = 0 AND abandoned = 0 AND key NOT LIKE 'house:%'",
                (network, asset, since),
            ).fetchone()
        return int(row[0])

    def _entries(self, where: str, *arguments: Any, order: str = "attempt") -> list[Entry]:
        with self._open() as connection:
            rows = connection.execute(f"SELECT * FROM signed WHERE {where} ORDER BY {order}", arguments).fetchall()
        return [
            Entry(
                row["key"], row["attempt"], row["network"], row["sender"], row["asset"], row["recipient"], row["units"],
                row["nonce"], row["tx_hash"], row["raw"], json.loads(row["fields"]), row["expires_at"],
            )
            for row in rows
        ]  # fmt: skip
