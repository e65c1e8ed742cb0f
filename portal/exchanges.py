"""Statements that travel together: on PostgreSQL one exchange with the server carries many, the last one with the COMMIT.

A transaction's time is mostly waiting: each statement costs a way to the server and back, and every row that is locked stays
locked meanwhile. `later` writes what nobody needs an answer of; it leaves with the next question (`ask`), with the next
statement of any other kind, or with the commit. Both run statements at the level of libpq, prepared once per connection: a
tenth of what SQLAlchemy needs for the same. Statements are SQLAlchemy's own, made once and kept, and the same on both engines;
on SQLite, where there is no way to go, each simply runs at once.

Order is kept: what was written first is carried out first. A transaction that fails leaves nothing.
"""

import select
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg import pq
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session, SessionTransaction

from portal.wire import Answer, Form, Statement, form

_KEPT = "exchanges"

#: Told of the statements of every exchange; for who counts them.
listeners: list[Callable[[list[str]], None]] = []

#: SQLSTATE of a NULL where none may be: what a statement says that found nothing to write for.
_NOTHING_THERE = "23502"
#: SQLSTATE of a statement that is not prepared any more: somebody deallocated all. The transaction is simply run again.
_NOT_PREPARED = b"26000"


class _Waiting(NamedTuple):
    """A statement on its way, what to look at in its answer, and the refusal it stands for when it finds nothing."""

    form: Form
    arguments: list[bytes | None]
    check: Callable[[Answer], None] | None = None
    otherwise: Exception | None = None


def later(
    session: Session,
    statement: Statement,
    values: Mapping[str, Any],
    *,
    check: Callable[[Answer], None] | None = None,
    otherwise: Exception | None = None,
) -> None:
    """Writes with the next exchange, or with the commit.

    `check` looks at the answer as soon as there is one, always before the commit, and may raise. `otherwise` is raised when
    the statement puts a NULL where none may be: the words for a row that was not there. On SQLite both happen at once.
    """
    connection, line = _of(session)
    if line is not None:
        line.waiting.append(_packed(connection, statement, values, check, otherwise))
        return
    try:
        answer = _run(connection, statement, values)
    except IntegrityError as error:
        if otherwise is not None and "NOT NULL" in str(error.orig):
            raise otherwise from error
        raise
    if check is not None:
        check(answer)


def ask(session: Session, statement: Statement, values: Mapping[str, Any]) -> Answer:
    """Runs a statement now, after all that waits, in one exchange; its answer."""
    connection, line = _of(session)
    if line is None:
        return _run(connection, statement, values)
    return _send(connection, _packed(connection, statement, values))[-1]


def settle(session: Session) -> None:
    """Sends what waits now, for a caller who must know that it holds."""
    connection, line = _of(session)
    if line is not None:
        _send_waiting(connection)


def _of(session: Session) -> tuple[Connection, "_Line | None"]:
    """A session's connection and, on PostgreSQL, its line; looked up once per transaction."""
    known = session.info.get(_KEPT)
    if known is not None and known[0] is _innermost(session):
        found: tuple[Connection, _Line | None] = known[1]
        return found
    # Also within a savepoint of the session's, which begins only when its connection is asked for.
    connection = session.connection()
    found = connection, None if connection.dialect.name == "sqlite" else _line(connection)
    session.info[_KEPT] = _innermost(session), found
    return found


def _innermost(session: Session) -> SessionTransaction | None:
    return session.get_nested_transaction() or session.get_transaction()


def watch(engine: Engine) -> None:
    """Lets the statements of an engine's connections that take another way keep the order of things."""
    if engine.dialect.name == "sqlite":
        return
    event.listen(engine, "before_cursor_execute", _before_another)
    event.listen(engine, "commit", _with_commit)
    event.listen(engine, "rollback", _with_rollback)
    event.listen(engine, "rollback_savepoint", _with_savepoint)


def _run(connection: Connection, statement: Statement, values: Mapping[str, Any]) -> Answer:
    result = connection.execute(statement, dict(values))
    if not result.returns_rows:
        return Answer((), result.rowcount)
    rows = [tuple(row) for row in result]
    return Answer(rows, len(rows))


