"""Bank credits that wait in suspense: given to a customer or an order, or sent back."""

from typing import Any

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal import permissions as may
from portal.errors import N_, Refusal
from portal.http import portal
from portal.models.wallet import BankCredit
from portal.services import accounts, approvals, bank_refunds, staff_queues
from portal.services.staff_sessions import SignedInStaff
from portal.staff import access, acts, blueprint, inputs
from portal.web import rendering

_PAGE = 25

QUEUES: dict[str, str] = {
    "short": N_("Too little"),
    "over": N_("Too much"),
    "late": N_("Too late"),
    "duplicate": N_("Paid twice"),
    "third_party": N_("Somebody else's money"),
    "other": N_("Other"),
}

REASONS: dict[str, str] = {
    "amount_short": N_("Less than the order's amount"),
    "amount_over": N_("More than the order's amount"),
    "limit_exceeded": N_("More than what is left of the limit"),
    "order_expired": N_("The order had expired"),
    "virtual_account_expired": N_("The virtual account had expired"),
    "order_paid_already": N_("The order was paid already"),
    "payer_not_own": N_("Not from the customer's own account"),
    "payer_unknown": N_("The payer is not named"),
    "several_customers": N_("Several customers could be meant"),
    "account_unknown": N_("No such account"),
    "no_order": N_("No order fits"),
    "standing": N_("The customer's account is not in good standing"),
    "kyc_level": N_("The customer's level is too low"),
    "refund_failed": N_("The bank could not send it back"),
}


@blueprint.get("/bank/suspense")
@access.requires(may.BANK_VIEW)
def suspense_list() -> ResponseReturnValue:
    """Shows credits that nobody took, by why."""
    queue = inputs.chosen("queue", tuple(QUEUES))
    rows = portal().db.read(staff_queues.suspense, queue=queue, before_id=inputs.place(), count=_PAGE + 1)
    return rendering.page(
        "staff/bank/suspense.html", "list", queue=queue, queues=QUEUES, reasons=REASONS,
        category=staff_queues.category, **inputs.one_page(rows, _PAGE),
    )  # fmt: skip


@blueprint.get("/bank/credits/<public_id>")
@access.requires(may.BANK_VIEW)
def credit(public_id: str) -> ResponseReturnValue:
    """Shows a bank credit."""
    return _credit(public_id, {}, 200)


def _credit(public_id: str, errors: dict[str, str], status: int) -> ResponseReturnValue:
    facts = portal().db.read(_facts, public_id)
    return rendering.page(
        "staff/bank/credit.html", "main", status, errors=errors, form=request.form, reasons=REASONS, queues=QUEUES,
        category=staff_queues.category, kinds=approvals.KINDS, **facts,
    )  # fmt: skip


def _facts(session: Session, public_id: str) -> dict[str, Any]:
    found = staff_queues.credit(session, public_id)
    return {
        "credit": found,
        "refund": bank_refunds.by_credit(session, [found.id]).get(found.id),
        "proposals": approvals.about(session, f"bank_credit:{found.id}"),
    }


@blueprint.post("/bank/credits/<public_id>/customer")
@access.requires(may.BANK_MANAGE)
def credit_to_customer(public_id: str) -> ResponseReturnValue:
    """Books a credit as a customer's deposit."""
    return _give(public_id, _to_customer, inputs.text("login"))


def _to_customer(session: Session, me: SignedInStaff, found: BankCredit, login: str, why: str) -> None:
    customer = accounts.by_login_name(session, login)
    if customer is None:
        raise Refusal("not_found_customer", field="login")
    staff_queues.give_to_customer(session, me, found.id, customer.id, why)


@blueprint.post("/bank/credits/<public_id>/order")
@access.requires(may.BANK_MANAGE)
def credit_to_order(public_id: str) -> ResponseReturnValue:
    """Pays a voucher order with a credit."""
    return _give(public_id, _to_order, inputs.text("order", 40))


def _to_order(session: Session, me: SignedInStaff, found: BankCredit, order: str, why: str) -> None:
    try:
        staff_queues.give_to_order(session, me, found.id, order, why)
    except Refusal as refusal:
        if refusal.name == "not_found":
            raise Refusal("order_not_payable", field="order") from refusal
        raise


def _give(public_id: str, work: Any, *arguments: Any) -> ResponseReturnValue:
    found = portal().db.read(staff_queues.credit, public_id)
    return acts.act(
        work, access.me(), found, *arguments, inputs.text("reason"), back="/staff/bank/suspense", said=gettext("Booked."),
        again=lambda errors, status: _credit(public_id, errors, status),
    )  # fmt: skip


@blueprint.post("/bank/credits/<public_id>/refund")
@access.requires(may.BANK_REFUND)
def credit_refund(public_id: str) -> ResponseReturnValue:
    """Sends a credit back: at once, or above the limit by a proposal."""
    found = portal().db.read(staff_queues.credit, public_id)
    target = {name: inputs.text(name, 100) for name in ("bank_code", "branch_code", "account", "holder")}
    try:
        at_once = portal().db.transact(bank_refunds.ask, access.me(), found.id, target, inputs.text("reason"))
    except Refusal as refusal:
        return acts.answer(
            refusal, back=f"/staff/bank/credits/{public_id}",
            again=lambda errors, status: _credit(public_id, errors, status),
        )  # fmt: skip
    flash(gettext("The bank is told to send it back.") if at_once else gettext(acts.PROPOSED), "success")
    return redirect(f"/staff/bank/credits/{public_id}", 303)
