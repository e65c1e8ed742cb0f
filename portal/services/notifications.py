"""What people are told: a line in their list, and a mail when they want one for that kind of thing.

A subject declares its events once; the texts are English msgids with named places, filled in the reader's language when
shown. Facts are JSON: plain texts and numbers, `amount(units, asset)` for money, `moment(at)` for a time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.clock import to_ms
from portal.db import affected, insert_row, now
from portal.errors import N_, Refusal
from portal.models.customers import Customer
from portal.models.system import Notification
from portal.services import messages

#: Groups a person can switch mail on and off for; `security` mails are always sent.
GROUPS: dict[str, str] = {
    "money": N_("Deposits, withdrawals and transfers"),
    "trading": N_("Trades and conversions"),
    "vouchers": N_("Vouchers, payments and stores"),
    "alerts": N_("Price alerts"),
    "account": N_("Identity check and account"),
    "security": N_("Security"),
}
ALWAYS = frozenset({"security"})

MAX_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Event:
    """Something people are told of. `mail` says whether a mail goes out as well, as far as the person wants it."""

    group: str
    title: str
    text: str
    mail: bool = True
    icon: str = "bell"


EVENTS: dict[str, Event] = {}


def declare(events: Mapping[str, Event]) -> None:
    """Adds a subject's events. Raises ValueError for an unknown group or a name taken by another event."""
    for name, event in events.items():
        if event.group not in GROUPS:
            raise ValueError(f"event {name!r}: no group {event.group!r}")
        if EVENTS.setdefault(name, event) != event:
            raise ValueError(f"event {name!r} is declared twice")


def amount(units: int, asset: str) -> dict[str, Any]:
    """An amount as a fact; shown in the reader's way."""
    return {"units": units, "asset": asset}


def moment(at: datetime) -> dict[str, Any]:
    """A time as a fact."""
    return {"ms": to_ms(at)}


def tell(
    session: Session, customer_id: int, event: str, facts: dict[str, Any] | None = None, link: str | None = None
) -> None:
    """Writes the line and, if the person wants it and has a proven address, queues the mail. `link` is a local path."""
    declared = EVENTS[event]
    line = {"customer_id": customer_id, "event": event, "facts": facts or {}, "link": link, "created_at": now(session)}
    insert_row(session, Notification, line)
    if not declared.mail:
        return
    customer = session.get_one(Customer, customer_id)
    if customer.email and customer.email_verified_at and wants_mail(customer, declared.group):
        content = {"event": event, "notice_facts": facts or {}, "link": link}
        messages.mail(session, customer.email, "notification", customer.locale, content)


def wants_mail(customer: Customer, group: str) -> bool:
    """Whether a person wants mail about a group of things; yes until they say otherwise."""
    return group in ALWAYS or bool((customer.notification_settings or {}).get(group, True))


def choose(session: Session, customer_id: int, groups: Mapping[str, bool]) -> None:
    """Keeps which groups a person wants mail for. Raises Refusal `input_invalid` for an unknown group."""
    if set(groups) - set(GROUPS):
        raise Refusal("input_invalid", field="groups")
    kept = {group: bool(wanted) for group, wanted in groups.items() if group not in ALWAYS}
    session.execute(sa.update(Customer).where(Customer.id == customer_id).values(notification_settings=kept))


def page(session: Session, customer_id: int, *, count: int = 20, before_id: int | None = None) -> list[Notification]:
    """A person's lines, newest first, below `before_id` (keyset)."""
    query = sa.select(Notification).where(Notification.customer_id == customer_id)
    if before_id is not None:
        query = query.where(Notification.id < before_id)
    return list(session.scalars(query.order_by(Notification.id.desc()).limit(min(count, MAX_SHOWN))))


def unread(session: Session, customer_id: int) -> int:
    """How many lines were not read, counted up to 99."""
    some = (
        sa.select(Notification.id)
        .where(Notification.customer_id == customer_id, Notification.read_at.is_(None))
        .limit(99)
        .subquery()
    )
    return session.scalar(sa.select(sa.func.count()).select_from(some)) or 0


def read_all(session: Session, customer_id: int) -> int:
    """Marks all lines as read; how many were not."""
    marked = session.execute(
        sa.update(Notification)
        .where(Notification.customer_id == customer_id, Notification.read_at.is_(None))
        .values(read_at=now(session))
    )
    return affected(marked)
