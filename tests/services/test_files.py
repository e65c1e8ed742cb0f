"""The file store: sealed, its owner's alone, nothing lost and nothing left behind."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from portal.config import Settings
from portal.errors import Refusal
from portal.models.files import StoredFile
from portal.services import files
from portal.services.documents import clean_document
from portal.vault import Vault, VaultError
from tests.support import documents

HOUR = 3600


@pytest.fixture
def stored(portal: Any) -> files.Stored:
    return files.put(portal.db, clean_document(documents.jpeg(), max_bytes=documents.FIVE_MB))


def on_disk(portal: Any) -> list[bytes]:
    folder = portal.settings.instance / "files"
    return [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]


def test_a_document_lies_sealed_and_comes_back_whole(
    portal: Any, transact: Callable[..., Any], stored: files.Stored
) -> None:
    clean = clean_document(documents.jpeg(), max_bytes=documents.FIVE_MB)
    file = transact(files.register, "customer", 7, "kyc", stored)
    (sealed,) = on_disk(portal)
    assert b"\xff\xd8" not in sealed[:20]
    assert b"JFIF" not in sealed
    assert files.content(portal.db, file) == clean.content
    assert (file.media_type, file.size_bytes) == ("image/jpeg", len(clean.content))


def test_a_foreign_file_looks_like_a_missing_one(
    read: Callable[..., Any], transact: Callable[..., Any], stored: files.Stored
) -> None:
    file = transact(files.register, "customer", 7, "kyc", stored)
    assert read(files.find, file.public_id, owner_kind="customer", owner_id=7).id == file.id
    for owner in (("customer", 8), ("institution", 7)):
        with pytest.raises(Refusal, match="not_found"):
            read(files.find, file.public_id, owner_kind=owner[0], owner_id=owner[1])
    with pytest.raises(Refusal, match="not_found"):
        read(files.find, "no-such-file", owner_kind="customer", owner_id=7)


def test_a_stored_document_is_registered_once(transact: Callable[..., Any], stored: files.Stored) -> None:
    transact(files.register, "customer", 7, "kyc", stored)
    with pytest.raises(Refusal, match="file_invalid"):
        transact(files.register, "customer", 8, "kyc", stored)


def test_what_nobody_registers_is_swept_after_an_hour(
    portal: Any, transact: Callable[..., Any], travel: Callable[[int], Any], stored: files.Stored
) -> None:
    assert files.sweep(portal.db) == 0
    travel(HOUR + 1)
    assert files.sweep(portal.db) == 1
    assert on_disk(portal) == []
    with pytest.raises(Refusal, match="file_invalid"):
        transact(files.register, "customer", 7, "kyc", stored)


def test_what_is_registered_stays_and_what_is_let_go_of_leaves(
    portal: Any, transact: Callable[..., Any], travel: Callable[[int], Any], stored: files.Stored
) -> None:
    file = transact(files.register, "customer", 7, "kyc", stored)
    travel(HOUR * 24 * 400)
    assert files.sweep(portal.db) == 0
    assert len(on_disk(portal)) == 1
    transact(files.discard, file.id)
    assert files.sweep(portal.db) == 1
    assert on_disk(portal) == []


@pytest.mark.parametrize("fault", ["timeout", "error", "reject", "lost_answer"])
def test_a_store_that_fails_is_said_and_leaves_nothing_registered(
    portal: Any, fault: str, travel: Callable[[int], Any]
) -> None:
    portal.world.set_fault("files", fault, 1)
    with pytest.raises(Refusal, match="unavailable"):
        files.put(portal.db, clean_document(documents.png(), max_bytes=documents.FIVE_MB))
    travel(HOUR + 1)
    files.sweep(portal.db)
    assert on_disk(portal) == []
    with portal.db.session() as session:
        assert session.query(StoredFile).count() == 0


def test_sealed_files_cannot_be_put_in_each_others_place(portal: Any, transact: Callable[..., Any]) -> None:
    first, second = (
        transact(files.register, "customer", 7, "kyc", files.put(portal.db, clean_document(sent, max_bytes=10**6)))
        for sent in (documents.jpeg(), documents.png())
    )
    portal.ports.files.put(second.name, portal.ports.files.get(first.name))
    with pytest.raises(VaultError):
        files.content(portal.db, second)


def test_files_move_to_the_newest_key_and_the_old_one_may_go(
    app_with: Callable[..., Flask],
) -> None:
    portal = app_with("sqlite").extensions["portal"]
    file = portal.db.transact(
        files.register, "customer", 7, "kyc", files.put(portal.db, clean_document(documents.jpeg(), max_bytes=10**6))
    )
    settings: Settings = portal.settings
    old, new = settings.encryption_keys[0], bytes(range(32))
    found = portal.db.context
    portal.db.context = type(found)(settings, found.clock, Vault((new, old), settings.password_pepper), found.ports)
    assert files.rotate(portal.db) == 1
    assert files.rotate(portal.db) == 0
    portal.db.context = type(found)(settings, found.clock, Vault((new,), settings.password_pepper), found.ports)
    assert files.content(portal.db, file).startswith(b"\xff\xd8")
