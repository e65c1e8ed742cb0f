"""A payment that is about to be confirmed, with all that paying needs to know, by one statement."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import exchanges
from portal.db import now
from portal.errors import Refusal
from portal.models.customers import Customer
from portal.models.ledger import Account
from portal.models.merchant import StoreDay
from portal.models.stores import ShoppingOrder, Store
from portal.models.webhooks import WebhookEndpoint
from portal.services.activity import taipei_day


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look at a payment told beside it: what its customer has, and what the store's side need not ask again.

    `open_day` is the present day (Taipei) when the store's figures of it are begun.
    """

    purse_units: int
    open_day: str | None
    has_webhooks: bool


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment with its store."""

    order: ShoppingOrder
    store: Store
    seen: Seen | None = None


def look(session: Session, customer_id: int, store_public_id: str, order_public_id: str) -> tuple[Payment, str]:
    """The customer's payment in that very store, locked, and the number that got the code: all that paying needs, by one look.

    Its objects are made by hand and belong to no session. Raises Refusal `not_found`, `account_restricted`, `phone_missing`,
    `payment_closed` (the store is).
    """
    day = taipei_day(now(session))
    wanted = {"order_id": order_public_id, "customer_id": customer_id, "store_id": store_public_id, "day": day}
    found = exchanges.ask(session, _LOOK, wanted).rows
    if not found:
        raise Refusal("not_found")
    *facts, store_id, public_id, name, address, doors, standing, phone, proven_at, purse, day_is_open, has_webhooks = (
        found[0]
    )
    if standing != "normal":
        raise Refusal("account_restricted")
    if doors != "open":
        raise Refusal("payment_closed")
    if not phone or proven_at is None:
        raise Refusal("phone_missing")
    order = ShoppingOrder(**dict(zip(_ORDER_COLUMNS, facts, strict=True)))
    store = Store(id=store_id, public_id=public_id, name=name, address=address)
    return Payment(order, store, Seen(int(purse or 0), day if day_is_open else None, bool(has_webhooks))), phone


_ORDERS, _STORES, _CUSTOMERS = (model.__table__ for model in (ShoppingOrder, Store, Customer))
_ORDER_COLUMNS = tuple(column.name for column in _ORDERS.c if column.name != "foreseen")

#: Made once: every confirmation at a counter begins with it.
_LOOK = (
    sa.select(
        *(_ORDERS.c[name].label(f"order_{name}") for name in _ORDER_COLUMNS),
        _STORES.c.id,
        _STORES.c.public_id,
        _STORES.c.name,
        _STORES.c.address,
        _STORES.c.standing.label("store_standing"),
        _CUSTOMERS.c.standing,
        _CUSTOMERS.c.phone,
        _CUSTOMERS.c.phone_verified_at,
        sa.select(Account.balance_units)
        .where(
            Account.owner_kind == "customer", Account.owner_id == _ORDERS.c.customer_id, Account.asset == "TWIP",
            Account.bucket == "available", Account.slot == 0,
        )
        .scalar_subquery()
        .label("purse"),
        sa.exists().where(StoreDay.store_id == _ORDERS.c.store_id, StoreDay.day == sa.bindparam("day")).label("day_is_open"),
        sa.exists()
        .where(
            WebhookEndpoint.owner_kind == "store", WebhookEndpoint.owner_id == _ORDERS.c.store_id,
            WebhookEndpoint.disabled_at.is_(None),
        )
        .label("has_webhooks"),
    )
    .join_from(_ORDERS, _STORES, _STORES.c.id == _ORDERS.c.store_id)
    .join(_CUSTOMERS, _CUSTOMERS.c.id == _ORDERS.c.customer_id)
    .where(
        _ORDERS.c.public_id == sa.bindparam("order_id"),
        _ORDERS.c.customer_id == sa.bindparam("customer_id"),
        _STORES.c.public_id == sa.bindparam("store_id"),
    )
    .with_for_update(of=_ORDERS)
)  # fmt: skip
