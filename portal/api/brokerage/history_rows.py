"""A line of history in the brokerage dialect (contract: wallet/historyList)."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.api.brokerage.statuses import history_status
from portal.clock import to_ms
from portal.db import context
from portal.models.customers import Customer
from portal.models.system import Activity
from portal.models.wallet import Withdrawal
from portal.money import parse_decimal, to_decimal
from portal.services import bank_accounts, networks

#: Enum transaction_type: 1 deposit, 2 withdraw, 3 buy, 4 sell, 5 transfer in, 6 transfer out. A conversion sells what
#: it gives.
TYPE_OF_KIND = {
    "deposit": 1, "withdrawal": 2, "buy": 3, "sell": 4, "convert": 4, "transfer_in": 5, "transfer_out": 6,
}  # fmt: skip
KINDS_OF_TYPE = {
    str(number): tuple(kind for kind, its_number in TYPE_OF_KIND.items() if its_number == number)
    for number in range(1, 7)
}
TRADES = ("buy", "sell", "convert")
MOVES = ("deposit", "withdrawal", "transfer_in", "transfer_out")
ALL_KINDS = TRADES + MOVES

CURRENCY_TYPE = {"TWD": 1, "ETH": 2, "USDT": 3}
#: Enum in_out_type: buy and sell are both IN.
IN, OUT = 1, 2


def present(session: Session, rows: list[Activity], customer_id: int) -> list[dict[str, Any]]:
    """The rows as the contract shows them; whatever they share is read once."""
    ids = [row.details["bank_account_id"] for row in rows if row.details and row.details.get("bank_account_id")]
    banks = bank_accounts.by_ids(session, ids)
    email = session.get_one(Customer, customer_id).email
    sent = {row.subject_id for row in rows if row.kind == "withdrawal"}
    query = sa.select(Withdrawal.id, Withdrawal.tx_hash).where(Withdrawal.id.in_(sent))
    hashes = {number: tx_hash for number, tx_hash in session.execute(query)} if sent else {}
    return [_row(session, row, banks, email, hashes) for row in rows]


def _row(
    session: Session,
    row: Activity,
    banks: dict[int, bank_accounts.BankAccountView],
    email: str | None,
    hashes: dict[int, str | None],
) -> dict[str, Any]:
    details = row.details or {}
    if row.kind == "withdrawal":
        details = {**details, "tx_hash": hashes.get(row.subject_id)}
    amount = to_decimal(row.amount_units, row.asset)
    fee = to_decimal(row.fee_units, row.asset)
    status = history_status(row.subject_kind, row.status)
    trade = row.kind in TRADES
    told: dict[str, Any] = {
        "auditId": row.public_id,
        "transactionRef": row.reference,
        "type": TYPE_OF_KIND[row.kind],
        "inOutType": IN if trade or row.direction == "in" else OUT,
        "currencyType": CURRENCY_TYPE[row.asset],
        "amount": amount,
        "clientAmount": to_decimal(row.net_units, row.asset),
        "fee": fee,
        "receivedAmount": to_decimal(row.net_units, row.asset) if status == 10 else to_decimal(0, row.asset),
        "status": status,
        "createTimestamp": to_ms(row.created_at),
        "updateTimestamp": to_ms(row.updated_at),
        "errCode": None,
        "remarks": details.get("failure") or details.get("note"),
        "quoteOrderCurrency": row.asset,
        "quoteBaseCurrency": row.asset,
        "emailRef": details.get("email") or (email if trade else None),
        "bankRef": f"{details['person']}@bitgin" if details.get("person") else None,
    }
    if trade:
        told |= _trade(row, details)
    elif row.kind == "deposit":
        told |= _deposit(session, row, details)
    elif row.kind == "withdrawal":
        told |= _withdrawal(session, row, details, banks)
    return told


def _trade(row: Activity, details: dict[str, Any]) -> dict[str, Any]:
    if row.counter_asset is None or row.counter_units is None:
        return {}
    counter = to_decimal(row.counter_units, row.counter_asset)
    price = details.get("unit_price") or details.get("from_price")
    return {
        "quoteBaseCurrency": row.asset,
        "quoteOrderCurrency": row.counter_asset,
        "baseCurrencyUnitPrice": parse_decimal(price) if price else None,
        "baseCurrencyTotalPrice": counter,
        "remarks": format(counter, "f"),
    }


def _deposit(session: Session, row: Activity, details: dict[str, Any]) -> dict[str, Any]:
    if row.asset == "TWD":
        told: dict[str, Any] = {"fromBank": _bank(details.get("from_bank"))}
        if row.status == "open":
            to_bank = details.get("to_bank") or {}
            told["toBank"] = {**_bank(to_bank), "expireTimestamp": to_bank.get("expires_at_ms")}
        return told
    return {**_transaction(session, row, details), "toReceiver": {}}


def _withdrawal(
    session: Session, row: Activity, details: dict[str, Any], banks: dict[int, bank_accounts.BankAccountView]
) -> dict[str, Any]:
    if row.asset != "TWD":
        receiver = {"name": details.get("address_name"), "address": details.get("address")}
        return {**_transaction(session, row, details), "toReceiver": receiver}
    bank = banks.get(details.get("bank_account_id", 0))
    if bank is None:
        return {"fromBank": {}, "toBank": _bank(None)}
    to_bank = {"code": bank.bank_code, "name": bank.full_name, "account": bank.account, "accountHolder": bank.holder}
    return {"fromBank": {}, "toBank": to_bank}


def _bank(kept: dict[str, Any] | None) -> dict[str, Any]:
    kept = kept or {}
    return {
        "code": kept.get("code"),
        "name": kept.get("name"),
        "account": kept.get("account"),
        "accountHolder": kept.get("holder"),
    }


def _transaction(session: Session, row: Activity, details: dict[str, Any]) -> dict[str, Any]:
    tx_hash, network = details.get("tx_hash"), details.get("network")
    if not tx_hash or network not in networks.ASSETS:
        return {"txHash": None, "txUrl": None}
    return {"txHash": tx_hash, "txUrl": networks.transaction_url(context(session).settings, network, tx_hash)}
