"""History against its size: page 1 and deep pages at ten million rows must cost what they cost at ten thousand."""

import time
from collections.abc import Callable

import psycopg
from psycopg import sql

from portal.services import history
from tests.bench import load
from tests.bench.world import World

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
    """Rows: page 1 and a deep page at the large size against page 1 at ten thousand rows."""
    small, middle, large = (10_000, 50_000, 200_000) if quick else (10_000, 1_000_000, 10_000_000)
    rounds = 5 if quick else 15
    someone, heavy = world.people[1].id, world.people[2].id
    _fill(world.database_url, 1, small, someone, heavy)
    first = _page(world, heavy, rounds)
    _fill(world.database_url, small + 1, middle, someone, heavy)
    second = _page(world, heavy, rounds)
    _fill(world.database_url, middle + 1, large, someone, heavy)
    third, deep = _page(world, heavy, rounds), _deep(world, heavy, rounds)
    told = (
        f"{first * 1000:.2f} ms, {second * 1000:.2f} ms, {third * 1000:.2f} ms at {small:,}, {middle:,}, {large:,} rows"
    )
    return [
        (f"history page 1 at {large:,} rows / at {small:,}", third / first, "≤ 1.2", told),
        (
            f"a deep page / page 1, a customer with {large // 10:,} rows",
            deep / third,
            "≤ 1.2",
            _milliseconds(deep, third),
        ),
    ]


def _milliseconds(measured: float, baseline: float) -> str:
    return f"{measured * 1000:.2f} ms against {baseline * 1000:.2f} ms"


def _fill(url: str, begin: int, end: int, first: int, heavy: int) -> None:
    values = {"begin": begin, "end": end, "first": 10_000_000 + first, "heavy": heavy, "spread": 5_000}
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


def _page(world: World, customer_id: int, rounds: int) -> float:
    return _median(rounds, lambda: world.portal.db.read(history.page, customer_id, history.Filters()))


def _deep(world: World, customer_id: int, rounds: int) -> float:
    middle = world.portal.db.read(history.page, customer_id, history.Filters())
    for _ in range(20):
        middle = world.portal.db.read(history.page, customer_id, history.Filters(), before=middle.rows[-1].public_id)
    return _median(
        rounds,
        lambda: world.portal.db.read(history.page, customer_id, history.Filters(), before=middle.rows[-1].public_id),
    )


def _median(rounds: int, work: Callable[[], object]) -> float:
    def once() -> float:
        began = time.perf_counter()
        for _ in range(20):
            work()
        return (time.perf_counter() - began) / 20

    once()
    return load.alternating(rounds, side=once)["side"]
