"""Send to another customer and convert (capital/wallet/operation), and the steps of a transfer.

The contract gives cancel, confirm, resend and the mail's link as GET. They are kept for callers with a token header and for
the portal's own pages; HEAD and prefetches change nothing, and the pages themselves use POST.
"""

from typing import Any
from urllib.parse import urlencode

from flask import Response, redirect, request
from pydantic import Field
from sqlalchemy.orm import Session

from portal.api import parsing
from portal.api.brokerage import keys
from portal.api.brokerage.errors import ERRORS
from portal.api.brokerage.family import family
from portal.api.brokerage.withdrawals import code_text, units_of
from portal.api.family import Call
from portal.errors import Refusal
from portal.http import from_own_page, portal
from portal.models.customers import Customer
from portal.models.wallet import Transfer
from portal.services import conversions, identifiers, second_factor, sessions, transfers
from portal.services.sessions import SignedIn

#: Where the mail's link leads: the confirm page, or the send page with what went wrong (contract: defaultPath).
CONFIRM_PAGE, SEND_PAGE = "/send/confirm", "/send"


class OperationBody(parsing.Model):
    """A wallet operation; which members are needed depends on the operation."""

    operation: str
    fromUser: str | None = None
    fromWallet: Any = Field(default=None, json_schema_extra={"type": "array"})
    receiver: str | None = None
    receiverEmail: str | None = None
    twoFAcode: Any = Field(default=None, json_schema_extra={"type": "string"})
    toAsset: str | None = None
    toAmount: Any = Field(default=None, json_schema_extra={"type": "string"})


class IdQuery(parsing.Model):
    """A transfer by its id."""

    id: str


class AuditQuery(parsing.Model):
    """A transfer by its id, under its other name."""

    balance_audit_id: str


class LinkQuery(parsing.Model):
    """The code of the mail's link; whatever came instead leads on to where a wrong one leads."""

    code: Any = Field(default="", json_schema_extra={"type": "string"})


@family.route(
    "POST", "/capital/wallet/operation", "wallet_operation", auth="session", summary="Send to a customer, or convert",
    body=OperationBody,
    errors=("input_invalid", "input_missing", "operation_unknown", "receiver_unknown", "transfer_to_oneself",
            "currency_unknown", "insufficient_balance", "limit_exceeded", "amount_out_of_range", "totp_unbound",
            "totp_locked", "totp_wrong", "transfer_not_allowed", "withdrawals_held", "trading_not_allowed",
            "trading_paused", "session_required"),
)  # fmt: skip
def wallet_operation(call: Call[SignedIn]) -> Any:
    """TRANSFER starts a transfer (17); CONVERT is done at once. Both answer the number of the line of history."""
    operations = {"TRANSFER": _transfer, "CONVERT": _convert}
    if call.body.operation not in operations:
        raise Refusal("operation_unknown", field="operation")
    return operations[call.body.operation](call)


def _transfer(call: Call[SignedIn]) -> Any:
    keys.need_scope(call.caller, "withdraw")
    body = call.body
    asset, entry = _wallet(body.fromWallet)
    for field in ("receiver", "receiverEmail"):
        if not getattr(body, field):
            raise Refusal("input_missing", field=field)
    if entry.get("amount") is None:
        raise Refusal("input_missing", field="amount")
    units = units_of(entry["amount"], asset)
    code = code_text(body.twoFAcode, "twoFAcode")
    return call.change(
        lambda number: number, send, call.caller.customer_id, body.fromUser, body.receiver, body.receiverEmail, asset,
        units, code,
    )  # fmt: skip


def send(
    session: Session,
    customer_id: int,
    from_user: str | None,
    receiver: str,
    email: str,
    asset: str,
    units: int,
    code: str,
) -> int:
    """The second factor first, then the transfer; the payer is always the session's."""
    _check_payer(session, customer_id, from_user)
    second_factor.check_totp(session, "customer", customer_id, code)
    made = transfers.request(session, customer_id, receiver, email, asset, units)
    return transfers.audit_number(session, customer_id, "transfer", made.id)


def _convert(call: Call[SignedIn]) -> Any:
    keys.need_scope(call.caller, "trade")
    body = call.body
    asset, entry = _wallet(body.fromWallet)
    if not body.toAsset:
        raise Refusal("input_missing", field="toAsset")
    if body.toAsset not in conversions.ASSETS:
        raise Refusal("currency_unknown", field="toAsset")
    given = units_of(entry["amount"], asset) if entry.get("amount") is not None else None
    wanted_text = body.toAmount if body.toAmount is not None else entry.get("amountInToAsset")
    wanted = units_of(wanted_text, body.toAsset, "toAmount") if wanted_text is not None else None
    if given is None and wanted is None:
        raise Refusal("input_missing", field="amount")
    return call.change(
        lambda number: number, convert, call.caller.customer_id, body.fromUser, asset, given, body.toAsset, wanted
    )


def convert(
    session: Session, customer_id: int, from_user: str | None, asset: str, given: int | None, to_asset: str,
    wanted: int | None,
) -> int:  # fmt: skip
    """Gives `given`, or as little as brings `wanted`; with both, at least `wanted` must come of it."""
    _check_payer(session, customer_id, from_user)
    if given is None:
        assert wanted is not None
        given = conversions.reckon_for(session, customer_id, asset, to_asset, wanted).from_units
    made = conversions.convert(session, customer_id, asset, given, to_asset, at_least_units=wanted or 0)
    return transfers.audit_number(session, customer_id, "conversion", made.id)


