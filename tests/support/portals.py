"""Portals for tests: a new app for every test, on a database as the migrations leave it.

Both engines start from a database that was migrated once per test run. On SQLite a test gets a copy of that
file. On PostgreSQL the rows that the test before left are removed with the guards of the append-only tables
out of the way (the tests' user is a superuser), which is five times quicker than a new database.
"""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any, ClassVar

import psycopg
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Engine
from werkzeug.routing import Rule

from portal import db
from portal.config import Settings
from tests.support import postgres

#: Secrets of the tests alone; strong enough for the start's own checks.
SECRETS = {
    "SECRET_KEY": "tests-only-3v7Qx0yKpZ2mWc9RtLbJ8sUe5",
    "PASSWORD_PEPPER": "tests-only-Hn4Tz6Yd1QfGk3XwVr8MjPs0",
    "ENCRYPTION_KEYS": "dGVzdHMtb25seS0wMTIzNDU2Nzg5YWJjZGVmZ2hpams=",
}
ENGINES = ("sqlite", "postgres")


class RememberedRule(Rule):
    """A route that is compiled once per process: most of what making an app costs."""

    _compiled: ClassVar[dict[tuple[Any, ...], dict[str, Any]]] = {}
    _MADE = ("_parts", "_trace", "_converters", "arguments")

    def compile(self) -> None:
        """Takes what an earlier app's same route was compiled to."""
        key = (self.rule, repr(self.defaults), self.subdomain, self.host)
        made = self._compiled.get(key)
        if made is None:
            super().compile()
            made = self._compiled[key] = {name: getattr(self, name) for name in self._MADE}
            made["builders"] = (self._build.__func__, self._build_unknown.__func__)
        for name in self._MADE:
            setattr(self, name, made[name])
        self._build, self._build_unknown = (builder.__get__(self, None) for builder in made["builders"])


Flask.url_rule_class = RememberedRule


