"""Corrections of a balance by hand: always against a house account, always by two people, never by editing."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import ledger
from portal.db import now
from portal.errors import N_, Refusal, declare
from portal.ledger import AccountKey, Line
from portal.ledger.chart import HOUSE_BUCKETS
from portal.models.customers import Customer
from portal.models.partner import Institution
from portal.models.stores import Store
from portal.money import SCALES
from portal.permissions import LEDGER_ADJUST, LEDGER_APPROVE
from portal.services import activity, approvals, references

KIND = "ledger.adjust"

#: Buckets that can be corrected, by who owns them.
BUCKETS = {"customer": ("available",), "store": ("available",), "institution": ("float",), "house": HOUSE_BUCKETS}

_OWNERS: dict[str, type] = {"customer": Customer, "store": Store, "institution": Institution}

declare(
    {
        "adjustment_account_unknown": N_("There is no such account to correct."),
        "adjustment_nothing": N_("Enter an amount other than zero."),
    }
)


def proposal(
    owner_kind: str, owner_id: int, asset: str, bucket: str, units: int, counter: str
) -> tuple[str, dict[str, Any]]:
    """Subject and payload of a correction by `units` (signed ledger units) of one account against a house bucket."""
    payload = {
        "owner_kind": owner_kind, "owner_id": owner_id, "asset": asset, "bucket": bucket, "units": units,
        "counter": counter,
    }  # fmt: skip
    return f"{owner_kind}:{owner_id}", payload


@approvals.declare_kind(KIND, N_("Adjustment of a balance"), propose=LEDGER_ADJUST, approve=LEDGER_APPROVE)
def carry_out(session: Session, payload: Mapping[str, Any], actor: str, reference: str) -> dict[str, Any]:
    """Posts the correction. Raises Refusal `adjustment_account_unknown`, `adjustment_nothing`, `insufficient_balance`."""
    account, counter = _accounts(session, payload)
    units = int(payload["units"])
    if not units:
        raise Refusal("adjustment_nothing", field="amount")
    reference = f"adjustment:{reference}"
    ledger.post(session, "adjustment", reference, [Line(account, units), Line(counter, -units)], actor=actor)
    journal_id = ledger.journal_id(session, reference)
    if account.owner_kind == "customer":
        activity.record(
            session, account.owner_id, "adjustment", direction="in" if units > 0 else "out", asset=account.asset,
            amount_units=abs(units), status="completed", reference=references.of_row("adjustment", now(session), journal_id),
            subject_kind="adjustment", subject_id=journal_id,
        )  # fmt: skip
    return {"journal": journal_id}


def _accounts(session: Session, payload: Mapping[str, Any]) -> tuple[AccountKey, AccountKey]:
    kind, owner_id, asset, bucket = (payload[name] for name in ("owner_kind", "owner_id", "asset", "bucket"))
    known = asset in SCALES and bucket in BUCKETS.get(kind, ()) and payload["counter"] in HOUSE_BUCKETS
    if not known or (kind == "house") != (owner_id == 0):
        raise Refusal("adjustment_account_unknown", field="account")
    if kind != "house":
        model = _OWNERS[kind]
        if session.scalar(sa.select(sa.inspect(model).c.id).where(sa.inspect(model).c.id == owner_id)) is None:
            raise Refusal("adjustment_account_unknown", field="account")
    account = AccountKey(kind, owner_id, asset, bucket)
    counter = ledger.house(payload["counter"], asset)
    if account == counter:
        raise Refusal("adjustment_account_unknown", field="counter")
    return account, counter
