"""The database: column types, sessions, and the two ways to use it: `transact` to change, `read` to look."""

import logging
import random
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

from portal import exchanges
from portal.errors import Refusal
from portal.jotter import Jotter, JotterError

if TYPE_CHECKING:
    from portal.clock import Clock
    from portal.config import Settings
    from portal.ports import Ports
    from portal.vault import Vault

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

#: How often `transact` runs a function again after a deadlock, serialisation failure or busy database.
MAX_ATTEMPTS = 8

#: After this long no further attempt begins: the caller is told instead of kept waiting.
MAX_RETRY_SECONDS = 8.0

#: SQLSTATEs after which the same transaction may be run again: serialisation failure, deadlock, lock not available, a
#: prepared statement that is gone.
_RETRY_STATES = {"40001", "40P01", "55P03", "26000"}

#: Two people claimed the same name, phone, number or request's key in one moment. Run again, the loser sees whose it is
#: and says so. What is claimed again each time is no race: it is a mistake, and told as one.
_CLAIMED_MEANWHILE = "23505"
_MOST_CLAIMS = 3


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime; timestamptz on PostgreSQL, sortable text on SQLite. Refuses naive datetimes."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime is not a moment")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class ExactDecimal(TypeDecorator[Decimal]):
    """A price or rate: NUMERIC on PostgreSQL, TEXT on SQLite, so that it never passes through a float."""

    impl = sa.Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.String(64))
        return dialect.type_descriptor(sa.Numeric(38, 18))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        return format(value, "f") if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None:
            return None
        number = Decimal(value)
        return number.normalize() if number else Decimal(0)


#: Row numbers and amounts: 64 bits on PostgreSQL; SQLite's own integers are as wide and number rows by themselves.
BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Root of all tables."""

    if TYPE_CHECKING:
        __table__: ClassVar[sa.Table]

    metadata = sa.MetaData(naming_convention=NAMING)
    type_annotation_map = {
        datetime: UtcDateTime(),
        Decimal: ExactDecimal(),
        dict[str, Any]: sa.JSON(none_as_null=True),
        list[Any]: sa.JSON(none_as_null=True),
        bytes: sa.LargeBinary(),
    }


@dataclass(frozen=True, slots=True)
class Context:
    """What a running portal hands to every service through its session; `cache` is this process's short memory."""

    settings: "Settings"
    clock: "Clock"
    vault: "Vault"
    ports: "Ports"
    cache: dict[str, Any] = field(default_factory=dict)


def context(session: Session) -> Context:
    """The context of the portal that opened this session."""
    found: Context = session.info["context"]
    return found


def now(session: Session) -> datetime:
    """The portal's time, as the session's portal tells it."""
    return context(session).clock.now()


def now_of(db: "Database") -> datetime:
    """The portal's time, where there is no session."""
    assert db.context is not None
    return db.context.clock.now()


class Unavailable(RuntimeError):
    """The database did not answer, or stayed busy beyond the bounded retries; nothing was changed."""


