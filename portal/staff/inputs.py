"""What pages of the console are told by their address and forms, cut to size: texts, numbers, places in a list, files."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import request

from portal.errors import Refusal

MOST_TEXT = 4000


def text(name: str, most: int = 200) -> str:
    """A text field without blanks around it and without NUL."""
    return request.form.get(name, "")[:MOST_TEXT].replace("\x00", "\ufffd").strip()[:most]


def words(name: str, most: int = 100) -> str:
    """A text of the page's address (search words, a filter)."""
    return request.args.get(name, "")[:MOST_TEXT].replace("\x00", "\ufffd").strip()[:most]


def number(value: str | None, most: int = 2**62) -> int | None:
    """A whole number that is not negative; None for anything else."""
    if value is None or not (value.isascii() and value.isdigit()) or len(value) > 19:
        return None
    found = int(value)
    return found if found <= most else None


def place(name: str = "before") -> int | None:
    """The row number at which a list goes on (keyset)."""
    return number(request.args.get(name))


def one_page(rows: Sequence[Any], size: int) -> dict[str, Any]:
    """`rows` of one page and `older`, the row number at which the list goes on, of rows read with one more than a page.

    A row is a thing with an id, or a pair that begins with one.
    """
    shown, last = rows[:size], rows[size - 1] if len(rows) > size else None
    thing = last[0] if isinstance(last, Sequence) else last
    return {"rows": shown, "older": thing.id if thing is not None else None}


def chosen(name: str, choices: tuple[str, ...] | list[str], default: str = "") -> str:
    """A filter that is one of its choices."""
    value = request.args.get(name, "")
    return value if value in choices else default


def moment_and_number(name: str = "after") -> tuple[datetime, int] | None:
    """The place in a list that is ordered by a moment: `<ISO 8601>~<row number>`."""
    when, mark, row = request.args.get(name, "").partition("~")
    row_id = number(row)
    if not mark or row_id is None:
        return None
    try:
        moment = datetime.fromisoformat(when)
    except ValueError:
        return None
    return (moment, row_id) if moment.tzinfo is not None else None


def needed_reason(name: str = "reason") -> str:
    """Why somebody does something: at least three signs. Raises Refusal `input_missing`."""
    said = text(name)
    if len(said) < 3:
        raise Refusal("input_missing", field=name)
    return said


def given() -> set[str]:
    """The names that the page's address carries."""
    return set(request.args)
