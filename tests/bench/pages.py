"""Cheap answers against a bare Flask hello on the same server; a partial against the JSON of the same rows."""

import subprocess
from collections.abc import Callable

from tests.bench import hello, load
from tests.bench.world import World

CLIENTS = 8

Row = tuple[str, float, str, str]


def measure(world: World, *, quick: bool) -> list[Row]:
    """Rows: ticker against hello, history partial against history JSON, memory per web process."""
    rounds, seconds = (2, 0.5) if quick else (5, 2.0)
    token = world.people[0].token
    with hello.running() as hello_port:
        wires = {
            "hello": (hello_port, load.request("GET", "/")),
            "ticker": (world.live.port, load.request("GET", "/v1/allTickers")),
            "json": (world.live.port, load.request("GET", "/v1/wallet/historyList?pageSize=20", {"token": token})),
            "partial": (
                world.live.port,
                load.request("GET", "/wallet/history", {"Cookie": f"token={token}", "HX-Request": "true"}),
            ),
        }
        sides = {name: _side(port, wire, seconds) for name, (port, wire) in wires.items()}
        found = load.alternating(rounds, **sides)
    return [
        _row("ticker / bare Flask hello", found["ticker"], found["hello"], "≥ 0.80"),
        _row("history partial / JSON of the same rows", found["partial"], found["json"], "≥ 0.70"),
        ("memory of a web process", _memory(world), "", "MiB, resident, the largest"),
    ]


def _row(name: str, measured: float, baseline: float, goal: str) -> Row:
    return name, measured / baseline, goal, f"{measured:.0f}/s of {baseline:.0f}/s"


def _side(port: int, wire: bytes, seconds: float) -> Callable[[], float]:
    return lambda: load.together(load.same_request, [(port, wire, seconds)] * CLIENTS)


def _memory(world: World) -> float:
    """Resident MiB of the largest process of the portal."""
    assert world.live.process is not None
    listing = subprocess.run(
        ["ps", "-o", "rss=", "-g", str(world.live.process.pid)], capture_output=True, text=True, check=True
    )
    return max(int(line) for line in listing.stdout.split()) / 1024
