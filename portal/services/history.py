"""A customer's history: pages by keyset, totals from maintained counts, and how each entry's number came about.

Nothing here counts rows or skips them from the top: `activity_counts` knows how many rows a customer has per day, kind
and asset, and where each day begins (DESIGN §8).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import BigInt
from portal.errors import Refusal
from portal.models.ledger import Account, Entry, Journal
from portal.models.market import Quote
from portal.models.system import Activity, ActivityCount, StateChange

_ROWS = Activity.__table__
_COUNTS = ActivityCount.__table__
_PAST_EVERY_ROW = 2**62

#: Steps under which a thing's journals may stand besides its own reference (`withdrawal:12`, `withdrawal:12:hold`).
STEPS = (
    "hold", "release", "settle", "fee", "refund", "pay", "confirm", "internal", "out", "in", "freeze", "send", "done",
    "complete", "suspense", "returned", "paid", "token",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filters:
    """What of the history is asked for. `pairs` are (asset, kind); days are Taipei's, `YYYY-MM-DD`, both included.

    `public_ids` names lines by their public id, or by the number a transfer was answered with.
    """

    kinds: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    first_day: str | None = None
    last_day: str | None = None
    public_ids: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Rows newest first; `newer` and `older` are the public ids to go on from, None at an end."""

    rows: list[Activity]
    newer: str | None
    older: str | None


