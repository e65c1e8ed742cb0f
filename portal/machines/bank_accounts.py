"""A bank account of a customer: proven by staff (brokerage level 3) or by its owner's code (voucher family)."""

from portal.machines.machine import Machine

BANK_ACCOUNT = Machine(
    name="bank_account",
    start="pending",
    transitions={
        "pending": ("verified", "rejected", "closed"),
        "verified": ("closed",),
        "rejected": ("closed",),
        "closed": (),
    },
)
