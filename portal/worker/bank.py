"""What the back office sends to the bank: refunds of credits, each ordered under its own key and asked for until certain."""

import logging

from portal.bootstrap import Portal
from portal.models.bank import BankRefund
from portal.ports import PortError, PortRejected
from portal.services import bank_refunds, payout_switch
from portal.worker.duties import duty

log = logging.getLogger(__name__)


@duty("bank refunds", every_seconds=10)
def send_refunds(portal: Portal) -> int:
    """Moves refunds on; how many moved."""
    if not portal.db.read(payout_switch.bank_by_worker):
        return 0
    moved, after_id = 0, 0
    while found := portal.db.read(bank_refunds.due, after_id):
        for refund in found:
            try:
                moved += _step(portal, refund)
            except PortError as error:
                log.warning("refund waits", extra={"refund": refund.reference, "reason": str(error)[:120]})
        after_id = found[-1].id
    return moved


def _step(portal: Portal, refund: BankRefund) -> bool:
    if refund.payout_file_id is not None:
        return False
    bank = portal.ports.bank
    state = bank.payout(refund.reference)
    if state.state == "paid":
        return portal.db.transact(bank_refunds.settle, refund.id)
    if state.state == "rejected":
        return portal.db.transact(bank_refunds.fail, refund.id, f"the bank refused it: {state.reason}")
    if state.state == "accepted":
        return portal.db.transact(bank_refunds.mark_sent, refund.id)
    if refund.status == "sent":
        return False
    if refund.failure is not None:
        return portal.db.transact(bank_refunds.give_up, refund.id)
    turn = portal.db.transact(bank_refunds.claim_order, refund.id)
    if turn == "wait":
        return False
    account, holder = portal.db.read(bank_refunds.opened, refund.id)
    try:
        bank.pay(refund.reference, refund.bank_code, refund.branch_code, account, holder, refund.amount_units)
    except PortRejected as error:
        why = f"the bank refused it: {error}"
        return portal.db.transact(bank_refunds.refused, refund.id, turn == "first", why)
    return portal.db.transact(bank_refunds.mark_sent, refund.id)
