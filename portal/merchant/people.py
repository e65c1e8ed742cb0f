"""The people of a store, invitations, one's own PIN, and the store's discount."""

from decimal import Decimal
from typing import Any

from flask import flash, redirect
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.errors import N_, Refusal
from portal.http import portal
from portal.merchant import blueprint
from portal.merchant.access import member_required, path_of
from portal.models.stores import Store
from portal.money import AmountError, parse_decimal, parse_units
from portal.services import store_invitations, store_members, stores
from portal.services.store_members import CHARGE, DISCOUNT, PEOPLE, Seat
from portal.web import problems, rendering
from portal.web.access import customer_id, login_required, recent_required

ROLE_WORDS = {"owner": N_("Owner"), "cashier": N_("Cashier"), "viewer": N_("Viewer")}
ROLE_HINTS = {
    "owner": N_("Everything: takings, bank account, people, keys"),
    "cashier": N_("Asks for payments and refunds with a PIN, within limits"),
    "viewer": N_("Looks, and exports lists; changes nothing"),
}

#: Bills that the discount's page shows as examples.
EXAMPLES = ("50", "100", "500", "1000")


@blueprint.get("/<store>/people")
@member_required(PEOPLE)
def people(seat: Seat) -> ResponseReturnValue:
    """Who works here."""
    return _people(seat, {}, {})


def _people(seat: Seat, values: dict[str, str], errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    facts = portal().db.read(_facts, seat.store)
    return rendering.page(
        "merchant/people.html",
        "form",
        status,
        values=values,
        errors=errors,
        words=ROLE_WORDS,
        hints=ROLE_HINTS,
        **facts,
    )


def _facts(session: Session, store: Store) -> dict[str, Any]:
    return {
        "members": store_members.members(session, store.id),
        "invitations": store_invitations.waiting(session, store.id),
    }


@blueprint.post("/<store>/people")
@member_required(PEOPLE)
@recent_required
def people_invite(seat: Seat) -> ResponseReturnValue:
    """Invites somebody by mail; what is said is the same whoever has an account."""
    values = {name: text.strip() for name, text in problems.typed("email", "role").items()}
    try:
        portal().db.transact(store_invitations.invite, seat.store, values["email"], values["role"], seat.member)
    except Refusal as refusal:
        return _people(seat, values, problems.of(refusal), 422)
    flash(gettext("The invitation is on its way to %(email)s.", email=values["email"]), "success")
    return redirect(path_of(seat, "people"), 303)


@blueprint.post("/<store>/people/invitations/<public_id>/withdraw")
@member_required(PEOPLE)
def people_withdraw(seat: Seat, public_id: str) -> ResponseReturnValue:
    """Takes an invitation back."""
    portal().db.transact(store_invitations.withdraw, seat.store, public_id, seat.actor)
    flash(gettext("The invitation was withdrawn."), "success")
    return redirect(path_of(seat, "people"), 303)


@blueprint.post("/<store>/people/<public_id>/<any(role, remove, pin):act>")
@member_required(PEOPLE)
@recent_required
def people_change(seat: Seat, public_id: str, act: str) -> ResponseReturnValue:
    """Gives another role, takes somebody away, or takes a forgotten PIN away."""
    role = problems.typed("role")["role"]
    try:
        portal().db.transact(_change, seat, public_id, act, role)
    except Refusal as refusal:
        if refusal.name == "not_found":
            raise
        flash(gettext(refusal.message), "error")
    else:
        flash(gettext("Saved."), "success")
    # Whoever gave the own role or place away may no longer see this page: /merchant shows what is left.
    mine = public_id == seat.member.public_id and act != "pin"
    return redirect("/merchant" if mine else path_of(seat, "people"), 303)


def _change(session: Session, seat: Seat, public_id: str, act: str, role: str) -> None:
    found = store_members.member(session, seat.store.id, public_id)
    if act == "role":
        store_members.change_role(session, seat.store, found, role, seat.actor)
    elif act == "pin":
        store_members.clear_pin(session, seat.store, found, seat.actor)
    else:
        store_members.remove(session, seat.store, found, seat.actor)


@blueprint.get("/invitations/<token>")
@login_required
def invitation(token: str) -> ResponseReturnValue:
    """What one is invited to."""
    try:
        found, store = portal().db.read(store_invitations.look, customer_id(), token)
    except Refusal as refusal:
        return rendering.page("merchant/invitation.html", status=410, problem=gettext(refusal.message), token=token)
    return rendering.page(
        "merchant/invitation.html", found=found, invited_to=store, words=ROLE_WORDS, hints=ROLE_HINTS, token=token
    )


@blueprint.post("/invitations/<token>")
@login_required
def invitation_accept(token: str) -> ResponseReturnValue:
    """Takes it up; only this moves anything, so a mail scanner that opens the link does nothing."""
    try:
        store = portal().db.transact(_accept, customer_id(), token)
    except Refusal as refusal:
        return rendering.page("merchant/invitation.html", status=410, problem=gettext(refusal.message), token=token)
    flash(gettext("Welcome to %(store)s.", store=store.name), "success")
    return redirect(f"/merchant/{store.public_id}", 303)


def _accept(session: Session, customer: int, token: str) -> Store:
    member = store_invitations.accept(session, customer, token)
    return session.get_one(Store, member.store_id)


@blueprint.get("/<store>/pin")
@member_required(CHARGE)
@recent_required
def pin(seat: Seat) -> ResponseReturnValue:
    """The form for one's own PIN."""
    return rendering.page("merchant/pin.html", "form", errors={})


@blueprint.post("/<store>/pin")
@member_required(CHARGE)
@recent_required
def pin_set(seat: Seat) -> ResponseReturnValue:
    """Sets it."""
    values = problems.typed("pin", "again")
    try:
        if values["pin"] != values["again"]:
            raise Refusal("input_invalid", field="again")
        store_members.set_pin(portal().db, seat.member.id, values["pin"])
    except Refusal as refusal:
        errors = problems.of(refusal)
        if "again" in errors:
            errors["again"] = gettext("The two PINs are not the same.")
        return rendering.page("merchant/pin.html", "form", 422, errors=errors)
    flash(gettext("Your PIN is set."), "success")
    return redirect(path_of(seat, "home"), 303)


@blueprint.get("/<store>/discount")
@member_required(DISCOUNT)
def discount(seat: Seat) -> ResponseReturnValue:
    """What customers get off."""
    return _discount(seat, {}, {})


@blueprint.post("/<store>/discount")
@member_required(DISCOUNT)
def discount_set(seat: Seat) -> ResponseReturnValue:
    """Changes it from now on."""
    values = {name: text.strip() for name, text in problems.typed("discount_type", "discount_value").items()}
    try:
        wanted = parse_decimal(values["discount_value"].replace(",", "") or "0")
        portal().db.transact(_set_discount, seat, values["discount_type"], wanted)
    except AmountError:
        return _discount(seat, values, {"discount_value": gettext("Please check this entry.")}, 422)
    except Refusal as refusal:
        return _discount(seat, values, problems.of(refusal), 422)
    flash(gettext("The discount counts from now on."), "success")
    return redirect(path_of(seat, "discount"), 303)


def _set_discount(session: Session, seat: Seat, kind: str, value: Decimal) -> None:
    store = session.get_one(Store, seat.store.id)
    stores.set_discount(session, store, kind, value, seat.actor)


def _discount(seat: Seat, values: dict[str, str], errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    bills = [stores.bill_of(seat.store, parse_units(bill, "TWIP")) for bill in EXAMPLES]
    return rendering.page("merchant/discount.html", "form", status, values=values, errors=errors, bills=bills)
