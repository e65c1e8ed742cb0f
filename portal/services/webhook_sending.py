"""Webhooks on their way (Standard Webhooks 1.0): taken a few per endpoint, signed, tried again for days, switched off at last."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from portal.clock import SystemClock
from portal.db import context, now
from portal.errors import N_
from portal.models.webhooks import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookMessage
from portal.ports import WebhookAnswer
from portal.services import notifications, webhooks
from portal.services.notifications import Event

LEASE = timedelta(seconds=60)
#: Waits between attempts in seconds; the last one repeats until all attempts are used.
WAITS = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800)
#: An endpoint that only failed for so long is disabled; its owner finds it named in the console.
DISABLED_AFTER = timedelta(days=5)
#: So many deliveries of one endpoint are under way at once; one by one while it fails.
AT_ONCE = 3

#: Where an owner's people look after their endpoints.
CONSOLES = {"store": "/merchant", "institution": "/partner"}

notifications.declare(
    {
        "webhook_disabled": Event(
            "account",
            N_("A webhook endpoint was switched off"),
            N_("%(url)s took no message for days or said that it is gone. Mend it and add it again."),
            icon="webhook",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A delivery ready to be sent: what goes over the wire is made of this alone."""

    delivery_id: int
    url: str
    headers: dict[str, str]
    body: bytes


def any_due(session: Session) -> bool:
    """Whether there is anything for `claim`; cheap, without a lock."""
    return session.execute(sa.select(WebhookDelivery.id).where(_due(session)).limit(1)).first() is not None


def under_way(session: Session) -> int:
    """How many deliveries are leased to some worker right now."""
    query = sa.select(sa.func.count()).where(
        WebhookDelivery.status == "pending", WebhookDelivery.leased_until >= now(session)
    )
    return session.scalar(query) or 0


def _due(session: Session) -> sa.ColumnElement[bool]:
    moment = now(session)
    return sa.and_(
        WebhookDelivery.status == "pending",
        WebhookDelivery.next_at <= moment,
        sa.or_(WebhookDelivery.leased_until.is_(None), WebhookDelivery.leased_until < moment),
    )


def claim(session: Session, count: int = 50) -> list[Outgoing]:
    """Leases deliveries that are due, and makes them ready: a few per endpoint, and none of an endpoint that some worker
    is still at, so that a slow one with a long queue never takes the threads of the others.
    """
    moment = now(session)
    due = _due(session)
    busy = sa.select(WebhookDelivery.endpoint_id).where(
        WebhookDelivery.status == "pending", WebhookDelivery.leased_until >= moment
    )
    place = sa.func.row_number().over(partition_by=WebhookDelivery.endpoint_id, order_by=WebhookDelivery.id)
    first = (
        sa.select(WebhookDelivery.id.label("id"), place.label("place"), WebhookEndpoint.failures.label("failures"))
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .where(due, WebhookDelivery.endpoint_id.not_in(busy))
        .subquery()
    )
    fits = first.c.place <= sa.case((first.c.failures > 0, 1), else_=AT_ONCE)
    chosen = sa.select(first.c.id).where(fits).order_by(first.c.place, first.c.id).limit(count)
    found = session.scalars(
        sa.select(WebhookDelivery).where(WebhookDelivery.id.in_(chosen), due).with_for_update(skip_locked=True)
    ).all()
    for delivery in found:
        delivery.leased_until = moment + LEASE
        delivery.attempts += 1
        delivery.tries_left -= 1
    session.flush()
    return [_outgoing(session, delivery, moment) for delivery in found]


def _outgoing(session: Session, delivery: WebhookDelivery, moment: datetime) -> Outgoing:
    message = session.get_one(WebhookMessage, delivery.message_id)
    target = session.get_one(WebhookEndpoint, delivery.endpoint_id)
    told = message.created_at.isoformat().replace("+00:00", "Z")
    body = orjson.dumps({"type": message.event, "timestamp": told, "data": message.data})
    vault = context(session).vault
    sealed = [target.secret_sealed]
    if target.old_secret_sealed is not None and target.old_until is not None and target.old_until > moment:
        sealed.append(target.old_secret_sealed)
    name = f"msg_{message.public_id}"
    stamp = (
        SystemClock().now()
    )  # receivers judge by the world's clock what is too old, also while the sandbox's is moved
    signatures = [
        Webhook(vault.open_text(secret, "webhook secret")).sign(name, stamp, body.decode()) for secret in sealed
    ]
    headers = {
        "content-type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": str(int(stamp.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    return Outgoing(delivery.id, target.url, headers, body)


def attempted(
    session: Session, delivery_id: int, answer: WebhookAnswer | None, error: str | None, took_ms: int
) -> None:
    """Notes how an attempt went: any 2xx is delivered; 410 ends the endpoint; everything else is tried again."""
    delivery = session.get_one(WebhookDelivery, delivery_id, with_for_update=True)
    target = session.get_one(WebhookEndpoint, delivery.endpoint_id)
    moment = now(session)
    session.add(
        WebhookAttempt(
            delivery_id=delivery.id,
            number=delivery.attempts,
            response_status=answer.status if answer else None,
            response_start=answer.start if answer else None,
            error=error[:200] if error else None,
            took_ms=took_ms,
            at=moment,
        )
    )
    delivery.leased_until = None
    if answer is not None and 200 <= answer.status < 300:
        delivery.status, delivery.finished_at = "delivered", moment
        target.failures, target.failing_since = 0, None
        return
    target.failures += 1
    target.failing_since = target.failing_since or moment
    if answer is not None and answer.status == 410:
        _disable(session, target, "gone")
    elif moment - target.failing_since >= DISABLED_AFTER and target.disabled_at is None:
        _disable(session, target, "failing")
    if delivery.tries_left <= 0 or target.disabled_at is not None:
        delivery.status, delivery.finished_at = "failed", moment
        return
    wait = WAITS[min(delivery.attempts, len(WAITS)) - 1]
    delivery.next_at = moment + timedelta(seconds=wait * random.uniform(0.9, 1.1))


def _disable(session: Session, target: WebhookEndpoint, why: str) -> None:
    webhooks.remove_endpoint(session, target, "system", why)
    for customer_id in webhooks.hearers(session, target.owner_kind, target.owner_id):
        facts = {"url": target.url[:120]}
        notifications.tell(session, customer_id, "webhook_disabled", facts, CONSOLES.get(target.owner_kind))
