"""What the rules look for. Each reads what is new since its last turn; a finding it made before is the same signal.

Withdrawals and deposits count from the moment they are meant or money is there: their moves through the life cycle are
read, not their rows. Numbers are given out before they are committed, so what is younger than LAG is read again.
"""

import unicodedata
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import context, now
from portal.models.customers import ClientSession, Customer
from portal.models.risk import RiskCursor
from portal.models.system import StateChange
from portal.models.wallet import BankCredit, Deposit, Withdrawal
from portal.money import parse_units, plain_text
from portal.services import activity, parameters, prices, risk
from portal.services.networks import BANK

LAG = timedelta(seconds=60)
AT_ONCE = 1000
#: A mark with nothing above it is moved on only so seldom: most turns write nothing.
FAR_BEHIND = 10_000

parameters.declare(
    "risk.velocity", {"enabled": True, "hours": 24, "withdrawals": 10, "worth_twd": "3000000", "hold_hours": 0}
)
parameters.declare("risk.shared_device", {"enabled": True, "customers": 2, "hold_hours": 0})
parameters.declare("risk.shared_address", {"enabled": True, "customers": 2, "hold_hours": 0})
parameters.declare(
    "risk.structuring",
    {"enabled": True, "limit_twd": "500000", "percent": 80, "movements": 3, "hours": 72, "hold_hours": 0},
)
parameters.declare("risk.deposit_limit", {"enabled": True, "hold_hours": 0})
parameters.declare("risk.new_payer", {"enabled": True, "hold_hours": 0})

#: Withdrawals that count: asked for and confirmed by their owner.
_MEANT = ("awaiting_approval", "in_review", "approved", "processing", "broadcast", "confirmed")


def anything_new(session: Session) -> bool:
    """Whether a rule that is switched on has something to look at, or a mark has fallen far behind."""
    for name, (source, _) in _RULES.items():
        if _rule(session, name) is not None:
            things, position = _new(session, name, source)
            if things or (position or 0) > _cursor(session, name) + FAR_BEHIND:
                return True
    return False


def scan(session: Session) -> int:
    """Runs every rule that is switched on over what is new; how many signals were raised."""
    raised = 0
    for name, (source, look) in _RULES.items():
        rule = _rule(session, name)
        if rule is None:
            continue
        things, position = _new(session, name, source)
        raised += sum(look(session, rule, thing) for thing in things)
        if position is not None:
            _move(session, name, position)
    return raised


def _rule(session: Session, name: str) -> dict[str, Any] | None:
    rule = parameters.get(session, f"risk.{name}")
    return rule if rule["enabled"] else None


def _cursor(session: Session, name: str) -> int:
    return session.scalar(sa.select(RiskCursor.__table__.c.position).where(RiskCursor.name == name)) or 0


def _new(session: Session, name: str, source: "_Source") -> tuple[list[Any], int | None]:
    """What a rule has to look at, and how far it has read then; None when it stays where it is."""
    cursor, key = _cursor(session, name), source.read.id
    settled = sa.select(key).where(source.moved_at < now(session) - LAG).order_by(key.desc()).limit(1)
    query = sa.select(key, source.model).where(key > cursor, *source.only).order_by(key).limit(AT_ONCE)
    if source.read is not source.model:
        query = query.join(source.model, source.model.id == StateChange.thing_id)
    position = session.scalar(settled)
    rows = list(session.execute(query))
    if len(rows) == AT_ONCE:
        # A full batch is read past: a clock that stands still must not keep a rule at one place.
        position = rows[-1][0]
    return [row[1] for row in rows], position


def _move(session: Session, name: str, position: int) -> None:
    cursor = session.get(RiskCursor, name)
    if cursor is None:
        session.add(RiskCursor(name=name, position=position))
    else:
        cursor.position = max(cursor.position, position)
    session.flush()


