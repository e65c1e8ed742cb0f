"""Payments in a store: the order (voucher contract, state machine shopping_order) and the counter's request for it."""

from portal.machines.machine import Machine

SHOPPING = Machine(
    name="shopping_order",
    start="created",
    transitions={
        "created": ("otp_pending",),
        "otp_pending": ("otp_verified", "expired"),
        "otp_verified": ("confirming",),
        "confirming": ("paid",),
        "paid": (),
        "failed": (),
        "expired": (),
    },
    drawn={("confirming", "failed"): "code, money and end are one transaction: it is paid or nothing moved"},
)

PAYMENT_REQUEST = Machine(
    name="payment_request",
    start="open",
    transitions={
        "open": ("paid", "cancelled", "expired"),
        "paid": (),
        "cancelled": (),
        "expired": (),
    },
)
