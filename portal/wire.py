"""Statements as libpq takes them: text with numbered places, values written as texts, columns read by their type."""

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


class Answer(NamedTuple):
    """What a statement answered: its rows, and how many it touched or found."""

    rows: Sequence[tuple[Any, ...]]
    touched: int


class Form(NamedTuple):
    """A statement as libpq takes it, how its values are written, and how its columns are read where that is special."""

    text: bytes
    writers: tuple[tuple[str, Any, Callable[[Any], Any] | None], ...]
    readers: dict[bytes, Callable[[Any], Any]]

    def arguments(self, values: Mapping[str, Any]) -> list[bytes | None]:
        """The values in the order of the statement's places, as texts."""
        written: list[bytes | None] = []
        for name, default, writer in self.writers:
            value = values.get(name, default)
            written.append(_text(writer(value) if writer else value))
        return written

    def answer(self, result: pq.abc.PGresult) -> Answer:
        """The rows of a result with values as the statement's columns declare them."""
        if result.status == pq.ExecStatus.COMMAND_OK:
            return Answer((), result.command_tuples or 0)
        columns = range(result.nfields)
        readers = [_READERS.get(result.ftype(column), bytes.decode) for column in columns]
        further = [self.readers.get(result.fname(column) or b"") for column in columns]
        rows = []
        for row in range(result.ntuples):
            values = []
            for column in columns:
                raw = result.get_value(row, column)
                value = None if raw is None else readers[column](raw)
                reader = further[column]
                values.append(value if reader is None else reader(value))
            rows.append(tuple(values))
        return Answer(rows, len(rows))


@lru_cache(maxsize=1024)
def form(statement: Statement) -> Form:
    """A statement's form, made once."""
    compiled: Any = statement.compile(dialect=_DIALECT)
    defaults = compiled.params
    writers = tuple((name, defaults.get(name), _writer(compiled.binds[name].type)) for name in compiled.positiontup)
    columns: Any = statement.selected_columns if isinstance(statement, sa.Select | sa.TextualSelect) else ()
    found = {column.name.encode(): _reader(column.type) for column in columns}
    readers = {name: reader for name, reader in found.items() if reader is not None}
    return Form(str(compiled).encode(), writers, readers)


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
    if value is None:
        return None
    if isinstance(value, str):
        text = value.encode()
    elif isinstance(value, bool):
        text = b"t" if value else b"f"
    elif isinstance(value, datetime):
        text = value.isoformat().encode()
    elif isinstance(value, Decimal):
        text = format(value, "f").encode()
    elif isinstance(value, bytes):
        text = b"\\x" + value.hex().encode()
    elif isinstance(value, dict | list):
        text = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    else:
        text = str(value).encode()
    if b"\0" in text:
        raise psycopg.DataError("a text with a NUL")
    return text


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
