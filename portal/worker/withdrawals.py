"""Sending withdrawals: sign, store, broadcast, and ask until it is certain how each one ended.

Two workers may do the same at once: they send the same bytes, and every step is a compare-and-set. A duty counts what
moved on, not what it looked at, so that an idle worker rests.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from portal.bootstrap import Portal
from portal.models.wallet import Withdrawal
from portal.ports import ChainPort, PortError, PortRejected, SignedTransaction
from portal.services import payout_switch, withdrawals
from portal.services import withdrawal_sending as sending
from portal.services.networks import BANK
from portal.worker.duties import duty

log = logging.getLogger(__name__)

_AT_ONCE = 200


@duty("withdrawals: chains", every_seconds=3)
def send_to_chains(portal: Portal) -> int:
    """Moves on what leaves by a chain."""
    return _each(portal, list(portal.ports.chains), _by_chain)


@duty("withdrawals: bank", every_seconds=5)
def send_to_bank(portal: Portal) -> int:
    """Moves on what leaves by the bank."""
    return _each(portal, [BANK], _by_bank)


@duty("withdrawals: expiry", every_seconds=15)
def expire(portal: Portal) -> int:
    """Ends withdrawals whose code was never given."""
    due = portal.db.read(withdrawals.due_to_expire)
    for withdrawal in due:
        portal.db.transact(withdrawals.expire, withdrawal.id)
    return len(due)


def _each(portal: Portal, networks: list[str], step: Callable[[Portal, Withdrawal], bool]) -> int:
    moved, after_id = 0, 0
    while ids := portal.db.read(sending.open_ids, networks, after_id, _AT_ONCE):
        for withdrawal_id in ids:
            portal.db.transact(sending.approve_unasked, withdrawal_id)
            found = portal.db.read(sending.read, withdrawal_id)
            if found is None or found.status not in sending.OPEN:
                continue
            try:
                moved += step(portal, found)
            except PortError as error:
                # Nothing is known of the outcome or the other side is away: it is tried again at the next turn.
                log.warning("withdrawal waits", extra={"withdrawal": found.reference, "reason": str(error)[:120]})
            except PortRejected as error:
                log.error("withdrawal refused", extra={"withdrawal": found.reference, "reason": str(error)[:120]})
        after_id = ids[-1]
    return moved


def _by_chain(portal: Portal, withdrawal: Withdrawal) -> bool:
    chain = portal.ports.chains[withdrawal.network]
    if withdrawal.status == "approved":
        if not portal.db.read(payout_switch.running):
            return False
        signed = _sign(chain, withdrawal)
        if not portal.db.transact(sending.store_signed, withdrawal.id, signed):
            return False
        _first_try(withdrawal, lambda: _broadcast(portal, chain, withdrawal.id, signed))
        return True
    assert withdrawal.tx_hash is not None and withdrawal.signed_bytes is not None
    status = chain.status(withdrawal.tx_hash)
    if status.state == "confirmed":
        return portal.db.transact(sending.settle, withdrawal.id)
    if status.state == "failed":
        return portal.db.transact(sending.fail, withdrawal.id, "the chain reverted the transaction")
    if status.state == "pending":
        return portal.db.transact(sending.mark_sent, withdrawal.id)
    return _unknown(portal, chain, withdrawal)


def _first_try(withdrawal: Withdrawal, send: Callable[[], bool]) -> None:
    """Sends what was just stored; a lost answer is the next turn's business."""
    try:
        send()
    except PortError as error:
        log.warning("withdrawal waits", extra={"withdrawal": withdrawal.reference, "reason": str(error)[:120]})


