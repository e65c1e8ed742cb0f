"""Statements that travel together: on PostgreSQL one exchange with the server carries many, the last one with the COMMIT.

A transaction's time is mostly waiting: each statement costs a way to the server and back, and every row that is locked stays
locked meanwhile. `later` writes what nobody needs an answer of; it leaves with the next question (`ask`), with the next
statement of any other kind, or with the commit. Both run statements at the level of libpq, prepared once per connection: a
tenth of what SQLAlchemy needs for the same. Statements are SQLAlchemy's own, made once and kept, and the same on both engines;
on SQLite, where there is no way to go, each simply runs at once.

Order is kept: what was written first is carried out first. A transaction that fails leaves nothing.
"""

import queue
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
import sqlalchemy as sa
from psycopg import pq
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session, SessionTransaction

from portal.wire import Answer, Failed, Line, Statement, Waiting, form

_KEPT = "exchanges"

#: SQLSTATEs of a NULL where none may be and of a division by zero: what a statement says that found nothing to write for.
_NOTHING_THERE = {"23502", "22012"}


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
    the statement puts a NULL where none may be, or divides by the nothing that it found: the words for a row that was not
    there. On SQLite both happen at once.
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


def need_not_last(session: Session) -> None:
    """Lets this transaction's commit not wait for the disk: for facts that may be lost with the machine, like an offer.

    They are never lost alone: what is committed after them in the usual way lasts, and they with it. On SQLite it waits.
    """
    if session.get_bind().dialect.name != "sqlite":
        later(session, _NEED_NOT_LAST, {})


_NEED_NOT_LAST = sa.text("SET LOCAL synchronous_commit = off")


def alone(engine: Engine, statement: Statement, values: Mapping[str, Any]) -> Answer | None:
    """Runs one statement that commits by itself, in one exchange; None on SQLite, where it does nothing.

    Raises DBAPIError; when the connection was lost, nobody knows whether it was carried out.
    """
    kept = _lanes.get(engine)
    if kept is None:
        return None
    lane = _take(kept, engine)
    try:
        return _send(lane, _packed(lane, statement, values), begin=False)[0]
    finally:
        _give_back(lane)


def settle(session: Session) -> None:
    """Sends what waits now, for a caller who must know that it holds."""
    connection, line = _of(session)
    if line is not None:
        _send_waiting(connection)


class Disappointed(Exception):
    """What a transaction hoped for did not hold. It is given back and run again, careful this time (portal/db.py:transact)."""


def may_hope(session: Session) -> bool:
    """Whether a statement may go unlooked-at with the commit, in the hope that it finds what it needs, or ends all.

    Its `otherwise` is Disappointed. Not on SQLite, where looking costs nothing, and not in a transaction that runs again.
    """
    return not session.info.get("careful") and session.get_bind().dialect.name != "sqlite"


class ExchangeSession(Session):
    """A session that begins on a connection kept for exchanges, as long as nothing else was asked of it.

    A transaction of exchanges alone then costs nothing of what SQLAlchemy does to take a connection, begin, commit and give
    back. Any other use of the session joins in on the same connection and in the same transaction.
    """

    _lane: Connection | None = None

    def lane(self) -> Connection | None:
        """The kept connection, as long as it is all that is used; None on SQLite, and once SQLAlchemy began by itself."""
        if self._transaction is not None:
            return None
        if self._lane is None and isinstance(self.bind, Engine):
            kept = _lanes.get(self.bind)
            if kept is not None:
                self.bind = self._lane = _take(kept, self.bind)
        return self._lane

    def in_transaction(self) -> bool:
        """Whether anything was asked in this session since it began, or ended its last transaction."""
        return super().in_transaction() or (self._lane is not None and _line(self._lane).busy)

    def commit(self) -> None:
        """Commits, together with what waits."""
        if self._transaction is not None:
            super().commit()
        if self._lane is not None:
            _commit(self._lane)

    def rollback(self) -> None:
        """Gives all back, what waits included."""
        super().rollback()
        if self._lane is not None:
            _with_rollback(self._lane)

    def close(self) -> None:
        """Ends the session; a transaction that was not committed is rolled back."""
        if self._transaction is not None or len(self.identity_map):
            super().close()
        if self._lane is not None:
            lane, self._lane = self._lane, None
            self.bind = lane.engine
            _give_back(lane)


#: Connections kept for exchanges, by engine: a bounded stack, the last one given back is taken first.
_lanes: "WeakKeyDictionary[Engine, queue.LifoQueue[Connection]]" = WeakKeyDictionary()


def _take(kept: "queue.LifoQueue[Connection]", engine: Engine) -> Connection:
    try:
        return kept.get_nowait()
    except queue.Empty:
        return engine.connect()


