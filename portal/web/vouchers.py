"""Vouchers: what one has, the bank account they are redeemed to, and the ways on."""

from typing import Any

from flask import flash, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.local import LocalProxy

from portal.errors import Refusal
from portal.http import portal
from portal.services import banks, brands, voucher_bank_accounts, voucher_customers, voucher_desk
from portal.services.brands import Brand
from portal.web import blueprint, problems, rendering, repeats
from portal.web.access import customer_id, login_required, signed_in

#: Below these a customer sees the look of the company through which they came, unless the page names another one.
BRANDED = ("/vouchers", "/payments")


@blueprint.context_processor
def frame() -> dict[str, Any]:
    """The brand of the pages of vouchers."""
    ours = any(request.path == path or request.path.startswith(f"{path}/") for path in BRANDED)
    if not ours or signed_in() is None:
        return {}
    return {"brand": LocalProxy(_brand)}  # read when a frame shows it: what polls a part of a page has none


def _brand() -> Brand:
    if "voucher_brand" not in g:
        g.voucher_brand = portal().db.read(brands.of_customer, customer_id())
    found: Brand = g.voucher_brand
    return found


@blueprint.get("/vouchers")
@login_required
def vouchers() -> ResponseReturnValue:
    """The vouchers' front page."""
    front = portal().db.read(voucher_desk.front, customer_id())
    return rendering.page("vouchers/home.html", front=front)


@blueprint.get("/vouchers/bank-account")
@login_required
def voucher_bank_account() -> ResponseReturnValue:
    """The account that vouchers are redeemed to: set, proven, changed."""
    return _bank_page({}, {})


def _bank_page(values: dict[str, str], errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    facts = portal().db.read(_bank_facts, customer_id())
    return rendering.page(
        "vouchers/bank_account.html", "form", status, values=values, errors=errors, key=rendering.form_key(), **facts
    )


def _bank_facts(session: Session, customer: int) -> dict[str, Any]:
    pending = voucher_customers.bank_account_of(session, customer, "pending")
    return {
        "standing": voucher_desk.standing(session, customer),
        "pending": pending,
        "banks": [(bank.code, f"{bank.code} {bank.name}") for bank in banks.every_bank(session)],
    }


@blueprint.post("/vouchers/bank-account")
@login_required
def voucher_bank_account_set() -> ResponseReturnValue:
    """Takes note of an account and sends the code."""
    values = problems.typed("name", "bank_code", "branch_code", "card_no")
    password = problems.typed("fund_password")["fund_password"]
    try:
        voucher_customers.prove_fund_password(portal().db, customer_id(), password)
        repeats.once("bank-account", _set, customer_id(), values)
    except Refusal as refusal:
        return _bank_page(values, problems.of(refusal), 422)
    return redirect("/vouchers/bank-account", 303)


def _set(session: Session, customer: int, values: dict[str, str]) -> dict[str, Any]:
    made = voucher_bank_accounts.set_account(
        session, customer, values["name"], values["bank_code"].strip(), values["branch_code"].strip(),
        values["card_no"].strip(), change=True,
    )  # fmt: skip
    return {"tail": made.account_tail}


@blueprint.post("/vouchers/bank-account/verify")
@login_required
def voucher_bank_account_verify() -> ResponseReturnValue:
    """Proves the account by the code."""
    try:
        portal().db.transact(voucher_bank_accounts.verify, customer_id(), problems.typed("code")["code"].strip())
    except Refusal as refusal:
        return _bank_page({}, problems.of(refusal), 422)
    flash(gettext("Your bank account is verified."), "success")
    return redirect("/vouchers", 303)
