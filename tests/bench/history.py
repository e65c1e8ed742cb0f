"""History against its size: page 1 and deep pages at ten million rows must cost what they cost at ten thousand."""

import time
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import sqlalchemy as sa
from psycopg import sql

from portal import create_app
from portal.config import Settings
from portal.migrations.run import migrate
from portal.models.system import Activity
from portal.services import history
from tests.bench import load
from tests.bench.world import World
from tests.support import people, postgres

Row = tuple[str, float, str, str]

_FILL = """
INSERT INTO activity (public_id, customer_id, kind, direction, asset, amount_units, net_units, fee_units, counter_asset,
  counter_units, status, reference, subject_kind, subject_id, details, created_at, updated_at)
SELECT '00000000-0000-7000-8000-' || lpad(n::text, 12, '0'), CASE WHEN n %% 10 = 0 THEN %(heavy)s ELSE %(first)s + n %% %(spread)s END, 'buy', 'in', 'USDT',
  n, n, 0, 'TWD', n * 32, 'completed', 'bench-' || n, 'bench', n, '{"price": "32.1"}', moment, moment
FROM (SELECT n, now() - (n || ' milliseconds')::interval AS moment FROM generate_series(%(begin)s::bigint, %(end)s::bigint) n) rows
"""

_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'activity'
AND indexname NOT IN (SELECT conname FROM pg_constraint WHERE conrelid = 'activity'::regclass)
"""


def measure(world: World, *, quick: bool) -> list[Row]:
    """Rows: page 1 and a deep page at each size against page 1 at ten thousand rows, each size in a database of its own."""
    sizes = (10_000, 50_000, 200_000) if quick else (10_000, 1_000_000, 10_000_000)
    rounds = 5 if quick else 45
    portals = [_portal(world, size) for size in sizes]
    first, second, third = (lambda made=made: _seconds(*made, None) for made in portals)
    deep_from = _deep_in(*portals[-1])
    sides = {"first": first, "second": second, "third": third, "deep": lambda: _seconds(*portals[-1], deep_from)}
    for side in sides.values():
        side()
    found = load.alternating(rounds, **sides)
    for portal, _ in portals:
        portal.db.engine.dispose()
    told = ", ".join(f"{found[side] * 1000:.2f} ms" for side in ("first", "second", "third"))
    told += " at " + ", ".join(f"{size:,}" for size in sizes) + " rows"
    return [
        (f"history page 1 at {sizes[2]:,} rows / at {sizes[0]:,}", found["third"] / found["first"], "≤ 1.2", told),
        (
            f"a deep page / page 1, a customer with {sizes[2] // 10:,} rows",
            found["deep"] / found["third"],
            "≤ 1.2",
            _milliseconds(found["deep"], found["third"]),
        ),
    ]


def _portal(world: World, size: int) -> tuple[Any, int]:
    """A portal on a database with so many rows, and the customer who has a tenth of them."""
    parts = urlsplit(world.database_url)
    name = f"history{size}"
    postgres.execute(urlunsplit(parts._replace(path="/")), f'CREATE DATABASE "{name}" TEMPLATE template0')
    url = urlunsplit(parts._replace(path=f"/{name}"))
    settings = Settings.from_environment({**world.live.environment, "DATABASE_URL": url})
    migrate(settings)
    portal = create_app(settings).extensions["portal"]
    someone, heavy = people.customer(portal).id, people.customer(portal).id
    _fill(url, size, someone, heavy)
    return portal, heavy


def _milliseconds(measured: float, baseline: float) -> str:
    return f"{measured * 1000:.2f} ms against {baseline * 1000:.2f} ms"


def _fill(url: str, size: int, first: int, heavy: int) -> None:
    values = {"begin": 1, "end": size, "first": 10_000_000 + first, "heavy": heavy, "spread": 5_000}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET maintenance_work_mem = '512MB'")
        # Indexes that are made once all rows are there are made in a tenth of the time.
        indexes = connection.execute(_INDEXES).fetchall()
        for name, _ in indexes:
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
        connection.execute(_FILL, values)
        for _, made_by in indexes:
            connection.execute(made_by)
        connection.execute("VACUUM ANALYZE activity")
        connection.execute("CHECKPOINT")


def _deep_in(portal: Any, customer_id: int) -> str:
    """Where a page lies that is deep in a customer's rows."""
    ids = sa.select(Activity.public_id).where(Activity.customer_id == customer_id).order_by(Activity.id).limit(400)
    return str(portal.db.read(lambda session: list(session.scalars(ids))[-1]))


def _seconds(portal: Any, customer_id: int, before: str | None) -> float:
    """Seconds of a page, of twenty in a row."""
    began = time.perf_counter()
    for _ in range(20):
        found = portal.db.read(history.page, customer_id, history.Filters(), before=before)
        assert len(found.rows) == 20
    return (time.perf_counter() - began) / 20
