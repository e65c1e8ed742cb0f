"""Identity reviews: the queue, a case with its documents beside the data, the decision."""

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from portal.errors import Refusal
from portal.http import portal
from portal.permissions import KYC_REVIEW
from portal.services import files, kyc, staff_reviews
from portal.staff import access, blueprint, inputs
from portal.web import documents, kyc_words, rendering

_PAGE = 25


@blueprint.get("/kyc")
@access.requires(KYC_REVIEW)
def kyc_queue() -> ResponseReturnValue:
    """Shows what waits, longest first."""
    level = inputs.number(request.args.get("level"), 3)
    after = inputs.moment_and_number()
    rows = portal().db.read(kyc.queue, level=level, after=after, count=_PAGE + 1)
    more = rows[_PAGE - 1] if len(rows) > _PAGE else None
    older = (
        f"?level={level or ''}&after={more.submitted_at.isoformat()}~{more.level_id}".replace("+", "%2B")
        if more
        else None
    )
    return rendering.page("staff/kyc/queue.html", "queue", rows=rows[:_PAGE], level=level, older=older, paged=after)


@blueprint.get("/kyc/<public_id>")
@access.requires(KYC_REVIEW)
def kyc_case(public_id: str) -> ResponseReturnValue:
    """Shows one customer's case."""
    return _case(public_id, {})


def _case(public_id: str, errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    try:
        case = portal().db.transact(staff_reviews.open_case, access.me(), public_id)
    except Refusal as refusal:
        raise _own(refusal) from refusal
    return rendering.page(
        "staff/kyc/case.html", "main", status, case=case, errors=errors, words=kyc_words,
        reasons=staff_reviews.REASONS, form=request.form,
    )  # fmt: skip


@blueprint.get("/kyc/<public_id>/files/<file_id>")
@documents.inert
@access.requires(KYC_REVIEW)
def kyc_file(public_id: str, file_id: str) -> ResponseReturnValue:
    """Hands out a document so that nothing in it can run."""
    try:
        found = portal().db.transact(staff_reviews.open_document, access.me(), public_id, file_id)
    except Refusal as refusal:
        raise _own(refusal) from refusal
    return documents.answer(found, files.content(portal().db, found))


@blueprint.post("/kyc/<public_id>/levels/<int:level>")
@access.requires(KYC_REVIEW)
def kyc_decide(public_id: str, level: int) -> ResponseReturnValue:
    """Approves or rejects a level as it was when the page was opened."""
    revision = inputs.number(request.form.get("revision"))
    decision = request.form.get("decision")
    try:
        if revision is None or decision not in (kyc.APPROVE, kyc.REJECT):
            raise Refusal("input_invalid", field="decision")
        if decision == kyc.APPROVE:
            portal().db.transact(staff_reviews.approve, access.me(), public_id, level, revision)
        else:
            portal().db.transact(
                staff_reviews.reject, access.me(), public_id, level, revision, inputs.text("reason"), _named()
            )
    except Refusal as refusal:
        if refusal.name in ("staff_not_oneself", "not_found"):
            raise _own(refusal) from refusal
        return _case(public_id, {refusal.field or "": gettext(refusal.message)}, 422)
    said = (
        gettext("Level %(level)s is approved.") if decision == kyc.APPROVE else gettext("Level %(level)s is sent back.")
    )
    flash(said % {"level": level}, "success")
    return redirect("/staff/kyc", 303)


@blueprint.post("/kyc/<public_id>/withdraw")
@access.requires(KYC_REVIEW)
def kyc_withdraw(public_id: str) -> ResponseReturnValue:
    """Declares the whole record invalid."""
    try:
        portal().db.transact(staff_reviews.withdraw, access.me(), public_id, inputs.text("reason"))
    except Refusal as refusal:
        if refusal.name in ("staff_not_oneself", "not_found"):
            raise _own(refusal) from refusal
        return _case(public_id, {refusal.field or "": gettext(refusal.message)}, 422)
    return redirect(f"/staff/kyc/{public_id}", 303)


@blueprint.post("/kyc/<public_id>/reopen")
@access.requires(KYC_REVIEW)
def kyc_reopen(public_id: str) -> ResponseReturnValue:
    """Lets the customer begin anew."""
    try:
        portal().db.transact(staff_reviews.reopen, access.me(), public_id)
    except Refusal as refusal:
        if refusal.name in ("staff_not_oneself", "not_found"):
            raise _own(refusal) from refusal
        return _case(public_id, {"": gettext(refusal.message)}, 422)
    return redirect(f"/staff/kyc/{public_id}", 303)


def _named() -> dict[int, str]:
    """The rejected documents: those that are ticked or have a reason of their own."""
    named = {}
    for kind in kyc_words.DOCUMENTS:
        template = inputs.number(request.form.get(f"template_{kind}"))
        offered = _offered(kind)
        why = inputs.text(f"reason_{kind}") or (
            gettext(offered[template]) if template is not None and template < len(offered) else ""
        )
        if why or request.form.get(f"reject_{kind}"):
            named[kind] = why
    return named


def _offered(kind: int) -> tuple[str, ...]:
    return (*staff_reviews.REASONS.get(kind, ()), *staff_reviews.REASONS[0])


def _own(refusal: Refusal) -> Refusal:
    """One's own case is refused with 403 and written down."""
    if refusal.name != "staff_not_oneself":
        return refusal
    access.refused(access.actor(), "own account")
    return Refusal("forbidden")
