"""Signing in and out on pages: password, growing captcha rule, second step, forgotten passwords."""

from typing import Any
from urllib.parse import quote

from flask import flash, jsonify, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from portal.api import parsing
from portal.errors import Refusal
from portal.http import client_address, give_token, know_device, portal, safe_next, take_token, visit
from portal.models.customers import Customer
from portal.services import (
    accounts,
    code_requests,
    devices,
    passkeys,
    password_rules,
    passwords,
    second_factor,
    sessions,
    sign_in,
)  # fmt: skip
from portal.services.identifiers import canonical_phone
from portal.services.sessions import SignedIn
from portal.services.sign_in import Credentials
from portal.web import access, blueprint, problems, rendering
from portal.web.devices import device_secret
from portal.web.signup import UNVERIFIED, new_captcha

HOME = "/wallet"


def _next() -> str:
    return safe_next(request.values.get("next"), HOME)


@blueprint.get("/login")
def login() -> ResponseReturnValue:
    """The form."""
    if access.signed_in() is not None:
        return redirect(_next(), 303)
    return _form({}, {}, portal().db.read(sign_in.needs_captcha, "", client_address()))


def _form(values: dict[str, str], errors: dict[str, str], captcha: bool, status: int = 200, **more: Any) -> Response:
    picture = new_captcha() if captcha else None
    return rendering.page(
        "login/login.html", "form", status, values=values, errors=errors, picture=picture, next=_next(), **more
    )


@blueprint.post("/login")
def log_in() -> ResponseReturnValue:
    """Signs in, or leads on to the second step."""
    values = problems.typed("login_name", "password", "captcha_id", "captcha_text")
    if "again" in request.form:
        return _form(values, {}, True)
    credentials = Credentials(
        values["login_name"], passwords.digest_of(values["password"]), values["captcha_id"], values["captcha_text"]
    )
    try:
        entrance = sign_in.sign_in(portal().db, credentials, visit("web", device_secret()), unverified_too=False)
    except Refusal as refusal:
        wrong = refusal.facts["data"]["wrongTime"]
        errors = problems.of(refusal, loginName="login_name", captchaNumber="captcha_text")
        return _form(values, errors, wrong >= sign_in.CAPTCHA_AFTER, 422)
    if entrance.token is None:
        return _shut(values, entrance.customer)
    if entrance.scope == sessions.SECOND_FACTOR:
        answer = redirect(f"/login/second?next={quote(_next())}", 303)
    else:
        answer = _welcome(entrance.customer)
    give_token(answer, entrance.token)
    know_device(answer, device_secret())
    return answer


def _shut(values: dict[str, str], person: Customer) -> ResponseReturnValue:
    """The password was right, so the owner may know why the door stays shut."""
    if person.standing in ("locked", "suspended"):
        return _form(values, {}, False, 403, standing=person.standing)
    session[UNVERIFIED] = person.id
    portal().db.transact(code_requests.ask, person.email or "")
    flash(gettext("Please verify your e-mail address first. A code is on its way."), "info")
    return redirect("/signup/verify", 303)


def _welcome(person: Customer) -> Response:
    """Leads on, with the look that the person chose."""
    answer = redirect(_next(), 303)
    for name, value, usual in (("theme", person.theme, "auto"), ("price_colours", person.price_colours, "taiwan")):
        if name not in request.cookies and value != usual:
            answer.set_cookie(name, value, max_age=365 * 24 * 3600, samesite="Lax")
    return answer


@blueprint.get("/login/second")
def second() -> ResponseReturnValue:
    """Asks for the second step."""
    waiting = access.half_signed_in()
    if waiting is None:
        return redirect("/login", 303)
    return _second(waiting, {})


