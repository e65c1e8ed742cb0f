"""What a bank's file says, whatever its format, and how its parts are read."""

import re
from dataclasses import dataclass, field
from datetime import date

from portal.errors import N_, Refusal, declare
from portal.money import AmountError, parse_units

ASSET = "TWD"
MAX_LINES = 20_000

WHATS: dict[str, str] = {
    "too_large": N_("The file is larger than 5 MB."),
    "mapping_missing": N_("Choose how the columns of this file are to be read."),
    "encoding": N_("The file's letters cannot be read."),
    "header": N_("The line with the column names was not found."),
    "column": N_("A column of the mapping is not in the file."),
    "date": N_("A date cannot be read."),
    "amount": N_("An amount cannot be read."),
    "xml": N_("The file is no well-formed XML."),
    "camt": N_("The file is no camt.053 or camt.054 message."),
    "account": N_("The file does not say which account it is of."),
    "currency": N_("The file is not in New Taiwan dollars."),
    "empty": N_("The file has no lines."),
    "too_long": N_("The file has too many lines."),
    "unbalanced": N_("The lines do not add up to the balances: part of the file is missing."),
}

declare({"statement_unreadable": N_("This file cannot be read.")})

_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[+-]?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Line:
    """One movement; `amount_units` is positive for money that came in. Empty texts mean that the file tells nothing."""

    day: date
    amount_units: int
    balance_units: int | None = None
    reference: str = ""
    virtual_account: str = ""
    other_account: str = ""
    other_name: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """A file's content. `kind` is statement, or notice for entries without balances (camt.054)."""

    account: str
    kind: str
    format: str
    opening_units: int | None
    closing_units: int | None
    lines: tuple[Line, ...]
    days: tuple[date, date] = field(default=(date.min, date.min))


def unreadable(what: str, line: int | None = None) -> Refusal:
    """The refusal that says what is wrong, and on which line of the file."""
    return Refusal("statement_unreadable", field="file", what=what, line=line)


def finished(
    account: str, kind: str, form: str, opening: int | None, closing: int | None, lines: list[Line],
    days: tuple[date, date] | None = None,
) -> Statement:  # fmt: skip
    """The statement, after its lines were found to add up to its balances."""
    if not account:
        raise unreadable("account")
    if len(lines) > MAX_LINES:
        raise unreadable("too_long")
    if not lines and (opening is None or opening != closing):
        raise unreadable("empty")
    if opening is not None and closing is not None and opening + sum(line.amount_units for line in lines) != closing:
        raise unreadable("unbalanced")
    span = days or (min(line.day for line in lines), max(line.day for line in lines))
    return Statement(account, kind, form, opening, closing, tuple(lines), span)


def amount(text: str, line: int | None = None) -> int:
    """TWD units of an amount as banks write it: grouped by commas, signed, with or without cents. Empty is 0."""
    plain = text.strip().replace("NT$", "").replace("$", "").replace(" ", "")
    if plain in ("", "-", "--"):
        return 0
    negative = plain.startswith("-") or (plain.startswith("(") and plain.endswith(")"))
    plain = plain.strip("()")
    if not _GROUPED.fullmatch(plain):
        raise unreadable("amount", line)
    try:
        units = parse_units(plain.replace(",", "").lstrip("+-"), ASSET)
    except AmountError as error:
        raise unreadable("amount", line) from error
    return -units if negative else units


def day(text: str, line: int | None = None) -> date:
    """A day as banks write it: 2026-11-20, 2026/11/20, 20261120, or by the Republic's years 115/11/20 and 1151120."""
    parts = _DIGITS.findall(text.strip()[:10] if not text.strip().isdigit() else text.strip())
    if len(parts) == 1 and len(parts[0]) in (7, 8):
        whole = parts[0]
        parts = [whole[:-4], whole[-4:-2], whole[-2:]]
    try:
        if len(parts) < 3:
            raise ValueError(text)
        year, month, of_month = (int(part) for part in parts[:3])
        return date(year + 1911 if year < 1000 else year, month, of_month)
    except ValueError as error:
        raise unreadable("date", line) from error


def cut(text: str | None, most: int = 200) -> str:
    """A text of the file in one line, cut to size."""
    return " ".join((text or "").replace("\x00", " ").split())[:most]
