"""What a line of a bank's statement is: proposals with a score and their reasons, for people to take or leave.

A score of CERTAIN and above is taken in bulk. Reasons are names of what agreed.
"""

import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import context
from portal.models.bank import BankRefund, BankStatement, StatementLine
from portal.models.ledger import Account, Entry, Journal
from portal.models.vouchers import BuyOrder, CompanyBankAccount
from portal.models.wallet import BankCredit, VirtualAccount, Withdrawal
from portal.money import SCALES
from portal.services import activity, bank_accounts, bank_deposits
from portal.services.bank_credits import number_of
from portal.services.bank_files.parsed import ASSET
from portal.services.bank_statements import BOOKED, OPEN
from portal.services.networks import BANK

CERTAIN = 90
#: Lower proposals are not made at all.
LEAST = 30

#: A pay-out or credit is looked for this many days around the line's day.
DAYS = 4

CREDIT, PAYOUT, REFUND, FEE, INTEREST, OWN, JOURNAL, OTHER, KNOWN = (
    "credit", "payout", "refund", "fee", "interest", "own", "journal", "other", "known",
)  # fmt: skip

#: Journals behind which stands a record of its own: a credit, a pay-out, a refund, a line, an opening balance.
RECORDED_KINDS = (
    "deposit", "voucher_payment", "bank_credit_suspense", "withdrawal", "bank_refund", "bank_fee", "bank_interest",
    "bank_line", "bank_opening",
)  # fmt: skip

_FEE_WORDS = ("手續費", "費用", "匯費", "跨行費", "fee", "charge")
_INTEREST_WORDS = ("利息", "存息", "interest")
#: More than this is no bank's fee for one payment (TWD units).
_HIGHEST_FEE = 5_000_000


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a line may be. `match_id` None with kind credit means: book it as money that nobody told of yet."""

    kind: str
    match_id: int | None
    score: int
    reasons: tuple[str, ...]


NOTHING = Proposal("", None, 0, ())


def propose_all(session: Session, count: int = 500, after_id: int = 0) -> int:
    """Works out proposals for open lines above a number; the last one's number, 0 when there are none."""
    query = sa.select(StatementLine).where(StatementLine.status == OPEN, StatementLine.id > after_id)
    rows = list(session.scalars(query.order_by(StatementLine.id).limit(count)))
    for line in rows:
        found = propose(session, line)
        line.match_kind, line.match_id = found.kind or None, found.match_id
        line.score, line.reasons = found.score, list(found.reasons)
    session.flush()
    return rows[-1].id if rows else 0


def propose(session: Session, line: StatementLine) -> Proposal:
    """The best proposal for a line. What may have been told before is never certain: a person looks."""
    twin = _known(session, line)
    if twin is not None:
        return twin
    ways = (
        (_own, _credit, _new_credit, _interest, _journal)
        if line.amount_units > 0
        else (_own, _going_out, _fee, _journal)
    )
    proposals = [found for way in ways if (found := way(session, line)) is not None and found.score >= LEAST]
    return max(proposals, key=lambda found: found.score, default=NOTHING)


def _known(session: Session, line: StatementLine) -> Proposal | None:
    """The bank told it before, in a file that gave it another reference or none."""
    twin = sa.select(StatementLine).where(
        StatementLine.account == line.account,
        StatementLine.day == line.day,
        StatementLine.amount_units == line.amount_units,
        StatementLine.statement_id < line.statement_id,
    )
    if line.reference:  # two references of the bank's are two movements
        twin = twin.where(StatementLine.reference.is_(None))
    for other in session.scalars(twin.order_by(StatementLine.id)):
        if other.match_kind == KNOWN and other.status == BOOKED:
            continue
        taken = sa.select(StatementLine.id).where(
            StatementLine.status == BOOKED, StatementLine.match_kind == KNOWN, StatementLine.match_id == other.id
        )
        if session.scalar(taken) is None:
            same_party = bool(line.other_account) and _same_account(line.other_account, other.other_account)
            return Proposal(KNOWN, other.id, 85 if same_party else 60, ("amount", "day", "account")[: 2 + same_party])
    return None


def _own(session: Session, line: StatementLine) -> Proposal | None:
    """Money between the house's own accounts."""
    if not line.other_account:
        return None
    ours = set(session.scalars(sa.select(BankStatement.account).distinct())) - {line.account}
    hit = any(_same_account(line.other_account, account) for account in ours)
    return Proposal(OWN, None, 95, ("own_account",)) if hit else None


