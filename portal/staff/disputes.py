"""Movements that customers dispute: opened from a history's line, followed until they are answered."""

from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal import permissions as may
from portal.errors import Refusal
from portal.http import portal
from portal.machines.risk import RISK_CASE
from portal.models.customers import Customer
from portal.services import disputes, risk
from portal.staff import access, acts, blueprint, inputs
from portal.web import rendering

_PAGE = 25
#: Steps of a case that a dispute has, too; reporting is for compliance.
_STATUSES = ("open", "investigating", "closed")


@blueprint.get("/disputes")
@access.requires(may.CUSTOMERS_NOTE)
def dispute_list() -> ResponseReturnValue:
    """Shows disputes; those that wait, or of one state."""
    status = inputs.chosen("status", _STATUSES)
    rows = portal().db.read(disputes.page, status=status, before_id=inputs.place(), count=_PAGE + 1)
    return rendering.page(
        "staff/disputes/list.html", "list", rows=rows[:_PAGE], chosen=status, statuses=_STATUSES,
        older=rows[_PAGE - 1][0].id if len(rows) > _PAGE else None,
    )  # fmt: skip


@blueprint.post("/customers/<public_id>/activity/<row_id>/dispute")
@access.requires(may.CUSTOMERS_NOTE)
def dispute_open(public_id: str, row_id: str) -> ResponseReturnValue:
    """Opens a dispute about a line of a customer's history."""
    try:
        case = portal().db.transact(disputes.open_dispute, access.me(), public_id, row_id, inputs.text("claim", 4000))
    except Refusal as refusal:
        return acts.answer(refusal, back=f"/staff/customers/{public_id}/activity/{row_id}")
    return redirect(f"/staff/disputes/{case.public_id}", 303)


@blueprint.get("/disputes/<public_id>")
@access.requires(may.CUSTOMERS_NOTE)
def dispute(public_id: str) -> ResponseReturnValue:
    """Shows a dispute."""
    return _dispute(public_id, {}, 200)


def _dispute(public_id: str, errors: dict[str, str], status: int) -> ResponseReturnValue:
    return rendering.page(
        "staff/disputes/one.html",
        "main",
        status,
        errors=errors,
        form=request.form,
        **portal().db.read(_facts, public_id),
    )


def _facts(session: Session, public_id: str) -> dict[str, Any]:
    found = disputes.find(session, public_id)
    return {
        "case": found,
        "customer": session.get_one(Customer, found.customer_id),
        "line": disputes.line_of(session, found),
        "entries": risk.timeline(session, found.id),
        "ways": [way for way in RISK_CASE.transitions[found.status] if way in _STATUSES],
    }


@blueprint.post("/disputes/<public_id>/notes")
@access.requires(may.CUSTOMERS_NOTE)
def dispute_note(public_id: str) -> ResponseReturnValue:
    """Adds to the timeline."""
    return acts.act(
        disputes.write, access.me(), public_id, inputs.text("note", 4000), back=f"/staff/disputes/{public_id}",
        said=gettext("Written down."), again=lambda errors, status: _dispute(public_id, errors, status),
    )  # fmt: skip


@blueprint.post("/disputes/<public_id>/move")
@access.requires(may.CUSTOMERS_NOTE)
def dispute_move(public_id: str) -> ResponseReturnValue:
    """Moves a dispute on."""
    to = request.form.get("to", "")
    if to not in _STATUSES:
        raise Refusal("input_invalid", field="to")
    return acts.act(
        disputes.move, access.me(), public_id, to, inputs.text("reason"), back=f"/staff/disputes/{public_id}",
        said=gettext("Moved on."), again=lambda errors, status: _dispute(public_id, errors, status),
    )  # fmt: skip
