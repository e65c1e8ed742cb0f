"""Delivering webhooks: many at once, so that a slow endpoint holds up nobody, and outside any transaction."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait

from portal.bootstrap import Portal
from portal.ports import PortError, PortRejected, WebhookAnswer
from portal.services import webhook_sending as sending
from portal.services.webhook_sending import Outgoing
from portal.worker.duties import duty

AT_ONCE = 16
#: The duty waits this long for its deliveries; slower ones end by themselves. Codes by SMS come from the same loop.
PATIENCE_SECONDS = 0.25
#: So long it looks at what is still under way, here or in another process.
GLANCE_SECONDS = 0.1

_pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="webhooks")


@duty("webhooks", every_seconds=1)
def deliver(portal: Portal) -> int:
    """Sends what is due; counts also what is still under way, so that running until idle waits for its end."""
    due = portal.db.transact(sending.claim) if portal.db.read(sending.any_due) else []
    if due:
        wait([_pool.submit(_send, portal, outgoing) for outgoing in due], timeout=PATIENCE_SECONDS)
        return len(due)
    under_way = portal.db.read(sending.under_way)
    if under_way:
        threading.Event().wait(GLANCE_SECONDS)
    return under_way


def _send(portal: Portal, outgoing: Outgoing) -> None:
    started = time.monotonic()
    answer: WebhookAnswer | None = None
    error: str | None = None
    try:
        answer = portal.ports.webhooks.send(outgoing.url, outgoing.headers, outgoing.body)
    except (PortError, PortRejected) as problem:
        error = str(problem)
    took_ms = int((time.monotonic() - started) * 1000)
    portal.db.transact(sending.attempted, outgoing.delivery_id, answer, error, took_ms)
