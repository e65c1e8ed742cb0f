"""What the house offers: assets and networks, each switched on and off by two people."""

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.errors import N_, Refusal
from portal.http import portal
from portal.permissions import SETTINGS_CHANGE, SETTINGS_VIEW
from portal.services import approvals, offering
from portal.services.staff_sessions import SignedInStaff
from portal.staff import access, acts, blueprint, inputs
from portal.web import rendering

#: What a switch is for, in the order of the columns.
ACTS = {offering.DEPOSITS: N_("Deposits"), offering.WITHDRAWALS: N_("Withdrawals"), offering.TRADING: N_("Trading")}

#: How a network is called; an asset bears its own name.
NAMES = {"TRON": "TRON", "ETHEREUM": "Ethereum"}


@blueprint.get("/offering")
@access.requires(SETTINGS_VIEW)
def offering_page() -> ResponseReturnValue:
    """Shows how everything stands, and what was proposed lately."""
    return _page({}, 200)


def _page(errors: dict[str, str], status: int) -> ResponseReturnValue:
    facts = portal().db.read(_facts)
    return rendering.page(
        "staff/settings/offering.html", "main", status, errors=errors, form=request.form, kinds=approvals.KINDS,
        acts=ACTS, names=NAMES, **facts,
    )  # fmt: skip


def _facts(session: Session) -> dict[str, Any]:
    proposals = [one for thing in offering.THINGS for one in approvals.about(session, offering.subject(thing), 5)]
    return {
        "rows": offering.switches(session),
        "proposals": sorted(proposals, key=lambda one: one.id, reverse=True)[:20],
    }


@blueprint.post("/offering")
@access.requires(SETTINGS_CHANGE)
def offering_propose() -> ResponseReturnValue:
    """Proposes to open or to pause one of them."""
    thing, _, act = inputs.text("switch", 40).partition(":")
    return acts.act(
        _propose, access.me(), thing, act, inputs.text("to", 8), inputs.text("reason"), back="/staff/offering",
        said=gettext(acts.PROPOSED), again=_page,
    )  # fmt: skip


def _propose(session: Session, me: SignedInStaff, thing: str, act: str, to: str, reason: str) -> None:
    if to not in ("open", "paused"):
        raise Refusal("input_invalid", field="to")
    subject, payload = offering.proposal(session, thing, act, to == "open")
    approvals.propose(session, me, offering.KIND, subject, payload, reason)
