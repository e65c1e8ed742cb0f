"""A store's takings day by day: counted up with every payment, refund and settlement, never summed up for a page.

Days are Taipei's. A day's row is written after the ledger's journal, under the store's lock, so that its opening balance
is exact.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import exchanges, ledger
from portal.db import insert_if_absent, now
from portal.errors import Refusal
from portal.models.merchant import StoreDay
from portal.services.activity import TAIPEI, taipei_day

_COUNTED = (
    "payments", "bill_units", "discount_units", "paid_units", "refunds", "refunded_units", "settlements", "settled_units",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Day:
    """A day's figures in TWIP units; `closing_units` is what the store had at its end (now, for today).

    `other_units` is what came or went in another way, such as vouchers sent to the store's own address.
    """

    day: str
    opening_units: int = 0
    payments: int = 0
    bill_units: int = 0
    discount_units: int = 0
    paid_units: int = 0
    refunds: int = 0
    refunded_units: int = 0
    settlements: int = 0
    settled_units: int = 0
    closing_units: int = 0

    @property
    def net_units(self) -> int:
        """What was taken and not given back."""
        return self.paid_units - self.refunded_units

    @property
    def other_units(self) -> int:
        """What changed the balance besides payments, refunds and settlements."""
        return self.closing_units - self.opening_units - self.net_units + self.settled_units


def held_units(session: Session, store_id: int) -> int:
    """What a store has now, available and held."""
    balances = ledger.balances(session, "store", store_id)
    return sum(units for (asset, _), units in balances.items() if asset == "TWIP")


def count(session: Session, store_id: int, change_units: int, *, open_day: str | None = None, **more: int) -> None:
    """Counts something into the store's present day. `change_units` is what the journal just changed its balance by.

    Who has seen that the day's figures are begun (`open_day`) need not wait for the answer.
    """
    day = taipei_day(now(session))
    if open_day == day:
        exchanges.later(session, _counting(tuple(more)), {**more, "store_id": store_id, "day": day})
        return
    if _add(session, store_id, day, more):
        return
    # The first movement of a day: the balance before it is the day's opening.
    ledger.lock_owner(session, "store", store_id, "TWIP")
    opening = held_units(session, store_id) - change_units
    row = {"store_id": store_id, "day": day, "opening_units": opening, **dict.fromkeys(_COUNTED, 0)}
    insert_if_absent(session, StoreDay.__table__, row)
    if not _add(session, store_id, day, more):
        raise Refusal("state_conflict")


def _add(session: Session, store_id: int, day: str, more: dict[str, int]) -> bool:
    statement = _counting(tuple(more))
    return exchanges.ask(session, statement, {**more, "store_id": store_id, "day": day}).touched == 1


@lru_cache(maxsize=16)
def _counting(names: tuple[str, ...]) -> sa.TextClause:
    """The UPDATE of a day that counts these figures up, made once per shape."""
    figures = ", ".join(f"{name} = {name} + :{name}" for name in names)
    return sa.text(f"UPDATE store_days SET {figures} WHERE store_id = :store_id AND day = :day")


def mark(session: Session, store_id: int) -> str:
    """A short text that is another one as soon as anything was counted into the present day or the balance changed."""
    day = taipei_day(now(session))
    row = session.execute(
        sa.select(StoreDay.payments, StoreDay.refunds, StoreDay.settlements).where(
            StoreDay.store_id == store_id, StoreDay.day == day
        )
    ).first()
    balances = ledger.balances(session, "store", store_id)
    held = "-".join(str(balances.get(("TWIP", bucket), 0)) for bucket in ("available", "frozen"))
    return f"{day}-{'-'.join(map(str, row)) if row else 'quiet'}-{held}"


def today(session: Session, store_id: int) -> Day:
    """The present day's figures."""
    return of_day(session, store_id, taipei_day(now(session)))


def of_day(session: Session, store_id: int, day: str) -> Day:
    """A day's statement. A day without movements opens and closes with what the day before left."""
    found = session.get(StoreDay, (store_id, day), populate_existing=True)
    closing = _opening_after(session, store_id, day)
    if found is None:
        return Day(day=day, opening_units=closing, closing_units=closing)
    return _day(found, closing)


def days(session: Session, store_id: int, *, before: str | None = None, count: int = 31) -> list[Day]:
    """The days that had movements, newest first, before a day: one page by keyset."""
    query = sa.select(StoreDay).where(StoreDay.store_id == store_id)
    if before is not None:
        query = query.where(StoreDay.day < before)
    found = list(session.scalars(query.order_by(StoreDay.day.desc()).limit(count)))
    if not found:
        return []
    closing = _opening_after(session, store_id, found[0].day)
    made = []
    for row in found:
        made.append(_day(row, closing))
        closing = row.opening_units
    return made


def _day(row: StoreDay, closing: int) -> Day:
    counted = {name: getattr(row, name) for name in _COUNTED}
    return Day(day=row.day, opening_units=row.opening_units, closing_units=closing, **counted)


def _opening_after(session: Session, store_id: int, day: str) -> int:
    """What the next day with movements opened with; what the store has now when there is none."""
    query = (
        sa.select(StoreDay.opening_units)
        .where(StoreDay.store_id == store_id, StoreDay.day > day)
        .order_by(StoreDay.day)
        .limit(1)
    )
    found = session.scalar(query)
    return held_units(session, store_id) if found is None else found


def parse_day(text: str, field: str = "day") -> date:
    """A calendar day written `YYYY-MM-DD`. Raises Refusal `input_invalid`."""
    try:
        found = date.fromisoformat(text if len(text) == 10 else "")
    except ValueError:
        raise Refusal("input_invalid", field=field) from None
    if not 2000 <= found.year <= 9000:
        raise Refusal("input_invalid", field=field)
    return found


def start_of(day: date) -> datetime:
    """The moment a day begins in Taipei."""
    return datetime.combine(day, time.min, TAIPEI)
