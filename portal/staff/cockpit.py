"""The bank cockpit: statements in, lines booked, books against bank, days closed, pay-out files out."""

from dataclasses import asdict, fields
from typing import Any

from flask import Response, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal import permissions as may
from portal.errors import N_, Refusal
from portal.http import portal
from portal.ledger.chart import HOUSE_BUCKETS
from portal.models.bank import BankStatement
from portal.services import (
    approvals,
    bank_booking,
    bank_files,
    bank_matching,
    bank_reconciliation,
    bank_statements,
    payout_files,
    payout_switch,
)
from portal.services.bank_files.parsed import WHATS
from portal.services.staff_sessions import SignedInStaff
from portal.staff import access, acts, blueprint, inputs
from portal.web import rendering

_PAGE = 50
_FILES = 25

#: What a line can be.
KINDS: dict[str, str] = {
    "credit": N_("Money for us"),
    "payout": N_("Pay-out"),
    "refund": N_("Refund"),
    "fee": N_("Bank fee"),
    "interest": N_("Interest"),
    "own": N_("Between our accounts"),
    "journal": N_("Booked by hand before"),
    "known": N_("Told twice by the bank"),
    "other": N_("Booked by two people"),
}

#: What agreed, or did not.
REASONS: dict[str, str] = {
    "reference": N_("reference"),
    "amount": N_("amount"),
    "virtual_account": N_("virtual account"),
    "account": N_("account"),
    "payer_account": N_("payer's account"),
    "payer_name": N_("payer's name"),
    "payee_account": N_("payee's account"),
    "payee_name": N_("payee's name"),
    "day": N_("day"),
    "order": N_("order"),
    "own_account": N_("our own account"),
    "words": N_("the bank's words"),
    "several": N_("several alike"),
    "amount_differs": N_("the amount differs"),
}

TERMS: dict[str, str] = {
    "opening_not_booked": N_("Opening balances that the books do not have"),
    "gaps": N_("Gaps between statements"),
    "lines_open": N_("Lines not booked yet"),
    "own_under_way": N_("Between our accounts, under way"),
    "credits_without_line": N_("Credits that no statement tells of yet"),
    "payouts_without_line": N_("Pay-outs that no statement tells of yet"),
    "refunds_without_line": N_("Refunds that no statement tells of yet"),
    "by_hand_without_line": N_("Booked by hand, not told by a statement yet"),
    "deposits_since": N_("Deposits credited since the reading"),
    "withdrawals_since": N_("Withdrawals booked since the reading"),
}


@blueprint.get("/bank")
@access.requires(may.BANK_VIEW)
def cockpit() -> ResponseReturnValue:
    """Shows how books and bank stand, and the imported statements."""
    return _cockpit({}, 200)


def _cockpit(errors: dict[str, str], status: int) -> ResponseReturnValue:
    facts = portal().db.read(_facts, inputs.place())
    return rendering.page(
        "staff/bank/cockpit.html", "main", status, errors=errors, terms=TERMS, form=request.form, **facts
    )


def _facts(session: Session, before_id: int | None) -> dict[str, Any]:
    rows = bank_statements.page(session, before_id, _FILES + 1)
    return {
        "result": bank_reconciliation.against_bank(session),
        "chains": bank_reconciliation.against_chains(session),
        **inputs.one_page(rows, _FILES),
        "mappings": list(bank_statements.mappings(session)),
        "closes": bank_reconciliation.closes(session),
        "switch": payout_switch.state(session),
    }


@blueprint.post("/bank/statements")
@access.requires(may.BANK_MANAGE)
def statement_import() -> ResponseReturnValue:
    """Takes a statement's file."""
    sent = request.files.get("file")
    content = sent.stream.read(bank_files.MAX_BYTES + 1) if sent is not None else b""
    name = (sent.filename or "")[-100:] if sent is not None else ""
    try:
        if not content:
            raise Refusal("input_missing", field="file")
        mapping = portal().db.read(bank_statements.mapping, inputs.text("mapping", 64))
        found = bank_files.read(content, mapping)
        made: BankStatement = portal().db.transact(bank_statements.take, found, name, content, access.actor())
    except Refusal as refusal:
        said = gettext(refusal.message)
        if refusal.name == "statement_unreadable":
            said = gettext(WHATS[refusal.facts["what"]])
            if refusal.facts.get("line"):
                said = f"{said} ({gettext('line %(number)s', number=refusal.facts['line'])})"
        return _cockpit({refusal.field or "file": said}, 422)
    after_id = 0
    while after_id := portal().db.transact(bank_matching.propose_all, 200, after_id):
        pass
    flash(gettext("%(new)s new lines, %(known)s known before.", new=made.lines_new, known=made.lines_known), "success")
    return redirect(f"/staff/bank/statements/{made.public_id}", 303)


