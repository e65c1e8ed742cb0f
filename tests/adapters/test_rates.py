"""Prices people trade on: from several sources, fresh, close together, and not believed at once when they jump."""

import sys
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from portal.adapters import rates_worker
from portal.adapters.rates import Guard, ProcessRates
from portal.ports import PortError
from tests.support.json_server import Call, json_server

#: What the exchanges answered on a day in 2026, as ccxt gives it back (numbers it makes of their JSON).
RECORDED = {
    "bitopro": {
        "USDT/TWD": {"bid": 31.871, "ask": 31.899, "last": 31.88},
        "ETH/TWD": {"bid": 98710.0, "ask": 98850.0, "last": 98800.0},
    },
    "kraken": {"ETH/USDT": {"bid": 3096.4, "ask": 3096.6, "last": 3096.45}, "USDT/USD": {"last": 0.9998}},
}


class Recorded:
    """An exchange that answers as it did that day."""

    def __init__(self, tickers: dict[str, Any], broken: str = "") -> None:
        self.tickers, self.broken = tickers, broken

    def load_markets(self) -> dict[str, Any]:
        if self.broken == "*":
            raise ConnectionError("away")
        return self.tickers

    def fetch_ticker(self, market: str) -> Any:
        if market == self.broken:
            raise ConnectionError("away")
        return self.tickers[market]


def asked(exchanges: dict[str, Any]) -> list[tuple[str, str, str]]:
    said: list[dict[str, Any]] = []
    rates_worker.run_once(exchanges, said.append)
    return [(line["source"], line["symbol"], line["price"]) for line in said]


def recorded(**broken: str) -> dict[str, Any]:
    return {source: Recorded(tickers, broken.get(source, "")) for source, tickers in RECORDED.items()}


def test_the_middle_of_the_market_is_told_and_what_has_no_twd_is_crossed() -> None:
    assert asked(recorded()) == [
        ("bitopro", "USDT-TWD", "31.885"), ("bitopro", "ETH-TWD", "98780.0"), ("kraken*", "ETH-TWD", "98731.9025")
    ]  # fmt: skip


def test_an_exchange_or_a_market_that_is_away_silences_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(recorded(bitopro="USDT/TWD")) == [("bitopro", "ETH-TWD", "98780.0")]
    assert asked(recorded(kraken="*"))[-1] == ("bitopro", "ETH-TWD", "98780.0")
    assert "bitopro USDT-TWD: ConnectionError" in capsys.readouterr().err


def test_an_exchange_that_ccxt_does_not_know_is_asked_directly() -> None:
    recorded_max = {"usdttwd": {"at": 1782000000, "buy": "31.87", "sell": "31.89", "last": "31.9"}}

    def answer(call: Call) -> tuple[int, Any]:
        path, _, market = call.target.partition("?market=")
        return 200, recorded_max.get(market, {}) if path == "/api/v3/ticker" else {}

    with json_server(answer) as url:
        said = asked(rates_worker.open_exchanges({"RATES_SOURCES": "max", "RATES_MAX_URL": f"{url}/"}))
    assert said == [("max", "USDT-TWD", "31.88")]


