"""Passwords: one form for every door, Argon2id with a pepper, bounded so that sign-ins never starve trades.

Clients of the brokerage family send 64 hex characters, the SHA-256 they made; plain passwords of forms and of the
voucher family go through the same SHA-256 first. So one password works at every door.
"""

import hashlib
import hmac
import re
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy.orm import Session

from portal.db import context

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_at_once = threading.BoundedSemaphore(2)
_DIGEST = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)

#: What an unknown account's password is checked against, so that it takes as long as a known one's.
_NOBODY = _hasher.hash("nobody")


def digest_of(plain: str) -> str:
    """The SHA-256 (64 hex) by which a plain password goes on: what clients of the brokerage family send."""
    return hashlib.sha256(plain.encode()).hexdigest()


def is_digest(text: str) -> bool:
    """Whether the text has the form of a client-made digest."""
    return bool(_DIGEST.fullmatch(text))


def make_hash(session: Session, digest: str) -> str:
    """The Argon2id hash to keep for a digest (64 hex, any case)."""
    with _at_once:
        return _hasher.hash(_peppered(session, digest))


def matches(session: Session, kept: str | None, digest: str) -> bool:
    """Whether the digest fits the kept hash; takes the same time when there is none."""
    with _at_once:
        try:
            _hasher.verify(kept or _NOBODY, _peppered(session, digest))
        except (VerifyMismatchError, InvalidHashError):
            return False
    return kept is not None


def _peppered(session: Session, digest: str) -> bytes:
    return hmac.new(context(session).settings.password_pepper, digest.lower().encode(), hashlib.sha256).digest()
