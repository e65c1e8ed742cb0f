"""Watching the market: the rates port is read outside any transaction, what it said is taken over in one."""

from portal.bootstrap import Portal
from portal.services import prices
from portal.worker.duties import duty


@duty("prices", every_seconds=5)
def watch(portal: Portal) -> int:
    """Takes over the market's prices; what fails for now is tried again at the next turn."""
    portal.db.transact(prices.record, portal.ports.rates.prices(), "market")
    return 0


@duty("prices-tidy", every_seconds=3600)
def tidy(portal: Portal) -> int:
    """Deletes points past their life."""
    portal.db.transact(prices.prune)
    return 0