@pytest.mark.parametrize("ticker", [{}, {"bid": None, "ask": None, "last": None}, {"last": "NaN"}, {"last": 0}])
def test_a_market_without_a_price_is_none(ticker: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no price"):
        rates_worker.middle(ticker)


def heard(guard: Guard, at: int, *prices: str) -> dict[str, Decimal]:
    for number, price in enumerate(prices):
        guard.hear("USDT-TWD", f"source {number}", Decimal(price), at)
    return guard.prices(at)


def test_the_price_is_the_median_of_the_sources() -> None:
    assert heard(Guard(), 0, "31.80", "31.90", "31.88") == {"USDT-TWD": Decimal("31.88")}
    assert heard(Guard(), 0, "31.80", "31.90") == {"USDT-TWD": Decimal("31.85")}


def test_one_source_alone_is_not_believed() -> None:
    assert heard(Guard(), 0, "31.80") == {}
    assert heard(Guard(sources=1), 0, "31.80") == {"USDT-TWD": Decimal("31.80")}


def test_what_was_said_too_long_ago_does_not_count() -> None:
    guard = Guard(stale_seconds=60)
    heard(guard, 0, "31.80", "31.90")
    assert guard.prices(60) != {}
    assert guard.prices(61) == {}


def test_sources_that_contradict_each_other_are_no_price() -> None:
    assert heard(Guard(spread=Decimal("0.02")), 0, "31.00", "31.62") == {"USDT-TWD": Decimal("31.31")}
    assert heard(Guard(spread=Decimal("0.02")), 0, "31.00", "31.63") == {}


def test_a_jump_is_believed_only_when_it_lasts() -> None:
    guard = Guard(jump=Decimal("0.05"), confirmations=3)
    heard(guard, 0, "31.00", "31.10")
    assert [heard(guard, second, "34.00", "34.10") != {} for second in range(1, 5)] == [False, False, False, True]
    assert heard(guard, 6, "33.00", "33.10") != {}


def test_the_same_quotes_read_again_confirm_no_jump() -> None:
    guard = Guard(stale_seconds=600)
    heard(guard, 0, "31.00", "31.10")
    heard(guard, 1, "34.00", "34.10")
    assert [guard.prices(second) for second in range(2, 9)] == [{}] * 7


def test_a_price_that_goes_wild_is_not_believed_again_and_again() -> None:
    guard = Guard()
    heard(guard, 0, "31.00", "31.10")
    for second, price in enumerate(["40", "20", "40", "20", "40", "20", "40", "20"], start=1):
        assert heard(guard, second, price, price) == {}
    assert heard(guard, 20, "31.00", "31.10") != {}


@pytest.fixture
def worker(tmp_path: Path) -> Any:
    """`worker(*lines)` is a price port whose worker says these lines once and then waits to be ended."""
    made: list[ProcessRates] = []

    def make(*lines: str, then: str = "sys.stdin.close(); signal.pause()") -> ProcessRates:
        script = tmp_path / f"worker-{len(made)}.py"
        script.write_text(f"import signal, sys\nfor line in {lines!r}: print(line, flush=True)\n{then}\n")
        made.append(ProcessRates({"RATES_PYTHON": sys.executable}, script))
        return made[-1]

    yield make
    for each in made:
        each.close()


def until(ready: Callable[[], bool]) -> None:
    waiting = threading.Event()
    for _ in range(500):
        if ready():
            return
        waiting.wait(0.01)
    raise AssertionError("it never came")


def priced(port: ProcessRates) -> bool:
    try:
        return bool(port.prices())
    except PortError:
        return False


def line(source: str, price: str) -> str:
    return f'{{"source": "{source}", "symbol": "USDT-TWD", "price": "{price}", "at": 1}}'


def test_the_portal_hears_its_worker_and_overhears_nonsense(worker: Any) -> None:
    port = worker("nonsense", "[]", line("a", "-1"), line("b", "x"), line("bitopro", "31.8"), line("kraken*", "31.9"))
    until(lambda: priced(port))
    assert port.prices() == {"USDT-TWD": Decimal("31.85")}


def test_a_worker_that_died_is_started_again(worker: Any) -> None:
    port = worker(line("a", "31.8"), line("b", "31.9"), then="sys.exit(1)")
    until(lambda: priced(port))
    first = port._process
    until(lambda: priced(port) and port._process is not first)


def test_without_a_worker_there_is_no_price() -> None:
    with pytest.raises(PortError, match="RATES_PYTHON"):
        ProcessRates({"RATES_PYTHON": "/nowhere/python"}).prices()


def test_the_worker_gets_none_of_the_portals_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "secret")
    port = ProcessRates({"RATES_PYTHON": sys.executable, "RATES_SOURCES": "bitopro", "SMTP_PASSWORD": "secret"})
    assert "secret" not in port._environment.values()
    assert port._environment["RATES_SOURCES"] == "bitopro"
