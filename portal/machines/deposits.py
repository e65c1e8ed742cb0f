"""A deposit: announced by a customer, seen on a chain or at the bank, credited when solid."""

from portal.machines.machine import Machine

DEPOSIT = Machine(
    name="deposit",
    start="seen",
    transitions={
        "open": ("confirmed", "cancelled", "expired"),
        "seen": ("confirmed", "dropped"),
        "dropped": ("seen",),
        "confirmed": (),
        "cancelled": (),
        "expired": (),
    },
)
