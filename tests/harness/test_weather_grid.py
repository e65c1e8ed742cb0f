"""weather: the grid dependency × fault; what stands behind a bad line neither loses nor doubles anything (PROMISES 15)."""

import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import pytest

from portal import rate_limits
from portal.db import Context
from portal.worker import loop
from tests.harness import journeys
from tests.harness.journeys import JOURNEYS, TURN_SECONDS, Journey
from tests.harness.report import FULL, table
from tests.harness.stations import Stations, stations
from tests.support.market import open_market

pytestmark = pytest.mark.harness

SEED = 5_150
SKIES = ("slow", "cut", "lost answers", "partial answers", "black hole", "away")
#: What the twins behind the lines can do beside: a line that is sound, to somebody who errs.
TWINS = {"bank": "bank", "card network": "card_network"}
ERRORS = ("error", "reject", "duplicate", "lost_answer")
#: Faults that are told apart from the weather: the portal's clock leaps ahead, or back, in the middle of a black hole.
LEAPS = {"clock ahead": 4_000, "clock back": -600}
SHORT = ("cut",)
TURNS = 4 if FULL else 2
#: Hours go by in fair weather before something that has not ended counts as stuck.
PATIENCE_SECONDS = 30 * 3600


@dataclass
class Cell:
    """What one dependency under one fault came to."""

    asked: int
    served: int
    reconciled_seconds: int
    problems: list[str]

    def __str__(self) -> str:
        return f"{100 * self.served // self.asked:>3} % {len(self.problems):>2} {self.reconciled_seconds:>6} s"


def run(made: Journey, sky: str) -> Cell:
    """Acts under the fault, then fair weather until all has ended."""
    portal, served = made.portal, 0
    proxy = made.world.proxies[made.proxy]
    for turn in range(TURNS):
        if sky in ERRORS:
            portal.world.set_fault(TWINS[made.proxy], sky, 2)
        elif turn:  # the first act is under way when the weather turns
            proxy.weather = "black hole" if sky in LEAPS else sky
        open_market(portal, usdt=str(made.world.exchange.price)) if made.proxy != "rates" else None
        served += made.use()
        made.work()
        portal.clock.advance(LEAPS.get(sky, TURN_SECONDS) if turn == 1 else TURN_SECONDS)
    proxy.weather = "fair"
    if made.proxy in TWINS:
        portal.world.set_fault(TWINS[made.proxy], "error", 0)
    began, real, step = portal.clock.now(), time.monotonic(), 5
    made.work()
    while not (ended := made.ended()) and (portal.clock.now() - began).total_seconds() < PATIENCE_SECONDS:
        portal.clock.advance(step)
        step = min(step * 2, 3600)
        made.work()
    waited = int((portal.clock.now() - began).total_seconds() + time.monotonic() - real)
    found = made.problems() if ended else [*made.problems(), f"not ended after {waited} s"]
    return Cell(TURNS, served, waited, [f"{made.proxy}, {sky}: {problem}" for problem in found])


@pytest.fixture
def around(app_with: Any, tmp_path: Any, monkeypatch: Any) -> Any:
    """A portal whose every port is a real adapter before a real server behind a proxy."""
    app = app_with("sqlite")
    with stations(app.extensions["portal"], tmp_path / "signer", SEED, whole=FULL) as world:
        keys = {"DEPOSIT_XPUB_TRON": world.signer.keys.deposit_xpub("TRON")} if world.signer else {}
        app = app_with("sqlite", PORTAL_RATE_LIMITS="on", REDIS_URL=world.redis_url, **keys)
        app.extensions["portal"] = connected(app.extensions["portal"], world)
        monkeypatch.setattr(rate_limits, "_REST_SECONDS", 0.01)
        monkeypatch.setattr(rate_limits, "DOOR_LIMITS", dict.fromkeys(rate_limits.DOOR_LIMITS, "100000/hour"))
        loop.load()
        with app.app_context():
            yield app, world


def connected(portal: Any, world: Stations) -> Any:
    """The same portal with its ports led through the proxies."""
    chains = {**portal.ports.chains, **({"TRON": world.ports["chain"]} if "chain" in world.ports else {})}
    given = {name: port for name, port in world.ports.items() if name != "chain"}
    ports = replace(portal.ports, chains=chains, **given)
    portal.db.context = Context(portal.settings, portal.clock, portal.vault, ports)
    return replace(portal, ports=ports)


def test_no_line_to_the_outside_makes_anything_unsafe(around: Any, monkeypatch: Any) -> None:
    app, world = around
    grid: dict[str, dict[str, Cell]] = {}
    number = 0
    for journey in (found for found in JOURNEYS if found.proxy in world.proxies):
        skies = [*SKIES, *LEAPS, *(ERRORS if journey.proxy in TWINS else ())] if FULL else SHORT
        for sky in skies:
            number += 1
            open_market(app.extensions["portal"], usdt=str(world.exchange.price))
            grid.setdefault(journey.proxy, {})[sky] = run(journey(app, world, number), sky)
    cells = [cell for row in grid.values() for cell in row.values()]
    struck = Counter({name: proxy.struck for name, proxy in world.proxies.items()})
    table(
        "weather: dependency × fault (served, unsafe, seconds to reconcile)", seed=SEED, cells=len(cells),
        **{f"{name}, {sky}": str(cell) for name, row in grid.items() for sky, cell in row.items()},
        struck=dict(struck), unsafe=sum(len(cell.problems) for cell in cells),
    )  # fmt: skip
    problems = [problem for cell in cells for problem in cell.problems]
    assert not problems, "\n".join(problems[:20])
    assert all(struck[name] for name in grid), f"the weather was fair somewhere: {struck}"
    # A build that lets everybody in while the store of limits is away is caught.
    monkeypatch.setattr(rate_limits, "_without", lambda must: None)
    cell = run(journeys.Limits(app, world, 0), "away")
    assert any("uncounted" in problem for problem in cell.problems), cell.problems
