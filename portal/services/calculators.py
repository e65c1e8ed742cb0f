"""What a load costs and what arrives: one arithmetic for loads and both calculators (partner contract 3.1, 4.7, 4.8).

    exchange_fee = amount x exchange_fee_rate        loading_fee = amount x rate of the amount's tier
    deposit      = amount - exchange_fee - loading_fee
    arrives      = deposit x exchange_rate, two places, rounded down

Fees are rounded up to the ledger's places, the amount needed for a wished arrival up to two places (reading P18); what
rounding leaves stays with the house and is posted. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, localcontext
from typing import Any

from portal.errors import N_, Refusal, declare
from portal.money import EXACT, MAX_UNITS, SCALES, to_decimal, units_ceil, units_floor

COIN = "USDT"

declare({"arrives_nothing": N_("After the fees nothing would arrive.")})


@dataclass(frozen=True, slots=True)
class Tier:
    """A span of amounts (USDT), least inclusive and most exclusive, with its fee as a ratio."""

    least: Decimal
    most: Decimal
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Terms:
    """What the arithmetic needs of an institution's terms for a kind of card."""

    currency: str
    exchange_rate: Decimal
    exchange_fee_rate: Decimal
    tiers: tuple[Tier, ...]

    def loading_rate(self, amount: Decimal) -> Decimal:
        """The rate of the tier that an amount falls in: the whole amount pays it (reading P17)."""
        for tier in self.tiers:
            if amount < tier.most:
                return tier.rate
        return self.tiers[-1].rate


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A load in ledger units: USDT but for `currency_units` and `rounding_units`, which are of the card's currency.

    amount = exchange_fee + loading_fee + deposit. `rounding_units` is what cutting to two places left to the house.
    """

    amount_units: int
    exchange_fee_units: int
    loading_fee_units: int
    deposit_units: int
    currency_units: int
    rounding_units: int
    loading_fee_rate: Decimal


def read_tiers(kept: Sequence[dict[str, Any]]) -> tuple[Tier, ...]:
    """Tiers as they are kept (texts), in order of their bounds. Raises ValueError when they leave gaps or overlap."""
    tiers = tuple(
        sorted(
            (Tier(Decimal(tier["min"]), Decimal(tier["max"]), Decimal(tier["rate"])) for tier in kept),
            key=lambda tier: tier.least,
        )
    )
    if not tiers or any(tier.least >= tier.most or not 0 <= tier.rate < 1 for tier in tiers):
        raise ValueError("no tiers, or one of them is empty")
    if any(earlier.most != later.least for earlier, later in zip(tiers, tiers[1:], strict=False)):
        raise ValueError("tiers must follow each other")
    return tiers


def for_amount(terms: Terms, amount_units: int) -> Breakdown:
    """What becomes of an amount of USDT. Raises Refusal `amount_out_of_range` or `arrives_nothing`."""
    if not 0 < amount_units <= MAX_UNITS // 10**4:
        raise Refusal("amount_out_of_range", field="amount")
    with localcontext(EXACT):
        amount = to_decimal(amount_units, COIN)
        rate = terms.loading_rate(amount)
        exchange_fee = units_ceil(amount * terms.exchange_fee_rate, COIN)
        loading_fee = units_ceil(amount * rate, COIN)
        deposit = amount_units - exchange_fee - loading_fee
    worth = worth_of(max(deposit, 0), terms.exchange_rate, terms.currency)
    cent = 10 ** (SCALES[terms.currency] - 2)
    arrives = worth - worth % cent
    if deposit <= 0 or arrives <= 0:
        raise Refusal("arrives_nothing", field="amount")
    return Breakdown(amount_units, exchange_fee, loading_fee, deposit, arrives, worth - arrives, rate)


def for_arrival(terms: Terms, currency_units: int) -> Breakdown:
    """The smallest amount of USDT, in whole cents, of which at least `currency_units` arrive.

    Raises Refusal `amount_out_of_range` or `arrives_nothing`.
    """
    if not 0 < currency_units <= MAX_UNITS // 10**4:
        raise Refusal("amount_out_of_range", field="currency_amount")
    with localcontext(EXACT):
        worth = to_decimal(currency_units, terms.currency) / terms.exchange_rate
        candidates = []
        for number, tier in enumerate(terms.tiers):
            kept = 1 - terms.exchange_fee_rate - tier.rate
            if kept <= 0:
                continue
            needed = max((worth / kept).quantize(Decimal("0.01"), ROUND_CEILING), tier.least)
            if needed < tier.most or number == len(terms.tiers) - 1:
                candidates.append(needed)
    if not candidates:
        raise Refusal("arrives_nothing", field="currency_amount")
    cent = 10 ** (SCALES[COIN] - 2)
    amount_units = units_floor(min(candidates), COIN)
    found = for_amount(terms, amount_units)
    while found.currency_units < currency_units - currency_units % 10 ** (SCALES[terms.currency] - 2):
        amount_units += cent  # the fees' own rounding may take the last cent
        found = for_amount(terms, amount_units)
    return found


def worth_of(deposit_units: int, exchange_rate: Decimal, currency: str) -> int:
    """What a deposit of USDT is worth in the card's currency, in its ledger units, rounded down."""
    with localcontext(EXACT):
        return units_floor(to_decimal(deposit_units, COIN) * exchange_rate, currency)
