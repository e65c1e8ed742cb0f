"""A customer's NFC card (voucher contract, state machine card; a claim that nobody proves lapses)."""

from portal.machines.machine import Machine

CARD = Machine(
    name="card",
    start="pending",
    transitions={
        "pending": ("verified", "lapsed"),
        "verified": ("deleted",),
        "deleted": (),
        "lapsed": (),
    },
)
