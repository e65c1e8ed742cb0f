"""Statements as libpq takes them: text with numbered places, values written as texts, columns read by their type; and the
line on which many of them travel in one go."""

import select
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
import psycopg
import sqlalchemy as sa
from psycopg import pq
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.types import TypeDecorator

#: Statements made once and kept; making one costs more than running it.
Statement = sa.TextClause | sa.TextualSelect | sa.Select[Any] | sa.Update | sa.Insert

_DIALECT = PGDialect_psycopg(paramstyle="numeric_dollar")


#: Told of the statements of every exchange; for who counts them.
listeners: list[Callable[[list[str]], None]] = []

#: SQLSTATE of a statement that is not prepared any more: somebody deallocated all. The transaction is simply run again.
_NOT_PREPARED = b"26000"


class Answer(NamedTuple):
    """What a statement answered: its rows, and how many it touched or found."""

    rows: Sequence[tuple[Any, ...]]
    touched: int


class Form(NamedTuple):
    """A statement as libpq takes it, how its values are written, and how its columns are read where that is special."""

    text: bytes
    writers: tuple[tuple[str, Any, Callable[[Any], Any] | None], ...]
    readers: dict[bytes, Callable[[Any], Any]]
    columns: list[Callable[[bytes], Any]]

    def arguments(self, values: Mapping[str, Any]) -> list[bytes | None]:
        """The values in the order of the statement's places, as texts."""
        get = values.get
        return [
            _text(get(name, default) if writer is None else writer(get(name, default)))
            for name, default, writer in self.writers
        ]

    def answer(self, result: pq.abc.PGresult) -> Answer:
        """The rows of a result with values as the statement's columns declare them."""
        if result.status == pq.ExecStatus.COMMAND_OK:
            return Answer((), result.command_tuples or 0)
        count = result.ntuples
        if not count:
            return Answer((), 0)
        readers = self._of_columns(result)
        rows = []
        for row in range(count):
            raws = [result.get_value(row, column) for column in range(len(readers))]
            rows.append(tuple(None if raw is None else read(raw) for raw, read in zip(raws, readers, strict=True)))
        return Answer(rows, count)

    def _of_columns(self, result: pq.abc.PGresult) -> list[Callable[[bytes], Any]]:
        """How each column of this statement's result is read; found out once."""
        if not self.columns:
            made = []
            for column in range(result.nfields):
                read = _READERS.get(result.ftype(column), bytes.decode)
                further = self.readers.get(result.fname(column) or b"")
                made.append(read if further is None else _both(read, further))
            self.columns[:] = made  # at once, for threads that find it out at the same moment
        return self.columns


def _both(read: Callable[[bytes], Any], further: Callable[[Any], Any]) -> Callable[[bytes], Any]:
    return lambda raw: further(read(raw))


@lru_cache(maxsize=1024)
def form(statement: Statement) -> Form:
    """A statement's form, made once."""
    compiled: Any = statement.compile(dialect=_DIALECT)
    defaults = compiled.params
    writers = tuple((name, defaults.get(name), _writer(compiled.binds[name].type)) for name in compiled.positiontup)
    columns: Any = statement.selected_columns if isinstance(statement, sa.Select | sa.TextualSelect) else ()
    found = {column.name.encode(): _reader(column.type) for column in columns}
    readers = {name: reader for name, reader in found.items() if reader is not None}
    return Form(str(compiled).encode(), writers, readers, [])


def _writer(kind: Any) -> Callable[[Any], Any] | None:
    if isinstance(kind, TypeDecorator):
        return lambda value: kind.process_bind_param(value, _DIALECT)
    return None


def _reader(kind: Any) -> Callable[[Any], Any] | None:
    if isinstance(kind, TypeDecorator):
        return lambda value: kind.process_result_value(value, _DIALECT)
    return None


def _text(value: Any) -> bytes | None:
    """A value as PostgreSQL reads it. Raises DataError for a text with a NUL, which no column can hold."""
    write = _WRITERS.get(type(value)) or _writer_of(type(value))
    text = write(value)
    if text is not None and b"\0" in text:
        raise psycopg.DataError("a text with a NUL")
    return text


def _writer_of(kind: type[Any]) -> Callable[[Any], bytes | None]:
    """How a kind of value is written that is not listed itself: like what it is a kind of, else as its text."""
    found = _WRITERS[kind] = next((_WRITERS[each] for each in kind.__mro__ if each in _WRITERS), _as_text)
    return found


def _as_text(value: Any) -> bytes:
    return str(value).encode()


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)


#: How values are written, by their type.
_WRITERS: dict[type, Callable[[Any], bytes | None]] = {
    type(None): lambda value: None,
    int: lambda value: str(int(value)).encode(),
    str: str.encode,
    bool: lambda value: b"t" if value else b"f",
    datetime: lambda value: value.isoformat().encode(),
    Decimal: lambda value: format(value, "f").encode(),
    bytes: lambda value: b"\\x" + value.hex().encode(),
    dict: _json,
    list: _json,
}


def _moment(raw: bytes) -> datetime:
    return datetime.fromisoformat(raw.decode())


