"""Statements of the house's bank accounts: imported once, line by line, whatever files they come in."""

import hashlib
from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import insert_if_absent, now
from portal.errors import N_, Refusal, declare
from portal.models.bank import BankMapping, BankStatement, StatementLine
from portal.models.wallet import VirtualAccount
from portal.services import audit, bank_credits, parameters
from portal.services.bank_files import PRESETS, Line, Mapping, Statement, mapping_from
from portal.services.bank_files.parsed import ASSET

declare(
    {
        "statement_known": N_("This very file was imported already."),
        "mapping_unknown": N_("There is no such mapping."),
    }
)

OPEN, BOOKED = "open", "booked"


def mappings(session: Session) -> dict[str, Mapping]:
    """The ways to read CSV files: the portal's own, and those that staff made (which stand in the place of one of the same name)."""
    own = {
        row.name: mapping_from(row.columns) for row in session.scalars(sa.select(BankMapping).order_by(BankMapping.id))
    }
    return {**PRESETS, **own}


def mapping(session: Session, name: str) -> Mapping | None:
    """A mapping by name; None for no name. Raises Refusal `mapping_unknown`."""
    if not name:
        return None
    found = mappings(session).get(name)
    if found is None:
        raise Refusal("mapping_unknown", field="mapping")
    return found


def keep_mapping(session: Session, made: Mapping, actor: str) -> None:
    """Keeps a mapping; a newer one of a name takes the older one's place. The older stay as they were."""
    session.add(BankMapping(name=made.name, columns=asdict(made), made_by=actor, made_at=now(session)))
    session.flush()
    audit.write(session, actor, "bank.mapping", f"mapping:{made.name}"[:200], details=asdict(made))


def take(session: Session, found: Statement, file_name: str, content: bytes, actor: str) -> BankStatement:
    """Takes a statement; lines that came in an earlier file are known and not taken again.

    Raises Refusal `statement_known` for the very same file.
    """
    made = BankStatement(
        account=found.account,
        asset=ASSET,
        kind=found.kind,
        format=found.format,
        file_name=file_name[:200],
        file_digest=hashlib.sha256(content).hexdigest(),
        first_day=found.days[0].isoformat(),
        last_day=found.days[1].isoformat(),
        opening_units=found.opening_units,
        closing_units=found.closing_units,
        lines_new=0,
        lines_known=0,
        imported_by=actor,
        imported_at=now(session),
    )
    known = sa.select(BankStatement.id).where(BankStatement.file_digest == made.file_digest)
    if session.scalar(known) is not None:
        raise Refusal("statement_known", field="file")
    session.add(made)
    session.flush()
    seen: dict[str, int] = {}
    for line in found.lines:
        made.lines_new += _take_line(session, made, line, seen)
    made.lines_known = len(found.lines) - made.lines_new
    session.flush()
    audit.write(
        session, actor, "bank.import", f"statement:{made.id}",
        details={"account": made.account, "file": file_name[:100], "new": made.lines_new, "known": made.lines_known},
    )  # fmt: skip
    return made


def _take_line(session: Session, statement: BankStatement, line: Line, seen: dict[str, int]) -> int:
    fingerprint = _fingerprint(line, seen)
    row = {
        "statement_id": statement.id,
        "account": statement.account,
        "fingerprint": fingerprint,
        "day": line.day.isoformat(),
        "amount_units": line.amount_units,
        "balance_units": line.balance_units,
        "reference": line.reference or None,
        "virtual_account": line.virtual_account or _virtual_in(session, line.remark) or None,
        "other_account": line.other_account or None,
        "other_name": line.other_name or None,
        "remark": line.remark,
        "status": OPEN,
        "score": 0,
    }
    return insert_if_absent(session, StatementLine.__table__, row)


def _fingerprint(line: Line, seen: dict[str, int]) -> str:
    """What makes a movement the same one in another file: the bank's reference, else all that the line says.

    Lines that say the very same are told apart by their order within the day.
    """
    if line.reference:
        what = f"reference|{line.reference}|{line.amount_units}"
    else:
        what = "|".join(
            (line.day.isoformat(), str(line.amount_units), str(line.balance_units), line.other_account, line.remark)
        )
    seen[what] = seen.get(what, 0) + 1
    return hashlib.sha256(f"{what}|{seen[what]}".encode()).hexdigest()


def _virtual_in(session: Session, remark: str) -> str:
    """A virtual account's number that stands in a remark, if its check digit is right and it is one of ours."""
    prefix = parameters.get(session, "bank.virtual_accounts")["prefix"]
    for word in remark.replace("-", " ").replace(":", " ").replace("：", " ").split():
        digits = "".join(sign for sign in word if sign in "0123456789")
        ours = len(digits) == 16 and digits.startswith(prefix) and bank_credits.check_digit(digits[:-1]) == digits[-1]
        if ours and session.scalar(sa.select(VirtualAccount.id).where(VirtualAccount.account == digits)) is not None:
            return digits
    return ""


def page(session: Session, before_id: int | None = None, count: int = 25) -> list[BankStatement]:
    """Imported statements, newest first, below a number (keyset)."""
    query = sa.select(BankStatement)
    if before_id is not None:
        query = query.where(BankStatement.id < before_id)
    return list(session.scalars(query.order_by(BankStatement.id.desc()).limit(count)))


def find(session: Session, public_id: str) -> BankStatement:
    """A statement. Raises Refusal `not_found`."""
    found = session.scalar(sa.select(BankStatement).where(BankStatement.public_id == public_id))
    if found is None:
        raise Refusal("not_found")
    return found


def lines(
    session: Session, *, statement_id: int | None = None, status: str = "", after_id: int | None = None, count: int = 50
) -> list[StatementLine]:
    """Lines of a statement or a status, in order, above a number (keyset)."""
    query = sa.select(StatementLine).where(StatementLine.id > (after_id or 0))
    if statement_id is not None:
        query = query.where(StatementLine.statement_id == statement_id)
    if status:
        query = query.where(StatementLine.status == status)
    return list(session.scalars(query.order_by(StatementLine.id).limit(count)))


def line(session: Session, line_id: int, *, lock: bool = False) -> StatementLine:
    """One line. Raises Refusal `not_found`."""
    query = sa.select(StatementLine).where(StatementLine.id == line_id)
    query = query.with_for_update().execution_options(populate_existing=True) if lock else query
    found = session.scalar(query)
    if found is None:
        raise Refusal("not_found")
    return found
