"""Words of the life cycles as numbers of the brokerage contract (enum history_status)."""

_WORDS: dict[str, dict[str, int]] = {
    "withdrawal": {
        "created": 17,
        "otp_pending": 17,
        "otp_verified": 3,
        "awaiting_approval": 3,
        "in_review": 5,
        "approved": 4,
        "processing": 19,
        "broadcast": 19,
        "confirmed": 10,
        "failed": 15,
        "rejected": 6,
        "cancelled": 16,
        "expired": 14,
    },
    "transfer": {"pending": 17, "email_confirmed": 25, "completed": 10, "cancelled": 16, "expired": 14},
    "deposit": {"open": 1, "seen": 1, "dropped": 15, "confirmed": 10, "cancelled": 16, "expired": 14},
}

COMPLETED = 10


def history_status(subject_kind: str, word: str) -> int:
    """The number of a word; what is done in one step (trades, conversions, payments) is completed."""
    return _WORDS.get(subject_kind, {}).get(word, COMPLETED)
