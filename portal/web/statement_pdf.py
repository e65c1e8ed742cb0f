"""A statement as PDF: A4, Chinese and Latin from a font of its own, every figure aligned."""

from collections.abc import Iterable
from pathlib import Path

from flask_babel import gettext
from fpdf import FPDF
from fpdf.enums import XPos, YPos

from portal.config import ROOT
from portal.services.statements import Balance, Line, Period
from portal.web.activity_words import title
from portal.web.presentation import amount_parts, time_text

FONT = Path(ROOT) / "portal" / "data" / "vendor" / "fonts" / "NotoSansCJKtc-subset.ttf"
MOST_LINES = 4000

_COLUMNS = (34, 34, 48, 37, 37)
_INK, _SOFT, _LINE = (22, 33, 31), (86, 99, 95), (229, 226, 218)


class _Sheet(FPDF):
    def __init__(self, brand: str, heading: str, sandbox: bool) -> None:
        super().__init__(format="A4")
        self.brand, self.heading, self.sandbox = brand, heading, sandbox
        self.add_font("text", fname=str(FONT))
        self.set_auto_page_break(True, margin=20)
        self.set_margins(10, 14, 10)
        self.alias_nb_pages("{pages}")

    def header(self) -> None:
        self.set_font("text", size=11)
        self.set_text_color(*_INK)
        self.cell(95, 7, self.brand)
        self.cell(95, 7, self.heading, align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_draw_color(11, 107, 87)
        self.line(10, self.get_y() + 1, 200, self.get_y() + 1)
        self.ln(5)

    def footer(self) -> None:
        self.set_y(-14)
        self.set_font("text", size=8)
        self.set_text_color(*_SOFT)
        said = gettext("Sandbox: no real money.") if self.sandbox else ""
        self.cell(95, 6, said)
        spare = self.get_string_width("{pages}") - self.get_string_width(
            "0"
        )  # the count is shorter than its placeholder
        self.cell(95 + spare, 6, f"{self.page_no()} / {{pages}}", align="R")


def make(
    brand: str, customer_name: str, wanted: Period, balances: Iterable[Balance], lines: Iterable[Line], *, made_at: str,
    sandbox: bool,
) -> bytes:  # fmt: skip
    """The document. Beyond MOST_LINES it refers to the CSV, which has them all."""
    sheet = _Sheet(brand, gettext("Statement %(period)s", period=wanted.name), sandbox)
    sheet.set_title(gettext("Statement %(period)s", period=wanted.name))
    sheet.set_creator(brand)
    sheet.add_page()
    _facts(sheet, customer_name, wanted, made_at)
    _balances(sheet, list(balances))
    _lines(sheet, lines)
    return bytes(sheet.output())


def _facts(sheet: FPDF, customer_name: str, wanted: Period, made_at: str) -> None:
    rows = (
        (gettext("Customer"), customer_name),
        (gettext("Period"), f"{wanted.first:%Y/%m/%d} – {wanted.last:%Y/%m/%d} (Asia/Taipei)"),
        (gettext("Made on"), made_at),
    )
    sheet.set_font("text", size=9)
    for label, value in rows:
        sheet.set_text_color(*_SOFT)
        sheet.cell(34, 6, label)
        sheet.set_text_color(*_INK)
        sheet.cell(0, 6, value, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    sheet.ln(4)


def _balances(sheet: FPDF, balances: list[Balance]) -> None:
    _heading(sheet, gettext("Balances"))
    _row(sheet, [gettext("Asset"), "", "", gettext("At the beginning"), gettext("At the end")], soft=True)
    for balance in balances:
        _row(
            sheet,
            [
                balance.asset,
                "",
                "",
                _money(balance.opening_units, balance.asset),
                _money(balance.closing_units, balance.asset),
            ],
        )
    if not balances:
        _row(sheet, [gettext("Nothing yet"), "", "", "", ""])
    sheet.ln(4)


def _lines(sheet: FPDF, lines: Iterable[Line]) -> None:
    _heading(sheet, gettext("Movements"))
    heads = [gettext("Time"), gettext("Movement"), gettext("Reference"), gettext("Amount"), gettext("Balance")]
    _row(sheet, heads, soft=True)
    count = 0
    for line in lines:
        count += 1
        if sheet.will_page_break(12):
            sheet.add_page()
            _row(sheet, heads, soft=True)
        if count > MOST_LINES:
            _row(sheet, [gettext("More lines are in the CSV file."), "", "", "", ""], soft=True)
            return
        what = title(line.kind)
        amount = str(amount_parts(line.units, line.asset, sign=True, fixed=True, code=True))
        _row(
            sheet,
            [time_text(line.at, "long"), what, line.reference, amount, _money(line.balance_units, line.asset)],
            sub=line.counterparty,
        )
    if not count:
        _row(sheet, [gettext("No movements in this period."), "", "", "", ""])


def _heading(sheet: FPDF, text: str) -> None:
    sheet.set_font("text", size=12)
    sheet.set_text_color(*_INK)
    sheet.cell(0, 9, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _row(sheet: FPDF, cells: list[str], *, soft: bool = False, sub: str = "") -> None:
    sheet.set_font("text", size=8)
    if sheet.will_page_break(12 if sub else 7):
        sheet.add_page()
    sheet.set_text_color(*(_SOFT if soft else _INK))
    for number, (width, text) in enumerate(zip(_COLUMNS, cells, strict=True)):
        alone = number == 0 and not any(cells[1:])
        sheet.cell(
            0 if alone else width, 6, _cut(sheet, text, 190 if alone else width - 1), align="R" if number > 2 else "L"
        )
    sheet.ln(6)
    if sub:
        sheet.set_text_color(*_SOFT)
        sheet.set_x(10 + _COLUMNS[0])
        sheet.cell(0, 4, _cut(sheet, sub, 150), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    sheet.set_draw_color(*_LINE)
    sheet.line(10, sheet.get_y(), 200, sheet.get_y())


def _cut(sheet: FPDF, text: str, width: int) -> str:
    """Text that fits a cell; what is too long ends in dots. Control characters are left out."""
    plain = "".join(letter for letter in text.replace("\u00a0", " ") if letter.isprintable())
    if sheet.get_string_width(plain) <= width:
        return plain
    while plain and sheet.get_string_width(plain + "…") > width:
        plain = plain[:-1]
    return plain + "…"


def _money(units: int, asset: str) -> str:
    return str(amount_parts(units, asset, fixed=True, code=True))
