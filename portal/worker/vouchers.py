"""Duties of vouchers: what ran out is ended, what was paid for is handed out, claims that nobody proved are freed."""

from portal.bootstrap import Portal
from portal.services import cards, payments, registrations, swaps, voucher_orders, voucher_payments
from portal.worker.duties import duty


@duty("voucher_orders", every_seconds=5)
def end_orders(portal: Portal) -> int:
    """Ends orders, swaps and payments whose code or money did not come in time."""
    transact = portal.db.transact
    return transact(voucher_orders.expire_due) + transact(swaps.expire_due) + transact(payments.expire_due)


@duty("voucher_stock", every_seconds=10)
def hand_out_vouchers(portal: Portal) -> int:
    """Hands out vouchers that were paid for while sold out."""
    return portal.db.transact(voucher_payments.hand_out_waiting)


@duty("voucher_cards", every_seconds=30)
def free_cards(portal: Portal) -> int:
    """Frees cards whose claims nobody proved."""
    return portal.db.transact(cards.lapse_due)


@duty("registrations", every_seconds=600)
def forget_registrations(portal: Portal) -> int:
    """Forgets sign-ups that nobody finished."""
    portal.db.transact(registrations.forget_old)
    return 0
