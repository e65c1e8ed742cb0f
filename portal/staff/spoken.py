"""Codes of the books and the logs as people read them.

A code that is not listed shows as itself with blanks for underscores, so that nothing is ever hidden.
"""

from collections.abc import Mapping
from typing import Any

from flask_babel import pgettext

from portal.money import SCALES
from portal.staff import words
from portal.web import statuses
from portal.web.presentation import money_text


def word(table: Mapping[str, Any], code: str) -> str:
    """The word of a code, or the code itself made readable."""
    return str(table[code]) if code in table else code.replace("_", " ")


def subject(text: str | None) -> str:
    """`customer:3` as “Customer #3”, `setting:cover` as “Rule: Cover”; whatever else is shown as it is."""
    kind, colon, number = (text or "").partition(":")
    if kind not in words.SUBJECTS:
        return text or "—"
    if not colon or (kind == "house" and number == "0"):
        return str(words.SUBJECTS[kind])
    if kind == "setting":
        return f"{words.SUBJECTS[kind]}{pgettext('between two words', ': ')}{word(words.RULES, number)}"
    return f"{words.SUBJECTS[kind]} {f'#{number}' if number.isdigit() else number}"


def details(found: Mapping[str, Any] | None) -> str:
    """What an act's record says, as `name: value` pairs; an amount in units is written in its asset."""
    return " · ".join(_pairs(found or {})) or "—"


def _pairs(found: Mapping[str, Any], before: str = "") -> list[str]:
    pairs = []
    for key, value in found.items():
        name = f"{before}{word(words.FACTS, key)}"
        if isinstance(value, Mapping):
            pairs += _pairs(value, f"{name}, ")
        else:
            pairs.append(f"{name}: {_value(key, value, found)}")
    return pairs


def _value(key: str, value: Any, found: Mapping[str, Any]) -> str:
    asset = found.get("asset", "TWD" if key == "units" else None)
    if key == "units" and isinstance(value, int) and asset in SCALES:
        return money_text(value, str(asset), sign=True, code=True)
    if isinstance(value, bool):
        return pgettext("yes or no", "yes") if value else pgettext("yes or no", "no")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "—" if value is None else str(value)


def path(text: str) -> str:
    """`limits.USDT.min` as “Limits › USDT › At least”; in the rule of stuck things the parts are things and states."""
    return " › ".join(_part(part) for part in text.split("."))


def _part(part: str) -> str:
    if part in words.KEYS:
        return str(words.KEYS[part])
    if part in SCALES:
        return part
    return word(words.SUBJECTS, part) if part in words.SUBJECTS else str(statuses.label(part))
