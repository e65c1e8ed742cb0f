"""The words of the life cycles as people read them, and the tone of their badge.

A tone is a colour and a shape together: `done` (tick), `progress` (half disc), `wait` (diamond: the reader must act or wait
for somebody), `bad` (cross) and `off` (dash: ended without harm). A word that is not listed shows as itself, in `off`.
"""

from __future__ import annotations

from flask_babel import lazy_gettext

_TONES: dict[str, tuple[str, ...]] = {
    "done": (
        "completed", "complete", "done", "paid", "verified", "approved", "active", "accepted", "confirmed", "credited",
        "delivered", "passed", "success", "settled", "normal", "published", "matched",
    ),
    "progress": (
        "processing", "broadcast", "broadcasting", "seen", "confirming", "verifying", "reviewing", "in_review", "sending",
        "sent", "open", "running", "issuing", "loading", "queued", "signed", "submitted",
    ),
    "wait": (
        "pending", "created", "unpaid", "awaiting_email", "awaiting_code", "awaiting_approval", "awaiting_payment",
        "email_confirmed", "supplement", "unverified", "quoted", "on_hold", "held", "invited", "suspense", "draft",
    ),
    "bad": ("failed", "rejected", "suspended", "blocked", "locked", "frozen", "error", "dead", "reorganised"),
    "off": ("cancelled", "canceled", "expired", "closed", "revoked", "refunded", "none", "not_started", "deleted", "terminated"),
}  # fmt: skip
_TONE_OF = {word: tone for tone, words in _TONES.items() for word in words}

_LABELS = {
    "completed": lazy_gettext("Completed"),
    "complete": lazy_gettext("Completed"),
    "done": lazy_gettext("Completed"),
    "paid": lazy_gettext("Paid"),
    "verified": lazy_gettext("Verified"),
    "approved": lazy_gettext("Approved"),
    "active": lazy_gettext("Active"),
    "accepted": lazy_gettext("Accepted"),
    "confirmed": lazy_gettext("Confirmed"),
    "credited": lazy_gettext("Credited"),
    "delivered": lazy_gettext("Delivered"),
    "passed": lazy_gettext("Passed"),
    "settled": lazy_gettext("Settled"),
    "normal": lazy_gettext("Normal"),
    "matched": lazy_gettext("Matched"),
    "processing": lazy_gettext("Processing"),
    "broadcast": lazy_gettext("Sent to the network"),
    "broadcasting": lazy_gettext("Sending to the network"),
    "seen": lazy_gettext("Seen on the network"),
    "confirming": lazy_gettext("Confirming"),
    "verifying": lazy_gettext("Under review"),
    "reviewing": lazy_gettext("Under review"),
    "in_review": lazy_gettext("Under review"),
    "submitted": lazy_gettext("Submitted"),
    "queued": lazy_gettext("Queued"),
    "sent": lazy_gettext("Sent"),
    "open": lazy_gettext("Open"),
    "pending": lazy_gettext("Pending"),
    "created": lazy_gettext("Created"),
    "unpaid": lazy_gettext("Awaiting payment"),
    "awaiting_payment": lazy_gettext("Awaiting payment"),
    "awaiting_email": lazy_gettext("Awaiting e-mail confirmation"),
    "awaiting_code": lazy_gettext("Awaiting code"),
    "awaiting_approval": lazy_gettext("Awaiting approval"),
    "email_confirmed": lazy_gettext("E-mail confirmed"),
    "supplement": lazy_gettext("More needed"),
    "unverified": lazy_gettext("Not verified"),
    "quoted": lazy_gettext("Quoted"),
    "on_hold": lazy_gettext("On hold"),
    "held": lazy_gettext("On hold"),
    "suspense": lazy_gettext("Not matched"),
    "draft": lazy_gettext("Draft"),
    "failed": lazy_gettext("Failed"),
    "rejected": lazy_gettext("Rejected"),
    "suspended": lazy_gettext("Suspended"),
    "blocked": lazy_gettext("Blocked"),
    "locked": lazy_gettext("Locked"),
    "frozen": lazy_gettext("Frozen"),
    "dead": lazy_gettext("Given up"),
    "cancelled": lazy_gettext("Cancelled"),
    "canceled": lazy_gettext("Cancelled"),
    "expired": lazy_gettext("Expired"),
    "closed": lazy_gettext("Closed"),
    "revoked": lazy_gettext("Revoked"),
    "refunded": lazy_gettext("Refunded"),
    "not_started": lazy_gettext("Not started"),
}


def tone(status: object) -> str:
    """The badge tone of a status word (case does not matter)."""
    return _TONE_OF.get(str(status).lower(), "off")


def label(status: object) -> str:
    """The status word in the reader's language; an unknown word is shown readably as it is."""
    word = str(status).lower()
    return str(_LABELS[word]) if word in _LABELS else word.replace("_", " ").capitalize()