@family.route(
    "GET", "/capital/transfer/cancel", "transfer_cancel", auth="session", summary="Cancel a transfer", query=IdQuery,
    errors=("input_missing", "transfer_unknown", "session_required"),
)  # fmt: skip
def transfer_cancel(call: Call[SignedIn]) -> Any:
    """Before it is confirmed; repeated, it stays cancelled."""
    if _only_looks():
        return _nothing()
    _check_own_page()
    return call.change(lambda _: None, _cancel, call.caller.customer_id, call.query.id)


@family.route(
    "GET", "/validate/emailtransfer_resend", "transfer_email_resend", auth="session", summary="Mail the link again",
    query=AuditQuery, errors=("input_missing", "transfer_unknown", "code_too_soon", "session_required"),
)  # fmt: skip
def transfer_email_resend(call: Call[SignedIn]) -> Any:
    """At most once a minute; the older link ends."""
    if _only_looks():
        return _nothing()
    _check_own_page()
    return call.change(lambda number: number, _resend, call.caller.customer_id, call.query.balance_audit_id)


@family.route(
    "GET", "/validate/transfer_confirm", "transfer_web_confirm", auth="session", summary="Move the money",
    query=AuditQuery,
    errors=("input_missing", "transfer_unknown", "transfer_not_confirmed", "insufficient_balance", "limit_exceeded",
            "transfer_not_allowed", "withdrawals_held", "session_required"),
)  # fmt: skip
def transfer_web_confirm(call: Call[SignedIn]) -> Any:
    """After the mail's link was opened; repeated, it answers the same and moves nothing more."""
    if _only_looks():
        return _nothing()
    _check_own_page()
    return call.change(lambda number: number, _confirm, call.caller.customer_id, call.query.balance_audit_id)


@family.route(
    "GET", "/validate/emailtransfer", "transfer_email_confirm", auth="none",
    summary="The mail's link: marks it opened and leads to the portal", query=LinkQuery,
)  # fmt: skip
def transfer_email_confirm(call: Call[None]) -> Response:
    """Marks status 25 in the payer's own session, and never more; leads on by a relative redirect either way.

    The session's cookie counts wherever the link was opened from: the code is the proof, and no money moves.
    """
    if _only_looks():
        return _nothing()
    caller = sessions.resolve(portal().db, request.headers.get("token") or request.cookies.get("token"))
    if caller is None or caller.scope != sessions.FULL:
        return _lead_to(SEND_PAGE, alertcode=ERRORS["session_required"][0], alerttype="session")
    try:
        number, asset = portal().db.transact(_open_link, caller.customer_id, str(call.query.code))
    except Refusal as refusal:
        return _lead_to(SEND_PAGE, alertcode=ERRORS[refusal.name][0], alerttype="link")
    return _lead_to(CONFIRM_PAGE, balance_audit_id=number, coin_id=asset, type="confirm")


def _lead_to(path: str, **query: object) -> Response:
    target = f"{path}?{urlencode(query)}"
    response: Any = redirect(target, 302)
    response.autocorrect_location_header = False
    return response


def _open_link(session: Session, customer_id: int, code: str) -> tuple[int, str]:
    opened = transfers.open_link(session, code, customer_id)
    return transfers.audit_number(session, customer_id, "transfer", opened.id), opened.asset


def _cancel(session: Session, customer_id: int, audit_id: str) -> None:
    transfers.cancel(session, transfers.find(session, customer_id, audit_id), f"customer:{customer_id}")


def _resend(session: Session, customer_id: int, audit_id: str) -> int:
    return _number(session, transfers.resend(session, transfers.find(session, customer_id, audit_id)))


def _confirm(session: Session, customer_id: int, audit_id: str) -> int:
    transfer = transfers.find(session, customer_id, audit_id)
    return _number(session, transfers.confirm(session, transfer, f"customer:{customer_id}"))


def _number(session: Session, transfer: Transfer) -> int:
    return transfers.audit_number(session, transfer.sender_id, "transfer", transfer.id)


def _check_payer(session: Session, customer_id: int, from_user: str | None) -> None:
    """`fromUser` may only repeat who the session's customer is."""
    if from_user in (None, ""):
        return
    payer = session.get(Customer, customer_id)
    assert payer is not None and from_user is not None
    try:
        said = identifiers.login_key(from_user)
    except Refusal as refusal:
        raise Refusal("input_invalid", field="fromUser") from refusal
    if said not in (payer.username, payer.email):
        raise Refusal("input_invalid", field="fromUser")


def _wallet(value: object) -> tuple[str, dict[str, Any]]:
    """The one entry of fromWallet and its asset. Only the spot wallet exists."""
    if value is None:
        raise Refusal("input_missing", field="fromWallet")
    if not isinstance(value, list) or len(value) != 1 or not isinstance(value[0], dict):
        raise Refusal("input_invalid", field="fromWallet")
    entry: dict[str, Any] = value[0]
    if entry.get("wallet") not in (None, "", "SPOT@"):
        raise Refusal("input_invalid", field="wallet")
    asset = entry.get("asset")
    if asset is None:
        raise Refusal("input_missing", field="asset")
    if not isinstance(asset, str) or asset not in transfers.ASSETS:
        raise Refusal("currency_unknown", field="asset")
    return asset, entry


def _only_looks() -> bool:
    """Whether the request only looks ahead: HEAD, or a browser's prefetch."""
    purposes = (request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz"))
    return request.method == "HEAD" or any("prefetch" in purpose or "prerender" in purpose for purpose in purposes)


def _check_own_page() -> None:
    """A cookie speaks for these calls on the portal's own pages only; a link typed, mailed or from elsewhere does not."""
    if "token" not in request.headers and not keys.is_signed() and not from_own_page():
        raise Refusal("illegal_request")


def _nothing() -> Response:
    return Response(status=204)
