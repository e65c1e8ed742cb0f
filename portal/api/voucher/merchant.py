"""The till API: the store, what its counter asks for, and what was paid."""

from typing import Any

from portal.api.family import Call
from portal.api.parsing import Model
from portal.api.voucher import merchant_present as present
from portal.api.voucher.merchant_family import Listed, ListQuery, route
from portal.api.voucher.orders import Amount
from portal.errors import Refusal
from portal.services import payment_requests, refunds, settlements, store_members, store_payments, takings
from portal.services.payment_requests import Asked
from portal.services.store_keys import Till
from portal.services.store_payments import Filters

REQUEST_STATES = ("open", "paid", "cancelled", "expired")


class NewRequest(Model):
    amount: Amount
    note: str = ""
    reference: str = ""
    expires_in: int | None = None
    card_no: str = ""


class RequestsQuery(ListQuery):
    status: str | None = None


class PaymentsQuery(ListQuery):
    first: str | None = None
    last: str | None = None
    status: str | None = None
    reference: str = ""

    def filters(self) -> Filters:
        """What to look for. Raises Refusal `input_invalid`."""
        if self.status not in (None, "refunded"):
            raise Refusal("input_invalid", field="status")
        return Filters(
            first=takings.parse_day(self.first, "first") if self.first else None,
            last=takings.parse_day(self.last, "last") if self.last else None,
            state=self.status or "",
            text=self.reference,
        )


@route("GET", "/store", "merchant_store", scope="read", summary="The store of the key: people, balance, the day so far")
def merchant_store(call: Call[Till]) -> dict[str, Any]:
    store = call.caller.store
    people = call.look(store_members.members, store.id)
    named = [(member, customer.username_shown or f"***{(customer.phone or '')[-3:]}") for member, customer in people]
    return present.store(store, named, call.look(settlements.position, store.id), call.look(takings.today, store.id))


@route(
    "POST", "/payment_requests", "merchant_create_payment_request", scope="charge", body=NewRequest,
    summary="Asks for an amount; show `pay_url` as a QR code",
    errors=("merchant_store_closed", "merchant_card_unknown", "parameter_invalid"),
    example={"amount": "120", "note": "2 latte", "reference": "T-1017", "expires_in": 300},
)  # fmt: skip
def merchant_create_payment_request(call: Call[Till]) -> Any:
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
)  # fmt: skip
def merchant_list_payment_requests(call: Call[Till]) -> Listed:
    query, store = call.query, call.caller.store
    if query.status is not None and query.status not in REQUEST_STATES:
        raise Refusal("input_invalid", field="status")
    count = query.rows
    rows = call.look(payment_requests.page, store.id, before=query.before, status=query.status, count=count)
    return Listed([present.request(row, store) for row in rows], count)


@route(
    "GET", "/payment_requests/<request_id>", "merchant_get_payment_request", scope="read",
    summary="One payment request: ask again until its status is paid", errors=("resource_missing",),
)  # fmt: skip
def merchant_get_payment_request(call: Call[Till], request_id: str) -> dict[str, Any]:
    store = call.caller.store
    return present.request(call.look(payment_requests.find, store.id, request_id), store)


@route(
    "POST", "/payment_requests/<request_id>/cancel", "merchant_cancel_payment_request", scope="charge",
    summary="Takes a payment request back", errors=("resource_missing", "merchant_request_not_open"),
)  # fmt: skip
def merchant_cancel_payment_request(call: Call[Till], request_id: str) -> Any:
    till = call.caller

    def presented(made: Any) -> dict[str, Any]:
        return present.request(Asked(made, None), till.store)

    return call.change(presented, payment_requests.cancel, till.store.id, request_id, till.actor)


@route(
    "GET", "/payments", "merchant_list_payments", scope="read", query=PaymentsQuery,
    summary="Payments, the latest first; days are Taipei's", errors=("parameter_invalid", "resource_missing"),
)  # fmt: skip
def merchant_list_payments(call: Call[Till]) -> Listed:
    query, count = call.query, call.query.rows
    rows = call.look(
        store_payments.page, call.caller.store.id, query.filters(), before=query.before, count=count
    )  # fmt: skip
    return Listed([present.payment(row) for row in rows], count)


@route(
    "GET", "/payments/<payment_id>", "merchant_get_payment", scope="read", summary="One payment with its refunds",
    errors=("resource_missing",),
)  # fmt: skip
def merchant_get_payment(call: Call[Till], payment_id: str) -> dict[str, Any]:
    found = call.look(store_payments.find, call.caller.store.id, payment_id)
    return present.payment(found, call.look(refunds.of_payment, found.order.id))