def _packed(
    connection: Connection,
    statement: Statement,
    values: Mapping[str, Any],
    check: Callable[[Answer], None] | None = None,
    otherwise: Exception | None = None,
) -> _Waiting:
    """A statement ready to be sent; what cannot be written as a value is refused here, before anything is on its way."""
    made = form(statement)
    try:
        return _Waiting(made, made.arguments(values), check, otherwise)
    except psycopg.Error as error:
        raise _as_usual(connection, made.text, error) from error


class _Line:
    """One connection's prepared statements, and what waits to be sent on it."""

    def __init__(self, driver: "psycopg.Connection[Any]") -> None:
        self.driver = driver
        self.names: dict[bytes, bytes] = {}
        self.made = 0
        self.stale = False
        self.waiting: list[_Waiting] = []
        self.readable = select.poll()
        self.readable.register(driver.pgconn.socket, select.POLLIN)

    def exchange(self, sent: Sequence[_Waiting], *, commit: bool) -> list[Answer]:
        """Sends statements in one go and reads all answers. Raises DBAPIError for the first that failed."""
        wire = self.driver.pgconn
        if self.stale:
            self._begin_anew()
        begin = wire.transaction_status == pq.TransactionStatus.IDLE and not self.driver.autocommit
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
            raise _Failed(failed - first, _error(results[failed]))
        return [waiting.form.answer(result) for waiting, result in zip(sent, results[first:], strict=False)]

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


class _Failed(Exception):
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


def _line(connection: Connection) -> _Line:
    found: _Line | None = connection.info.get(_KEPT)
    if found is None:
        driver: Any = connection.connection.driver_connection
        found = connection.info[_KEPT] = _Line(driver)
    return found


def _send(connection: Connection, *more: _Waiting, commit: bool = False) -> list[Answer]:
    """Sends what waits on a connection, then `more`, then maybe the COMMIT; the answers, looked at."""
    line = _line(connection)
    sent, line.waiting = [*line.waiting, *more], []
    try:
        answers = line.exchange(sent, commit=commit)
    except _Failed as failure:
        guilty = sent[failure.place] if 0 <= failure.place < len(sent) else None
        if guilty is not None and guilty.otherwise is not None and failure.error.sqlstate == _NOTHING_THERE:
            raise guilty.otherwise from failure.error
        raise _as_usual(connection, guilty.form.text if guilty else b"", failure.error) from failure.error
    except psycopg.Error as error:
        raise _as_usual(connection, b"", error) from error
    for waiting, answer in zip(sent, answers, strict=True):
        if waiting.check is not None:
            waiting.check(answer)
    return answers


def _as_usual(connection: Connection, text: bytes, error: psycopg.Error) -> BaseException:
    """The error as SQLAlchemy tells it, so that retries and handlers know it; a dead connection leaves the pool."""
    lost = _line(connection).driver.pgconn.status != pq.ConnStatus.OK
    if lost:
        connection.invalidate(error)
    return DBAPIError.instance(
        text.decode(), None, error, psycopg.Error, connection_invalidated=lost, dialect=connection.dialect
    )


def _send_waiting(connection: Connection) -> None:
    found: _Line | None = connection.info.get(_KEPT)
    if found is not None and found.waiting:
        _send(connection)


def _before_another(connection: Connection, *rest: object) -> None:
    _send_waiting(connection)


def _with_commit(connection: Connection) -> None:
    """Commits together with what waits; afterwards the driver finds no transaction and has nothing left to do."""
    found: _Line | None = connection.info.get(_KEPT)
    if found is None or not found.waiting:
        return
    try:
        _send(connection, commit=all(waiting.check is None for waiting in found.waiting))
    except BaseException:
        # SQLAlchemy takes a transaction whose commit failed for ended, and would hand the connection on as it is.
        if not connection.invalidated:
            found.roll_back()
        raise


def _with_rollback(connection: Connection) -> None:
    """Rolls back here: the driver's own way would throw the connection's prepared statements away each time."""
    if connection.invalidated:
        return  # it is lost, and its transaction with it: asking it for anything would hide the error that told so
    found: _Line | None = connection.info.get(_KEPT)
    if found is not None:
        found.roll_back()


def _with_savepoint(connection: Connection, *rest: object) -> None:
    """Going back to a savepoint takes the driver's way; what it throws away is prepared anew."""
    if connection.invalidated:
        return
    found: _Line | None = connection.info.get(_KEPT)
    if found is not None:
        found.waiting, found.stale = [], True
