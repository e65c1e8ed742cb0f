"""Accepting a quote or paying at a counter by one call of the database, where everything is as it was foreseen.

The rules stay in services/quotes.py and services/payments.py: what is written was worked out there beforehand, and nothing is
decided here. Unless the database finds the thing, its customer, their session, stock, code and balance as they must be, it
does nothing, and the services decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from portal import exchanges
from portal.db import Database, may_run_again, now_of, was_claimed
from portal.models.market import Quote
from portal.services import codes, idempotency, payments, quote_rows, quotes, sessions
from portal.services.activity import taipei_day
from portal.services.quote_rows import Held
from portal.wire import Answer


def accept(db: Database, token: str, key: idempotency.Key, customer_id: int, public_id: str) -> Held | None:
    """Executes a customer's quote for whoever holds the session's token, and keeps under the request's key which it was.

    None, with nothing done, when anything is not as foreseen, and on SQLite. Raises Refusal `input_invalid` for an
    unusable key.
    """
    moment = now_of(db)
    wanted = {"public_id": public_id, "level": quotes.LEVEL}
    found = _carry_out(db, _ACCEPT, moment, token, key, customer_id, wanted)
    if found is None or not found.rows:
        return None
    return replace(Held(*found.rows[0]), status="executed", closed_at=moment)


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment that was made, with its store; the amount in TWIP units."""

    id: str
    store: str
    name: str
    address: str | None
    amount_units: int
    created_at: datetime


def pay(
    db: Database,
    token: str,
    key: idempotency.Key,
    customer_id: int,
    store_public_id: str,
    order_public_id: str,
    otp: str,
) -> Paid | None:
    """Proves a payment's code and pays, for whoever holds the session's token; keeps the facts under the request's key.

    None, with nothing done, when anything is not as foreseen, the code included, and on SQLite. Raises Refusal
    `input_invalid` for an unusable key.
    """
    assert db.context is not None
    subject = payments.subject_of(order_public_id)
    phone = sessions.phone_of(db, customer_id)
    wanted = {
        "public_id": order_public_id,
        "store_id": store_public_id,
        "purpose": payments.PURPOSE,
        "subject": subject,
        "code": codes.digest_of(db.context, payments.PURPOSE, subject, phone, otp),
        "most": codes.MAX_TRIES,
    }
    found = _carry_out(db, _PAY, now_of(db), token, key, customer_id, wanted)
    if found is None or found.rows[0][0] is None:
        sessions.forget_phone(db, customer_id)
        return None
    return paid(found.rows[0][0])


def paid(facts: Mapping[str, Any]) -> Paid:
    """The payment whose facts were kept."""
    return Paid(**{**facts, "created_at": datetime.fromisoformat(facts["created_at"])})


def _carry_out(
    db: Database,
    statement: sa.TextClause,
    moment: datetime,
    token: str,
    key: idempotency.Key,
    customer_id: int,
    more: Mapping[str, Any],
) -> Answer | None:
    wanted = {
        **idempotency.place_of(db, key),
        **more,
        "customer_id": customer_id,
        "digest": sessions.digest_of(token),
        "moment": moment,
        "day": taipei_day(moment),
    }
    try:
        return exchanges.alone(db.engine, statement, wanted)
    except DBAPIError as error:
        # A balance that does not suffice, a key that was used, a row that is held for too long, a lost connection: looking
        # again tells which. Should it have been carried out after all, the thing itself says so.
        if not (may_run_again(error) or was_claimed(error) or error.connection_invalidated):
            raise
        return None


_QUOTES: sa.Table = Quote.__table__
_WHO_AND_WHEN = "CAST(:customer_id AS BIGINT), :digest, :moment, :day"
_KEY = ":scope, :key, :fingerprint"
_MOMENT = sa.bindparam("moment", type_=_QUOTES.c.closed_at.type)

#: The quote's row is read as it was before: it is only the outcome that differs.
_ACCEPT: Any = (
    sa.text(
        f"SELECT {', '.join(f'quotes.{name}' for name in quote_rows.COLUMNS)}"
        f" FROM accept_foreseen(:public_id, {_WHO_AND_WHEN}, CAST(:level AS INT), {_KEY}) AS done (id)"
        " JOIN quotes ON quotes.id = done.id"
    )
    .bindparams(_MOMENT)
    .columns(**{name: _QUOTES.c[name].type for name in quote_rows.COLUMNS})
)

_PAY = sa.text(
    f"SELECT pay_foreseen(:public_id, :store_id, {_WHO_AND_WHEN}, :purpose, :subject, :code, CAST(:most AS INT), {_KEY})"
).bindparams(_MOMENT)
