"""Price alerts."""

from typing import Any

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.errors import Refusal
from portal.http import portal
from portal.money import AmountError, parse_decimal
from portal.services import alerts, prices
from portal.web import blueprint, problems, rendering
from portal.web.access import customer_id, login_required

_FIELDS = {"currency": "asset"}


@blueprint.get("/alerts")
@login_required
def alert_list() -> ResponseReturnValue:
    """The marks and the form for another."""
    return _page({"asset": request.args.get("asset", "")[:8], "direction": "above"}, {})


def _page(values: dict[str, str], errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    facts = portal().db.read(_facts, customer_id())
    return rendering.page(
        "alerts/list.html", "form", status, values=values, errors=errors, markets=prices.MARKETS,
        price_text=alerts.price_text, **facts,
    )  # fmt: skip


def _facts(session: Session, customer: int) -> dict[str, Any]:
    return {"rows": alerts.watched(session, customer), "known": prices.all_last(session)}


@blueprint.post("/alerts")
@login_required
def alert_add() -> ResponseReturnValue:
    """Sets a mark."""
    values = problems.typed("asset", "direction", "price")
    try:
        price = parse_decimal(values["price"].replace(",", "").strip())
    except AmountError:
        return _page(values, {"price": gettext("Enter a price in TWD with at most six decimal places.")}, 422)
    try:
        portal().db.transact(alerts.add, customer_id(), values["asset"], values["direction"], price)
    except Refusal as refusal:
        return _page(values, problems.of(refusal, **_FIELDS), 422)
    flash(gettext("We will tell you when the price gets there."), "success")
    return redirect("/alerts", 303)


@blueprint.post("/alerts/remove")
@login_required
def alert_remove() -> ResponseReturnValue:
    """Takes a mark back."""
    number = request.form.get("alert", "")
    if not (number.isascii() and number.isdigit() and len(number) < 18):
        raise Refusal("not_found")
    portal().db.transact(alerts.remove, customer_id(), int(number))
    flash(gettext("The alert was removed."), "success")
    return redirect("/alerts", 303)
