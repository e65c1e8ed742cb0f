"""A quote: held for a moment, then closed one way or another, once (brokerage quote_status 30001, 30007, 30008, 8)."""

from portal.machines.machine import Machine

QUOTE = Machine(
    name="quote",
    start="quoted",
    transitions={
        "quoted": ("executed", "expired", "unfunded"),
        "executed": (),
        "expired": (),
        "unfunded": (),
    },
)
