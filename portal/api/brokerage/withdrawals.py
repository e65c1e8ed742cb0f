"""Withdrawals in the brokerage family: pre_withdraw, apply (POST) and confirm (PATCH), common addresses, cancel."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.orm import Session

from portal.api import parsing
from portal.api.brokerage.family import family
from portal.api.brokerage.statuses import history_status
from portal.api.family import Call
from portal.clock import to_ms
from portal.errors import Refusal
from portal.models.system import Activity
from portal.models.wallet import Deposit, Withdrawal
from portal.money import AmountError, parse_units, to_decimal
from portal.services import (
    bank_accounts,
    common_addresses,
    deposits,
    networks,
    offering,
    second_factor,
    travel_rule,
    withdrawal_rules,
    withdrawals,
)
from portal.services.sessions import SignedIn
from portal.services.withdrawals import Request

ASSETS = ("TWD", "USDT", "ETH")


class CurrencyQuery(parsing.Model):
    """A currency; the contract requires it."""

    currency: str


class OptionalCurrency(parsing.Model):
    """A currency to filter by."""

    currency: str | None = None


class WithdrawBody(parsing.Model):
    """What to withdraw and where to. `amount` is what leaves the balance, the fee inside (reading B40).

    Our addition, for the Travel Rule: `receiverWallet` is own or other (then with `receiverName`), `receiverPlatform` is
    who keeps it. Without them a large withdrawal of coins is kept as undeclared.
    """

    currency: str
    amount: Any = Field(json_schema_extra={"type": "number"})
    code2FA: Any = Field(json_schema_extra={"type": "string"})
    bankId: Any = Field(default=None, json_schema_extra={"type": "integer"})
    address: str | None = None
    paymentWay: str | None = None
    receiverWallet: str | None = None
    receiverName: str | None = None
    receiverPlatform: str | None = None


class ConfirmBody(parsing.Model):
    """The withdrawal and the code of its mail."""

    auditId: str
    codeEmail: Any = Field(json_schema_extra={"type": "string"})


class CancelBody(parsing.Model):
    """A line of the history."""

    auditId: Any = Field(json_schema_extra={"type": "string"})


class AddressQuery(parsing.Model):
    """An address of the list."""

    address: str | None = None


class CoinQuery(parsing.Model):
    """Coin and network to filter by, such as `USDT-TRC20`."""

    coinName: str | None = None


def code_text(value: object, field: str) -> str:
    """A code given as text or as a number whose leading zeros were lost (reading B29)."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Refusal("input_missing" if value is None else "input_invalid", field=field)
    text = f"{value:06d}" if isinstance(value, int) else value.strip()
    if not text:
        raise Refusal("input_missing", field=field)
    if len(text) > 12 or not (text.isascii() and text.isdigit()):
        raise Refusal("input_invalid", field=field)
    return text


def units_of(value: object, asset: str, field: str = "amount") -> int:
    """An amount from a body in ledger units. Raises Refusal `amount_invalid`, `amount_too_precise` or out of range."""
    try:
        units = parse_units(value, asset)
    except AmountError as error:
        name = {"too_precise": "amount_too_precise", "too_large": "amount_out_of_range"}.get(error.reason)
        raise Refusal(name or "amount_invalid", field=field) from error
    if units <= 0:
        raise Refusal("amount_invalid", field=field)
    return units


@family.route(
    "GET", "/wallet/pre_withdraw", "pre_withdraw", auth="session", summary="Fees and limits of withdrawals",
    query=CurrencyQuery, errors=("currency_unknown", "session_required"),
)  # fmt: skip
def pre_withdraw(call: Call[SignedIn]) -> list[dict[str, Any]]:
    """One entry per network that is open at present."""
    asset = _asset(call.query.currency)
    found = call.look(_open_rules, asset, call.caller.kyc_level)
    return [
        {
            "fee": to_decimal(rule.fee_units, asset),
            "minLimit": to_decimal(rule.min_units, asset),
            "maxLimit": to_decimal(rule.max_units, asset),
            "dailyAccumulated": to_decimal(rule.per_day_units, asset),
            "monthlyAccumulated": to_decimal(rule.per_month_units, asset),
            "paymentWay": networks.WAY_OF.get(rule.network, "SWIFT"),
            "isSupportAddressExtension": False,
            "addressExtensionTypeName": None,
        }
        for rule in found
    ]


def _open_rules(session: Session, asset: str, kyc_level: int) -> list[withdrawal_rules.Rule]:
    found = withdrawal_rules.rules(session, _kind(asset), asset, kyc_level)
    return [one for one in found if offering.is_open(session, offering.WITHDRAWALS, asset, one.network)]


