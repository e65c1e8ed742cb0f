"""A swapping order: one voucher for another (voucher contract, state machine swapping_order)."""

from portal.machines.machine import Machine

SWAPPING = Machine(
    name="swapping_order",
    start="created",
    transitions={
        "created": ("otp_pending",),
        "otp_pending": ("otp_verified", "expired"),
        "otp_verified": ("token",),
        "token": ("complete",),
        "complete": (),
        "failed": (),
        "expired": (),
    },
    drawn={("otp_verified", "failed"): "code, money and end are one transaction: it is complete or nothing moved"},
)
