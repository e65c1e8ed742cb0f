"""Pages of fifteen rows by number, for the family's lists.

A page's row numbers are read from the owner's index alone, newest first; the rows themselves only for the fifteen.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from portal.api.voucher.family import PER_PAGE, Page
from portal.services import page_starts

T = TypeVar("T")


def read(
    session: Session,
    query: "sa.Select[T]",
    key: InstrumentedAttribute[int],
    number: int,
    present: Callable[[Session, list[T]], list[Any]],
) -> Page:
    """Page `number` of a list that only grows, its rows numbered by `key`; newest first."""
    found = page_starts.row_numbers(session, query, key, (number - 1) * PER_PAGE, PER_PAGE + 1)
    return _page(session, query, key, number, present, found, key.desc())


def read_short(
    session: Session,
    query: "sa.Select[T]",
    key: InstrumentedAttribute[int],
    number: int,
    present: Callable[[Session, list[T]], list[Any]],
    *,
    newest_first: bool = True,
) -> Page:
    """Page `number` of a list that stays short and from which rows may go."""
    order = key.desc() if newest_first else key.asc()
    ids = query.with_only_columns(key).order_by(order).offset((number - 1) * PER_PAGE).limit(PER_PAGE + 1)
    return _page(session, query, key, number, present, list(session.scalars(ids)), order)


def _page(
    session: Session, query: "sa.Select[T]", key: InstrumentedAttribute[int], number: int,
    present: Callable[[Session, list[T]], list[Any]], found: list[int], order: sa.UnaryExpression[int],
) -> Page:  # fmt: skip
    shown = found[:PER_PAGE]
    rows = list(session.scalars(query.where(key.in_(shown)).order_by(order))) if shown else []
    return Page(number, present(session, rows), len(found) > PER_PAGE)
