"""Webhooks for stores and institutions (Standard Webhooks 1.0): told in the transaction of the event, delivered by the worker.

A message is written once per event and key; every endpoint of the owner that wants the event gets a delivery of its own,
tried again for about four days. One endpoint's failures never hold up another's deliveries.
"""

import base64
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import exchanges
from portal.db import affected, context, insert_if_absent, now
from portal.errors import N_, Refusal, declare
from portal.models.columns import new_public_id
from portal.models.webhooks import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookMessage
from portal.services import audit

ATTEMPTS = 20
#: An old secret keeps signing beside the new one for so long.
OVERLAP = timedelta(hours=24)
MOST_ENDPOINTS = 10

declare(
    {
        "webhook_url_invalid": N_("Enter a full https:// address of a server on the internet."),
        "webhook_events_invalid": N_("Choose at least one event."),
        "too_many_endpoints": N_("There are as many endpoints as allowed. Remove one first."),
        "endpoint_removed": N_("This endpoint is no longer in use. Add it again first."),
    }
)

#: Who of an owner hears of an endpoint that was disabled.
_hearers: dict[str, Callable[[Session, int], Sequence[int]]] = {}


def hears_of(owner_kind: str, people: Callable[[Session, int], Sequence[int]]) -> None:
    """Declares which customers of an owner hear of an endpoint that was disabled: (session, owner id) → customer ids."""
    _hearers[owner_kind] = people


def hearers(session: Session, owner_kind: str, owner_id: int) -> Sequence[int]:
    """The customers who hear of an owner's endpoints."""
    return _hearers[owner_kind](session, owner_id) if owner_kind in _hearers else ()


def tell(session: Session, owner_kind: str, owner_id: int, event: str, data: dict[str, Any], *, key: str) -> bool:
    """Tells an owner's endpoints of an event in the caller's transaction; False when the same was told before.

    `event` is a dotted name (`load.settled`), `data` JSON-able, `key` what makes this event the same event.
    """
    moment = now(session)
    public_id = new_public_id()
    row = {
        "public_id": public_id,
        "owner_kind": owner_kind,
        "owner_id": owner_id,
        "event": event,
        "event_key": key,
        "data": data,
        "created_at": moment,
    }
    endpoint_ids = wanted(session, owner_kind, owner_id, event)
    if not endpoint_ids or not insert_if_absent(session, WebhookMessage.__table__, row):
        return False
    message_id = session.scalars(sa.select(WebhookMessage.id).where(WebhookMessage.public_id == public_id)).one()
    for endpoint_id in endpoint_ids:
        session.add(_delivery(message_id, endpoint_id, moment))
    session.flush()
    return True


def wanted(session: Session, owner_kind: str, owner_id: int, event: str) -> list[int]:
    """The endpoints of an owner that want an event; empty when it need not be put into words at all."""
    found = exchanges.ask(session, _IN_USE, {"kind": owner_kind, "owner": owner_id}).rows
    return [endpoint_id for endpoint_id, events in found if "*" in events or event in events]


#: Made once: every payment at a counter asks it.
_IN_USE = sa.select(WebhookEndpoint.id, WebhookEndpoint.events).where(
    WebhookEndpoint.owner_kind == sa.bindparam("kind"),
    WebhookEndpoint.owner_id == sa.bindparam("owner"),
    WebhookEndpoint.disabled_at.is_(None),
)


def _delivery(message_id: int, endpoint_id: int, moment: datetime) -> WebhookDelivery:
    return WebhookDelivery(
        message_id=message_id, endpoint_id=endpoint_id, tries_left=ATTEMPTS, next_at=moment, created_at=moment
    )