def _journal(session: Session, line: StatementLine) -> Proposal | None:
    """Something booked by hand before the bank told of it: capital paid in, a correction."""
    first, last = _window(line.day)
    query = (
        sa.select(Journal.id)
        .join(Entry, Entry.journal_id == Journal.id)
        .join(Account, Account.id == Entry.account_id)
        .where(
            Account.owner_kind == "house",
            Account.bucket == "bank",
            Account.asset == ASSET,
            Journal.kind.not_in(RECORDED_KINDS),
            Journal.posted_at >= first,
            Journal.posted_at < last,
            Entry.amount_units == -line.amount_units,
            _unbooked(JOURNAL, Journal.id),
        )
    )
    found = list(session.scalars(query.order_by(Journal.id).limit(2)))
    return Proposal(JOURNAL, found[0], 70 if len(found) == 1 else 50, ("amount", "day")) if found else None


# --- money that came in ---


def _credit(session: Session, line: StatementLine) -> Proposal | None:
    """A credit that the portal heard of already."""
    if line.reference:
        named = session.scalar(sa.select(BankCredit).where(BankCredit.bank_reference == line.reference))
        if named is not None:
            if named.amount_units != line.amount_units:
                return Proposal("", None, 0, ("reference", "amount_differs"))
            return (
                None
                if _is_booked(session, CREDIT, named.id)
                else Proposal(CREDIT, named.id, 100, ("reference", "amount"))
            )
    first, last = _window(line.day)
    query = sa.select(BankCredit).where(
        BankCredit.amount_units == line.amount_units,
        BankCredit.received_at >= first,
        BankCredit.received_at < last,
        _unbooked(CREDIT, BankCredit.id),
    )
    return _best([_score_credit(line, found) for found in session.scalars(query.order_by(BankCredit.id).limit(200))])


def _score_credit(line: StatementLine, found: BankCredit) -> Proposal:
    score, reasons = 40, ["amount"]
    paid_to = line.virtual_account or line.account
    if _same_account(paid_to, number_of(found.account)):
        score, reasons = score + 25, [*reasons, "virtual_account" if line.virtual_account else "account"]
    if found.payer_account and _same_account(line.other_account, found.payer_account):
        score, reasons = score + 20, [*reasons, "payer_account"]
    if found.payer_name and _plain(line.other_name) == _plain(found.payer_name):
        score, reasons = score + 10, [*reasons, "payer_name"]
    if activity.taipei_day(found.received_at) == line.day:
        score, reasons = score + 5, [*reasons, "day"]
    return Proposal(CREDIT, found.id, score, tuple(reasons))


def _new_credit(session: Session, line: StatementLine) -> Proposal | None:
    """Money that the portal has not heard of: booked, it goes where its account stands for."""
    if line.virtual_account:
        account = session.scalar(sa.select(VirtualAccount).where(VirtualAccount.account == line.virtual_account))
        if account is not None:
            return _score_virtual(session, line, account)
    company = session.scalar(sa.select(CompanyBankAccount).where(CompanyBankAccount.account == line.account).limit(1))
    if company is not None and line.other_name:
        return _score_remittance(session, line, company)
    return Proposal(CREDIT, None, LEAST, ())


def _score_virtual(session: Session, line: StatementLine, account: VirtualAccount) -> Proposal:
    reasons = ["virtual_account"]
    if account.purpose == "order":
        order = session.get(BuyOrder, account.subject_id)
        if order is None or order.status != "unpaid" or order.total_units != line.amount_units:
            return Proposal(CREDIT, None, 65, tuple(reasons))
        reasons += ["order", "amount"]
        customer_id = order.customer_id
    else:
        customer_id = account.subject_id
    if not line.other_account:
        return Proposal(CREDIT, None, 90, tuple(reasons))
    credit = BankCredit(payer_account=line.other_account, payer_name=line.other_name)
    own = bank_deposits.payer_of(session, customer_id, credit) is not None
    return Proposal(CREDIT, None, 98 if own else 70, tuple([*reasons, "payer_account"] if own else reasons))


def _score_remittance(session: Session, line: StatementLine, company: CompanyBankAccount) -> Proposal:
    query = sa.select(BuyOrder).where(
        BuyOrder.payout_account_id == company.id, BuyOrder.payment_type == "remittance", BuyOrder.status == "unpaid"
    )
    named = [order for order in session.scalars(query) if _plain(order.remittance_name) == _plain(line.other_name)]
    fitting = [order for order in named if order.total_units == line.amount_units]
    if len(fitting) == 1 and len({order.customer_id for order in named}) == 1:
        return Proposal(CREDIT, None, 92, ("order", "payer_name", "amount"))
    return Proposal(CREDIT, None, 55 if named else LEAST, ("payer_name",) if named else ())


def _interest(session: Session, line: StatementLine) -> Proposal | None:
    said = any(word in line.remark.casefold() for word in _INTEREST_WORDS)
    return Proposal(INTEREST, None, 95, ("words",)) if said and not line.virtual_account else None


# --- money that went out ---


def _going_out(session: Session, line: StatementLine) -> Proposal | None:
    """A pay-out or a refund."""
    scored = [*_payouts(session, line), *_refunds(session, line)]
    return _best(scored)


