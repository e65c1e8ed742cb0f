"""Which institution, how it stands, and its float."""

from typing import Any

from flask import redirect
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.http import portal
from portal.partner import blueprint
from portal.partner.access import Seat, before, member_required, path_of
from portal.services import institution_members, institutions, loads, offering, partner_board, partner_requests
from portal.web import rendering
from portal.web.access import customer_id, login_required

PAGE = 50
LATEST = 6


@blueprint.get("")
@login_required
def chooser() -> ResponseReturnValue:
    """The only institution at once; a choice of several; or how to come by one."""
    found = portal().db.read(institution_members.memberships, customer_id())
    if len(found) == 1:
        return redirect(path_of(Seat(found[0], customer_id()), "home"), 303)
    return rendering.page("partner/chooser.html", memberships=found)


@blueprint.get("/<institution>")
@member_required()
def home(seat: Seat) -> ResponseReturnValue:
    """The float, what is under way, and what was refused lately."""
    return rendering.page("partner/home.html", "board", **portal().db.read(_facts, seat))


def _facts(session: Session, seat: Seat) -> dict[str, Any]:
    institution_id = seat.institution_id
    return {
        "floats": institutions.float_states(session, institution_id),
        "counts": partner_board.counts(session, institution_id),
        "latest": loads.filtered(session, institution_id, count=LATEST),
        "refused": partner_requests.page(session, institution_id, count=LATEST),
    }


@blueprint.get("/<institution>/board")
@member_required()
def board(seat: Seat) -> ResponseReturnValue:
    """The live block."""
    return rendering.polled(rendering.render_block("partner/home.html", "board", **portal().db.read(_facts, seat)))


@blueprint.get("/<institution>/float")
@member_required()
def float_page(seat: Seat) -> ResponseReturnValue:
    """What the float holds, where to fill it, and all its changes."""
    number = before()
    floats, addresses, paused, rows = portal().db.read(_float_facts, seat.institution_id, number)
    older = path_of(seat, "float_page", before=rows[PAGE - 1].entry_id) if len(rows) > PAGE else None
    return rendering.page(
        "partner/float.html", "rows", floats=floats, addresses=addresses, paused=paused, rows=rows[:PAGE], older=older,
        newest=path_of(seat, "float_page") if number else None,
    )  # fmt: skip


def _float_facts(session: Session, institution_id: int, number: int | None) -> tuple[Any, Any, Any, Any]:
    addresses = institutions.deposit_addresses(session, institution_id)
    open_ones = offering.open_networks(session, "USDT", offering.DEPOSITS)
    return (
        institutions.float_states(session, institution_id),
        {network: address for network, address in addresses.items() if network in open_ones},
        [network for network in sorted(addresses) if network not in open_ones],
        institutions.float_history(session, institution_id, before=number, count=PAGE + 1),
    )
