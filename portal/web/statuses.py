"""The words of the life cycles as people read them, and the tone of their badge.

A tone is a colour and a shape together: `done` (tick), `progress` (half disc), `wait` (diamond: the reader must act or wait
for somebody), `bad` (cross) and `off` (dash: ended without harm). A word that is not listed shows as itself, in `off`.
"""

from __future__ import annotations

from flask_babel import lazy_pgettext

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
    "completed": lazy_pgettext("status", "Completed"),
    "complete": lazy_pgettext("status", "Completed"),
    "done": lazy_pgettext("status", "Completed"),
    "paid": lazy_pgettext("status", "Paid"),
    "verified": lazy_pgettext("status", "Verified"),
    "approved": lazy_pgettext("status", "Approved"),
    "active": lazy_pgettext("status", "Active"),
    "accepted": lazy_pgettext("status", "Accepted"),
    "confirmed": lazy_pgettext("status", "Confirmed"),
    "credited": lazy_pgettext("status", "Credited"),
    "delivered": lazy_pgettext("status", "Delivered"),
    "passed": lazy_pgettext("status", "Passed"),
    "settled": lazy_pgettext("status", "Settled"),
    "normal": lazy_pgettext("status", "Normal"),
    "matched": lazy_pgettext("status", "Matched"),
    "processing": lazy_pgettext("status", "Processing"),
    "broadcast": lazy_pgettext("status", "Sent to the network"),
    "broadcasting": lazy_pgettext("status", "Sending to the network"),
    "seen": lazy_pgettext("status", "Seen on the network"),
    "confirming": lazy_pgettext("status", "Confirming"),
    "verifying": lazy_pgettext("status", "Under review"),
    "reviewing": lazy_pgettext("status", "Under review"),
    "in_review": lazy_pgettext("status", "Under review"),
    "submitted": lazy_pgettext("status", "Submitted"),
    "queued": lazy_pgettext("status", "Queued"),
    "sent": lazy_pgettext("status", "Sent"),
    "open": lazy_pgettext("status", "Open"),
    "pending": lazy_pgettext("status", "Pending"),
    "created": lazy_pgettext("status", "Created"),
    "unpaid": lazy_pgettext("status", "Awaiting payment"),
    "awaiting_payment": lazy_pgettext("status", "Awaiting payment"),
    "awaiting_email": lazy_pgettext("status", "Awaiting e-mail confirmation"),
    "awaiting_code": lazy_pgettext("status", "Awaiting code"),
    "awaiting_approval": lazy_pgettext("status", "Awaiting approval"),
    "email_confirmed": lazy_pgettext("status", "E-mail confirmed"),
    "supplement": lazy_pgettext("status", "More needed"),
    "unverified": lazy_pgettext("status", "Not verified"),
    "quoted": lazy_pgettext("status", "Quoted"),
    "on_hold": lazy_pgettext("status", "On hold"),
    "held": lazy_pgettext("status", "On hold"),
    "suspense": lazy_pgettext("status", "Not matched"),
    "draft": lazy_pgettext("status", "Draft"),
    "failed": lazy_pgettext("status", "Failed"),
    "rejected": lazy_pgettext("status", "Rejected"),
    "suspended": lazy_pgettext("status", "Suspended"),
    "blocked": lazy_pgettext("status", "Blocked"),
    "locked": lazy_pgettext("status", "Locked"),
    "frozen": lazy_pgettext("status", "Frozen"),
    "dead": lazy_pgettext("status", "Given up"),
    "cancelled": lazy_pgettext("status", "Cancelled"),
    "canceled": lazy_pgettext("status", "Cancelled"),
    "expired": lazy_pgettext("status", "Expired"),
    "closed": lazy_pgettext("status", "Closed"),
    "revoked": lazy_pgettext("status", "Revoked"),
    "refunded": lazy_pgettext("status", "Refunded"),
    "not_started": lazy_pgettext("status", "Not started"),
}


def tone(status: object) -> str:
    """The badge tone of a status word (case does not matter)."""
    return _TONE_OF.get(str(status).lower(), "off")


def label(status: object) -> str:
    """The status word in the reader's language; an unknown word is shown readably as it is."""
    word = str(status).lower()
    return str(_LABELS[word]) if word in _LABELS else word.replace("_", " ").capitalize()
