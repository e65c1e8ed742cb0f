"""crash: kill -9 of web and worker around money; nothing acknowledged is lost, nothing is paid twice (PROMISES 5).

The sandbox's world is the outside truth: it remembers every payment that left, whatever the portal believes.
"""

import os
import random
import select
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from portal.ledger.check import check
from portal.money import parse_units
from portal.services import addresses, parameters, quotes, withdrawals
from tests.harness.living import broken, codes_known, mortal, portal_on
from tests.harness.report import FULL, table
from tests.support import people
from tests.support.live import LivePortal
from tests.support.market import open_market

pytestmark = pytest.mark.harness

SEED = 90_210
#: Rounds with a kill at a named point or a random moment each, and how many must have struck, on each database.
ROUNDS = 128 if FULL else 2
KILLS = 100 if FULL else 1
POINTS = [f"{when} {what}" for what in ("broadcast", "pay", "commit") for when in ("before", "after")]
OUTSIDE = "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj"
PATIENCE_SECONDS = 60


def rest(seconds: float) -> None:
    """Lets the portal's processes go on for a moment."""
    select.select([], [], [], seconds)


class Crash:
    """One portal that is killed again and again while one customer's money moves."""

    def __init__(self, live: LivePortal, portal: Any, points: Path, chance: random.Random) -> None:
        self.live, self.portal, self.points, self.chance = live, portal, points, chance
        self.person = people.customer(portal, usdt="50000", twd="400000")
        self.expected = {asset: self.person.balance(asset) for asset in ("USDT", "TWD")}
        self.address = portal.db.transact(addresses.for_owner, "customer", self.person.id, "TRON").address
        self.chain_units: Counter[int] = Counter()
        self.bank_units: Counter[int] = Counter()
        self.kills: Counter[str] = Counter()
        self.not_reached = self.restarts = self.stuck = 0
        #: Seconds from each kill until web and worker serve again.
        self.recoveries: list[float] = []
        self.problems: list[str] = []
        self.round = 0

    def run_round(self, point: str) -> None:
        """Money out by chain and bank, a trade and a deposit, and somewhere in between a kill."""
        self.round += 1
        steps = self._prepare()
        armed = self.points / point
        if point in POINTS:
            armed.write_text(str(self.chance.randrange(12) if "commit" in point else 0))
        for number, (method, path, body) in enumerate(steps):
            if point not in POINTS and number == 1:
                self._kill(point)
            self._insist(method, path, body, f"r{self.round}-{number}")
        self.portal.ports.chains["TRON"].mine(25)
        self._work()
        if point in POINTS:
            self._await_kill(armed, point)

    def _prepare(self) -> list[tuple[str, str, dict[str, Any]]]:
        """The requests of a round, each with an amount of its own, and the deposit that lands meanwhile."""
        steps: list[tuple[str, str, dict[str, Any]]] = []
        self.portal.clock.advance(901)  # a customer may be sent so many codes a day
        open_market(self.portal)  # the worker that should bring prices may be dead just now
        with codes_known() as codes:
            for asset, units, where in (
                ("USDT", parse_units("20", "USDT") + self.round, {"network": "TRON", "address": OUTSIDE}),
                ("TWD", parse_units(str(200 + self.round), "TWD"),
                 {"network": "BANK", "bank_account_id": self.person.bank_account_id}),
            ):  # fmt: skip
                wanted = withdrawals.Request(
                    owner_kind="customer", owner_id=self.person.id, family="brokerage", asset=asset, amount_units=units,
                    kind="crypto" if asset == "USDT" else "fiat", **where,
                )  # fmt: skip
                asked = self.portal.db.transact(withdrawals.request, wanted)
                body = {"auditId": asked.public_id, "codeEmail": codes[f"withdrawal:{asked.id}"]}
                steps.append(("PATCH", "/v1/wallet/withdraw", body))
                self.expected[asset] -= units
                left = units - asked.fee_units
                (self.chain_units if asset == "USDT" else self.bank_units)[left] += 1
        quote = self.portal.db.transact(quotes.offer, self.person.id, "buy", "USDT", "base", parse_units("5", "USDT"))
        steps.insert(1, ("POST", "/v1/trade/accept", {"quoteId": quote.public_id}))
        self.expected["USDT"] += quote.base_units
        self.expected["TWD"] -= quote.order_units
        units = parse_units("3", "USDT") + self.round
        self.portal.ports.chains["TRON"].add_transfer("USDT", self.address, units, f"{self.round:064x}", 0, sender="x")
        self.expected["USDT"] += units
        return steps

    def _insist(self, method: str, path: str, body: dict[str, Any], key: str) -> None:
        """Asks under one key until there is an answer, as a client with a bad line does."""
        headers = {"token": self.person.token, "Idempotency-Key": key}
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            try:
                answer = self.live.http.request(method, path, json=body, headers=headers)
            except httpx.TransportError:
                self._supervise()
                rest(0.1)
                continue
            if answer.status_code == 200 and answer.json()["code"] == 1:
                return
            if answer.status_code != 503:
                self.problems.append(f"{method} {path}: {answer.status_code} {answer.text[:160]}")
                return
            rest(0.1)
        self.problems.append(f"{method} {path}: no answer")

    def _supervise(self) -> None:
        """Starts the portal again when its server is gone, as a service manager does: it gives up when the same web
        process dies twice within seconds.
        """
        assert self.live.process is not None
        if self.live.process.poll() is not None:
            self.restarts += 1
            self.live.stop()
            self.live.start()

    def _kill(self, whom: str) -> None:
        """SIGKILL for one of the portal's own processes, after a random moment."""
        rest(self.chance.uniform(0, 0.3))
        found = [pid for pid, what in processes(self.live) if what == whom]
        if found:
            os.kill(self.chance.choice(found), signal.SIGKILL)
            self._killed(whom)
        else:
            self.not_reached += 1

    def _work(self) -> None:
        """Lets the duties run now instead of at their turn; the process may die of it."""
        try:
            self.live.http.post("/sandbox/worker/run", json={})
        except httpx.TransportError:
            pass

    def _await_kill(self, armed: Path, point: str) -> None:
        until = time.monotonic() + 10
        while armed.exists() and time.monotonic() < until:
            rest(0.05)
        if armed.exists():
            armed.unlink(missing_ok=True)
            self.not_reached += 1
        else:
            self._killed(point)

    def _killed(self, point: str) -> None:
        """Counts a kill and waits until the portal serves again, by itself or by its service manager."""
        self.kills[point] += 1
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE_SECONDS:
            kinds = {what for _, what in processes(self.live)} if self.live.process else set()
            if kinds >= {"web", "worker"} and self.live.answers():
                self.recoveries.append(time.monotonic() - began)
                return
            self._supervise()
            rest(0.02)
        self.stuck += 1
        self.problems.append(
            f"{point}: not serving after {PATIENCE_SECONDS} s: {sorted(processes(self.live))} {self.live.tail(5)}"
        )

    def recover(self) -> None:
        """Nobody dies any more: everything must come to its end by itself."""
        for armed in self.points.iterdir():
            armed.unlink()
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            if self.live.answers():
                self.portal.ports.chains["TRON"].mine(25)
                self._work()
                if not self.portal.db.read(_open):
                    return
            else:
                self._supervise()
            rest(0.2)
        still = self.portal.db.read(_open)
        self.stuck += len(still)
        self.problems.append(f"still open after {PATIENCE_SECONDS} s: {still}")

    def judge(self) -> None:
        """Compares the portal with the world outside."""
        world = self.portal.world
        sent = Counter(
            row["units"] for row in world.rows("SELECT units FROM chain_transfers WHERE recipient = ?", OUTSIDE)
        )
        paid = Counter({row["units"]: row["copies"] for row in world.rows("SELECT units, copies FROM payouts")})
        for name, seen, due in (("chain", sent, self.chain_units), ("bank", paid, self.bank_units)):
            self.problems += [f"{name}: {units} was paid {seen[units]} times" for units in seen if seen[units] > 1]
            self.problems += [f"{name}: {units} was lost" for units in due - seen]
            self.problems += [f"{name}: {units} was never asked for" for units in seen if units not in due]
        for asset, units in self.expected.items():
            if self.person.balance(asset) != units:
                self.problems.append(f"{asset}: {self.person.balance(asset)} where {units} is right")
            if self.person.balance(asset, "frozen"):
                self.problems.append(f"{asset}: {self.person.balance(asset, 'frozen')} still frozen")
        self.problems += self.portal.db.read(check).violations

    def show(self, title: str) -> None:
        """Prints what came of it."""
        slowest = sorted(self.recoveries) or [0.0]
        table(
            title, seed=SEED, rounds=self.round, kills=self.kills.total(), not_reached=self.not_reached, restarts=self.restarts,
            at=", ".join(f"{count} {point}" for point, count in sorted(self.kills.items())),
            payments_outside=self.chain_units.total() + self.bank_units.total(),
            lost=sum("was lost" in problem or "no answer" in problem for problem in self.problems),
            double=sum("was paid" in problem for problem in self.problems), stuck_over_60_s=self.stuck,
            recovery_p50=f"{slowest[len(slowest) // 2]:.2f} s", recovery_p99=f"{slowest[len(slowest) * 99 // 100]:.2f} s",
            problems=len(self.problems),
        )  # fmt: skip


