"""Which passwords are good enough. Plain ones are measured; digests made by clients are held against a list of common ones."""

import hashlib
from array import array
from bisect import bisect_left
from functools import lru_cache

from zxcvbn import zxcvbn
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from portal.errors import N_, Refusal, declare
from portal.services import passwords

SHORTEST, LONGEST = 8, 1024
#: zxcvbn's score from 0 to 4: 2 withstands guessing over the network.
LEAST_SCORE = 2
#: zxcvbn takes long over long texts; what comes after this adds strength anyway.
_MEASURED = 72
_ENDINGS = ("", "1", "12", "123", "!", "1!", "123!", "2024", "2025", "2026")

declare(
    {
        "password_missing": N_("Please enter a password."),
        "password_short": N_("Use at least 8 characters."),
        "password_weak": N_("This password is easy to guess. Add another word or two."),
        "password_common": N_("Many people use this password, so it is guessed first. Please choose another."),
        "password_invalid": N_("This is not a password digest of 64 hexadecimal characters."),
    }
)


def digest_of_new(plain: str, *about: str, field: str = "password") -> str:
    """The digest of a new plain password, measured first; `about` are texts that it must not be made of.

    Raises Refusal `password_missing`, `password_short`, `password_weak` or `password_common`.
    """
    if not plain:
        raise Refusal("password_missing", field=field)
    if len(plain) < SHORTEST or len(plain) > LONGEST:
        raise Refusal("password_short", field=field)
    digest = passwords.digest_of(plain)
    refuse_common(digest, field)
    known = [part for text in about for part in (text, text.partition("@")[0]) if part]
    if zxcvbn(plain[:_MEASURED], user_inputs=known)["score"] < LEAST_SCORE:
        raise Refusal("password_weak", field=field)
    return digest


def new_digest(text: str, field: str = "password") -> str:
    """A new password that a client digested. Raises Refusal `password_invalid` or `password_common`."""
    if not passwords.is_digest(text):
        raise Refusal("password_invalid", field=field)
    refuse_common(text, field)
    return text.lower()


def refuse_common(digest: str, field: str) -> None:
    """Raises Refusal `password_common` when the digest is that of a password which many people use."""
    mark, known = int(digest[:16], 16), _common()
    place = bisect_left(known, mark)
    if place < len(known) and known[place] == mark:
        raise Refusal("password_common", field=field)


@lru_cache(maxsize=1)
def _common() -> "array[int]":
    """The first 64 bits of the SHA-256 of every common password, sorted: as they are, capitalised, with usual endings."""
    marks = set()
    for rank, word in enumerate(FREQUENCY_LISTS["passwords"]):
        endings = _ENDINGS if rank < 5000 else ("",)
        for form in (word, word.capitalize()):
            for ending in endings:
                marks.add(hashlib.sha256((form + ending).encode()).digest()[:8])
    marks.add(hashlib.sha256(b"").digest()[:8])
    return array("Q", sorted(int.from_bytes(mark, "big") for mark in marks))