def _second(waiting: SignedIn, errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    facts = portal().db.read(_ways, waiting.customer_id)
    return rendering.page("login/second.html", "form", status, errors=errors, next=_next(), **facts)


def _ways(opened: Session, customer_id: int) -> dict[str, Any]:
    return {
        "has_totp": second_factor.is_bound(opened, "customer", customer_id),
        "has_passkey": bool(passkeys.listed(opened, "customer", customer_id)),
        "codes_left": second_factor.recovery_codes_left(opened, "customer", customer_id),
    }


@blueprint.post("/login/second")
def second_step() -> ResponseReturnValue:
    """The second step by authenticator or recovery code."""
    waiting = access.half_signed_in()
    if waiting is None:
        return redirect("/login", 303)
    typed = problems.typed("code", "recovery_code")
    field = "recovery_code" if typed["recovery_code"] else "code"
    work = sign_in.second_step_by_recovery_code if field == "recovery_code" else sign_in.second_step_by_totp
    try:
        token = portal().db.transact(work, waiting, typed[field].strip(), visit("web", device_secret()))
    except Refusal as refusal:
        return _second(waiting, problems.of(refusal, totpCode="code", code=field), 422)
    answer = _welcome(portal().db.read(accounts.customer, waiting.customer_id))
    give_token(answer, token)
    return answer


@blueprint.post("/login/passkey/begin")
def passkey_begin() -> ResponseReturnValue:
    """The options with which the browser asks for a passkey."""
    waiting = access.half_signed_in()
    if waiting is None:
        return {"message": gettext("Please sign in.")}, 401
    try:
        return portal().db.transact(passkeys.begin_authentication, "customer", waiting.customer_id)
    except Refusal as refusal:
        return {"message": gettext(refusal.message)}, 422


@blueprint.post("/login/passkey/finish")
def passkey_finish() -> ResponseReturnValue:
    """The second step by passkey."""
    waiting = access.half_signed_in()
    if waiting is None:
        return {"message": gettext("Please sign in.")}, 401
    body = parsing.json_object(request)
    try:
        token = portal().db.transact(
            sign_in.second_step_by_passkey, waiting, body.get("credential"), visit("web", device_secret())
        )
    except Refusal as refusal:
        return {"message": gettext(refusal.message)}, 422
    target = body.get("next")
    answer = jsonify({"redirect": safe_next(target if isinstance(target, str) else None, HOME)})
    give_token(answer, token)
    return answer


@blueprint.get("/logout")
def logout() -> ResponseReturnValue:
    """Asks first: a link alone signs nobody out."""
    return rendering.page("login/logout.html")


@blueprint.post("/logout")
def log_out() -> ResponseReturnValue:
    """Signs this device out."""
    known = access.signed_in() or access.half_signed_in()
    if known is not None:
        portal().db.transact(devices.sign_out, known.session_id, known.customer_id, visit("web", device_secret()))
    session.clear()
    answer = redirect("/", 303)
    take_token(answer)
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


@blueprint.get("/forgot")
def forgot() -> ResponseReturnValue:
    """Asks for the account's name."""
    return rendering.page("login/forgot.html", "form", errors={}, values={})


@blueprint.post("/forgot")
def forgot_ask() -> ResponseReturnValue:
    """Asks for a code; everyone is answered alike."""
    values = problems.typed("login_name", "mobile")
    mobile = None
    try:
        if not values["login_name"].strip():
            raise Refusal("login_name_missing", field="login_name")
        if values["mobile"].strip():
            mobile = canonical_phone(values["mobile"], field="mobile")
    except Refusal as refusal:
        return rendering.page("login/forgot.html", "form", 422, errors=problems.of(refusal), values=values)
    found = portal()
    if found.settings.rate_limits and not found.db.transact(code_requests.spend_address, client_address()):
        errors = {"": gettext("Too many codes were asked for. Please try again later.")}
        return rendering.page("login/forgot.html", "form", 429, errors=errors, values=values)
    found.db.transact(code_requests.ask, values["login_name"], mobile)
    session["forgot"] = values["login_name"][:200]
    return redirect("/forgot/new", 303)


@blueprint.get("/forgot/new")
def forgot_new() -> ResponseReturnValue:
    """Asks for the code and a new password."""
    return rendering.page("login/forgot_new.html", "form", errors={}, values={"login_name": session.get("forgot", "")})


@blueprint.post("/forgot/new")
def forgot_set() -> ResponseReturnValue:
    """Sets the new password."""
    values = problems.typed("login_name", "code", "password")
    try:
        digest = password_rules.digest_of_new(values["password"], values["login_name"])
        accounts.reset_password(
            portal().db, values["login_name"], values["code"].strip(), digest, visit("web", device_secret())
        )
    except Refusal as refusal:
        empty = {} if values["code"].strip() else {"code": gettext("Please enter the code that we sent you.")}
        errors = {**empty, **problems.of(refusal)}
        return rendering.page("login/forgot_new.html", "form", 422, errors=errors, values=values)
    session.pop("forgot", None)
    flash(gettext("Your new password is set. Withdrawals are held for 24 hours, for your safety."), "success")
    return redirect("/login", 303)
