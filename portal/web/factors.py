"""Second factors on the security pages: authenticator, recovery codes, passkeys."""

import base64
import binascii
from typing import Any

import orjson
from flask import flash, jsonify, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.api import parsing
from portal.errors import Refusal
from portal.http import portal, safe_next, visit
from portal.services import devices, factors, passkeys, second_factor
from portal.services.second_factor import Pending
from portal.services.sessions import SignedIn
from portal.vault import VaultError
from portal.web import access, blueprint, problems, rendering
from portal.web.access import customer_id, login_required, recent_required
from portal.web.devices import device_secret

#: Where the browser carries codes to the page that shows them once, sealed.
_ONCE = "recovery_codes"


def _me() -> SignedIn:
    found = access.signed_in()
    assert found is not None
    return found


@blueprint.get("/security/authenticator")
@recent_required
def authenticator() -> ResponseReturnValue:
    """The secret as QR code and as text, and the form that proves it."""
    try:
        pending = portal().db.transact(factors.begin_totp, customer_id())
    except Refusal:
        return redirect("/security", 303)
    return _authenticator(pending, {})


def _authenticator(pending: Pending, errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    return rendering.page("security/authenticator.html", "form", status, pending=pending, errors=errors)


@blueprint.post("/security/authenticator")
@recent_required
def bind_authenticator() -> ResponseReturnValue:
    """Binds the secret and leads on to the recovery codes."""
    code = problems.typed("code")["code"].strip()
    try:
        made = portal().db.transact(_bind, customer_id(), code)
    except Refusal as refusal:
        if refusal.name in ("totp_bound", "totp_unbound", "totp_secret_foreign"):
            flash(gettext(refusal.message), "error")
            return redirect("/security/authenticator", 303)
        pending = portal().db.transact(factors.begin_totp, customer_id())
        return _authenticator(pending, problems.of(refusal, totpCode="code"), 422)
    return _show_once(made)


def _bind(opened: Session, owner: int, code: str) -> list[str]:
    where = visit("web", device_secret())
    factors.bind_totp(opened, owner, code, None, where)
    return second_factor.renew_recovery_codes(opened, "customer", owner)


@blueprint.get("/security/authenticator/remove")
@login_required
def remove_authenticator() -> ResponseReturnValue:
    """Asks for a code before the authenticator is taken off."""
    if not portal().db.read(second_factor.is_bound, "customer", customer_id()):
        return redirect("/security", 303)
    return rendering.page("security/remove.html", "form", errors={})


@blueprint.post("/security/authenticator/remove")
@login_required
def removed_authenticator() -> ResponseReturnValue:
    """Takes the authenticator off."""
    typed = problems.typed("code", "recovery_code")
    field = "recovery_code" if typed["recovery_code"] else "code"
    work = factors.unbind_by_recovery_code if field == "recovery_code" else factors.unbind_totp
    try:
        portal().db.transact(work, customer_id(), typed[field].strip(), visit("web", device_secret()))
    except Refusal as refusal:
        errors = problems.of(refusal, totpCode="code", code=field)
        return rendering.page("security/remove.html", "form", 422, errors=errors)
    flash(gettext("The authenticator was removed."), "success")
    return redirect("/security", 303)


@blueprint.post("/security/recovery-codes")
@recent_required
def renew_recovery_codes() -> ResponseReturnValue:
    """Makes new recovery codes; the older ones end."""
    if not portal().db.read(second_factor.is_required, "customer", customer_id()):
        return redirect("/security", 303)
    made = portal().db.transact(factors.renew_recovery_codes, customer_id(), visit("web", device_secret()))
    return _show_once(made)


def _show_once(codes: list[str]) -> ResponseReturnValue:
    sealed = portal().vault.seal(orjson.dumps([customer_id(), codes]), _ONCE)
    session[_ONCE] = base64.b64encode(sealed).decode()
    return redirect("/security/recovery-codes", 303)


@blueprint.get("/security/recovery-codes")
@login_required
def recovery_codes() -> ResponseReturnValue:
    """Shows the codes that were just made, once."""
    sealed = session.pop(_ONCE, None)
    if not isinstance(sealed, str):
        return redirect("/security", 303)
    try:
        owner, codes = orjson.loads(portal().vault.open(base64.b64decode(sealed), _ONCE))
    except (VaultError, binascii.Error, ValueError):
        return redirect("/security", 303)
    if owner != customer_id():
        return redirect("/security", 303)
    return rendering.page("security/codes.html", codes=codes)


@blueprint.get("/security/passkeys")
@recent_required
def add_passkey() -> ResponseReturnValue:
    """The form that makes a passkey; browsers know passkeys only on pages with a host name."""
    rp_id, origins = passkeys.relying_party(portal().settings.public_url)
    elsewhere = None if request.host.partition(":")[0] == rp_id else f"{origins[0]}/security/passkeys"
    return rendering.page("security/passkey.html", elsewhere=elsewhere)


@blueprint.post("/security/passkeys/begin")
@login_required
def passkey_register_begin() -> ResponseReturnValue:
    """The options with which the browser makes a passkey."""
    return _json(_begin_registration, _me())


def _begin_registration(opened: Session, me: SignedIn) -> dict[str, Any]:
    _need_recent(opened, me)
    return passkeys.begin_registration(opened, "customer", me.customer_id, me.display_name)


def _need_recent(opened: Session, me: SignedIn) -> None:
    if not devices.is_recent(opened, me.reauthenticated_at):
        raise Refusal("reauthentication_required")


@blueprint.post("/security/passkeys/finish")
@login_required
def passkey_register_finish() -> ResponseReturnValue:
    """Keeps the passkey that the browser made; the first second factor brings recovery codes."""
    body = parsing.json_object(request)
    name = body.get("name") if isinstance(body.get("name"), str) else ""
    answer = _json(_finish_registration, _me(), body.get("credential"), str(name).replace("\x00", ""))
    return answer


def _finish_registration(opened: Session, me: SignedIn, credential: Any, name: str) -> dict[str, Any]:
    _need_recent(opened, me)
    factors.add_passkey(opened, me.customer_id, credential, name, visit("web", device_secret()))
    if second_factor.recovery_codes_left(opened, "customer", me.customer_id):
        return {"redirect": "/security#second-factor"}
    made = second_factor.renew_recovery_codes(opened, "customer", me.customer_id)
    sealed = portal().vault.seal(orjson.dumps([me.customer_id, made]), _ONCE)
    return {"redirect": "/security/recovery-codes", "sealed": base64.b64encode(sealed).decode()}


@blueprint.post("/security/passkeys/remove")
@recent_required
def remove_passkey() -> ResponseReturnValue:
    """Takes a passkey off."""
    number = request.form.get("passkey", "")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise Refusal("not_found")
    portal().db.transact(factors.remove_passkey, customer_id(), int(number), visit("web", device_secret()))
    flash(gettext("The passkey was removed."), "success")
    return redirect("/security#second-factor", 303)


@blueprint.post("/security/confirm/passkey/begin")
@login_required
def passkey_confirm_begin() -> ResponseReturnValue:
    """The options with which the browser asks for a passkey, to prove oneself again."""
    return _json(_begin_authentication, _me())


def _begin_authentication(opened: Session, me: SignedIn) -> dict[str, Any]:
    return passkeys.begin_authentication(opened, "customer", me.customer_id)


@blueprint.post("/security/confirm/passkey/finish")
@login_required
def passkey_confirm_finish() -> ResponseReturnValue:
    """Proves oneself again by passkey."""
    body = parsing.json_object(request)
    target = body.get("next")
    return _json(
        _confirm, _me(), body.get("credential"), safe_next(target if isinstance(target, str) else None, "/security")
    )


def _confirm(opened: Session, me: SignedIn, credential: Any, target: str) -> dict[str, Any]:
    passkeys.check(opened, "customer", me.customer_id, credential)
    devices.reauthenticated(opened, me.session_id)
    return {"redirect": target}


def _json(work: Any, *arguments: Any) -> ResponseReturnValue:
    """What a script of the page gets: the answer, or what went wrong as a message."""
    try:
        answer = portal().db.transact(work, *arguments)
    except Refusal as refusal:
        return {"message": gettext(refusal.message)}, 422
    if "sealed" in answer:
        session[_ONCE] = answer.pop("sealed")
    return jsonify(answer)
