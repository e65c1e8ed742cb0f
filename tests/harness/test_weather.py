"""weather: what stands around the portal is slow, cut or lying; nothing unsafe happens and all recovers (PROMISES 15)."""

import random
import threading
import uuid
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
import sqlalchemy as sa

from portal import create_app
from portal.ledger.check import check
from portal.models.wallet import Withdrawal
from portal.money import parse_units
from portal.services import addresses, failures, quotes, second_factor, withdrawals
from portal.services import withdrawal_sending as sending
from portal.worker import deposits as deposit_duties
from portal.worker import jobs as job_duties
from portal.worker import loop
from portal.worker import withdrawals as withdrawal_duties
from tests.harness.living import codes_known
from tests.harness.proxy import Proxy
from tests.harness.report import FULL, table
from tests.support import people, postgres
from tests.support.market import open_market
from tests.support.outside import answer_of, messages
from tests.support.portals import close_app, settings_for

pytestmark = pytest.mark.harness

SEED = 1_867
OUTSIDE = "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj"
PORTS = ("chain", "bank", "mail", "sms")
FAULTS = ("timeout", "error", "reject", "duplicate", "lost_answer")
TIMES = (1, 2, 5) if FULL else (2,)
SKIES = ("slow", "cut", "lost answers", "partial answers", "away", "black hole")
#: Skies under which every try ends the same way: a few trades are enough.
SHUT = ("away", "black hole")
TRADES = 200 if FULL else 12


class Cell:
    """One port with one fault, around money that leaves and arrives."""

    def __init__(self, portal: Any, number: int) -> None:
        self.portal, self.number = portal, number
        self.person = people.customer(portal, usdt="1000", twd="100000")
        self.problems: list[str] = []

    def run(self, port: str, fault: str, times: int) -> None:
        """Everything is under way when the fault strikes; then hours go by in fair weather."""
        portal, person = self.portal, self.person
        made = self._ask()
        to = portal.db.transact(addresses.for_owner, "customer", person.id, "TRON").address
        units = parse_units("7", "USDT")
        tx_hash = f"{uuid.uuid4().hex}{self.number:032x}"
        portal.ports.chains["TRON"].add_transfer("USDT", to, units, tx_hash, 0, sender="x")
        portal.world.set_fault(port, fault, times)
        for _ in range(times + 1):
            self._duties()
            portal.clock.advance(40)
        portal.world.set_fault(port, fault, 0)
        for seconds in (700, 700, 90_000, 700):
            portal.ports.chains["TRON"].mine(25)
            self._duties()
            portal.clock.advance(seconds)
        self._judge(made, units, f"{port} {fault} x{times}")
        for channel, to in (("mail", person.email), ("sms", person.phone)):
            heard = [row["code"] for row in messages(portal, to) if row["code"]]
            if not heard and (channel, fault) != (port, "reject") and times <= 2:
                self.problems.append(f"{port} {fault} x{times}: the code by {channel} never came")

    def _ask(self) -> list[Withdrawal]:
        made = []
        where: dict[str, dict[str, Any]] = {
            "USDT": {"kind": "crypto", "network": "TRON", "address": OUTSIDE},
            "TWD": {"kind": "fiat", "network": "BANK", "bank_account_id": self.person.bank_account_id},
        }
        for asset, units in (("USDT", parse_units("30", "USDT")), ("TWD", parse_units("515", "TWD"))):
            wanted = withdrawals.Request(
                owner_kind="customer", owner_id=self.person.id, family="brokerage", asset=asset,
                amount_units=units + (self.number if asset == "USDT" else parse_units(self.number, "TWD")), **where[asset],
            )  # fmt: skip
            channel = "mail" if asset == "USDT" else "sms"
            with codes_known(quiet=False) as codes:
                asked = self.portal.db.transact(withdrawals.request, wanted, channel)
            code = codes[f"withdrawal:{asked.id}"]
            self.portal.db.transact(_confirm, asked.id, code)
            made.append(asked)
        return made

    def _duties(self) -> None:
        for duty in (
            withdrawal_duties.send_to_chains, withdrawal_duties.send_to_bank, deposit_duties.watch, job_duties.run_jobs,
        ):  # fmt: skip
            while duty(self.portal):
                pass

    def _judge(self, made: list[Withdrawal], deposited: int, cell: str) -> None:
        world, read = self.portal.world, self.portal.db.read
        gone: Counter[str] = Counter()
        for asked in made:
            status = read(lambda session, number=asked.id: session.get(Withdrawal, number).status)
            units = asked.amount_units - asked.fee_units
            if asked.asset == "USDT":
                rows = world.rows("SELECT 1 FROM chain_transfers WHERE recipient = ? AND units = ?", OUTSIDE, units)
            else:
                rows = world.rows("SELECT 1 FROM payouts WHERE key = ? AND units = ?", asked.reference, units)
            if status not in ("confirmed", "failed"):
                self.problems.append(f"{cell}: {asked.asset} has not ended but is {status}")
            if len(rows) != (status == "confirmed"):
                self.problems.append(f"{cell}: {asked.asset} is {status} and was paid {len(rows)} times")
            gone[asked.asset] += asked.amount_units * (status == "confirmed")
        expected = {"USDT": parse_units("1007", "USDT"), "TWD": parse_units("100000", "TWD")}
        for asset, units in expected.items():
            has = (self.person.balance(asset), self.person.balance(asset, "frozen"))
            if has != (units - gone[asset], 0):
                self.problems.append(f"{cell}: {has} {asset} where {units - gone[asset]} is right")


