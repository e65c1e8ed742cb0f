"""Books against bank and against chain: what each says, and every difference between them by name.

The house's `bank` and `chain` accounts mirror what is held outside, with the sign turned. Each term is counted from its own
records; what is then left is `unexplained` and should be nothing.
"""

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import ledger
from portal.db import insert_if_absent, now
from portal.errors import N_, Refusal, declare
from portal.models.bank import BankClose, BankRefund, BankStatement, Holding, StatementLine
from portal.models.ledger import Account, Entry, Journal
from portal.models.wallet import BankCredit, Deposit, Withdrawal
from portal.services import audit
from portal.services.bank_files.parsed import ASSET
from portal.services.bank_matching import CREDIT, JOURNAL, KNOWN, OWN, PAYOUT, RECORDED_KINDS, REFUND
from portal.services.bank_statements import BOOKED, OPEN
from portal.services.networks import BANK

declare(
    {
        "day_closed": N_("This day is closed already."),
        "day_not_over": N_("This day is not over yet, or no statement covers it."),
        "day_not_clean": N_("Books and bank do not agree yet: book all lines and explain every difference first."),
    }
)

#: Differences that time takes away: the books know of something that no statement tells of yet, or the other way round.
TRANSIT = ("credits_without_line", "payouts_without_line", "refunds_without_line", "own_under_way")


@dataclass(frozen=True, slots=True)
class Term:
    """One named part of the difference (bank minus books), in units, and of how many things it is made."""

    name: str
    units: int
    count: int


@dataclass(frozen=True, slots=True)
class Result:
    """What one side outside says, what the books say, and the terms between them.

    `told_whole` is whether every account's balance is known and no statement is missing between two others.
    """

    asset: str
    outside_units: int
    books_units: int
    terms: tuple[Term, ...] = ()
    accounts: tuple[tuple[str, str, int], ...] = field(default=())
    told_whole: bool = True

    @property
    def unexplained_units(self) -> int:
        """What no term accounts for."""
        return self.outside_units - self.books_units - sum(term.units for term in self.terms)

    @property
    def clean(self) -> bool:
        """Whether nothing is left but what time takes away and what was booked by hand."""
        bad = {"opening_not_booked", "gaps", "lines_open"}
        return not self.unexplained_units and not any(term.units for term in self.terms if term.name in bad)

    @property
    def held_units(self) -> int:
        """What the outside holds once everything under way has arrived."""
        return self.outside_units - sum(term.units for term in self.terms if term.name in TRANSIT)


def against_bank(session: Session) -> Result | None:
    """Books against the imported statements; None before the first one."""
    accounts = _accounts(session)
    if not accounts:
        return None
    openings = sum(found.opening for found in accounts)
    gaps = sum(found.gap for found in accounts)
    terms = [
        _opening_term(session, openings),
        Term("gaps", gaps, sum(1 for found in accounts if found.gap)),
        _lines_term(session, "lines_open", StatementLine.status == OPEN),
        _lines_term(session, "own_under_way", sa.and_(StatementLine.status == BOOKED, StatementLine.match_kind == OWN)),
        _credits_term(session),
        _payouts_term(session),
        _refunds_term(session),
        _by_hand_term(session),
    ]
    return Result(
        ASSET,
        sum(found.closing for found in accounts),
        -ledger.balance(session, ledger.house("bank", ASSET)),
        tuple(term for term in terms if term.units or term.count),
        tuple((found.account, found.last_day, found.closing) for found in accounts),
        all(found.balanced and not found.gap for found in accounts),
    )


def opening_of(session: Session, account: str) -> int:
    """What an account held before its first line, in units. Raises Refusal `not_found`."""
    for found in _accounts(session):
        if found.account == account:
            return found.opening
    raise Refusal("not_found")


@dataclass(frozen=True, slots=True)
class _AccountState:
    account: str
    last_day: str
    opening: int
    closing: int
    gap: int
    balanced: bool = True


