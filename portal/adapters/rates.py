"""The market's prices from a process of its own (portal/adapters/rates_worker.py), guarded before anybody trades on them.

A price is the median of the sources' newest quotes. It is withheld when too few sources are fresh, when they lie too far
apart, or when it jumped and the jump has not been confirmed by later rounds. A symbol without a price is not answered; the
portal's own staleness rule then stops its trading.
"""

import json
import os
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from statistics import median
from typing import IO

from portal.ports import PortError

WORKER = Path(__file__).with_name("rates_worker.py")

#: Of the surroundings the worker's process gets these and its own settings, never the portal's secrets.
_SURROUNDINGS = ("PATH", "HOME", "LANG", "SSL_CERT_FILE", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")


@dataclass(frozen=True, slots=True)
class Quote:
    """What one source said, and when (seconds of a clock that only goes forward)."""

    price: Decimal
    at: int


@dataclass
class _Jump:
    price: Decimal
    times: int
    at: int


class Guard:
    """Makes one price per symbol out of the sources' quotes.

    Quotes older than `stale_seconds` do not count; fewer than `sources` of them, or a spread beyond `spread` (ratio), is no
    price. A move beyond `jump` (ratio) against the last price counts once `confirmations` newer rounds agree with it.
    """

    def __init__(
        self, *, stale_seconds: int = 60, sources: int = 2, spread: Decimal = Decimal("0.02"),
        jump: Decimal = Decimal("0.05"), confirmations: int = 3,
    ) -> None:  # fmt: skip
        self._stale, self._sources, self._spread = stale_seconds, sources, spread
        self._jump, self._confirmations = jump, confirmations
        self._quotes: dict[str, dict[str, Quote]] = {}
        self._last: dict[str, Decimal] = {}
        self._jumps: dict[str, _Jump] = {}

    def hear(self, symbol: str, source: str, price: Decimal, at: int) -> None:
        """Takes a quote."""
        self._quotes.setdefault(symbol, {})[source] = Quote(price, at)

    def prices(self, moment: int) -> dict[str, Decimal]:
        """The prices that may be traded on at this moment."""
        found = {symbol: self._price(symbol, moment) for symbol in self._quotes}
        return {symbol: price for symbol, price in found.items() if price is not None}

    def _price(self, symbol: str, moment: int) -> Decimal | None:
        fresh = [quote.price for quote in self._quotes[symbol].values() if moment - quote.at <= self._stale]
        if len(fresh) < self._sources:
            return None
        if max(fresh) - min(fresh) > self._spread * min(fresh):
            return None
        price = Decimal(median(fresh)).quantize(Decimal("0.00000001"))
        if self._jumped(symbol, price, max(quote.at for quote in self._quotes[symbol].values())):
            return None
        self._last[symbol] = price
        self._jumps.pop(symbol, None)
        return price

    def _jumped(self, symbol: str, price: Decimal, at: int) -> bool:
        last = self._last.get(symbol)
        if last is None or abs(price - last) <= self._jump * last:
            return False
        seen = self._jumps.get(symbol)
        if seen is None or abs(price - seen.price) > self._jump * seen.price:
            self._jumps[symbol] = _Jump(price, 0, at)
            return True
        if at > seen.at:  # only newer quotes confirm it, not the same ones read again
            seen.times, seen.at = seen.times + 1, at
        return seen.times < self._confirmations


class ProcessRates:
    """Reads the worker's lines and answers guarded prices; the worker is started when first asked, and again when it ended.

    Settings: RATES_PYTHON (the Python of the worker's environment), RATES_SOURCES, RATES_EVERY_SECONDS,
    RATES_STALE_SECONDS (60), RATES_MIN_SOURCES (2), RATES_MAX_SPREAD (0.02), RATES_MAX_JUMP (0.05).
    """

    def __init__(self, settings: Mapping[str, str], worker: Path = WORKER) -> None:
        # -P: the worker's own folder holds modules that are not for it.
        self._command = [settings["RATES_PYTHON"], "-P", str(worker)]
        self._environment = {name: os.environ[name] for name in _SURROUNDINGS if name in os.environ}
        self._environment |= {name: value for name, value in settings.items() if name.startswith("RATES_")}
        self._guard = Guard(
            stale_seconds=int(settings.get("RATES_STALE_SECONDS", "60")),
            sources=int(settings.get("RATES_MIN_SOURCES", "2")),
            spread=Decimal(settings.get("RATES_MAX_SPREAD", "0.02")),
            jump=Decimal(settings.get("RATES_MAX_JUMP", "0.05")),
        )
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def prices(self) -> dict[str, Decimal]:
        """The prices that may be traded on. Raises PortError while there are none."""
        with self._lock:
            self._keep_running()
            found = self._guard.prices(_seconds())
        if not found:
            raise PortError("no price that may be traded on")
        return found

    def close(self) -> None:
        """Ends the worker."""
        with self._lock:
            if self._process is not None:
                self._process.terminate()
                self._process.wait(10)
                self._process = None

    def _keep_running(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        try:
            self._process = subprocess.Popen(
                self._command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=self._environment
            )
        except OSError as error:
            raise PortError("the price worker does not start; is RATES_PYTHON right?") from error
        assert self._process.stdout is not None
        threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True).start()

    def _listen(self, lines: IO[str]) -> None:
        with lines:
            for line in lines:
                heard = _quote(line)
                if heard is not None:
                    with self._lock:
                        self._guard.hear(*heard, _seconds())


def _quote(line: str) -> tuple[str, str, Decimal] | None:
    """Symbol, source and price of a line; None for one that cannot be read."""
    try:
        content = json.loads(line)
        price = Decimal(content["price"])
        symbol, source = str(content["symbol"]), str(content["source"])
    except (ValueError, KeyError, TypeError, InvalidOperation):
        return None
    return (symbol, source, price) if price.is_finite() and price > 0 else None


def _seconds() -> int:
    return int(time.monotonic())
