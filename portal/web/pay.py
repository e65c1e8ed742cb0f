"""Paying in a store by the QR at its counter: the store's own code, or the code of one payment request.

Anybody sees what is asked; paying needs a sign-in. Tapped again, the payment that waits (or was made) is shown, so that
nothing is ever paid twice.
"""

from typing import Any

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal import ledger
from portal.clock import to_ms
from portal.db import now
from portal.errors import Refusal
from portal.http import portal
from portal.models.stores import PaymentRequest, Store
from portal.services import brands, payments, refunds, stores, voucher_desk
from portal.services.payments import Payment
from portal.web import blueprint, paging, problems, rendering, repeats
from portal.web.access import customer_id, login_required, signed_in

_ROWS = 20


@blueprint.get("/pay/<code>")
def pay(code: str) -> ResponseReturnValue:
    """What the counter asks, or the field for the bill."""
    return _pay_page(code, {"amount": request.args.get("amount", "")[:40]}, {})


def _pay_page(code: str, values: dict[str, str], errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    found = signed_in()
    facts = portal().db.read(_pay_facts, code, found.customer_id if found else None, values["amount"])
    if facts["mine"] is not None:
        return redirect(f"/pay/{code}/{facts['mine'].order.public_id}", 303)
    return rendering.page(
        "pay/pay.html", "form", status, code=code, values=values, errors=errors, key=rendering.form_key(), **facts
    )


def _pay_facts(session: Session, code: str, customer: int | None, amount: str) -> dict[str, Any]:
    """Everything on the page; `mine` is the payment that this customer has begun or made of the request."""
    store, asked = _behind(session, code)
    standing = voucher_desk.standing(session, customer) if customer is not None else None
    available = ledger.balance(session, ledger.customer_available(customer, "TWIP")) if customer is not None else None
    facts = {
        "store": store,
        "brand": brands.of_company(session, store.company_id),
        "asked": asked,
        "open": asked is None or payments.is_open(session, asked),
        "for_another": asked is not None and asked.customer_id is not None and asked.customer_id != customer,
        "mine": payments.newest_of_request(session, customer, asked)
        if asked is not None and customer is not None
        else None,
        "standing": standing,
        "available_units": available,
        "until_ms": to_ms(asked.expires_at) if asked else None,
        "now_ms": to_ms(now(session)),
        "life_seconds": int((asked.expires_at - asked.created_at).total_seconds()) if asked else None,
    }
    return {**facts, **_bill(store, asked, amount)}


def _behind(session: Session, code: str) -> tuple[Store, PaymentRequest | None]:
    """The store and, unless the code is the store's own, the request. Raises Refusal `not_found`."""
    asked = payments.request_by_code(session, code)
    if asked is not None:
        return session.get_one(Store, asked.store_id), asked
    store = stores.by_code(session, code)
    if store is None:
        raise Refusal("not_found")
    return store, None


def _bill(store: Store, asked: PaymentRequest | None, amount: str) -> dict[str, Any]:
    """The bill after the discount, by the function that the payment itself uses; none while nothing is typed."""
    if asked is not None:
        return {"bill": stores.bill_of(store, asked.amount_units), "problem": None}
    plain = amount.replace(",", "").strip()
    if not plain:
        return {"bill": None, "problem": None}
    try:
        return {"bill": stores.bill_of(store, payments.units_of(plain)), "problem": None}
    except Refusal as refusal:
        return {"bill": None, "problem": gettext(refusal.message)}


@blueprint.post("/pay/<code>/preview")
def pay_preview(code: str) -> ResponseReturnValue:
    """What the bill comes to; the block below the amount."""
    found = signed_in()
    facts = portal().db.read(_pay_facts, code, found.customer_id if found else None, problems.typed("amount")["amount"])
    return rendering.page("pay/pay.html", "summary", code=code, values={}, errors={}, key="", **facts)


@blueprint.post("/pay/<code>")
@login_required
def pay_ask(code: str) -> ResponseReturnValue:
    """Begins the payment; the code goes out by SMS and the next page takes it."""
    values = problems.typed("amount")
    try:
        made = repeats.once("pay", _checkout, customer_id(), code, values["amount"].replace(",", "").strip())
    except Refusal as refusal:
        if refusal.name == "not_found":
            raise
        return _pay_page(code, values, problems.of(refusal), 422)
    return redirect(f"/pay/{code}/{made['id']}", 303)


def _checkout(session: Session, customer: int, code: str, amount: str) -> dict[str, Any]:
    store, asked = _behind(session, code)
    if asked is not None:
        made = payments.checkout_request(session, customer, code)
    else:
        made = payments.checkout(session, customer, store.public_id, amount)
    return {"id": made.order.public_id}


@blueprint.get("/pay/<code>/<public_id>")
@login_required
def pay_confirm_page(code: str, public_id: str) -> ResponseReturnValue:
    """Asks for the code; once paid, the receipt."""
    return _payment_page(code, public_id, {})


@blueprint.post("/pay/<code>/<public_id>")
@login_required
def pay_confirm(code: str, public_id: str) -> ResponseReturnValue:
    """Takes the SMS code and pays; sent twice, it leads to the receipt."""
    try:
        portal().db.transact(_verify, customer_id(), public_id, problems.typed("code")["code"].strip())
    except Refusal as refusal:
        if refusal.name == "not_found":
            raise
        return _payment_page(code, public_id, problems.of(refusal), 422)
    return redirect(f"/pay/{code}/{public_id}", 303)


def _verify(session: Session, customer: int, public_id: str, otp: str) -> None:
    found = payments.find(session, customer, public_id)
    if found.order.status != "paid":
        payments.verify(session, customer, found.store.public_id, public_id, otp)


@blueprint.post("/pay/<code>/<public_id>/resend")
@login_required
def pay_resend(code: str, public_id: str) -> ResponseReturnValue:
    """Sends another code."""
    try:
        portal().db.transact(_resend, customer_id(), public_id)
    except Refusal as refusal:
        if refusal.name == "not_found":
            raise
        flash(gettext(refusal.message), "error")
    else:
        flash(gettext("A new code is on its way."), "success")
    return redirect(f"/pay/{code}/{public_id}", 303)


def _resend(session: Session, customer: int, public_id: str) -> None:
    found = payments.find(session, customer, public_id)
    payments.resend(session, customer, found.store.public_id, public_id)


def _payment_page(code: str, public_id: str, errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    facts = portal().db.read(_payment_facts, customer_id(), public_id)
    return rendering.page("pay/confirm.html", "state", status, code=code, errors=errors, **facts)


def _payment_facts(session: Session, customer: int, public_id: str) -> dict[str, Any]:
    found = payments.find(session, customer, public_id)
    asked = session.get(PaymentRequest, found.order.payment_request_id) if found.order.payment_request_id else None
    return {
        "paid": found,
        "withdrawn": asked is not None and not payments.is_open(session, asked),
        "order": found.order,
        "store": found.store,
        "brand": brands.of_company(session, found.store.company_id),
        "given_back": refunds.of_order(session, found.order.id),
        "until_ms": to_ms(found.order.expires_at),
        "now_ms": to_ms(now(session)),
        "available_units": ledger.balance(session, ledger.customer_available(customer, "TWIP")),
    }


@blueprint.get("/payments")
@login_required
def payment_list() -> ResponseReturnValue:
    """The customer's payments."""
    found = portal().db.read(paging.read, payments.page, customer_id(), _number, count=_ROWS)
    return rendering.page("pay/payments.html", "rows", page=found)


def _number(found: Payment) -> int:
    return found.order.id


@blueprint.get("/payments/<public_id>")
@login_required
def payment_receipt(public_id: str) -> ResponseReturnValue:
    """One payment with its receipt and what came back since."""
    return rendering.page("pay/receipt.html", **portal().db.read(_payment_facts, customer_id(), public_id))