def add_endpoint(
    session: Session, owner_kind: str, owner_id: int, url: str, events: list[str], known: tuple[str, ...], actor: str
) -> tuple[WebhookEndpoint, str]:
    """Makes an endpoint; answers it and its secret (`whsec_…`), shown once. `known` are the events the owner may choose.

    Raises Refusal `webhook_url_invalid`, `webhook_events_invalid` or `too_many_endpoints`.
    """
    if len(endpoints(session, owner_kind, owner_id)) >= MOST_ENDPOINTS:
        raise Refusal("too_many_endpoints")
    secret = _new_secret()
    made = WebhookEndpoint(
        owner_kind=owner_kind,
        owner_id=owner_id,
        url=checked_url(session, url),
        events=_checked_events(events, known),
        secret_sealed=context(session).vault.seal_text(secret, "webhook secret"),
        created_at=now(session),
    )
    session.add(made)
    session.flush()
    audit.write(session, actor, "webhook.added", f"{owner_kind}:{owner_id}", details={"url": made.url})
    return made, secret


def checked_url(session: Session, url: str) -> str:
    """An address that may be called: https, no user, no fragment; the sandbox takes http as well."""
    url = url.strip()
    schemes = ("https", "http") if context(session).settings.sandbox else ("https",)
    try:
        parts = urlsplit(url)
        port_readable = parts.port is None or parts.port > 0
    except ValueError:
        raise Refusal("webhook_url_invalid", field="url") from None
    plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= 500
    sound = parts.scheme in schemes and parts.hostname and not parts.username and not parts.fragment
    if not plain or not sound or not port_readable:
        raise Refusal("webhook_url_invalid", field="url")
    return url


def _checked_events(events: list[str], known: tuple[str, ...]) -> list[str]:
    chosen = sorted(set(events))
    if not chosen or not set(chosen) <= {*known, "*"}:
        raise Refusal("webhook_events_invalid", field="events")
    return ["*"] if "*" in chosen else chosen


def change_endpoint(
    session: Session, endpoint: WebhookEndpoint, url: str, events: list[str], known: tuple[str, ...], actor: str
) -> None:
    """Changes where an endpoint lies and what it wants. Raises Refusal as `add_endpoint`."""
    endpoint.url, endpoint.events = checked_url(session, url), _checked_events(events, known)
    session.flush()
    audit.write(session, actor, "webhook.changed", _owner(endpoint), details={"url": endpoint.url})


def rotate_secret(session: Session, endpoint: WebhookEndpoint, actor: str) -> str:
    """A new secret, shown once; the old one signs beside it for OVERLAP."""
    secret = _new_secret()
    endpoint.old_secret_sealed, endpoint.old_until = endpoint.secret_sealed, now(session) + OVERLAP
    endpoint.secret_sealed = context(session).vault.seal_text(secret, "webhook secret")
    session.flush()
    audit.write(session, actor, "webhook.rotated", _owner(endpoint), details={"url": endpoint.url})
    return secret


def remove_endpoint(session: Session, endpoint: WebhookEndpoint, actor: str, why: str = "removed") -> None:
    """Ends an endpoint (`why`: removed, gone or failing); what was on its way to it is given up."""
    moment = now(session)
    endpoint.disabled_at, endpoint.disabled_why = moment, why
    session.execute(
        sa.update(WebhookDelivery)
        .where(WebhookDelivery.endpoint_id == endpoint.id, WebhookDelivery.status == "pending")
        .values(status="failed", finished_at=moment)
    )
    session.flush()
    audit.write(session, actor, "webhook.removed", _owner(endpoint), details={"url": endpoint.url, "why": why})


def _owner(endpoint: WebhookEndpoint) -> str:
    return f"{endpoint.owner_kind}:{endpoint.owner_id}"


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def endpoint(session: Session, owner_kind: str, owner_id: int, public_id: str) -> WebhookEndpoint:
    """An endpoint of the owner that is in use. Raises Refusal `not_found`, alike for a foreign one."""
    found = session.scalar(
        sa.select(WebhookEndpoint).where(
            WebhookEndpoint.public_id == public_id,
            WebhookEndpoint.owner_kind == owner_kind,
            WebhookEndpoint.owner_id == owner_id,
            WebhookEndpoint.disabled_at.is_(None),
        )
    )
    if found is None:
        raise Refusal("not_found")
    return found


