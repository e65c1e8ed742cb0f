"""The customer, the bank account, balances, and the lists a form needs. Contract: get_profile … policy_versions."""

from typing import Any

from sqlalchemy.orm import Session

from portal.api.family import Call
from portal.api.parsing import Model
from portal.api.voucher import present
from portal.api.voucher.family import DONE, Done, nothing, route
from portal.errors import Refusal
from portal.http import portal
from portal.services import banks, companies, voucher_bank_accounts, voucher_customers, voucher_profiles


class BankAccount(Model):
    name: str
    bank_code: str
    branch_code: str
    card_no: str
    fund_password: str


class Otp(Model):
    otp: str


class CompanyQuery(Model):
    company: str


@route(
    "GET", "/me/assets", "my_assets", "user", summary="Balances of both vouchers", errors=("account_invalid_wallet",)
)
def my_assets(call: Call[Any]) -> list[dict[str, Any]]:
    return [present.holding(row) for row in call.look(voucher_profiles.holdings, call.caller.customer_id)]


@route("GET", "/profile", "get_profile", "user", summary="The customer")
def get_profile(call: Call[Any]) -> dict[str, Any]:
    return present.profile(call.look(voucher_profiles.profile, call.caller.customer_id))


@route(
    "POST", "/profile/set_bank_account", "set_bank_account", "user", body=BankAccount,
    summary="Takes note of a bank account and sends the code that proves it",
    errors=(
        "user_invalid_fund_password", "user_bank_account_was_verified", "user_bank_account_was_taken",
        "user_request_otp_too_often", "user_invalid_status_or_verified", "user_failed",
    ),
)  # fmt: skip
def set_bank_account(call: Call[Any]) -> Done:
    body, customer_id = call.body, call.caller.customer_id
    voucher_customers.prove_fund_password(portal().db, customer_id, body.fund_password)
    call.change(
        nothing,
        voucher_bank_accounts.set_account,
        customer_id,
        body.name,
        body.bank_code,
        body.branch_code,
        body.card_no,
    )
    return DONE


@route(
    "POST", "/profile/verify_bank_account", "verify_bank_account", "user", body=Otp, summary="Proves the bank account",
    errors=(
        "user_invalid_otp", "user_otp_expired", "user_bank_account_was_verified", "user_invalid_status_or_verified",
        "user_failed",
    ),
)  # fmt: skip
def verify_bank_account(call: Call[Any]) -> Done:
    call.change(nothing, voucher_bank_accounts.verify, call.caller.customer_id, call.body.otp)
    return DONE


@route(
    "GET", "/payout_accounts", "list_payout_accounts", "user", query=CompanyQuery,
    summary="The accounts of a company that orders are paid into",
)  # fmt: skip
def list_payout_accounts(call: Call[Any]) -> list[dict[str, Any]]:
    return call.look(_payout_accounts, call.query.company)


def _payout_accounts(session: Session, company: str) -> list[dict[str, Any]]:
    found = companies.payout_accounts(session, companies.by_code(session, company, "company").id)
    return [present.payout_account(row) for row in found]


@route("GET", "/banks", "list_banks", "user", summary="Taiwan's banks")
def list_banks(call: Call[Any]) -> list[dict[str, Any]]:
    return [{"code": bank.code, "name": bank.name} for bank in call.look(banks.every_bank)]


@route(
    "GET", "/banks/<bank_code>/branches", "list_bank_branches", "user", summary="The branches of a bank",
    errors=("resource_missing",),
)  # fmt: skip
def list_bank_branches(call: Call[Any], bank_code: str) -> list[dict[str, Any]]:
    if not call.look(banks.is_bank, bank_code):
        raise Refusal("not_found")
    return [{"code": row.code, "name": row.name} for row in call.look(banks.branches, bank_code)]


@route("GET", "/policy_versions", "policy_versions", "user", auth="none", summary="The terms in force")
def policy_versions(call: Call[Any]) -> list[dict[str, Any]]:
    found = call.look(companies.policy_versions)
    return [{"terms_type": row.terms_type, "version": row.version} for row in found]
