"""The identity check, one question at a time: identity, phone, documents, questions, bank account."""

from typing import Any

from flask import Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from portal.errors import Refusal
from portal.http import portal, visit
from portal.services import banks, files, kyc
from portal.services.documents import clean_document
from portal.services.kyc import Standing
from portal.web import blueprint, documents, problems, rendering
from portal.web.access import customer_id, login_required
from portal.web.kyc_levels import levels_table
from portal.web.kyc_words import BY_SLUG, DOCUMENTS, LEVELS, OPENS, QUESTIONS

_WORDS: dict[str, Any] = {"documents": DOCUMENTS, "questions": QUESTIONS, "level_names": LEVELS, "opens": OPENS}


def _standing() -> Standing:
    return portal().db.read(kyc.standing, customer_id())


def _open_kinds(stand: Standing) -> list[int]:
    """The documents of level 2 that are still to be sent (again)."""
    good = ("uploaded", kyc.VERIFYING, kyc.VERIFIED)
    return [kind for kind in kyc.LEVEL_2_KINDS if kind not in stand.papers or stand.papers[kind].status not in good]


def next_step(stand: Standing) -> str | None:
    """Where the customer goes on; None while nothing is theirs to do."""
    if stand.void:
        return None
    if stand.levels[1] != kyc.VERIFIED:
        return url_for("web.kyc_identity") if stand.number is None else url_for("web.kyc_phone")
    if stand.levels[2] in (kyc.UNVERIFIED, kyc.SUPPLEMENT):
        missing = _open_kinds(stand)
        return url_for("web.kyc_document", slug=DOCUMENTS[missing[0]].slug) if missing else url_for("web.kyc_questions")
    if stand.levels[2] == kyc.VERIFIED and stand.may_change_bank_account:
        return url_for("web.kyc_bank")
    return None


@blueprint.get("/kyc")
@login_required
def kyc_home() -> ResponseReturnValue:
    """Where the check stands and what comes next; the block renews itself while staff are looking."""
    stand = _standing()
    waits = kyc.VERIFYING in stand.levels.values()
    facts: dict[str, Any] = {
        "stand": stand,
        "next_step": next_step(stand),
        "waits": waits,
        "open_kinds": _open_kinds(stand),
        **_WORDS,
    }
    if rendering.wants_partial():
        return rendering.polled(rendering.render_block("kyc/home.html", "standing", **facts))
    return rendering.page("kyc/home.html", **facts)


@blueprint.get("/kyc/levels")
@login_required
def kyc_levels() -> ResponseReturnValue:
    """What each level opens, with its limits."""
    return rendering.page("kyc/levels.html", stand=_standing(), rows=portal().db.read(levels_table), **_WORDS)


@blueprint.get("/kyc/identity")
@login_required
def kyc_identity() -> ResponseReturnValue:
    """Asks who the customer is."""
    stand = _standing()
    if stand.levels[1] != kyc.UNVERIFIED:
        return redirect("/kyc", 303)
    return rendering.page("kyc/identity.html", "form", values={}, errors={})


@blueprint.post("/kyc/identity")
@login_required
def kyc_identity_sent() -> ResponseReturnValue:
    """Keeps who the customer is and goes on to the phone."""
    values = problems.typed("name", "gender", "birthday", "identityNumber")
    gender = {"0": 0, "1": 1}.get(values["gender"], -1)
    entries = values["name"], gender, values["birthday"], values["identityNumber"]
    try:
        portal().db.transact(kyc.submit_basic_data, customer_id(), *entries)
    except Refusal as refusal:
        errors = _all_of(refusal, portal().db.read(kyc.wrong_entries, *entries))
        if "gender" in errors:
            errors["gender"] = gettext("Please choose what your document says.")
        return rendering.page("kyc/identity.html", "form", 422, values=values, errors=errors)
    return redirect(url_for("web.kyc_phone"), 303)


def _all_of(first: Refusal, found: list[Refusal], **fields: str) -> dict[str, str]:
    """The messages of everything that is wrong with a form, the one that was raised included."""
    errors: dict[str, str] = {}
    for refusal in (first, *found):
        for field, message in problems.of(refusal, **fields).items():
            errors.setdefault(field, message)
    return errors


