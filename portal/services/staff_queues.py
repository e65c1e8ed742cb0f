"""Queues of the back office: withdrawals to look at, credits in suspense, dead jobs, failed webhooks."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import states
from portal.errors import Refusal
from portal.machines.withdrawals import WITHDRAWAL
from portal.models.customers import Customer
from portal.models.risk import RiskSignal
from portal.models.system import Job, StateChange
from portal.models.wallet import BankCredit, Withdrawal
from portal.models.webhooks import WebhookDelivery, WebhookEndpoint, WebhookMessage
from portal.models.withdrawals import TravelRecord, WithdrawalApproval
from portal.permissions import BANK_VIEW, JOBS_VIEW, WITHDRAWALS_DECIDE
from portal.services import (
    audit,
    bank_accounts,
    bank_credits,
    deposits,
    jobs,
    prices,
    staff_accounts,
    staff_counts,
    travel_rule,
    voucher_payments,
    webhooks,
    withdrawal_approvals,
)
from portal.services.bank_accounts import BankAccountView
from portal.services.staff_sessions import SignedInStaff

WAITING = ("awaiting_approval", "in_review")

#: Why a credit waits, by the queue it belongs to (services/bank_deposits.py, services/voucher_payments.py).
CATEGORIES: dict[str, tuple[str, ...]] = {
    "short": ("amount_short",),
    "over": ("amount_over", "limit_exceeded"),
    "late": ("order_expired", "virtual_account_expired"),
    "duplicate": ("order_paid_already",),
    "third_party": ("payer_not_own", "payer_unknown", "several_customers"),
}


@dataclass(frozen=True, slots=True)
class WithdrawalCase:
    """A withdrawal with what one needs to decide about it. `worth_units` is TWD, None without a price."""

    withdrawal: Withdrawal
    owner: str
    customer: Customer | None
    account: BankAccountView | None
    decisions: list[WithdrawalApproval]
    moves: list[StateChange]
    signals: list[RiskSignal]
    worth_units: int | None
    earlier: int
    travel: TravelRecord | None
    parties: dict[str, dict[str, str]]


def withdrawals(
    session: Session, *, status: str = "", after_id: int | None = None, count: int = 25
) -> list[Withdrawal]:
    """Withdrawals that wait for staff, oldest first; or of another status, newest first, below `after_id`."""
    if status:
        query = sa.select(Withdrawal).where(Withdrawal.status == status)
        if after_id is not None:
            query = query.where(Withdrawal.id < after_id)
        return list(session.scalars(query.order_by(Withdrawal.id.desc()).limit(count)))
    query = sa.select(Withdrawal).where(Withdrawal.status.in_(WAITING), Withdrawal.needs_approvals > 0)
    if after_id is not None:
        query = query.where(Withdrawal.id > after_id)
    return list(session.scalars(query.order_by(Withdrawal.id).limit(count)))


def worth(session: Session, rows: list[Withdrawal]) -> dict[int, int | None]:
    """What withdrawals are worth in TWD units, by number."""
    known = prices.all_last(session)
    return {
        row.id: prices.worth(row.asset, row.amount_units, known[row.asset]) if row.asset in known else None
        for row in rows
    }


def withdrawal(session: Session, public_id: str) -> WithdrawalCase:
    """One withdrawal. Raises Refusal `not_found`."""
    row = _withdrawal(session, public_id)
    customer = session.get(Customer, row.owner_id) if row.owner_kind == "customer" else None
    contact = customer or session.get(Customer, (row.details or {}).get("contact_id", 0))
    signals = sa.select(RiskSignal).where(RiskSignal.customer_id == (contact.id if contact else 0))
    to_same = sa.select(Withdrawal.id).where(
        Withdrawal.owner_kind == row.owner_kind, Withdrawal.owner_id == row.owner_id, Withdrawal.status == "confirmed",
        Withdrawal.address == row.address if row.address else Withdrawal.bank_account_id == row.bank_account_id,
    )  # fmt: skip
    accounts = bank_accounts.by_ids(session, [row.bank_account_id] if row.bank_account_id else [])
    travel = travel_rule.of_withdrawal(session, row.id)
    return WithdrawalCase(
        withdrawal=row,
        owner=f"{row.owner_kind}:{row.owner_id}",
        customer=contact,
        account=accounts.get(row.bank_account_id or 0),
        decisions=withdrawal_approvals.decisions(session, row.id),
        moves=states.history(session, WITHDRAWAL, row.id),
        signals=list(session.scalars(signals.order_by(RiskSignal.id.desc()).limit(10))),
        worth_units=worth(session, [row])[row.id],
        earlier=staff_counts.counted(session, to_same),
        travel=travel,
        parties=travel_rule.opened(session, travel) if travel else {},
    )


def _withdrawal(session: Session, public_id: str) -> Withdrawal:
    row = session.scalar(sa.select(Withdrawal).where(Withdrawal.public_id == public_id))
    if row is None:
        raise Refusal("not_found")
    return row


def _others(session: Session, me: SignedInStaff, public_id: str) -> Withdrawal:
    """A withdrawal that is not the member's own. Raises Refusal `not_found`, `staff_not_oneself`."""
    row = _withdrawal(session, public_id)
    own = staff_accounts.own_customers(session, me.staff_id)
    concerned = {(row.details or {}).get("contact_id")}
    if row.owner_kind == "customer":
        concerned.add(row.owner_id)
    if row.internal_owner_kind == "customer":
        concerned.add(row.internal_owner_id)
    if own & concerned:
        raise Refusal("staff_not_oneself")
    return row


