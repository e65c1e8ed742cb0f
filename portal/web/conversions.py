"""Convert: one currency into another, seen before it is done."""

from typing import Any

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal import ledger
from portal.errors import Refusal
from portal.http import portal
from portal.models.customers import Customer
from portal.services import conversions, parameters
from portal.web import blueprint, presentation, problems, rendering, repeats
from portal.web.access import customer_id, login_required
from portal.web.withdrawals import amount_of

_FIELDS = {"fromWallet": "from", "toAsset": "to"}


@blueprint.get("/convert")
@login_required
def convert() -> ResponseReturnValue:
    """The form, and with an amount what it would bring right now."""
    values = {name: request.args.get(name, "")[:60] for name in ("from", "to", "amount")}
    return _page(values)


def _page(values: dict[str, str], errors: dict[str, str] | None = None, status: int = 200) -> ResponseReturnValue:
    given = values["from"] if values["from"] in conversions.ASSETS else "TWD"
    wanted = values["to"] if values["to"] in conversions.ASSETS else ""
    wanted = wanted if wanted and wanted != given else next(asset for asset in ("USDT", "TWD") if asset != given)
    total = None
    errors = errors or {}
    if values["amount"].strip() and not errors:
        try:
            units = amount_of(values["amount"], given)
            total = portal().db.read(conversions.reckon, customer_id(), given, units, wanted)
        except Refusal as refusal:
            errors = problems.of(refusal, **_FIELDS)
    facts = portal().db.read(_desk, customer_id(), given)
    return rendering.page(
        "conversions/convert.html", "form", status, values={**values, "from": given, "to": wanted}, errors=errors,
        total=total, assets=conversions.ASSETS, key=rendering.form_key(), **facts,
    )  # fmt: skip


def _desk(session: Session, customer: int, asset: str) -> dict[str, Any]:
    return {
        "person": session.get_one(Customer, customer),
        "level_needed": parameters.get(session, "conversion")["level"],
        "available_units": ledger.balance(session, ledger.customer_available(customer, asset)),
    }


@blueprint.post("/convert")
@login_required
def convert_now() -> ResponseReturnValue:
    """Converts, unless it would bring less than what was shown."""
    values = problems.typed("from", "to", "amount", "at_least")
    try:
        units = amount_of(values["amount"], _known(values["from"], "from"))
        least = values["at_least"]
        shown = int(least) if least.isascii() and least.isdigit() and len(least) < 19 else 0
        done = repeats.once(
            "convert", _convert, customer_id(), values["from"], units, _known(values["to"], "to"), shown
        )
    except Refusal as refusal:
        return _page(values, problems.of(refusal, **_FIELDS), 422)
    received = presentation.money_text(done["to_units"], values["to"], code=True)
    flash(gettext("Converted: you received %(amount)s.", amount=received), "success")
    return redirect("/wallet/history", 303)


def _known(asset: str, field: str) -> str:
    if asset not in conversions.ASSETS:
        raise Refusal("currency_unknown", field=field)
    return asset


def _convert(session: Session, customer: int, given: str, units: int, wanted: str, shown: int) -> dict[str, Any]:
    made = conversions.convert(session, customer, given, units, wanted, at_least_units=shown)
    return {"to_units": made.to_units}
