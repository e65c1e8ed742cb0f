"""Keys of tills and webhooks: made, shown once, tried out, and every delivery looked at."""

from typing import Any

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.errors import N_, Refusal
from portal.http import portal
from portal.merchant import blueprint, live
from portal.merchant.access import member_required, path_of
from portal.models.webhooks import WebhookEndpoint
from portal.services import store_keys, store_payments, webhooks
from portal.services.store_members import DEVELOP, Seat
from portal.web import problems, rendering
from portal.web.access import recent_required

PAGE = 25
LATEST = 8

EVENT_WORDS = {
    "payment.paid": N_("A customer has paid"),
    "payment.refunded": N_("A payment was given back, in part or whole"),
    "settlement.paid": N_("Takings have arrived at the bank"),
    "test.ping": N_("A test"),
}


@blueprint.get("/<store>/developers")
@member_required(DEVELOP)
def developers(seat: Seat) -> ResponseReturnValue:
    """Keys, endpoints and the latest deliveries."""
    return _page(seat)


def _page(
    seat: Seat,
    values: dict[str, Any] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
    **more: Any,
) -> ResponseReturnValue:
    facts = portal().db.read(_facts, seat)
    return rendering.page(
        "merchant/developers.html", "keys", status, values=values or {}, errors=errors or {}, scopes=store_keys.SCOPES,
        events=store_payments.EVENTS, words=EVENT_WORDS, public_url=portal().settings.public_url, **facts, **more,
    )  # fmt: skip


def _facts(session: Session, seat: Seat) -> dict[str, Any]:
    store_id = seat.store.id
    return {
        "keys": store_keys.live(session, store_id),
        "endpoints": webhooks.endpoints(session, "store", store_id),
        "ended": webhooks.disabled(session, "store", store_id),
        "latest": webhooks.log(session, "store", store_id, count=LATEST),
    }


@blueprint.post("/<store>/developers/keys")
@member_required(DEVELOP)
@recent_required
def key_create(seat: Seat) -> ResponseReturnValue:
    """Makes a key. Its secret is in this answer and nowhere else, so it is no redirect."""
    values: dict[str, Any] = {**problems.typed("name", "networks"), "scopes": request.form.getlist("scopes")[:10]}
    try:
        _, token = portal().db.transact(
            store_keys.create, seat.store, values["name"], values["scopes"], values["networks"].splitlines(), seat.actor
        )
    except Refusal as refusal:
        return _page(seat, values, problems.of(refusal), 422)
    return _page(seat, made_token=token)


@blueprint.post("/<store>/developers/keys/end")
@member_required(DEVELOP)
def key_end(seat: Seat) -> ResponseReturnValue:
    """Ends a key at once."""
    portal().db.transact(store_keys.revoke, seat.store, problems.typed("key")["key"], seat.actor)
    flash(gettext("The key has ended."), "success")
    return redirect(path_of(seat, "developers"), 303)


@blueprint.post("/<store>/developers/webhooks")
@member_required(DEVELOP)
@recent_required
def webhook_create(seat: Seat) -> ResponseReturnValue:
    """Adds an endpoint; its secret is in this answer and nowhere else."""
    values: dict[str, Any] = {**problems.typed("url"), "events": request.form.getlist("events")[:10]}
    try:
        made, secret = portal().db.transact(
            webhooks.add_endpoint, "store", seat.store.id, values["url"], values["events"], store_payments.EVENTS,
            seat.actor,
        )  # fmt: skip
    except Refusal as refusal:
        return _page(seat, values, problems.of(refusal), 422)
    return _page(seat, made_secret=secret, made_url=made.url)


@blueprint.get("/<store>/developers/webhooks/<public_id>")
@member_required(DEVELOP)
def webhook(seat: Seat, public_id: str) -> ResponseReturnValue:
    """One endpoint."""
    return _endpoint(seat, public_id)


def _endpoint(
    seat: Seat, public_id: str, values: dict[str, Any] | None = None, errors: dict[str, str] | None = None,
    status: int = 200, **more: Any,
) -> ResponseReturnValue:  # fmt: skip
    found = portal().db.read(webhooks.endpoint, "store", seat.store.id, public_id)
    return rendering.page(
        "merchant/webhook.html", "form", status, found=found, values=values or {"url": found.url, "events": found.events},
        errors=errors or {}, events=store_payments.EVENTS, words=EVENT_WORDS, **more,
    )  # fmt: skip


