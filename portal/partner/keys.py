"""API keys: made and shown once, rotated with overlap, narrowed, revoked; and the log of what was refused."""

from datetime import timedelta
from typing import Any

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.db import now
from portal.errors import N_, Refusal
from portal.http import portal
from portal.partner import blueprint
from portal.partner.access import OWN, Seat, before, member_required, path_of, typed_args
from portal.services import partner_keys, partner_requests
from portal.services.partner_keys import NewKey
from portal.web import problems, rendering
from portal.web.access import recent_required

PAGE = 50

#: How long an old key may stay good beside its successor: hours by word.
OVERLAPS = {"0": N_("End the old key now"), "24": N_("24 hours"), "168": N_("7 days"), "720": N_("30 days")}


@blueprint.get("/<institution>/keys")
@member_required()
def keys(seat: Seat) -> ResponseReturnValue:
    """The keys and, for owners, the form for another."""
    return _page(seat)


def _page(
    seat: Seat,
    values: dict[str, Any] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
    made: NewKey | None = None,
) -> ResponseReturnValue:
    found, moment = portal().db.read(_facts, seat.institution_id)
    return rendering.page(
        "partner/keys.html", "form", status, keys=found, moment=moment, values=values or {"areas": list(partner_keys.AREAS)},
        errors=errors or {}, made=made, areas=partner_keys.AREA_WORDS, overlaps=OVERLAPS,
    )  # fmt: skip


def _facts(session: Session, institution_id: int) -> tuple[Any, Any]:
    return partner_keys.listed(session, institution_id), now(session)


@blueprint.post("/<institution>/keys")
@recent_required
@member_required(OWN)
def key_create(seat: Seat) -> ResponseReturnValue:
    """Makes a key. Its secret is in this answer and nowhere else, so it is no redirect."""
    values: dict[str, Any] = {
        **problems.typed("name", "networks", "passphrase"),
        "areas": request.form.getlist("areas")[:9],
    }
    try:
        made = portal().db.transact(
            partner_keys.create, seat.institution_id, values["name"], values["areas"], values["networks"].splitlines(),
            values["passphrase"] or None, seat.actor,
        )  # fmt: skip
    except Refusal as refusal:
        return _page(seat, values, problems.of(refusal, scopes="areas", ip_allowlist="networks"), 422)
    return _page(seat, made=made)


@blueprint.get("/<institution>/keys/<int:key_id>")
@member_required(OWN)
def key(seat: Seat, key_id: int) -> ResponseReturnValue:
    """One key: what it may do and from where."""
    return _key(seat, key_id)


def _key(
    seat: Seat,
    key_id: int,
    values: dict[str, Any] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    found = portal().db.read(partner_keys.get, seat.institution_id, key_id)
    kept = {"areas": list(found.scopes), "networks": "\n".join(found.ip_allowlist)}
    return rendering.page(
        "partner/key.html", "form", status, found=found, values=values or kept, errors=errors or {}, areas=partner_keys.AREA_WORDS,
        overlaps=OVERLAPS,
    )  # fmt: skip


@blueprint.post("/<institution>/keys/<int:key_id>")
@recent_required
@member_required(OWN)
def key_change(seat: Seat, key_id: int) -> ResponseReturnValue:
    """Changes what a key may do and from where."""
    values: dict[str, Any] = {**problems.typed("networks"), "areas": request.form.getlist("areas")[:9]}
    try:
        portal().db.transact(
            partner_keys.change,
            seat.institution_id,
            key_id,
            values["areas"],
            values["networks"].splitlines(),
            seat.actor,
        )
    except Refusal as refusal:
        if refusal.name == "not_found":
            raise
        return _key(seat, key_id, values, problems.of(refusal, scopes="areas", ip_allowlist="networks"), 422)
    flash(gettext("Saved."), "success")
    return redirect(path_of(seat, "key", key_id=key_id), 303)


@blueprint.post("/<institution>/keys/<int:key_id>/rotate")
@recent_required
@member_required(OWN)
def key_rotate(seat: Seat, key_id: int) -> ResponseReturnValue:
    """Makes a successor; its secret is in this answer and nowhere else."""
    hours = request.form.get("overlap", "24")
    try:
        made = portal().db.transact(
            partner_keys.rotate, seat.institution_id, key_id, timedelta(hours=int(hours if hours in OVERLAPS else "24")),
            seat.actor,
        )  # fmt: skip
    except Refusal as refusal:
        if refusal.name == "not_found":
            raise
        flash(gettext(refusal.message), "error")
        return redirect(path_of(seat, "keys"), 303)
    return _page(seat, made=made)


@blueprint.post("/<institution>/keys/<int:key_id>/revoke")
@member_required(OWN)
def key_revoke(seat: Seat, key_id: int) -> ResponseReturnValue:
    """Ends a key at once; that needs no fresh proof."""
    try:
        portal().db.transact(partner_keys.revoke, seat.institution_id, key_id, seat.actor)
    except Refusal as refusal:
        if refusal.name == "not_found":
            raise
        flash(gettext(refusal.message), "error")
    else:
        flash(gettext("The key has ended."), "success")
    return redirect(path_of(seat, "keys"), 303)


@blueprint.get("/<institution>/requests")
@member_required()
def requests(seat: Seat) -> ResponseReturnValue:
    """Refused calls, newest first."""
    values, number = typed_args("code"), before()
    code = (
        int(values["code"])
        if values["code"].isascii() and values["code"].isdigit() and len(values["code"]) == 6
        else None
    )
    rows = portal().db.read(partner_requests.page, seat.institution_id, code=code, before=number, count=PAGE + 1)
    asked = {"code": code} if code else {}
    older = path_of(seat, "requests", **asked, before=rows[PAGE - 1].id) if len(rows) > PAGE else None
    return rendering.page(
        "partner/requests.html", "rows", rows=rows[:PAGE], values={"code": code or ""}, older=older,
        newest=path_of(seat, "requests", **asked) if number else None, why=why,
    )  # fmt: skip


def why(reason: str) -> str:
    """A refusal's name in the reader's words."""
    try:
        return gettext(Refusal(reason).message)
    except KeyError:
        return reason
