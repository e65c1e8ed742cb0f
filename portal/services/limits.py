"""What an owner may still move: use of a limit counted per day of Taipei's calendar; months are sums of days."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import affected, insert_if_absent, now
from portal.errors import N_, Refusal, declare
from portal.models.wallet import LimitUse
from portal.services.activity import taipei_day

declare({"limit_exceeded": N_("This is more than what is left of your limit.")})


@dataclass(frozen=True, slots=True)
class Remaining:
    """Use and bounds of one limit, in ledger units of its asset."""

    used_today: int
    used_this_month: int
    per_day: int
    per_month: int

    @property
    def today(self) -> int:
        """What is left of the day."""
        return max(0, self.per_day - self.used_today)

    @property
    def this_month(self) -> int:
        """What is left of the month."""
        return max(0, self.per_month - self.used_this_month)

    @property
    def units(self) -> int:
        """What may still be moved now: the smaller of both."""
        return min(self.today, self.this_month)


def remaining(session: Session, owner_kind: str, owner_id: int, name: str, per_day: int, per_month: int) -> Remaining:
    """What was used of a limit and what is left of it."""
    day = taipei_day(now(session))
    table = LimitUse.__table__
    query = sa.select(
        sa.func.coalesce(sa.func.sum(sa.case((table.c.day == day, table.c.used_units), else_=0)), 0),
        sa.func.coalesce(sa.func.sum(table.c.used_units), 0),
    ).where(
        table.c.owner_kind == owner_kind,
        table.c.owner_id == owner_id,
        table.c.limit_name == name,
        table.c.day >= f"{day[:7]}-01",
        table.c.day <= f"{day[:7]}-31",
    )
    today, month = session.execute(query).one()
    return Remaining(int(today), int(month), per_day, per_month)


def check_and_use(
    session: Session, owner_kind: str, owner_id: int, name: str, units: int, per_day: int, per_month: int
) -> Remaining:
    """Counts `units` against a limit; answers what stood before.

    The caller holds the owner's lock (`ledger.lock_owner`), so that two at once count one after the other. Raises
    Refusal `limit_exceeded` (facts: remaining_units, per_day, per_month).
    """
    before = remaining(session, owner_kind, owner_id, name, per_day, per_month)
    check(before, units)
    _add(session, owner_kind, owner_id, name, taipei_day(now(session)), units)
    return before


def check(before: Remaining, units: int) -> None:
    """Raises Refusal `limit_exceeded` when `units` are more than what is left."""
    if units > before.units:
        raise Refusal(
            "limit_exceeded",
            field="amount",
            remaining_units=before.units,
            per_day=before.per_day,
            per_month=before.per_month,
        )


def release(session: Session, owner_kind: str, owner_id: int, name: str, units: int, day: str) -> None:
    """Gives back what was counted on a day, for a movement that did not happen in the end."""
    _add(session, owner_kind, owner_id, name, day, -units)


def _add(session: Session, owner_kind: str, owner_id: int, name: str, day: str, units: int) -> None:
    table = LimitUse.__table__
    key = {"owner_kind": owner_kind, "owner_id": owner_id, "limit_name": name, "day": day}
    changed = session.execute(
        sa.update(LimitUse)
        .where(*(table.c[column] == value for column, value in key.items()))
        .values(used_units=sa.case((table.c.used_units + units > 0, table.c.used_units + units), else_=0))
        .execution_options(synchronize_session=False)
    )
    if affected(changed) == 0 and not insert_if_absent(session, table, {**key, "used_units": max(units, 0)}):
        raise Refusal("state_conflict")
