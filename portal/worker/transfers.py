"""Ends transfers that nobody confirmed in time."""

from portal.bootstrap import Portal
from portal.services import transfers
from portal.worker.duties import duty


@duty("transfers: expiry", every_seconds=60)
def expire(portal: Portal) -> int:
    """Nothing was held, so nothing goes back."""
    return portal.db.transact(transfers.expire)
