"""The sandbox's outside world: a small SQLite file of its own, shared by all processes of the instance.

It is the outside truth: what was really mailed, paid or mined, whatever the portal believes. Nothing of the portal's
database is in it, so a portal that loses a transaction does not lose the world's memory of it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from portal.ports import PortError, PortRejected, PortTimeout

_TABLES = """
CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, key TEXT, channel TEXT NOT NULL, recipient TEXT NOT NULL,
  subject TEXT NOT NULL, body TEXT NOT NULL, html TEXT, code TEXT, created_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS messages_recipient ON messages (recipient, id);
CREATE TABLE IF NOT EXISTS faults (port TEXT PRIMARY KEY, fault TEXT NOT NULL, remaining INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS prices (symbol TEXT PRIMARY KEY, price TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS chain_heads (network TEXT PRIMARY KEY, number INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS chain_transfers (id INTEGER PRIMARY KEY, network TEXT NOT NULL, tx_hash TEXT NOT NULL,
  log_index INTEGER NOT NULL, asset TEXT NOT NULL, contract TEXT, recipient TEXT NOT NULL, sender TEXT NOT NULL,
  units INTEGER NOT NULL, block_number INTEGER NOT NULL, succeeded INTEGER NOT NULL,
  UNIQUE (network, tx_hash, log_index));
CREATE INDEX IF NOT EXISTS chain_transfers_block ON chain_transfers (network, block_number);
CREATE TABLE IF NOT EXISTS payouts (key TEXT PRIMARY KEY, bank_code TEXT, branch_code TEXT, account TEXT, holder TEXT,
  units INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', copies INTEGER NOT NULL DEFAULT 1);
"""

#: Faults that only an act can have.
ACTS_ONLY = ("reject", "lost_answer")


class World:
    """Opens a connection per use; every use is one transaction."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        with self.change() as world:
            world.execute("PRAGMA journal_mode=WAL")
        connection = sqlite3.connect(path, timeout=10)
        connection.executescript(_TABLES)
        connection.close()

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """A transaction on the world; committed when the block ends well."""
        connection = sqlite3.connect(self._path, timeout=10)
        connection.row_factory = sqlite3.Row
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    def rows(self, query: str, *arguments: Any) -> list[sqlite3.Row]:
        """Reads rows."""
        with self.change() as world:
            return list(world.execute(query, arguments))

    def script(self, statements: str) -> None:
        """Creates further tables of the world; a twin with tables of its own calls this when it is made."""
        connection = sqlite3.connect(self._path, timeout=10)
        connection.executescript(statements)
        connection.close()

    def set_fault(self, port: str, fault: str, count: int) -> None:
        """The next `count` calls of the port go wrong in the given way."""
        with self.change() as world:
            world.execute("INSERT OR REPLACE INTO faults VALUES (?, ?, ?)", (port, fault, count))

    def _take_fault(self, port: str, left_alone: tuple[str, ...] = ()) -> str | None:
        with self.change() as world:
            world.execute("BEGIN IMMEDIATE")
            row = world.execute("SELECT fault FROM faults WHERE port = ? AND remaining > 0", (port,)).fetchone()
            if row is None or row["fault"] in left_alone:
                return None
            world.execute("UPDATE faults SET remaining = remaining - 1 WHERE port = ?", (port,))
            return str(row["fault"])

    @contextmanager
    def call(self, port: str, *, looks: bool = False) -> Iterator[int]:
        """One call of a port, with its fault if one is due: yields how many times the act is carried out.

        `timeout` and `error` fail before anything is done, `reject` is a final no, `duplicate` does it twice,
        `lost_answer` does it and then times out. A call that only `looks` has nothing to refuse or to lose: these two
        wait for the next act.
        """
        fault = self._take_fault(port, ACTS_ONLY if looks else ())
        if fault == "timeout":
            raise PortTimeout(f"{port} did not answer in time")
        if fault == "error":
            raise PortError(f"{port} failed")
        if fault == "reject":
            raise PortRejected(f"{port} refused")
        yield 2 if fault == "duplicate" else 1
        if fault == "lost_answer":
            raise PortTimeout(f"the answer of {port} was lost")
