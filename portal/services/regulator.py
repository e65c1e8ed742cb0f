"""What the regulator asks for: large movements, cases and signals of a span of days, as plain rows."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import context
from portal.errors import N_, Refusal, declare
from portal.models.customers import Customer
from portal.models.kyc import KycIdentity
from portal.models.risk import RiskCase, RiskSignal
from portal.models.wallet import Deposit, Withdrawal
from portal.money import EXACT, SCALES, parse_units, plain_text, to_decimal
from portal.services import audit, parameters, prices, travel_rule
from portal.services.activity import TAIPEI

#: From this much (TWD) on a movement is large.
parameters.declare("regulator", {"large_twd": "500000"})

declare({"span_invalid": N_("Choose a first and a last day, at most a year apart.")})

KINDS: dict[str, str] = {
    "large": N_("Large movements"),
    "cases": N_("Cases"),
    "signals": N_("Risk signals"),
}
COLUMNS: dict[str, tuple[str, ...]] = {
    "large": (
        "at", "direction", "customer", "name", "identity_number", "asset", "amount", "worth_twd", "network", "address",
        "reference", "status", "wallet", "beneficiary", "provider", "travel_rule",
    ),
    "cases": ("number", "customer", "name", "identity_number", "title", "status", "opened_at", "closed_at"),
    "signals": ("at", "rule", "customer", "status", "facts", "why"),
}  # fmt: skip


_NO_RECORD = dict.fromkeys(("wallet", "beneficiary", "provider", "travel_rule"), "")


def export(session: Session, kind: str, first: str, last: str, actor: str) -> list[dict[str, str]]:
    """The rows of an export; personal data in the clear, so it is written down who took it.

    Raises Refusal `input_invalid`, `span_invalid`.
    """
    if kind not in KINDS:
        raise Refusal("input_invalid", field="kind")
    start, end = _span(first, last)
    rows = list({"large": _large, "cases": _cases, "signals": _signals}[kind](session, start, end))
    audit.write(session, actor, "regulator.export", kind, details={"first": first, "last": last, "rows": len(rows)})
    return rows


def _span(first: str, last: str) -> tuple[datetime, datetime]:
    try:
        start, end = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError as error:
        raise Refusal("span_invalid", field="first") from error
    if not timedelta() <= end - start <= timedelta(days=366):
        raise Refusal("span_invalid", field="first")
    midnight = datetime.min.time()
    return datetime.combine(start, midnight, TAIPEI), datetime.combine(end + timedelta(days=1), midnight, TAIPEI)


def _people(session: Session, ids: set[int]) -> dict[int, dict[str, str]]:
    """Name and identity number of customers, in the clear."""
    vault, found, wanted = context(session).vault, {}, sorted(ids)
    query = sa.select(Customer.id, Customer.public_id, Customer.real_name_sealed, KycIdentity.number_sealed).outerjoin(
        KycIdentity, KycIdentity.customer_id == Customer.id
    )
    for begin in range(0, len(wanted), 1000):
        for row in session.execute(query.where(Customer.id.in_(wanted[begin : begin + 1000]))):
            found[row[0]] = {
                "customer": row[1],
                "name": vault.open_text(row[2], "real name") if row[2] else "",
                "identity_number": vault.open_text(row[3], "identity number") if row[3] else "",
            }
    return found


def _large(session: Session, start: datetime, end: datetime) -> Iterator[dict[str, str]]:
    least = parse_units(parameters.get(session, "regulator")["large_twd"], "TWD")
    known = prices.all_last(session)
    found: list[tuple[datetime, str, Any]] = []
    sides: tuple[tuple[Any, Any, str], ...] = (
        (Deposit, Deposit.confirmed_at, "in"),
        (Withdrawal, Withdrawal.verified_at, "out"),
    )
    for model, at, direction in sides:
        query = sa.select(model).where(
            model.owner_kind == "customer", at >= start, at < end, _at_least(model, known, least)
        )
        for row in session.scalars(query.order_by(model.id)):
            found.append((row.confirmed_at if direction == "in" else row.verified_at, direction, row))
    people = _people(session, {row.owner_id for _, _, row in found})
    travel = travel_rule.records(session, {row.id for _, direction, row in found if direction == "out"})
    for moment, direction, row in sorted(found, key=lambda item: (item[0], item[1], item[2].id)):
        yield {
            "at": moment.isoformat(),
            "direction": direction,
            **people[row.owner_id],
            "asset": row.asset,
            "amount": plain_text(row.amount_units, row.asset),
            "worth_twd": plain_text(prices.worth(row.asset, row.amount_units, known[row.asset]), "TWD"),
            "network": row.network,
            "address": row.address or "",
            "reference": row.public_id,
            "status": row.status,
            **(travel.get(row.id, _NO_RECORD) if direction == "out" else _NO_RECORD),
        }


def _at_least(model: Any, known: Mapping[str, Decimal], least: int) -> sa.ColumnElement[bool]:
    """Amounts worth at least so much, as the database can tell: the smallest amount of each asset that is."""
    conditions = [
        sa.and_(model.asset == asset, model.amount_units >= _smallest(asset, price, least))
        for asset, price in known.items()
        if price > 0 and asset in SCALES
    ]
    return sa.or_(sa.false(), *conditions)


def _smallest(asset: str, price: Decimal, least: int) -> int:
    with localcontext(EXACT):
        units = int(to_decimal(least, "TWD") / price * 10 ** SCALES[asset])
    while prices.worth(asset, units, price) < least:
        units += 1
    return units


def _cases(session: Session, start: datetime, end: datetime) -> Iterator[dict[str, str]]:
    query = sa.select(RiskCase).where(RiskCase.created_at >= start, RiskCase.created_at < end).order_by(RiskCase.id)
    rows = list(session.scalars(query))
    people = _people(session, {row.customer_id for row in rows})
    for row in rows:
        yield {
            "number": row.public_id,
            **people[row.customer_id],
            "title": row.title,
            "status": row.status,
            "opened_at": row.created_at.isoformat(),
            "closed_at": row.closed_at.isoformat() if row.closed_at else "",
        }


def _signals(session: Session, start: datetime, end: datetime) -> Iterator[dict[str, str]]:
    query = sa.select(RiskSignal).where(RiskSignal.created_at >= start, RiskSignal.created_at < end)
    rows = list(session.scalars(query.order_by(RiskSignal.id)))
    people = _people(session, {row.customer_id for row in rows})
    for row in rows:
        yield {
            "at": row.created_at.isoformat(),
            "rule": row.rule,
            "customer": people[row.customer_id]["customer"],
            "status": row.status,
            "facts": "; ".join(f"{key}={value}" for key, value in sorted(row.facts.items())),
            "why": row.why or "",
        }
