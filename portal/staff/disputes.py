"""Movements that customers dispute: opened from a history's line, followed until they are answered."""

from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal import permissions as may
from portal.errors import Refusal
from portal.http import portal
from portal.services import disputes
from portal.staff import access, acts, blueprint, inputs
from portal.staff.risk import case_facts
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
        "staff/disputes/list.html", "list", chosen=status, statuses=_STATUSES,
        **inputs.one_page(rows, _PAGE),
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
    facts = portal().db.read(_facts, public_id)
    return rendering.page("staff/disputes/one.html", "main", status, errors=errors, form=request.form, **facts)


def _facts(session: Session, public_id: str) -> dict[str, Any]:
    found = disputes.find(session, public_id)
    return {**case_facts(session, found, _STATUSES), "line": disputes.line_of(session, found)}


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
