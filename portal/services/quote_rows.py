"""Quotes as rows: how one is read, and the statements under services/quotes.py, made once."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from portal.db import insert_statement
from portal.models.market import Price, Quote
from portal.services import pricing
from portal.services.pricing import Terms


@dataclass(frozen=True, slots=True)
class Held:
    """A quote as it stands: its terms, its life by the portal's clock, and what became of it."""

    id: int
    public_id: str
    side: str
    base_asset: str
    base_units: int
    order_units: int
    spread_units: int
    unit_price: Decimal
    market_price: Decimal
    spread_percent: Decimal
    given: str
    valid_ms: int
    status: str
    created_at: datetime
    expires_at: datetime
    closed_at: datetime | None

    @property
    def terms(self) -> Terms:
        """The agreed trade with its parts."""
        return pricing.settled(
            self.side, self.base_asset, self.base_units, self.order_units, self.unit_price, self.market_price,
            self.spread_percent,
        )  # fmt: skip


QUOTES: sa.Table = Quote.__table__
#: A quote's columns in the order of Held.
COLUMNS = (
    "id", "public_id", "side", "base_asset", "base_units", "order_units", "spread_units", "unit_price", "market_price",
    "spread_percent", "given", "valid_ms", "status", "created_at", "expires_at", "closed_at",
)  # fmt: skip
SELECTED = tuple(QUOTES.c[name] for name in COLUMNS)

_INSERTED = (
    "public_id", "customer_id", "side", "base_asset", "order_asset", "base_units", "order_units", "spread_units",
    "unit_price", "market_price", "spread_percent", "given", "valid_ms", "status", "created_at", "expires_at",
)  # fmt: skip
_TYPED: dict[str, Any] = {name: QUOTES.c[name].type for name in COLUMNS}

INSERT = insert_statement(Quote, _INSERTED)
INSERT_NUMBERED = insert_statement(Quote, (*_INSERTED, "id", "foreseen"))

_STOCK = (
    "(SELECT COALESCE(SUM(balance_units), 0) FROM accounts WHERE owner_kind = 'house' AND owner_id = 0"
    " AND bucket = 'inventory' AND asset = {asset})"
)

LOOK, LOOK_AND_NUMBER = (
    sa.text(
        "SELECT customers.standing, customers.kyc_level, customers.is_vip, customers.spread_override_bp, prices.price,"
        f" prices.at, {_STOCK.format(asset=':asset')} AS stock{more}"
        " FROM customers LEFT JOIN prices ON prices.symbol = :symbol WHERE customers.id = :customer_id"
    ).columns(price=Price.__table__.c.price.type, at=Price.__table__.c.at.type)
    for more in ("", ", nextval('quotes_id_seq')")
)


@lru_cache(maxsize=2)
def locked(dialect: str) -> sa.TextualSelect:
    """A customer's quote with all that accepting it asks, locked."""
    columns = ", ".join(f"quotes.{name}" for name in COLUMNS)
    statement = sa.text(
        f"SELECT {columns}, customers.standing, customers.kyc_level,"
        f" {_STOCK.format(asset='CASE quotes.side WHEN :buying THEN quotes.base_asset ELSE quotes.order_asset END')},"
        " (SELECT balance_units FROM accounts WHERE owner_kind = 'customer' AND owner_id = quotes.customer_id AND slot = 0"
        " AND bucket = 'available'"
        " AND asset = CASE quotes.side WHEN :buying THEN quotes.order_asset ELSE quotes.base_asset END)"
        " FROM quotes JOIN customers ON customers.id = quotes.customer_id"
        " WHERE quotes.public_id = :public_id AND quotes.customer_id = :customer_id"
        + ("" if dialect == "sqlite" else " FOR UPDATE OF quotes")
    )
    typed = {name: _TYPED[name] for name in COLUMNS}
    return statement.columns(**typed)
