"""What the worker does for people every day: price alerts and the daily worth of their holdings."""

from portal.bootstrap import Portal
from portal.services import alerts, portfolio
from portal.worker.duties import duty


@duty("price alerts", every_seconds=5)
def watch_prices(portal: Portal) -> int:
    """Tells whose mark was reached."""
    return portal.db.transact(alerts.watch)


@duty("portfolio snapshots", every_seconds=300)
def take_snapshots(portal: Portal) -> int:
    """Takes the day's snapshots."""
    return portal.db.transact(portfolio.take)