def _accounts(session: Session) -> list[_AccountState]:
    """Every account's balance as the bank tells it: the newest statement's, and what notices told after it."""
    query = sa.select(BankStatement).order_by(BankStatement.account, BankStatement.last_day, BankStatement.id)
    by_account: dict[str, list[BankStatement]] = {}
    for row in session.scalars(query):
        by_account.setdefault(row.account, []).append(row)
    return [_account_state(session, account, rows) for account, rows in by_account.items()]


def _account_state(session: Session, account: str, rows: list[BankStatement]) -> _AccountState:
    full = [row for row in rows if row.opening_units is not None and row.closing_units is not None]
    last_day = max(row.last_day for row in rows)
    every = _sum_lines(session, account)
    if not full:
        return _AccountState(account, last_day, 0, every, 0, balanced=False)
    first = min(full, key=lambda row: (row.first_day, row.id))
    newest = max(full, key=lambda row: (row.last_day, row.id))
    earlier = _sum_lines(session, account, StatementLine.day < first.first_day)
    later = _sum_lines(session, account, StatementLine.day > newest.last_day)
    opening = (first.opening_units or 0) - earlier
    closing = (newest.closing_units or 0) + later
    return _AccountState(account, last_day, opening, closing, closing - opening - every)


def _sum_lines(session: Session, account: str, *conditions: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.coalesce(sa.func.sum(StatementLine.amount_units), 0)).where(
        StatementLine.account == account, ~_is_known(), *conditions
    )
    return int(session.scalar(query) or 0)


def _is_known() -> sa.ColumnElement[bool]:
    return sa.and_(StatementLine.status == BOOKED, StatementLine.match_kind == KNOWN)


def _totals(session: Session, query: Any) -> tuple[int, int]:
    units, count = session.execute(query).one()
    return int(units or 0), int(count)


def _opening_term(session: Session, openings: int) -> Term:
    booked = _bank_entries(session, Journal.kind == "bank_opening")
    return Term("opening_not_booked", openings + booked[0], 1 if openings + booked[0] else 0)


def _lines_term(session: Session, name: str, condition: sa.ColumnElement[bool]) -> Term:
    query = sa.select(sa.func.sum(StatementLine.amount_units), sa.func.count()).where(condition)
    return Term(name, *_totals(session, query))


def _on_a_line(kind: str, column: Any) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        StatementLine.status == BOOKED, StatementLine.match_kind == kind, StatementLine.match_id == column
    )


def _credits_term(session: Session) -> Term:
    query = sa.select(sa.func.sum(BankCredit.amount_units), sa.func.count()).where(~_on_a_line(CREDIT, BankCredit.id))
    units, count = _totals(session, query)
    return Term("credits_without_line", -units, count)


