"""Writing answers: JSON text in which decimals stand as exact literals."""

from decimal import Decimal
from typing import Any

import orjson


def dumps(data: Any) -> bytes:
    """JSON text of data; a Decimal becomes its exact literal (`0.1`, `1E+2` never), an orjson.Fragment goes in as it is."""
    return orjson.dumps(data, default=_default)


def _default(value: object) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(literal(value))
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def literal(value: Decimal) -> str:
    """A decimal as plain digits without exponent or trailing zeros."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
