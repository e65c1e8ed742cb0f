"""A customer's security page: devices, sign-in history, password, display, locking by mail, and proving oneself again."""

from typing import Any

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.errors import N_, Refusal
from portal.http import client_address, portal, safe_next, take_token, visit
from portal.services import (
    accounts,
    devices,
    freezing,
    passkeys,
    password_rules,
    passwords,
    preferences,
    second_factor,
    sessions,
)
from portal.services.sessions import SignedIn
from portal.web import access, blueprint, problems, rendering
from portal.web.access import customer_id, login_required
from portal.web.devices import device_secret

_YEAR_SECONDS = 365 * 24 * 3600
LOG_ROWS = 20

#: What the operation codes of the sign-in log say (brokerage contract, enum operation_code).
OPERATIONS = {
    1000: N_("Signed up"),
    1001: N_("Signed in"),
    1002: N_("Signed out"),
    1003: N_("Sign-in failed"),
    1006: N_("Mobile number verified"),
    1008: N_("Second factor set up"),
    1009: N_("Second factor changed"),
    1011: N_("Password changed"),
    1014: N_("Identity verified"),
    1025: N_("Password set anew"),
}


def operation(code: int) -> str:
    """An operation code in the reader's language."""
    return gettext(OPERATIONS[code]) if code in OPERATIONS else str(code)


def _me() -> SignedIn:
    found = access.signed_in()
    assert found is not None
    return found


@blueprint.get("/security")
@login_required
def security() -> ResponseReturnValue:
    """Everything at a glance."""
    facts = portal().db.read(_overview, _me())
    return rendering.page("security/security.html", operation=operation, **facts)


def _overview(opened: Session, me: SignedIn) -> dict[str, Any]:
    return {
        "person": accounts.customer(opened, me.customer_id),
        "has_totp": second_factor.is_bound(opened, "customer", me.customer_id),
        "passkeys": passkeys.listed(opened, "customer", me.customer_id),
        "codes_left": second_factor.recovery_codes_left(opened, "customer", me.customer_id),
        "devices": devices.signed_in(opened, me.customer_id, me.session_id),
        "events": devices.sign_in_log(opened, me.customer_id, limit=5),
    }


@blueprint.get("/security/log")
@login_required
def security_log() -> ResponseReturnValue:
    """The whole sign-in history, page by page."""
    before = request.args.get("before", "")
    start = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None
    events = portal().db.read(devices.sign_in_log, customer_id(), limit=LOG_ROWS + 1, before=start)
    older = events[LOG_ROWS - 1].id if len(events) > LOG_ROWS else None
    return rendering.page(
        "security/log.html", events=events[:LOG_ROWS], older=older, newest=start is None, operation=operation
    )


@blueprint.post("/security/devices/end")
@login_required
def end_device() -> ResponseReturnValue:
    """Signs another device out."""
    portal().db.transact(devices.end_one, customer_id(), request.form.get("device", "")[:36])
    flash(gettext("The device was signed out."), "success")
    return redirect("/security#devices", 303)


@blueprint.post("/security/devices/end-others")
@login_required
def end_other_devices() -> ResponseReturnValue:
    """Signs all other devices out."""
    me = _me()
    portal().db.transact(sessions.end_all, me.customer_id, "signed out elsewhere", but=me.session_id)
    flash(gettext("All other devices were signed out."), "success")
    return redirect("/security#devices", 303)


@blueprint.get("/security/password")
@login_required
def password() -> ResponseReturnValue:
    """The form."""
    return rendering.page("security/password.html", "form", errors={})


@blueprint.post("/security/password")
@login_required
def change_password() -> ResponseReturnValue:
    """Changes the password."""
    me, values = _me(), problems.typed("old_password", "new_password")
    person = portal().db.read(accounts.customer, me.customer_id)
    try:
        about = (person.username_shown or "", person.email or "")
        digest = password_rules.digest_of_new(values["new_password"], *about, field="new_password")
        old = passwords.digest_of(values["old_password"])
        accounts.change_password(portal().db, me.customer_id, me.session_id, old, digest, visit("web", device_secret()))
    except Refusal as refusal:
        errors = problems.of(refusal, oldPassword="old_password")
        return rendering.page("security/password.html", "form", 422, errors=errors)
    flash(gettext("Your password was changed. All other devices were signed out."), "success")
    return redirect("/security", 303)