def test_a_clock_that_leaps_wakes_no_dead_quote_and_takes_no_code_twice(app_with):
    app = app_with("sqlite")
    portal = app.extensions["portal"]
    person = people.customer(portal, totp=True, twd="100000")
    taken: Counter[str] = Counter()

    def give(code: str) -> str:
        return answer_of(portal, second_factor.check_totp, "customer", person.id, code) or "opened"

    leaps = (0, 30, 3_600, -3_600, -30, 86_400, -86_400, -600, 600)
    for leap in leaps:
        portal.clock.advance(leap)
        open_market(portal)
        code = pyotp.TOTP(person.totp_secret).at(int(portal.clock.now().timestamp()))
        for _ in range(2):
            taken[f"{code} {give(code)}"] += 1
        quote = portal.db.transact(quotes.offer, person.id, "buy", "USDT", "base", parse_units("5", "USDT"))
        portal.clock.advance(60)
        for back in (0, -61, 61):
            portal.clock.advance(back)
            answer = portal.db.transact(quotes.accept, person.id, quote.public_id)
            if answer.status != "expired":
                taken[f"a dead quote was {answer.status} opened"] += 2
        portal.db.transact(_forgive, person.id)
    twice = [name for name, times in taken.items() if name.endswith("opened") and times > 1]
    table("weather: clock", leaps=len(leaps), opened=sum(name.endswith("opened") for name in taken), unsafe=len(twice))
    assert not twice, twice
    assert any(name.endswith("opened") for name in taken)


def _forgive(session: Any, customer_id: int) -> None:
    """Wrong codes do not add up to a lock here: that is another promise."""
    failures.forgive(session, failures.key(session, "totp:customer", customer_id))


def _confirm(session: Any, withdrawal_id: int, code: str) -> str:
    return str(withdrawals.confirm(session, session.get(Withdrawal, withdrawal_id), code, "customer:1").status)


def test_no_fault_of_a_port_makes_money_unsafe(app_with):
    app = app_with("sqlite")
    portal = app.extensions["portal"]
    problems: list[str] = []
    cells = [(port, fault, times) for port in PORTS for fault in FAULTS for times in TIMES]
    cells = cells if FULL else cells[::3]
    loop.load()
    with app.app_context():
        open_market(portal)
        for number, (port, fault, times) in enumerate(cells, start=1):
            cell = Cell(portal, number)
            cell.run(port, fault, times)
            problems += cell.problems
    table("weather: ports", cells=len(cells), unsafe=len(problems))
    assert not problems, "\n".join(problems[:20])