@blueprint.get("/kyc/phone")
@login_required
def kyc_phone() -> ResponseReturnValue:
    """Asks for the mobile number."""
    stand = _standing()
    if stand.levels[1] != kyc.UNVERIFIED or stand.number is None:
        return redirect("/kyc", 303)
    return rendering.page("kyc/phone.html", "form", values={}, errors={})


@blueprint.post("/kyc/phone")
@login_required
def kyc_phone_sent() -> ResponseReturnValue:
    """Sends the code to the number."""
    values = problems.typed("mobilePhone")
    try:
        portal().db.transact(kyc.send_phone_code, customer_id(), values["mobilePhone"])
    except Refusal as refusal:
        if refusal.name == "code_too_soon" and portal().db.read(kyc.named_phone, customer_id()):
            flash(gettext("The code that was sent a moment ago is still valid."), "info")
            return redirect(url_for("web.kyc_phone_code"), 303)
        return rendering.page("kyc/phone.html", "form", 422, values=values, errors=problems.of(refusal, code=""))
    return redirect(url_for("web.kyc_phone_code"), 303)


@blueprint.get("/kyc/phone/code")
@login_required
def kyc_phone_code() -> ResponseReturnValue:
    """Asks for the code."""
    number = portal().db.read(kyc.named_phone, customer_id())
    if number is None:
        return redirect("/kyc", 303)
    return rendering.page("kyc/phone_code.html", "form", number=number, errors={})


@blueprint.post("/kyc/phone/code")
@login_required
def kyc_phone_verified() -> ResponseReturnValue:
    """Proves the number; level 1 passes."""
    number = portal().db.read(kyc.named_phone, customer_id())
    if number is None:
        return redirect("/kyc", 303)
    code = problems.typed("code")["code"].strip()
    try:
        portal().db.transact(kyc.verify_phone, customer_id(), number, code, visit("web"))
    except Refusal as refusal:
        errors = problems.of(refusal, mobilePhone="")
        return rendering.page("kyc/phone_code.html", "form", 422, number=number, errors=errors)
    flash(gettext("Level 1 is verified. You can receive crypto assets now."), "success")
    return redirect("/kyc", 303)


@blueprint.get("/kyc/documents/<slug>")
@login_required
def kyc_document(slug: str) -> ResponseReturnValue:
    """Asks for one document."""
    stand = _standing()
    if slug not in BY_SLUG or BY_SLUG[slug].kind == kyc.PASSBOOK:
        abort(404)
    if stand.levels[1] != kyc.VERIFIED or stand.levels[2] not in (kyc.UNVERIFIED, kyc.SUPPLEMENT):
        return redirect("/kyc", 303)
    return _document_page(slug, stand, {})


