"""Pages of an institution's records: totals and places from gapless numbers, never from COUNT or OFFSET.

Every record has a `number` within its institution, in order of `created_at`; so a span of time is a span of numbers, and
a page is a range of them. A single person's records are few and are counted.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.errors import N_, Refusal, declare
from portal.models.partner import PartnerCounter

MOST_ROWS = 100
LONGEST_SPAN = timedelta(days=31)

declare(
    {
        "time_unreadable": N_("Times are whole seconds since 1970."),
        "span_too_long": N_("The span may not exceed one month."),
    }
)


@dataclass(frozen=True, slots=True)
class Window:
    """Which records: a span of time (each end may be open), one person or all, which page and in which order."""

    page: int = 1
    size: int = 10
    since: datetime | None = None
    until: datetime | None = None
    ascending: bool = False
    acct_no: str | None = None


def read_window(
    page_num: str | None,
    page_size: str | None,
    former: str | None,
    latter: str | None,
    sort: str | None,
    acct_no: str | None,
) -> Window:
    """The list parameters of the contract as texts (readings P1, P15, P16).

    Raises Refusal `input_invalid`, `time_unreadable` or `span_too_long`.
    """
    since, until = _second(former, "former_time"), _second(latter, "latter_time")
    if since is not None and until is not None:
        if until < since:
            raise Refusal("time_unreadable", field="latter_time")
        if until - since > LONGEST_SPAN:
            raise Refusal("span_too_long", field="latter_time")
    if sort not in (None, "asc", "desc"):
        raise Refusal("input_invalid", field="time_sort")
    if acct_no is not None and not 0 < len(acct_no) <= 64:
        raise Refusal("input_invalid", field="acct_no")
    return Window(
        page=_whole(page_num, "page_num", 1, 10**9),
        size=_whole(page_size, "page_size", 10, MOST_ROWS),
        since=since,
        # A whole second is meant, to its end.
        until=until + timedelta(seconds=1) if until is not None else None,
        ascending=sort == "asc",
        acct_no=acct_no,
    )


def _whole(text: str | None, field: str, default: int, most: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 10) or not 1 <= int(text) <= most:
        raise Refusal("input_invalid", field=field)
    return int(text)


def _second(text: str | None, field: str) -> datetime | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 11):
        raise Refusal("time_unreadable", field=field)
    return datetime.fromtimestamp(int(text), UTC)


def page(session: Session, model: Any, kind: str, institution_id: int, window: Window) -> tuple[int, list[Any]]:
    """Total and rows of a page; `kind` names the counter of the model's numbers."""
    if window.acct_no is not None:
        return _of_person(session, model, institution_id, window)
    first, last = _span(session, model, kind, institution_id, window)
    total = max(last - first + 1, 0)
    skipped = (window.page - 1) * window.size
    if skipped >= total:
        return total, []
    if window.ascending:
        low, high = first + skipped, min(first + skipped + window.size - 1, last)
    else:
        low, high = max(last - skipped - window.size + 1, first), last - skipped
    order = model.number if window.ascending else model.number.desc()
    query = sa.select(model).where(model.institution_id == institution_id, model.number.between(low, high))
    return total, list(session.scalars(query.order_by(order)))


def _span(session: Session, model: Any, kind: str, institution_id: int, window: Window) -> tuple[int, int]:
    """The first and last number within the window; a last below the first for none."""
    mine = sa.select(model.number).where(model.institution_id == institution_id).limit(1)
    first: int | None = 1
    if window.since is not None:
        first = session.scalar(mine.where(model.created_at >= window.since).order_by(model.created_at, model.number))
    if window.until is not None:
        last = session.scalar(
            mine.where(model.created_at < window.until).order_by(model.created_at.desc(), model.number.desc())
        )
    else:
        last = session.scalar(
            sa.select(PartnerCounter.last).where(
                PartnerCounter.institution_id == institution_id, PartnerCounter.kind == kind
            )
        )
    return (first, last or 0) if first is not None else (1, 0)


def _of_person(session: Session, model: Any, institution_id: int, window: Window) -> tuple[int, list[Any]]:
    mine = [model.institution_id == institution_id, model.acct_no == window.acct_no]
    if window.since is not None:
        mine.append(model.created_at >= window.since)
    if window.until is not None:
        mine.append(model.created_at < window.until)
    total = session.scalar(sa.select(sa.func.count()).select_from(model).where(*mine)) or 0
    skipped = (window.page - 1) * window.size
    if skipped >= total:
        return total, []
    order = model.id if window.ascending else model.id.desc()
    query = sa.select(model).where(*mine).order_by(order).offset(skipped).limit(window.size)
    return total, list(session.scalars(query))