def test_a_build_that_sends_before_it_stores_is_caught(app_with, monkeypatch):
    app = app_with("sqlite")
    usual = withdrawal_duties._by_chain

    def hasty(portal: Any, withdrawal: Withdrawal) -> bool:
        if withdrawal.status != "approved":
            return usual(portal, withdrawal)
        chain = portal.ports.chains[withdrawal.network]
        signed = chain.sign(uuid.uuid4().hex, withdrawal.asset, withdrawal.address, sending.payout_units(withdrawal))
        chain.broadcast(signed)
        return portal.db.transact(sending.store_signed, withdrawal.id, signed)

    monkeypatch.setattr(withdrawal_duties, "_by_chain", hasty)
    with app.app_context():
        open_market(app.extensions["portal"])
        cell = Cell(app.extensions["portal"], 1)
        cell.run("chain", "lost_answer", 1)
    assert any("was paid 2 times" in problem for problem in cell.problems), cell.problems


def _clear(proxy: Proxy) -> None:
    proxy.weather = "fair"
    proxy.cut_all()


@pytest.fixture
def stormy(templates, tmp_path):
    """A portal whose PostgreSQL stands behind a proxy."""
    server, template = templates.postgres()
    name = f"weather_{uuid.uuid4().hex[:12]}"
    postgres.create_database(server, name, template)
    folder = parse_qs(urlsplit(server).query)["host"][0]
    proxy = Proxy(Path(folder) / ".s.PGSQL.5432", random.Random(SEED))
    url = f"postgresql://postgres@127.0.0.1:{proxy.port}/{name}?sslmode=disable&gssencmode=disable"
    app = create_app(settings_for(tmp_path / "instance", url))
    yield app, proxy
    proxy.weather = "fair"
    close_app(app)
    proxy.close()
    postgres.drop_database(server, name)


def test_a_database_behind_bad_weather_neither_loses_nor_doubles_a_trade(stormy):
    app, proxy = stormy
    portal = app.extensions["portal"]
    open_market(portal)
    person = people.customer(portal, usdt="100000", twd="10000000")
    client = app.test_client(use_cookies=False)
    units = parse_units("5", "USDT")
    said: Counter[str] = Counter()
    problems: list[str] = []
    for sky in SKIES:
        for number in range(TRADES):
            proxy.weather = "fair"
            quote = portal.db.transact(quotes.offer, person.id, "buy", "USDT", "base", units).public_id
            proxy.weather = sky
            for attempt in range(8):
                if sky == "away" and attempt == 0:
                    proxy.cut_all()
                if sky == "black hole" and attempt == 0:
                    # Nothing that waits on a silent line is told so, until the line is cut: by a failover, or by TCP itself.
                    threading.Timer(0.3, _clear, (proxy,)).start()
                if attempt > (1 if sky in SHUT else 4):
                    proxy.weather = "fair"
                headers = {"token": person.token, "Idempotency-Key": f"{sky}{number}"}
                answer = client.post("/v1/trade/accept", json={"quoteId": quote}, headers=headers)
                said[f"{sky}: {answer.status_code}"] += 1
                if answer.status_code == 200 and answer.json["data"]["status"] == 30007:
                    break
                if answer.status_code not in (200, 503):
                    problems.append(f"{sky}: {answer.status_code} {answer.text[:120]}")
            else:
                problems.append(f"{sky}: trade {number} was never answered: {answer.text[:120]}")
            if sky in SHUT and number >= 2:
                break
    proxy.weather = "fair"
    executed = portal.db.read(
        lambda session: session.scalar(sa.text("SELECT COUNT(*) FROM quotes WHERE status = 'executed'"))
    )
    posted = portal.db.read(lambda session: session.scalar(sa.text("SELECT COUNT(*) FROM journals WHERE kind = 'buy'")))
    due = TRADES * (len(SKIES) - len(SHUT)) + 3 * len(SHUT)
    if not executed == posted == due:
        problems.append(f"{due} trades asked for, {executed} executed, {posted} posted")
    if person.balance("USDT") != parse_units("100000", "USDT") + due * units:
        problems.append(f"the customer has {person.balance('USDT')}")
    problems += portal.db.read(check).violations
    table(
        "weather: database", seed=SEED, trades=due, pieces_struck=proxy.struck,
        answers=", ".join(f"{count} × {name}" for name, count in sorted(said.items())), unsafe=len(problems),
    )  # fmt: skip
    assert not problems, "\n".join(problems[:20])
    assert any(name.endswith("503") for name in said), "the weather was fair: this proves nothing"
