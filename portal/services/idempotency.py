"""Repeated requests: the same key and input get the first answer, the same key with other input is refused."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import exchanges
from portal.db import context, insert_statement, now
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


def once(
    session: Session, scope: str, key: str | None, input_digest: str, work: Callable[[], dict[str, Any]]
) -> tuple[dict[str, Any], bool]:
    """Runs `work` for the first request under (scope, key) and keeps its JSON-able answer in the same transaction.

    Answers (answer, replayed). Without a key it just runs. A refused request leaves its key free. A concurrent
    repeat waits for the first and then gets its answer. Raises Refusal `idempotency_conflict` for other input,
    `input_invalid` for an unusable key.
    """
    if key is None:
        return work(), False
    if not key or len(key) > MAX_KEY_LENGTH or not key.isascii() or not key.isprintable():
        raise Refusal("input_invalid", field="Idempotency-Key")
    input_digest = _keyed(session, input_digest)
    place = {"scope": scope, "key": key}
    claimed: list[bool] = []

    def check(claim: Answer) -> None:
        if not claim.rows:
            raise _Taken
        claimed.append(True)

    # Nothing may have been written yet: a claim that turns out to be taken gives all back.
    written_before = session.in_transaction()
    claim = {**place, "fingerprint": input_digest, "answer": None, "created_at": now(session)}
    try:
        exchanges.later(session, _CLAIM, claim, check=check)
        if written_before:
            exchanges.settle(session)
        answer = work()
        if not claimed:
            exchanges.settle(session)
    except _Taken:
        if not written_before:
            session.rollback()
            session.info["after_commit"].clear()
        return _first(session, place, input_digest), True
    except Refusal as refusal:
        if refusal.keep:
            exchanges.later(session, _GIVE_UP, place)
        raise
    exchanges.later(session, _KEEP, {**place, "answer": answer})
    return answer, False


class _Taken(Exception):
    """The key was claimed by an earlier request. Told with the first answer of the database, in the midst of the work."""


def _first(session: Session, place: dict[str, str], input_digest: str) -> dict[str, Any]:
    found = exchanges.ask(session, _LOOK, place).rows
    if not found:
        raise Refusal("state_conflict")
    fingerprint, answer = found[0]
    if fingerprint != input_digest:
        raise Refusal("idempotency_conflict")
    kept: dict[str, Any] = answer
    return kept


_CLAIM = insert_statement(
    IdempotencyKey, ("scope", "key", "fingerprint", "answer", "created_at"),
    conflict="ON CONFLICT DO NOTHING", returning="id",
)  # fmt: skip

_GIVE_UP = sa.text("DELETE FROM idempotency_keys WHERE scope = :scope AND key = :key")

_LOOK = sa.text("SELECT fingerprint, answer FROM idempotency_keys WHERE scope = :scope AND key = :key").columns(
    fingerprint=IdempotencyKey.__table__.c.fingerprint.type, answer=IdempotencyKey.__table__.c.answer.type
)

_KEEP = sa.text("UPDATE idempotency_keys SET answer = :answer WHERE scope = :scope AND key = :key").bindparams(
    sa.bindparam("answer", type_=IdempotencyKey.__table__.c.answer.type)
)


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
    if first.fingerprint != _keyed(session, input_digest):
        raise Refusal("idempotency_conflict")
    answer: dict[str, Any] | None = first.answer
    return answer


def _keyed(session: Session, input_digest: str) -> str:
    """What is kept of an input: keyed, so that a stolen database cannot be searched for the short secrets of requests."""
    return context(session).vault.index(input_digest, "request input")


def forget_old(session: Session) -> int:
    """Deletes keys past their life; how many."""
    table = IdempotencyKey.__table__
    gone = session.execute(sa.delete(table).where(table.c.created_at < now(session) - KEPT))
    return gone.rowcount if isinstance(gone, sa.CursorResult) else 0
