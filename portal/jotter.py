"""Quick single statements on the side: each commits by itself, on a few connections of its own, without waiting for the disk.

For facts that every call of a hot path writes and whose loss in a power cut does no harm, such as a spent signature: what the
call itself writes is committed after it, and a log that keeps the later commit has kept the earlier one too.
"""

import queue
import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
import sqlalchemy as sa
from psycopg import pq

if TYPE_CHECKING:
    from portal.config import Settings


class JotterError(RuntimeError):
    """The database did not answer; whether the statement was carried out is not known."""


class Outcome(NamedTuple):
    """How many rows were touched (or found), and those found, as texts ("" for nothing)."""

    touched: int
    rows: list[tuple[str, ...]]


class _Postgres:
    """One connection, driven at the level of libpq: a statement is prepared once and then costs a single exchange."""

    def __init__(self, target: str) -> None:
        self._connection = psycopg.connect(
            target,
            autocommit=True,
            connect_timeout=5,
            application_name="portal jotter",
            tcp_user_timeout=10_000,
            options="-c synchronous_commit=off -c lock_timeout=5000 -c statement_timeout=5000 -c timezone=UTC",
        )
        self._names: dict[str, bytes] = {}

    def run(self, statement: str, values: tuple[Any, ...]) -> Outcome:
        line = self._connection.pgconn
        name = self._names.get(statement) or self._prepare(line, statement)
        result = line.exec_prepared(name, [_text(value) for value in values])
        if result.status == pq.ExecStatus.COMMAND_OK:
            return Outcome(result.command_tuples or 0, [])
        if result.status != pq.ExecStatus.TUPLES_OK:
            raise JotterError(result.error_message.decode("utf-8", "replace"))
        width = range(result.nfields)
        rows = [
            tuple((result.get_value(row, column) or b"").decode() for column in width) for row in range(result.ntuples)
        ]
        return Outcome(len(rows), rows)

    def _prepare(self, line: Any, statement: str) -> bytes:
        name = f"jot{len(self._names)}".encode()
        parts = statement.split("?")
        numbered = parts[0] + "".join(f"${number}{part}" for number, part in enumerate(parts[1:], 1))
        result = line.prepare(name, numbered.encode())
        if result.status != pq.ExecStatus.COMMAND_OK:
            raise JotterError(result.error_message.decode("utf-8", "replace"))
        self._names[statement] = name
        return name

    def close(self) -> None:
        self._connection.close()


class _Sqlite:
    """One connection that leaves syncing to the next commit that does."""

    def __init__(self, target: str) -> None:
        self._connection = sqlite3.connect(target, timeout=10, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=10000"):
            self._connection.execute(f"PRAGMA {pragma}")

    def run(self, statement: str, values: tuple[Any, ...]) -> Outcome:
        done = self._connection.execute(statement, [_text(value).decode() for value in values])
        if done.description is None:
            return Outcome(done.rowcount, [])
        rows = [tuple("" if value is None else str(value) for value in row) for row in done.fetchall()]
        return Outcome(len(rows), rows)

    def close(self) -> None:
        self._connection.close()


class Jotter:
    """Runs statements written with `?`, over values that are texts or moments; at most `kept` idle connections are kept."""

    def __init__(self, settings: "Settings", kept: int = 4) -> None:
        self._lite = settings.sqlite
        url = sa.make_url(settings.database_url)
        self._target = str(url.database) if self._lite else url.set(drivername="postgresql").render_as_string(False)
        self._idle: queue.LifoQueue[_Postgres | _Sqlite] = queue.LifoQueue(kept)

    def run(self, statement: str, *values: Any) -> Outcome:
        """Carries a statement out. A kept connection that turned out dead is replaced once. Raises JotterError."""
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            return self._run(self._connect(), statement, values)
        try:
            return self._run(connection, statement, values)
        except JotterError:
            self.close()
            return self._run(self._connect(), statement, values)

    def _run(self, connection: _Postgres | _Sqlite, statement: str, values: tuple[Any, ...]) -> Outcome:
        try:
            outcome = connection.run(statement, values)
        except (JotterError, psycopg.Error, sqlite3.Error) as error:
            connection.close()
            raise JotterError(str(error)) from error
        try:
            self._idle.put_nowait(connection)
        except queue.Full:
            connection.close()
        return outcome

    def close(self) -> None:
        """Closes what is idle; for forks and the end."""
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return

    def _connect(self) -> _Postgres | _Sqlite:
        try:
            return _Sqlite(self._target) if self._lite else _Postgres(self._target)
        except (psycopg.Error, sqlite3.Error) as error:
            raise JotterError(str(error)) from error


def _text(value: Any) -> bytes:
    """A text, or a moment as both engines read it (UTC)."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f").encode()
    return str(value).encode()


def moment_of(text: str) -> datetime | None:
    """A moment as both engines write it; None for nothing."""
    if not text:
        return None
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