#: How the texts of PostgreSQL's types are read, by type number; whatever is not here is a text.
_READERS: dict[int, Callable[[bytes], Any]] = {
    **dict.fromkeys((20, 21, 23, 26), int),
    16: lambda raw: raw == b"t",
    17: lambda raw: bytes.fromhex(raw[2:].decode()),
    1700: lambda raw: Decimal(raw.decode()),
    1184: _moment,
    **dict.fromkeys((114, 3802), orjson.loads),
}


class Waiting(NamedTuple):
    """A statement on its way, what to look at in its answer, and the refusal it stands for when it finds nothing."""

    form: Form
    arguments: list[bytes | None]
    check: Callable[[Answer], None] | None = None
    otherwise: Exception | None = None


class Line:
    """One connection's prepared statements, and what waits to be sent on it."""

    def __init__(self, driver: "psycopg.Connection[Any]") -> None:
        self.driver = driver
        self.names: dict[bytes, bytes] = {}
        self.made = 0
        self.stale = False
        self.waiting: list[Waiting] = []
        self.readable = select.poll()
        self.readable.register(driver.pgconn.socket, select.POLLIN)

    def exchange(self, sent: Sequence[Waiting], *, begin: bool = True, commit: bool) -> list[Answer]:
        """Sends statements in one go and reads all answers. Raises Failed for the first that failed.

        With `begin` they are within a transaction; without, and outside of one, they commit by themselves.
        """
        wire = self.driver.pgconn
        if self.stale:
            self._begin_anew()
        begin = begin and wire.transaction_status == pq.TransactionStatus.IDLE and not self.driver.autocommit
        fresh = self._named({waiting.form.text for waiting in sent} - self.names.keys())
        for listener in listeners:
            listener([waiting.form.text.decode() for waiting in sent])
        wire.enter_pipeline_mode()
        try:
            if begin:
                wire.send_query_params(b"BEGIN", None)
            for text, name in fresh.items():
                wire.send_prepare(name, text)
            for waiting in sent:
                wire.send_query_prepared(
                    self.names.get(waiting.form.text) or fresh[waiting.form.text], waiting.arguments
                )
            if commit:
                wire.send_query_params(b"COMMIT", None)
            wire.pipeline_sync()
            results = self._results()
        finally:
            if wire.status == pq.ConnStatus.OK:
                wire.exit_pipeline_mode()
        first = int(begin) + len(fresh)
        failed = next((place for place, result in enumerate(results) if result.status not in _GOOD), None)
        if failed is None or failed >= first:
            self.names |= fresh
        if failed is not None:
            self.stale = results[failed].error_field(pq.DiagnosticField.SQLSTATE) == _NOT_PREPARED
            raise Failed(failed - first, _error(results[failed]))
        return [waiting.form.answer(result) for waiting, result in zip(sent, results[first:], strict=False)]

    @property
    def busy(self) -> bool:
        """Whether a transaction is open, or something waits for one."""
        return bool(self.waiting) or self.driver.pgconn.transaction_status != pq.TransactionStatus.IDLE

    def roll_back(self) -> None:
        """Ends the transaction, and forgets what waits."""
        self.waiting = []
        if self.driver.pgconn.transaction_status not in (pq.TransactionStatus.IDLE, pq.TransactionStatus.UNKNOWN):
            self.driver.pgconn.exec_(b"ROLLBACK")

    def _begin_anew(self) -> None:
        """Throws all statements away, ours and the driver's, by the driver itself: else it would go on to use what is gone.

        The driver does it once more with its next statement, so that one follows at once.
        """
        self.driver.execute("DEALLOCATE ALL", prepare=False)
        self.driver.execute("SELECT 1", prepare=False)
        self.names, self.stale = {}, False

    def _named(self, texts: set[bytes]) -> dict[bytes, bytes]:
        """A name never used before for each statement that the connection does not know yet."""
        self.made += len(texts)
        return {text: b"exchange%d" % (self.made - number) for number, text in enumerate(texts)}

    def _results(self) -> list[pq.abc.PGresult]:
        wire = self.driver.pgconn
        while wire.flush():
            self.readable.poll(10)
            wire.consume_input()
        found: list[pq.abc.PGresult] = []
        while True:
            while wire.is_busy():
                self.readable.poll()
                wire.consume_input()
            result = wire.get_result()
            if result is None:
                if wire.status != pq.ConnStatus.OK:
                    raise psycopg.OperationalError("the connection to the database is lost")
            elif result.status == pq.ExecStatus.PIPELINE_SYNC:
                return found
            else:
                found.append(result)


_GOOD = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)


class Failed(Exception):
    """A statement of an exchange failed: which one (below zero: none of the caller's), and how."""

    def __init__(self, place: int, error: psycopg.Error) -> None:
        super().__init__(str(error))
        self.place, self.error = place, error


def _error(result: pq.abc.PGresult) -> psycopg.Error:
    state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
    text = (result.error_message or b"").decode("utf-8", "replace").strip()
    try:
        return psycopg.errors.lookup(state)(text)
    except KeyError:
        return psycopg.DatabaseError(text)
