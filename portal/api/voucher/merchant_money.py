"""The till API: giving back, being paid out, and the day's statement."""

from typing import Any

from portal.api.family import Call
from portal.api.parsing import Model
from portal.api.voucher import merchant_present as present
from portal.api.voucher.merchant import DAY_EXAMPLE
from portal.api.voucher.merchant_family import Listed, ListQuery, route, signature
from portal.api.voucher.orders import Amount, Otp
from portal.errors import Refusal
from portal.services import refunds, settlements, store_members, takings
from portal.services.store_keys import Till

_REFUND_EXAMPLE = {
    "id": "0193b0a5-2f30-7e01-9c11-7a6b5c4d3e2f", "payment": "0193b0a3-1d2c-7b10-8d55-0c9e4b7a2f60", "amount": "20.5",
    "reason": "cold coffee", "status": "done", "created_at": "2026-11-21T04:10:00.000000Z",
}  # fmt: skip
_SETTLEMENT_EXAMPLE = {
    "id": "0193b0b0-0a1b-7c2d-8e3f-405162738495", "reference": "20261121420489", "amount": "1000",
    "status": "awaiting_code", "created_at": "2026-11-21T12:00:00.000000Z", "paid_at": None,
}  # fmt: skip


class NewRefund(Model):
    amount: Amount
    reason: str = ""


class NewSettlement(Model):
    member: str
    amount: Amount | None = None


@route(
    "POST", "/payments/<payment_id>/refunds", "merchant_refund_payment", scope="refund", body=NewRefund,
    summary="Gives back a part or all of a payment; signed by the headers Store-Member and Store-Pin",
    errors=(
        "resource_missing", "parameter_invalid", "merchant_pin_missing", "merchant_pin_wrong", "merchant_pin_locked",
        "merchant_member_refused", "merchant_refund_too_large", "merchant_refund_needs_owner", "merchant_takings_too_low",
    ),
    example=_REFUND_EXAMPLE,
    headers=(
        ("Store-Member", "The id of the member who gives back (from `/merchant/store`)", True),
        ("Store-Pin", "That member's PIN", True),
        ("Store-Approver", "The id of an owner, above a cashier's limits", False),
        ("Store-Approver-Pin", "That owner's PIN", False),
    ),
)  # fmt: skip
def merchant_refund_payment(call: Call[Till], payment_id: str) -> Any:
    """Send the member's id and PIN in the headers `Store-Member` and `Store-Pin`; above a cashier's limits also an owner's
    in `Store-Approver` and `Store-Approver-Pin`.
    """
    till, body = call.caller, call.body
    signed = signature(till, "Member")
    if signed is None:
        raise Refusal("pin_missing", field="Store-Pin")
    return call.change(
        present.refund, refunds.refund, till.store, payment_id, body.amount, reason=body.reason, signed=signed,
        approved=signature(till, "Approver"),
    )  # fmt: skip


@route(
    "GET", "/refunds", "merchant_list_refunds", scope="read", query=ListQuery, summary="Refunds, newest first",
    errors=("parameter_invalid", "resource_missing"), example={"data": [_REFUND_EXAMPLE], "links": {"next": None}},
)  # fmt: skip
def merchant_list_refunds(call: Call[Till]) -> Listed:
    count = call.query.rows
    rows = call.look(refunds.page, call.caller.store.id, before=call.query.before, count=count)
    return Listed([present.refund(row) for row in rows], count)


@route(
    "GET", "/refunds/<refund_id>", "merchant_get_refund", scope="read", summary="One refund", errors=("resource_missing",),
    example=_REFUND_EXAMPLE,
)  # fmt: skip
def merchant_get_refund(call: Call[Till], refund_id: str) -> dict[str, Any]:
    return present.refund(call.look(refunds.find, call.caller.store.id, refund_id))