def _open(session: Any) -> list[str]:
    query = "SELECT reference || ' ' || status FROM withdrawals WHERE status NOT IN ('confirmed', 'otp_pending')"
    deposits = "SELECT 'deposit ' || status FROM deposits WHERE status NOT IN ('confirmed', 'expired', 'cancelled')"
    return [*session.scalars(sa.text(query)), *session.scalars(sa.text(deposits))]


def processes(live: LivePortal) -> list[tuple[int, str]]:
    """The web and worker processes that the portal's own process started."""
    assert live.process is not None
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            group = int((entry / "stat").read_text().rpartition(")")[2].split()[2])
            command = (entry / "cmdline").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if group == live.process.pid and int(entry.name) != group:
            if "\0worker" in command:
                found.append((int(entry.name), "worker"))
            elif "resource_tracker" not in command:
                found.append((int(entry.name), "web"))
    return found


def crash(engine: str, templates: Any, folder: Path, moments: list[str], **environment: str) -> Crash:
    """Runs a round per moment and judges what is left."""
    points = folder / "points"
    environment = {**mortal(points), **environment}
    with portal_on(engine, templates, folder / "live", WEB_PROCESSES="1", **environment) as (live, portal):
        people.customer(portal)  # a company: the demo world stays away
        portal.db.transact(parameters.change, "trading", {"quote_valid_ms": 86_400_000}, "crash")
        live.start()
        found = Crash(live, portal, points, random.Random(SEED))
        for moment in moments:
            found.run_round(moment)
        found.recover()
        live.stop()
        found.judge()
        return found


@pytest.mark.parametrize("engine", ["sqlite", "postgres"] if FULL else ["sqlite"])
def test_killed_at_any_moment_nothing_is_lost_and_nothing_is_paid_twice(engine, templates, tmp_path):
    chance = random.Random(SEED)
    moments = [*POINTS, "web", "worker"]
    moments = [moments[number % len(moments)] for number in range(ROUNDS)]
    if not FULL:
        moments = ["after broadcast", "worker"]
    chance.shuffle(moments)
    found = crash(engine, templates, tmp_path, moments)
    found.show(f"crash: {engine}")
    assert not found.problems, "\n".join(found.problems[:20])
    assert found.kills.total() >= KILLS, "hardly anybody was killed: this proves nothing"


if FULL:  # the short form of weather catches the same build without a portal of its own

    def test_a_build_that_sends_before_it_stores_is_caught(templates, tmp_path):
        found = crash("sqlite", templates, tmp_path, ["after broadcast"], **broken("hasty"))
        found.show("crash: a build that is hasty")
        assert any("was paid 2 times" in problem for problem in found.problems), found.problems
