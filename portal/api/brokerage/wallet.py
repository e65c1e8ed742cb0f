"""The wallet in the brokerage family: balances, ways to deposit, history."""

import re
from datetime import date
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from portal.api import parsing
from portal.api.brokerage import history_rows
from portal.api.brokerage.family import family
from portal.api.family import Call
from portal.clock import to_ms
from portal.errors import N_, Refusal, declare
from portal.models.customers import Customer
from portal.models.wallet import DepositAddress
from portal.money import parse_units, to_decimal
from portal.services import addresses, bank_deposits, history, networks, parameters, prices, wallet
from portal.services.bank_deposits import DepositWay
from portal.services.history import Filters
from portal.services.sessions import SignedIn

#: Enum currency_type.
CURRENCY_TYPE = {"TWD": 1, "ETH": 2, "USDT": 3}

#: Addresses open with KYC level 1 (enum kyc_level).
ADDRESS_LEVEL = 1

LARGEST_PAGE = 500
MOST_AUDIT_IDS = 100
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

declare({"history_query_invalid": N_("This filter cannot be read.")})


class CurrencyQuery(parsing.Model):
    """A currency; TWD when none is given (reading B25)."""

    currency: str = "TWD"


class DepositQuery(parsing.Model):
    """The currency to deposit."""

    currency: str


class AddressBody(parsing.Model):
    """Coin and network, such as `USDT-ERC20`."""

    coinNetwork: str | None = None


class HistoryQuery(parsing.Model):
    """Filters of the history; `query` may be repeated or separated by commas."""

    query: str | None = None
    startDate: str | None = None
    endDate: str | None = None
    pageSize: str = "10"
    pageNum: str = "1"
    isTxn: str | None = None
    auditIds: str | None = None


@family.route(
    "GET", "/wallet/balance", "wallet_balance", auth="session", summary="Balances and their worth", query=CurrencyQuery,
    errors=("currency_unknown", "price_unknown"),
)  # fmt: skip
def wallet_balance(call: Call[SignedIn]) -> Any:
    """Balances; `total` is the sum of total × convertRate (reading B41)."""
    return call.look(_balance, call.caller.customer_id, call.query.currency)


def _balance(session: Session, customer_id: int, currency: str) -> dict[str, Any]:
    rates = wallet.convert_rates(session, currency)
    rows = []
    total = to_decimal(0, "TWD")
    for holding in wallet.overview(session, customer_id, wallet.BROKERAGE).holdings:
        rows.append(
            {
                "currency": holding.asset,
                "total": to_decimal(holding.total, holding.asset),
                "available": to_decimal(holding.available, holding.asset),
                "frozen": to_decimal(holding.frozen, holding.asset),
                "convertRate": rates[holding.asset],
                "type": CURRENCY_TYPE[holding.asset],
            }
        )
        total += to_decimal(holding.total, holding.asset) * rates[holding.asset]
    return {"total": total, "balance": rows}


@family.route(
    "GET", "/wallet/pre_deposit", "pre_deposit", auth="session", summary="Where to send a deposit, and its limits",
    query=DepositQuery, errors=("currency_unknown", "bank_account_missing", "deposit_not_allowed"),
)  # fmt: skip
def pre_deposit(call: Call[SignedIn]) -> Any:
    """For TWD the caller's virtual account beside each own bank account; for crypto the limits alone."""
    currency = call.query.currency
    if currency == "TWD":
        return call.change(_ways_in, bank_deposits.way_in, call.caller.customer_id)
    prices.symbol_of(currency)
    rule = call.look(parameters.get, f"deposit.crypto.{currency}")
    return [
        {
            "dailyAccumulated": to_decimal(parse_units(rule["per_day"], currency), currency),
            "monthlyAccumulated": to_decimal(parse_units(rule["per_month"], currency), currency),
        }
    ]


def _ways_in(way: DepositWay) -> list[dict[str, Any]]:
    return [
        {
            "bank": {"code": bank.bank_code, "name": bank.bank_name, "account": f"****{bank.tail}"},
            "virtualBank": {
                "code": way.account.bank_code,
                "name": way.bank_name,
                "branchCode": way.account.branch_code,
                "branchName": way.branch_name,
                "account": way.account.account,
                "accountHolder": way.holder,
            },
            "dailyAccumulated": to_decimal(way.limit.per_day, "TWD"),
            "monthlyAccumulated": to_decimal(way.limit.per_month, "TWD"),
        }
        for bank in way.own_banks
    ]


