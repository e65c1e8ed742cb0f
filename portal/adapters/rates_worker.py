"""Asks exchanges for prices through ccxt, in an environment of its own, and prints what they said as JSON lines.

Run by its path with the Python of that environment (`make rates`): `.venv-rates/bin/python portal/adapters/rates_worker.py`.
It knows nothing of the portal. Every line is `{"source", "symbol", "price", "at"}`: decimal text and milliseconds.
RATES_SOURCES names exchanges (`bitopro,max`): ccxt's ids, and `max`, which ccxt does not know. One that has no market in
TWD is crossed with the first one's USDT/TWD. RATES_EVERY_SECONDS is the pause between rounds, RATES_<SOURCE>_URL another address of its interface.
"""

import json
import os
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

#: The portal's symbol, the market that says it outright, and the market that says it in USDT.
SYMBOLS = (("USDT-TWD", "USDT/TWD", None), ("ETH-TWD", "ETH/TWD", "ETH/USDT"))

#: Seconds to wait for an exchange.
TIMEOUT_SECONDS = 10


def quotes(exchange: Any, source: str, usdt_twd: Decimal | None) -> Iterator[tuple[str, str, Decimal]]:
    """What one exchange says now: (source, symbol, price) for each symbol it has; failures go to stderr."""
    markets = exchange.load_markets()
    for symbol, direct, crossed in SYMBOLS:
        try:
            if direct in markets:
                yield source, symbol, middle(exchange.fetch_ticker(direct))
            elif crossed in markets and usdt_twd is not None:
                yield f"{source}*", symbol, middle(exchange.fetch_ticker(crossed)) * usdt_twd
        except Exception as error:  # one market must not silence the others, whatever its exchange does
            print(f"{source} {symbol}: {type(error).__name__}", file=sys.stderr, flush=True)


def middle(ticker: Mapping[str, Any]) -> Decimal:
    """The middle of bid and ask, else the last price. Raises ValueError when there is none."""
    bid, ask = number(ticker.get("bid")), number(ticker.get("ask"))
    if bid is not None and ask is not None:
        return (bid + ask) / 2
    last = number(ticker.get("last"))
    if last is None:
        raise ValueError("no price")
    return last


def number(value: object) -> Decimal | None:
    """A positive decimal, or None."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() and found > 0 else None


def run_once(exchanges: Mapping[str, Any], say: Callable[[dict[str, Any]], None]) -> None:
    """Asks every exchange once; the first one's USDT/TWD serves the others for crossing."""
    usdt_twd = None
    for source, exchange in exchanges.items():
        try:
            for name, symbol, price in quotes(exchange, source, usdt_twd):
                if symbol == "USDT-TWD" and usdt_twd is None:
                    usdt_twd = price
                say({"source": name, "symbol": symbol, "price": format(price, "f"), "at": time.time_ns() // 1_000_000})
        except Exception as error:  # an exchange that is away says nothing this time
            print(f"{source}: {type(error).__name__}", file=sys.stderr, flush=True)


class Max:
    """The exchange MAX of Taiwan, as far as prices go, spoken to as ccxt's exchanges are (its public interface, v3)."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def load_markets(self) -> dict[str, str]:
        """Its markets that matter here, by ccxt's names."""
        return {"USDT/TWD": "usdttwd", "ETH/TWD": "ethtwd", "ETH/USDT": "ethusdt"}

    def fetch_ticker(self, market: str) -> dict[str, Any]:
        """Bid, ask and last of a market, as text."""
        address = f"{self._url}/api/v3/ticker?market={self.load_markets()[market]}"
        with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as answer:
            content = json.loads(answer.read(100_000))
        return {"bid": content.get("buy"), "ask": content.get("sell"), "last": content.get("last")}


def open_exchanges(environment: Mapping[str, str]) -> dict[str, Any]:
    """The configured exchanges, as ccxt speaks to them."""
    found: dict[str, Any] = {}
    for source in (name.strip() for name in environment.get("RATES_SOURCES", "bitopro,max").split(",")):
        url = environment.get(f"RATES_{source.upper()}_URL")
        if source == "max":
            found[source] = Max(url or "https://max-api.maicoin.com")
            continue
        import ccxt

        found[source] = getattr(ccxt, source)({"enableRateLimit": True, "timeout": TIMEOUT_SECONDS * 1000})
        if url:
            found[source].urls["api"] = replaced(found[source].urls["api"], url)
    return found


def replaced(addresses: Any, url: str) -> Any:
    """The same tree of addresses, every one of them at another place."""
    if isinstance(addresses, dict):
        return {name: replaced(address, url) for name, address in addresses.items()}
    return url


def main() -> None:
    """Asks again and again until the reader is gone."""
    exchanges = open_exchanges(os.environ)
    pause = int(os.environ.get("RATES_EVERY_SECONDS", "5"))
    while True:
        run_once(exchanges, lambda line: print(json.dumps(line), flush=True))
        time.sleep(pause)


if __name__ == "__main__":
    try:
        main()
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(0)