def _payouts(session: Session, line: StatementLine) -> list[Proposal]:
    first, last = _window(line.day)
    units, net = -line.amount_units, Withdrawal.amount_units - Withdrawal.fee_units
    vouchers = 10 ** (SCALES["TWIP"] - SCALES["TWD"])
    query = sa.select(Withdrawal).where(
        Withdrawal.network == BANK,
        Withdrawal.status.in_(("processing", "broadcast", "confirmed")),
        Withdrawal.updated_at >= first - timedelta(days=10),
        Withdrawal.updated_at < last + timedelta(days=10),
        sa.or_(
            sa.and_(Withdrawal.asset == "TWD", net == units),
            sa.and_(Withdrawal.asset != "TWD", net >= units * vouchers, net < (units + 1) * vouchers),
        ),
        _unbooked(PAYOUT, Withdrawal.id),
    )
    rows = list(session.scalars(query.order_by(Withdrawal.id).limit(200)))
    views = bank_accounts.by_ids(session, [row.bank_account_id for row in rows if row.bank_account_id])
    scored = []
    for row in rows:
        view = views.get(row.bank_account_id or 0)
        account, holder = (view.account, view.holder) if view else ("", "")
        scored.append(_score_out(line, PAYOUT, row.id, row.reference, account, holder))
    return scored


def _refunds(session: Session, line: StatementLine) -> list[Proposal]:
    query = sa.select(BankRefund).where(
        BankRefund.amount_units == -line.amount_units,
        BankRefund.status.in_(("ordered", "sent", "paid")),
        _unbooked(REFUND, BankRefund.id),
    )
    vault, scored = context(session).vault, []
    for row in session.scalars(query.order_by(BankRefund.id).limit(200)):
        account = vault.open_text(row.account_sealed, "bank account")
        holder = vault.open_text(row.holder_sealed, "bank account holder")
        scored.append(_score_out(line, REFUND, row.id, row.reference, account, holder))
    return scored


def _score_out(line: StatementLine, kind: str, thing_id: int, reference: str, account: str, holder: str) -> Proposal:
    said = f"{line.reference or ''} {line.remark}"
    if reference in said:
        return Proposal(kind, thing_id, 100, ("reference", "amount"))
    score, reasons = 45, ["amount"]
    if _same_account(line.other_account, account):
        score, reasons = score + 40, [*reasons, "payee_account"]
    if holder and _plain(line.other_name) == _plain(holder):
        score, reasons = score + 10, [*reasons, "payee_name"]
    return Proposal(kind, thing_id, score, tuple(reasons))


def _fee(session: Session, line: StatementLine) -> Proposal | None:
    said = any(word in line.remark.casefold() for word in _FEE_WORDS)
    return Proposal(FEE, None, 92, ("words",)) if said and -line.amount_units <= _HIGHEST_FEE else None


# --- what agrees ---


def _best(scored: list[Proposal]) -> Proposal | None:
    """The highest score; two alike are both doubtful."""
    if not scored:
        return None
    ranked = sorted(scored, key=lambda found: -found.score)
    first = ranked[0]
    if len(ranked) > 1 and ranked[1].score == first.score:
        return Proposal(first.kind, first.match_id, min(first.score, CERTAIN - 10), (*first.reasons, "several"))
    return first


def _is_booked(session: Session, kind: str, thing_id: int) -> bool:
    query = sa.select(StatementLine.id).where(
        StatementLine.status == BOOKED, StatementLine.match_kind == kind, StatementLine.match_id == thing_id
    )
    return session.scalar(query) is not None


def _unbooked(kind: str, column: Any) -> sa.ColumnElement[bool]:
    """That no booked line is about the thing."""
    return ~sa.exists().where(
        StatementLine.status == BOOKED, StatementLine.match_kind == kind, StatementLine.match_id == column
    )


def _window(day: str) -> tuple[datetime, datetime]:
    """The moments between which things of a line's day are looked for."""
    start = datetime.combine(date.fromisoformat(day), datetime.min.time(), activity.TAIPEI)
    return start - timedelta(days=DAYS), start + timedelta(days=DAYS + 1)


def _digits(text: str | None) -> str:
    return "".join(sign for sign in text or "" if sign in "0123456789").lstrip("0")


def _same_account(told: str | None, known: str | None) -> bool:
    """Whether two account numbers are the same; banks write the bank's code before it or fill it with zeros."""
    first, second = _digits(told), _digits(known)
    if len(first) < 6 or len(second) < 6:
        return False
    return first == second or (
        len(first) >= 8 and len(second) >= 8 and (first.endswith(second) or second.endswith(first))
    )


def _plain(name: str | None) -> str:
    return "".join(unicodedata.normalize("NFKC", name or "").split()).casefold()
