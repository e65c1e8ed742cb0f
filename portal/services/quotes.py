"""Quotes: a price held for a moment, accepted at most once (brokerage contract: trade/quote, trade/accept).

The hot path of the portal: `offer` and `accept` are a small, fixed number of plain statements, counted in the tests.
The house is the counterparty in both assets; it may be short of an asset up to the exposure that a rule allows.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import exchanges, ledger, states
from portal.db import insert_row, now
from portal.errors import N_, Refusal, declare
from portal.ledger import Line
from portal.machines.quotes import QUOTE
from portal.models.columns import new_public_id
from portal.models.customers import Customer
from portal.models.market import Quote
from portal.models.system import Notification
from portal.money import AmountError, parse_units
from portal.services import (
    activity,
    jobs,
    messages,
    notifications,
    offering,
    parameters,
    prices,
    pricing,
    quote_rows,
    references,
)
from portal.services.notifications import Event
from portal.services.pricing import BASE, BUY, ORDER, ORDER_ASSET, SELL, Terms
from portal.services.quote_rows import Held as Held

#: Trading opens with KYC level 2 (brokerage contract, enum kyc_level).
LEVEL = 2

#: The job by which a receipt is mailed after a trade.
RECEIPT = "trade receipt"

#: Amounts are plain decimal text. Limits are in the base asset (pre_exchange). `exposure` is how far below zero the
#: house's inventory of an asset may go before a trade is refused whole.
parameters.declare(
    "trading",
    {
        "quote_valid_ms": 10_000,
        "spread_percent": "0.1",
        "vip_spread_percent": "0.05",
        "limits": {"USDT": {"min": "5", "max": "30000"}, "ETH": {"min": "0.005", "max": "10"}},
        "exposure": {"USDT": "5000000", "ETH": "2000", "TWD": "200000000"},
    },
)

declare(
    {
        "side_invalid": N_("Choose whether to buy or to sell."),
        "one_amount": N_("Give one of the two amounts, not both and not none."),
        "trading_not_allowed": N_("Your account may not trade yet."),
        "stock_short": N_("We cannot fill an order of this size right now. Please try a smaller amount."),
    }
)

notifications.declare(
    {
        "bought": Event("trading", N_("Bought"), N_("%(got)s for %(paid)s."), mail=False, icon="arrow-down"),
        "sold": Event("trading", N_("Sold"), N_("%(paid)s for %(got)s."), mail=False, icon="arrow-up"),
    }
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Least and most of one trade, in ledger units of the base asset."""

    least: int
    most: int


def limits(session: Session, base_asset: str) -> Limits:
    """The bounds of one trade. Raises Refusal `currency_unknown`."""
    known = parameters.get(session, "trading")["limits"]
    if base_asset not in known:
        raise Refusal("currency_unknown", field="currency")
    return Limits(parse_units(known[base_asset]["min"], base_asset), parse_units(known[base_asset]["max"], base_asset))


def spread_percent(session: Session, is_vip: bool, override_bp: int | None) -> Decimal:
    """A customer's spread in percent: agreed with them, a VIP's, or everybody's."""
    if override_bp is not None:
        return Decimal(override_bp) / 100
    rule = parameters.get(session, "trading")
    return Decimal(str(rule["vip_spread_percent" if is_vip else "spread_percent"]))


def amount(base_asset: str, in_base: object, in_order: object) -> tuple[str, int]:
    """Reads the one amount that was given: (`base` or `order`, ledger units).

    Raises Refusal `one_amount`, `amount_invalid` or `amount_too_precise` with the field it belongs to.
    """
    if (in_base is None) == (in_order is None):
        raise Refusal("one_amount", field="quoteAmountInBase")
    given, value, asset = (ORDER, in_order, ORDER_ASSET) if in_base is None else (BASE, in_base, base_asset)
    field = "quoteAmountInBase" if given == BASE else "quoteAmountInOrder"
    try:
        units = parse_units(value, asset)
    except AmountError as error:
        name = {"too_precise": "amount_too_precise", "too_large": "amount_out_of_range"}.get(
            error.reason, "amount_invalid"
        )
        raise Refusal(name, field=field) from error
    if units == 0:
        raise Refusal("amount_out_of_range", field=field)
    return given, units


def indicate(session: Session, customer_id: int, side: str, base_asset: str, given: str, units: int) -> Terms:
    """What a trade would cost now, without holding the price; refused like `offer`."""
    return _terms(session, customer_id, side, base_asset, given, units)[0]


