"""What a customer has: balances, what is frozen, and what it is worth."""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal, localcontext

from sqlalchemy.orm import Session

from portal import ledger, money
from portal.errors import Refusal
from portal.services import prices

#: In the order they are shown. Brokerage contract: TWD, USDT, ETH; vouchers belong to the voucher family.
BROKERAGE = ("USDT", "ETH", "TWD")
ALL = ("TWD", "USDT", "ETH", "TWIP", "TWIG")

_RATE_PLACES = Decimal("1e-8")


@dataclass(frozen=True, slots=True)
class Holding:
    """One asset of a customer, in its ledger units; `worth_units` in TWD units, None without a price."""

    asset: str
    available: int
    frozen: int
    price: Decimal | None
    worth_units: int | None

    @property
    def total(self) -> int:
        """Available and frozen together."""
        return self.available + self.frozen


@dataclass(frozen=True, slots=True)
class Overview:
    """All holdings and their worth together in TWD units; `share` is each one's part of it in thousandths."""

    holdings: list[Holding]
    worth_units: int

    def share(self, holding: Holding) -> int:
        """The holding's part of the whole, in thousandths, rounded down."""
        return (holding.worth_units or 0) * 1000 // self.worth_units if self.worth_units else 0


def overview(session: Session, customer_id: int, assets: tuple[str, ...] = ALL) -> Overview:
    """A customer's holdings with their worth at the market's price, rounded down."""
    balances = ledger.balances(session, "customer", customer_id)
    known = prices.all_last(session)
    holdings = []
    for asset in assets:
        available, frozen = balances.get((asset, "available"), 0), balances.get((asset, "frozen"), 0)
        price = known.get(asset)
        worth = None if price is None else prices.worth(asset, available + frozen, price)
        holdings.append(Holding(asset, available, frozen, price, worth))
    return Overview(holdings, sum(holding.worth_units or 0 for holding in holdings))


def convert_rates(session: Session, currency: str) -> dict[str, Decimal]:
    """Units of `currency` for one unit of each brokerage asset, cut at eight places.

    Raises Refusal `currency_unknown`, or `price_unknown` before the market has said anything.
    """
    if currency not in BROKERAGE:
        raise Refusal("currency_unknown", field="currency")
    known = prices.all_last(session)
    if any(asset not in known for asset in BROKERAGE):
        raise Refusal("price_unknown")
    with localcontext(money.EXACT):
        return {
            asset: known[asset]
            if currency == "TWD"
            else (known[asset] / known[currency]).quantize(_RATE_PLACES, ROUND_FLOOR)
            for asset in BROKERAGE
        }
