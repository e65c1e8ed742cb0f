"""What every test may ask for. Fixtures that take a database run on SQLite and on PostgreSQL alike.

app, portal, client …   on both engines, one test each
sqlite_app, postgres_app   on one engine, for what only one of them can show
live   a running process of its own; see tests/support/live.py
"""

import gc
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.support import postgres
from tests.support.client import PageClient
from tests.support.families import BrokerageClient, PartnerClient, VoucherClient
from tests.support.live import LivePortal
from tests.support.portals import ENGINES, Portals, Templates, close_app, quick_folder


def pytest_configure(config: pytest.Config) -> None:
    """Names this run, so that its processes share one PostgreSQL; xdist's workers inherit the name."""
    if not hasattr(config, "workerinput"):
        os.environ[postgres.RUN_VARIABLE] = str(os.getpid())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first: what takes a second is left for the end, where it is shared out among whoever is idle."""
    items.sort(key=lambda item: [f"/{kind}/" not in item.path.as_posix() for kind in ("harness", "e2e")])


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: the garbage collector need not look through it all the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """The migrated databases that the processes of this run share."""
    folder = tmp_path_factory.getbasetemp()
    return Templates(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder)


@pytest.fixture(scope="session")
def portals(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portals]:
    """The apps of this process."""
    with quick_folder(tmp_path_factory.mktemp("portals")) as folder:
        made = Portals(templates, folder)
        yield made
        made.close()


def _served(portals: Portals, engine: str) -> Iterator[Flask]:
    app = portals.fresh(engine)
    try:
        yield app
        assert_ledger(app)
    finally:
        close_app(app)


@pytest.fixture(params=ENGINES)
def app(request: pytest.FixtureRequest, portals: Portals) -> Iterator[Flask]:
    """The portal on an empty world, once per engine; the ledger is proved after every test."""
    yield from _served(portals, request.param)


@pytest.fixture
def sqlite_app(portals: Portals) -> Iterator[Flask]:
    """The portal on SQLite."""
    yield from _served(portals, "sqlite")


@pytest.fixture
def postgres_app(portals: Portals) -> Iterator[Flask]:
    """The portal on PostgreSQL."""
    yield from _served(portals, "postgres")


@pytest.fixture
def app_with(portals: Portals) -> Iterator[Callable[..., Flask]]:
    """`app_with("sqlite", DEFAULT_COMPANY="huanyu")` is the portal with other settings; one per engine and test."""
    made: list[Flask] = []

    def make(engine: str = "sqlite", **environment: str) -> Flask:
        made.append(portals.fresh(engine, **environment))
        return made[-1]

    yield make
    for app in made:
        assert_ledger(app)
        close_app(app)


@pytest.fixture
def portal(app: Flask) -> Any:
    """What the app keeps for its routes: db, clock, settings, ports."""
    return app.extensions["portal"]


@pytest.fixture
def transact(portal: Any) -> Callable[..., Any]:
    """`transact(service, *arguments)` runs a service in a transaction and commits it."""
    done: Callable[..., Any] = portal.db.transact
    return done


@pytest.fixture
def read(portal: Any) -> Callable[..., Any]:
    """`read(service, *arguments)` runs a service that only looks."""
    done: Callable[..., Any] = portal.db.read
    return done


@pytest.fixture
def session(portal: Any) -> Iterator[Session]:
    """A writing session that is rolled back at the test's end; do not mix with a client, SQLite has one writer."""
    with portal.db.session() as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def travel(portal: Any) -> Callable[[int], datetime]:
    """`travel(seconds)` moves the portal's clock on and answers the new time."""
    moved: Callable[[int], datetime] = portal.clock.advance
    return moved


@pytest.fixture
def client(app: Flask) -> PageClient:
    """A visitor of the pages, in English."""
    return PageClient(app)


@pytest.fixture
def visitor(app: Flask) -> Callable[..., PageClient]:
    """`visitor()` is one more person with cookies of their own; `visitor("zh-TW")` reads Chinese."""
    return lambda language="en": PageClient(app, language)


@pytest.fixture
def brokerage(app: Flask) -> Callable[..., BrokerageClient]:
    """`brokerage(token)` calls `/v1` as the session's owner, without a token as a stranger."""
    return lambda token="": BrokerageClient(app, token)


@pytest.fixture
def voucher(app: Flask) -> Callable[..., VoucherClient]:
    """`voucher(token)` calls the voucher family under `/api/v1`."""
    return lambda token="": VoucherClient(app, token)


@pytest.fixture
def partner(app: Flask, portal: Any) -> Callable[..., PartnerClient]:
    """`partner(key, secret, passphrase)` calls the partner family, every call signed."""
    return lambda key, secret, passphrase="": PartnerClient(app, portal.clock, key, secret, passphrase)


@pytest.fixture
def ledger_is_right(app: Flask) -> Callable[[], None]:
    """Proves the ledger now; it is proved after every test anyway."""
    return lambda: assert_ledger(app)


def assert_ledger(app: Flask) -> None:
    """Fails when the ledger of the app's database has any violation."""
    from portal.ledger.check import check

    report = app.extensions["portal"].db.read(check)
    assert not report.violations, "\n".join(report.violations)


@pytest.fixture(scope="session")
def live_on(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., LivePortal]]:
    """`live_on("postgres", NAME=value …)` starts one more running portal on a database of its own."""
    started: list[LivePortal] = []
    databases: list[tuple[str, str]] = []
    memory = ExitStack()

    def start(engine: str = "sqlite", **environment: str) -> LivePortal:
        folder: Path = memory.enter_context(quick_folder(tmp_path_factory.mktemp("live")))
        url = ""
        if engine == "postgres":
            server, template = templates.postgres()
            databases.append((server, f"live_{uuid.uuid4().hex[:12]}"))
            url = postgres.create_database(*databases[-1], template)
        started.append(LivePortal(folder, url, **environment))
        return started[-1].start()

    yield start
    for portal in started:
        portal.close()
    memory.close()
    for server, name in databases:
        postgres.drop_database(server, name)


@pytest.fixture(scope="session")
def live(live_on: Callable[..., LivePortal]) -> LivePortal:
    """One running portal with the demo world, shared by the tests of this process: make people of your own in it."""
    return live_on()
