"""The file store: documents sealed by the vault behind the file port, given out to their owner and to staff alone.

Storing is three steps, so that no transaction waits for the store and nothing is ever lost or left behind:
`document = clean_document(sent, max_bytes=…)`, then `stored = put(portal.db, document)` (outside a transaction), then
`register(session, owner_kind, owner_id, purpose, stored)` in the transaction that uses it. What is never registered is
swept an hour later.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import Context, Database, affected, context, now
from portal.errors import Refusal
from portal.models.files import StoredFile
from portal.ports import PortError, PortRejected
from portal.services.documents import CleanDocument, clean_document

__all__ = [
    "CleanDocument",
    "Stored",
    "clean_document",
    "content",
    "discard",
    "find",
    "put",
    "register",
    "rotate",
    "sweep",
    "under_older_keys",
]

#: How long a stored document may wait for the transaction that uses it.
UNUSED_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Stored:
    """A document that lies sealed in the store and waits to be registered."""

    name: str
    media_type: str
    size_bytes: int


def put(database: Database, document: CleanDocument) -> Stored:
    """Seals a clean document and stores it; outside any transaction. Raises Refusal `unavailable`."""
    found = _context(database)
    name = str(uuid4())
    sealed = found.vault.seal(document.content, _purpose(name))
    database.transact(_reserve, name, document, found.vault.key_name(sealed))
    try:
        found.ports.files.put(name, sealed)
    except (PortError, PortRejected) as error:
        raise Refusal("unavailable") from error
    return Stored(name, document.media_type, len(document.content))


def _reserve(session: Session, name: str, document: CleanDocument, key_name: str) -> None:
    session.add(
        StoredFile(
            name=name,
            media_type=document.media_type,
            size_bytes=len(document.content),
            content_digest=hashlib.sha256(document.content).hexdigest(),
            key_name=key_name,
            created_at=now(session),
        )
    )


def register(session: Session, owner_kind: str, owner_id: int, purpose: str, stored: Stored) -> StoredFile:
    """Gives a stored document to its owner (`customer` or `institution`), once.

    Raises Refusal `file_invalid` when it was registered before or waited so long that it was swept.
    """
    claimed = session.execute(
        sa.update(StoredFile)
        .where(StoredFile.name == stored.name, StoredFile.state == "reserved")
        .values(state="registered", owner_kind=owner_kind, owner_id=owner_id, purpose=purpose)
        .execution_options(synchronize_session=False)
    )
    if affected(claimed) != 1:
        raise Refusal("file_invalid", field="file")
    return session.scalars(sa.select(StoredFile).where(StoredFile.name == stored.name)).one()


def find(session: Session, public_id: str, *, owner_kind: str | None = None, owner_id: int | None = None) -> StoredFile:
    """A registered file, of the given owner if one is given. Raises Refusal `not_found`, alike for a foreign one."""
    query = sa.select(StoredFile).where(StoredFile.public_id == public_id, StoredFile.state == "registered")
    if owner_kind is not None:
        query = query.where(StoredFile.owner_kind == owner_kind, StoredFile.owner_id == owner_id)
    found = session.scalars(query).first()
    if found is None:
        raise Refusal("not_found")
    return found


def content(database: Database, file: StoredFile) -> bytes:
    """The opened bytes of a file; outside any transaction.

    Raises Refusal `unavailable` when the store is away, `not_found` when it has lost the file.
    """
    found = _context(database)
    try:
        sealed = found.ports.files.get(file.name)
    except PortRejected as error:
        raise Refusal("not_found") from error
    except PortError as error:
        raise Refusal("unavailable") from error
    return found.vault.open(sealed, _purpose(file.name))


def discard(session: Session, file_id: int) -> None:
    """Lets go of a file that nobody needs any more; its bytes are removed by the sweeping duty."""
    session.execute(
        sa.update(StoredFile)
        .where(StoredFile.id == file_id)
        .values(state="discarded")
        .execution_options(synchronize_session=False)
    )


def sweep(database: Database, count: int = 100) -> int:
    """Removes discarded files, and stored ones that nobody registered within UNUSED_FOR; how many."""
    found = _context(database)
    swept = database.transact(_sweepable, count)
    for file_id, name in swept:
        found.ports.files.delete(name)
        database.transact(_forget, file_id)
    return len(swept)


def _sweepable(session: Session, count: int) -> list[tuple[int, str]]:
    """Marks what is due as discarded first: from then on `register` cannot claim it."""
    unused = sa.select(StoredFile.id).where(
        StoredFile.state == "reserved", StoredFile.created_at < now(session) - UNUSED_FOR
    )
    session.execute(
        sa.update(StoredFile)
        .where(StoredFile.id.in_(unused.limit(count)), StoredFile.state == "reserved")
        .values(state="discarded")
        .execution_options(synchronize_session=False)
    )
    due = sa.select(StoredFile.id, StoredFile.name).where(StoredFile.state == "discarded").limit(count)
    return [(row.id, row.name) for row in session.execute(due)]


def _forget(session: Session, file_id: int) -> None:
    """Forgets a file whose bytes are gone; one that had an owner keeps its line, because records may name it."""
    gone = sa.and_(StoredFile.id == file_id, StoredFile.state == "discarded")
    session.execute(sa.delete(StoredFile).where(gone, StoredFile.owner_kind.is_(None)))
    session.execute(sa.update(StoredFile).where(gone).values(state="removed"))


def rotate(database: Database, count: int = 100) -> int:
    """Seals files of older keys anew under the newest one; how many. Repeat until it answers 0, then retire the key."""
    found = _context(database)
    current = found.vault.current_key_name
    old = database.read(_older, current, count)
    for file_id, name in old:
        sealed = found.vault.seal(found.vault.open(found.ports.files.get(name), _purpose(name)), _purpose(name))
        found.ports.files.put(name, sealed)
        database.transact(_note_key, file_id, found.vault.key_name(sealed))
    return len(old)


def _older(session: Session, current: str, count: int) -> list[tuple[int, str]]:
    query = sa.select(StoredFile.id, StoredFile.name).where(
        StoredFile.state == "registered", StoredFile.key_name != current
    )
    return [(row.id, row.name) for row in session.execute(query.order_by(StoredFile.id).limit(count))]


def under_older_keys(session: Session) -> int:
    """How many files that are, or may yet be, somebody's lie under an older key."""
    query = (
        sa.select(sa.func.count())
        .select_from(StoredFile)
        .where(
            StoredFile.state.in_(("registered", "reserved")),
            StoredFile.key_name != context(session).vault.current_key_name,
        )
    )
    return session.scalar(query) or 0


def _note_key(session: Session, file_id: int, key_name: str) -> None:
    session.execute(sa.update(StoredFile).where(StoredFile.id == file_id).values(key_name=key_name))


def _purpose(name: str) -> str:
    """Bound to the name: one sealed file cannot be put in another's place."""
    return f"file:{name}"


def _context(database: Database) -> Context:
    found = database.context
    assert found is not None
    return found
