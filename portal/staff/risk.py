"""Risk signals, cases with their timeline, exports for the regulator, and the audit log."""

from typing import Any

import sqlalchemy as sa
from flask import Response, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal import permissions as may
from portal.errors import Refusal
from portal.http import portal
from portal.machines.risk import RISK_CASE
from portal.models.customers import Customer
from portal.models.risk import RiskCase
from portal.models.system import AuditRecord
from portal.services import regulator, risk
from portal.staff import access, acts, blueprint, inputs
from portal.web import rendering, sheets

_PAGE = 25
_ACTS = 50
_SIGNALS = ("open", "in_case", "cleared")


@blueprint.get("/risk")
@access.requires(may.RISK_VIEW)
def signal_list() -> ResponseReturnValue:
    """Shows what the rules found."""
    status = inputs.chosen("status", _SIGNALS, "open")
    rule = inputs.chosen("rule", tuple(risk.RULES))
    rows = portal().db.read(risk.signals, status=status, rule=rule, before_id=inputs.place(), count=_PAGE + 1)
    return rendering.page(
        "staff/risk/signals.html", "list", chosen=status, statuses=_SIGNALS, rule=rule,
        rules=risk.RULES, **inputs.one_page(rows, _PAGE),
    )  # fmt: skip


@blueprint.post("/risk/<int:signal_id>/clear")
@access.requires(may.RISK_DECIDE)
def signal_clear(signal_id: int) -> ResponseReturnValue:
    """Nothing was behind it."""
    return acts.act(
        risk.clear, access.me(), signal_id, inputs.text("reason"), back="/staff/risk", said=gettext("Cleared.")
    )


@blueprint.post("/risk/<int:signal_id>/case")
@access.requires(may.RISK_DECIDE)
def signal_case(signal_id: int) -> ResponseReturnValue:
    """Makes a case of it."""
    try:
        case = portal().db.transact(risk.open_case, access.me(), signal_id, inputs.text("reason"))
    except Refusal as refusal:
        return acts.answer(refusal, back="/staff/risk")
    return redirect(f"/staff/cases/{case.public_id}", 303)


@blueprint.get("/cases")
@access.requires(may.RISK_VIEW)
def case_list() -> ResponseReturnValue:
    """Shows cases."""
    status = inputs.chosen("status", tuple(RISK_CASE.transitions))
    rows, names = portal().db.read(_cases, status, inputs.place())
    return rendering.page(
        "staff/risk/cases.html", "list", names=names, chosen=status,
        statuses=list(RISK_CASE.transitions), **inputs.one_page(rows, _PAGE),
        kinds=regulator.KINDS,
    )  # fmt: skip


def _cases(session: Session, status: str, before_id: int | None) -> tuple[list[Any], dict[int, str]]:
    rows = risk.cases(session, status=status, before_id=before_id, count=_PAGE + 1)
    query = sa.select(Customer).where(Customer.id.in_({row.customer_id for row in rows}))
    return rows, {customer.id: customer.display_name for customer in session.scalars(query)}


@blueprint.post("/customers/<public_id>/cases")
@access.requires(may.RISK_DECIDE)
def case_open(public_id: str) -> ResponseReturnValue:
    """Opens a case about a customer without a signal."""
    try:
        case = portal().db.transact(risk.open_case_about, access.me(), public_id, inputs.text("title"))
    except Refusal as refusal:
        return acts.answer(refusal, back=f"/staff/customers/{public_id}")
    return redirect(f"/staff/cases/{case.public_id}", 303)


@blueprint.get("/cases/<public_id>")
@access.requires(may.RISK_VIEW)
def case(public_id: str) -> ResponseReturnValue:
    """Shows a case."""
    return _case(public_id, {}, 200)


def _case(public_id: str, errors: dict[str, str], status: int) -> ResponseReturnValue:
    facts = portal().db.read(_one_case, public_id)
    return rendering.page("staff/risk/case.html", "main", status, errors=errors, form=request.form, **facts)


def _one_case(session: Session, public_id: str) -> dict[str, Any]:
    return case_facts(session, risk.case_of(session, public_id), tuple(RISK_CASE.transitions))


def case_facts(session: Session, found: RiskCase, statuses: tuple[str, ...]) -> dict[str, Any]:
    """What the page of a case or of a dispute shows; `statuses` are those that it may be moved to there."""
    return {
        "case": found,
        "customer": session.get_one(Customer, found.customer_id),
        "entries": risk.timeline(session, found.id),
        "ways": [way for way in RISK_CASE.transitions[found.status] if way in statuses],
    }


@blueprint.post("/cases/<public_id>/notes")
@access.requires(may.RISK_DECIDE)
def case_note(public_id: str) -> ResponseReturnValue:
    """Adds to the timeline."""
    return acts.act(
        risk.write, access.me(), public_id, inputs.text("note", 4000), back=f"/staff/cases/{public_id}",
        said=gettext("Written down."), again=lambda errors, status: _case(public_id, errors, status),
    )  # fmt: skip


@blueprint.post("/cases/<public_id>/move")
@access.requires(may.RISK_DECIDE)
def case_move(public_id: str) -> ResponseReturnValue:
    """Moves a case on."""
    to = request.form.get("to", "")
    if to not in RISK_CASE.transitions:
        raise Refusal("input_invalid", field="to")
    return acts.act(
        risk.move, access.me(), public_id, to, inputs.text("reason"), back=f"/staff/cases/{public_id}",
        said=gettext("Moved on."), again=lambda errors, status: _case(public_id, errors, status),
    )  # fmt: skip


@blueprint.post("/regulator")
@access.requires(may.REGULATOR_EXPORT)
def regulator_export() -> ResponseReturnValue:
    """Hands an export out as CSV or JSON; it is written down who took it."""
    kind, first, last = inputs.text("kind", 20), inputs.text("first", 10), inputs.text("last", 10)
    try:
        rows = portal().db.transact(regulator.export, kind, first, last, access.actor())
    except Refusal as refusal:
        return acts.answer(refusal, back="/staff/cases")
    if inputs.text("form", 4) == "json":
        answer: Response = jsonify({"kind": kind, "first": first, "last": last, "rows": rows})
        answer.headers["Content-Disposition"] = f'attachment; filename="{kind}.json"'
        return answer
    columns = regulator.COLUMNS[kind]
    return sheets.download(f"{kind}.csv", columns, ([row[name] for name in columns] for row in rows))


@blueprint.get("/audit")
@access.requires(may.AUDIT_VIEW)
def audit_list() -> ResponseReturnValue:
    """Shows the audit log."""
    facts: dict[str, Any] = {name: inputs.words(name, 64) for name in ("actor", "subject", "action")}
    rows = portal().db.read(_audit, facts, inputs.place())
    return rendering.page("staff/audit/list.html", "list", **inputs.one_page(rows, _ACTS), **facts)


def _audit(session: Session, by: dict[str, Any], before_id: int | None) -> list[AuditRecord]:
    query = sa.select(AuditRecord)
    for column, value in by.items():
        if value:
            query = query.where(getattr(AuditRecord, column) == value)
    if before_id is not None:
        query = query.where(AuditRecord.id < before_id)
    return list(session.scalars(query.order_by(AuditRecord.id.desc()).limit(_ACTS + 1)))