@blueprint.post("/security/display")
@login_required
def display() -> ResponseReturnValue:
    """Language, theme and price colours, kept with the account and for this browser."""
    chosen = {name: request.form.get(name) or None for name in ("locale", "theme", "price_colours")}
    portal().db.transact(preferences.choose, customer_id(), **chosen)
    flash(gettext("Saved."), "success")
    answer = redirect("/security#display", 303)
    cookies = {"language": chosen["locale"], "theme": chosen["theme"], "price_colours": chosen["price_colours"]}
    for name, value in cookies.items():
        if value in ("auto", "taiwan"):
            answer.delete_cookie(name, samesite="Lax")
        elif value:
            answer.set_cookie(name, value, max_age=_YEAR_SECONDS, samesite="Lax", httponly=name == "language")
    return answer


@blueprint.get("/security/confirm")
@login_required
def confirm() -> ResponseReturnValue:
    """Asks again who one is, before a risky act."""
    return _confirm({})


def _confirm(errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    facts = portal().db.read(_ways, customer_id())
    target = safe_next(request.values.get("next"), "/security")
    return rendering.page("security/confirm.html", "form", status, errors=errors, next=target, **facts)


def _ways(opened: Session, owner: int) -> dict[str, Any]:
    return {
        "has_totp": second_factor.is_bound(opened, "customer", owner),
        "has_passkey": bool(passkeys.listed(opened, "customer", owner)),
    }


@blueprint.post("/security/confirm")
@login_required
def confirmed() -> ResponseReturnValue:
    """Proves oneself by authenticator code, or by password where there is no second factor."""
    values = problems.typed("code", "recovery_code", "password")
    try:
        portal().db.transact(_prove, _me(), values["code"].strip(), values["recovery_code"], values["password"])
    except Refusal as refusal:
        return _confirm(problems.of(refusal, totpCode="code", code="recovery_code"), 422)
    return redirect(safe_next(request.form.get("next"), "/security"), 303)


def _prove(opened: Session, me: SignedIn, code: str, recovery_code: str, plain: str) -> None:
    if recovery_code:
        second_factor.use_recovery_code(opened, "customer", me.customer_id, recovery_code[:40])
    elif second_factor.is_bound(opened, "customer", me.customer_id):
        second_factor.check_totp(opened, "customer", me.customer_id, code)
    elif passkeys.listed(opened, "customer", me.customer_id):
        raise Refusal("passkey_refused")
    elif not accounts.check_password(opened, me.customer_id, passwords.digest_of(plain)):
        raise Refusal("password_wrong", field="password", keep=True)
    devices.reauthenticated(opened, me.session_id)


@blueprint.get("/security/lock/<token>")
def lock_page(token: str) -> ResponseReturnValue:
    """What the link in a mail opens: it locks nothing yet, so that a scanner that follows links does no harm."""
    try:
        person = portal().db.read(devices.lockable, token)
    except Refusal as refusal:
        return rendering.page("security/lock.html", status=404, person=None, message=gettext(refusal.message))
    return rendering.page("security/lock.html", person=person, token=token)


@blueprint.post("/security/lock/<token>")
def lock(token: str) -> ResponseReturnValue:
    """Locks the account: all devices are signed out, open payments are called off."""
    try:
        portal().db.transact(freezing.freeze, token, client_address())
    except Refusal as refusal:
        return rendering.page("security/lock.html", status=404, person=None, message=gettext(refusal.message))
    flash(gettext("The account is locked and all devices are signed out. Choose a new password to open it."), "success")
    answer = redirect("/forgot", 303)
    take_token(answer)
    return answer
