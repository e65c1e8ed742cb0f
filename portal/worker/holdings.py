"""Asking the chains what the house holds there, and stopping pay-outs when all of it does not cover what is owed."""

import logging
import threading

from portal.bootstrap import Portal
from portal.db import context
from portal.ports import PortError, PortRejected, TellsHoldings
from portal.services import cover
from portal.worker.duties import duty

log = logging.getLogger(__name__)

#: How long a turn waits for a reading. One that takes longer goes on beside the worker's other duties; a later turn takes it up.
PATIENCE_SECONDS = 1.0


class Reading:
    """One question to every chain that tells its holdings, each asked in a thread of its own, beside the books before it."""

    def __init__(self, before: cover.Books, asked: dict[str, tuple[TellsHoldings, list[str]]]) -> None:
        self.before = before
        self.told: dict[str, dict[str, int]] = {}
        self._threads = [
            threading.Thread(target=self._ask, args=(network, *what), name=f"holdings {network}", daemon=True)
            for network, what in asked.items()
        ]
        for thread in self._threads:
            thread.start()

    def _ask(self, network: str, chain: TellsHoldings, addresses: list[str]) -> None:
        try:
            self.told[network] = chain.holdings(addresses)
        except (PortError, PortRejected) as error:
            log.warning("holdings unknown", extra={"network": network, "reason": str(error)[:120]})
        except Exception:
            log.exception("holdings unknown", extra={"network": network})

    def ended(self, within: float | None) -> bool:
        """Whether all chains have answered or failed, after waiting so many seconds at most (None: as long as it takes)."""
        for thread in self._threads:
            thread.join(within)
        return not any(thread.is_alive() for thread in self._threads)


@duty("holdings", every_seconds=60)
def watch_cover(portal: Portal) -> int:
    """Reads the holdings of every chain that tells them, then weighs them; counts nothing, so that an idle worker rests."""
    memory = portal.db.read(context).cache
    # A sandbox's chains answer at once, and who presses its levers wants to see what comes of it.
    patience = None if portal.world is not None else PATIENCE_SECONDS
    reading: Reading = memory.get("holdings") or _begin(portal)
    if reading.ended(patience):
        memory.pop("holdings", None)
        if reading.told:
            portal.db.transact(cover.note, reading.told, reading.before)
    else:
        memory["holdings"] = reading
    # Most turns find all in order: they only look, and keep nobody from writing.
    if not portal.db.read(cover.is_short):
        return 0
    if portal.db.transact(cover.check):
        log.error("pay-outs stopped: holdings do not cover liabilities")
    return 0


def _begin(portal: Portal) -> Reading:
    before = portal.db.read(cover.books)
    asked: dict[str, tuple[TellsHoldings, list[str]]] = {}
    for network, chain in portal.ports.chains.items():
        if not isinstance(chain, TellsHoldings):
            continue
        addresses = portal.db.read(cover.addresses, network)
        if addresses is None:
            log.warning("too many addresses to ask about", extra={"network": network})
            continue
        asked[network] = (chain, addresses)
    return Reading(before, asked)