def offer(session: Session, customer_id: int, side: str, base_asset: str, given: str, units: int) -> Held:
    """Holds a price for a customer. Two statements: one look, one INSERT.

    Raises Refusal `side_invalid`, `currency_unknown`, `trading_paused`, `trading_not_allowed` (standing or KYC level), `amount_out_of_range`
    (facts: min_units, max_units), `stock_short`, `price_unknown` or `price_stale`.
    """
    numbered = session.get_bind().dialect.name != "sqlite"
    agreed, spread, number = _terms(session, customer_id, side, base_asset, given, units, numbered=numbered)
    moment = now(session)
    # The contract tells the quote's time in whole milliseconds; its end is counted from the same.
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    valid_ms = int(parameters.get(session, "trading")["quote_valid_ms"])
    row: dict[str, Any] = {
        "public_id": new_public_id(),
        "customer_id": customer_id,
        "side": side,
        "base_asset": base_asset,
        "order_asset": ORDER_ASSET,
        "base_units": agreed.base_units,
        "order_units": agreed.order_units,
        "spread_units": agreed.spread_units,
        "unit_price": agreed.unit_price,
        "market_price": agreed.market_price,
        "spread_percent": spread,
        "given": given,
        "valid_ms": valid_ms,
        "status": QUOTE.start,
        "created_at": moment,
        "expires_at": moment + timedelta(milliseconds=valid_ms),
    }
    names = ("customer_id", "order_asset")
    held = Held(id=number or 0, closed_at=None, **{name: value for name, value in row.items() if name not in names})
    if number is None:
        exchanges.later(session, quote_rows.INSERT, row)
    else:
        exchanges.later(
            session,
            quote_rows.INSERT_NUMBERED,
            {**row, "id": number, "foreseen": _foreseen(session, customer_id, held)},
        )
    exchanges.need_not_last(session)
    return held


def accept(session: Session, customer_id: int, public_id: str) -> Held:
    """Executes a quote, once; a repeat answers what became of it the first time.

    The answer's status is `executed`, `expired` (by the portal's clock, or the stock has run short) or `unfunded` (the
    balance did not suffice). Raises Refusal `not_found` for a missing or foreign quote, `trading_not_allowed`.
    """
    dialect = session.get_bind().dialect.name
    wanted = {"public_id": public_id, "customer_id": customer_id, "buying": BUY}
    found = exchanges.ask(session, quote_rows.locked(dialect), wanted).rows
    if not found:
        raise Refusal("not_found", field="quoteId")
    *facts, standing, kyc_level, stock, purse = found[0]
    quote = Held(*facts)
    if quote.status != QUOTE.start:
        return quote
    _may_trade(standing, kyc_level)
    moment = now(session)
    if moment >= quote.expires_at:
        return _close(session, quote, "expired", customer_id, moment, "the price had run out")
    if not _in_stock(session, quote.terms, int(stock)):
        return _close(session, quote, "expired", customer_id, moment, "the stock had run short")
    try:
        lines = _lines(customer_id, quote.terms)
        paying = _available(customer_id, ORDER_ASSET if quote.side == BUY else quote.base_asset)
        seen = {paying: int(purse or 0)}
        ledger.post_seen(session, quote.side, f"quote:{quote.id}", lines, seen, actor=f"customer:{customer_id}")
    except Refusal as refusal:
        if refusal.name != "insufficient_balance":
            raise
        return _close(session, quote, "unfunded", customer_id, moment, "the balance was too low")
    _history(session, customer_id, quote, moment)
    _tell(session, customer_id, quote, moment)
    jobs.enqueue(session, RECEIPT, _receipt(customer_id, quote))
    return _close(session, quote, "executed", customer_id, moment)


def of_customer(session: Session, customer_id: int, public_id: str) -> Held:
    """A customer's quote as it stands. Raises Refusal `not_found` for a missing or foreign one."""
    query = sa.select(*quote_rows.SELECTED).where(
        quote_rows.QUOTES.c.public_id == public_id, quote_rows.QUOTES.c.customer_id == customer_id
    )
    row = session.execute(query).first()
    if row is None:
        raise Refusal("not_found", field="quoteId")
    return Held(*row)


def _terms(
    session: Session, customer_id: int, side: str, base_asset: str, given: str, units: int, *, numbered: bool = False
) -> tuple[Terms, Decimal, int | None]:
    """The terms, the spread in percent and, if the quote is to be `numbered` before it is written, its row number."""
    if side not in (BUY, SELL):
        raise Refusal("side_invalid", field="side")
    bounds = limits(session, base_asset)
    offering.check(session, offering.TRADING, base_asset, field="currency")
    wanted = {
        "customer_id": customer_id,
        "symbol": prices.symbol_of(base_asset),
        "asset": base_asset if side == BUY else ORDER_ASSET,
    }
    found = exchanges.ask(session, quote_rows.LOOK_AND_NUMBER if numbered else quote_rows.LOOK, wanted).rows[0]
    standing, kyc_level, is_vip, override_bp, price, at, stock, *number = found
    _may_trade(standing, kyc_level)
    market = prices.fresh(session, price, at)
    spread = spread_percent(session, bool(is_vip), override_bp)
    agreed = pricing.terms(side, base_asset, given, units, market, spread)
    if not bounds.least <= agreed.base_units <= bounds.most or agreed.order_units <= 0:
        field = "quoteAmountInBase" if given == BASE else "quoteAmountInOrder"
        raise Refusal(
            "amount_out_of_range", field=field, min_units=bounds.least, max_units=bounds.most, asset=base_asset
        )
    if not _in_stock(session, agreed, int(stock)):
        raise Refusal("stock_short")
    return agreed, spread, number[0] if number else None


