"""Who works for the institution."""

from typing import Any

from flask import flash, redirect
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from portal.errors import Refusal
from portal.http import portal
from portal.partner import blueprint
from portal.partner.access import OWN, ROLE_WORDS, Seat, member_required, path_of
from portal.services import institution_members
from portal.web import problems, rendering
from portal.web.access import recent_required


@blueprint.get("/<institution>/members")
@member_required()
def members(seat: Seat) -> ResponseReturnValue:
    """The members and, for owners, the form for another."""
    return _page(seat, {}, {})


def _page(seat: Seat, values: dict[str, Any], errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    rows = portal().db.read(institution_members.members, seat.institution_id)
    return rendering.page(
        "partner/members.html", "form", status, rows=rows, values=values, errors=errors, roles=ROLE_WORDS
    )


@blueprint.post("/<institution>/members")
@recent_required
@member_required(OWN)
def member_add(seat: Seat) -> ResponseReturnValue:
    """Makes a customer a member."""
    values = problems.typed("login", "role")
    try:
        portal().db.transact(
            institution_members.invite, seat.institution_id, values["login"].strip(), values["role"], seat.actor
        )
    except Refusal as refusal:
        return _page(seat, values, problems.of(refusal), 422)
    flash(gettext("Saved."), "success")
    return redirect(path_of(seat, "members"), 303)


@blueprint.post("/<institution>/members/<public_id>/remove")
@member_required(OWN)
def member_remove(seat: Seat, public_id: str) -> ResponseReturnValue:
    """Takes a membership away."""
    try:
        portal().db.transact(institution_members.remove_member, seat.institution_id, public_id, seat.actor)
    except Refusal as refusal:
        if refusal.name == "not_found":
            raise
        flash(gettext(refusal.message), "error")
    else:
        flash(gettext("The membership has ended."), "success")
    return redirect(path_of(seat, "members"), 303)
