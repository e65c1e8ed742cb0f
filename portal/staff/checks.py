"""Checks for others: people of institutions, bank accounts of stores."""

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from portal import permissions as may
from portal.errors import N_, Refusal
from portal.http import portal
from portal.services import files, staff_checks, store_bank_accounts
from portal.staff import access, acts, blueprint, inputs
from portal.web import documents, rendering

_PAGE = 25

#: What an institution hands in as codes.
WORDS = {
    "male": N_("Male"),
    "female": N_("Female"),
    "unknown": N_("Not given"),
    "passport": N_("Passport"),
    "idcard": N_("Identity card"),
    "front_doc": N_("Front of the document"),
    "back_doc": N_("Back of the document"),
    "mix_doc": N_("The person with the document"),
}


@blueprint.get("/partner-kyc")
@access.requires(may.KYC_REVIEW)
def partner_queue() -> ResponseReturnValue:
    """Shows institutions' people who wait, longest first."""
    rows = portal().db.read(staff_checks.people, after=inputs.place("after") or 0, count=_PAGE + 1)
    return rendering.page("staff/checks/people.html", "list", **inputs.one_page(rows, _PAGE))


@blueprint.get("/partner-kyc/<public_id>")
@access.requires(may.KYC_REVIEW)
def partner_case(public_id: str) -> ResponseReturnValue:
    """Shows one person's check."""
    return _person(public_id, {}, 200)


def _person(public_id: str, errors: dict[str, str], status: int) -> ResponseReturnValue:
    try:
        case = portal().db.transact(staff_checks.open_person, access.me(), public_id)
    except Refusal as refusal:
        return acts.answer(refusal, back="/staff/partner-kyc")
    return rendering.page(
        "staff/checks/person.html",
        "main",
        status,
        case=case,
        errors=errors,
        form=request.form,
        reasons=staff_checks.REASONS,
        words=WORDS,
    )


@blueprint.get("/partner-kyc/<public_id>/pictures/<name>")
@documents.inert
@access.requires(may.KYC_REVIEW)
def partner_picture(public_id: str, name: str) -> ResponseReturnValue:
    """Hands out a picture so that nothing in it can run."""
    try:
        found = portal().db.transact(staff_checks.open_picture, access.me(), public_id, name)
    except Refusal as refusal:
        return acts.answer(refusal, back="/staff/partner-kyc")
    return documents.answer(found, files.content(portal().db, found))


@blueprint.post("/partner-kyc/<public_id>/decide")
@access.requires(may.KYC_REVIEW)
def partner_decide(public_id: str) -> ResponseReturnValue:
    """Passes or refuses a person."""
    offered = inputs.number(request.form.get("template"), len(staff_checks.REASONS) - 1)
    reason = inputs.text("reason") or (gettext(staff_checks.REASONS[offered]) if offered is not None else "")
    return acts.act(
        staff_checks.decide_person, access.me(), public_id, inputs.number(request.form.get("submission")) or 0,
        inputs.text("decision", 10), reason, back="/staff/partner-kyc", said=gettext("Decided; the institution is told."),
        again=lambda errors, status: _person(public_id, errors, status),
    )  # fmt: skip


@blueprint.get("/store-accounts")
@access.requires(may.BANK_VIEW)
def store_accounts() -> ResponseReturnValue:
    """Shows bank accounts of stores that wait for a decision."""
    return rendering.page("staff/checks/accounts.html", rows=portal().db.read(store_bank_accounts.waiting))


@blueprint.get("/store-accounts/<public_id>")
@access.requires(may.BANK_MANAGE)
def store_account(public_id: str) -> ResponseReturnValue:
    """Shows the account that waits for a store."""
    return _account(public_id, {}, 200)


def _account(public_id: str, errors: dict[str, str], status: int) -> ResponseReturnValue:
    try:
        found = portal().db.transact(staff_checks.open_account, access.me(), public_id)
    except Refusal as refusal:
        return acts.answer(refusal, back="/staff/store-accounts")
    return rendering.page("staff/checks/account.html", "main", status, found=found, errors=errors, form=request.form)


@blueprint.post("/store-accounts/<public_id>/decide")
@access.requires(may.BANK_MANAGE)
def store_account_decide(public_id: str) -> ResponseReturnValue:
    """Verifies or rejects it."""
    return acts.act(
        staff_checks.decide_account, access.me(), public_id, inputs.number(request.form.get("account")) or 0,
        inputs.text("decision", 10), inputs.text("reason"), back="/staff/store-accounts",
        said=gettext("Decided; the store's owners are told."),
        again=lambda errors, status: _account(public_id, errors, status),
    )  # fmt: skip
