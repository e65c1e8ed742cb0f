"""CSV files for people's spreadsheets: UTF-8 with a mark, and no cell that a spreadsheet takes for a formula."""

import csv
import io
from collections.abc import Iterable, Iterator

from flask import Response, stream_with_context

#: How formulas begin, also as full-width letters; other people's words may hold them.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")


def inert(cell: str) -> str:
    """The cell as text that no spreadsheet runs."""
    return f"'{cell}" if cell.startswith(_FORMULAS) or cell.lstrip().startswith(_FORMULAS) else cell


def line(cells: Iterable[str]) -> str:
    """One line of the file."""
    out = io.StringIO()
    csv.writer(out).writerow([inert(cell) for cell in cells])
    return out.getvalue()


def download(name: str, heading: Iterable[str], rows: Iterable[Iterable[str]]) -> Response:
    """The file as an answer, streamed row by row. `name` is plain ASCII."""
    head = line(heading)

    def lines() -> Iterator[str]:
        yield "\ufeff" + head
        for row in rows:
            yield line(row)

    answer = Response(stream_with_context(lines()), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
