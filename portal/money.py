"""Exact amounts: integers of an asset's smallest ledger unit, and the decimals they are read from and shown as.

Scales follow the portal's rules of money: TWD 4, USDT 6, ETH 9, BTC 8, TWIP 6, TWIG 6, USD 6.
"""

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext

SCALES: dict[str, int] = {"TWD": 4, "USDT": 6, "ETH": 9, "BTC": 8, "TWIP": 6, "TWIG": 6, "USD": 6}

#: Largest amount the ledger carries; leaves room in a signed 64-bit integer for sums of many postings.
MAX_UNITS = 10**17

#: One ASCII pattern admits a number: no sign, no exponent, no separators, at most 18 digits on either side.
_PLAIN_NUMBER = re.compile(r"(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?", re.ASCII)

EXACT = Context(prec=60)


class AmountError(ValueError):
    """The text is not an amount of the asset; `reason` is `malformed`, `too_precise` or `too_large`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def scale_of(asset: str) -> int:
    """Decimal places of the asset in the ledger. Raises KeyError for an unknown asset."""
    return SCALES[asset]


def to_decimal(units: int, asset: str) -> Decimal:
    """The amount as an exact decimal with the asset's full scale."""
    return Decimal(units).scaleb(-SCALES[asset], EXACT)


def parse_decimal(value: object) -> Decimal:
    """Reads a number given as text, int or Decimal.

    Raises AmountError for anything one cannot write as plain digits: signs, exponents, NaN, full-width
    digits, underscores, blanks, booleans, null and containers.
    """
    if isinstance(value, bool):
        raise AmountError("malformed")
    if isinstance(value, int):
        text = str(value) if abs(value) < 10**19 else ""
    elif isinstance(value, Decimal):
        if not value.is_finite() or value.adjusted() > 18 or int(value.as_tuple().exponent) < -40:
            raise AmountError("malformed")
        text = format(value, "f")
        if "." in text:
            text = text.rstrip("0").rstrip(".")
    elif isinstance(value, str):
        text = value
    else:
        raise AmountError("malformed")
    if not _PLAIN_NUMBER.fullmatch(text):
        raise AmountError("malformed")
    return Decimal(text)


def parse_units(value: object, asset: str) -> int:
    """Reads an amount of the asset into ledger units; zero is allowed.

    Raises AmountError when it is no plain number, has more places than the asset, or is too large.
    """
    number = parse_decimal(value).scaleb(SCALES[asset], EXACT)
    if number != number.to_integral_value():
        raise AmountError("too_precise")
    units = int(number)
    if units > MAX_UNITS:
        raise AmountError("too_large")
    return units


def units_floor(amount: Decimal, asset: str) -> int:
    """Ledger units of an exact amount, rounded down."""
    with localcontext(EXACT):
        return int(amount.scaleb(SCALES[asset]).to_integral_value(ROUND_FLOOR))


def units_ceil(amount: Decimal, asset: str) -> int:
    """Ledger units of an exact amount, rounded up."""
    with localcontext(EXACT):
        return int(amount.scaleb(SCALES[asset]).to_integral_value(ROUND_CEILING))


def places_text(units: int, asset: str, places: int) -> str:
    """The amount as text with a fixed number of places, cut (never rounded up) when the ledger knows more."""
    shift = SCALES[asset] - places
    sign, magnitude = ("-", -units) if units < 0 else ("", units)
    shown = magnitude // 10**shift if shift >= 0 else magnitude * 10**-shift
    if places == 0:
        return f"{sign}{shown}"
    whole, part = divmod(shown, 10**places)
    return f"{sign}{whole}.{part:0{places}d}"


def plain_text(units: int, asset: str) -> str:
    """The amount as the shortest plain decimal text: no exponent, no trailing zeros."""
    text = places_text(units, asset, SCALES[asset])
    return text.rstrip("0").rstrip(".") if "." in text else text
