"""Limits: what is used today and this month, and what each KYC level allows."""

from typing import Any

from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.errors import N_
from portal.http import portal
from portal.models.customers import Customer
from portal.services import bank_deposits, parameters, transfers, withdrawal_rules
from portal.web import blueprint, rendering
from portal.web.access import customer_id, login_required


@blueprint.get("/limits")
@login_required
def limits() -> ResponseReturnValue:
    """The meters and the table of levels."""
    facts = portal().db.read(_facts, customer_id())
    return rendering.page("limits/limits.html", **facts)


def _facts(session: Session, customer: int) -> dict[str, Any]:
    person = session.get_one(Customer, customer)
    level = person.kyc_level
    transfer_level = parameters.get(session, "transfer")["level"]
    deposit_level = parameters.get(session, "deposit.fiat.TWD")["level"]
    groups = [
        {
            "label": N_("Deposit"),
            "rows": [_row("TWD", bank_deposits.limit_of(session, customer), level, deposit_level)],
        },
        {"label": N_("Withdraw"), "rows": [_withdrawal(session, customer, asset, level) for asset in ("TWD", "USDT", "ETH")]},
        {
            "label": N_("Send"),
            "rows": [
                _row(asset, transfers.remaining(session, customer, asset), level, transfer_level)
                for asset in transfers.ASSETS
            ],
        },
    ]  # fmt: skip
    return {"person": person, "groups": groups}


def _withdrawal(session: Session, customer: int, asset: str, level: int) -> dict[str, Any]:
    kind = withdrawal_rules.FIAT if asset == "TWD" else withdrawal_rules.CRYPTO
    rule = withdrawal_rules.rules(session, kind, asset, level)[0]
    return _row(asset, withdrawal_rules.left(session, "customer", customer, rule), level, rule.level_needed)


def _row(asset: str, left: Any, level: int, level_needed: int) -> dict[str, Any]:
    return {"asset": asset, "left": left, "open": level >= level_needed, "level_needed": level_needed}
