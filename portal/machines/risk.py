"""Risk: a signal that a rule raised, and the case that staff make of it."""

from portal.machines.machine import Machine

RISK_SIGNAL = Machine(
    name="risk_signal",
    start="open",
    transitions={
        "open": ("cleared", "in_case"),
        "cleared": (),
        "in_case": ("cleared",),
    },
)

RISK_CASE = Machine(
    name="risk_case",
    start="open",
    transitions={
        "open": ("investigating", "closed"),
        "investigating": ("reported", "closed"),
        "reported": ("closed",),
        "closed": ("investigating",),
    },
)
