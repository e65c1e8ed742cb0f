"""Watching the chains: blocks are read outside any transaction; each finding is noted in a small one.

The cursor stays at the newest block that can no longer change, so the young blocks above it are read again each time:
a transfer that a reorganisation moved is found where it went, one that vanished is dropped, and nothing is credited early.
"""

import logging

from portal.bootstrap import Portal
from portal.ports import ChainHead, ChainPort, PortError, PortRejected
from portal.services import deposits, parameters
from portal.worker.duties import duty

log = logging.getLogger(__name__)


@duty("deposits", every_seconds=2)
def watch(portal: Portal) -> int:
    """Reads new blocks of every network and credits what has become solid; how many deposits moved."""
    moved = portal.db.transact(deposits.expire)
    for chain in portal.ports.chains.values():
        try:
            moved += _read(portal, chain)
        except (PortError, PortRejected) as error:
            # One network that is away must not keep the others waiting; it is read again at the next turn.
            log.warning("chain not read", extra={"network": chain.network, "reason": type(error).__name__})
    return moved


def _read(portal: Portal, chain: ChainPort) -> int:
    rule = portal.db.read(parameters.get, "deposit.watch")
    head = chain.head()
    read_before = portal.db.read(deposits.cursor, chain.network)
    first = max(head.number - rule["look_back_blocks"], 0) if read_before is None else read_before + 1
    moved = 0
    if first <= head.number:
        last = min(head.number, first + rule["blocks_at_once"] - 1)
        transfers = chain.transfers(first, last)
        moved = portal.db.transact(deposits.record, chain.network, transfers, head, last)
        if last < head.number:
            moved += 1  # more blocks are waiting: come again at once
    return moved + _settle(portal, chain, head)


def _settle(portal: Portal, chain: ChainPort, head: ChainHead) -> int:
    moved = 0
    hashes: dict[int, str | None] = {}
    for deposit in portal.db.read(deposits.waiting, chain.network):
        number, noted = deposit.block_number, deposit.block_hash
        if number is None or noted is None:
            continue
        if number not in hashes:
            hashes[number] = chain.block_hash(number)
        if hashes[number] != noted:
            moved += portal.db.transact(deposits.drop, deposit.id, noted)
        elif number <= head.solid_number:
            moved += portal.db.transact(deposits.confirm, deposit.id, noted)
    return moved
