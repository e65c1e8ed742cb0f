"""Where the pages of a long list begin, so that a deep page costs what the first one does.

A list that only grows at its newer end keeps the places of its rows counted from the oldest. Every 300th place is
remembered by the process; a page is then at most 300 index rows away from one that is known.
"""

import threading
from collections import OrderedDict
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

T = TypeVar("T")

STEP = 300

#: So many lists are remembered per database, the least used forgotten first.
LISTS = 1000

_known: "WeakKeyDictionary[Any, OrderedDict[Any, list[int]]]" = WeakKeyDictionary()
_lock = threading.Lock()


def row_numbers(
    session: Session, query: "sa.Select[T]", key: InstrumentedAttribute[int], skip: int, count: int
) -> list[int]:
    """Keys of `count` rows of a list after `skip` newer ones, newest first; the list may only grow at its newer end."""
    keys = query.with_only_columns(key)
    newest = keys.order_by(key.desc())
    if skip <= STEP:
        return list(session.scalars(newest.offset(skip).limit(count)))
    places = _places(session, keys, key)
    last = places[-1] if places else 0
    newer = session.scalar(sa.select(sa.func.count()).select_from(keys.where(key > last).subquery())) or 0
    place = STEP * len(places) + newer - skip  # of the page's first row, counted from the oldest
    if place <= 0:
        return []
    above = (place - 1) // STEP
    if above >= len(places):
        return list(session.scalars(newest.offset(skip).limit(count)))
    further = STEP * (above + 1) - place
    return list(session.scalars(newest.where(key <= places[above]).offset(further).limit(count)))


def _places(session: Session, keys: "sa.Select[Any]", key: InstrumentedAttribute[int]) -> list[int]:
    """Keys of every 300th row from the oldest; the newest 300 rows are left alone, another transaction may still add
    one between them."""
    compiled = keys.compile()
    name = (str(compiled), tuple(sorted((text, repr(value)) for text, value in compiled.params.items())))
    with _lock:
        lists = _known.setdefault(session.get_bind(), OrderedDict())
        found = list(lists.get(name, ()))
    after = keys.where(key > found[-1]) if found else keys
    counted = after.add_columns(
        sa.func.row_number().over(order_by=key).label("place"), sa.func.count().over().label("rows")
    ).subquery()
    settled = sa.select(counted.c[0]).where(counted.c.place % STEP == 0, counted.c.place <= counted.c.rows - STEP)
    found += session.scalars(settled.order_by(counted.c.place))
    with _lock:
        lists[name] = found
        lists.move_to_end(name)
        while len(lists) > LISTS:
            lists.popitem(last=False)
    return found