@family.route(
    "POST", "/wallet/address", "get_or_create_address", auth="session", summary="A deposit address", body=AddressBody,
    errors=("currency_unknown", "address_unavailable", "deposits_paused", "deposit_not_allowed"),
)  # fmt: skip
def get_or_create_address(call: Call[SignedIn]) -> Any:
    """The caller's address for a coin and network, made on first use."""
    wanted = call.body.coinNetwork or "USDT-ERC20"
    return call.change(lambda found: _address(found[0]), _addresses, call.caller.customer_id, [wanted])


@family.route(
    "POST", "/wallet/addresses", "get_or_create_addresses", auth="session", summary="Deposit addresses",
    body=AddressBody, errors=("currency_unknown", "address_unavailable", "deposits_paused", "deposit_not_allowed"),
)  # fmt: skip
def get_or_create_addresses(call: Call[SignedIn]) -> Any:
    """The caller's addresses for several coins and networks."""
    text = call.body.coinNetwork or "USDT-ERC20,USDT-TRC20"
    wanted = list(dict.fromkeys(part.strip() for part in text.split(",")))
    return call.change(lambda found: [_address(one) for one in found], _addresses, call.caller.customer_id, wanted)


def _addresses(session: Session, customer_id: int, coin_networks: list[str]) -> list[DepositAddress]:
    wanted = [networks.coin_network(text) for text in coin_networks]
    customer = session.get_one(Customer, customer_id)
    if customer.standing != "normal" or customer.kyc_level < ADDRESS_LEVEL:
        raise Refusal("deposit_not_allowed", level=ADDRESS_LEVEL)
    return [addresses.to_deposit(session, "customer", customer_id, network, [asset]) for asset, network in wanted]


def _address(found: DepositAddress) -> dict[str, Any]:
    return {
        "address": found.address,
        "paymentWay": networks.WAY_OF[found.network],
        "time": to_ms(found.created_at),
    }


@family.route(
    "GET", "/wallet/historyList", "wallet_history", auth="session", summary="Everything that moved the balance",
    query=HistoryQuery, errors=("history_query_invalid", "currency_unknown"),
)  # fmt: skip
def wallet_history(call: Call[SignedIn]) -> Any:
    """A page of the history, newest first."""
    query: HistoryQuery = call.query
    size = _whole(query.pageSize, LARGEST_PAGE)
    number = _whole(query.pageNum, 10**7)
    filters = Filters(
        kinds=_kinds(query.isTxn),
        assets=wallet.BROKERAGE,
        pairs=_pairs(request.args.getlist("query")),
        first_day=_day(query.startDate),
        last_day=_day(query.endDate),
        public_ids=_audit_ids(query.auditIds),
    )
    found = call.look(history.numbered_page, call.caller.customer_id, filters, number, size)
    return {
        "totalRows": found.total,
        "pageSize": size,
        "currentPage": number,
        "totalPages": found.pages,
        "data": call.look(history_rows.present, found.rows, call.caller.customer_id),
    }


def _whole(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= most):
        raise Refusal("history_query_invalid")
    return int(text)


def _kinds(is_transaction: str | None) -> tuple[str, ...]:
    """True is trades, false is all the rest, absent is both (reading B27)."""
    if not is_transaction:
        return history_rows.ALL_KINDS
    if is_transaction.lower() not in ("true", "false"):
        raise Refusal("history_query_invalid")
    return history_rows.TRADES if is_transaction.lower() == "true" else history_rows.MOVES


def _pairs(texts: list[str]) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for text in filter(None, (part.strip() for joined in texts for part in joined.split(","))):
        currency, dash, number = text.rpartition("-")
        if not dash or number not in history_rows.KINDS_OF_TYPE:
            raise Refusal("history_query_invalid")
        if currency not in wallet.BROKERAGE:
            raise Refusal("currency_unknown", field="query")
        found += [(currency, kind) for kind in history_rows.KINDS_OF_TYPE[number]]
    return tuple(dict.fromkeys(found))


def _day(text: str | None) -> str | None:
    if not text:
        return None
    if not _DAY.fullmatch(text):
        raise Refusal("history_query_invalid")
    try:
        date.fromisoformat(text)
    except ValueError as error:
        raise Refusal("history_query_invalid") from error
    return text


def _audit_ids(text: str | None) -> tuple[str, ...] | None:
    if not text:
        return None
    wanted = tuple(dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))))
    if len(wanted) > MOST_AUDIT_IDS:
        raise Refusal("history_query_invalid")
    return wanted
