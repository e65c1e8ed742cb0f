"""race: a crowd on a running portal at one moment; nothing is overspent, doubled or lost (PROMISES 1 to 4)."""

import json
import random
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from portal.ledger.check import check
from portal.money import parse_units
from portal.services import parameters
from tests.bench import load
from tests.harness import crowd
from tests.harness.living import broken, portal_on
from tests.harness.report import FULL, table
from tests.support import vouchers
from tests.support.market import open_market
from tests.support.portals import Templates

pytestmark = pytest.mark.harness

SEED = 4_711
CLIENTS = {"postgres": 64 if FULL else 12, "sqlite": 8}
#: Members of the crowd; each sends 72 requests, and institutions order so many loads for each, three times too.
LOADS_EACH = 4
MEMBERS = {"postgres": 125 if FULL else 2, "sqlite": 30 if FULL else 2}


class Race:
    """What one race came to."""

    def __init__(self, engine: str, templates: Templates, folder: Any, size: int = 0, **environment: str) -> None:
        size = size or MEMBERS[engine]
        chance = random.Random(SEED)
        self.engine = engine
        with portal_on(engine, templates, folder, WEB_PROCESSES="2", **environment) as (live, portal):
            vouchers.open_companies(portal)
            portal.ports.rates.set_price("USDT-TWD", Decimal(30))
            open_market(portal, usdt="30")
            portal.db.transact(parameters.change, "trading", {"quote_valid_ms": 86_400_000}, "race")
            members = crowd.crowd(portal, size)
            partner, loads = crowd.loads_of(LOADS_EACH * size)
            self.acts = [*crowd.acts_of(portal, members), *loads]
            chance.shuffle(self.acts)
            before, float_before = crowd.balances(members), partner.float_units()
            live.start()
            self.took = crowd.rush(live.port, self.acts, CLIENTS[engine], chance)
            self.conflicts, self.repeats = self._again(live.port, chance)
            live.stop()
            self.retries = live.log.read_text(errors="replace").count("transaction retried")
            self.wrong = crowd.wrong_balances(portal, members, before, self.acts)
            due = float_before - sum(act.done for act in loads) * parse_units("100", "USDT")
            if partner.float_units() != due:
                self.wrong.append(f"the float holds {partner.float_units()}, was told {due}")
            report = portal.db.read(check)
            self.violations, self.journals = report.violations, report.journals
            self.moved = portal.db.read(_journals_of_acts)

    def _again(self, port: int, chance: random.Random) -> tuple[list[str], list[str]]:
        """Repeats some acts later: the same input must get the same answer, other input under the key a refusal."""
        connection = load.Connection(port)
        taken, changed = [], []
        done = [act for act in self.acts if act.done and act.body]
        for act in chance.sample(done, min(len(done), 300 if FULL else 20)):
            for key, answers in act.answers.items():
                first = next((body for status, body in answers if status == 200 and act.yes in body), None)
                if first is None:
                    continue
                status, body = connection.exchange(act.wire(key))
                if status != 200 or _said(body) != _said(first):
                    changed.append(f"{act.name}: {body[:120]!r} after {first[:120]!r}")
                status, body = connection.exchange(act.wire(key, note="another"))
                if status == 200 and act.yes in body:
                    taken.append(f"{act.name}: other input under a used key was answered {body[:120]!r}")
        return taken, changed

    def problems(self) -> list[str]:
        """Everything that is against the promises."""
        found = [*self.violations, *self.wrong, *self.conflicts, *self.repeats]
        for act in self.acts:
            for key, answers in act.answers.items():
                yes = {_said(body) for status, body in answers if status == 200 and act.yes in body}
                if len(yes) > 1:
                    found.append(f"{act.name} under {key}: {len(yes)} different answers")
                found += [f"{act.name}: {status} {body[:120]!r}" for status, body in answers if status >= 500]
        done = Counter(act.name for act in self.acts if act.done)
        for name, kinds in KINDS.items():
            posted = sum(self.moved[kind] for kind in kinds)
            if posted != done[name]:
                found.append(f"{name}: {posted} journals for {done[name]} done")
        return found

    def show(self, title: str) -> None:
        done = Counter(act.name for act in self.acts if act.done)
        table(
            title, seed=SEED, clients=CLIENTS[self.engine], requests=len(self.took), acts=len(self.acts),
            done=", ".join(f"{count} {name}" for name, count in sorted(done.items())), journals=self.journals,
            deadlock_retries=self.retries, p50=f"{self.took[len(self.took) // 2] // 10**6} ms", p99=f"{self.took[len(self.took) * 99 // 100] // 10**6} ms",
            repeated_otherwise=len(self.repeats), taken_otherwise=len(self.conflicts), violations=len(self.problems()),
        )  # fmt: skip


#: Kinds of the journals that an act posts, once each.
KINDS = {"trade": ("buy", "sell"), "transfer": ("transfer",), "payment": ("payment",), "load": ("card_load",)}


def _journals_of_acts(session: Any) -> Counter[str]:
    return Counter(dict(session.execute(sa.text("SELECT kind, COUNT(*) FROM journals GROUP BY kind")).all()))


def _said(body: bytes) -> str:
    """What an answer says, whatever moment its envelope carries."""
    said = json.loads(body)
    return json.dumps(said.get("data", said), sort_keys=True)


@pytest.mark.parametrize("engine", ["postgres", "sqlite"] if FULL else ["postgres"])
def test_a_crowd_at_once_moves_exactly_what_it_was_told(engine, templates, tmp_path):
    race = Race(engine, templates, tmp_path / "live")
    race.show(f"race: {engine}")
    assert not race.problems(), "\n".join(race.problems()[:20])
    done = {act.name for act in race.acts if act.done}
    undone = {act.name for act in race.acts if not act.done}
    assert done >= {"trade", "withdrawal", "transfer", "payment", "load"}
    assert len(undone) > 1, "hardly anybody ran out of money: the race was none"
    if FULL:
        assert done == {act.name for act in race.acts}


@pytest.mark.parametrize("how", ["unlocked", "forgetful"] if FULL else ["unlocked"])
def test_a_broken_build_is_caught(how, templates, tmp_path):
    race = Race("postgres", templates, tmp_path / "live", 8 if FULL else 2, **broken(how))
    race.show(f"race: a build that is {how}")
    assert race.problems(), f"a build that is {how} went through the race unnoticed"