@family.route(
    "POST", "/wallet/withdraw", "withdraw_apply", auth="session", summary="Ask for a withdrawal; a code goes by mail",
    body=WithdrawBody,
    errors=("input_invalid", "amount_invalid", "amount_out_of_range", "limit_exceeded", "currency_unknown",
            "bank_account_unknown", "address_invalid", "address_own", "insufficient_balance", "totp_unbound", "totp_locked", "totp_wrong",
            "withdrawals_held", "withdrawals_not_allowed", "withdrawals_paused", "session_required"),
)  # fmt: skip
def withdraw_apply(call: Call[SignedIn]) -> Any:
    """Status 17 until the code of the mail is given."""
    return call.change(lambda answer: answer, apply, call.caller.customer_id, _wanted(call), _totp(call))


def apply(session: Session, customer_id: int, wanted: Request, totp: str) -> dict[str, Any]:
    """The second factor first (a wrong code counts), then the withdrawal; answers it as the family shows it."""
    second_factor.check_totp(session, "customer", customer_id, totp)
    return shown(session, withdrawals.request(session, wanted))


@family.route(
    "PATCH", "/wallet/withdraw", "withdraw_confirm", auth="session", summary="Confirm a withdrawal by the mail's code",
    body=ConfirmBody,
    errors=("code_wrong", "code_expired", "withdrawal_unknown", "withdrawal_not_waiting", "session_required"),
)  # fmt: skip
def withdraw_confirm(call: Call[SignedIn]) -> Any:
    """From 17 to 3, or to 10 inside the portal."""
    code = code_text(call.body.codeEmail, "codeEmail")
    return call.change(lambda answer: answer, _confirm, call.caller.customer_id, call.body.auditId, code)


def _confirm(session: Session, customer_id: int, audit_id: str, code: str) -> dict[str, Any]:
    withdrawal = withdrawals.find(session, "customer", customer_id, audit_id)
    return shown(session, withdrawals.confirm(session, withdrawal, code, f"customer:{customer_id}"))


@family.route(
    "GET", "/wallet/common_address", "list_common_addresses", auth="session", summary="Withdrawal addresses with names",
    query=CoinQuery, errors=("currency_unknown", "session_required"),
)  # fmt: skip
def list_common_addresses(call: Call[SignedIn]) -> list[dict[str, Any]]:
    """All addresses, or those of one coin and network; BTC is named by the contract and has none."""
    asset, network = None, None
    if call.query.coinName == "BTC-BITCOIN":
        return []
    if call.query.coinName:
        asset, network = networks.coin_network(call.query.coinName)
    found = call.look(common_addresses.named, call.caller.customer_id, asset=asset, network=network)
    return [{"address": one.address, "name": one.name, "paymentWay": networks.WAY_OF.get(one.network)} for one in found]


@family.route(
    "DELETE", "/wallet/common_address", "delete_common_address", auth="session", summary="Remove a withdrawal address",
    query=AddressQuery, body=AddressQuery, errors=("input_missing", "not_found", "session_required"),
)  # fmt: skip
def delete_common_address(call: Call[SignedIn]) -> Any:
    """The address is its id; the query is read first, a JSON body is tolerated."""
    address = call.query.address or call.body.address
    if not address:
        raise Refusal("input_missing", field="address")
    return call.change(lambda _: None, common_addresses.remove, call.caller.customer_id, address)


@family.route(
    "POST", "/wallet/apply_dw_cancel", "cancel_deposit_withdraw", auth="session",
    summary="Cancel an open TWD deposit or withdrawal", body=CancelBody,
    errors=("record_unreadable", "crypto_not_cancellable", "deposit_not_cancellable", "withdrawal_too_late", "not_found",
            "session_required"),
)  # fmt: skip
def cancel_deposit_withdraw(call: Call[SignedIn]) -> Any:
    """TWD only, while nothing is on its way."""
    audit_id = call.body.auditId
    if isinstance(audit_id, int) and not isinstance(audit_id, bool):
        audit_id = str(audit_id)
    if not isinstance(audit_id, str) or not audit_id:
        raise Refusal("input_invalid", field="auditId")
    return call.change(_cancelled, cancel, call.caller.customer_id, audit_id)


