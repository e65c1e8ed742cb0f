"""Webhooks: where they go, what was told, how it went, and sent again."""

from typing import Any

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.errors import N_, Refusal
from portal.http import portal
from portal.partner import blueprint
from portal.partner.access import OPERATE, OWN, Seat, before, member_required, path_of
from portal.services import webhooks
from portal.web import problems, rendering
from portal.web.access import recent_required

PAGE = 25
OWNER = "institution"

EVENT_WORDS = {
    "kyc.passed": N_("A person's check has passed"),
    "kyc.rejected": N_("A person's check did not pass"),
    "card.activated": N_("A card was activated"),
    "card.transaction": N_("A card was used, or a use was declined"),
    "load.settled": N_("A load has arrived on its card"),
    "load.failed": N_("A load failed and was refunded"),
    "test.ping": N_("A test"),
}
EVENTS = tuple(event for event in EVENT_WORDS if event != "test.ping")


@blueprint.get("/<institution>/webhooks")
@member_required()
def webhook_list(seat: Seat) -> ResponseReturnValue:
    """Endpoints and the log of deliveries."""
    return _page(seat)


def _page(
    seat: Seat,
    values: dict[str, Any] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
    secret: str | None = None,
) -> ResponseReturnValue:
    number = before()
    facts = portal().db.read(_facts, seat.institution_id, number)
    rows = facts.pop("log")
    older = path_of(seat, "webhook_list", before=rows[PAGE - 1].delivery.id) if len(rows) > PAGE else None
    return rendering.page(
        "partner/webhooks.html", "form", status, rows=rows[:PAGE], older=older, events=EVENTS, words=EVENT_WORDS,
        newest=path_of(seat, "webhook_list") if number else None, values=values or {}, errors=errors or {}, secret=secret,
        **facts,
    )  # fmt: skip


def _facts(session: Session, institution_id: int, number: int | None) -> dict[str, Any]:
    return {
        "endpoints": webhooks.endpoints(session, OWNER, institution_id),
        "ended": webhooks.disabled(session, OWNER, institution_id),
        "log": webhooks.log(session, OWNER, institution_id, before=number, count=PAGE + 1),
    }


@blueprint.post("/<institution>/webhooks")
@recent_required
@member_required(OWN)
def webhook_create(seat: Seat) -> ResponseReturnValue:
    """Adds an endpoint; its secret is in this answer and nowhere else."""
    values: dict[str, Any] = {**problems.typed("url"), "events": request.form.getlist("events")[:20]}
    try:
        _, secret = portal().db.transact(
            webhooks.add_endpoint, OWNER, seat.institution_id, values["url"], values["events"], EVENTS, seat.actor
        )
    except Refusal as refusal:
        return _page(seat, values, problems.of(refusal), 422)
    return _page(seat, secret=secret)


@blueprint.post("/<institution>/webhooks/<public_id>/rotate")
@recent_required
@member_required(OWN)
def webhook_rotate(seat: Seat, public_id: str) -> ResponseReturnValue:
    """A new secret, shown in this answer alone; the old one signs beside it for a day."""
    return _page(seat, secret=portal().db.transact(_rotate, seat, public_id))


def _rotate(session: Session, seat: Seat, public_id: str) -> str:
    found = webhooks.endpoint(session, OWNER, seat.institution_id, public_id)
    return webhooks.rotate_secret(session, found, seat.actor)


@blueprint.post("/<institution>/webhooks/<public_id>/<any(test, remove):act>")
@member_required(OWN)
def webhook_act(seat: Seat, public_id: str, act: str) -> ResponseReturnValue:
    """Sends a test message, or removes the endpoint."""
    portal().db.transact(_act, seat, public_id, act)
    if act == "test":
        flash(gettext("The test message is on its way. Its delivery is the first in the log."), "success")
    else:
        flash(gettext("The endpoint was removed."), "success")
    return redirect(path_of(seat, "webhook_list"), 303)


def _act(session: Session, seat: Seat, public_id: str, act: str) -> None:
    found = webhooks.endpoint(session, OWNER, seat.institution_id, public_id)
    if act == "test":
        webhooks.send_test(session, found)
    else:
        webhooks.remove_endpoint(session, found, seat.actor)


@blueprint.get("/<institution>/deliveries/<public_id>")
@member_required()
def delivery(seat: Seat, public_id: str) -> ResponseReturnValue:
    """One delivery with every attempt."""
    told, attempts = portal().db.read(webhooks.one, OWNER, seat.institution_id, public_id)
    return rendering.page("partner/delivery.html", "state", told=told, attempts=attempts, words=EVENT_WORDS)


@blueprint.get("/<institution>/deliveries/<public_id>/state")
@member_required()
def delivery_state(seat: Seat, public_id: str) -> ResponseReturnValue:
    """The live block."""
    told, attempts = portal().db.read(webhooks.one, OWNER, seat.institution_id, public_id)
    facts = {"told": told, "attempts": attempts, "words": EVENT_WORDS}
    return rendering.polled(rendering.render_block("partner/delivery.html", "state", **facts))


@blueprint.post("/<institution>/deliveries/<public_id>/resend")
@member_required(OPERATE)
def delivery_resend(seat: Seat, public_id: str) -> ResponseReturnValue:
    """Sends it again."""
    try:
        portal().db.transact(webhooks.resend, OWNER, seat.institution_id, public_id)
    except Refusal as refusal:
        if refusal.name == "not_found":
            raise
        flash(gettext(refusal.message), "error")
    else:
        flash(gettext("The message is sent again."), "success")
    return redirect(path_of(seat, "delivery", public_id=public_id), 303)