@dataclass(frozen=True, slots=True)
class NumberedPage:
    """A page by number with the totals that go with it."""

    rows: list[Activity]
    total: int
    number: int
    size: int

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return -(-self.total // self.size)


def page(
    session: Session,
    customer_id: int,
    filters: Filters | None = None,
    *,
    before: str | None = None,
    after: str | None = None,
    limit: int = 20,
) -> Page:
    """A page of a customer's history: the newest rows, or those `before` (older than) or `after` (newer than) a row.

    An unknown or foreign cursor is as if absent.
    """
    filters = filters or Filters()
    bounds = _bounds(session, customer_id, filters)
    if after is not None:
        owner = sa.literal(customer_id)
        newer_rows = _filtered(owner, filters, bounds, beyond=_cursor(owner, after)).limit(limit + 1)
        rows = list(session.scalars(newer_rows))
        if rows:
            more = len(rows) > limit
            rows = rows[:limit][::-1]
            return Page(rows, rows[0].public_id if more else None, rows[-1].public_id)
    if filters == _NO_FILTERS:
        values = {"owner": customer_id, "cursor": before, "most": limit + 1}
        rows = list(session.scalars(_plain(before is not None), values))
    else:
        end = None if before is None else _cursor(sa.literal(customer_id), before)
        rows = list(session.scalars(_filtered(sa.literal(customer_id), filters, bounds, end=end).limit(limit + 1)))
    more, rows = len(rows) > limit, rows[:limit]
    newer = rows[0].public_id if rows and before is not None else None
    return Page(rows, newer, rows[-1].public_id if rows and more else None)


_NO_FILTERS = Filters()


@cache
def _plain(deeper: bool) -> sa.Select[Any]:
    """The first page, or one below a cursor, without filters: made once, as nearly every page is one of these."""
    owner = sa.bindparam("owner", type_=BigInt)
    end = _cursor(owner, sa.bindparam("cursor")) if deeper else None
    return _filtered(owner, _NO_FILTERS, (None, None), end=end).limit(sa.bindparam("most", type_=sa.Integer()))


def _cursor(owner: sa.ColumnElement[int], public_id: object) -> sa.ColumnElement[int]:
    """The row number behind a cursor; past every row for one that is unknown or another's."""
    found = sa.select(_ROWS.c.id).where(_ROWS.c.public_id == public_id, _ROWS.c.customer_id == owner)
    return sa.func.coalesce(found.scalar_subquery(), _PAST_EVERY_ROW)


def numbered_page(session: Session, customer_id: int, filters: Filters, number: int, size: int) -> NumberedPage:
    """Page `number` (from 1) with its totals, however deep it lies: whole days are skipped by their counts."""
    if filters.public_ids is not None:
        rows = list(session.scalars(_filtered(sa.literal(customer_id), filters, (None, None))))
        return NumberedPage(rows[(number - 1) * size : number * size], len(rows), number, size)
    days = _days(session, customer_id, filters)
    total = sum(rows for _, rows, _ in days)
    skip = (number - 1) * size
    if skip >= total:
        return NumberedPage([], total, number, size)
    below: int | None = None
    for _, rows_of_day, first_id in days:
        if skip < rows_of_day:
            break
        skip -= rows_of_day
        below = first_id
    end = None if below is None else sa.literal(below)
    query = _filtered(sa.literal(customer_id), filters, _bounds(session, customer_id, filters), end=end)
    found = session.scalars(query.offset(skip).limit(size))
    return NumberedPage(list(found), total, number, size)


def total(session: Session, customer_id: int, filters: Filters) -> int:
    """How many rows the filters leave, from the maintained counts."""
    return sum(rows for _, rows, _ in _days(session, customer_id, filters))


def everything(
    session: Session, customer_id: int, filters: Filters, *, before: str | None
) -> tuple[list[Activity], str | None]:
    """The next 500 rows for an export, newest first, and where to go on; each call is a look of its own."""
    found = page(session, customer_id, filters, before=before, limit=500)
    return found.rows, found.older


def entry(session: Session, customer_id: int, public_id: str) -> Activity:
    """One line of a customer's history. Raises Refusal `not_found` for a missing or foreign one."""
    query = sa.select(Activity).where(_ROWS.c.public_id == public_id, _ROWS.c.customer_id == customer_id)
    found = session.scalar(query)
    if found is None:
        raise Refusal("not_found")
    return found


@dataclass(frozen=True, slots=True)
class PostingLine:
    """One entry of a journal as its customer may see it: `whose` is `you`, `house` or `other`."""

    whose: str
    asset: str
    bucket: str
    amount_units: int
    balance_after_units: int | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a number came about: the quote it came from, the journals it was booked by, the moves of its life."""

    quote: Quote | None
    journals: list[tuple[Journal, list[PostingLine]]]
    moves: list[StateChange] = field(default_factory=list)


def explain(session: Session, customer_id: int, row: Activity) -> Explanation:
    """Everything that made an entry; other people's accounts stay unnamed and without their balances."""
    quote = session.get(Quote, row.subject_id) if row.subject_kind == "quote" else None
    references = [f"{row.subject_kind}:{row.subject_id}"]
    references += [f"{references[0]}:{step}" for step in STEPS]
    journals = list(session.scalars(sa.select(Journal).where(Journal.reference.in_(references)).order_by(Journal.id)))
    lines: dict[int, list[PostingLine]] = {journal.id: [] for journal in journals}
    query = (
        sa.select(Entry.journal_id, Account, Entry.amount_units, Entry.balance_after_units)
        .join(Account, Account.id == Entry.account_id)
        .where(Entry.journal_id.in_(lines))
        .order_by(Entry.id)
    )
    for journal_id, account, units, after in session.execute(query) if journals else ():
        own = (account.owner_kind, account.owner_id) == ("customer", customer_id)
        whose = "you" if own else "house" if account.owner_kind == "house" else "other"
        lines[journal_id].append(PostingLine(whose, account.asset, account.bucket, units, after if own else None))
    moves = sa.select(StateChange).where(
        StateChange.machine == row.subject_kind, StateChange.thing_id == row.subject_id
    )
    return Explanation(
        quote,
        [(journal, lines[journal.id]) for journal in journals],
        list(session.scalars(moves.order_by(StateChange.id))),
    )


def export_rows(look: Any, customer_id: int, filters: Filters, most: int = 1_000_000) -> Iterator[Activity]:
    """All rows for an export, read in pieces by `look(service, …)`; no transaction stays open while they are sent."""
    before: str | None = None
    sent = 0
    while sent < most:
        rows, before = look(everything, customer_id, filters, before=before)
        yield from rows
        sent += len(rows)
        if before is None:
            return


def _filtered(
    owner: sa.ColumnElement[int],
    filters: Filters,
    bounds: tuple[int | None, int | None],
    *,
    end: sa.ColumnElement[int] | None = None,
    beyond: sa.ColumnElement[int] | None = None,
) -> sa.Select[Any]:
    """A customer's rows, newest first: those numbered within `bounds` and below `end`; or, oldest first, `beyond` a number.

    The span is said as places in the customer's own index. Said by the number alone, a planner that thinks a customer has
    many rows walks everybody's, newest first, which never ends when that customer's are old.
    """
    low, high = bounds
    bottom = beyond if beyond is not None else sa.literal((low or 0) - 1)
    top = end if end is not None else sa.literal(_PAST_EVERY_ROW if high is None else high)
    place = sa.tuple_(_ROWS.c.customer_id, _ROWS.c.id)
    query = sa.select(Activity).where(place > sa.tuple_(owner, bottom), place < sa.tuple_(owner, top))
    if low is not None and beyond is not None:
        query = query.where(_ROWS.c.id >= low)
    if high is not None and end is not None:
        query = query.where(_ROWS.c.id < high)
    if filters.kinds:
        query = query.where(_ROWS.c.kind.in_(filters.kinds))
    if filters.assets:
        query = query.where(_ROWS.c.asset.in_(filters.assets))
    if filters.pairs:
        query = query.where(_any_pair(_ROWS.c.asset, _ROWS.c.kind, filters.pairs))
    if filters.public_ids is not None:
        numbers = [int(one) for one in filters.public_ids if one.isascii() and one.isdigit() and len(one) <= 18]
        query = query.where(sa.or_(_ROWS.c.public_id.in_(filters.public_ids), _ROWS.c.id.in_(numbers)))
    if filters.kinds or filters.assets or filters.pairs or filters.public_ids is not None:
        # Other indexes lead to a part of the rows; they know the owner by an equality.
        query = query.where(_ROWS.c.customer_id == owner)
    order = (_ROWS.c.customer_id, _ROWS.c.id)
    return query.order_by(*order) if beyond is not None else query.order_by(*(column.desc() for column in order))


def _any_pair(asset: Any, kind: Any, pairs: tuple[tuple[str, str], ...]) -> Any:
    return sa.or_(*(sa.and_(asset == wanted_asset, kind == wanted_kind) for wanted_asset, wanted_kind in pairs))


def _bounds(session: Session, customer_id: int, filters: Filters) -> tuple[int | None, int | None]:
    """The row numbers between which the asked-for days lie: from the first of them, to before the end."""
    first: int | None = None
    end: int | None = None
    days = _COUNTS.c.customer_id == customer_id
    if filters.first_day is not None:
        query = sa.select(sa.func.min(_COUNTS.c.first_id)).where(days, _COUNTS.c.day >= filters.first_day)
        first = session.scalar(query)
        if first is None:
            return 0, 0  # nothing happened since
    if filters.last_day is not None:
        query = sa.select(sa.func.min(_COUNTS.c.first_id)).where(days, _COUNTS.c.day > filters.last_day)
        end = session.scalar(query)
    return first, end


def _days(session: Session, customer_id: int, filters: Filters) -> list[tuple[str, int, int]]:
    """Per day, newest first: the day, how many rows the filters leave of it, and the number of its first row of all."""
    wanted: list[Any] = []
    if filters.kinds:
        wanted.append(_COUNTS.c.kind.in_(filters.kinds))
    if filters.assets:
        wanted.append(_COUNTS.c.asset.in_(filters.assets))
    if filters.pairs:
        wanted.append(_any_pair(_COUNTS.c.asset, _COUNTS.c.kind, filters.pairs))
    counted = sa.case((sa.and_(*wanted), _COUNTS.c.rows), else_=0) if wanted else _COUNTS.c.rows
    query = sa.select(_COUNTS.c.day, sa.func.sum(counted), sa.func.min(_COUNTS.c.first_id)).where(
        _COUNTS.c.customer_id == customer_id
    )
    if filters.first_day is not None:
        query = query.where(_COUNTS.c.day >= filters.first_day)
    if filters.last_day is not None:
        query = query.where(_COUNTS.c.day <= filters.last_day)
    rows = session.execute(query.group_by(_COUNTS.c.day).order_by(_COUNTS.c.day.desc()))
    return [(day, int(number), int(first_id)) for day, number, first_id in rows]
