"""Asking the chains what the house holds there, and stopping pay-outs when all of it does not cover what is owed."""

import logging

from portal.bootstrap import Portal
from portal.ports import PortError, PortRejected, TellsHoldings
from portal.services import cover
from portal.worker.duties import duty

log = logging.getLogger(__name__)


@duty("holdings", every_seconds=60)
def watch_cover(portal: Portal) -> int:
    """Reads the holdings of every chain that tells them, then weighs them; counts nothing, so that an idle worker rests."""
    for network, chain in portal.ports.chains.items():
        if not isinstance(chain, TellsHoldings):
            continue
        addresses = portal.db.read(cover.addresses, network)
        if addresses is None:
            log.warning("too many addresses to ask about", extra={"network": network})
            continue
        try:
            told = chain.holdings(addresses)
        except (PortError, PortRejected) as error:
            log.warning("holdings unknown", extra={"network": network, "reason": str(error)[:120]})
            continue
        if told:
            portal.db.transact(cover.note, f"chain:{network}", told)
    # Most turns find all in order: they only look, and keep nobody from writing.
    if not portal.db.read(cover.is_short):
        return 0
    if portal.db.transact(cover.check):
        log.error("pay-outs stopped: holdings do not cover liabilities")
    return 0