@route(
    "POST", "/settlements", "merchant_request_settlement", scope="settle", body=NewSettlement,
    summary="Asks for takings to be paid to the store's bank account; an owner (member) gets a code by SMS",
    errors=(
        "merchant_member_refused", "merchant_bank_account_missing", "merchant_settlement_held",
        "merchant_settlement_nothing", "merchant_takings_too_low", "parameter_invalid", "merchant_limit_exceeded",
    ),
    example=_SETTLEMENT_EXAMPLE,
)  # fmt: skip
def merchant_request_settlement(call: Call[Till]) -> Any:
    """Without `amount` all whole dollars are paid out. `member` is an owner's id; the code goes to that person."""
    store = call.caller.store
    member = _member(call, call.body.member)
    return call.change(present.settlement, settlements.request, store, member, call.body.amount)


@route(
    "POST", "/settlements/<settlement_id>/verify", "merchant_verify_settlement", scope="settle", body=Otp,
    summary="Proves the owner's code; the bank pays",
    errors=(
        "resource_missing", "merchant_invalid_otp", "merchant_otp_expired", "merchant_settlement_closed",
        "merchant_settlement_held",
    ),
    example={**_SETTLEMENT_EXAMPLE, "status": "processing"},
)  # fmt: skip
def merchant_verify_settlement(call: Call[Till], settlement_id: str) -> Any:
    store = call.caller.store
    member = _asker(call, settlement_id)
    return call.change(present.settlement, settlements.confirm, store, member, settlement_id, call.body.otp)


@route(
    "POST", "/settlements/<settlement_id>/resend", "merchant_resend_settlement_code", scope="settle",
    summary="Sends the owner's code again",
    errors=("resource_missing", "merchant_otp_too_often", "merchant_settlement_closed"),
    example={"id": _SETTLEMENT_EXAMPLE["id"], "status": "awaiting_code"},
)  # fmt: skip
def merchant_resend_settlement_code(call: Call[Till], settlement_id: str) -> Any:
    store = call.caller.store
    member = _asker(call, settlement_id)

    def presented(_: None) -> dict[str, Any]:
        return {"id": settlement_id, "status": "awaiting_code"}

    return call.change(presented, settlements.resend, store, member, settlement_id)


@route(
    "GET", "/settlements", "merchant_list_settlements", scope="read", query=ListQuery, summary="Settlements, newest first",
    errors=("parameter_invalid", "resource_missing"), example={"data": [_SETTLEMENT_EXAMPLE], "links": {"next": None}},
)  # fmt: skip
def merchant_list_settlements(call: Call[Till]) -> Listed:
    count = call.query.rows
    rows = call.look(settlements.page, call.caller.store.id, before=call.query.before, count=count)
    return Listed([present.settlement(row) for row in rows], count)


@route(
    "GET", "/settlements/<settlement_id>", "merchant_get_settlement", scope="read", summary="One settlement",
    errors=("resource_missing",), example=_SETTLEMENT_EXAMPLE,
)  # fmt: skip
def merchant_get_settlement(call: Call[Till], settlement_id: str) -> dict[str, Any]:
    return present.settlement(call.look(settlements.find, call.caller.store.id, settlement_id))


@route(
    "GET", "/statements/<day>", "merchant_get_statement", scope="read", summary="A day's statement (YYYY-MM-DD, Taipei)",
    errors=("parameter_invalid",), example=DAY_EXAMPLE,
)  # fmt: skip
def merchant_get_statement(call: Call[Till], day: str) -> dict[str, Any]:
    wanted = takings.parse_day(day).isoformat()
    return present.day(call.look(takings.of_day, call.caller.store.id, wanted))


def _member(call: Call[Till], public_id: str) -> Any:
    try:
        return call.look(store_members.member, call.caller.store.id, public_id)
    except Refusal as refusal:
        raise Refusal("forbidden", field="member") from refusal


def _asker(call: Call[Till], settlement_id: str) -> Any:
    """The member who asked for a settlement; its code is on that person's phone."""
    store = call.caller.store
    found = call.look(settlements.find, store.id, settlement_id)
    return call.look(settlements.asker, store.id, found)
