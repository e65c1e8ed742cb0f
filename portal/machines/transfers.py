"""A transfer to another customer: 17 waiting for the mail, 25 mail confirmed, 10 done, 16 cancelled, 14 expired."""

from portal.machines.machine import Machine

TRANSFER = Machine(
    name="transfer",
    start="pending",
    transitions={
        "pending": ("email_confirmed", "cancelled", "expired"),
        "email_confirmed": ("completed", "cancelled", "expired"),
        "completed": (),
        "cancelled": (),
        "expired": (),
    },
)
