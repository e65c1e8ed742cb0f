"""Moving things through their life cycles: compare-and-set, one row or a refusal, and a line of history."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Session, attributes

from portal import exchanges
from portal.db import affected, insert_row, now
from portal.errors import Refusal
from portal.machines import Machine
from portal.models.system import StateChange


class Thing(Protocol):
    """A row with a life cycle."""

    id: Any
    status: Any


def advance(
    session: Session, machine: Machine, thing: Thing, to: str, actor: str, why: str | None = None, **also: Any
) -> None:
    """Moves `thing` to state `to` if it still stands where this session saw it.

    `actor` is `customer:<id>`, `staff:<id>`, `store:<id>`, `institution:<id>` or `system`; `also` are columns set in the
    same UPDATE. Raises Refusal `state_conflict` when the table has no such move or another hand was first.
    """
    session.flush()
    before = thing.status
    if not machine.allows(before, to):
        raise Refusal("state_conflict", machine=machine.name, state=before, to=to)
    _compare_and_set(session, machine, thing, to, also)
    record(session, machine, thing.id, before, to, actor, why)


def advance_along(
    session: Session, machine: Machine, thing: Thing, steps: Sequence[str], actor: str, **also: Any
) -> None:
    """Moves `thing` through several states within one act: one UPDATE, and a line of history for every state.

    For hot paths; the moves and their refusal are those of `advance`.
    """
    session.flush()
    before, to = thing.status, steps[-1]
    path = list(zip((before, *steps), steps, strict=False))
    if not all(machine.allows(here, there) for here, there in path):
        raise Refusal("state_conflict", machine=machine.name, state=before, to=to)
    steps_taken = {
        f"{end}{number}": state for number, pair in enumerate(path) for end, state in zip("ft", pair, strict=True)
    }
    line = {"machine": machine.name, "thing_id": thing.id, "actor": actor, "at": now(session), **steps_taken}
    if session.get_bind().dialect.name == "sqlite":
        _compare_and_set(session, machine, thing, to, also)
        session.connection().execute(_lines_statement(len(path)), line)
        return
    statement = _path_statement(sa.inspect(type(thing)).local_table, tuple(also), len(path))
    refusal = Refusal("state_conflict", machine=machine.name, state=before, to=to)
    exchanges.later(session, statement, {**line, **also, "before": before, "after": to}, otherwise=refusal)
    for name, value in {"status": to, **also}.items():
        attributes.set_committed_value(thing, name, value)


@lru_cache(maxsize=16)
def _lines_statement(count: int) -> sa.TextClause:
    """One INSERT of so many lines of history for one thing."""
    lines = ", ".join(f"(:machine, :thing_id, :f{n}, :t{n}, :actor, :at)" for n in range(count))
    text = f"INSERT INTO state_changes (machine, thing_id, from_state, to_state, actor, at) VALUES {lines}"
    return sa.text(text).bindparams(sa.bindparam("at", type_=StateChange.__table__.c.at.type))


@lru_cache(maxsize=64)
def _path_statement(table: Any, also: tuple[str, ...], count: int) -> sa.TextClause:
    """PostgreSQL's one statement of a move with so many lines of history.

    When another hand was first there is no number to write into them, and the database refuses the whole.
    """
    columns = "".join(f", {name} = :{name}" for name in also)
    steps = ", ".join(f"({n}, CAST(:f{n} AS VARCHAR), CAST(:t{n} AS VARCHAR))" for n in range(count))
    typed = [sa.bindparam(name, type_=table.c[name].type) for name in also]
    return sa.text(
        f"WITH moved AS (UPDATE {table.name} SET status = :after{columns}"
        " WHERE id = :thing_id AND status = :before RETURNING id)"
        " INSERT INTO state_changes (machine, thing_id, from_state, to_state, actor, at)"
        " SELECT CAST(:machine AS VARCHAR), (SELECT id FROM moved), steps.before, steps.after, CAST(:actor AS VARCHAR), :at"
        f" FROM (VALUES {steps}) AS steps (number, before, after) ORDER BY steps.number"
    ).bindparams(*typed, sa.bindparam("at", type_=StateChange.__table__.c.at.type))


def _compare_and_set(session: Session, machine: Machine, thing: Thing, to: str, also: Mapping[str, Any]) -> None:
    """The one UPDATE of a move: one row that still stands where this session saw it, or a refusal."""
    model, before = type(thing), thing.status
    changes = {"status": to, **also}
    values = {f"new_{name}": value for name, value in changes.items()}
    moved = session.connection().execute(
        _move_statement(sa.inspect(model).local_table, tuple(changes)), {"thing": thing.id, "before": before, **values}
    )
    if affected(moved) != 1:
        raise Refusal("state_conflict", machine=machine.name, state=before, to=to)
    for name, value in changes.items():
        attributes.set_committed_value(thing, name, value)


@lru_cache(maxsize=256)
def _move_statement(table: Any, columns: tuple[str, ...]) -> sa.Update:
    """The UPDATE of a move that sets these columns, made once per shape."""
    values = {name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in columns}
    row = (table.c.id == sa.bindparam("thing"), table.c.status == sa.bindparam("before"))
    return sa.update(table).where(*row).values(values)


def record(
    session: Session, machine: Machine, thing_id: int, before: str, after: str, actor: str, why: str | None = None
) -> None:
    """Writes the history line of a move; for hot paths that make the move by a statement of their own."""
    line = {"machine": machine.name, "thing_id": thing_id, "from_state": before, "to_state": after, "actor": actor}
    insert_row(session, StateChange, {**line, "why": why, "at": now(session)})


def shift(
    session: Session,
    machine: Machine,
    model: type[Any],
    thing_id: int,
    before: str,
    to: str,
    actor: str,
    why: str | None = None,
    **also: Any,
) -> None:
    """`advance` for hot paths that hold a row's number and no object: on PostgreSQL move and history are one statement."""
    if not machine.allows(before, to):
        raise Refusal("state_conflict", machine=machine.name, state=before, to=to)
    values = {**also, "thing_id": thing_id, "from_state": before, "to_state": to}
    refusal = Refusal("state_conflict", machine=machine.name, state=before, to=to)
    dialect = session.get_bind().dialect.name
    statement = _shift_statement(model.__table__, tuple(also), dialect)
    if dialect == "sqlite":
        if exchanges.ask(session, statement, values).touched != 1:
            raise refusal
        record(session, machine, thing_id, before, to, actor, why)
        return
    line = {"machine": machine.name, "actor": actor, "why": why, "at": now(session)}
    exchanges.later(session, statement, {**values, **line}, otherwise=refusal)