class Database:
    """One engine and its sessions. `transact` and `read` are the only doors; services never commit."""

    def __init__(self, settings: "Settings") -> None:
        self.engine = make_engine(settings)
        self.context: Context | None = None
        self.retries = 0
        read_engine = self.engine.execution_options(portal_read=True)
        if not settings.sqlite:
            read_engine = read_engine.execution_options(isolation_level="AUTOCOMMIT")
        self._jotter = Jotter(settings)
        event.listen(self.engine, "engine_disposed", lambda _: self._jotter.close())
        self._write = sessionmaker(
            self.engine, class_=exchanges.ExchangeSession, expire_on_commit=False, autoflush=True
        )
        self._read = sessionmaker(read_engine, expire_on_commit=False, autoflush=False)

    def session(self) -> Session:
        """A writing session that the caller commits and closes; for `transact`, commands and tests."""
        return self._write(info={"context": self.context, "after_commit": []})

    def transact(self, work: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs `work(session, ...)` in one transaction and commits it.

        Deadlock, serialisation failure, a busy database and a connection that turned out dead before the commit
        run it again, at most MAX_ATTEMPTS times and MAX_RETRY_SECONDS; what was claimed meanwhile, a few times. A kept refusal
        commits what was written before it; every other exception rolls back. Raises Unavailable when the database
        stays busy.
        """
        began = time.monotonic()
        careful, claims = False, 0
        for attempt in range(1, MAX_ATTEMPTS + 1):
            committing = False
            try:
                with self.session() as session:
                    session.info["careful"] = careful
                    try:
                        answer = work(session, *args, **kwargs)
                    except Refusal as refusal:
                        if refusal.keep:
                            session.commit()
                        raise
                    committing = True
                    session.commit()
                    hooks = session.info["after_commit"]
                for hook in hooks:
                    hook()
                return answer
            except exchanges.Disappointed:
                careful = True
            except DBAPIError as error:
                # Whether a commit on a lost connection went through is not known: it is never simply run again.
                claims += was_claimed(error)
                claimed = was_claimed(error) and claims <= _MOST_CLAIMS
                if not (claimed or may_run_again(error) or (error.connection_invalidated and not committing)):
                    raise
                self.retries += 1
                log.warning("transaction retried", extra={"attempt": attempt, "reason": _first_line(error.orig)})
                if time.monotonic() - began > MAX_RETRY_SECONDS:
                    break
                time.sleep(random.uniform(0, 0.01 * 2**attempt))
        raise Unavailable("the database stayed busy")

    def read(self, work: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs `work(session, ...)` to look only; no transaction stays open and nothing is committed.

        A pooled connection that turned out dead is replaced once.
        """
        try:
            with self._read(info={"context": self.context, "after_commit": []}) as session:
                return work(session, *args, **kwargs)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        with self._read(info={"context": self.context, "after_commit": []}) as session:
            return work(session, *args, **kwargs)

    def jot(self, statement: str, *values: Any) -> int:
        """Runs one quick statement (with `?`) that commits by itself; the rows touched. See portal/jotter.py.

        Raises Unavailable when the database is away.
        """
        try:
            return self._jotter.run(statement, *values).touched
        except JotterError as error:
            raise Unavailable("the database did not answer") from error

    def glance(self, statement: str, *values: Any) -> list[tuple[str, ...]]:
        """Looks something up by one quick statement (with `?`); the rows as texts. For what is asked for all the time.

        Raises Unavailable when the database is away.
        """
        try:
            return self._jotter.run(statement, *values).rows
        except JotterError as error:
            raise Unavailable("the database did not answer") from error


def after_commit(session: Session, hook: Callable[[], None]) -> None:
    """Runs `hook` once the session's transaction is committed; never when it is rolled back."""
    session.info["after_commit"].append(hook)


def _first_line(reason: object) -> str:
    """What a database said, without its detail, which may name a person's data."""
    return str(reason).partition("\n")[0][:120]


def was_claimed(error: DBAPIError) -> bool:
    """Whether somebody else was first with a name, phone or key."""
    return getattr(error.orig, "sqlstate", None) == _CLAIMED_MEANWHILE


def may_run_again(error: DBAPIError) -> bool:
    """Whether the same transaction may simply be run again: a deadlock, a serialisation failure, a busy database."""
    original = error.orig
    if isinstance(original, sqlite3.OperationalError):
        return "locked" in str(original) or "busy" in str(original)
    return getattr(original, "sqlstate", None) in _RETRY_STATES


def make_engine(settings: "Settings") -> Engine:
    """The engine for the configured database, with the rules of both kinds applied to every connection."""
    if settings.sqlite:
        settings.instance.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(settings.database_url, connect_args={"timeout": 10}, pool_size=16, max_overflow=16)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = sa.create_engine(
        settings.database_url,
        pool_size=max(8, settings.web_threads),
        # For every thread one connection may be kept for exchanges while it reads by another.
        max_overflow=max(4, settings.web_threads),
        pool_timeout=5,
        connect_args={
            "connect_timeout": 5,
            "application_name": "portal",
            "options": "-c lock_timeout=5000",
            # A database that went away without a word is noticed in seconds, not in the system's quarter of an hour.
            "tcp_user_timeout": 10_000,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        },
    )
    exchanges.watch(engine, max(4, settings.web_threads))
    return engine


def _prepare_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # the begin hook opens transactions itself
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("portal_read")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def insert_if_absent(session: Session, table: Any, values: dict[str, Any] | list[dict[str, Any]]) -> int:
    """INSERT … ON CONFLICT DO NOTHING on either engine; the number of rows that went in."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table).inline().values(values).on_conflict_do_nothing()
    # SQLAlchemy forgets the row count of an INSERT unless it is asked to keep it: on PostgreSQL it would say -1.
    return affected(session.execute(statement, execution_options={"preserve_rowcount": True}))


def insert_row(session: Session, model: Any, values: dict[str, Any], *, returning: str = "") -> Any:
    """Inserts one row by a statement that is made once per shape, with the next exchange (portal/exchanges.py).

    With `returning` it is done at once, and that column's value is answered.
    """
    statement = insert_statement(model, tuple(values), returning=returning)
    if returning:
        return exchanges.ask(session, statement, values).rows[0][0]
    exchanges.later(session, statement, values)
    return None


@lru_cache(maxsize=256)
def insert_statement(model: Any, columns: tuple[str, ...], *, conflict: str = "", returning: str = "") -> sa.TextClause:
    """The INSERT of one row with these columns; `conflict` is an ON CONFLICT clause, `returning` a column to answer."""
    table = model.__table__
    text = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join(f':{name}' for name in columns)})"
    text += f" {conflict}" if conflict else ""
    text += f" RETURNING {returning}" if returning else ""
    return sa.text(text).bindparams(*(sa.bindparam(name, type_=table.c[name].type) for name in columns))


def affected(result: sa.Result[Any]) -> int:
    """How many rows an UPDATE, DELETE or INSERT touched: the outcome of every compare-and-set."""
    return result.rowcount if isinstance(result, sa.CursorResult) else 0
