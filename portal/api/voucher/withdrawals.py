"""Vouchers to a TRON address, and redeemed to the bank. Contract: list_withdrawals … verify_redemption."""

from typing import Any

from sqlalchemy.orm import Session

from portal.api.family import Call
from portal.api.parsing import Model
from portal.api.voucher import paging, present
from portal.api.voucher.family import DONE, Done, Page, PageQuery, nothing, route
from portal.api.voucher.orders import Amount, Otp
from portal.http import portal
from portal.models.wallet import Withdrawal
from portal.services import voucher_customers, voucher_withdrawals
from portal.services.withdrawal_rules import REDEMPTION, VOUCHER


class Withdraw(Model):
    recipient_address: str
    fund_password: str
    currency: str
    amount: Amount


class Redeem(Model):
    fund_password: str
    currency: str
    amount: Amount


@route("GET", "/withdrawals", "list_withdrawals", "withdrawal", query=PageQuery, summary="Withdrawals, newest first")
def list_withdrawals(call: Call[Any]) -> Page:
    query = voucher_withdrawals.of_customer(call.caller.customer_id, VOUCHER)
    return call.look(paging.read, query, Withdrawal.id, call.query.number, _withdrawals)


def _withdrawals(session: Session, rows: list[Withdrawal]) -> list[Any]:
    return [present.withdrawal(found) for found in voucher_withdrawals.with_banks(session, rows)]


@route(
    "GET", "/withdrawals/<withdrawal>", "get_withdrawal", "withdrawal", summary="One withdrawal",
    errors=("resource_missing",),
)  # fmt: skip
def get_withdrawal(call: Call[Any], withdrawal: str) -> dict[str, Any]:
    return present.withdrawal(call.look(voucher_withdrawals.find, call.caller.customer_id, VOUCHER, withdrawal))


@route(
    "POST", "/withdrawals", "create_withdrawal", "withdrawal", body=Withdraw,
    summary="Asks for vouchers to be sent to a TRON address",
    errors=("withdrawal_invalid_fund_password", "withdrawal_insufficient_balance", "account_invalid_wallet"),
)  # fmt: skip
def create_withdrawal(call: Call[Any]) -> Any:
    body, customer_id = call.body, call.caller.customer_id
    voucher_customers.prove_fund_password(portal().db, customer_id, body.fund_password)
    return call.change(
        present.created_withdrawal, voucher_withdrawals.withdraw, customer_id, body.recipient_address, body.currency,
        body.amount,
    )  # fmt: skip


@route(
    "POST", "/withdrawals/resend", "resend_withdrawal_otp", "withdrawal",
    summary="Sends the code of the newest withdrawal again",
    errors=("withdrawal_request_otp_too_often", "withdrawal_invalid_status"),
)  # fmt: skip
def resend_withdrawal_otp(call: Call[Any]) -> Done:
    call.change(nothing, voucher_withdrawals.resend, call.caller.customer_id, VOUCHER)
    return DONE


@route(
    "POST", "/withdrawals/verify", "verify_withdrawal", "withdrawal", body=Otp,
    summary="Proves the code of the newest withdrawal",
    errors=(
        "withdrawal_invalid_otp", "withdrawal_otp_expired", "withdrawal_invalid_status",
        "withdrawal_insufficient_balance", "withdrawal_broadcast_txhash_failed",
    ),
)  # fmt: skip
def verify_withdrawal(call: Call[Any]) -> Any:
    return call.change(present.withdrawal, voucher_withdrawals.verify, call.caller.customer_id, VOUCHER, call.body.otp)


@route("GET", "/redemptions", "list_redemptions", "redeem", query=PageQuery, summary="Redemptions, newest first")
def list_redemptions(call: Call[Any]) -> Page:
    query = voucher_withdrawals.of_customer(call.caller.customer_id, REDEMPTION)
    return call.look(paging.read, query, Withdrawal.id, call.query.number, _redemptions)


def _redemptions(session: Session, rows: list[Withdrawal]) -> list[Any]:
    return [present.redemption(found, fee_places=4) for found in voucher_withdrawals.with_banks(session, rows)]


@route(
    "GET",
    "/redemptions/<redemption>",
    "get_redemption",
    "redeem",
    summary="One redemption",
    errors=("resource_missing",),
)
def get_redemption(call: Call[Any], redemption: str) -> dict[str, Any]:
    return present.redemption(call.look(voucher_withdrawals.find, call.caller.customer_id, REDEMPTION, redemption))


@route(
    "POST", "/redemptions", "create_redemption", "redeem", body=Redeem, summary="Asks for vouchers to be paid out in TWD",
    errors=("redeem_invalid_fund_password", "redeem_insufficient_balance", "user_unauthorized_bank_account"),
)  # fmt: skip
def create_redemption(call: Call[Any]) -> Any:
    body, customer_id = call.body, call.caller.customer_id
    voucher_customers.prove_fund_password(portal().db, customer_id, body.fund_password)
    return call.change(present.created_redemption, voucher_withdrawals.redeem, customer_id, body.currency, body.amount)


@route(
    "POST", "/redemptions/resend", "resend_redemption_otp", "redeem", summary="Sends the code of the newest redemption again",
    errors=("redeem_request_otp_too_often", "redeem_invalid_status"),
)  # fmt: skip
def resend_redemption_otp(call: Call[Any]) -> Done:
    call.change(nothing, voucher_withdrawals.resend, call.caller.customer_id, REDEMPTION)
    return DONE


@route(
    "POST", "/redemptions/verify", "verify_redemption", "redeem", body=Otp,
    summary="Proves the code of the newest redemption",
    errors=("redeem_invalid_otp", "redeem_otp_expired", "redeem_invalid_status", "redeem_insufficient_balance"),
)  # fmt: skip
def verify_redemption(call: Call[Any]) -> Any:
    return call.change(
        present.redemption, voucher_withdrawals.verify, call.caller.customer_id, REDEMPTION, call.body.otp
    )
