"""CSV files of banks. Every bank names its columns in its own way: a mapping says which column is what."""

import csv
import io
import re
from collections.abc import Mapping as Values
from dataclasses import dataclass, fields
from typing import Any

from portal.errors import N_, Refusal, declare
from portal.services.bank_files.parsed import Line, Statement, amount, cut, day, finished, unreadable

declare({"mapping_invalid": N_("A mapping needs the columns of the date and of the amounts.")})

_ENCODINGS = ("utf-8-sig", "cp950")


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which column is what, by the names in the file's header line; empty where the bank has no such column.

    Either `money_in` and `money_out`, or `amount` with its sign, or `amount` with `direction` (whose cell is one of
    `incoming` for money in). `account` is the column of the account's number; otherwise it is looked for above the
    header after `account_label`, or it is `account_number`. `newest_first` files are turned around.
    """

    name: str
    date: str
    money_in: str = ""
    money_out: str = ""
    amount: str = ""
    direction: str = ""
    incoming: str = ""
    balance: str = ""
    reference: str = ""
    virtual_account: str = ""
    other_account: str = ""
    other_name: str = ""
    remark: str = ""
    account: str = ""
    account_label: str = ""
    account_number: str = ""
    newest_first: bool = False


#: Mappings of files as these banks' online services give them out; a bank that changes its columns gets one of its own.
PRESETS: dict[str, Mapping] = {
    mapping.name: mapping
    for mapping in (
        Mapping(
            "809 凱基銀行", date="交易日期", money_out="支出金額", money_in="存入金額", balance="帳戶餘額",
            reference="交易序號", virtual_account="虛擬帳號", other_account="轉出入帳號", other_name="轉帳戶名",
            remark="摘要", account_label="帳號",
        ),
        Mapping(
            "822 中國信託", date="日期", money_out="支出", money_in="存入", balance="結餘", reference="交易編號",
            other_account="轉出入帳號", other_name="戶名", virtual_account="註記", remark="摘要", account_label="帳號",
            newest_first=True,
        ),
        Mapping(
            "808 玉山銀行", date="交易日期", amount="交易金額", direction="借貸別", incoming="貸", balance="餘額",
            reference="交易序號", virtual_account="虛擬帳號", other_account="對方帳號", other_name="對方戶名",
            remark="交易說明", account="帳號",
        ),
        Mapping(
            "013 國泰世華", date="帳務日期", money_out="提出", money_in="存入", balance="餘額", reference="交易流水號",
            virtual_account="銷帳編號", other_account="對方帳號", other_name="對方名稱", remark="交易資訊",
            account_label="帳號",
        ),
        Mapping(
            "700 中華郵政", date="交易日期", money_out="提出金額", money_in="存入金額", balance="結存金額",
            remark="摘要", other_name="備註", account_label="局帳號",
        ),
    )
}  # fmt: skip


def mapping_from(values: Values[str, Any]) -> Mapping:
    """A mapping out of a form or a stored row. Raises Refusal `mapping_invalid`."""
    known: dict[str, Any] = {}
    for column in fields(Mapping):
        value = values.get(column.name)
        if column.name == "newest_first":
            known[column.name] = value in (True, "y")
        else:
            known[column.name] = cut(str(value)) if value else ""
    made = Mapping(**known)
    if not made.name or not made.date or not (made.amount or (made.money_in and made.money_out)):
        raise Refusal("mapping_invalid", field="date" if not made.date else "amount")
    return made


def read_csv(content: bytes, mapping: Mapping) -> Statement:
    """The statement in a CSV file. Raises Refusal `statement_unreadable`."""
    rows = _rows(content)
    top, head = _header(rows, mapping)
    lines = []
    account = ""
    for number, row in enumerate(rows[top + 1 :], top + 2):
        cells = {name: row[place].strip() if place < len(row) else "" for name, place in head.items()}
        date_cell = cells[mapping.date]
        if not date_cell or not any(sign.isdigit() for sign in date_cell):
            continue  # totals and notes below the table
        account = account or _digits(cells.get(mapping.account, ""))
        lines.append(_line(cells, mapping, number))
    lines = [line for line in lines if line.amount_units]
    if mapping.newest_first:
        lines.reverse()
    account = account or _account_above(rows[:top], mapping) or _digits(mapping.account_number)
    opening = closing = None
    if lines and mapping.balance and lines[0].balance_units is not None and lines[-1].balance_units is not None:
        opening, closing = lines[0].balance_units - lines[0].amount_units, lines[-1].balance_units
    return finished(account, "statement", f"csv:{mapping.name}"[:64], opening, closing, lines)


def _rows(content: bytes) -> list[list[str]]:
    for encoding in _ENCODINGS:
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise unreadable("encoding")
    text = text.replace("\x00", "")
    first_lines = "\n".join(text.splitlines()[:20])
    delimiter = max(",\t;", key=first_lines.count)
    try:
        return [[_plain(cell) for cell in row] for row in csv.reader(io.StringIO(text), delimiter=delimiter)]
    except csv.Error as error:
        raise unreadable("encoding") from error


def _plain(cell: str) -> str:
    """A cell without the `="…"` by which banks keep spreadsheets from eating leading zeros."""
    found = re.fullmatch(r'\s*="?(.*?)"?\s*', cell, re.DOTALL) if cell.lstrip().startswith("=") else None
    return (found.group(1) if found else cell).strip().strip("'\u3000")


def _header(rows: list[list[str]], mapping: Mapping) -> tuple[int, dict[str, int]]:
    """The line of column names and each mapped column's place."""
    wanted = [
        getattr(mapping, column.name)
        for column in fields(Mapping)
        if column.name not in ("name", "incoming", "account_label", "account_number", "newest_first")
    ]
    wanted = [name for name in wanted if name]
    needed = {mapping.date, mapping.amount or mapping.money_in}
    for number, row in enumerate(rows[:60]):
        places = {name: place for place, name in reversed(list(enumerate(row)))}
        if needed <= set(places):
            missing = [name for name in wanted if name not in places and name in (mapping.money_out, mapping.direction)]
            if missing:
                raise unreadable("column", number + 1)
            return number, {name: places[name] for name in wanted if name in places}
    raise unreadable("header")


def _line(cells: dict[str, str], mapping: Mapping, number: int) -> Line:
    if mapping.amount:
        units = amount(cells[mapping.amount], number)
        if mapping.direction:
            units = abs(units) if cells[mapping.direction].startswith(mapping.incoming or "貸") else -abs(units)
    else:
        units = abs(amount(cells[mapping.money_in], number)) - abs(amount(cells[mapping.money_out], number))
    balance = cells.get(mapping.balance, "") if mapping.balance else ""
    return Line(
        day=day(cells[mapping.date], number),
        amount_units=units,
        balance_units=amount(balance, number) if balance else None,
        reference=cut(cells.get(mapping.reference, "")),
        virtual_account=_digits(cells.get(mapping.virtual_account, ""))[:20],
        other_account=_digits(cells.get(mapping.other_account, ""))[:40],
        other_name=cut(cells.get(mapping.other_name, ""), 100),
        remark=cut(cells.get(mapping.remark, "")),
    )


def _account_above(rows: list[list[str]], mapping: Mapping) -> str:
    """The account's number in the lines above the table: in the label's own cell, or in the next one."""
    if not mapping.account_label:
        return ""
    for row in rows:
        for place, cell in enumerate(row):
            if mapping.account_label in cell:
                found = _digits(cell) or next((_digits(other) for other in row[place + 1 :] if _digits(other)), "")
                if found:
                    return found[:40]
    return ""


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign in "0123456789")
