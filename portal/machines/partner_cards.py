"""A card of an institution's person (partner contract, state machine card).

Numbers of the contract: frozen 0, active 1, not_activated 2, waiting_for_review 3, review_failed 4.
"""

from portal.machines.machine import Machine

PARTNER_CARD = Machine(
    name="partner_card",
    start="not_activated",
    transitions={
        "not_activated": ("waiting_for_review", "active"),
        "waiting_for_review": ("active", "review_failed"),
        "review_failed": ("waiting_for_review",),
        "active": ("frozen",),
        "frozen": ("active",),
    },
)