def _document_page(slug: str, stand: Standing, errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    asked = BY_SLUG[slug]
    paper = stand.papers.get(asked.kind)
    return rendering.page(
        "kyc/document.html", "form", status, asked=asked, paper=paper, stand=stand, errors=errors, **_WORDS
    )


@blueprint.post("/kyc/documents/<slug>")
@login_required
def kyc_document_sent(slug: str) -> ResponseReturnValue:
    """Takes one document and goes on to the next that is missing."""
    if slug not in BY_SLUG or BY_SLUG[slug].kind == kyc.PASSBOOK:
        abort(404)
    try:
        _take_document(BY_SLUG[slug].kind)
    except Refusal as refusal:
        return _document_page(slug, _standing(), problems.of(refusal), 422)
    return redirect(next_step(_standing()) or "/kyc", 303)


def _take_document(kind: int) -> None:
    """Stores the form's file as a document of the customer's. Raises Refusal as kyc.add_document and clean_document do."""
    portal().db.read(kyc.may_send_document, customer_id(), kind)
    sent = request.files.get("file")
    content = sent.stream.read(kyc.MAX_FILE_BYTES + 1) if sent is not None else b""
    if not content:
        raise Refusal("kyc_file_not_chosen", field="file")
    stored = files.put(portal().db, clean_document(content, max_bytes=kyc.MAX_FILE_BYTES))
    portal().db.transact(kyc.add_document, customer_id(), kind, stored)


@blueprint.get("/kyc/files/<public_id>")
@documents.inert
@login_required
def kyc_file(public_id: str) -> ResponseReturnValue:
    """One of the customer's own documents; plain words when there is none, for nothing else could load here."""
    try:
        found = portal().db.read(files.find, public_id, owner_kind="customer", owner_id=customer_id())
        return documents.answer(found, files.content(portal().db, found))
    except Refusal as refusal:
        status = 404 if refusal.name == "not_found" else 503
        return Response(gettext(refusal.message), status, mimetype="text/plain")


@blueprint.get("/kyc/questions")
@login_required
def kyc_questions() -> ResponseReturnValue:
    """Asks the four questions."""
    stand = _standing()
    if stand.levels[2] not in (kyc.UNVERIFIED, kyc.SUPPLEMENT) or stand.levels[1] != kyc.VERIFIED:
        return redirect("/kyc", 303)
    return _questions_page(stand, {}, {})


def _questions_page(
    stand: Standing, values: dict[str, str], errors: dict[str, str], status: int = 200
) -> ResponseReturnValue:
    return rendering.page(
        "kyc/questions.html", "form", status, stand=stand, values=values, errors=errors,
        open_kinds=_open_kinds(stand), **_WORDS,
    )  # fmt: skip


@blueprint.post("/kyc/questions")
@login_required
def kyc_questions_sent() -> ResponseReturnValue:
    """Hands documents and answers to the staff."""
    values = problems.typed(*(name for question in QUESTIONS for name in (question.name, f"{question.name}_words")))
    answers = {
        question.name: {"value": values[question.name], "otherValue": values[f"{question.name}_words"]}
        for question in QUESTIONS
    }
    try:
        portal().db.transact(kyc.apply_level_2, customer_id(), answers)
    except Refusal as refusal:
        named = {f"{question.name}.otherValue": f"{question.name}_words" for question in QUESTIONS}
        return _questions_page(_standing(), values, _all_of(refusal, kyc.wrong_answers(answers), **named), 422)
    flash(gettext("Thank you. Our reviewers will look at your documents, usually within a working day."), "success")
    return redirect("/kyc", 303)


@blueprint.get("/kyc/bank")
@login_required
def kyc_bank() -> ResponseReturnValue:
    """Asks for the bank first, then for the branch and the account."""
    stand = _standing()
    if stand.levels[2] != kyc.VERIFIED or not stand.may_change_bank_account:
        return redirect("/kyc", 303)
    return _bank_page(stand, {"code": request.args.get("code", "")[:10]}, {})


def _bank_page(
    stand: Standing, values: dict[str, str], errors: dict[str, str], status: int = 200
) -> ResponseReturnValue:
    listed = portal().db.read(banks.every_bank)
    chosen = next((bank for bank in listed if bank.code == values.get("code")), None)
    facts: dict[str, Any] = {
        "stand": stand,
        "banks": listed,
        "chosen": chosen,
        "branches": portal().db.read(banks.branches, chosen.code) if chosen else [],
        "values": values,
        "errors": errors,
        "asked": DOCUMENTS[kyc.PASSBOOK],
    }
    return rendering.page("kyc/bank.html", "form", status, **facts)


@blueprint.post("/kyc/bank")
@login_required
def kyc_bank_sent() -> ResponseReturnValue:
    """Hands the bank account and the passbook's picture to the staff."""
    values = problems.typed("code", "branch", "other_branch", "account")
    branch = values["other_branch"].strip() if values["branch"] == "other" else values["branch"]
    try:
        account = portal().db.read(kyc.check_account, values["code"], branch, values["account"])
        portal().db.read(kyc.may_apply, customer_id(), 3)
        if request.files.get("file") or kyc.PASSBOOK not in _standing().papers:
            _take_document(kyc.PASSBOOK)
        portal().db.transact(kyc.apply_level_3, customer_id(), values["code"], branch, account)
    except Refusal as refusal:
        other = "other_branch" if values["branch"] == "other" else "branch"
        found = portal().db.read(kyc.wrong_account, values["code"], branch, values["account"])
        return _bank_page(_standing(), values, _all_of(refusal, found, branch=other), 422)
    flash(gettext("Thank you. Our reviewers will look at your bank account, usually within a working day."), "success")
    return redirect("/kyc", 303)