def _may_trade(standing: str, kyc_level: int) -> None:
    if standing != "normal" or kyc_level < LEVEL:
        raise Refusal("trading_not_allowed", level=LEVEL, standing=standing)


def _in_stock(session: Session, agreed: Terms, stock_units: int) -> bool:
    """Whether the house may give what the trade takes from its inventory."""
    return stock_units >= _least_stock(session, agreed)[1]


def _least_stock(session: Session, agreed: Terms) -> tuple[str, int]:
    """What the house must have in stock for the trade: asset and units."""
    asset, units = (agreed.base_asset, agreed.base_units) if agreed.side == BUY else (ORDER_ASSET, agreed.fair_units)
    return asset, units - _exposure(str(parameters.get(session, "trading")["exposure"][asset]), asset)


@lru_cache(maxsize=64)
def _exposure(text: str, asset: str) -> int:
    return parse_units(text, asset)


def _lines(customer_id: int, agreed: Terms) -> list[Line]:
    """The journal of a trade: the customer's two legs against the house's inventory, and the house's income."""
    sign = 1 if agreed.side == BUY else -1
    base, order = agreed.base_asset, ORDER_ASSET
    lines = [
        (_available(customer_id, order), -sign * agreed.order_units),
        (_available(customer_id, base), sign * agreed.base_units),
        (_house("inventory", base), -sign * agreed.base_units),
        (_house("inventory", order), sign * agreed.fair_units),
        (_house("spread", order), agreed.spread_units),
        (_house("rounding", order), agreed.rounding_units),
    ]
    return [Line(account, units) for account, units in lines if units]


_available = ledger.customer_available
_house = lru_cache(maxsize=64)(ledger.house)


def _close(session: Session, quote: Held, to: str, customer_id: int, moment: datetime, why: str | None = None) -> Held:
    also = {"closed_at": moment, "foreseen": None}
    states.shift(session, QUOTE, Quote, quote.id, quote.status, to, f"customer:{customer_id}", why, **also)
    return replace(quote, status=to, closed_at=moment)


def _history(session: Session, customer_id: int, quote: Held, moment: datetime) -> None:
    activity.record(
        session,
        customer_id,
        quote.side,
        asset=quote.base_asset,
        amount_units=quote.base_units,
        counter_asset=ORDER_ASSET,
        counter_units=quote.order_units,
        status="executed",
        subject_kind="quote",
        subject_id=quote.id,
        public_id=quote.public_id,
        **_shown(quote, moment),
    )


def _shown(quote: Held, moment: datetime) -> dict[str, Any]:
    """What the line of history shows besides the amounts."""
    return {
        "direction": "in" if quote.side == BUY else "out",
        "reference": references.of_row("quote", moment, quote.id),
        "details": {"unit_price": format(quote.unit_price, "f"), "market_price": format(quote.market_price, "f")},
    }


def _foreseen(session: Session, customer_id: int, quote: Held) -> dict[str, Any] | None:
    """What accepting the quote on the day it was made will write, for the database's `accept_foreseen` (migration 0005)."""
    agreed = quote.terms
    lines = ledger.foreseen(session, _lines(customer_id, agreed))
    if lines is None:
        return None
    stock, least = _least_stock(session, agreed)
    return {
        **lines,
        **_shown(quote, quote.created_at),
        **_news(quote),
        "day": activity.taipei_day(quote.created_at),
        "stock": stock,
        "least": least,
        "actor": f"customer:{customer_id}",
        "job": RECEIPT,
        "payload": _receipt(customer_id, quote),
        "attempts": jobs.MAX_ATTEMPTS,
    }


def _receipt(customer_id: int, quote: Held) -> dict[str, Any]:
    return {"quote": quote.public_id, "customer_id": customer_id}


def _tell(session: Session, customer_id: int, quote: Held, moment: datetime) -> None:
    """The line in the customer's list, written by one statement; the worker mails the receipt."""
    insert_row(session, Notification, {"customer_id": customer_id, "created_at": moment, **_news(quote)})


def _news(quote: Held) -> dict[str, Any]:
    base, order = (quote.base_units, quote.base_asset), (quote.order_units, ORDER_ASSET)
    paid, got = (order, base) if quote.side == BUY else (base, order)
    return {
        "event": "bought" if quote.side == BUY else "sold",
        "facts": {"paid": notifications.amount(*paid), "got": notifications.amount(*got)},
        "link": f"/wallet/history/{quote.public_id}",
    }


def mail_receipt(session: Session, customer_id: int, public_id: str) -> None:
    """Queues the receipt's mail, once, for a customer who wants mail about trades."""
    customer = session.get(Customer, customer_id)
    if customer is None or not customer.email or not notifications.wants_mail(customer, "trading"):
        return
    news = _news(of_customer(session, customer_id, public_id))
    content = {"event": news["event"], "notice_facts": news["facts"], "link": news["link"]}
    key = f"receipt:{public_id}"
    messages.mail(session, customer.email, "notification", customer.locale, content, unique_key=key)
