"""Booking lines of bank statements: each line once, each thing on one line at most.

What is certain is booked in bulk; the rest one by one, or, when it fits nothing, by two people against a house account.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import ledger
from portal.db import Database, affected, now
from portal.errors import N_, Refusal, declare
from portal.ledger import Line
from portal.ledger.chart import HOUSE_BUCKETS
from portal.models.bank import BankRefund, StatementLine
from portal.models.ledger import Account, Entry, Journal
from portal.models.wallet import BankCredit, Withdrawal
from portal.permissions import BANK_VIEW, LEDGER_ADJUST, LEDGER_APPROVE
from portal.services import (
    approvals,
    audit,
    bank_credits,
    bank_matching,
    bank_refunds,
    bank_statements,
    staff_counts,
    withdrawal_sending,
    withdrawal_settling,
)
from portal.services.bank_files.parsed import ASSET
from portal.services.bank_matching import (
    CERTAIN,
    CREDIT,
    FEE,
    INTEREST,
    JOURNAL,
    KNOWN,
    OTHER,
    OWN,
    PAYOUT,
    RECORDED_KINDS,
    REFUND,
)
from portal.services.bank_statements import BOOKED, OPEN
from portal.services.staff_sessions import SignedInStaff

KIND = "bank.line"

declare(
    {
        "line_booked": N_("This line is booked already."),
        "line_mismatch": N_("This line and what it should be differ in amount or direction."),
        "line_taken": N_("Another line is booked as this already."),
    }
)


def book(
    session: Session, line_id: int, actor: str, *, kind: str | None = None, match_id: int | None = None
) -> StatementLine:
    """Books a line as proposed, or as `kind` and `match_id` say.

    Raises Refusal `not_found`, `line_booked`, `line_mismatch`, `line_taken`, `input_invalid` without any proposal.
    """
    line = bank_statements.line(session, line_id, lock=True)
    if line.status != OPEN:
        raise Refusal("line_booked")
    if kind is None:
        kind, match_id = line.match_kind or "", line.match_id
    way = _WAYS.get(kind)
    if way is None:
        raise Refusal("input_invalid", field="kind")
    thing_id = way(session, line, match_id, actor)
    _mark(session, line, kind, thing_id, actor)
    return line


def _mark(
    session: Session, line: StatementLine, kind: str, thing_id: int | None, actor: str, note: str | None = None
) -> None:
    if thing_id is not None:
        taken = sa.select(StatementLine.id).where(
            StatementLine.status == BOOKED, StatementLine.match_kind == kind, StatementLine.match_id == thing_id
        )
        if session.scalar(taken) is not None:
            raise Refusal("line_taken")
    changed = session.execute(
        sa.update(StatementLine)
        .where(StatementLine.id == line.id, StatementLine.status == OPEN)
        .values(status=BOOKED, match_kind=kind, match_id=thing_id, booked_by=actor, booked_at=now(session), note=note)
        .execution_options(synchronize_session=False)
    )
    if affected(changed) != 1:
        raise Refusal("line_booked")
    session.refresh(line)
    audit.write(
        session, actor, "bank.book", f"statement_line:{line.id}",
        details={"kind": kind, "thing": thing_id, "units": line.amount_units},
    )  # fmt: skip


def _as_credit(session: Session, line: StatementLine, match_id: int | None, actor: str) -> int:
    if line.amount_units <= 0:
        raise Refusal("line_mismatch")
    if match_id is None:
        credit = bank_credits.receive(
            session,
            account=line.virtual_account or line.account,
            amount_units=line.amount_units,
            payer_account=line.other_account,
            payer_name=line.other_name,
            reference=line.reference or f"line-{line.fingerprint[:40]}",
        )
        return credit.id
    found = session.get(BankCredit, match_id)
    if found is None or found.amount_units != line.amount_units:
        raise Refusal("line_mismatch")
    return found.id


def _as_payout(session: Session, line: StatementLine, match_id: int | None, actor: str) -> int:
    """The bank's word that a pay-out was made settles it, if it was not settled before."""
    found = session.get(Withdrawal, match_id or 0)
    if found is None or found.network != "BANK" or withdrawal_settling.payout_units(found) != -line.amount_units:
        raise Refusal("line_mismatch")
    if found.status in ("processing", "broadcast"):
        withdrawal_sending.settle(session, found.id)
        session.refresh(found)
    if found.status != "confirmed":
        raise Refusal("line_mismatch")
    return found.id


def _as_refund(session: Session, line: StatementLine, match_id: int | None, actor: str) -> int:
    found = session.get(BankRefund, match_id or 0)
    if found is None or found.amount_units != -line.amount_units:
        raise Refusal("line_mismatch")
    bank_refunds.settle(session, found.id, actor)
    session.refresh(found)
    if found.status != "paid":
        raise Refusal("line_mismatch")
    return found.id


def _as_fee(session: Session, line: StatementLine, match_id: int | None, actor: str) -> int:
    if line.amount_units >= 0:
        raise Refusal("line_mismatch")
    return _against(session, line, "fees", "bank_fee", actor)


def _as_interest(session: Session, line: StatementLine, match_id: int | None, actor: str) -> int:
    if line.amount_units <= 0:
        raise Refusal("line_mismatch")
    return _against(session, line, "fees", "bank_interest", actor)


