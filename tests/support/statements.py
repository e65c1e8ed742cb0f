"""What a piece of work asks of the database: its statements, and on PostgreSQL how many exchanges with the server they take."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event

from portal import wire


@dataclass
class Seen:
    """Statements in their order, and the exchanges they took; BEGIN travels along, a COMMIT of its own is one more."""

    statements: list[str] = field(default_factory=list)
    exchanges: int = 0


@contextmanager
def seen(portal: Any) -> Iterator[Seen]:
    """Notes all statements of a portal while it lasts."""
    found = Seen()

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if not statement.startswith("BEGIN"):
            found.statements.append(statement)
            found.exchanges += 1

    def note_exchange(statements: list[str]) -> None:
        found.statements += statements
        found.exchanges += 1

    event.listen(portal.db.engine, "before_cursor_execute", note)
    wire.listeners.append(note_exchange)
    try:
        yield found
    finally:
        wire.listeners.remove(note_exchange)
        event.remove(portal.db.engine, "before_cursor_execute", note)
