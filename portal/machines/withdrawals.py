"""A withdrawal: crypto, fiat and redemption are one machine.

created → (code sent) otp_pending → otp_verified (funds frozen) → approval when needed → processing (stored bytes or
pay-out file) → broadcast → confirmed, or failed with the money back only when that is certain.
Voucher words: otp_verified … broadcast are `confirming`. Brokerage numbers: 17, 3, 4, 19, 10, 15, 16, 14.
"""

from portal.machines.machine import Machine

WITHDRAWAL = Machine(
    name="withdrawal",
    start="created",
    transitions={
        "created": ("otp_pending",),
        "otp_pending": ("otp_verified", "cancelled", "expired"),
        "otp_verified": ("awaiting_approval", "confirmed"),
        "awaiting_approval": ("approved", "in_review", "rejected", "cancelled"),
        "in_review": ("awaiting_approval", "rejected", "cancelled"),
        "approved": ("processing", "cancelled", "failed"),
        "processing": ("broadcast", "confirmed", "failed"),
        "broadcast": ("confirmed", "failed"),
        "confirmed": (),
        "failed": (),
        "rejected": (),
        "cancelled": (),
        "expired": (),
    },
)