def _unknown(portal: Portal, chain: ChainPort, withdrawal: Withdrawal) -> bool:
    """The chain does not know the hash: the same bytes go out again, until their expiry proves them dead."""
    assert withdrawal.tx_hash is not None and withdrawal.signed_bytes is not None
    expires_at, moment = withdrawal.signed_expires_at, portal.clock.now()
    refused = (withdrawal.details or {}).get("refused")
    if expires_at is not None and expires_at + sending.EXPIRY_MARGIN <= moment:
        if refused:
            return portal.db.transact(sending.fail, withdrawal.id, f"the network refused it: {refused}")
        replacement = _sign(chain, withdrawal, replacing=True)
        if portal.db.transact(sending.replace_signed, withdrawal.id, withdrawal.tx_hash, replacement):
            _broadcast(portal, chain, withdrawal.id, replacement)
            return True
        return False
    if refused or (expires_at is not None and expires_at <= moment):
        return False
    same = SignedTransaction(withdrawal.signed_bytes, withdrawal.tx_hash, expires_at, withdrawal.chain_nonce)
    return _broadcast(portal, chain, withdrawal.id, same) and withdrawal.status == "processing"


def _broadcast(portal: Portal, chain: ChainPort, withdrawal_id: int, signed: SignedTransaction) -> bool:
    if not portal.db.read(payout_switch.running):
        return False
    try:
        chain.broadcast(signed)
    except PortRejected as error:
        if signed.expires_at is not None and signed.expires_at <= portal.clock.now():
            return False  # it came too late, and nothing is wrong with it: other bytes will take its place
        # A no now says nothing about a copy that may have landed before: the status decides, later the expiry.
        portal.db.transact(sending.note, withdrawal_id, refused=str(error)[:120] or "refused")
        return False
    portal.db.transact(sending.mark_sent, withdrawal_id)
    return True


def _sign(chain: ChainPort, withdrawal: Withdrawal, *, replacing: bool = False) -> SignedTransaction:
    assert withdrawal.address is not None
    key = sending.signing_key(withdrawal, replacing=replacing)
    return chain.sign(key, withdrawal.asset, withdrawal.address, sending.payout_units(withdrawal))


def _by_bank(portal: Portal, withdrawal: Withdrawal) -> bool:
    if (withdrawal.details or {}).get("payout_file"):
        return False  # it went out in a file: the bank's statement tells how it ended
    if withdrawal.status == "approved":
        if not portal.db.read(payout_switch.bank_by_worker):
            return False
        if not portal.db.transact(sending.store_order, withdrawal.id):
            return False
        _first_try(withdrawal, lambda: _order(portal, withdrawal.id))
        return True
    state = portal.ports.bank.payout(withdrawal.reference)
    if state.state == "paid":
        return portal.db.transact(sending.settle, withdrawal.id)
    if state.state == "rejected":
        return portal.db.transact(sending.fail, withdrawal.id, f"the bank refused it: {state.reason}")
    if state.state == "accepted":
        return portal.db.transact(sending.mark_sent, withdrawal.id)
    details = withdrawal.details or {}
    if details.get("refused"):
        if _may_still_land(details.get("unsure_at"), portal.clock.now()):
            return False
        return portal.db.transact(sending.fail, withdrawal.id, f"the bank refused it: {details['refused']}")
    return _order(portal, withdrawal.id) and withdrawal.status == "processing"


def _order(portal: Portal, withdrawal_id: int) -> bool:
    """Orders a pay-out under its key; the bank takes a repeated key for the same order."""
    payout = portal.db.read(sending.payout_of, withdrawal_id)
    if payout is None or not portal.db.read(payout_switch.running):
        return False
    try:
        portal.ports.bank.pay(
            payout.key, payout.bank_code, payout.branch_code, payout.account, payout.holder, payout.amount_units
        )
    except PortRejected as error:
        portal.db.transact(sending.note, withdrawal_id, refused=str(error)[:120] or "refused")
        return False
    except PortError:
        portal.db.transact(sending.note, withdrawal_id, unsure_at=portal.clock.now().isoformat())
        raise
    portal.db.transact(sending.mark_sent, withdrawal_id)
    return True


def _may_still_land(unsure_at: str | None, moment: datetime) -> bool:
    """Whether an earlier order whose answer was lost might yet turn up at the bank."""
    return unsure_at is not None and datetime.fromisoformat(unsure_at) + sending.BANK_SETTLES > moment
