"""Knowing the customer: each level of a customer, and each document, has a life of its own.

Brokerage numbers (contract, enums kyc_status and image_status): unverified 1, verifying 2, verified 3, supplement and
rejected 4; an uploaded document that was not submitted yet counts as 1.
"""

from portal.machines.machine import Machine

#: Level 1 passes by itself once the phone is proven; levels 2 and 3 are decided by staff.
KYC_LEVEL = Machine(
    name="kyc_level",
    start="unverified",
    transitions={
        "unverified": ("verifying", "verified", "void"),
        "verifying": ("verified", "supplement", "void"),
        "supplement": ("verifying", "void"),
        "verified": ("void",),
        "void": ("unverified",),
    },
)

KYC_DOCUMENT = Machine(
    name="kyc_document",
    start="uploaded",
    transitions={
        "uploaded": ("verifying", "replaced"),
        "verifying": ("verified", "rejected", "replaced"),
        "rejected": ("replaced",),
        "verified": ("replaced",),
        "replaced": (),
    },
)