def _give_back(lane: Connection) -> None:
    """Keeps a connection for the next session; one that was lost takes all others with it, which are as old."""
    if lane.invalidated:
        _close_lanes(lane.engine)
        lane.close()
        return
    left = lane.get_transaction()
    if left is not None:
        left.close()  # its commit failed: SQLAlchemy leaves it to who owns the connection to end it
    _with_rollback(lane)
    try:
        _lanes[lane.engine].put_nowait(lane)
    except queue.Full:
        lane.close()


def _close_lanes(engine: Engine) -> None:
    """Closes the connections that are kept and not in use."""
    kept = _lanes[engine]
    while True:
        try:
            lane = kept.get_nowait()
        except queue.Empty:
            return
        lane.detach()
        lane.close()


def _of(session: Session) -> tuple[Connection, "Line | None"]:
    """A session's connection and, on PostgreSQL, its line; looked up once per transaction."""
    lane = session.lane() if isinstance(session, ExchangeSession) else None
    if lane is not None:
        return lane, _line(lane)
    known = session.info.get(_KEPT)
    if known is not None and known[0] is _innermost(session):
        found: tuple[Connection, Line | None] = known[1]
        return found
    # Also within a savepoint of the session's, which begins only when its connection is asked for.
    connection = session.connection()
    found = connection, None if connection.dialect.name == "sqlite" else _line(connection)
    session.info[_KEPT] = _innermost(session), found
    return found


def _innermost(session: Session) -> SessionTransaction | None:
    return session.get_nested_transaction() or session.get_transaction()


def watch(engine: Engine, keep: int = 4) -> None:
    """Lets the statements of an engine's connections that take another way keep the order of things.

    At most `keep` idle connections are kept out of the engine's pool for exchanges.
    """
    if engine.dialect.name == "sqlite":
        return
    event.listen(engine, "before_cursor_execute", _before_another)
    event.listen(engine, "commit", _with_commit)
    event.listen(engine, "rollback", _with_rollback)
    event.listen(engine, "rollback_savepoint", _with_savepoint)
    event.listen(engine, "engine_disposed", _close_lanes)
    _lanes[engine] = queue.LifoQueue(keep)


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
) -> Waiting:
    """A statement ready to be sent; what cannot be written as a value is refused here, before anything is on its way."""
    made = form(statement)
    try:
        return Waiting(made, made.arguments(values), check, otherwise)
    except psycopg.Error as error:
        raise _as_usual(connection, made.text, error) from error


def _line(connection: Connection) -> Line:
    found: Line | None = connection.info.get(_KEPT)
    if found is None:
        driver: Any = connection.connection.driver_connection
        found = connection.info[_KEPT] = Line(driver)
    return found


def _send(connection: Connection, *more: Waiting, begin: bool = True, commit: bool = False) -> list[Answer]:
    """Sends what waits on a connection, then `more`, then maybe the COMMIT; the answers, looked at.

    Without `begin` what is sent outside of a transaction commits by itself.
    """
    line = _line(connection)
    sent, line.waiting = [*line.waiting, *more], []
    try:
        answers = line.exchange(sent, begin=begin, commit=commit)
    except Failed as failure:
        guilty = sent[failure.place] if 0 <= failure.place < len(sent) else None
        if guilty is not None and guilty.otherwise is not None and failure.error.sqlstate in _NOTHING_THERE:
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
    found: Line | None = connection.info.get(_KEPT)
    if found is not None and found.waiting:
        _send(connection)


def _before_another(connection: Connection, *rest: object) -> None:
    _send_waiting(connection)


def _with_commit(connection: Connection) -> None:
    """Commits together with what waits; afterwards the driver finds no transaction and has nothing left to do."""
    found: Line | None = connection.info.get(_KEPT)
    if found is not None and found.waiting:
        _commit(connection)


def _commit(connection: Connection) -> None:
    """Sends what waits and commits; without a check to look at in between that is one exchange."""
    found = _line(connection)
    try:
        if any(waiting.check is not None for waiting in found.waiting):
            _send(connection)
        if found.busy:
            _send(connection, commit=True)
    except BaseException:
        # SQLAlchemy takes a transaction whose commit failed for ended, and would hand the connection on as it is.
        if not connection.invalidated:
            found.roll_back()
        raise


def _with_rollback(connection: Connection) -> None:
    """Rolls back here: the driver's own way would throw the connection's prepared statements away each time."""
    if connection.invalidated:
        return  # it is lost, and its transaction with it: asking it for anything would hide the error that told so
    found: Line | None = connection.info.get(_KEPT)
    if found is not None:
        found.roll_back()


def _with_savepoint(connection: Connection, *rest: object) -> None:
    """Going back to a savepoint takes the driver's way; what it throws away is prepared anew."""
    if connection.invalidated:
        return
    found: Line | None = connection.info.get(_KEPT)
    if found is not None:
        found.waiting, found.stale = [], True
