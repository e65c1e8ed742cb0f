"""Which store, and a store's day as it goes."""

from typing import Any

from flask import redirect
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.http import portal
from portal.merchant import blueprint, live
from portal.merchant.access import member_required, path_of
from portal.services import payment_requests, settlements, store_members, store_payments, takings
from portal.services.store_members import Seat
from portal.services.store_payments import Filters
from portal.web import rendering
from portal.web.access import customer_id, login_required

LATEST = 8


@blueprint.get("")
@login_required
def stores() -> ResponseReturnValue:
    """The only store at once; a choice of several; or how to come by one."""
    seats = portal().db.read(store_members.seats, customer_id())
    if len(seats) == 1:
        return redirect(path_of(seats[0], "home"), 303)
    return rendering.page("merchant/stores.html", seats=seats)


@blueprint.get("/<store>")
@member_required()
def home(seat: Seat) -> ResponseReturnValue:
    """The day so far."""
    return rendering.page("merchant/home.html", **portal().db.read(_facts, seat))


@blueprint.get("/<store>/today")
@member_required()
def today(seat: Seat) -> ResponseReturnValue:
    """The live block."""
    mark = portal().db.read(takings.mark, seat.store.id)
    return live.block(
        mark, lambda: rendering.render_block("merchant/home.html", "today", **portal().db.read(_facts, seat))
    )


@blueprint.get("/<store>/poster")
@member_required()
def poster(seat: Seat) -> ResponseReturnValue:
    """The store's own code, to print and put on the counter."""
    url = portal().db.read(payment_requests.address_of, seat.store.code)
    return rendering.page("merchant/poster.html", url=url)


def _facts(session: Session, seat: Seat) -> dict[str, Any]:
    store_id = seat.store.id
    return {
        "day": takings.today(session, store_id),
        "position": settlements.position(session, store_id),
        "latest": store_payments.page(session, store_id, Filters(), count=LATEST),
        "several": len(store_members.seats(session, seat.member.customer_id)) > 1,
    }
