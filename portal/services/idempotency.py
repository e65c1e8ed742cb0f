"""Repeated requests: the same key and input get the first answer, the same key with other input is refused."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import exchanges
from portal.db import Context, Database, context, insert_statement, now
from portal.errors import Refusal
from portal.models.system import IdempotencyKey
from portal.wire import Answer

#: Keys are kept this long (PROMISES 3 asks for at least 24 hours).
KEPT = timedelta(hours=48)

MAX_KEY_LENGTH = 200


def fingerprint(*parts: bytes | str) -> str:
    """A digest (64 hex) of a request's input: method, path, body … whatever must be equal on a repeat."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode() if isinstance(part, str) else part
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.hexdigest()


class Key(NamedTuple):
    """A request's key with whose it is and the digest of its input."""

    scope: str
    key: str | None
    input_digest: str


def place_of(db: Database, key: Key) -> dict[str, str | None]:
    """Where a statement that keeps its answer by itself is to keep it: scope, key and fingerprint; Nones without a key."""
    if key.key is None:
        return {"scope": None, "key": None, "fingerprint": None}
    _check(key.key)
    assert db.context is not None
    return {**key._asdict(), "fingerprint": _keyed(db.context, key.input_digest)}


def _check(key: str) -> None:
    if not key or len(key) > MAX_KEY_LENGTH or not key.isascii() or not key.isprintable():
        raise Refusal("input_invalid", field="Idempotency-Key")


def once(
    session: Session, scope: str, key: str | None, input_digest: str, work: Callable[[], dict[str, Any]]
) -> tuple[dict[str, Any], bool]:
    """Runs `work` for the first request under (scope, key) and keeps its JSON-able answer in the same transaction.

    Answers (answer, replayed). Without a key it just runs. A refused request leaves its key free. Of requests at once the
    first to end counts: the others are given back, run again (portal/db.py:transact) and then get its answer, also where
    they were refused because of what the first had done. Raises Refusal `idempotency_conflict` for other input,
    `input_invalid` for an unusable key.

    Nothing may have been written in the session before: a repeat gives all back.
    """
    if key is None:
        return work(), False
    _check(key)
    place = {"scope": scope, "key": key}
    first = _First(_keyed(context(session), input_digest))
    try:
        # Travels with the first question of the work, and is looked at before the work goes on.
        exchanges.later(session, _LOOK, place, check=first.look)
        answer = work()
        if not first.looked:
            exchanges.settle(session)
    except _Repeated as repeated:
        _give_back(session)
        return repeated.told(), True
    except Refusal as refusal:
        # What refused it may be what the first request, unseen when this one began, has done meanwhile.
        if not refusal.keep:
            _give_back(session)
        try:
            first.look(exchanges.ask(session, _LOOK, place))
        except _Repeated as repeated:
            _give_back(session)
            return repeated.told(), True
        raise
    kept = {**place, "fingerprint": first.fingerprint, "answer": answer, "created_at": now(session)}
    exchanges.later(session, _KEEP, kept)
    return answer, False


class _Repeated(Exception):
    """There was a first request. Told with the first answer of the database, in the midst of the work."""

    def __init__(self, answer: dict[str, Any] | None) -> None:
        super().__init__("repeated")
        self._answer = answer

    def told(self) -> dict[str, Any]:
        """Its answer. Raises Refusal `idempotency_conflict` when it was another request."""
        if self._answer is None:
            raise Refusal("idempotency_conflict")
        return self._answer


@dataclass(slots=True)
class _First:
    """Looks for whoever came first under a key, with the same input or another."""

    fingerprint: str
    looked: bool = False

    def look(self, found: Answer) -> None:
        """Raises _Repeated when there was one."""
        self.looked = True
        for fingerprint, answer in found.rows:
            raise _Repeated(answer if fingerprint == self.fingerprint else None)


def _give_back(session: Session) -> None:
    session.rollback()
    session.info["after_commit"].clear()


_LOOK = sa.text("SELECT fingerprint, answer FROM idempotency_keys WHERE scope = :scope AND key = :key").columns(
    fingerprint=IdempotencyKey.__table__.c.fingerprint.type, answer=IdempotencyKey.__table__.c.answer.type
)

_KEEP = insert_statement(IdempotencyKey, ("scope", "key", "fingerprint", "answer", "created_at"))


def kept(session: Session, scope: str, key: str | None, input_digest: str) -> dict[str, Any] | None:
    """The answer kept under (scope, key), for work that prepares outside the transaction; None when there is none yet.

    Raises Refusal `idempotency_conflict` for other input.
    """
    if key is None:
        return None
    table = IdempotencyKey.__table__
    first = session.execute(
        sa.select(table.c.fingerprint, table.c.answer).where(table.c.scope == scope, table.c.key == key)
    ).first()
    if first is None:
        return None
    if first.fingerprint != _keyed(context(session), input_digest):
        raise Refusal("idempotency_conflict")
    answer: dict[str, Any] | None = first.answer
    return answer


def _keyed(portal: Context, input_digest: str) -> str:
    """What is kept of an input: keyed, so that a stolen database cannot be searched for the short secrets of requests."""
    return portal.vault.index(input_digest, "request input")


def forget_old(session: Session) -> int:
    """Deletes keys past their life; how many."""
    table = IdempotencyKey.__table__
    gone = session.execute(sa.delete(table).where(table.c.created_at < now(session) - KEPT))
    return gone.rowcount if isinstance(gone, sa.CursorResult) else 0
