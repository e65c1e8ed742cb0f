"""A member's own sign-in: password, passkeys, recovery codes, desks."""

from typing import Any

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.errors import Refusal
from portal.http import portal
from portal.permissions import ROLES
from portal.services import audit, devices, passkeys, second_factor, staff_accounts, staff_sessions
from portal.services.staff_accounts import KIND
from portal.services.staff_sessions import SignedInStaff
from portal.staff import access, blueprint
from portal.web import rendering


@blueprint.get("/account")
@access.requires()
def account() -> ResponseReturnValue:
    """Shows one's own sign-in."""
    return rendering.page("staff/account.html", "main", **portal().db.read(_facts, access.me()))


def _facts(session: Session, me: SignedInStaff) -> dict[str, Any]:
    return {
        "desks": staff_sessions.listed(session, me.staff_id),
        "passkeys": passkeys.listed(session, KIND, me.staff_id),
        "codes_left": second_factor.recovery_codes_left(session, KIND, me.staff_id),
        "roles": staff_accounts.roles_of(session, me.staff_id),
        "role_names": ROLES,
        "present": me.session_id,
        "device_name": devices.named,
    }


@blueprint.post("/account/desks/<int:desk_id>/end")
@access.requires()
def end_desk(desk_id: int) -> ResponseReturnValue:
    """Signs another of one's own desks out."""
    own = {desk.id for desk in portal().db.read(staff_sessions.listed, access.me().staff_id)}
    if desk_id not in own:
        raise Refusal("not_found")
    portal().db.transact(staff_sessions.end, desk_id, "signed out elsewhere")
    return redirect("/staff/account", 303)


@blueprint.post("/account/passkeys/begin")
@access.requires()
def passkey_begin_new() -> ResponseReturnValue:
    """The options with which the browser makes a passkey."""
    me = access.me()
    try:
        return portal().db.transact(passkeys.begin_registration, KIND, me.staff_id, me.email)
    except Refusal as refusal:
        return {"message": gettext(refusal.message)}, 422


@blueprint.post("/account/passkeys/finish")
@access.requires()
def passkey_finish_new() -> ResponseReturnValue:
    """Keeps the passkey that the browser made."""
    sent = request.get_json(silent=True)
    sent = sent if isinstance(sent, dict) else {}
    name = sent.get("name")
    try:
        portal().db.transact(_keep_passkey, access.me(), sent.get("credential"), name if isinstance(name, str) else "")
    except Refusal as refusal:
        return {"message": gettext(refusal.message)}, 422
    flash(gettext("The passkey is set up."), "success")
    return {"redirect": "/staff/account"}


def _keep_passkey(session: Session, me: SignedInStaff, credential: object, name: str) -> None:
    passkeys.finish_registration(session, KIND, me.staff_id, credential, name)
    audit.write(session, me.actor, "staff.passkey", f"staff:{me.staff_id}")


@blueprint.post("/account/passkeys/<int:passkey_id>/remove")
@access.requires()
def passkey_remove(passkey_id: int) -> ResponseReturnValue:
    """Takes one of one's passkeys off; the authenticator stays."""
    portal().db.transact(_remove_passkey, access.me(), passkey_id)
    return redirect("/staff/account", 303)


def _remove_passkey(session: Session, me: SignedInStaff, passkey_id: int) -> None:
    name = passkeys.remove(session, KIND, me.staff_id, passkey_id)
    if not second_factor.is_required(session, KIND, me.staff_id):
        raise Refusal("totp_unbound")
    audit.write(session, me.actor, "staff.passkey_removed", f"staff:{me.staff_id}", details={"name": name})


@blueprint.post("/account/recovery-codes")
@access.requires()
def recovery_codes() -> ResponseReturnValue:
    """Makes new recovery codes and shows them once."""
    codes = portal().db.transact(second_factor.renew_recovery_codes, KIND, access.me().staff_id)
    return rendering.page("staff/bound.html", codes=codes, next="/staff/account")


@blueprint.get("/password")
@access.requires()
def password() -> ResponseReturnValue:
    """Asks for a new password."""
    return rendering.page("staff/password.html", "main", errors={})


@blueprint.post("/password")
@access.requires()
def password_change() -> ResponseReturnValue:
    """Changes one's password; other desks are signed out."""
    me = access.me()
    present, wanted = request.form.get("present", "")[:1024], request.form.get("wanted", "")[:1025]
    errors = {}
    if wanted != request.form.get("again", "")[:1025]:
        errors["again"] = gettext("The two do not match.")
    else:
        try:
            portal().db.transact(
                staff_accounts.change_password, me.staff_id, present, wanted, but_session=me.session_id
            )
        except Refusal as refusal:
            errors[refusal.field or "wanted"] = gettext(refusal.message)
    if errors:
        return rendering.page("staff/password.html", "main", 422, errors=errors)
    flash(gettext("Your password is changed."), "success")
    return redirect("/staff", 303)
