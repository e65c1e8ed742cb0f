"""Customers: found by anything, one page for each, and what may be done about them."""

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal import permissions as may
from portal.errors import Refusal
from portal.http import portal
from portal.services import (
    approvals,
    audit,
    bank_accounts,
    devices,
    history,
    kyc,
    second_factor,
    staff_accounts,
    staff_customers,
    staff_search,
    wallet,
)
from portal.services.staff_sessions import SignedInStaff
from portal.staff import access, acts, blueprint, inputs
from portal.web import rendering

_PAGE = 25


@blueprint.get("/customers")
@access.requires(may.CUSTOMERS_VIEW)
def customer_search() -> ResponseReturnValue:
    """Finds customers; a search is written down, for it may be an identity number."""
    typed = inputs.words("q", 120)
    hits = portal().db.transact(_search, access.actor(), typed) if typed else []
    return rendering.page("staff/customers/search.html", "found", typed=typed, hits=hits)


def _search(session: Session, actor: str, typed: str) -> list[staff_search.Hit]:
    hits = staff_search.search(session, typed)
    audit.write(session, actor, "customer.search", "customers", details={"found": len(hits)})
    return hits


@blueprint.get("/customers/<public_id>")
@access.requires(may.CUSTOMERS_VIEW)
def customer(public_id: str) -> ResponseReturnValue:
    """Shows a customer."""
    return _customer(public_id, {}, 200)


def _customer(public_id: str, errors: dict[str, str], status: int) -> ResponseReturnValue:
    facts = portal().db.transact(_facts, access.me(), public_id)
    return rendering.page(
        "staff/customers/one.html", "main", status, errors=errors, form=request.form, kinds=approvals.KINDS,
        checks=staff_customers.CHECKS, marks_known=staff_customers.MARKS, **facts,
    )  # fmt: skip


def _facts(session: Session, me: SignedInStaff, public_id: str) -> dict[str, Any]:
    found = staff_customers.find(session, public_id)
    subject = f"customer:{found.id}"
    audit.write(session, me.actor, "customer.open", subject)
    notes = staff_customers.notes(session, subject)
    return {
        "customer": found,
        "own": staff_accounts.is_own(session, me.staff_id, found.id),
        "kyc": kyc.standing(session, found.id),
        "wallet": wallet.overview(session, found.id),
        "banks": bank_accounts.verified(session, "customer", found.id),
        "activity": history.page(session, found.id, limit=10),
        "sessions": staff_customers.client_sessions(session, found.id),
        "has_second_factor": second_factor.is_required(session, "customer", found.id),
        "notes": notes,
        "people": staff_accounts.names(session, {note.staff_id for note in notes}),
        "marks": staff_customers.marks(session, found.id),
        "audit": staff_customers.audit_about(session, subject) if me.may(may.AUDIT_VIEW) else [],
        "proposals": approvals.about(session, subject),
        "device_name": devices.named,
    }


@blueprint.get("/customers/<public_id>/activity")
@access.requires(may.CUSTOMERS_VIEW)
def customer_activity(public_id: str) -> ResponseReturnValue:
    """Shows all of a customer's history, page by page."""
    found = portal().db.read(staff_customers.find, public_id)
    before, after = inputs.words("before", 40) or None, inputs.words("after", 40) or None
    page = portal().db.read(history.page, found.id, before=before, after=after, limit=_PAGE)
    return rendering.page("staff/customers/activity.html", "list", customer=found, page=page)


@blueprint.get("/customers/<public_id>/activity/<row_id>")
@access.requires(may.CUSTOMERS_VIEW)
def customer_entry(public_id: str, row_id: str) -> ResponseReturnValue:
    """Shows how one line of a history came about."""
    found = portal().db.read(staff_customers.find, public_id)
    row = portal().db.read(history.entry, found.id, row_id)
    told = portal().db.read(history.explain, found.id, row)
    return rendering.page("staff/customers/entry.html", customer=found, row=row, told=told)


