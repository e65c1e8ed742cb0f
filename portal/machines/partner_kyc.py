"""A person of an institution being checked for one kind of card (partner contract, state machine kyc).

Numbers of the contract: submitted 0, processing 4, checking 3, passed 1, not_passed 2.
"""

from portal.machines.machine import Machine

PARTNER_KYC = Machine(
    name="partner_kyc",
    start="submitted",
    transitions={
        "submitted": ("processing",),
        "processing": ("checking",),
        "checking": ("passed", "not_passed"),
        "not_passed": ("submitted",),
        "passed": (),
    },
    drawn={("submitted", "checking"): "every check passes through processing"},
)