@blueprint.get("/bank/statements/<public_id>")
@access.requires(may.BANK_VIEW)
def statement(public_id: str) -> ResponseReturnValue:
    """Shows a statement's lines with what they are, or may be."""
    facts = portal().db.read(_statement, public_id, inputs.place("after"))
    return rendering.page(
        "staff/bank/statement.html", "list", kinds=KINDS, reasons=REASONS, certain=bank_matching.CERTAIN, **facts
    )


def _statement(session: Session, public_id: str, after_id: int | None) -> dict[str, Any]:
    found = bank_statements.find(session, public_id)
    rows = bank_statements.lines(session, statement_id=found.id, after_id=after_id, count=_PAGE + 1)
    return {"statement": found, **inputs.one_page(rows, _PAGE)}


@blueprint.get("/bank/lines")
@access.requires(may.BANK_VIEW)
def line_list() -> ResponseReturnValue:
    """Shows all lines that wait to be booked."""
    rows = portal().db.read(_open_lines, inputs.place("after"))
    return rendering.page(
        "staff/bank/lines.html", "list", kinds=KINDS, reasons=REASONS, certain=bank_matching.CERTAIN,
        **inputs.one_page(rows, _PAGE),
    )  # fmt: skip


def _open_lines(session: Session, after_id: int | None) -> list[Any]:
    return bank_statements.lines(session, status=bank_statements.OPEN, after_id=after_id, count=_PAGE + 1)


@blueprint.post("/bank/lines/certain")
@access.requires(may.BANK_MANAGE)
def lines_certain() -> ResponseReturnValue:
    """Books everything that is certain."""
    done, refused = bank_booking.book_certain(portal().db, access.actor())
    flash(gettext("%(done)s lines are booked, %(refused)s were refused.", done=done, refused=refused), "success")
    return redirect("/staff/bank/lines", 303)


@blueprint.get("/bank/lines/<int:line_id>")
@access.requires(may.BANK_VIEW)
def line(line_id: int) -> ResponseReturnValue:
    """Shows one line."""
    return _line(line_id, {}, 200)


def _line(line_id: int, errors: dict[str, str], status: int) -> ResponseReturnValue:
    facts = portal().db.read(_line_facts, line_id)
    return rendering.page(
        "staff/bank/line.html", "main", status, errors=errors, form=request.form, kinds=KINDS, reasons=REASONS,
        plain=bank_booking.PLAIN, buckets=[name for name in HOUSE_BUCKETS if name != "bank"], known=approvals.KINDS, **facts,
    )  # fmt: skip


def _line_facts(session: Session, line_id: int) -> dict[str, Any]:
    found = bank_statements.line(session, line_id)
    return {"line": found, "proposals": approvals.about(session, f"statement_line:{found.id}")}


@blueprint.post("/bank/lines/<int:line_id>/book")
@access.requires(may.BANK_MANAGE)
def line_book(line_id: int) -> ResponseReturnValue:
    """Books a line as proposed, or as the person says."""
    kind = inputs.text("kind", 20) or None
    match_id = inputs.number(request.form.get("match_id"))
    return acts.act(
        bank_booking.book, line_id, access.actor(), kind=kind, match_id=match_id, back=f"/staff/bank/lines/{line_id}",
        said=gettext("Booked."), again=lambda errors, status: _line(line_id, errors, status),
    )  # fmt: skip


@blueprint.post("/bank/lines/<int:line_id>/propose")
@access.requires(may.LEDGER_ADJUST)
def line_propose(line_id: int) -> ResponseReturnValue:
    """Proposes to book a line that fits nothing against a house account."""
    return acts.act(
        bank_booking.proposal, access.me(), line_id, inputs.text("bucket", 20), inputs.text("reason"),
        back=f"/staff/bank/lines/{line_id}", said=gettext(acts.PROPOSED),
        again=lambda errors, status: _line(line_id, errors, status),
    )  # fmt: skip


