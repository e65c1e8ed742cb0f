"""Vouchers from the chain. Contract: deposit_wallet, list_deposits, get_deposit."""

from typing import Any

from sqlalchemy.orm import Session

from portal.api.family import Call
from portal.api.voucher import paging, present
from portal.api.voucher.family import Page, PageQuery, route
from portal.http import portal
from portal.models.wallet import Deposit, DepositAddress
from portal.services import addresses, voucher_deposits
from portal.services.networks import TRON
from portal.services.swaps import ASSETS


@route(
    "GET", "/deposits/wallet/<currency>", "deposit_wallet", "user", summary="The customer's TRON address",
    errors=("account_invalid_wallet",),
)  # fmt: skip
def deposit_wallet(call: Call[Any], currency: str) -> list[dict[str, Any]]:
    # Whatever the currency, it is the TRON address (reading V31); made on the first look.
    found: DepositAddress = portal().db.transact(
        addresses.to_deposit, "customer", call.caller.customer_id, TRON, ASSETS
    )
    return [{"network": found.network, "address": found.address}]


@route("GET", "/deposits", "list_deposits", "user", query=PageQuery, summary="Deposits of vouchers, newest first")
def list_deposits(call: Call[Any]) -> Page:
    query = voucher_deposits.of_customer(call.caller.customer_id)
    return call.look(paging.read, query, Deposit.id, call.query.number, _deposits)


def _deposits(session: Session, rows: list[Deposit]) -> list[Any]:
    return [present.deposit(row) for row in rows]


@route("GET", "/deposits/<deposit>", "get_deposit", "user", summary="One deposit", errors=("resource_missing",))
def get_deposit(call: Call[Any], deposit: str) -> dict[str, Any]:
    return present.deposit(call.look(voucher_deposits.find, call.caller.customer_id, deposit))
