"""Files for spreadsheets: no cell runs, and every cell is read back as it was written."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.web import sheets


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "|cmd", "%0A", "＝1", "＋1", "－1", "＠x", "\u3000=1", "\xa0=1"],
)  # fmt: skip
def test_what_a_spreadsheet_takes_for_a_formula_becomes_text(cell):
    assert sheets.inert(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "latte", "120.5", "2026/11/21", "a=b", "T-17", "***678", "拿鐵"])
def test_everything_else_stays_as_it_is(cell):
    assert sheets.inert(cell) == cell


@given(st.lists(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), min_size=1, max_size=6))
def test_a_line_is_read_back_cell_by_cell(cells):
    (read,) = csv.reader(io.StringIO(sheets.line(cells), newline=""))
    assert read == [sheets.inert(cell) for cell in cells]
