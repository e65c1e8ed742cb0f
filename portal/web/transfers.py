"""Send to another customer: form, mail, confirm."""

from typing import Any

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal import ledger, states
from portal.db import now
from portal.errors import Refusal
from portal.http import portal
from portal.machines.transfers import TRANSFER
from portal.models.customers import Customer
from portal.models.wallet import Transfer
from portal.services import parameters, second_factor, transfers
from portal.web import blueprint, problems, rendering, repeats
from portal.web.access import customer_id, login_required
from portal.web.withdrawals import amount_of

_FIELDS = {"receiverEmail": "receiver_email", "totpCode": "totp"}
_MOST_NOTE = 100


@blueprint.get("/send")
@login_required
def send() -> ResponseReturnValue:
    """The form; what went wrong with a mail's link is said on top."""
    asset = request.args.get("asset", "TWD")
    values = {"asset": asset if asset in transfers.ASSETS else "TWD"}
    values |= {name: request.args.get(name, "")[:200] for name in ("receiver", "receiver_email", "amount")}
    return _form(values, {}, alert=request.args.get("alerttype", ""))


def _form(values: dict[str, str], errors: dict[str, str], status: int = 200, alert: str = "") -> ResponseReturnValue:
    facts = portal().db.read(_desk, customer_id(), values["asset"])
    return rendering.page(
        "transfers/send.html", "form", status, values=values, errors=errors, alert=alert, assets=transfers.ASSETS,
        key=rendering.form_key(), **facts,
    )  # fmt: skip


def _desk(session: Session, customer: int, asset: str) -> dict[str, Any]:
    person = session.get_one(Customer, customer)
    until = person.withdrawals_held_until
    held = ledger.balances(session, "customer", customer)
    return {
        "person": person,
        "level_needed": parameters.get(session, "transfer")["level"],
        "held_until": until if until is not None and until > now(session) else None,
        "has_totp": second_factor.is_bound(session, "customer", customer),
        "balances": {each: held.get((each, "available"), 0) for each in transfers.ASSETS},
        "remaining": transfers.remaining(session, customer, asset),
        "under_way": transfers.under_way(session, customer),
        "receivers": transfers.recent_receivers(session, customer),
    }


@blueprint.post("/send")
@login_required
def send_ask() -> ResponseReturnValue:
    """Asks for a transfer and mails the link."""
    values = problems.typed("receiver", "receiver_email", "asset", "amount", "note", "totp")
    values["asset"] = values["asset"] if values["asset"] in transfers.ASSETS else "TWD"
    try:
        for name in ("receiver", "receiver_email"):
            if not values[name].strip():
                raise Refusal("input_missing", field=name)
        units = amount_of(values["amount"], values["asset"])
        made = repeats.once("send", _ask, customer_id(), values, units)
    except Refusal as refusal:
        return _form(values, problems.of(refusal, **_FIELDS), 422)
    return redirect(f"/send/{made['id']}", 303)


def _ask(session: Session, customer: int, values: dict[str, str], units: int) -> dict[str, Any]:
    second_factor.check_totp(session, "customer", customer, values["totp"].strip())
    note = " ".join(values["note"].split())[:_MOST_NOTE] or None
    made = transfers.request(
        session, customer, values["receiver"].strip(), values["receiver_email"].strip(), values["asset"], units, note
    )
    return {"id": made.public_id}


@blueprint.get("/send/confirm")
@login_required
def send_confirm_page() -> ResponseReturnValue:
    """Where the mail's link leads (contract: type=confirm); the transfer's own page asks for the confirm."""
    try:
        found = portal().db.read(transfers.find, customer_id(), request.args.get("balance_audit_id", "")[:40])
    except Refusal:
        return redirect("/send?alerttype=link", 303)
    return redirect(f"/send/{found.public_id}", 303)


@blueprint.get("/send/<public_id>")
@login_required
def transfer(public_id: str) -> ResponseReturnValue:
    """How a transfer stands: waiting for the mail, ready to confirm, or done."""
    return rendering.page("transfers/transfer.html", "transfer", **portal().db.read(_facts, customer_id(), public_id))


@blueprint.get("/send/<public_id>/status")
@login_required
def transfer_status(public_id: str) -> ResponseReturnValue:
    """The live block."""
    facts = portal().db.read(_facts, customer_id(), public_id)
    return rendering.polled(rendering.render_block("transfers/transfer.html", "transfer", **facts))


@blueprint.post("/send/<public_id>/<any(confirm, cancel, resend):act>")
@login_required
def transfer_act(public_id: str, act: str) -> ResponseReturnValue:
    """Moves the money, calls the transfer off, or mails the link again."""
    try:
        portal().db.transact(_act, customer_id(), public_id, act)
    except Refusal as refusal:
        if refusal.name == "not_found":
            raise
        flash(gettext(refusal.message), "error")
    else:
        if act == "resend":
            flash(gettext("A new mail is on its way; the older link no longer works."), "success")
    return redirect(f"/send/{public_id}", 303)


def _act(session: Session, customer: int, public_id: str, act: str) -> None:
    found = _find(session, customer, public_id)
    if act == "confirm":
        transfers.confirm(session, found, f"customer:{customer}")
    elif act == "cancel":
        transfers.cancel(session, found, f"customer:{customer}")
    else:
        transfers.resend(session, found)


def _find(session: Session, customer: int, public_id: str) -> Transfer:
    try:
        return transfers.find(session, customer, public_id)
    except Refusal as refusal:
        raise Refusal("not_found") from refusal


def _facts(session: Session, customer: int, public_id: str) -> dict[str, Any]:
    found = _find(session, customer, public_id)
    sender, receiver = transfers.people(session, found)
    return {
        "transfer": found,
        "receiver": receiver,
        "email": sender.email,
        "moves": [{"status": move.to_state, "at": move.at} for move in states.history(session, TRANSFER, found.id)],
        "open": not TRANSFER.is_final(found.status),
    }
