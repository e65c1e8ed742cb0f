"""The sandbox market: prices move only when they are told to."""

from decimal import Decimal

from portal.adapters.sandbox.world import World

OPENING = {"USDT-TWD": Decimal("32.1079"), "ETH-TWD": Decimal("98765.4321")}


class SandboxRates:
    """Answers the world's prices."""

    def __init__(self, world: World) -> None:
        self._world = world
        with world.change() as connection:
            for symbol, price in OPENING.items():
                connection.execute("INSERT OR IGNORE INTO prices VALUES (?, ?)", (symbol, str(price)))

    def prices(self) -> dict[str, Decimal]:
        with self._world.call("rates"):
            rows = self._world.rows("SELECT symbol, price FROM prices")
        return {row["symbol"]: Decimal(row["price"]) for row in rows}

    def set_price(self, symbol: str, price: Decimal) -> None:
        """Moves the market."""
        with self._world.change() as connection:
            connection.execute("INSERT OR REPLACE INTO prices VALUES (?, ?)", (symbol, format(price, "f")))