@blueprint.post("/<store>/developers/webhooks/<public_id>")
@member_required(DEVELOP)
@recent_required
def webhook_change(seat: Seat, public_id: str) -> ResponseReturnValue:
    """Changes where it is and what it wants."""
    values: dict[str, Any] = {**problems.typed("url"), "events": request.form.getlist("events")[:10]}
    try:
        portal().db.transact(_change, seat, public_id, values)
    except Refusal as refusal:
        if refusal.name == "not_found":
            raise
        return _endpoint(seat, public_id, values, problems.of(refusal), 422)
    flash(gettext("Saved."), "success")
    return redirect(path_of(seat, "webhook", public_id=public_id), 303)


def _change(session: Session, seat: Seat, public_id: str, values: dict[str, Any]) -> None:
    found = webhooks.endpoint(session, "store", seat.store.id, public_id)
    webhooks.change_endpoint(session, found, values["url"], values["events"], store_payments.EVENTS, seat.actor)


@blueprint.post("/<store>/developers/webhooks/<public_id>/rotate")
@member_required(DEVELOP)
@recent_required
def webhook_rotate(seat: Seat, public_id: str) -> ResponseReturnValue:
    """Makes a new secret, shown in this answer alone."""
    secret = portal().db.transact(_rotate, seat, public_id)
    return _endpoint(seat, public_id, made_secret=secret)


def _rotate(session: Session, seat: Seat, public_id: str) -> str:
    found = webhooks.endpoint(session, "store", seat.store.id, public_id)
    return webhooks.rotate_secret(session, found, seat.actor)


@blueprint.post("/<store>/developers/webhooks/<public_id>/<any(test, remove):act>")
@member_required(DEVELOP)
def webhook_act(seat: Seat, public_id: str, act: str) -> ResponseReturnValue:
    """Sends a test message, or removes the endpoint."""
    portal().db.transact(_act, seat, public_id, act)
    if act == "test":
        flash(gettext("The test message is on its way. Its delivery is the first in the log."), "success")
        return redirect(path_of(seat, "deliveries"), 303)
    flash(gettext("The endpoint was removed."), "success")
    return redirect(path_of(seat, "developers"), 303)


def _act(session: Session, seat: Seat, public_id: str, act: str) -> None:
    found: WebhookEndpoint = webhooks.endpoint(session, "store", seat.store.id, public_id)
    if act == "test":
        webhooks.send_test(session, found)
    else:
        webhooks.remove_endpoint(session, found, seat.actor)


@blueprint.get("/<store>/developers/deliveries")
@member_required(DEVELOP)
def deliveries(seat: Seat) -> ResponseReturnValue:
    """The log of deliveries."""
    before = request.args.get("before", "")
    number = int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None
    rows = portal().db.read(webhooks.log, "store", seat.store.id, before=number, count=PAGE + 1)
    shown = rows[:PAGE]
    older = path_of(seat, "deliveries", before=shown[-1].delivery.id) if len(rows) > PAGE else None
    newest = path_of(seat, "deliveries") if number else None
    return rendering.page("merchant/deliveries.html", "rows", rows=shown, words=EVENT_WORDS, older=older, newest=newest)


@blueprint.get("/<store>/developers/deliveries/<public_id>")
@member_required(DEVELOP)
def delivery(seat: Seat, public_id: str) -> ResponseReturnValue:
    """One delivery with every attempt."""
    told, attempts = portal().db.read(webhooks.one, "store", seat.store.id, public_id)
    return rendering.page("merchant/delivery.html", told=told, attempts=attempts, words=EVENT_WORDS)


@blueprint.get("/<store>/developers/deliveries/<public_id>/state")
@member_required(DEVELOP)
def delivery_state(seat: Seat, public_id: str) -> ResponseReturnValue:
    """The live block."""
    told, attempts = portal().db.read(webhooks.one, "store", seat.store.id, public_id)
    mark = f"{told.delivery.id}-{told.delivery.status}-{len(attempts)}"
    return live.block(
        mark,
        lambda: rendering.render_block(
            "merchant/delivery.html", "state", told=told, attempts=attempts, words=EVENT_WORDS
        ),
    )


@blueprint.post("/<store>/developers/deliveries/<public_id>/resend")
@member_required(DEVELOP)
def delivery_resend(seat: Seat, public_id: str) -> ResponseReturnValue:
    """Sends it again."""
    try:
        portal().db.transact(webhooks.resend, "store", seat.store.id, public_id)
    except Refusal as refusal:
        if refusal.name == "not_found":
            raise
        flash(gettext(refusal.message), "error")
    else:
        flash(gettext("The message is sent again."), "success")
    return redirect(path_of(seat, "delivery", public_id=public_id), 303)
