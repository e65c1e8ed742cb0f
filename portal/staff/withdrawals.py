"""Withdrawals and redemptions that staff look at before they leave, and the switch that stops them all."""

from typing import Any

from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal import permissions as may
from portal.http import portal
from portal.machines.withdrawals import WITHDRAWAL
from portal.services import payout_switch, staff_queues
from portal.staff import access, acts, blueprint, inputs
from portal.web import rendering

_PAGE = 25
_SHOWN = ("approved", "processing", "broadcast", "confirmed", "failed", "rejected")


@blueprint.get("/withdrawals")
@access.requires(may.WITHDRAWALS_VIEW)
def withdrawal_list() -> ResponseReturnValue:
    """Shows what waits for staff, or withdrawals of another state."""
    status = inputs.chosen("status", _SHOWN)
    facts = portal().db.read(_list, status, inputs.place("after"))
    return rendering.page("staff/queues/withdrawals.html", "list", chosen=status, statuses=_SHOWN, **facts)


def _list(session: Session, status: str, after_id: int | None) -> dict[str, Any]:
    rows = staff_queues.withdrawals(session, status=status, after_id=after_id, count=_PAGE + 1)
    return {
        **inputs.one_page(rows, _PAGE),
        "worth": staff_queues.worth(session, rows[:_PAGE]),
        "switch": payout_switch.state(session),
    }


@blueprint.get("/withdrawals/<public_id>")
@access.requires(may.WITHDRAWALS_VIEW)
def withdrawal(public_id: str) -> ResponseReturnValue:
    """Shows a withdrawal."""
    return _withdrawal(public_id, {}, 200)


def _withdrawal(public_id: str, errors: dict[str, str], status: int) -> ResponseReturnValue:
    case = portal().db.read(staff_queues.withdrawal, public_id)
    mine = any(decision.decided_by == access.actor() for decision in case.decisions)
    chain = portal().ports.chains.get(case.withdrawal.network)
    url = chain.transaction_url(case.withdrawal.tx_hash) if chain and case.withdrawal.tx_hash else None
    return rendering.page(
        "staff/queues/withdrawal.html", "main", status, case=case, row=case.withdrawal, errors=errors,
        mine=mine, final=WITHDRAWAL.is_final(case.withdrawal.status), url=url,
    )  # fmt: skip


def _decide(public_id: str, work: Any, *arguments: Any, said: str) -> ResponseReturnValue:
    return acts.act(
        work, access.me(), public_id, *arguments, back=f"/staff/withdrawals/{public_id}", said=said,
        again=lambda errors, status: _withdrawal(public_id, errors, status),
    )  # fmt: skip


@blueprint.post("/withdrawals/<public_id>/approve")
@access.requires(may.WITHDRAWALS_DECIDE)
def withdrawal_approve(public_id: str) -> ResponseReturnValue:
    """One person's yes."""
    return _decide(public_id, staff_queues.approve_withdrawal, said=gettext("Your approval is written down."))


@blueprint.post("/withdrawals/<public_id>/reject")
@access.requires(may.WITHDRAWALS_DECIDE)
def withdrawal_reject(public_id: str) -> ResponseReturnValue:
    """One person's no; the money goes back."""
    return _decide(
        public_id, staff_queues.reject_withdrawal, inputs.text("reason"), said=gettext("Rejected; the money is back.")
    )


@blueprint.post("/withdrawals/<public_id>/aside")
@access.requires(may.WITHDRAWALS_DECIDE)
def withdrawal_aside(public_id: str) -> ResponseReturnValue:
    """Customer service asks first."""
    return _decide(public_id, staff_queues.put_withdrawal_aside, inputs.text("reason"), said=gettext("Put aside."))


@blueprint.post("/payouts/stop")
@access.requires(may.PAYOUTS_STOP)
def payouts_stop() -> ResponseReturnValue:
    """Stops all pay-outs at once."""
    return acts.act(
        payout_switch.stop_by_hand, access.me(), inputs.text("reason"), back="/staff/withdrawals",
        said=gettext("Pay-outs are stopped."),
    )  # fmt: skip


@blueprint.post("/payouts/resume")
@access.requires(may.PAYOUTS_STOP)
def payouts_resume() -> ResponseReturnValue:
    """Proposes to let pay-outs go on."""
    return acts.propose(payout_switch.KIND, "payouts", {}, "/staff/withdrawals")