def approve_withdrawal(session: Session, me: SignedInStaff, public_id: str) -> None:
    """One person's yes. Raises Refusal `staff_not_oneself`, `approval_not_waiting`, `approval_twice`."""
    withdrawal_approvals.approve(session, _others(session, me, public_id).id, me.actor)


def reject_withdrawal(session: Session, me: SignedInStaff, public_id: str, reason: str) -> None:
    """One person's no; the money goes back. Raises as `approve_withdrawal`, and `input_missing`."""
    if len(reason.strip()) < 3:
        raise Refusal("input_missing", field="reason")
    withdrawal_approvals.reject(session, _others(session, me, public_id).id, me.actor, reason.strip()[:200])


def put_withdrawal_aside(session: Session, me: SignedInStaff, public_id: str, reason: str) -> None:
    """Lets customer service ask first. Raises as `reject_withdrawal`."""
    if len(reason.strip()) < 3:
        raise Refusal("input_missing", field="reason")
    withdrawal_approvals.put_aside(session, _others(session, me, public_id).id, me.actor, reason.strip()[:200])


# --- bank credits ---


def category(reason: str | None) -> str:
    """The queue that a reason belongs to; `other` when to none."""
    return next((name for name, reasons in CATEGORIES.items() if reason in reasons), "other")


def suspense(session: Session, *, queue: str = "", before_id: int | None = None, count: int = 25) -> list[BankCredit]:
    """Credits in suspense of a queue (all without one), newest first, below a number."""
    query = sa.select(BankCredit).where(BankCredit.outcome == bank_credits.SUSPENSE)
    if queue in CATEGORIES:
        query = query.where(BankCredit.reason.in_(CATEGORIES[queue]))
    elif queue == "other":
        known = [reason for reasons in CATEGORIES.values() for reason in reasons]
        query = query.where(sa.or_(BankCredit.reason.is_(None), BankCredit.reason.not_in(known)))
    if before_id is not None:
        query = query.where(BankCredit.id < before_id)
    return list(session.scalars(query.order_by(BankCredit.id.desc()).limit(count)))


def credit(session: Session, public_id: str) -> BankCredit:
    """A bank credit. Raises Refusal `not_found`."""
    found = session.scalar(sa.select(BankCredit).where(BankCredit.public_id == public_id))
    if found is None:
        raise Refusal("not_found")
    return found


