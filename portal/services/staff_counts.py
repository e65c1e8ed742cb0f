"""How much waits in each queue of the staff console, counted no further than a badge shows."""

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.orm import Session

MOST = 99

_QUEUES: dict[str, tuple[str, Callable[[frozenset[str]], sa.Select[int]]]] = {}


def declare(name: str, permission: str, query: Callable[[frozenset[str]], sa.Select[int]]) -> None:
    """A queue: who sees its count (everybody for ""), and the query of what waits in it for their permissions (one column)."""
    _QUEUES[name] = (permission, query)


def waiting(session: Session, permissions: frozenset[str]) -> dict[str, str]:
    """The counts a member may see, as badges show them; nothing for an empty queue."""
    found = {}
    for name, (permission, query) in _QUEUES.items():
        if not permission or permission in permissions:
            count = counted(session, query(permissions))
            if count:
                found[name] = f"{MOST}+" if count > MOST else str(count)
    return found


def counted(session: Session, query: sa.Select[int]) -> int:
    """How many rows a query has, up to MOST + 1."""
    some = query.limit(MOST + 1).subquery()
    return session.scalar(sa.select(sa.func.count()).select_from(some)) or 0
