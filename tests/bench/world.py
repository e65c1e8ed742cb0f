"""A portal under load: a durable PostgreSQL of its own, a live portal on it, and customers who can pay."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask

from portal import create_app
from portal.config import Settings
from portal.services import parameters
from tests.support import people, postgres
from tests.support.live import LivePortal

#: Customers who trade in the benchmarks; one per connection and some more.
CUSTOMERS = 16


@dataclass
class World:
    """The live portal, the same portal inside this process, and its customers."""

    live: LivePortal
    app: Flask
    database_url: str
    people: list[people.Person]

    @property
    def portal(self) -> Any:
        """The running portal of this process."""
        return self.app.extensions["portal"]


@contextmanager
def world(folder: Path, processes: int = 4) -> Iterator[World]:
    """Starts PostgreSQL and the portal with so many web processes."""
    with postgres.durable_server() as server:
        url = postgres.create_database(server, "bench")
        live = LivePortal(folder, url, WEB_PROCESSES=str(processes), WEB_THREADS="4")
        try:
            live.start()
            settings = Settings.from_environment(live.environment)
            app = create_app(settings)
            inside = app.extensions["portal"]
            inside.db.transact(parameters.change, "trading", {"quote_valid_ms": 86_400_000}, "bench")
            made = [people.customer(inside, usdt="1000000", twd="100000000", eth="1000") for _ in range(CUSTOMERS)]
            live.run_worker()
            yield World(live, app, url, made)
        finally:
            live.close()
