"""Money that arrives at the bank: each credit is taken once, matched to what its account stands for, or put in suspense.

A subject takes the credits of its virtual accounts by registering a matcher for their purpose; credits to the company's
own accounts are offered to the remittance matchers in turn. What nobody takes waits in suspense for staff.
"""

import importlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from portal import ledger
from portal.db import affected, insert_if_absent, now
from portal.errors import N_, Refusal, declare
from portal.ledger import Line
from portal.models.columns import new_public_id
from portal.models.wallet import BankCredit, VirtualAccount
from portal.services import audit, parameters

declare(
    {
        "bank_reference_conflict": N_("The bank used this reference before for another credit."),
        "credit_not_waiting": N_("This credit is not waiting in suspense any more."),
    }
)

#: The bank that keeps the virtual accounts: every number is prefix, ten random digits and a check digit.
parameters.declare(
    "bank.virtual_accounts",
    {
        "prefix": "91807",
        "bank_code": "809",
        "bank_name": "凱基商業銀行",
        "branch_code": "0094",
        "branch_name": "營業部",
        "holder": "太魯閣數位資產股份有限公司",
    },
)

RECEIVED, SUSPENSE, RETURNED = "received", "suspense", "returned"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a credit was for: `kind` is deposit, order … or suspense with a reason; `subject_id` the thing it paid."""

    kind: str
    subject_id: int | None = None
    reason: str | None = None
    details: dict[str, Any] | None = None


Matcher = Callable[[Session, VirtualAccount, BankCredit], Outcome]
RemittanceMatcher = Callable[[Session, BankCredit], Outcome | None]

_matchers: dict[str, Matcher] = {}
_remittances: list[RemittanceMatcher] = []


def takes(purpose: str) -> Callable[[Matcher], Matcher]:
    """Declares who takes credits to virtual accounts of a purpose.

    The matcher posts what it takes (the house's side is `bank`) and says so; money it does not want it leaves unposted
    and answers an Outcome of kind `suspense`. A Refusal it raises undoes what it did and means suspense, too.
    """

    def declare_matcher(matcher: Matcher) -> Matcher:
        _matchers[purpose] = matcher
        return matcher

    return declare_matcher


def takes_remittances(matcher: RemittanceMatcher) -> RemittanceMatcher:
    """Declares who looks at credits to other accounts of the house; None means that it is not theirs."""
    if matcher not in _remittances:
        _remittances.append(matcher)
    return matcher


def receive(
    session: Session,
    *,
    account: str,
    amount_units: int,
    payer_account: str | None = None,
    payer_name: str | None = None,
    reference: str | None = None,
) -> BankCredit:
    """Takes one credit in TWD units; a repeated `reference` answers the first one and posts nothing.

    Raises Refusal `amount_out_of_range`, or `bank_reference_conflict` when the reference comes back with other facts.
    """
    if amount_units <= 0:
        raise Refusal("amount_out_of_range", field="amount")
    row = {
        "public_id": new_public_id(),
        "bank_reference": reference or f"portal-{uuid7()}",
        "account": account,
        "asset": "TWD",
        "amount_units": amount_units,
        "payer_account": payer_account,
        "payer_name": payer_name,
        "outcome": RECEIVED,
        "received_at": now(session),
    }
    arrived = insert_if_absent(session, BankCredit.__table__, row)
    query = sa.select(BankCredit).where(BankCredit.bank_reference == row["bank_reference"])
    credit = session.scalars(query.with_for_update()).one()
    if not arrived:
        if (credit.account, credit.amount_units) != (account, amount_units):
            raise Refusal("bank_reference_conflict", field="reference")
        return credit
    outcome = _match(session, credit)
    if outcome.kind == SUSPENSE:
        _post(session, credit, "suspense", [("bank", -1), ("suspense", 1)], "system")
    else:
        credit.resolved_at = now(session)
    credit.outcome, credit.reason = outcome.kind, outcome.reason
    credit.matched_kind = None if outcome.subject_id is None else outcome.kind
    credit.matched_id, credit.details = outcome.subject_id, outcome.details
    session.flush()
    return credit


#: Who takes credits; loaded with the first one, so that every process that hears of money knows all of them.
TAKERS = ("portal.services.bank_deposits", "portal.services.voucher_payments")


@lru_cache(maxsize=1)
def _load_takers() -> None:
    for name in TAKERS:
        importlib.import_module(name)


def _match(session: Session, credit: BankCredit) -> Outcome:
    _load_takers()
    found = session.scalar(sa.select(VirtualAccount).where(VirtualAccount.account == number_of(credit.account)))
    try:
        with session.begin_nested():
            if found is not None:
                matcher = _matchers.get(found.purpose)
                return matcher(session, found, credit) if matcher else Outcome(SUSPENSE, reason="no_taker")
            for remittance in _remittances:
                taken = remittance(session, credit)
                if taken is not None:
                    return taken
    except Refusal as refusal:
        return Outcome(SUSPENSE, reason=refusal.name)
    return Outcome(SUSPENSE, reason="account_unknown")


def number_of(account: str) -> str:
    """The number alone of an account that may be spelled `<bank code>-<number>`."""
    return account.rpartition("-")[2].replace(" ", "")


def open_virtual_account(
    session: Session, purpose: str, subject_id: int, expires_at: datetime | None
) -> VirtualAccount:
    """Opens an account of 16 digits that stands for one subject. Random digits tell nothing of how many there are."""
    rules = parameters.get(session, "bank.virtual_accounts")
    for _ in range(8):
        body = f"{rules['prefix']}{secrets.randbelow(10**10):010d}"
        opened = VirtualAccount(
            account=body + check_digit(body),
            bank_code=rules["bank_code"],
            branch_code=rules["branch_code"],
            purpose=purpose,
            subject_id=subject_id,
            expires_at=expires_at,
            created_at=now(session),
        )
        taken = session.scalar(sa.select(VirtualAccount.id).where(VirtualAccount.account == opened.account))
        if taken is None:
            session.add(opened)
            session.flush()
            return opened
    raise Refusal("unavailable")


def virtual_account_of(session: Session, purpose: str, subject_id: int) -> VirtualAccount | None:
    """The subject's newest account that has not expired."""
    query = (
        sa.select(VirtualAccount)
        .where(
            VirtualAccount.purpose == purpose,
            VirtualAccount.subject_id == subject_id,
            sa.or_(VirtualAccount.expires_at.is_(None), VirtualAccount.expires_at > now(session)),
        )
        .order_by(VirtualAccount.id.desc())
    )
    return session.scalars(query.limit(1)).first()


def check_digit(body: str) -> str:
    """The last digit of an account number: Luhn (ISO/IEC 7812-1), so that one wrong digit never meets a neighbour."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def waiting(session: Session, *, before_id: int | None = None, limit: int = 50) -> list[BankCredit]:
    """Credits in suspense, newest first."""
    query = sa.select(BankCredit).where(BankCredit.outcome == SUSPENSE)
    if before_id is not None:
        query = query.where(BankCredit.id < before_id)
    return list(session.scalars(query.order_by(BankCredit.id.desc()).limit(limit)))


def send_back(session: Session, credit_id: int, actor: str, why: str) -> BankCredit:
    """Staff returned a credit to its payer. Raises Refusal `credit_not_waiting`."""
    credit = leave_suspense(session, credit_id, RETURNED, None)
    _post(session, credit, "returned", [("suspense", -1), ("bank", 1)], actor)
    audit.write(session, actor, "bank_credit.return", f"bank_credit:{credit.id}", details={"why": why})
    return credit


def leave_suspense(session: Session, credit_id: int, outcome: str, matched_id: int | None) -> BankCredit:
    """Takes a credit out of suspense by compare-and-set. Raises Refusal `not_found` or `credit_not_waiting`."""
    moved = session.execute(
        sa.update(BankCredit)
        .where(BankCredit.id == credit_id, BankCredit.outcome == SUSPENSE)
        .values(
            outcome=outcome,
            matched_kind=outcome if matched_id else None,
            matched_id=matched_id,
            resolved_at=now(session),
        )
        .execution_options(synchronize_session=False)
    )
    credit = session.get(BankCredit, credit_id, populate_existing=True)
    if credit is None:
        raise Refusal("not_found")
    if affected(moved) != 1:
        raise Refusal("credit_not_waiting")
    return credit


def _post(session: Session, credit: BankCredit, step: str, sides: list[tuple[str, int]], actor: str) -> None:
    lines = [Line(ledger.house(bucket, credit.asset), sign * credit.amount_units) for bucket, sign in sides]
    ledger.post(session, f"bank_credit_{step}", f"bank_credit:{credit.id}:{step}", lines, actor=actor)