def cancel(session: Session, customer_id: int, audit_id: str) -> tuple[str, datetime, datetime]:
    """Cancels what a line of the history is about; answers its word of status and the line's times.

    Raises Refusal `not_found` for a line that is not there or not the caller's, `crypto_not_cancellable`,
    `deposit_not_cancellable`, `withdrawal_too_late`.
    """
    plain = audit_id.isascii() and audit_id.isdigit()
    line = session.scalar(
        sa.select(Activity)
        .where(
            Activity.customer_id == customer_id,
            Activity.subject_kind.in_(("withdrawal", "deposit")),
            (Activity.reference if plain else Activity.public_id) == audit_id,
        )
        .order_by(Activity.id.desc())
        .limit(1)
    )
    if line is None:
        raise Refusal("not_found", field="auditId")
    if line.asset != "TWD":
        raise Refusal("crypto_not_cancellable")
    actor = f"customer:{customer_id}"
    if line.subject_kind == "deposit":
        deposit = session.get(Deposit, line.subject_id)
        assert deposit is not None
        deposits.cancel(session, deposit, actor)
    else:
        withdrawal = session.get(Withdrawal, line.subject_id)
        assert withdrawal is not None
        withdrawals.cancel(session, withdrawal, actor)
    session.refresh(line)
    return line.status, line.created_at, line.updated_at


def _cancelled(answer: tuple[str, datetime, datetime]) -> dict[str, Any]:
    status, created_at, updated_at = answer
    return {
        "updateTimestamp": to_ms(updated_at),
        "status": history_status("withdrawal", status),
        "createTimestamp": to_ms(created_at),
    }


@family.route(
    "POST", "/user/bank_accounts", "list_bank_accounts", auth="session", summary="The caller's bank accounts",
    body=OptionalCurrency, errors=("session_required",),
)  # fmt: skip
def list_bank_accounts(call: Call[SignedIn]) -> list[dict[str, Any]]:
    """Verified accounts; they hold TWD, so another currency has none."""
    if call.body.currency not in (None, "", "TWD"):
        return []
    found = call.look(bank_accounts.verified, "customer", call.caller.customer_id)
    return [bank_data(account) for account in found]


def bank_data(account: bank_accounts.BankAccountView) -> dict[str, Any]:
    """BankData of the contract."""
    return {
        "id": account.id,
        "name": account.full_name,
        "code": account.bank_code,
        "account": account.account,
        "accountHolder": account.holder,
        "swiftCode": "",
    }


def shown(session: Session, withdrawal: Withdrawal) -> dict[str, Any]:
    """A withdrawal as apply and confirm answer it."""
    bank = None
    if withdrawal.bank_account_id is not None:
        bank = bank_data(bank_accounts.by_ids(session, [withdrawal.bank_account_id])[withdrawal.bank_account_id])
    name = (withdrawal.details or {}).get("address_name", "")
    return {
        "auditId": withdrawal.public_id,
        "currency": withdrawal.asset,
        "fee": to_decimal(withdrawal.fee_units, withdrawal.asset),
        "amount": to_decimal(withdrawal.amount_units, withdrawal.asset),
        "status": history_status("withdrawal", withdrawal.status),
        "transactionTimestamp": to_ms(withdrawal.created_at),
        "toBank": bank,
        "toAddress": {"name": name, "address": withdrawal.address} if withdrawal.address else None,
        "transactionRef": withdrawal.reference,
    }


def _wanted(call: Call[SignedIn]) -> Request:
    body = call.body
    asset = _asset(body.currency)
    common: dict[str, Any] = {
        "owner_kind": "customer",
        "owner_id": call.caller.customer_id,
        "family": "brokerage",
        "kind": _kind(asset),
        "asset": asset,
        "amount_units": units_of(body.amount, asset),
    }
    if asset == "TWD":
        return Request(**common, network=networks.BANK, bank_account_id=_bank_id(body.bankId))
    for field in ("address", "paymentWay"):
        if not getattr(body, field):
            raise Refusal("input_missing", field=field)
    network = networks.PAYMENT_WAYS.get(body.paymentWay)
    if network is None or asset not in networks.ASSETS[network]:
        raise Refusal("currency_unknown", field="paymentWay")
    declared = {"wallet": body.receiverWallet, "beneficiary": body.receiverName, "provider": body.receiverPlatform}
    party = travel_rule.party_of({name: text or "" for name, text in declared.items()})
    return Request(**common, network=network, address=body.address, party=party)


def _totp(call: Call[SignedIn]) -> str:
    return code_text(call.body.code2FA, "code2FA")


def _bank_id(value: object) -> int:
    if value is None:
        raise Refusal("input_missing", field="bankId")
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 18:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**18:
        raise Refusal("bank_account_unknown", field="bankId")
    return value


def _asset(text: str) -> str:
    if text not in ASSETS:
        raise Refusal("currency_unknown", field="currency")
    return text


def _kind(asset: str) -> str:
    return withdrawal_rules.FIAT if asset == "TWD" else withdrawal_rules.CRYPTO