def _against(session: Session, line: StatementLine, bucket: str, kind: str, actor: str) -> int:
    """Posts the line's own amount: the bank's mirror is negative, so what came in takes it further down."""
    lines = [
        Line(ledger.house("bank", ASSET), -line.amount_units),
        Line(ledger.house(bucket, ASSET), line.amount_units),
    ]
    reference = f"statement_line:{line.id}"
    ledger.post(session, kind, reference, lines, actor=actor)
    return ledger.journal_id(session, reference)


def _as_own(session: Session, line: StatementLine, match_id: int | None, actor: str) -> None:
    """Money between the house's own accounts: the other account's statement has it, too; the books have one bank."""


def _as_journal(session: Session, line: StatementLine, match_id: int | None, actor: str) -> int:
    """A journal booked by hand that moved the bank's mirror by this very amount."""
    query = (
        sa.select(sa.func.sum(Entry.amount_units))
        .join(Journal, Journal.id == Entry.journal_id)
        .join(Account, Account.id == Entry.account_id)
        .where(
            Journal.id == (match_id or 0),
            Journal.kind.not_in(RECORDED_KINDS),
            Account.owner_kind == "house",
            Account.bucket == "bank",
            Account.asset == ASSET,
        )
    )
    if session.scalar(query) != -line.amount_units:
        raise Refusal("line_mismatch")
    return match_id or 0


def _as_known(session: Session, line: StatementLine, match_id: int | None, actor: str) -> int:
    found = session.get(StatementLine, match_id or 0)
    if found is None or found.id == line.id or found.account != line.account or found.amount_units != line.amount_units:
        raise Refusal("line_mismatch")
    return found.id


_WAYS: dict[str, Any] = {
    CREDIT: _as_credit,
    PAYOUT: _as_payout,
    REFUND: _as_refund,
    FEE: _as_fee,
    INTEREST: _as_interest,
    OWN: _as_own,
    JOURNAL: _as_journal,
    KNOWN: _as_known,
}

#: What a person may choose for a line without naming a thing.
PLAIN = (CREDIT, FEE, INTEREST, OWN)


def book_certain(database: Database, actor: str, statement_id: int | None = None) -> tuple[int, int]:
    """Books every open line whose proposal is certain, each in a transaction of its own; how many, and how many refused.

    Proposals are worked out anew before each: what was certain may have been taken by the line before.
    """
    done = refused = 0
    after_id = 0
    while ids := database.read(_open_ids, statement_id, after_id):
        for line_id in ids:
            try:
                done += database.transact(_book_if_certain, line_id, actor)
            except Refusal:
                refused += 1
        after_id = ids[-1]
    return done, refused


def _open_ids(session: Session, statement_id: int | None, after_id: int, count: int = 500) -> list[int]:
    query = sa.select(StatementLine.id).where(StatementLine.status == OPEN, StatementLine.id > after_id)
    if statement_id is not None:
        query = query.where(StatementLine.statement_id == statement_id)
    return list(session.scalars(query.order_by(StatementLine.id).limit(count)))


def _book_if_certain(session: Session, line_id: int, actor: str) -> int:
    line = bank_statements.line(session, line_id, lock=True)
    if line.status != OPEN:
        return 0
    found = bank_matching.propose(session, line)
    line.match_kind, line.match_id = found.kind or None, found.match_id
    line.score, line.reasons = found.score, list(found.reasons)
    session.flush()
    if found.score < CERTAIN:
        return 0
    book(session, line_id, actor)
    return 1


def proposal(session: Session, me: SignedInStaff, line_id: int, bucket: str, reason: str) -> None:
    """Proposes to book a line that fits nothing against a house account. Raises the refusals of `carry_out`."""
    line = bank_statements.line(session, line_id)
    payload = {"line": line.id, "asset": ASSET, "units": line.amount_units, "counter": bucket}
    approvals.propose(session, me, KIND, f"statement_line:{line.id}", payload, reason)


@approvals.declare_kind(KIND, N_("Booking of a bank line"), propose=LEDGER_ADJUST, approve=LEDGER_APPROVE)
def carry_out(session: Session, payload: Mapping[str, Any], actor: str, reference: str) -> dict[str, Any]:
    """Books a line against a house account. Raises Refusal `line_booked`, `adjustment_account_unknown`."""
    line = bank_statements.line(session, payload["line"], lock=True)
    if line.status != OPEN:
        raise Refusal("line_booked")
    bucket = payload["counter"]
    if bucket not in HOUSE_BUCKETS or bucket == "bank":
        raise Refusal("adjustment_account_unknown", field="counter")
    journal = _against(session, line, bucket, "bank_line", actor)
    _mark(session, line, OTHER, journal, actor)
    return {"journal": journal}


@approvals.declare_kind(
    "bank.opening", N_("Opening balance of a bank account"), propose=LEDGER_ADJUST, approve=LEDGER_APPROVE
)
def book_opening(session: Session, payload: Mapping[str, Any], actor: str, reference: str) -> dict[str, Any]:
    """Books what an account held before its first statement, as the house's own. Raises Refusal `already_posted`."""
    units, account = int(payload["units"]), str(payload["account"])
    if not units:
        raise Refusal("adjustment_nothing", field="amount")
    lines = [Line(ledger.house("bank", ASSET), -units), Line(ledger.house("adjustments", ASSET), units)]
    booked = f"bank_opening:{account}"
    ledger.post(session, "bank_opening", booked, lines, actor=actor)
    return {"journal": ledger.journal_id(session, booked)}


staff_counts.declare("bank_lines", BANK_VIEW, lambda _: sa.select(StatementLine.id).where(StatementLine.status == OPEN))
