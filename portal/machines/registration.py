"""A voucher sign-up (voucher contract, state machine user).

The document draws mail before SMS, its calls go phone first (reading V1): the names are the drawing's, the order the
calls'. `bank_pending` and `bank_verified` follow the customer's bank account (machines/bank_accounts.py).
"""

from portal.machines.machine import Machine

REGISTRATION = Machine(
    name="user",
    start="sms_pending",
    transitions={
        "sms_pending": ("sms_verified",),
        "sms_verified": ("mail_pending",),
        "mail_pending": ("mail_verified",),
        "mail_verified": ("password_setup",),
        "password_setup": ("wallet_generated",),
        "wallet_generated": (),
        "bank_pending": (),
        "bank_verified": (),
    },
    drawn={
        ("wallet_generated", "bank_pending"): "the customer's bank account says it",
        ("bank_pending", "bank_verified"): "the customer's bank account says it",
    },
)
