"""A buying order: vouchers for New Taiwan dollars (voucher contract, state machine buying_order)."""

from portal.machines.machine import Machine

BUYING = Machine(
    name="buying_order",
    start="created",
    transitions={
        "created": ("otp_pending",),
        "otp_pending": ("otp_verified", "expired"),
        "otp_verified": ("unpaid",),
        "unpaid": ("paid", "expired"),
        "paid": ("token", "untoken"),
        "untoken": ("token",),
        "token": (),
        "expired": (),
    },
    drawn={("otp_verified", "expired"): "code and account to pay into are one transaction: no order rests there"},
)
