"""The words of the life cycles as people read them, and the tone of their badge.

A tone is a colour and a shape together: `done` (tick), `progress` (half disc: somebody else is at it), `wait` (diamond: the
reader or staff must act), `bad` (cross) and `off` (dash: ended without harm). A word that is not listed shows as itself, in `off`.
"""

from __future__ import annotations

from flask_babel import lazy_pgettext

_WORDS = {
    "done": {
        "completed": lazy_pgettext("status", "Completed"),
        "complete": lazy_pgettext("status", "Completed"),
        "executed": lazy_pgettext("status", "Completed"),
        "confirmed": lazy_pgettext("status", "Confirmed"),
        "paid": lazy_pgettext("status", "Paid"),
        "loaded": lazy_pgettext("status", "Loaded"),
        "token": lazy_pgettext("status", "Issued"),
        "approved": lazy_pgettext("status", "Approved"),
        "verified": lazy_pgettext("status", "Verified"),
        "passed": lazy_pgettext("status", "Passed"),
        "active": lazy_pgettext("status", "Active"),
        "normal": lazy_pgettext("status", "Normal"),
        "usable": lazy_pgettext("status", "Usable"),
        "delivered": lazy_pgettext("status", "Delivered"),
        "matched": lazy_pgettext("status", "Matched"),
        "mail_verified": lazy_pgettext("status", "E-mail confirmed"),
        "sms_verified": lazy_pgettext("status", "Phone confirmed"),
        "bank_verified": lazy_pgettext("status", "Bank account verified"),
        "wallet_generated": lazy_pgettext("status", "Wallet ready"),
        "done": lazy_pgettext("status", "Done"),
    },
    "progress": {
        "processing": lazy_pgettext("status", "Processing"),
        "confirming": lazy_pgettext("status", "Confirming"),
        "broadcast": lazy_pgettext("status", "Sent to the network"),
        "seen": lazy_pgettext("status", "Seen on the network"),
        "in_review": lazy_pgettext("status", "Under review"),
        "verifying": lazy_pgettext("status", "Under review"),
        "checking": lazy_pgettext("status", "Under review"),
        "waiting_for_review": lazy_pgettext("status", "Under review"),
        "submitted": lazy_pgettext("status", "Submitted"),
        "sent": lazy_pgettext("status", "Sent"),
        "otp_verified": lazy_pgettext("status", "Code accepted"),
        "password_setup": lazy_pgettext("status", "Password set"),
        "queued": lazy_pgettext("status", "Queued"),
        "ordered": lazy_pgettext("status", "Ordered"),
        "in_case": lazy_pgettext("status", "In a case"),
        "cleared": lazy_pgettext("status", "Cleared"),
        "investigating": lazy_pgettext("status", "Under investigation"),
        "reported": lazy_pgettext("status", "Reported"),
        "running": lazy_pgettext("status", "Running"),
    },
    "wait": {
        "pending": lazy_pgettext("status", "Pending"),
        "created": lazy_pgettext("status", "Created"),
        "open": lazy_pgettext("status", "Open"),
        "quoted": lazy_pgettext("status", "Quoted"),
        "unpaid": lazy_pgettext("status", "Awaiting payment"),
        "otp_pending": lazy_pgettext("status", "Awaiting code"),
        "awaiting_email": lazy_pgettext("status", "Awaiting e-mail confirmation"),
        "awaiting_approval": lazy_pgettext("status", "Awaiting approval"),
        "email_confirmed": lazy_pgettext("status", "Awaiting your confirmation"),
        "mail_pending": lazy_pgettext("status", "Awaiting e-mail confirmation"),
        "sms_pending": lazy_pgettext("status", "Awaiting phone confirmation"),
        "bank_pending": lazy_pgettext("status", "Bank account under review"),
        "not_activated": lazy_pgettext("status", "Not activated"),
        "supplement": lazy_pgettext("status", "More needed"),
        "unverified": lazy_pgettext("status", "Not verified"),
        "uploaded": lazy_pgettext("status", "Ready to hand in"),
        "held": lazy_pgettext("status", "On hold"),
        "suspense": lazy_pgettext("status", "Not matched"),
    },
    "bad": {
        "failed": lazy_pgettext("status", "Failed"),
        "rejected": lazy_pgettext("status", "Rejected"),
        "void": lazy_pgettext("status", "No longer valid"),
        "not_passed": lazy_pgettext("status", "Not passed"),
        "review_failed": lazy_pgettext("status", "Not passed"),
        "unfunded": lazy_pgettext("status", "Balance too low"),
        "untoken": lazy_pgettext("status", "Not issued"),
        "suspended": lazy_pgettext("status", "Suspended"),
        "locked": lazy_pgettext("status", "Locked"),
        "blocked": lazy_pgettext("status", "Blocked"),
        "not_tradable": lazy_pgettext("status", "No trading"),
        "frozen": lazy_pgettext("status", "Frozen"),
        "dead": lazy_pgettext("status", "Given up"),
    },
    "off": {
        "cancelled": lazy_pgettext("status", "Cancelled"),
        "expired": lazy_pgettext("status", "Expired"),
        "dropped": lazy_pgettext("status", "Dropped by the network"),
        "lapsed": lazy_pgettext("status", "Lapsed"),
        "replaced": lazy_pgettext("status", "Replaced"),
        "closed": lazy_pgettext("status", "Closed"),
        "withdrawn": lazy_pgettext("status", "Withdrawn"),
        "deleted": lazy_pgettext("status", "Deleted"),
        "revoked": lazy_pgettext("status", "Revoked"),
        "refunded": lazy_pgettext("status", "Refunded"),
        "not_started": lazy_pgettext("status", "Not started"),
    },
}
_TONES = {word: tone_name for tone_name, words in _WORDS.items() for word in words}
_LABELS = {word: text for words in _WORDS.values() for word, text in words.items()}


def known(status: object) -> bool:
    """Whether the word has a tone and a text of its own."""
    return str(status).lower() in _TONES


def tone(status: object) -> str:
    """The badge tone of a status word (case does not matter)."""
    return _TONES.get(str(status).lower(), "off")


def label(status: object) -> str:
    """The status word in the reader's language; an unknown word is shown readably as it is."""
    word = str(status).lower()
    return str(_LABELS[word]) if word in _LABELS else word.replace("_", " ").capitalize()