@lru_cache(maxsize=64)
def _shift_statement(table: sa.Table, also: tuple[str, ...], dialect: str) -> sa.TextClause:
    columns = "".join(f", {name} = :{name}" for name in also)
    update = f"UPDATE {table.name} SET status = :to_state{columns} WHERE id = :thing_id AND status = :from_state"
    typed = [sa.bindparam(name, type_=table.c[name].type) for name in also]
    if dialect == "sqlite":
        return sa.text(update).bindparams(*typed)
    kept: sa.Table = StateChange.__table__
    names = ("machine", "from_state", "to_state", "actor", "why", "at")
    return sa.text(
        f"WITH moved AS ({update} RETURNING id)"
        " INSERT INTO state_changes (machine, thing_id, from_state, to_state, actor, why, at)"
        " SELECT CAST(:machine AS VARCHAR), (SELECT id FROM moved), CAST(:from_state AS VARCHAR), CAST(:to_state AS VARCHAR),"
        " CAST(:actor AS VARCHAR), CAST(:why AS VARCHAR), :at"
    ).bindparams(*typed, *(sa.bindparam(name, type_=kept.c[name].type) for name in names))


def begin(session: Session, machine: Machine, thing: Thing, actor: str, why: str | None = None) -> None:
    """Writes the first history line of a thing that was just made in the machine's start (or given) state."""
    session.flush()
    record(session, machine, thing.id, "", thing.status, actor, why)


def history(session: Session, machine: Machine, thing_id: int) -> list[StateChange]:
    """All moves of a thing, oldest first."""
    query = sa.select(StateChange).where(StateChange.machine == machine.name, StateChange.thing_id == thing_id)
    return list(session.scalars(query.order_by(StateChange.id)))
