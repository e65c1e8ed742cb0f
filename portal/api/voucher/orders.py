"""Buying and swapping vouchers. Contract: create_buy_order … get_buy_order, and the portal's own orders/swap."""

from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from portal.api.family import Call
from portal.api.parsing import Model
from portal.api.voucher import paging, present
from portal.api.voucher.family import Page, PageQuery, route
from portal.errors import Refusal
from portal.http import portal
from portal.models.vouchers import BuyOrder, SwapOrder
from portal.services import swaps, voucher_customers, voucher_orders
from portal.services.voucher_orders import Payable, Wanted

#: A number: JSON writes it as one, a form as text.
Amount = int | Decimal | str


class Buy(Model):
    fund_password: str
    quantity: Amount
    payment_type: str
    payout_account: str
    remittance_name: str | None = None


class Swap(Model):
    fund_password: str
    from_asset: str
    to_asset: str
    quantity: Amount


class Otp(Model):
    otp: str


@route(
    "POST", "/orders/buy", "create_buy_order", "order", body=Buy, summary="Orders vouchers for New Taiwan dollars",
    errors=(
        "order_invalid_fund_password", "order_insufficient_voucher_of_system", "user_unauthorized_bank_account",
        "order_failed",
    ),
)  # fmt: skip
def create_buy_order(call: Call[Any]) -> Any:
    body, customer_id = call.body, call.caller.customer_id
    voucher_customers.prove_fund_password(portal().db, customer_id, body.fund_password)
    wanted = Wanted(
        quantity=body.quantity,
        payment_type=body.payment_type,
        payout_account=body.payout_account,
        remittance_name=body.remittance_name,
    )
    return call.change(present.created_order, voucher_orders.create, customer_id, wanted)


@route(
    "POST", "/orders/swap", "create_swap_order", "order", body=Swap, summary="Swaps one voucher for another",
    errors=(
        "order_invalid_fund_password", "order_insufficient_voucher_of_user", "order_insufficient_voucher_of_system",
        "order_failed",
    ),
)  # fmt: skip
def create_swap_order(call: Call[Any]) -> Any:
    body, customer_id = call.body, call.caller.customer_id
    voucher_customers.prove_fund_password(portal().db, customer_id, body.fund_password)
    return call.change(present.created_swap, swaps.create, customer_id, body.from_asset, body.to_asset, body.quantity)


@route(
    "POST", "/orders/<order>/verify", "verify_buy_order", "order", body=Otp, summary="Confirms an order or swap by its code",
    errors=("order_invalid_otp", "order_otp_session_expired", "resource_missing", "order_failed"),
)  # fmt: skip
def verify_order(call: Call[Any], order: str) -> Any:
    return call.change(_verified, _verify, call.caller.customer_id, order, call.body.otp)


def _verify(session: Session, customer_id: int, order: str, otp: str) -> Payable | SwapOrder:
    try:
        voucher_orders.find(session, customer_id, order)
    except Refusal:
        return swaps.verify(session, customer_id, order, otp)
    return voucher_orders.verify(session, customer_id, order, otp)


def _verified(found: Payable | SwapOrder) -> dict[str, Any]:
    return present.swap(found) if isinstance(found, SwapOrder) else present.verified_order(found)


@route("GET", "/orders", "list_buy_orders", "order", query=PageQuery, summary="The customer's orders, newest first")
def list_buy_orders(call: Call[Any]) -> Page:
    query = voucher_orders.of_customer(call.caller.customer_id)
    return call.look(paging.read, query, BuyOrder.id, call.query.number, _orders)


def _orders(session: Session, rows: list[BuyOrder]) -> list[Any]:
    return [present.order(found) for found in voucher_orders.payables(session, rows)]


@route("GET", "/orders/<order>", "get_buy_order", "order", summary="One order or swap", errors=("resource_missing",))
def get_buy_order(call: Call[Any], order: str) -> dict[str, Any]:
    return call.look(_order, call.caller.customer_id, order)


def _order(session: Session, customer_id: int, order: str) -> dict[str, Any]:
    try:
        found = voucher_orders.find(session, customer_id, order)
    except Refusal:
        return present.swap(swaps.find(session, customer_id, order))
    return present.order(voucher_orders.payable(session, found))