@blueprint.post("/bank/opening")
@access.requires(may.LEDGER_ADJUST)
def opening_propose() -> ResponseReturnValue:
    """Proposes to book what an account held before its first statement."""
    return acts.act(
        _opening, access.me(), inputs.text("account", 40), inputs.text("reason"), back="/staff/bank",
        said=gettext(acts.PROPOSED), again=_cockpit,
    )  # fmt: skip


def _opening(session: Session, me: SignedInStaff, account: str, reason: str) -> None:
    units = bank_reconciliation.opening_of(session, account)
    payload = {"account": account, "asset": "TWD", "units": units}
    approvals.propose(session, me, "bank.opening", f"bank:{account}", payload, reason)


@blueprint.post("/bank/close")
@access.requires(may.BANK_MANAGE)
def day_close() -> ResponseReturnValue:
    """Closes a day."""
    return acts.act(
        bank_reconciliation.close, inputs.text("day", 10), access.actor(), back="/staff/bank",
        said=gettext("The day is closed."), again=_cockpit,
    )  # fmt: skip


# --- mappings ---


@blueprint.get("/bank/mappings")
@access.requires(may.BANK_VIEW)
def mapping_list() -> ResponseReturnValue:
    """Shows how CSV files of banks are read."""
    return _mappings({}, 200)


def _mappings(errors: dict[str, str], status: int) -> ResponseReturnValue:
    known = portal().db.read(bank_statements.mappings)
    chosen = known.get(inputs.words("from", 64))
    values = dict(request.form.items()) or (asdict(chosen) if chosen else {})
    return rendering.page(
        "staff/bank/mappings.html", "main", status, known=known, values=values, errors=errors,
        columns=[column.name for column in fields(bank_files.Mapping)],
    )  # fmt: skip


@blueprint.post("/bank/mappings")
@access.requires(may.BANK_MANAGE)
def mapping_keep() -> ResponseReturnValue:
    """Keeps a mapping."""
    try:
        made = bank_files.mapping_from(request.form)
    except Refusal as refusal:
        return _mappings({refusal.field or "": gettext(refusal.message)}, 422)
    return acts.act(
        bank_statements.keep_mapping, made, access.actor(), back="/staff/bank/mappings", said=gettext("Saved.")
    )


# --- pay-out files ---


@blueprint.get("/bank/payouts")
@access.requires(may.BANK_PAYOUT, may.BANK_VIEW)
def payout_list() -> ResponseReturnValue:
    """Shows what waits to be paid out, and the files made."""
    return _payouts({}, 200)


def _payouts(errors: dict[str, str], status: int) -> ResponseReturnValue:
    facts = portal().db.read(_payout_facts, inputs.place())
    return rendering.page(
        "staff/bank/payouts.html", "main", status, errors=errors, formats=payout_files.FORMATS, **facts
    )


def _payout_facts(session: Session, before_id: int | None) -> dict[str, Any]:
    rows = payout_files.page(session, before_id, _FILES + 1)
    waiting = payout_files.waiting(session)
    return {
        "waiting": waiting,
        "total": sum(payment.amount_units for payment in waiting),
        "switch": payout_switch.state(session),
        **inputs.one_page(rows, _FILES),
    }


@blueprint.post("/bank/payouts")
@access.requires(may.BANK_PAYOUT)
def payout_make() -> ResponseReturnValue:
    """Makes a file of what waits."""
    return acts.act(
        payout_files.make, inputs.text("format", 20), access.actor(), back="/staff/bank/payouts",
        said=gettext("The file is made."), again=_payouts,
    )  # fmt: skip


@blueprint.post("/bank/payouts/<public_id>/file")
@access.requires(may.BANK_PAYOUT)
def payout_open(public_id: str) -> ResponseReturnValue:
    """Hands a file out; it is written down who took it."""
    found, content = portal().db.transact(payout_files.content, public_id, access.actor())
    kind, ending = ("text/csv", "csv") if found.format == payout_files.CSV else ("application/xml", "xml")
    answer = Response(content, mimetype=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="payouts-{found.id}.{ending}"'
    return answer
