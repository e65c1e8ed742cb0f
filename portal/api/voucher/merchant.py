"""The till API: the store, what its counter asks for, and what was paid."""

from typing import Annotated, Any, Literal

from pydantic import Field

from portal.api.family import Call
from portal.api.parsing import Model
from portal.api.voucher import merchant_present as present
from portal.api.voucher.merchant_family import Listed, ListQuery, route
from portal.api.voucher.orders import Amount
from portal.services import payment_requests, refunds, settlements, store_members, store_payments, takings
from portal.services.payment_requests import Asked
from portal.services.store_keys import Till
from portal.services.store_payments import Filters

_REQUEST_EXAMPLE = {
    "id": "0193b0a2-6c1e-7a44-9a0f-2f6f1f0c7d11", "status": "open", "amount": "120", "payable": "108", "note": "2 latte",
    "reference": "T-1017", "for_card": False, "code": "8F3K2ATWQ9ZB", "pay_url": "https://portal.example/pay/8F3K2ATWQ9ZB",
    "payment": None, "created_at": "2026-11-21T04:00:00.000000Z", "expires_at": "2026-11-21T04:05:00.000000Z",
    "paid_at": None,
}  # fmt: skip
_PAYMENT_EXAMPLE = {
    "id": "0193b0a3-1d2c-7b10-8d55-0c9e4b7a2f60", "status": "paid", "bill": "120", "discount": "12", "amount": "108",
    "refunded": "0", "payer": "***678", "payment_request": "0193b0a2-6c1e-7a44-9a0f-2f6f1f0c7d11", "reference": "T-1017",
    "paid_at": "2026-11-21T04:01:12.000000Z",
}  # fmt: skip
DAY_EXAMPLE = {
    "day": "2026-11-21", "opening": "0", "payments": 1, "bill": "120", "discount": "12", "paid": "108", "refunds": 0,
    "refunded": "0", "settlements": 0, "settled": "0", "other": "0", "closing": "108",
}  # fmt: skip
_STORE_EXAMPLE = {
    "id": "0193b09f-77aa-7c01-b1d2-93f0a1b2c3d4", "name": "山嵐咖啡", "open": True, "discount_type": "percent",
    "discount_value": 10, "pay_url": "https://portal.example/pay/7HQ2M9KXWZ",
    "members": [{"id": "0193b09f-8a10-7d22-a4f5-5d6e7f809112", "name": "amy", "role": "owner"}],
    "balance": {"available": "108", "frozen": "0", "payable": "108"}, "today": DAY_EXAMPLE,
}  # fmt: skip


class NewRequest(Model):
    amount: Annotated[Amount, Field(description="The bill in TWIP, before the store's discount")]
    note: Annotated[str, Field(description="Shown to the customer; up to 100 characters")] = ""
    reference: Annotated[str, Field(description="The till's own number of the bill; up to 64 characters")] = ""
    expires_in: Annotated[int | None, Field(description="Seconds, from 60 to 86400; usually 600")] = None
    card_no: Annotated[str, Field(description="A tapped card: only its holder can pay, and is told")] = ""


class RequestsQuery(ListQuery):
    status: Literal["open", "paid", "cancelled", "expired"] | None = None


class PaymentsQuery(ListQuery):
    first: Annotated[str | None, Field(description="The first day, YYYY-MM-DD in Taipei")] = None
    last: Annotated[str | None, Field(description="The last day, included")] = None
    status: Literal["paid", "partly_refunded", "refunded"] | None = None
    reference: Annotated[str, Field(description="The beginning of a payment's id or of the till's reference")] = ""

    def filters(self) -> Filters:
        """What to look for. Raises Refusal `input_invalid`."""
        return Filters(
            first=takings.parse_day(self.first, "first") if self.first else None,
            last=takings.parse_day(self.last, "last") if self.last else None,
            state=self.status or "",
            text=self.reference,
        )


