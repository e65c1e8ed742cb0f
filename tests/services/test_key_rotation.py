"""Keys are retired without losing a value: everything sealed is found, renewed, and readable under the new key alone."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import vault as vaults
from portal.db import context
from portal.models.customers import Customer
from portal.models.security import Authenticator
from portal.models.system import Job
from portal.models.wallet import BankAccount
from portal.services import files, jobs, key_rotation
from portal.services.documents import clean_document
from tests.support import documents, people

NEW_KEY = bytes(range(32))


def use_keys(portal: Any, *keys: bytes) -> None:
    """Restarts the portal, so to say, with other keys."""
    found = portal.db.context
    vault = vaults.Vault(keys, portal.settings.password_pepper)
    portal.db.context = type(found)(found.settings, found.clock, vault, found.ports)


@pytest.fixture
def old_key(portal: Any) -> bytes:
    key: bytes = portal.settings.encryption_keys[0]
    return key


def test_every_sealed_column_of_the_schema_is_rotated() -> None:
    assert key_rotation.sealed_columns() == set(key_rotation.SEALED_COLUMNS)


def test_after_a_rotation_the_old_key_may_go(portal: Any, old_key: bytes) -> None:
    person = people.customer(portal, kyc_level=3, totp=True)
    portal.db.transact(jobs.enqueue, "mail", {"code": "123456"}, secret=True)
    stored = files.put(portal.db, clean_document(documents.jpeg(), max_bytes=documents.FIVE_MB))
    file = portal.db.transact(files.register, "customer", person.id, "kyc", stored)

    use_keys(portal, NEW_KEY, old_key)
    assert "customers.real_name_sealed" in portal.db.read(key_rotation.left)
    done = {each.place: each for each in key_rotation.rotate(portal.db)}
    assert done["customers.real_name_sealed"].renewed >= 1
    assert done["jobs.payload"].renewed == done["files"].renewed == 1
    assert not any(each.unreadable for each in done.values())
    assert portal.db.read(key_rotation.left) == {}

    use_keys(portal, NEW_KEY)
    assert portal.db.read(_all_of, person.id) == ("林小明", person.totp_secret, "林小明", {"code": "123456"})
    assert files.content(portal.db, file).startswith(b"\xff\xd8")


def _all_of(session: Any, customer_id: int) -> tuple[str, str, str, dict[str, Any]]:
    vault = context(session).vault
    customer = session.get(Customer, customer_id)
    authenticator = session.scalars(sa.select(Authenticator).where(Authenticator.owner_id == customer_id)).one()
    account = session.scalars(sa.select(BankAccount).where(BankAccount.owner_id == customer_id)).one()
    job = session.scalars(sa.select(Job)).one()
    return (
        vault.open_text(customer.real_name_sealed, "real name"),
        vault.open_text(authenticator.secret_sealed, "totp"),
        vault.open_text(account.holder_sealed, "bank account holder"),
        jobs.payload_of(session, job),
    )


def test_a_rotation_that_was_stopped_goes_on_where_it_was(
    portal: Any, old_key: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_rotation, "BATCH", 2)
    for _ in range(5):
        people.customer(portal, kyc_level=1)
    use_keys(portal, NEW_KEY, old_key)
    place = "customers.real_name_sealed"
    portal.db.transact(key_rotation._renew_column, 0, place, key_rotation.SEALED_COLUMNS[place])
    assert portal.db.read(key_rotation.left)[place] == 3
    assert next(key_rotation.rotate(portal.db)) == key_rotation.Rotated(place, 3, 0)
    assert next(key_rotation.rotate(portal.db)) == key_rotation.Rotated(place, 0, 0)


def test_what_no_key_opens_is_named_and_kept(portal: Any) -> None:
    person = people.customer(portal, kyc_level=1)
    use_keys(portal, NEW_KEY)
    before = portal.db.read(_sealed_name, person.id)
    done = next(key_rotation.rotate(portal.db))
    assert (done.renewed, done.unreadable) == (0, 1)
    assert portal.db.read(_sealed_name, person.id) == before


def _sealed_name(session: Any, customer_id: int) -> bytes:
    return bytes(session.scalar(sa.select(Customer.real_name_sealed).where(Customer.id == customer_id)))


def test_the_command_says_when_the_old_keys_may_go(app: Flask, portal: Any, old_key: bytes) -> None:
    people.customer(portal, kyc_level=1)
    use_keys(portal, NEW_KEY, old_key)
    answer = app.test_cli_runner().invoke(args=["keys", "rotate"])
    assert answer.exit_code == 0, answer.output
    assert "customers.real_name_sealed: 1 renewed, 0 unreadable" in answer.output
    use_keys(portal, bytes(range(1, 33)))
    answer = app.test_cli_runner().invoke(args=["keys", "rotate"])
    assert answer.exit_code == 1
    assert "1 still under an older key" in answer.output
