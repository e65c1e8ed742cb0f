"""What every page's frame needs: the brand, the way around, and where this portal stands."""

from typing import Any

from flask import Flask, has_request_context, request
from flask_babel import gettext

from portal.errors import N_
from portal.http import portal
from portal.services import doors
from portal.services.doors import Doors
from portal.web import access

BRAND_COLOUR = "#0b6b57"

#: Customers' main ways, in order of use.
NAV = (
    ("/trade", N_("Trade"), "arrow-left-right"),
    ("/wallet", N_("Wallet"), "wallet"),
    ("/send", N_("Send"), "send"),
    ("/vouchers", N_("Vouchers"), "ticket"),
    ("/stores", N_("Stores"), "store"),
    ("/cards", N_("Cards"), "credit-card"),
)


#: What everybody looks for at the foot of a page, and the ways for those who do not come as customers.
FOOT = (
    ("/help", N_("Help")),
    ("/help/fees", N_("Fees and limits")),
    ("/terms", N_("Terms of service")),
    ("/privacy", N_("Privacy")),
    ("/merchant", N_("For stores")),
    ("/partner", N_("For institutions")),
    ("/docs", N_("Developers")),
)


def register(app: Flask) -> None:
    """Adds the frame's facts to every template."""
    app.context_processor(_frame)
    app.jinja_env.globals["doors"] = _doors


def _doors() -> Doors | None:
    """News and consoles of who is signed in, read when a whole page's frame asks for them; a part of a page never does."""
    person = access.signed_in() if has_request_context() else None
    return portal().db.read(doors.of_customer, person.customer_id) if person else None


def _frame() -> dict[str, Any]:
    here = request.path if has_request_context() else ""  # mails are rendered outside a request
    return {
        "brand": {"name": portal().settings.brand_name, "colour": BRAND_COLOUR, "logo_url": None},
        "operator_name": portal().settings.operator_name,
        "support_email": portal().settings.support_email,
        "portal_env": portal().settings.environment,
        "nav_items": [
            {
                "label": gettext(label),
                "href": href,
                "icon": icon,
                "current": here == href or here.startswith(f"{href}/"),
            }
            for href, label, icon in NAV
        ],
        "foot_items": [{"label": gettext(label), "href": href} for href, label in FOOT],
    }