@route(
    "GET", "/store", "merchant_store", scope="read", summary="The store of the key: people, balance, the day so far",
    example=_STORE_EXAMPLE,
)  # fmt: skip
def merchant_store(call: Call[Till]) -> dict[str, Any]:
    store = call.caller.store
    people = call.look(store_members.members, store.id)
    named = [(member, customer.username_shown or f"***{(customer.phone or '')[-3:]}") for member, customer in people]
    return present.store(store, named, call.look(settlements.position, store.id), call.look(takings.today, store.id))


@route(
    "POST", "/payment_requests", "merchant_create_payment_request", scope="charge", body=NewRequest,
    summary="Asks for an amount; show `pay_url` as a QR code",
    errors=("merchant_store_closed", "merchant_card_unknown", "parameter_invalid"),
    example=_REQUEST_EXAMPLE,
)  # fmt: skip
def merchant_create_payment_request(call: Call[Till]) -> Any:
    """`amount` is the bill, before the store's discount. With `card_no` only the card's holder can pay, and is told."""
    body, till = call.body, call.caller

    def presented(made: Any) -> dict[str, Any]:
        return present.request(Asked(made, None), till.store)

    return call.change(
        presented, payment_requests.create, till.store, body.amount, made_by=till.actor, note=body.note,
        reference=body.reference, life_seconds=body.expires_in, card_no=body.card_no,
    )  # fmt: skip


@route(
    "GET", "/payment_requests", "merchant_list_payment_requests", scope="read", query=RequestsQuery,
    summary="Payment requests, newest first", errors=("parameter_invalid", "resource_missing"),
    example={"data": [_REQUEST_EXAMPLE], "links": {"next": None}},
)  # fmt: skip
def merchant_list_payment_requests(call: Call[Till]) -> Listed:
    query, store = call.query, call.caller.store
    count = query.rows
    rows = call.look(payment_requests.page, store.id, before=query.before, status=query.status, count=count)
    return Listed([present.request(row, store) for row in rows], count)


@route(
    "GET", "/payment_requests/<request_id>", "merchant_get_payment_request", scope="read",
    summary="One payment request: ask again until its status is paid", errors=("resource_missing",), example=_REQUEST_EXAMPLE,
)  # fmt: skip
def merchant_get_payment_request(call: Call[Till], request_id: str) -> dict[str, Any]:
    store = call.caller.store
    return present.request(call.look(payment_requests.find, store.id, request_id), store)


@route(
    "POST", "/payment_requests/<request_id>/cancel", "merchant_cancel_payment_request", scope="charge",
    summary="Takes a payment request back", errors=("resource_missing", "merchant_request_not_open"),
    example={**_REQUEST_EXAMPLE, "status": "cancelled"},
)  # fmt: skip
def merchant_cancel_payment_request(call: Call[Till], request_id: str) -> Any:
    till = call.caller

    def presented(made: Any) -> dict[str, Any]:
        return present.request(Asked(made, None), till.store)

    return call.change(presented, payment_requests.cancel, till.store.id, request_id, till.actor)


@route(
    "GET", "/payments", "merchant_list_payments", scope="read", query=PaymentsQuery,
    summary="Payments, the latest first; days are Taipei's", errors=("parameter_invalid", "resource_missing"),
    example={"data": [_PAYMENT_EXAMPLE], "links": {"next": None}},
)  # fmt: skip
def merchant_list_payments(call: Call[Till]) -> Listed:
    query, count = call.query, call.query.rows
    rows = call.look(
        store_payments.page, call.caller.store.id, query.filters(), before=query.before, count=count
    )  # fmt: skip
    return Listed([present.payment(row) for row in rows], count)


@route(
    "GET", "/payments/<payment_id>", "merchant_get_payment", scope="read", summary="One payment with its refunds",
    errors=("resource_missing",), example={**_PAYMENT_EXAMPLE, "refunds": []},
)  # fmt: skip
def merchant_get_payment(call: Call[Till], payment_id: str) -> dict[str, Any]:
    found = call.look(store_payments.find, call.caller.store.id, payment_id)
    return present.payment(found, call.look(refunds.of_order, found.order.id))
