"""Accepting a quote by one call of the database, where everything is as it was foreseen when the price was held.

The rules stay in services/quotes.py: what is written was worked out there with the quote, and nothing is decided here. Unless
the database finds quote, customer, session, stock and balance as they must be, it does nothing, and `quotes.accept` decides.
"""

from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from portal import exchanges
from portal.db import Database, may_run_again, was_claimed
from portal.models.market import Quote
from portal.services import idempotency, quotes, sessions
from portal.services.activity import taipei_day
from portal.services.quotes import Held


def accept(db: Database, token: str, key: idempotency.Key, customer_id: int, public_id: str) -> Held | None:
    """Executes a customer's quote for whoever holds the session's token, and keeps under the request's key which it was.

    None, with nothing done, when anything is not as foreseen, and on SQLite. Raises Refusal `input_invalid` for an
    unusable key.
    """
    assert db.context is not None
    moment = db.context.clock.now()
    wanted = {
        **idempotency.place_of(db, key),
        "public_id": public_id,
        "customer_id": customer_id,
        "token_digest": sessions.digest_of(token),
        "moment": moment,
        "day": taipei_day(moment),
        "level": quotes.LEVEL,
    }
    try:
        found = exchanges.alone(db.engine, _ACCEPT, wanted)
    except DBAPIError as error:
        # A balance that does not suffice, a key that was used, a row that is held for too long, a lost connection: looking
        # again tells which. Should the acceptance have been carried out after all, the quote says so.
        if not (may_run_again(error) or was_claimed(error) or error.connection_invalidated):
            raise
        return None
    if found is None or not found.rows:
        return None
    return replace(Held(*found.rows[0]), status="executed", closed_at=moment)


_QUOTES: sa.Table = Quote.__table__

#: The quote's row is read as it was before: it is only the outcome that differs.
_ACCEPT = sa.text(
    f"SELECT {', '.join(f'quotes.{name}' for name in quotes.COLUMNS)}"
    " FROM accept_foreseen(:public_id, CAST(:customer_id AS BIGINT), :token_digest, :moment, :day, CAST(:level AS INT),"
    " :scope, :key, :fingerprint) AS done (id) JOIN quotes ON quotes.id = done.id"
).bindparams(sa.bindparam("moment", type_=_QUOTES.c.closed_at.type)).columns(
    **{name: _QUOTES.c[name].type for name in quotes.COLUMNS}
)  # fmt: skip
