"""Takings on their way to the bank, the account they go to, and a statement for every day."""

from collections.abc import Iterator
from typing import Any

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.errors import Refusal
from portal.http import portal
from portal.machines.withdrawals import WITHDRAWAL
from portal.merchant import blueprint, live
from portal.merchant.access import member_required, path_of
from portal.money import plain_text
from portal.services import banks, settlements, store_bank_accounts, takings, withdrawals
from portal.services.store_members import SETTLE, Seat
from portal.services.takings import Day
from portal.services.withdrawal_settling import payout_units
from portal.web import problems, rendering, repeats, sheets
from portal.web.access import recent_required

PAGE = 20
DAYS = 31


@blueprint.get("/<store>/settlements")
@member_required()
def settlement_list(seat: Seat) -> ResponseReturnValue:
    """What there is, what was paid out, and the form to be paid."""
    return _list(seat, {}, {})


def _list(seat: Seat, values: dict[str, str], errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    before = request.args.get("before", "")[:36] or None
    facts = portal().db.read(_facts, seat, before)
    shown = facts["rows"][:PAGE]
    older = path_of(seat, "settlement_list", before=shown[-1].public_id) if len(facts["rows"]) > PAGE else None
    newest = path_of(seat, "settlement_list") if before else None
    return rendering.page(
        "merchant/settlements.html", "form", status, values=values, errors=errors, key=rendering.form_key(),
        older=older, newest=newest, **{**facts, "rows": shown},
    )  # fmt: skip


def _facts(session: Session, seat: Seat, before: str | None) -> dict[str, Any]:
    return {
        "position": settlements.position(session, seat.store.id),
        "pending_account": store_bank_accounts.of_store(session, seat.store.id, "pending"),
        "rows": settlements.page(session, seat.store.id, before=before, count=PAGE + 1),
    }


@blueprint.post("/<store>/settlements")
@member_required(SETTLE)
def settlement_ask(seat: Seat) -> ResponseReturnValue:
    """Asks for it; the code comes by SMS and the next page takes it."""
    values = {"amount": problems.typed("amount")["amount"].strip()}
    try:
        made = repeats.once(f"settlement:{seat.store.id}", _ask, seat, values["amount"].replace(",", ""))
    except Refusal as refusal:
        return _list(seat, values, problems.of(refusal), 422)
    return redirect(path_of(seat, "settlement", public_id=made["id"]), 303)


def _ask(session: Session, seat: Seat, amount: str) -> dict[str, Any]:
    return {"id": settlements.request(session, seat.store, seat.member, amount or None).public_id}


@blueprint.get("/<store>/settlements/<public_id>")
@member_required()
def settlement(seat: Seat, public_id: str) -> ResponseReturnValue:
    """Asks for the code, and later shows how it goes."""
    return _shown(seat, public_id, {})


def _shown(seat: Seat, public_id: str, errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    facts = portal().db.read(_one, seat, public_id)
    return rendering.page("merchant/settlement.html", "code", status, errors=errors, **facts)


def _one(session: Session, seat: Seat, public_id: str) -> dict[str, Any]:
    found = settlements.find(session, seat.store.id, public_id)
    contact = withdrawals.contact_of(session, found)
    return {
        "found": found,
        "arrives_units": payout_units(found),
        "account": store_bank_accounts.by_id(session, seat.store.id, found.bank_account_id),
        "mine": contact.id == seat.member.customer_id,
        "asker": contact,
        "under_way": not WITHDRAWAL.is_final(found.status),
        "can_cancel": found.status in withdrawals.CANCELLABLE and seat.may(SETTLE),
    }


@blueprint.get("/<store>/settlements/<public_id>/state")
@member_required()
def settlement_state(seat: Seat, public_id: str) -> ResponseReturnValue:
    """The live block."""
    facts = portal().db.read(_one, seat, public_id)
    mark = f"{facts['found'].id}-{facts['found'].status}"
    return live.block(mark, lambda: rendering.render_block("merchant/settlement.html", "state", **facts))


@blueprint.post("/<store>/settlements/<public_id>/confirm")
@member_required(SETTLE)
def settlement_confirm(seat: Seat, public_id: str) -> ResponseReturnValue:
    """Takes the code."""
    code = problems.typed("code")["code"].strip()
    try:
        portal().db.transact(settlements.confirm, seat.store, seat.member, public_id, code)
    except Refusal as refusal:
        if refusal.name in ("not_found", "forbidden"):
            raise
        return _shown(seat, public_id, problems.of(refusal), 422)
    return redirect(path_of(seat, "settlement", public_id=public_id), 303)


@blueprint.post("/<store>/settlements/<public_id>/<any(resend, cancel):act>")
@member_required(SETTLE)
def settlement_act(seat: Seat, public_id: str, act: str) -> ResponseReturnValue:
    """Sends another code, or calls it off."""
    service = settlements.resend if act == "resend" else settlements.cancel
    try:
        portal().db.transact(service, seat.store, seat.member, public_id)
    except Refusal as refusal:
        if refusal.name in ("not_found", "forbidden"):
            raise
        flash(gettext(refusal.message), "error")
    else:
        said = gettext("A new code is on its way.") if act == "resend" else gettext("The settlement was cancelled.")
        flash(said, "success")
    return redirect(path_of(seat, "settlement", public_id=public_id), 303)


@blueprint.get("/<store>/bank-account")
@member_required(SETTLE)
@recent_required
def bank_account(seat: Seat) -> ResponseReturnValue:
    """The form for another account."""
    return _account(seat, {}, {})


@blueprint.post("/<store>/bank-account")
@member_required(SETTLE)
@recent_required
def bank_account_propose(seat: Seat) -> ResponseReturnValue:
    """Enters an account for staff to look at."""
    values = {
        name: text.strip() for name, text in problems.typed("holder", "bank_code", "branch_code", "account").items()
    }
    try:
        portal().db.transact(
            store_bank_accounts.propose, seat.store, values["holder"], values["bank_code"], values["branch_code"],
            values["account"], seat.actor,
        )  # fmt: skip
    except Refusal as refusal:
        return _account(seat, values, problems.of(refusal), 422)
    flash(gettext("We look at the account and tell you when takings can be paid to it."), "success")
    return redirect(path_of(seat, "settlement_list"), 303)


def _account(seat: Seat, values: dict[str, str], errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    listed = portal().db.read(banks.every_bank)
    return rendering.page("merchant/bank_account.html", "form", status, banks=listed, values=values, errors=errors)


@blueprint.get("/<store>/statements")
@member_required()
def statements(seat: Seat) -> ResponseReturnValue:
    """The days that had movements."""
    before = request.args.get("before", "")
    before = before if _is_day(before) else ""
    rows = portal().db.read(takings.days, seat.store.id, before=before or None, count=DAYS + 1)
    shown = rows[:DAYS]
    older = path_of(seat, "statements", before=shown[-1].day) if len(rows) > DAYS else None
    newest = path_of(seat, "statements") if before else None
    return rendering.page("merchant/statements.html", "rows", rows=shown, older=older, newest=newest)


@blueprint.get("/<store>/statements.csv")
@member_required()
def statements_csv(seat: Seat) -> ResponseReturnValue:
    """All days as a file."""
    heading = [
        gettext("Day"), gettext("Opening balance"), gettext("Payments"), gettext("Bills"), gettext("Discount"),
        gettext("Paid"), gettext("Refunds"), gettext("Refunded"), gettext("Settled"), gettext("Other movements"),
        gettext("Closing balance"),
    ]  # fmt: skip
    return sheets.download("statements.csv", heading, _cells(seat.store.id))


def _cells(store_id: int) -> Iterator[list[str]]:
    before: str | None = None
    while rows := portal().db.read(takings.days, store_id, before=before, count=200):
        yield from (_day_cells(row) for row in rows)
        before = rows[-1].day


def _day_cells(row: Day) -> list[str]:
    def twip(units: int) -> str:
        return plain_text(units, "TWIP")

    return [
        row.day, twip(row.opening_units), str(row.payments), twip(row.bill_units), twip(row.discount_units),
        twip(row.paid_units), str(row.refunds), twip(row.refunded_units), twip(row.settled_units), twip(row.other_units),
        twip(row.closing_units),
    ]  # fmt: skip


@blueprint.get("/<store>/statements/<day>")
@member_required()
def statement(seat: Seat, day: str) -> ResponseReturnValue:
    """One day, to print."""
    if not _is_day(day):
        raise Refusal("not_found")
    today = portal().db.read(takings.today, seat.store.id).day
    if day > today:
        raise Refusal("not_found")
    found = portal().db.read(takings.of_day, seat.store.id, day)
    return rendering.page("merchant/statement.html", found=found, closed=day < today)


def _is_day(text: str) -> bool:
    try:
        takings.parse_day(text)
    except Refusal:
        return False
    return True