def endpoints(session: Session, owner_kind: str, owner_id: int) -> list[WebhookEndpoint]:
    """The owner's endpoints in use, oldest first."""
    query = sa.select(WebhookEndpoint).where(
        WebhookEndpoint.owner_kind == owner_kind,
        WebhookEndpoint.owner_id == owner_id,
        WebhookEndpoint.disabled_at.is_(None),
    )
    return list(session.scalars(query.order_by(WebhookEndpoint.id)))


def disabled(session: Session, owner_kind: str, owner_id: int) -> list[WebhookEndpoint]:
    """Endpoints that ended by themselves (gone or failing), newest first, for the notice in the console."""
    query = sa.select(WebhookEndpoint).where(
        WebhookEndpoint.owner_kind == owner_kind,
        WebhookEndpoint.owner_id == owner_id,
        WebhookEndpoint.disabled_why.in_(("gone", "failing")),
    )
    return list(session.scalars(query.order_by(WebhookEndpoint.disabled_at.desc()).limit(10)))


@dataclass(frozen=True, slots=True)
class Told:
    """A line of an owner's log: the message, where it went and how far it got."""

    delivery: WebhookDelivery
    message: WebhookMessage
    url: str


def log(session: Session, owner_kind: str, owner_id: int, *, before: int | None = None, count: int = 50) -> list[Told]:
    """The owner's deliveries, newest first, those with numbers below `before`."""
    query = (
        sa.select(WebhookDelivery, WebhookMessage, WebhookEndpoint.url)
        .join(WebhookMessage, WebhookMessage.id == WebhookDelivery.message_id)
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .where(WebhookMessage.owner_kind == owner_kind, WebhookMessage.owner_id == owner_id)
    )
    if before is not None:
        query = query.where(WebhookDelivery.id < before)
    return [Told(*row) for row in session.execute(query.order_by(WebhookDelivery.id.desc()).limit(count))]


def one(session: Session, owner_kind: str, owner_id: int, public_id: str) -> tuple[Told, list[WebhookAttempt]]:
    """A delivery of the owner with its attempts. Raises Refusal `not_found`, alike for a foreign one."""
    row = session.execute(
        sa.select(WebhookDelivery, WebhookMessage, WebhookEndpoint.url)
        .join(WebhookMessage, WebhookMessage.id == WebhookDelivery.message_id)
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .where(
            WebhookDelivery.public_id == public_id,
            WebhookMessage.owner_kind == owner_kind,
            WebhookMessage.owner_id == owner_id,
        )
    ).first()
    if row is None:
        raise Refusal("not_found")
    told = Told(*row)
    tries = sa.select(WebhookAttempt).where(WebhookAttempt.delivery_id == told.delivery.id)
    return told, list(session.scalars(tries.order_by(WebhookAttempt.id)))


def resend(session: Session, owner_kind: str, owner_id: int, public_id: str) -> None:
    """Sends a delivery again, whatever became of it.

    Raises Refusal `not_found`, `endpoint_removed`, or `state_conflict` while one is under way.
    """
    told, _ = one(session, owner_kind, owner_id, public_id)
    if session.get_one(WebhookEndpoint, told.delivery.endpoint_id).disabled_at is not None:
        raise Refusal("endpoint_removed")
    again = session.execute(
        sa.update(WebhookDelivery)
        .where(WebhookDelivery.id == told.delivery.id, WebhookDelivery.leased_until.is_(None))
        .values(status="pending", tries_left=ATTEMPTS, next_at=now(session), finished_at=None)
    )
    if affected(again) != 1:
        raise Refusal("state_conflict")


def send_test(session: Session, target: WebhookEndpoint) -> None:
    """Sends a `test.ping` to one endpoint."""
    moment = now(session)
    message = WebhookMessage(
        owner_kind=target.owner_kind, owner_id=target.owner_id, event="test.ping", event_key=new_public_id(),
        data={"endpoint": target.public_id}, created_at=moment,
    )  # fmt: skip
    session.add(message)
    session.flush()
    session.add(_delivery(message.id, target.id, moment))
    session.flush()
