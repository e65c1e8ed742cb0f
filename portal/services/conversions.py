"""One asset into another at the market, at once (brokerage operation CONVERT).

The amount is valued in TWD at the given asset's price, less the spread, and bought for at the other's price, with the spread
once more; an end that is TWD has no spread of its own. Everything is rounded down to the house's side, and what the house
keeps is posted, so nothing is created or lost.
"""

from dataclasses import dataclass
from decimal import Decimal, localcontext

from sqlalchemy.orm import Session

from portal import ledger
from portal.db import now
from portal.errors import N_, Refusal, declare
from portal.ledger import Line
from portal.models.columns import new_public_id
from portal.models.conversions import Conversion
from portal.models.customers import Customer
from portal.money import EXACT, parse_units, to_decimal, units_ceil, units_floor
from portal.services import activity, notifications, offering, parameters, prices, quotes, references
from portal.services.notifications import Event

ASSETS = ("TWD", "USDT", "ETH")

parameters.declare("conversion", {"min_twd": "30", "max_twd": "1000000", "level": 2})

declare(
    {
        "conversion_same_asset": N_("Choose two different currencies."),
        "conversion_worse": N_("The price has moved. Please look at the new amount."),
    }
)

notifications.declare(
    {
        "converted": Event(
            "trading", N_("Converted"), N_("%(given)s became %(received)s."), mail=False, icon="arrow-left-right"
        )
    }
)


@dataclass(frozen=True, slots=True)
class Sum:
    """What a conversion comes to, in ledger units; `spread_units` is the house's share in the asset received."""

    from_asset: str
    from_units: int
    to_asset: str
    to_units: int
    spread_units: int
    value_twd_units: int
    from_price: Decimal
    to_price: Decimal
    spread_percent: Decimal

    @property
    def rate(self) -> Decimal:
        """How much of the received asset one unit of the given one brings, all told."""
        with localcontext(EXACT):
            return to_decimal(self.to_units, self.to_asset) / to_decimal(self.from_units, self.from_asset)


def reckon(session: Session, customer_id: int, from_asset: str, from_units: int, to_asset: str) -> Sum:
    """What an amount would come to now.

    Raises Refusal `currency_unknown`, `conversion_same_asset`, `trading_paused`, `trading_not_allowed`,
    `amount_out_of_range`, `price_unknown`, `price_stale`.
    """
    customer = _customer(session, customer_id)
    from_price, to_price = _prices(session, from_asset, to_asset)
    spread = quotes.spread_percent(session, customer.is_vip, customer.spread_override_bp)
    with localcontext(EXACT):
        value = to_decimal(from_units, from_asset) * from_price
        kept = _kept(spread, from_asset, to_asset)
        to_units = units_floor(value * kept / to_price, to_asset)
        whole_units = units_floor(value / to_price, to_asset)
    _check_size(session, units_floor(value, "TWD"), to_units)
    return Sum(
        from_asset, from_units, to_asset, to_units, whole_units - to_units, units_floor(value, "TWD"), from_price,
        to_price, spread,
    )  # fmt: skip


def reckon_for(session: Session, customer_id: int, from_asset: str, to_asset: str, to_units: int) -> Sum:
    """What must be given, at least, to get `to_units`; refuses as `reckon` does."""
    customer = _customer(session, customer_id)
    from_price, to_price = _prices(session, from_asset, to_asset)
    spread = quotes.spread_percent(session, customer.is_vip, customer.spread_override_bp)
    with localcontext(EXACT):
        kept = _kept(spread, from_asset, to_asset)
        from_units = units_ceil(to_decimal(to_units, to_asset) * to_price / kept / from_price, from_asset)
    return reckon(session, customer_id, from_asset, max(from_units, 1), to_asset)


