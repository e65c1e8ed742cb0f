"""A refund of a bank credit: ordered, at the bank, paid, or failed (the credit waits in suspense again)."""

from portal.machines.machine import Machine

BANK_REFUND = Machine(
    name="bank_refund",
    start="ordered",
    transitions={
        "ordered": ("sent", "paid", "failed"),
        "sent": ("paid", "failed"),
        "paid": (),
        "failed": (),
    },
)
