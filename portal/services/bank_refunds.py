"""Sending a bank credit back to its payer: out of suspense, over clearing, out of the bank once the bank has paid.

Above a limit two people decide. The order to the bank carries the refund's own reference as its key, so a repeated order
is the same order.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import ledger, states
from portal.db import context, now
from portal.errors import N_, Refusal, declare
from portal.ledger import Line
from portal.machines.bank_refunds import BANK_REFUND
from portal.models.bank import BankRefund
from portal.models.wallet import BankCredit
from portal.money import parse_units
from portal.permissions import BANK_REFUND as MAY_REFUND
from portal.permissions import BANK_REFUND_APPROVE
from portal.services import approvals, audit, bank_credits, banks, parameters, references, sealed_facts
from portal.services.staff_sessions import SignedInStaff

KIND = "bank.refund"
OPEN = ("ordered", "sent")

#: An order without an answer is made again after this; a lost one is known to the bank within BANK_SETTLES.
AGAIN_AFTER = timedelta(minutes=1)
BANK_SETTLES = timedelta(hours=24)

#: Up to this much one person sends a credit back (plain decimal, TWD).
parameters.declare("bank.refunds", {"one_person_up_to_twd": "30000"})

declare(
    {
        "refund_account_invalid": N_("Enter the payer's bank, branch and account number."),
        "refund_not_whole": N_("The bank pays whole dollars only."),
    }
)

_ACCOUNT = re.compile(r"[0-9]{6,16}", re.ASCII)


def ask(session: Session, me: SignedInStaff, credit_id: int, target: Mapping[str, str], reason: str) -> bool:
    """Sends a credit in suspense back, at once or by a proposal; True when it was ordered at once.

    `target` has bank_code, branch_code, account and holder. Raises Refusal `forbidden`, `not_found`,
    `credit_not_waiting`, `refund_account_invalid`, `refund_not_whole`, `input_missing`, and those of `approvals.propose`.
    """
    if not me.may(MAY_REFUND):
        raise Refusal("forbidden")
    if len(reason.strip()) < 3:
        raise Refusal("input_missing", field="reason")
    credit = session.get(BankCredit, credit_id)
    if credit is None:
        raise Refusal("not_found")
    facts = {name: str(target.get(name, "")).strip() for name in ("bank_code", "branch_code", "account", "holder")}
    payload = {"credit": credit.id, "asset": credit.asset, "units": credit.amount_units, **facts}
    limit = parse_units(parameters.get(session, "bank.refunds")["one_person_up_to_twd"], "TWD")
    if credit.amount_units > limit:
        _check(session, payload)
        _propose(session, me, payload, reason)
        return False
    order(session, payload, me.actor, reason)
    return True


def _propose(session: Session, me: SignedInStaff, payload: dict[str, Any], reason: str) -> None:
    """The payload names bank and end of the account; the whole of it is kept sealed, once per same proposal."""
    account = payload.pop("account")
    subject, shown = f"bank_credit:{payload['credit']}", {**payload, "account_tail": account[-4:]}
    for waiting in approvals.about(session, subject):
        kept = {name: value for name, value in waiting.payload.items() if name != "sealed"}
        if waiting.status == approvals.PENDING and kept == shown:
            raise Refusal("approval_same")
    sealed = sealed_facts.keep(session, {"account": account})
    approvals.propose(session, me, KIND, subject, {**shown, "sealed": sealed}, reason)


@approvals.declare_kind(KIND, N_("Refund of a bank credit"), propose=MAY_REFUND, approve=BANK_REFUND_APPROVE)
def carry_out(session: Session, payload: Mapping[str, Any], actor: str, reference: str) -> dict[str, Any]:
    """Orders a refund that two people decided on."""
    made = order(session, {**payload, **sealed_facts.opened(session, payload.get("sealed"))}, actor, reference)
    return {"refund": made.public_id}


def _check(session: Session, payload: Mapping[str, Any]) -> None:
    account, holder = payload["account"], payload["holder"]
    known = banks.is_bank(session, payload["bank_code"]) and banks.is_branch_code(payload["branch_code"])
    if not known or not _ACCOUNT.fullmatch(account) or not holder or len(holder) > 100:
        raise Refusal("refund_account_invalid", field="account")


def order(session: Session, payload: Mapping[str, Any], actor: str, why: str) -> BankRefund:
    """Takes the credit out of suspense and orders the bank to send it back.

    Raises Refusal `credit_not_waiting`, `not_found`, `refund_account_invalid`, `refund_not_whole`.
    """
    _check(session, payload)
    credit = bank_credits.leave_suspense(session, payload["credit"], bank_credits.RETURNED, None)
    if credit.amount_units % 10_000:
        raise Refusal("refund_not_whole")
    vault, moment = context(session).vault, now(session)
    made = BankRefund(
        bank_credit_id=credit.id,
        asset=credit.asset,
        amount_units=credit.amount_units,
        bank_code=payload["bank_code"],
        branch_code=payload["branch_code"],
        account_sealed=vault.seal_text(payload["account"], "bank account"),
        account_tail=payload["account"][-4:],
        holder_sealed=vault.seal_text(payload["holder"], "bank account holder"),
        reference=f"refund:{credit.public_id}",
        status="ordered",
        made_by=actor,
        created_at=moment,
        updated_at=moment,
    )
    session.add(made)
    states.begin(session, BANK_REFUND, made, actor, why[:200])
    made.reference = "R" + references.of_row("bank_refund", moment, made.id)
    session.flush()
    credit.matched_kind, credit.matched_id = "refund", made.id
    _post(session, made, "ordered", "suspense", "clearing", actor)
    audit.write(
        session, actor, "bank_credit.refund", f"bank_credit:{credit.id}",
        details={"refund": made.id, "units": made.amount_units, "to": made.account_tail, "why": why[:200]},
    )  # fmt: skip
    return made


def _post(session: Session, made: BankRefund, step: str, source: str, target: str, actor: str) -> None:
    lines = [
        Line(ledger.house(source, made.asset), -made.amount_units),
        Line(ledger.house(target, made.asset), made.amount_units),
    ]
    ledger.post(session, "bank_refund", f"bank_refund:{made.id}:{step}", lines, actor=actor)


def due(session: Session, after_id: int = 0, count: int = 100) -> list[BankRefund]:
    """Refunds under way, by number, above `after_id`."""
    query = sa.select(BankRefund).where(BankRefund.status.in_(OPEN), BankRefund.id > after_id)
    return list(session.scalars(query.order_by(BankRefund.id).limit(count)))


def opened(session: Session, refund_id: int) -> tuple[str, str]:
    """Account number and holder of a refund, in the clear, for the order to the bank."""
    found, vault = session.get_one(BankRefund, refund_id), context(session).vault
    return (
        vault.open_text(found.account_sealed, "bank account"),
        vault.open_text(found.holder_sealed, "bank account holder"),
    )


def claim_order(session: Session, refund_id: int) -> str:
    """Before the bank is called: `first` for the one caller who orders first, `again` a while later, else `wait`."""
    found, moment = _locked(session, refund_id), now(session)
    if found.status != "ordered" or found.payout_file_id is not None or found.failure is not None:
        return "wait"
    before, found.ordered_at = found.ordered_at, moment
    if before is not None and moment - before < AGAIN_AFTER:
        found.ordered_at = before
        return "wait"
    return "again" if before is not None else "first"


def refused(session: Session, refund_id: int, first: bool, why: str) -> bool:
    """The bank said no. On the first order ever that is certain; later an earlier order may still turn up."""
    if first:
        return fail(session, refund_id, why)
    found = _locked(session, refund_id)
    found.failure = why[:200]
    return False


def give_up(session: Session, refund_id: int) -> bool:
    """Fails a refused refund once no earlier order can turn up any more."""
    found = _locked(session, refund_id)
    if found.failure is None or found.ordered_at is None or now(session) - found.ordered_at < BANK_SETTLES:
        return False
    return fail(session, refund_id, found.failure)


def mark_sent(session: Session, refund_id: int) -> bool:
    """The bank has the order; False when that was known."""
    found = _locked(session, refund_id)
    if found.status != "ordered":
        return False
    states.advance(session, BANK_REFUND, found, "sent", "system", updated_at=now(session))
    return True


def settle(session: Session, refund_id: int, actor: str = "system") -> bool:
    """The bank has paid; False when that was booked already."""
    found = _locked(session, refund_id)
    if found.status not in OPEN:
        return False
    states.advance(session, BANK_REFUND, found, "paid", actor, updated_at=now(session))
    _post(session, found, "paid", "clearing", "bank", actor)
    return True


def fail(session: Session, refund_id: int, why: str) -> bool:
    """The bank refused for certain: the credit waits in suspense again; False when it was over already."""
    found = _locked(session, refund_id)
    if found.status not in OPEN:
        return False
    states.advance(
        session, BANK_REFUND, found, "failed", "system", why[:200], failure=why[:200], updated_at=now(session)
    )
    _post(session, found, "failed", "clearing", "suspense", "system")
    session.execute(
        sa.update(BankCredit)
        .where(BankCredit.id == found.bank_credit_id, BankCredit.outcome == bank_credits.RETURNED)
        .values(
            outcome=bank_credits.SUSPENSE, reason="refund_failed", matched_kind=None, matched_id=None, resolved_at=None
        )
        .execution_options(synchronize_session=False)
    )
    return True


def _locked(session: Session, refund_id: int) -> BankRefund:
    query = sa.select(BankRefund).where(BankRefund.id == refund_id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()


def by_credit(session: Session, ids: list[int]) -> dict[int, BankRefund]:
    """The newest refund of each credit."""
    if not ids:
        return {}
    query = sa.select(BankRefund).where(BankRefund.bank_credit_id.in_(ids)).order_by(BankRefund.id)
    return {row.bank_credit_id: row for row in session.scalars(query)}
