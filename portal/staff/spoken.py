"""Codes of the books and the logs as people read them.

A code that is not listed shows as itself with blanks for underscores, so that nothing is ever hidden.
"""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext, pgettext

from portal.money import SCALES
from portal.permissions import PERMISSIONS, ROLES
from portal.staff import fact_words, words
from portal.web import statuses
from portal.web.presentation import money_text, time_text


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


def reference(text: str) -> str:
    """A journal's `buy_order:3:paid` as “Voucher purchase #3”: the step is said by the journal's own kind."""
    kind, _, rest = text.partition(":")
    return subject(f"{kind}:{rest.partition(':')[0]}") if kind in words.SUBJECTS and rest else text


def details(found: Mapping[str, Any] | None) -> str:
    """What an act's record says, as `name: value` pairs; an amount in units is written in its asset."""
    return " · ".join(f"{name}: {value}" for name, value in pairs(found)) or "—"


def pairs(found: Mapping[str, Any] | None, asset: str = "TWD") -> list[tuple[str, str]]:
    """The parts of a record as (name, value); amounts in units are of the record's own asset, or else of `asset`."""
    return _pairs(found or {}, asset)


def _pairs(found: Mapping[str, Any], asset: str, before: str = "") -> list[tuple[str, str]]:
    answer = []
    for key, value in found.items():
        name = f"{before}{word(fact_words.FACTS, key)}"
        if isinstance(value, Mapping):
            answer += _pairs(value, asset, f"{name}, ")
        else:
            answer.append((name, _value(key, value, found.get("asset", asset))))
    return answer


def _value(key: str, value: Any, asset: Any) -> str:
    if isinstance(value, bool):
        return pgettext("yes or no", "yes") if value else pgettext("yes or no", "no")
    if isinstance(value, int) and key.endswith("units") and asset in SCALES:
        return money_text(value, str(asset), sign=key == "units", code=True)
    if isinstance(value, int) and key.endswith("_ms"):
        return time_text(value, "long")
    if isinstance(value, list):
        return ", ".join(map(_named, value)) or "—"
    return "—" if value in (None, "") else _named(value)


def _named(value: Any) -> str:
    return gettext(ROLES.get(value) or PERMISSIONS[value]) if value in ROLES or value in PERMISSIONS else str(value)


def path(text: str) -> str:
    """`limits.USDT.min` as “Limits › USDT › At least”; in the rule of stuck things the parts are things and states."""
    return " › ".join(_part(part) for part in text.split("."))


def _part(part: str) -> str:
    if part in words.KEYS:
        return str(words.KEYS[part])
    if part in SCALES:
        return part
    return word(words.SUBJECTS, part) if part in words.SUBJECTS else str(statuses.label(part))
