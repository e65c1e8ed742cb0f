"""Signed calls of customers' programs: which scope each route needs, and the caller behind the three headers."""

from flask import request

from portal.errors import Refusal
from portal.http import client_address, portal
from portal.services import api_keys
from portal.services.api_keys import KeyCaller, SignedRequest
from portal.services.sessions import SignedIn

#: Scopes by contract id; a route that is not listed is for signed-in people only (passwords, second factors, KYC).
ROUTES: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        (
            "user_info", "vip_info", "list_bank_accounts", "login_log", "kyc_status", "wallet_balance", "wallet_history",
            "pre_deposit", "pre_withdraw", "get_or_create_address", "get_or_create_addresses", "bank_codes",
            "bank_branches", "list_common_addresses",
        ),
        frozenset({"read"}),
    ),
    "otc_quote": frozenset({"trade"}),
    "otc_accept": frozenset({"trade"}),
    "wallet_operation": frozenset({"trade", "withdraw"}),
    **dict.fromkeys(
        (
            "withdraw_apply", "withdraw_confirm", "transfer_cancel", "transfer_email_resend", "transfer_web_confirm",
            "cancel_deposit_withdraw",
        ),
        frozenset({"withdraw"}),
    ),
}  # fmt: skip


def is_signed() -> bool:
    """Whether the request comes with a key instead of a session."""
    return "btse-api" in request.headers and "token" not in request.headers


def caller(auth: str) -> KeyCaller:
    """Who signed this request. Raises Refusal `api_key_refused`, or `api_key_scope` for a route the key is not for."""
    operation = (request.endpoint or "").rpartition(".")[2]
    wanted = ROUTES.get(operation)
    if auth != "session" or wanted is None:
        raise Refusal("api_key_scope")
    sent = SignedRequest(
        key=request.headers["btse-api"],
        nonce=request.headers.get("btse-nonce", ""),
        signature=request.headers.get("btse-sign", ""),
        path=request.path,
        body=request.get_data(cache=True),
        ip=client_address(),
    )
    found = portal().db.transact(api_keys.authenticate, sent)
    if not wanted & found.scopes:
        raise Refusal("api_key_scope")
    return found


def need_scope(who: SignedIn, scope: str) -> None:
    """For a route of two scopes: refuses a key without the one this act needs. People need none."""
    if isinstance(who, KeyCaller) and scope not in who.scopes:
        raise Refusal("api_key_scope")
