"""The arithmetic of a trade, pure: what is paid and got for either amount, always rounded to the house's side.

market price ± spread gives the unit price, kept to four places (TWD's). What the customer pays is rounded up, what they
get down. The house's inventory trades at the market price; spread and remainder go to accounts of their own, so that
nothing is created or lost.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

from portal import money

BUY, SELL = "buy", "sell"
BASE, ORDER = "base", "order"

ORDER_ASSET = "TWD"
_PRICE_STEP = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Terms:
    """A trade's numbers: `base_units` against `order_units`, in ledger units; prices in TWD for one unit.

    `fair_units` is what the inventory pays or gets at the market price, `spread_units` and `rounding_units` the house's
    income; for a purchase order = fair + spread + rounding, for a sale order = fair - spread - rounding.
    """

    side: str
    base_asset: str
    base_units: int
    order_units: int
    unit_price: Decimal
    market_price: Decimal
    fair_units: int
    spread_units: int
    rounding_units: int


def unit_price(side: str, market_price: Decimal, spread_percent: Decimal) -> Decimal:
    """The price with the spread on it: rounded up for a purchase, down for a sale."""
    with localcontext(money.EXACT):
        share = spread_percent / 100
        if side == BUY:
            return (market_price * (1 + share)).quantize(_PRICE_STEP, ROUND_CEILING)
        return (market_price * (1 - share)).quantize(_PRICE_STEP, ROUND_FLOOR)


def terms(side: str, base_asset: str, given: str, units: int, market_price: Decimal, spread_percent: Decimal) -> Terms:
    """The trade for an amount `given` in the base asset or in TWD (`base` or `order`)."""
    price = unit_price(side, market_price, spread_percent)
    with localcontext(money.EXACT):
        if given == BASE:
            base_units = units
            exact = money.to_decimal(units, base_asset) * price
            order_units = (money.units_ceil if side == BUY else money.units_floor)(exact, ORDER_ASSET)
        else:
            order_units = units
            exact = money.to_decimal(units, ORDER_ASSET) / price if price else Decimal(0)
            base_units = (money.units_floor if side == BUY else money.units_ceil)(exact, base_asset)
    return settled(side, base_asset, base_units, order_units, price, market_price, spread_percent)


def settled(
    side: str,
    base_asset: str,
    base_units: int,
    order_units: int,
    price: Decimal,
    market_price: Decimal,
    spread_percent: Decimal,
) -> Terms:
    """The parts of an agreed trade: how its TWD amount divides into market value, spread and remainder."""
    with localcontext(money.EXACT):
        worth = money.to_decimal(base_units, base_asset) * market_price
        fair_units = money.units_floor(worth, ORDER_ASSET)
        spread_units = money.units_floor(worth * spread_percent / 100, ORDER_ASSET)
    sign = 1 if side == BUY else -1
    rounding_units = sign * (order_units - fair_units) - spread_units
    return Terms(
        side, base_asset, base_units, order_units, price, market_price, fair_units, spread_units, rounding_units
    )
