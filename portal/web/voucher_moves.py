"""Vouchers out and in: redeemed to the bank, sent to a TRON address, received from the chain.

The code and the live status of what leaves are the withdrawals' own page.
"""

from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.errors import Refusal
from portal.http import portal
from portal.services import (
    addresses,
    networks,
    swaps,
    voucher_customers,
    voucher_deposits,
    voucher_desk,
    voucher_profiles,
    voucher_withdrawals,
)
from portal.services.withdrawal_rules import REDEMPTION, VOUCHER
from portal.web import blueprint, paging, problems, rendering, repeats
from portal.web.access import customer_id, login_required

_FIELDS = {"address": "recipient_address", "bankId": "amount", "paymentWay": "recipient_address"}
_ROWS = 10


def _facts(session: Session, customer: int, kind: str) -> dict[str, Any]:
    return {
        "standing": voucher_desk.standing(session, customer),
        "rule": voucher_desk.rule_of(session, customer, kind),
        "holding": voucher_desk.holding(voucher_profiles.holdings(session, customer), "TWIP"),
    }


def _form(
    template: str, kind: str, values: dict[str, str], errors: dict[str, str], status: int = 200
) -> ResponseReturnValue:
    facts = portal().db.read(_facts, customer_id(), kind)
    return rendering.page(template, "form", status, values=values, errors=errors, key=rendering.form_key(), **facts)


def _plain(amount: str) -> str:
    return amount.replace(",", "").strip()


@blueprint.get("/vouchers/redeem")
@login_required
def voucher_redeem() -> ResponseReturnValue:
    """The form to redeem vouchers for dollars."""
    return _form("vouchers/redeem.html", REDEMPTION, {"amount": request.args.get("amount", "")[:40]}, {})


@blueprint.post("/vouchers/redeem")
@login_required
def voucher_redeem_ask() -> ResponseReturnValue:
    """Asks for it; the code goes out by SMS."""
    values = problems.typed("amount")
    password = problems.typed("fund_password")["fund_password"]
    try:
        voucher_customers.prove_fund_password(portal().db, customer_id(), password)
        made = repeats.once("voucher-redeem", _redeem, customer_id(), values["amount"])
    except Refusal as refusal:
        return _form("vouchers/redeem.html", REDEMPTION, values, problems.of(refusal, **_FIELDS), 422)
    return redirect(f"/wallet/withdraw/{made['id']}", 303)


def _redeem(session: Session, customer: int, amount: str) -> dict[str, Any]:
    return {"id": voucher_withdrawals.redeem(session, customer, "TWIP", _plain(amount)).withdrawal.public_id}


@blueprint.get("/vouchers/withdraw")
@login_required
def voucher_withdraw() -> ResponseReturnValue:
    """The form to send vouchers to a TRON address."""
    return _form("vouchers/withdraw.html", VOUCHER, {}, {})


@blueprint.post("/vouchers/withdraw")
@login_required
def voucher_withdraw_ask() -> ResponseReturnValue:
    """Asks for it; the code goes out by SMS."""
    values = problems.typed("recipient_address", "amount")
    password = problems.typed("fund_password")["fund_password"]
    try:
        voucher_customers.prove_fund_password(portal().db, customer_id(), password)
        made = repeats.once("voucher-withdraw", _withdraw, customer_id(), values)
    except Refusal as refusal:
        return _form("vouchers/withdraw.html", VOUCHER, values, problems.of(refusal, **_FIELDS), 422)
    return redirect(f"/wallet/withdraw/{made['id']}", 303)


def _withdraw(session: Session, customer: int, values: dict[str, str]) -> dict[str, Any]:
    address = values["recipient_address"].strip()
    made = voucher_withdrawals.withdraw(session, customer, address, "TWIP", _plain(values["amount"]))
    return {"id": made.withdrawal.public_id}


@blueprint.get("/vouchers/deposit")
@login_required
def voucher_deposit() -> ResponseReturnValue:
    """The TRON address, and what arrived on it."""
    # The address is made when its owner first looks for it; looking again finds the same one.
    facts = portal().db.transact(_deposit_facts, customer_id())
    return rendering.page("vouchers/deposit.html", "arrivals", **facts)


@blueprint.get("/vouchers/deposit/arrivals")
@login_required
def voucher_deposit_arrivals() -> ResponseReturnValue:
    """The live block of arrivals."""
    facts = portal().db.read(_arrivals, customer_id())
    return rendering.polled(rendering.render_block("vouchers/deposit.html", "arrivals", **facts))


def _deposit_facts(session: Session, customer: int) -> dict[str, Any]:
    try:
        address, problem = (
            addresses.to_deposit(session, "customer", customer, networks.TRON, swaps.ASSETS).address,
            None,
        )
    except Refusal as refusal:
        address, problem = None, gettext(refusal.message)
    return {"address": address, "problem": problem, **_arrivals(session, customer)}


def _arrivals(session: Session, customer: int) -> dict[str, Any]:
    found = paging.read(session, voucher_deposits.page, customer, lambda row: row.id, count=_ROWS)
    return {"page": found}