def convert(
    session: Session, customer_id: int, from_asset: str, from_units: int, to_asset: str, *, at_least_units: int = 0
) -> Conversion:
    """Converts at the price of this moment. `at_least_units` is what the customer was shown.

    Refuses as `reckon` does, and with `conversion_worse` when it would bring less, `stock_short`, `insufficient_balance`.
    """
    total = reckon(session, customer_id, from_asset, from_units, to_asset)
    if total.to_units < at_least_units:
        raise Refusal("conversion_worse", to_units=total.to_units)
    _check_stock(session, total)
    moment = now(session)
    public_id = new_public_id()
    made = Conversion(
        public_id=public_id,
        customer_id=customer_id,
        from_asset=from_asset,
        from_units=from_units,
        to_asset=to_asset,
        to_units=total.to_units,
        spread_units=total.spread_units,
        from_price=total.from_price,
        to_price=total.to_price,
        spread_percent=total.spread_percent,
        reference=public_id,
        created_at=moment,
    )
    session.add(made)
    session.flush()
    made.reference = references.of_row("conversion", moment, made.id)
    activity.record(
        session, customer_id, "convert", direction="out", asset=from_asset, amount_units=from_units, status="completed",
        reference=made.reference, subject_kind="conversion", subject_id=made.id, counter_asset=to_asset,
        counter_units=total.to_units, public_id=public_id,
        details={"from_price": str(total.from_price), "to_price": str(total.to_price), "spread_percent": str(total.spread_percent),
                 "spread_units": total.spread_units},
    )  # fmt: skip
    facts = {
        "given": notifications.amount(from_units, from_asset),
        "received": notifications.amount(total.to_units, to_asset),
    }
    notifications.tell(session, customer_id, "converted", facts, "/wallet/history")
    _post(session, made, total)
    return made


def _post(session: Session, made: Conversion, total: Sum) -> None:
    """One journal, last in the transaction, so that the house's rows are held for the shortest time."""
    lines = [
        Line(ledger.customer_available(made.customer_id, total.from_asset), -total.from_units),
        Line(ledger.house("inventory", total.from_asset), total.from_units),
        Line(ledger.customer_available(made.customer_id, total.to_asset), total.to_units),
        Line(ledger.house("inventory", total.to_asset), -total.to_units - total.spread_units),
    ]
    if total.spread_units:
        lines.append(Line(ledger.house("spread", total.to_asset), total.spread_units))
    ledger.post(session, "conversion", f"conversion:{made.id}", lines, actor=f"customer:{made.customer_id}")


def _customer(session: Session, customer_id: int) -> Customer:
    customer = session.get(Customer, customer_id, populate_existing=True)
    assert customer is not None
    level = parameters.get(session, "conversion")["level"]
    if customer.standing != "normal" or customer.kyc_level < level:
        raise Refusal("trading_not_allowed", level=level, standing=customer.standing)
    return customer


def _prices(session: Session, from_asset: str, to_asset: str) -> tuple[Decimal, Decimal]:
    for name, asset in (("fromWallet", from_asset), ("toAsset", to_asset)):
        if asset not in ASSETS:
            raise Refusal("currency_unknown", field=name)
    if from_asset == to_asset:
        raise Refusal("conversion_same_asset", field="toAsset")
    for name, asset in (("fromWallet", from_asset), ("toAsset", to_asset)):
        offering.check(session, offering.TRADING, asset, field=name)
    return _price(session, from_asset), _price(session, to_asset)


def _price(session: Session, asset: str) -> Decimal:
    return Decimal(1) if asset == "TWD" else prices.tradable(session, f"{asset}-TWD")


def _check_stock(session: Session, total: Sum) -> None:
    """The house gives from its inventory, down to the exposure that trading allows; more is refused whole."""
    exposure = parse_units(parameters.get(session, "trading")["exposure"][total.to_asset], total.to_asset)
    stock = ledger.balance(session, ledger.house("inventory", total.to_asset))
    if stock - total.to_units - total.spread_units < -exposure:
        raise Refusal("stock_short", asset=total.to_asset)


def _kept(spread: Decimal, from_asset: str, to_asset: str) -> Decimal:
    """The share of the value that reaches the customer."""
    selling = Decimal(1) if from_asset == "TWD" else 1 - spread / 100
    buying = Decimal(1) if to_asset == "TWD" else 1 + spread / 100
    return selling / buying


def _check_size(session: Session, value_twd_units: int, to_units: int) -> None:
    bounds = parameters.get(session, "conversion")
    least, most = parse_units(bounds["min_twd"], "TWD"), parse_units(bounds["max_twd"], "TWD")
    if not least <= value_twd_units <= most or to_units <= 0:
        raise Refusal("amount_out_of_range", field="amount", min_twd_units=least, max_twd_units=most)
