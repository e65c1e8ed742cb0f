"""Who may see which page of an institution: its members, as far as their role goes; for others there is no such place."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from portal.errors import N_, Refusal
from portal.http import portal
from portal.partner import blueprint
from portal.services import institution_members
from portal.services.institution_members import Membership
from portal.web import access

VIEW, OPERATE, OWN = "view", "operate", "own"

#: What a role may do.
ROLE_MAY = {"owner": {VIEW, OPERATE, OWN}, "operator": {VIEW, OPERATE}, "viewer": {VIEW}}

ROLE_WORDS = {"owner": N_("Owner"), "operator": N_("Operator"), "viewer": N_("Viewer")}

View = Callable[..., ResponseReturnValue]

#: The ways of the console: path below the institution's, text, icon, and the permission that shows it.
WAYS = (
    ("", N_("Overview"), "house", VIEW),
    ("/float", N_("Float"), "piggy-bank", VIEW),
    ("/people", N_("People"), "users", VIEW),
    ("/cards", N_("Cards"), "credit-card", VIEW),
    ("/loads", N_("Loads"), "arrow-up-right", VIEW),
    ("/fees", N_("Fees and calculator"), "percent", VIEW),
)
DEVELOPER_WAYS = (
    ("/keys", N_("API keys"), "key-round", VIEW),
    ("/requests", N_("Request log"), "list-checks", VIEW),
    ("/doctor", N_("Signature doctor"), "life-buoy", OPERATE),
    ("/webhooks", N_("Webhooks"), "webhook", VIEW),
    ("/reference", N_("API reference"), "book-open", VIEW),
)
OWN_WAYS = (("/members", N_("Members"), "user-plus", VIEW),)
SANDBOX_WAY = ("/playground", N_("Card network levers"), "flask-conical", OPERATE)


@dataclass(frozen=True, slots=True)
class Seat:
    """A member's place in an institution."""

    membership: Membership
    customer_id: int

    @property
    def institution_id(self) -> int:
        """The institution's row number."""
        return self.membership.institution_id

    @property
    def actor(self) -> str:
        """How histories name the person."""
        return f"customer:{self.customer_id}"

    def may(self, permission: str) -> bool:
        """Whether the member's role allows it."""
        return permission in ROLE_MAY[self.membership.role]


def member_required(permission: str = VIEW) -> Callable[[View], View]:
    """Gives the view the caller's seat in the institution of the path, as its first argument.

    Outsiders get 404 as for no institution at all, members whose role may not do this 403.
    """

    def declare(view: View) -> View:
        @wraps(view)
        def guarded(institution: str, **values: str) -> ResponseReturnValue:
            if access.signed_in() is None:
                return access.to_login()
            customer_id = access.customer_id()
            found = portal().db.read(institution_members.membership, customer_id, institution)
            if found is None:
                raise Refusal("not_found")
            seat = Seat(found, customer_id)
            if not seat.may(permission):
                raise Refusal("forbidden")
            g.seat = seat
            return view(seat, **values)

        return guarded

    return declare


def path_of(seat: Seat, endpoint: str, **values: Any) -> str:
    """The address of a page of the seat's institution."""
    return url_for(f"partner.{endpoint}", institution=seat.membership.institution_public_id, **values)


@blueprint.context_processor
def frame() -> dict[str, Any]:
    """What every page of the console shows around itself."""
    seat: Seat | None = g.get("seat")
    facts: dict[str, Any] = {"console": {"title": gettext("Partner"), "href": "/partner"}, "nav_items": []}
    if seat is None:
        return facts
    base = f"/partner/{seat.membership.institution_public_id}"
    developer = list(DEVELOPER_WAYS)
    if portal().settings.sandbox:
        developer.append(SANDBOX_WAY)
    ways = [
        *_shown(seat, base, WAYS),
        {"section": gettext("For developers")},
        *_shown(seat, base, tuple(developer)),
        {"section": seat.membership.institution_name},
        *_shown(seat, base, OWN_WAYS),
    ]
    return {**facts, "seat": seat, "membership": seat.membership, "base": base, "nav_items": ways}


def _shown(seat: Seat, base: str, ways: tuple[tuple[str, str, str, str], ...]) -> list[dict[str, Any]]:
    items = []
    for below, text, icon, permission in ways:
        path = base + below
        current = request.path == path or (bool(below) and request.path.startswith(f"{path}/"))
        if seat.may(permission):
            items.append({"href": path, "label": gettext(text), "icon": icon, "current": current})
    return items


def before(name: str = "before") -> int | None:
    """The row number from which a list goes on, or nothing for what is none."""
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def typed_args(*names: str) -> dict[str, str]:
    """What the filters of a list hold, cut to a sane length."""
    return {name: request.args.get(name, "").replace("\x00", "").strip()[:64] for name in names}
