"""The worth of what a customer holds, over time."""

from datetime import datetime, time
from decimal import Decimal

from flask import request
from flask.typing import ResponseReturnValue

from portal.errors import N_
from portal.http import portal
from portal.money import to_decimal
from portal.services import portfolio, wallet
from portal.services.activity import TAIPEI
from portal.services.portfolio import Point
from portal.web import blueprint, rendering
from portal.web.access import customer_id, login_required

LABELS = {"month": N_("Month"), "season": N_("3 months"), "year": N_("Year"), "all": N_("All")}


@blueprint.get("/portfolio")
@login_required
def portfolio_page() -> ResponseReturnValue:
    """The chart, the change over the range, and what it is made of."""
    name = request.args.get("range", "month")
    name = name if name in portfolio.RANGES else "month"
    found = portal().db.read(portfolio.points, customer_id(), name)
    overview = portal().db.read(wallet.overview, customer_id())
    first, last = found[0].worth_units, found[-1].worth_units
    change = Decimal(last - first) / first if first else None
    return rendering.page(
        "portfolio/portfolio.html", "chart", points=found, chosen=name, labels=LABELS, overview=overview,
        change_units=last - first, change=change, data=_data(found),
        values=[to_decimal(point.worth_units, "TWD") for point in found],
    )  # fmt: skip


def _data(points: list[Point]) -> dict[str, object]:
    """What the chart script reads: whole TWD are exact enough for a picture."""
    return {
        "x": [int(datetime.combine(point.day, time(12), TAIPEI).timestamp()) for point in points],
        "series": [{"label": "TWD", "values": [point.worth_units // 10_000 for point in points]}],
        "unit": "TWD",
        "decimals": 0,
    }