class RememberedTemplates(BytecodeCache):
    """Templates that are compiled once per process and text: every app reads the files anew, and finds them the same."""

    _compiled: ClassVar[dict[tuple[str, str], CodeType]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Takes what an earlier app's same template was compiled to."""
        bucket.code = self._compiled.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keeps it for the next app."""
        assert bucket.code is not None
        self._compiled[bucket.key, bucket.checksum] = bucket.code


Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": RememberedTemplates()}


class SharedEngines:
    """An engine per database for many apps in turn, so that a statement is compiled once and not once per test."""

    USES = 50

    def __init__(self) -> None:
        self._make = db.make_engine
        self._engines: dict[tuple[str, int], list[Any]] = {}

    def __call__(self, settings: Settings) -> Engine:
        key = (settings.database_url, settings.web_threads)
        held = self._engines.get(key)
        if held is None or held[1] == 0:
            held = self._engines[key] = [self._make(settings), self.USES]
        held[1] -= 1
        settings.instance.mkdir(parents=True, exist_ok=True)
        engine: Engine = held[0]
        return engine


db.make_engine = SharedEngines()


#: Files in memory, where a commit waits for no disk; worlds that must outlive a power cut do not belong there.
MEMORY = Path("/dev/shm")
_MEMORY_NEEDED = 2 << 30


@contextmanager
def quick_folder(otherwise: Path) -> Iterator[Path]:
    """A folder in memory that goes with this process, however it ends; `otherwise` where there is too little memory."""
    usable = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > _MEMORY_NEEDED
    if not usable:
        yield otherwise
        return
    for left in MEMORY.glob("portal-tests-*"):
        if not Path("/proc", left.name.split("-")[2]).exists():
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"portal-tests-{os.getpid()}-", dir=MEMORY))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def settings_for(instance: Path, database_url: str, **environment: str) -> Settings:
    """Sandbox settings of a test's portal; keyword arguments are further environment variables."""
    return Settings.from_environment(
        {
            **SECRETS,
            "PORTAL_ENV": "sandbox",
            "PORTAL_INSTANCE": str(instance),
            "PORTAL_RATE_LIMITS": "off",
            "DATABASE_URL": database_url,
            "PUBLIC_URL": "http://localhost",
            **environment,
        }
    )


@dataclass
class Templates:
    """The migrated databases that tests start from, made by whichever process needs them first."""

    folder: Path

    def sqlite(self) -> Path:
        """A migrated SQLite file."""
        path = self.folder / "template.db"
        with postgres.locked(self.folder / "template.db.lock"):
            if not path.exists():
                from portal.migrations.run import migrate

                draft = self.folder / "migrating.db"
                migrate(settings_for(self.folder / "template-instance", f"sqlite:///{draft}"))
                with_all_pages(draft)
                os.replace(draft, path)
        return path

    def postgres(self) -> tuple[str, str]:
        """The server's URL and the name of a migrated database on it."""
        server, name = postgres.server(), "portal_template"
        if "PORTAL_TEST_POSTGRES" in os.environ:
            name += "_" + os.environ[postgres.RUN_VARIABLE]
        with postgres.locked(self.folder / "template.postgres.lock"):
            if not postgres.database_exists(server, name):
                from portal.migrations.run import migrate

                url = postgres.create_database(server, f"{name}_draft")
                migrate(settings_for(self.folder / "template-instance", url))
                postgres.execute(server, f'ALTER DATABASE "{name}_draft" RENAME TO "{name}"')
        return server, name


def with_all_pages(path: Path) -> None:
    """Folds the write-ahead log into an SQLite file, so that the file alone is the database."""
    import sqlite3

    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


class SqliteWorld:
    """A copy of the migrated file."""

    def __init__(self, templates: Templates, folder: Path) -> None:
        self.template = templates.sqlite()
        self.file = folder / "portal.db"
        self.url = f"sqlite:///{self.file}"
        shutil.copyfile(self.template, self.file)

    def renew(self) -> None:
        """Puts a fresh copy in place of the file."""
        for suffix in ("-wal", "-shm"):
            self.file.with_name(self.file.name + suffix).unlink(missing_ok=True)
        shutil.copyfile(self.template, self.file)

    def close(self) -> None:
        """Nothing to do: the folder goes with the test run."""


class PostgresWorld:
    """A database of this process, emptied to what the migrations left."""

    def __init__(self, templates: Templates) -> None:
        self.server, template = templates.postgres()
        self.name = f"portal_{uuid.uuid4().hex[:12]}"
        self.url = postgres.create_database(self.server, self.name, template)
        self.connection = psycopg.connect(self.url, autocommit=True)
        self.tables = [row[0] for row in self.connection.execute(_TABLES).fetchall()]
        self.seeded = list(self._filled(self.tables))
        self.connection.execute("CREATE SCHEMA seeds")
        for table in self.seeded:
            self.connection.execute(f'CREATE TABLE seeds."{table}" AS SELECT * FROM public."{table}"'.encode())

    def renew(self) -> None:
        """Removes what was written since the migrations."""
        dirty = sorted({*self._filled(self.tables), *self.seeded})
        if not dirty:
            return
        statements = ["SET session_replication_role = replica"]
        statements += [f'DELETE FROM public."{table}"' for table in dirty]
        statements += [
            f'INSERT INTO public."{table}" OVERRIDING SYSTEM VALUE SELECT * FROM seeds."{table}"'
            for table in self.seeded
        ]
        self.connection.execute("; ".join(statements).encode())

    def _filled(self, tables: Iterable[str]) -> Iterable[str]:
        question = " UNION ALL ".join(
            f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM public.\"{table}\")" for table in tables
        )
        return [row[0] for row in self.connection.execute(question.encode()).fetchall()] if question else []

    def close(self) -> None:
        """Drops the database."""
        self.connection.close()
        postgres.drop_database(self.server, self.name)


_TABLES = (
    "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'alembic_version' "
    "ORDER BY c.relname"
)


class Portals:
    """The worlds of this process, one per engine, and the app of the running test."""

    def __init__(self, templates: Templates, folder: Path) -> None:
        self.templates = templates
        self.folder = folder
        self.worlds: dict[str, SqliteWorld | PostgresWorld] = {}

    def fresh(self, engine: str, **environment: str) -> Flask:
        """A new app on a world as the migrations leave it; keyword arguments are environment variables."""
        from portal import create_app

        folder = self.folder / engine
        folder.mkdir(parents=True, exist_ok=True)
        if engine in self.worlds:
            self.worlds[engine].renew()
        else:
            self.worlds[engine] = (
                SqliteWorld(self.templates, folder) if engine == "sqlite" else PostgresWorld(self.templates)
            )
        shutil.rmtree(folder / "instance", ignore_errors=True)
        app = create_app(settings_for(folder / "instance", self.worlds[engine].url, **environment))
        app.testing = True
        return app

    def close(self) -> None:
        """Drops the databases."""
        for world in self.worlds.values():
            world.close()


def close_app(app: Flask) -> None:
    """Ends the app's connections, so that the next test may renew the database."""
    app.extensions["portal"].db.engine.dispose()
