"""Stores and paying in them. Contract: list_stores … get_payment."""

from typing import Any

from sqlalchemy.orm import Session

from portal.api.family import Call
from portal.api.parsing import Model
from portal.api.voucher import paging, present
from portal.api.voucher.family import DONE, Done, Page, PageQuery, nothing, route
from portal.api.voucher.orders import Amount, Otp
from portal.models.stores import ShoppingOrder, Store
from portal.services import foreseen, payments, stores


class StoresQuery(PageQuery):
    name: str | None = None


class Checkout(Model):
    amount: Amount


@route("GET", "/stores", "list_stores", "store", auth="none", query=StoresQuery, summary="Stores that take vouchers")
def list_stores(call: Call[Any]) -> Page:
    query = stores.matching(call.query.name)
    return call.look(paging.read_short, query, Store.id, call.query.number, _stores, newest_first=False)


def _stores(session: Session, rows: list[Store]) -> list[Any]:
    return [present.store(row) for row in rows]


@route("GET", "/stores/<store>", "get_store", "store", auth="none", summary="One store", errors=("resource_missing",))
def get_store(call: Call[Any], store: str) -> dict[str, Any]:
    return present.store(call.look(stores.find, store))


@route(
    "POST", "/stores/<store>/checkout", "checkout", "store", body=Checkout, summary="Begins a payment and sends its code",
    errors=("store_insufficient_balance_of_user", "resource_missing", "account_invalid_wallet"),
)  # fmt: skip
def checkout(call: Call[Any], store: str) -> Any:
    def presented(made: payments.Payment) -> dict[str, Any]:
        return present.payment(made, status="created")

    return call.change(presented, payments.checkout, call.caller.customer_id, store, call.body.amount)


@route(
    "POST", "/stores/<store>/<order>/resend", "resend_checkout_otp", "store", summary="Sends the payment's code again",
    errors=("store_request_otp_too_often", "store_invalid_order_status", "resource_missing"),
)  # fmt: skip
def resend_checkout_otp(call: Call[Any], store: str, order: str) -> Done:
    call.change(nothing, payments.resend, call.caller.customer_id, store, order)
    return DONE


@route(
    "POST", "/stores/<store>/<order>/verify", "verify_checkout", "store", body=Otp, quick=True, summary="Proves the code and pays",
    errors=(
        "store_invalid_otp", "store_otp_expired", "store_invalid_order_status", "store_insufficient_balance_of_user",
        "resource_missing",
    ),
)  # fmt: skip
def verify_checkout(call: Call[Any], store: str, order: str) -> Any:
    asked = (call.caller.customer_id, store, order, call.body.otp)
    done = call.at_once(foreseen.pay, *asked)
    if done is not None:
        return present.paid(done)
    return call.change(present.payment, payments.verify, *asked, again=lambda kept: present.paid(foreseen.paid(kept)))


@route("GET", "/payments", "list_payments", "store", query=PageQuery, summary="The customer's payments, newest first")
def list_payments(call: Call[Any]) -> Page:
    query = payments.of_customer(call.caller.customer_id)
    return call.look(paging.read, query, ShoppingOrder.id, call.query.number, _payments)


def _payments(session: Session, rows: list[ShoppingOrder]) -> list[Any]:
    return [present.payment(found) for found in payments.with_stores(session, rows)]


@route("GET", "/payments/<order>", "get_payment", "store", summary="One payment", errors=("resource_missing",))
def get_payment(call: Call[Any], order: str) -> dict[str, Any]:
    return present.payment(call.look(payments.find, call.caller.customer_id, order))
