"""Prices as staff see them: what is in force, what was not believed, and how a leap is believed by two people."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import now
from portal.errors import N_, Refusal, declare
from portal.models.market import Price, PriceLeap
from portal.money import AmountError, parse_decimal
from portal.permissions import SETTINGS_APPROVE, SETTINGS_CHANGE
from portal.services import approvals, prices, staff_counts

KIND = "price.believe"

declare({"price_invalid": N_("Enter a price above zero in plain digits.")})


@dataclass(frozen=True, slots=True)
class Market:
    """A market: the price in force, its source and age in seconds, and the newest leap that was not believed."""

    symbol: str
    price: Decimal | None
    source: str
    at: datetime | None
    stale: bool
    leap: PriceLeap | None


def markets(session: Session) -> list[Market]:
    """Every market that is traded."""
    present = {row.symbol: row for row in session.scalars(sa.select(Price))}
    leaps = {row.symbol: row for row in session.scalars(sa.select(PriceLeap))}
    found = []
    for asset in prices.MARKETS:
        symbol = prices.symbol_of(asset)
        row = present.get(symbol)
        found.append(
            Market(
                symbol,
                row.price if row else None,
                row.source if row else "",
                row.at if row else None,
                not _is_fresh(session, row),
                leaps.get(symbol),
            )
        )
    return found


def _is_fresh(session: Session, row: Price | None) -> bool:
    try:
        prices.fresh(session, row.price if row else None, row.at if row else None)
    except Refusal:
        return False
    return True


def proposal(symbol: str, typed: str) -> tuple[str, dict[str, Any]]:
    """Subject and payload of a proposal to believe a price. Raises Refusal `price_invalid`."""
    return f"price:{symbol}"[:200], {"symbol": symbol, "price": format(_price(typed), "f")}


def _price(text: str) -> Decimal:
    try:
        price = parse_decimal(text.strip())
    except AmountError as error:
        raise Refusal("price_invalid", field="price") from error
    if not 0 < price < Decimal(10) ** 12:
        raise Refusal("price_invalid", field="price")
    return price


@approvals.declare_kind(KIND, N_("Believe a price"), propose=SETTINGS_CHANGE, approve=SETTINGS_APPROVE)
def carry_out(session: Session, payload: Mapping[str, Any], actor: str, reference: str) -> dict[str, Any]:
    """Puts a price in force from which the feed goes on. Raises Refusal `currency_unknown`, `price_invalid`."""
    if payload["symbol"] not in {prices.symbol_of(asset) for asset in prices.MARKETS}:
        raise Refusal("currency_unknown", field="symbol")
    prices.believe(session, payload["symbol"], _price(str(payload["price"])), actor)
    return {"at": now(session).isoformat()}


staff_counts.declare("prices", SETTINGS_CHANGE, lambda _: sa.select(sa.literal(1)).select_from(PriceLeap))
