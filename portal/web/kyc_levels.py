"""What each level of the identity check opens, with the limits in force, as a table."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from portal.errors import N_
from portal.money import parse_units
from portal.services import parameters, withdrawal_rules

LEVELS = (0, 1, 2, 3)


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit per day and month, in ledger units of the asset."""

    asset: str
    per_day_units: int
    per_month_units: int


@dataclass(frozen=True, slots=True)
class Row:
    """One thing a customer may do: for each level None (not yet), True (open) or its limit."""

    name: str
    by_level: dict[int, Limit | bool | None]


def levels_table(session: Session) -> list[Row]:
    """The rows, from the rules in force."""
    return [
        _deposits(session, N_("Receive USDT"), "deposit.crypto.USDT", "USDT"),
        Row(N_("Buy and sell"), _from(2)),
        Row(N_("Send to other customers"), _from(2)),
        _withdrawals(session, N_("Withdraw USDT"), "crypto", "USDT"),
        _withdrawals(session, N_("Withdraw ETH"), "crypto", "ETH"),
        _deposits(session, N_("Deposit NT$"), "deposit.fiat.TWD", "TWD"),
        _withdrawals(session, N_("Withdraw NT$"), "fiat", "TWD"),
    ]


def _from(level: int) -> dict[int, Limit | bool | None]:
    return {here: True if here >= level else None for here in LEVELS}


def _deposits(session: Session, name: str, rule_name: str, asset: str) -> Row:
    rule: dict[str, Any] = parameters.get(session, rule_name)
    limit = Limit(asset, parse_units(rule["per_day"], asset), parse_units(rule["per_month"], asset))
    return Row(name, {level: limit if level >= rule["level"] else None for level in LEVELS})


def _withdrawals(session: Session, name: str, kind: str, asset: str) -> Row:
    by_level: dict[int, Limit | bool | None] = {}
    for level in LEVELS:
        rule = withdrawal_rules.rules(session, kind, asset, level)[0]
        allowed = level >= rule.level_needed and rule.per_day_units > 0
        by_level[level] = Limit(asset, rule.per_day_units, rule.per_month_units) if allowed else None
    return Row(name, by_level)
