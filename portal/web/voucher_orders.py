"""Buying vouchers and swapping them: form, code, how to pay, receipt."""

from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal import states
from portal.clock import to_ms
from portal.db import now
from portal.errors import Refusal
from portal.http import portal
from portal.machines.buying import BUYING
from portal.money import plain_text
from portal.services import (
    brands,
    payment_codes,
    swaps,
    voucher_customers,
    voucher_desk,
    voucher_orders,
    voucher_profiles,
)
from portal.services.voucher_orders import Wanted
from portal.web import blueprint, paging, problems, rendering, repeats
from portal.web.access import customer_id, login_required

_ROWS = 20


@blueprint.get("/vouchers/buy")
@login_required
def voucher_buy() -> ResponseReturnValue:
    """The order form."""
    return _buy_page({"quantity": request.args.get("quantity", "")[:40]}, {})


def _buy_page(values: dict[str, str], errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    facts = portal().db.read(_buy_facts, customer_id(), values.get("quantity", ""))
    return rendering.page(
        "vouchers/buy.html", "form", status, values=values, errors=errors, key=rendering.form_key(), **facts
    )


def _buy_facts(session: Session, customer: int, quantity: str) -> dict[str, Any]:
    return {
        "standing": voucher_desk.standing(session, customer),
        "shop": voucher_desk.shop(session, customer),
        **_priced(session, quantity),
    }


def _priced(session: Session, quantity: str) -> dict[str, Any]:
    if not quantity.strip():
        return {"total_units": None, "problem": None}
    try:
        return {"total_units": voucher_orders.price_of(session, _plain(quantity))[2], "problem": None}
    except Refusal as refusal:
        return {"total_units": None, "problem": gettext(refusal.message)}


@blueprint.post("/vouchers/buy/preview")
@login_required
def voucher_buy_preview() -> ResponseReturnValue:
    """What an order comes to, by the service that makes it."""
    facts = portal().db.read(_priced, problems.typed("quantity")["quantity"])
    return rendering.page("vouchers/buy.html", "summary", **facts)


@blueprint.post("/vouchers/buy")
@login_required
def voucher_buy_ask() -> ResponseReturnValue:
    """Makes the order; the code goes out by SMS and the next page takes it."""
    values = problems.typed("quantity", "payment_type", "payout_account", "remittance_name")
    password = problems.typed("fund_password")["fund_password"]
    wanted = Wanted(
        quantity=_plain(values["quantity"]),
        payment_type=values["payment_type"],
        payout_account=values["payout_account"],
        remittance_name=values["remittance_name"],
    )
    try:
        voucher_customers.prove_fund_password(portal().db, customer_id(), password)
        made = repeats.once("voucher-buy", _order, customer_id(), wanted)
    except Refusal as refusal:
        return _buy_page(values, problems.of(refusal), 422)
    return redirect(f"/vouchers/orders/{made['id']}", 303)


def _order(session: Session, customer: int, wanted: Wanted) -> dict[str, Any]:
    return {"id": voucher_orders.create(session, customer, wanted).order.public_id}


def _plain(amount: str) -> str:
    """An amount as people type it, without the commas between thousands."""
    return amount.replace(",", "").strip()


@blueprint.get("/vouchers/orders")
@login_required
def voucher_order_list() -> ResponseReturnValue:
    """The customer's orders."""
    found = portal().db.read(paging.read, voucher_orders.page, customer_id(), lambda row: row.order.id, count=_ROWS)
    return rendering.page("vouchers/orders.html", "rows", page=found)


@blueprint.get("/vouchers/orders/<public_id>")
@login_required
def voucher_order(public_id: str) -> ResponseReturnValue:
    """One order: its code, then how to pay, then the receipt."""
    return _order_page(public_id, {})


@blueprint.get("/vouchers/orders/<public_id>/live")
@login_required
def voucher_order_live(public_id: str) -> ResponseReturnValue:
    """The live block."""
    facts = portal().db.read(_order_facts, customer_id(), public_id)
    return rendering.polled(rendering.render_block("vouchers/order.html", "state", **facts))


@blueprint.post("/vouchers/orders/<public_id>/confirm")
@login_required
def voucher_order_confirm(public_id: str) -> ResponseReturnValue:
    """Takes the SMS code."""
    code = problems.typed("code")["code"].strip()
    try:
        portal().db.transact(voucher_orders.verify, customer_id(), public_id, code)
    except Refusal as refusal:
        if refusal.name == "not_found":
            raise
        return _order_page(public_id, problems.of(refusal), 422)
    return redirect(f"/vouchers/orders/{public_id}", 303)


def _order_page(public_id: str, errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    facts = portal().db.read(_whole_order, customer_id(), public_id)
    return rendering.page("vouchers/order.html", "state", status, **{**facts, "errors": errors})


def _whole_order(session: Session, customer: int, public_id: str) -> dict[str, Any]:
    """The order in a frame of the company that sells: not always the one through which the customer came."""
    facts = _order_facts(session, customer, public_id)
    return {**facts, "brand": brands.of_company(session, facts["order"].company_id)}


def _order_facts(session: Session, customer: int, public_id: str) -> dict[str, Any]:
    found = voucher_orders.payable(session, voucher_orders.find(session, customer, public_id))
    seconds = max(0, int((found.order.expires_at - now(session)).total_seconds()))
    return {
        "found": found,
        "order": found.order,
        "errors": {},
        "seconds_left": seconds,
        "until_ms": to_ms(found.order.expires_at),
        "now_ms": to_ms(now(session)),
        "transfer_code": payment_codes.transfer(found) if found.order.status == "unpaid" else None,
        "total_plain": plain_text(found.order.total_units, "TWD"),
        "moves": states.history(session, BUYING, found.order.id),
        "final": BUYING.is_final(found.order.status),
    }


@blueprint.get("/vouchers/swap")
@login_required
def voucher_swap() -> ResponseReturnValue:
    """The swap form."""
    from_asset = request.args.get("from", "TWIP")
    return _swap_page({"from_asset": from_asset if from_asset in swaps.ASSETS else "TWIP"}, {})


def _swap_page(values: dict[str, str], errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    facts = portal().db.read(_swap_facts, customer_id(), values)
    return rendering.page(
        "vouchers/swap.html", "form", status, values=values, errors=errors, key=rendering.form_key(), **facts
    )


def _swap_facts(session: Session, customer: int, values: dict[str, str]) -> dict[str, Any]:
    from_asset = values["from_asset"] if values.get("from_asset") in swaps.ASSETS else "TWIP"
    to_asset = next(asset for asset in swaps.ASSETS if asset != from_asset)
    found = voucher_profiles.holdings(session, customer)
    return {
        "standing": voucher_desk.standing(session, customer),
        "from_asset": from_asset,
        "to_asset": to_asset,
        "rate": swaps.rate_of(session, from_asset, to_asset),
        "holding": voucher_desk.holding(found, from_asset),
    }


@blueprint.post("/vouchers/swap")
@login_required
def voucher_swap_ask() -> ResponseReturnValue:
    """Asks for the swap; the code goes out by SMS."""
    values = problems.typed("from_asset", "to_asset", "quantity")
    password = problems.typed("fund_password")["fund_password"]
    try:
        voucher_customers.prove_fund_password(portal().db, customer_id(), password)
        made = repeats.once("voucher-swap", _swap, customer_id(), values)
    except Refusal as refusal:
        return _swap_page(values, problems.of(refusal), 422)
    return redirect(f"/vouchers/swaps/{made['id']}", 303)


def _swap(session: Session, customer: int, values: dict[str, str]) -> dict[str, Any]:
    made = swaps.create(session, customer, values["from_asset"], values["to_asset"], _plain(values["quantity"]))
    return {"id": made.public_id}


@blueprint.get("/vouchers/swaps/<public_id>")
@login_required
def voucher_swap_order(public_id: str) -> ResponseReturnValue:
    """One swap: its code, then the receipt."""
    found = portal().db.read(swaps.find, customer_id(), public_id)
    return rendering.page("vouchers/swap_order.html", "state", order=found, errors={})


@blueprint.post("/vouchers/swaps/<public_id>/confirm")
@login_required
def voucher_swap_confirm(public_id: str) -> ResponseReturnValue:
    """Takes the SMS code."""
    code = problems.typed("code")["code"].strip()
    try:
        portal().db.transact(swaps.verify, customer_id(), public_id, code)
    except Refusal as refusal:
        if refusal.name == "not_found":
            raise
        found = portal().db.read(swaps.find, customer_id(), public_id)
        return rendering.page("vouchers/swap_order.html", "state", 422, order=found, errors=problems.of(refusal))
    return redirect(f"/vouchers/swaps/{public_id}", 303)
