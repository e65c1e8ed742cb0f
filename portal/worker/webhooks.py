"""Delivering webhooks: many at once, so that a slow endpoint holds up nobody, and outside any transaction."""

import time
from concurrent.futures import ThreadPoolExecutor, wait

from portal.bootstrap import Portal
from portal.ports import PortError, PortRejected, WebhookAnswer
from portal.services import webhooks
from portal.services.webhooks import Outgoing
from portal.worker.duties import duty

AT_ONCE = 16
#: The duty waits this long for its deliveries; slower ones end by themselves while others go on.
PATIENCE_SECONDS = 2.0

_pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="webhooks")


@duty("webhooks", every_seconds=1)
def deliver(portal: Portal) -> int:
    """Sends what is due."""
    due = portal.db.transact(webhooks.claim)
    wait([_pool.submit(_send, portal, outgoing) for outgoing in due], timeout=PATIENCE_SECONDS)
    return len(due)


def _send(portal: Portal, outgoing: Outgoing) -> None:
    started = time.monotonic()
    answer: WebhookAnswer | None = None
    error: str | None = None
    try:
        answer = portal.ports.webhooks.send(outgoing.url, outgoing.headers, outgoing.body)
    except (PortError, PortRejected) as problem:
        error = str(problem)
    took_ms = int((time.monotonic() - started) * 1000)
    portal.db.transact(webhooks.attempted, outgoing.delivery_id, answer, error, took_ms)
