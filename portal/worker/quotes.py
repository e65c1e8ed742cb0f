"""Receipts of trades: the trade queues a small job, and the mail is made here, away from the hot path."""

from typing import Any

from portal.bootstrap import Portal
from portal.services import quotes
from portal.worker.duties import handles


@handles(quotes.RECEIPT)
def mail_receipt(portal: Portal, payload: dict[str, Any], job_id: int) -> None:
    """Queues the receipt's mail."""
    portal.db.transact(quotes.mail_receipt, payload["customer_id"], payload["quote"])
