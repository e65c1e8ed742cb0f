"""Pages of rows numbered from new to old: read by keyset, with the links to the pages beside."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one page; `newer` and `older` are the numbers that the pages beside it hang on, None at an end."""

    rows: list[Any]
    newer: int | None
    older: int | None


def asked(name: str) -> int | None:
    """A row number of the query, or None for anything that is none."""
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def read(
    session: Session,
    /,
    rows: Callable[..., list[Any]],
    owner: Any,
    key: Callable[[Any], int],
    *,
    count: int,
    **more: Any,
) -> Page:
    """The page that `?before=` or `?after=` asks for.

    `rows(session, owner, before_id=, after_id=, count=)` answers rows newest first; `key` is a row's number.
    """
    before, after = asked("before"), asked("after")
    found = rows(session, owner, before_id=before, after_id=after, count=count + 1, **more)
    has_more = len(found) > count
    if after is not None:
        shown = found[-count:]
        return Page(shown, key(shown[0]) if shown and has_more else None, key(shown[-1]) if shown else None)
    shown = found[:count]
    newer = key(shown[0]) if shown and before is not None else None
    return Page(shown, newer, key(shown[-1]) if has_more else None)
