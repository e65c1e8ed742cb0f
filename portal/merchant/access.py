"""Who may see which page of a store: its members, as far as their role goes; for everybody else there is no such store."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from werkzeug.local import LocalProxy

from portal.errors import N_
from portal.http import portal
from portal.merchant import blueprint
from portal.services import brands, settlements, store_members, store_payments
from portal.services.brands import Brand
from portal.services.store_members import CHARGE, DEVELOP, DISCOUNT, PEOPLE, VIEW, Seat
from portal.web import access

#: Imported here, their hooks count takings and tell webhooks wherever this process books a payment or a settlement.
HOOKS = (store_payments.note_paid, settlements.note_paid)

View = Callable[..., ResponseReturnValue]

#: The ways of a store's console: path below the store's, text, icon, and the permission that shows it.
WAYS = (
    ("", N_("Today"), "house", VIEW),
    ("/counter", N_("Counter"), "qr-code", CHARGE),
    ("/payments", N_("Payments"), "receipt-text", VIEW),
    ("/refunds", N_("Refunds"), "rotate-ccw", VIEW),
    ("/settlements", N_("Settlements"), "landmark", VIEW),
    ("/statements", N_("Daily statements"), "calendar", VIEW),
)
OWN_WAYS = (
    ("/discount", N_("Discount"), "percent", DISCOUNT),
    ("/people", N_("People"), "users", PEOPLE),
    ("/developers", N_("Keys and webhooks"), "webhook", DEVELOP),
    ("/pin", N_("My PIN"), "key-round", CHARGE),
)


def member_required(permission: str = VIEW) -> Callable[[View], View]:
    """Gives the view the caller's place in the store of the path, as its first argument.

    Outsiders get 404 as for no store at all, members whose role may not do this 403.
    """

    def declare(view: View) -> View:
        @wraps(view)
        def guarded(store: str, **values: str) -> ResponseReturnValue:
            if access.signed_in() is None:
                return access.to_login()
            seat = portal().db.read(store_members.seat, access.customer_id(), store, permission)
            g.seat = seat
            return view(seat, **values)

        return guarded

    return declare


def path_of(seat: Seat, endpoint: str, **values: Any) -> str:
    """The address of a page of the seat's store."""
    return url_for(f"merchant.{endpoint}", store=seat.store.public_id, **values)


@blueprint.context_processor
def frame() -> dict[str, Any]:
    """What every page of the console shows around itself."""
    seat: Seat | None = g.get("seat")
    facts: dict[str, Any] = {"console": {"title": gettext("Merchant"), "href": "/merchant"}, "nav_items": []}
    if seat is None:
        return facts
    own = _shown(seat, OWN_WAYS)
    ways = [*_shown(seat, WAYS), *([{"section": seat.store.name}] if own else []), *own]
    brand = LocalProxy(_brand)  # read when a frame shows it: what polls a part of a page has none
    return {**facts, "seat": seat, "store": seat.store, "nav_items": ways, "brand": brand}


def _brand() -> Brand:
    if "brand" not in g:
        g.brand = portal().db.read(brands.of_company, g.seat.store.company_id)
    found: Brand = g.brand
    return found


def _shown(seat: Seat, ways: tuple[tuple[str, str, str, str], ...]) -> list[dict[str, Any]]:
    base = f"/merchant/{seat.store.public_id}"
    items = []
    for below, text, icon, permission in ways:
        path = base + below
        current = request.path == path or (bool(below) and request.path.startswith(f"{path}/"))
        if seat.may(permission):
            items.append({"href": path, "label": gettext(text), "icon": icon, "current": current})
    return items