def _velocity(session: Session, rule: dict[str, Any], row: Withdrawal) -> bool:
    if row.owner_kind != "customer" or row.status not in _MEANT:
        return False
    since = row.created_at - timedelta(hours=int(rule["hours"]))
    query = sa.select(Withdrawal.asset, Withdrawal.amount_units).where(
        Withdrawal.owner_kind == "customer",
        Withdrawal.owner_id == row.owner_id,
        Withdrawal.status.in_(_MEANT),
        Withdrawal.created_at > since,
        Withdrawal.created_at <= row.created_at,
    )
    found = list(session.execute(query.limit(1000)))
    known = prices.all_last(session)
    worth = sum(prices.worth(asset, units, known[asset]) for asset, units in found if asset in known)
    if len(found) < int(rule["withdrawals"]) and worth < parse_units(rule["worth_twd"], "TWD"):
        return False
    facts = {"withdrawals": len(found), "worth_twd": plain_text(worth, "TWD"), "hours": rule["hours"]}
    day = activity.taipei_day(row.created_at)
    return risk.raise_signal(session, "velocity", row.owner_id, f"{row.owner_id}:{day}", facts, int(rule["hold_hours"]))


def _shared_device(session: Session, rule: dict[str, Any], row: ClientSession) -> bool:
    if row.device_digest is None:
        return False
    query = sa.select(ClientSession.customer_id).where(ClientSession.device_digest == row.device_digest).distinct()
    return _shared(session, rule, "shared_device", row.device_digest, list(session.scalars(query.limit(20))), {})


def _shared_address(session: Session, rule: dict[str, Any], row: Withdrawal) -> bool:
    if row.owner_kind != "customer" or row.address is None or row.internal_owner_kind is not None:
        return False
    query = sa.select(Withdrawal.owner_id).where(
        Withdrawal.owner_kind == "customer", Withdrawal.network == row.network, Withdrawal.address == row.address,
        Withdrawal.status.in_(_MEANT),
    ).distinct()  # fmt: skip
    facts = {"address": row.address, "network": row.network}
    return _shared(session, rule, "shared_address", row.address, list(session.scalars(query.limit(20))), facts)


def _shared(
    session: Session, rule: dict[str, Any], name: str, what: str, ids: list[int], facts: dict[str, Any]
) -> bool:
    if len(ids) < int(rule["customers"]):
        return False
    raised = [
        risk.raise_signal(
            session, name, customer_id, f"{what}:{customer_id}", {**facts, "customers": sorted(ids)},
            int(rule["hold_hours"]),
        )
        for customer_id in ids
    ]  # fmt: skip
    return any(raised)


def _structuring(session: Session, rule: dict[str, Any], row: Deposit) -> bool:
    limit = parse_units(rule["limit_twd"], "TWD")
    least = limit * int(rule["percent"]) // 100
    if row.owner_kind != "customer" or row.network != BANK or not least <= row.amount_units < limit:
        return False
    since = row.seen_at - timedelta(hours=int(rule["hours"]))
    query = sa.select(sa.func.count(), sa.func.sum(Deposit.amount_units)).where(
        Deposit.owner_kind == "customer",
        Deposit.owner_id == row.owner_id,
        Deposit.network == BANK,
        Deposit.status == "confirmed",
        Deposit.amount_units >= least,
        Deposit.amount_units < limit,
        Deposit.seen_at > since,
        Deposit.seen_at <= row.seen_at,
    )
    count, total = session.execute(query).one()
    if count < int(rule["movements"]):
        return False
    facts = {"movements": count, "total_twd": plain_text(int(total), "TWD"), "hours": rule["hours"]}
    day = activity.taipei_day(row.seen_at)
    return risk.raise_signal(
        session, "structuring", row.owner_id, f"{row.owner_id}:{day}", facts, int(rule["hold_hours"])
    )