def give_to_customer(session: Session, me: SignedInStaff, credit_id: int, customer_id: int, why: str) -> None:
    """Books a credit in suspense as a customer's deposit. Raises Refusal `staff_not_oneself`, `credit_not_waiting`."""
    if len(why.strip()) < 3:
        raise Refusal("input_missing", field="reason")
    if customer_id in staff_accounts.own_customers(session, me.staff_id):
        raise Refusal("staff_not_oneself")
    deposits.assign(session, credit_id, customer_id, me.actor, why.strip()[:200])


def give_to_order(session: Session, me: SignedInStaff, credit_id: int, order_id: str, why: str) -> None:
    """Pays a voucher order with a credit in suspense. Raises Refusal `order_not_payable`, `credit_not_waiting` …"""
    if len(why.strip()) < 3:
        raise Refusal("input_missing", field="reason")
    order = voucher_payments.assign(session, credit_id, order_id, me.actor, why.strip()[:200])
    if order.customer_id in staff_accounts.own_customers(session, me.staff_id):
        raise Refusal("staff_not_oneself")


# --- jobs and webhooks ---


def dead_jobs(session: Session, before_id: int | None = None, count: int = 25) -> list[Job]:
    """Jobs laid out dead, newest first, below a number."""
    query = sa.select(Job).where(Job.status == "dead")
    if before_id is not None:
        query = query.where(Job.id < before_id)
    return list(session.scalars(query.order_by(Job.id.desc()).limit(count)))


def revive_job(session: Session, job_id: int, actor: str) -> None:
    """Queues a dead job again. Raises Refusal `state_conflict`."""
    if not jobs.revive(session, job_id):
        raise Refusal("state_conflict")
    audit.write(session, actor, "job.revive", f"job:{job_id}")


def revive_all(session: Session, kind: str, actor: str, most: int = 500) -> int:
    """Queues the dead jobs of a kind again; how many."""
    ids = session.scalars(sa.select(Job.id).where(Job.status == "dead", Job.kind == kind).order_by(Job.id).limit(most))
    revived = sum(jobs.revive(session, job_id) for job_id in list(ids))
    audit.write(session, actor, "job.revive_all", f"jobs:{kind}"[:200], details={"revived": revived})
    return revived


def failed_deliveries(session: Session, before_id: int | None = None, count: int = 25) -> list[Any]:
    """Webhooks that were given up, with their message and address, newest first, below a number."""
    query = (
        sa.select(WebhookDelivery, WebhookMessage, WebhookEndpoint)
        .join(WebhookMessage, WebhookMessage.id == WebhookDelivery.message_id)
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .where(WebhookDelivery.status == "failed")
    )
    if before_id is not None:
        query = query.where(WebhookDelivery.id < before_id)
    return list(session.execute(query.order_by(WebhookDelivery.id.desc()).limit(count)))


def resend_delivery(session: Session, public_id: str, actor: str) -> None:
    """Sends a webhook again. Raises Refusal `not_found`, `endpoint_removed`, `state_conflict`."""
    row = session.execute(
        sa.select(WebhookMessage.owner_kind, WebhookMessage.owner_id)
        .join(WebhookDelivery, WebhookDelivery.message_id == WebhookMessage.id)
        .where(WebhookDelivery.public_id == public_id)
    ).first()
    if row is None:
        raise Refusal("not_found")
    webhooks.resend(session, row.owner_kind, row.owner_id, public_id)
    audit.write(session, actor, "webhook.resend", f"{row.owner_kind}:{row.owner_id}", details={"delivery": public_id})


staff_counts.declare(
    "withdrawals", WITHDRAWALS_DECIDE,
    lambda _: sa.select(Withdrawal.id).where(Withdrawal.status.in_(WAITING), Withdrawal.needs_approvals > 0),
)  # fmt: skip
staff_counts.declare(
    "suspense", BANK_VIEW, lambda _: sa.select(BankCredit.id).where(BankCredit.outcome == bank_credits.SUSPENSE)
)
staff_counts.declare("jobs", JOBS_VIEW, lambda _: sa.select(Job.id).where(Job.status == "dead"))
staff_counts.declare(
    "webhooks", JOBS_VIEW, lambda _: sa.select(WebhookDelivery.id).where(WebhookDelivery.status == "failed")
)
