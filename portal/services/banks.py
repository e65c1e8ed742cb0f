"""Taiwan's banks and their branches: the list that pickers show, and importing the official one.

The portal comes with a list to start with (`portal/data/taiwan_banks.csv`), loaded by the first migration. `flask banks
import <csv>` takes the list that the clearing house publishes (FISC, 金融機構總分支機構): rows with a bank's code alone name
the bank, rows with a branch code name a branch.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.models.wallet import Bank, BankBranch

STARTING_LIST = Path(__file__).resolve().parent.parent / "data" / "taiwan_banks.csv"

_BANK_CODE = re.compile(r"[0-9]{3}", re.ASCII)
_BRANCH_CODE = re.compile(r"[0-9]{4}", re.ASCII)

#: Column names as they are found in the official files and in ours.
_BANK_COLUMNS = ("銀行代號", "銀行代號/總機構代碼", "總機構代號", "bank_code", "bank code")
_BRANCH_COLUMNS = ("分支機構代號", "分支機構代碼", "branch_code", "branch code")
_BANK_NAMES = ("金融機構名稱", "總機構名稱", "機構名稱", "bank_name", "bank name")
_BRANCH_NAMES = ("分支機構名稱", "branch_name", "branch name", "name")
_ENGLISH = ("英文名稱", "name_en", "english name")


class ListError(ValueError):
    """The file is no list of banks; the text says which line is wrong."""


@dataclass(frozen=True, slots=True)
class ListRow:
    """A bank (`branch_code` empty, `branch_name` empty) or a branch of one."""

    bank_code: str
    branch_code: str
    bank_name: str
    branch_name: str
    name_en: str


def every_bank(session: Session) -> list[Bank]:
    """All banks by code."""
    return list(session.scalars(sa.select(Bank).order_by(Bank.code)))


def branches(session: Session, bank_code: str) -> list[BankBranch]:
    """The branches of a bank by code; none for an unknown bank."""
    query = sa.select(BankBranch).where(BankBranch.bank_code == bank_code)
    return list(session.scalars(query.order_by(BankBranch.code)))


def is_bank(session: Session, bank_code: str) -> bool:
    """Whether the code names a bank of the list."""
    return session.get(Bank, bank_code) is not None if _BANK_CODE.fullmatch(bank_code) else False


def is_branch_code(branch_code: str) -> bool:
    """Whether the text can be a branch code. A branch that is not listed yet may still exist."""
    return _BRANCH_CODE.fullmatch(branch_code) is not None


def names(session: Session, places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """`臺灣土地銀行　基隆分行` for each (bank code, branch code), in two statements; codes where no name is known."""
    wanted = list(places)
    bank_codes = {bank for bank, _ in wanted}
    banks = {row.code: row.name for row in session.scalars(sa.select(Bank).where(Bank.code.in_(bank_codes)))}
    found = session.scalars(sa.select(BankBranch).where(BankBranch.bank_code.in_(bank_codes)))
    named = {(row.bank_code, row.code): row.name for row in found}
    return {
        (bank, branch): f"{banks.get(bank, bank)}　{named.get((bank, branch), branch)}".strip("　")
        for bank, branch in wanted
    }


def full_name(session: Session, bank_code: str, branch_code: str) -> str:
    """`臺灣土地銀行　基隆分行`, as the brokerage contract writes it."""
    return names(session, [(bank_code, branch_code)])[bank_code, branch_code]


def read_list(path: Path) -> list[ListRow]:
    """Reads a list in UTF-8 or Big5 with a heading. Raises ListError."""
    raw = path.read_bytes()
    for encoding in ("utf-8-sig", "cp950"):
        try:
            lines = raw.decode(encoding).splitlines()
            break
        except UnicodeDecodeError:
            continue
    else:
        raise ListError("the file is neither UTF-8 nor Big5")
    reader = csv.DictReader(lines)
    heading = [name.strip() for name in reader.fieldnames or []]
    reader.fieldnames = heading
    bank, branch = _column(heading, _BANK_COLUMNS), _column(heading, _BRANCH_COLUMNS)
    bank_name, branch_name = _column(heading, _BANK_NAMES), _column(heading, _BRANCH_NAMES)
    english = next((name for name in _ENGLISH if name in heading), None)
    rows = []
    for number, row in enumerate(reader, 2):
        code, sub = (row[bank] or "").strip(), (row[branch] or "").strip()
        if len(sub) == 7 and sub.startswith(code):
            sub = sub[3:]
        name, sub_name = (row[bank_name] or "").strip(), (row[branch_name] or "").strip()
        if (
            not _BANK_CODE.fullmatch(code)
            or (sub and not _BRANCH_CODE.fullmatch(sub))
            or not name
            or (sub and not sub_name)
        ):
            raise ListError(f"line {number} names no bank or branch")
        rows.append(ListRow(code, sub, name, sub_name, (row[english] or "").strip() if english else ""))
    if not rows:
        raise ListError("the list is empty")
    return rows


def _column(heading: Sequence[str], names: Sequence[str]) -> str:
    for name in names:
        if name in heading:
            return name
    raise ListError(f"the heading has no column {names[0]}")


@lru_cache(maxsize=1)
def starting_list() -> tuple[ListRow, ...]:
    """The list that the portal comes with."""
    return tuple(read_list(STARTING_LIST))


def replace(session: Session, rows: Iterable[ListRow]) -> tuple[int, int]:
    """Puts a list in force: (banks, branches).

    Branches that are not in it are closed and leave the list; banks stay, because accounts may name them. A bank keeps its
    English name when the new list has none.
    """
    given = list(rows)
    known = {bank.code: bank for bank in every_bank(session)}
    named: dict[str, tuple[str, str]] = {}
    for row in given:
        if not row.branch_code or row.bank_code not in named:
            named[row.bank_code] = (row.bank_name, row.name_en)
    for code, (name, english) in named.items():
        bank = known.get(code)
        if bank is None:
            session.add(Bank(code=code, name=name, name_en=english or None))
        else:
            bank.name, bank.name_en = name, english or bank.name_en
    session.flush()
    unique = {(row.bank_code, row.branch_code): row.branch_name for row in given if row.branch_code}
    session.execute(sa.delete(BankBranch).where(BankBranch.bank_code.in_(named)))
    if unique:
        session.execute(
            sa.insert(BankBranch),
            [{"bank_code": bank, "code": code, "name": name} for (bank, code), name in sorted(unique.items())],
        )
    return len(named), len(unique)
