"""Cost against size: acceptances with 1 to 64 clients and with 1 to 4 web processes; the market's memory, the first start."""

import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import load, trading
from tests.bench.world import World
from tests.support import people
from tests.support.live import LivePortal

CLIENTS = (1, 2, 4, 8, 16, 32, 64)
PROCESSES = (1, 2, 4)

Row = tuple[str, float, str, str]


def measure(world: World, *, quick: bool) -> list[Row]:
    """Rows: acceptances a second at each size, relative to the first, and the seconds of a first and a second start."""
    each = 20 if quick else 60
    while len(world.people) < max(CLIENTS):
        world.people.append(people.customer(world.portal, usdt="1000000", twd="100000000"))
    by_clients = [_accepts(world, world.live.port, clients, each) for clients in CLIENTS]
    by_processes = [_with_processes(world, processes, each) for processes in PROCESSES]
    return [
        _row("accepting, 64 clients / 1 client", "clients", CLIENTS, by_clients),
        _row("accepting, 4 web processes / 1 process, 8 clients", "processes", PROCESSES, by_processes),
        *_starts(),
    ]


def _row(name: str, what: str, sizes: tuple[int, ...], speeds: list[float]) -> Row:
    told = ", ".join(f"{size}: {speed:.0f}/s" for size, speed in zip(sizes, speeds, strict=True))
    return name, speeds[-1] / speeds[0], "", f"{what} {told}"


def _accepts(world: World, port: int, clients: int, each: int) -> float:
    tokens = [person.token for person in world.people[:clients]]
    held = load.collecting(port, [[trading.quote_request(token)] * each for token in tokens]).bodies
    wires = [
        [trading.accept_request(token, json.loads(body)["data"]["quoteId"]) for body in bodies]
        for token, bodies in zip(tokens, held, strict=True)
    ]
    return load.together(load.each_request, [(port, row, b'"status":30007') for row in wires])


def _with_processes(world: World, processes: int, each: int) -> float:
    """A second door to the same portal with so many web processes, beside the first, which rests."""
    door = LivePortal(world.live.folder, world.database_url, WEB_PROCESSES=str(processes), WEB_THREADS="4")
    try:
        door.start("--web-only")
        _accepts(world, door.port, 8, each)
        return _accepts(world, door.port, 8, each)
    finally:
        door.stop()
        door.http.close()


def _starts() -> list[Row]:
    """Seconds until a new sandbox answers: with everything to be made, and the next time."""
    with TemporaryDirectory(prefix="portal-bench-start-") as folder:
        live = LivePortal(Path(folder))
        try:
            first = _seconds(live)
            live.stop()
            second = _seconds(live)
        finally:
            live.close()
    return [
        ("cold start: seconds until a new sandbox answers", first, "", "migrations and the demo world included"),
        ("start of an instance that is there, seconds", second, "", "SQLite, one web process"),
    ]


def _seconds(live: LivePortal) -> float:
    began = time.perf_counter()
    live.start()
    return time.perf_counter() - began