def _done(public_id: str, work: Any, *arguments: Any, said: str = "") -> ResponseReturnValue:
    return acts.act(
        work, access.me(), public_id, *arguments, back=f"/staff/customers/{public_id}", said=said or gettext("Done."),
        again=lambda errors, status: _customer(public_id, errors, status),
    )  # fmt: skip


@blueprint.post("/customers/<public_id>/standing")
@access.requires(may.CUSTOMERS_LOCK, may.CUSTOMERS_RELEASE)
def customer_standing(public_id: str) -> ResponseReturnValue:
    """Locks, suspends, stops trading or releases."""
    wanted = request.form.get("standing", "")
    needed = may.CUSTOMERS_RELEASE if wanted == "normal" else may.CUSTOMERS_LOCK
    if not access.me().may(needed):
        return acts.refuse(Refusal("forbidden"))
    if wanted not in staff_customers.STANDINGS:
        return _customer(public_id, {"standing": gettext("Please check this entry.")}, 422)
    return _done(public_id, staff_customers.set_standing, wanted, inputs.text("reason"))


@blueprint.post("/customers/<public_id>/sign-out")
@access.requires(may.CUSTOMERS_LOCK)
def customer_sign_out(public_id: str) -> ResponseReturnValue:
    """Signs all devices out."""
    return _done(public_id, staff_customers.end_sessions, inputs.text("reason"))


@blueprint.post("/customers/<public_id>/hold")
@access.requires(may.CUSTOMERS_LOCK)
def customer_hold(public_id: str) -> ResponseReturnValue:
    """Lets withdrawals wait, or go on."""
    hours = inputs.number(request.form.get("hours"), 720)
    if hours is None:
        return _customer(public_id, {"hours": gettext("Please check this entry.")}, 422)
    if not hours and not access.me().may(may.CUSTOMERS_RELEASE):
        return acts.refuse(Refusal("forbidden"))
    return _done(public_id, staff_customers.hold, hours, inputs.text("reason"))


@blueprint.post("/customers/<public_id>/second-factor")
@access.requires(may.CUSTOMERS_SECOND_FACTOR)
def customer_second_factor(public_id: str) -> ResponseReturnValue:
    """Takes a lost second factor off after the checks."""
    checks = set(request.form.getlist("checks")[:9])
    return _done(
        public_id, staff_customers.reset_second_factor, checks, inputs.text("reason"),
        said=gettext("The second factor is off; withdrawals wait 24 hours."),
    )  # fmt: skip


@blueprint.post("/customers/<public_id>/notes")
@access.requires(may.CUSTOMERS_NOTE)
def customer_note(public_id: str) -> ResponseReturnValue:
    """Writes a note."""
    return _done(public_id, staff_customers.note_about, inputs.text("note", 4000))


@blueprint.post("/customers/<public_id>/marks")
@access.requires(may.RISK_DECIDE)
def customer_mark(public_id: str) -> ResponseReturnValue:
    """Puts a risk mark on."""
    return _done(public_id, staff_customers.set_mark, inputs.text("label", 64), inputs.text("mark_note"))


@blueprint.post("/customers/<public_id>/marks/<int:mark_id>/remove")
@access.requires(may.RISK_DECIDE)
def customer_unmark(public_id: str, mark_id: int) -> ResponseReturnValue:
    """Takes a risk mark off."""
    return _done(public_id, staff_customers.remove_mark, mark_id)


@blueprint.post("/customers/<public_id>/terms")
@access.requires(may.CUSTOMERS_TERMS)
def customer_terms(public_id: str) -> ResponseReturnValue:
    """Proposes VIP and an own spread."""
    typed = inputs.text("spread")
    spread = inputs.number(typed) if typed else None
    if typed and spread is None:
        return _customer(public_id, {"spread": gettext("Please check this entry.")}, 422)
    is_vip = request.form.get("is_vip") == "y"
    return _done(
        public_id, staff_customers.propose_terms, is_vip, spread, inputs.text("reason"), said=gettext(acts.PROPOSED)
    )