def _payouts_term(session: Session) -> Term:
    net = Withdrawal.amount_units - Withdrawal.fee_units
    # Vouchers have two places more than the dollars they are paid in.
    paid = sa.case((Withdrawal.asset == ASSET, net), else_=net // 100)
    query = sa.select(sa.func.sum(paid), sa.func.count()).where(
        Withdrawal.network == BANK,
        Withdrawal.status == "confirmed",
        Withdrawal.internal_owner_kind.is_(None),
        ~_on_a_line(PAYOUT, Withdrawal.id),
    )
    return Term("payouts_without_line", *_totals(session, query))


def _refunds_term(session: Session) -> Term:
    query = sa.select(sa.func.sum(BankRefund.amount_units), sa.func.count()).where(
        BankRefund.status == "paid", ~_on_a_line(REFUND, BankRefund.id)
    )
    return Term("refunds_without_line", *_totals(session, query))


def _by_hand_term(session: Session) -> Term:
    """Journals on the bank's mirror that stand for themselves (capital, adjustments) and that no line is about yet."""
    condition = sa.and_(Journal.kind.not_in(RECORDED_KINDS), ~_on_a_line(JOURNAL, Journal.id))
    return Term("by_hand_without_line", *_bank_entries(session, condition))


def _bank_entries(session: Session, condition: sa.ColumnElement[bool]) -> tuple[int, int]:
    query = (
        sa.select(sa.func.sum(Entry.amount_units), sa.func.count())
        .join(Journal, Journal.id == Entry.journal_id)
        .join(Account, Account.id == Entry.account_id)
        .where(Account.owner_kind == "house", Account.bucket == "bank", Account.asset == ASSET, condition)
    )
    return _totals(session, query)


# --- chains ---


def against_chains(session: Session) -> list[Result]:
    """Books against what the chains were last heard to hold, by asset; assets that no chain told of are left out.

    Chains tell of what can no longer change, and the books take up a deposit or a withdrawal at that very point: what is
    under way is in neither, and only what was booked since the reading lies between them.
    """
    rows: dict[str, list[Holding]] = {}
    for row in session.scalars(sa.select(Holding).where(Holding.source.startswith("chain:")).order_by(Holding.source)):
        rows.setdefault(row.asset, []).append(row)
    return [
        Result(
            asset,
            sum(row.units for row in told),
            -ledger.balance(session, ledger.house("chain", asset)),
            tuple(term for row in told for term in _since(session, row)),
            tuple((row.source[6:], row.at.isoformat(), row.units) for row in told),
        )
        for asset, told in sorted(rows.items())
    ]


def _since(session: Session, reading: Holding) -> list[Term]:
    """What was booked on a network after it told what it holds."""
    network = reading.source[6:]
    came = sa.select(sa.func.sum(Deposit.amount_units), sa.func.count()).where(
        Deposit.status == "confirmed", Deposit.asset == reading.asset, Deposit.network == network,
        Deposit.confirmed_at > reading.at, Deposit.tx_hash.is_not(None),
    )  # fmt: skip
    left = sa.select(sa.func.sum(Withdrawal.amount_units - Withdrawal.fee_units), sa.func.count()).where(
        Withdrawal.status == "confirmed", Withdrawal.asset == reading.asset, Withdrawal.network == network,
        Withdrawal.confirmed_at > reading.at, Withdrawal.internal_owner_kind.is_(None),
    )  # fmt: skip
    units, count = _totals(session, came)
    terms = [Term("deposits_since", -units, count), Term("withdrawals_since", *_totals(session, left))]
    return [term for term in terms if term.count]


# --- closing a day ---


def close(session: Session, day: str, actor: str) -> BankClose:
    """Closes a day: every line up to it is booked and nothing is unexplained; the figures are kept for ever.

    Raises Refusal `day_closed`, `day_not_over`, `day_not_clean`.
    """
    if session.get(BankClose, day) is not None:
        raise Refusal("day_closed")
    covered = session.scalar(sa.select(sa.func.max(BankStatement.last_day)).where(BankStatement.kind == "statement"))
    if covered is None or covered < day:
        raise Refusal("day_not_over")
    open_lines = sa.select(StatementLine.id).where(StatementLine.status == OPEN, StatementLine.day <= day)
    result = against_bank(session)
    later_open = _lines_term(session, "later", sa.and_(StatementLine.status == OPEN, StatementLine.day > day))
    clean = (
        result is not None
        and not result.unexplained_units
        and all(
            not term.units or (term.name == "lines_open" and term.units == later_open.units)
            for term in result.terms
            if term.name in ("opening_not_booked", "gaps", "lines_open")
        )
    )
    if session.scalar(open_lines.limit(1)) is not None or not clean or result is None:
        raise Refusal("day_not_clean")
    figures = {
        "bank": result.outside_units,
        "books": result.books_units,
        "terms": {term.name: term.units for term in result.terms},
        "accounts": [list(account) for account in result.accounts],
    }
    row = {"day": day, "figures": figures, "closed_by": actor, "closed_at": now(session)}
    if not insert_if_absent(session, BankClose.__table__, row):
        raise Refusal("day_closed")
    audit.write(session, actor, "bank.close", f"day:{day}", details={"bank": result.outside_units})
    return session.get_one(BankClose, day)


def closes(session: Session, count: int = 31) -> list[BankClose]:
    """The newest closed days."""
    return list(session.scalars(sa.select(BankClose).order_by(BankClose.day.desc()).limit(count)))