def _deposit_limit(session: Session, rule: dict[str, Any], row: Deposit) -> bool:
    """More from a chain than the limits shown for it. What has arrived can be neither refused nor sent back unasked: it
    is credited, and somebody looks at it."""
    if row.owner_kind != "customer" or row.network == BANK or row.asset not in ("USDT", "ETH"):
        return False
    allowed, when = parameters.get(session, f"deposit.crypto.{row.asset}"), row.seen_at.astimezone(activity.TAIPEI)
    day = when.replace(hour=0, minute=0, second=0, microsecond=0)
    for name, since in (("per_day", day), ("per_month", day.replace(day=1))):
        query = sa.select(sa.func.sum(Deposit.amount_units)).where(
            Deposit.owner_kind == "customer",
            Deposit.owner_id == row.owner_id,
            Deposit.asset == row.asset,
            Deposit.network != BANK,
            Deposit.status == "confirmed",
            Deposit.seen_at >= since.astimezone(UTC),
            Deposit.seen_at <= row.seen_at,
        )
        total = int(session.scalar(query) or 0)
        if total > parse_units(allowed[name], row.asset):
            facts = {"asset": row.asset, "total": plain_text(total, row.asset), "limit": allowed[name]}
            seen = f"{row.owner_id}:{row.asset}:{name}:{since.date().isoformat()}"
            return risk.raise_signal(session, "deposit_limit", row.owner_id, seen, facts, int(rule["hold_hours"]))
    return False


def _new_payer(session: Session, rule: dict[str, Any], row: BankCredit) -> bool:
    """A deposit by somebody whose name is neither the customer's own nor any that paid for them before."""
    if row.outcome != "deposit" or row.matched_id is None or not _plain(row.payer_name):
        return False
    deposit = session.get(Deposit, row.matched_id)
    if deposit is None or deposit.owner_kind != "customer":
        return False
    customer = session.get_one(Customer, deposit.owner_id)
    vault = context(session).vault
    own = vault.open_text(customer.real_name_sealed, "real name") if customer.real_name_sealed else ""
    earlier = (
        sa.select(BankCredit.payer_name)
        .join(Deposit, Deposit.bank_credit_id == BankCredit.id)
        .where(Deposit.owner_kind == "customer", Deposit.owner_id == customer.id, BankCredit.id < row.id)
        .distinct()
        .limit(200)
    )
    known = {_plain(own), *(_plain(name) for name in session.scalars(earlier))}
    if _plain(row.payer_name) in known:
        return False
    return risk.raise_signal(
        session, "new_payer", customer.id, f"{customer.id}:{row.id}",
        {"payer_name": row.payer_name, "reference": row.bank_reference}, int(rule["hold_hours"]),
    )  # fmt: skip


def _plain(name: str | None) -> str:
    return "".join(unicodedata.normalize("NFKC", name or "").split()).casefold()


class _Source(NamedTuple):
    """Where a rule finds what is new: the rows it reads in order of their numbers, when each came, what it looks at."""

    read: Any
    moved_at: Any
    model: Any
    only: tuple[Any, ...] = ()


def _moves(machine: str, to: str, model: Any) -> _Source:
    return _Source(StateChange, StateChange.at, model, (StateChange.machine == machine, StateChange.to_state == to))


_RULES: dict[str, tuple[_Source, Callable[[Session, dict[str, Any], Any], bool]]] = {
    "velocity": (_moves("withdrawal", "otp_verified", Withdrawal), _velocity),
    "shared_device": (_Source(ClientSession, ClientSession.created_at, ClientSession), _shared_device),
    "shared_address": (_moves("withdrawal", "otp_verified", Withdrawal), _shared_address),
    "structuring": (_moves("deposit", "confirmed", Deposit), _structuring),
    "deposit_limit": (_moves("deposit", "confirmed", Deposit), _deposit_limit),
    "new_payer": (_Source(BankCredit, BankCredit.received_at, BankCredit), _new_payer),
}
