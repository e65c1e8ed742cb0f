"""A load of a card (partner contract, state machine deposit_transaction).

Numbers of the contract: submitted 0, sent 3 and processing 4 all mean waiting; loaded 1, failed 5. A load fails, and the
float gets its money back, only when the network says for certain that nothing arrived.
"""

from portal.machines.machine import Machine

CARD_LOAD = Machine(
    name="card_load",
    start="submitted",
    transitions={
        "submitted": ("sent",),
        "sent": ("processing", "loaded", "failed"),
        "processing": ("loaded", "failed"),
        "loaded": (),
        "failed": (),
    },
    drawn={("submitted", "failed"): "only the network says that nothing arrived, and it is asked for what was sent"},
)
