"""Signing in to the console: password, then authenticator or passkey; the first time the authenticator is bound."""

from flask import Response, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as BaseResponse
from wtforms import PasswordField, StringField

from portal.errors import Refusal
from portal.http import portal, safe_next
from portal.services import passkeys, staff_sign_in
from portal.services.staff_accounts import KIND
from portal.services.staff_sessions import SignedInStaff
from portal.staff import access, blueprint
from portal.web import rendering


class LoginForm(FlaskForm):
    """E-mail address and password."""

    email = StringField()
    password = PasswordField()


@blueprint.get("/login")
def login() -> ResponseReturnValue:
    """Asks for the password."""
    if access.signed_in() is not None:
        return redirect(_next(), 303)
    return rendering.page("staff/login.html", next=_next(), errors={}, email="")


@blueprint.post("/login")
def login_post() -> ResponseReturnValue:
    """Checks the password and goes on to the second step."""
    form = LoginForm()
    email, password = form.email.data or "", form.password.data or ""
    try:
        token = staff_sign_in.sign_in(portal().db, email[:200], password[:1024], access.visit())
    except Refusal as refusal:
        facts = {"next": _next(), "email": email[:200], "errors": {"password": gettext(refusal.message)}}
        return rendering.page("staff/login.html", "main", 422, **facts)
    return _signed(redirect(url_for("staff.second", next=_next()), 303), token)


@blueprint.get("/login/second")
def second() -> ResponseReturnValue:
    """Asks for the second factor, or gives out the secret of a first authenticator."""
    waiting = access.half_signed_in()
    if waiting is None:
        return redirect(url_for("staff.login", next=_next()), 303)
    return _second_page(waiting, {})


@blueprint.post("/login/second")
def second_post() -> ResponseReturnValue:
    """Checks the authenticator's code (or a recovery code) and opens the console."""
    waiting = access.half_signed_in()
    if waiting is None:
        return redirect(url_for("staff.login", next=_next()), 303)
    code = (request.form.get("code") or "").strip()
    try:
        token = portal().db.transact(staff_sign_in.second_step_by_totp, waiting, code, access.visit())
    except Refusal as refusal:
        return _second_page(waiting, {"code": gettext(refusal.message)}, 422)
    return _signed(redirect(_next(), 303), token)


@blueprint.post("/login/bind")
def bind() -> ResponseReturnValue:
    """Binds the first authenticator; the recovery codes are shown this once."""
    waiting = access.half_signed_in()
    if waiting is None:
        return redirect(url_for("staff.login"), 303)
    code = (request.form.get("code") or "").strip()
    try:
        token, codes = portal().db.transact(staff_sign_in.bind_first, waiting, code, access.visit())
    except Refusal as refusal:
        return _second_page(waiting, {"code": gettext(refusal.message)}, 422)
    return _signed(rendering.page("staff/bound.html", codes=codes, next=_next()), token)


@blueprint.post("/login/passkey/begin")
def passkey_begin() -> ResponseReturnValue:
    """The options with which the browser asks for a passkey."""
    waiting = access.half_signed_in()
    if waiting is None:
        return {"message": gettext("Please sign in.")}, 401
    try:
        return portal().db.transact(passkeys.begin_authentication, KIND, waiting.staff_id)
    except Refusal as refusal:
        return {"message": gettext(refusal.message)}, 422


@blueprint.post("/login/passkey/finish")
def passkey_finish() -> ResponseReturnValue:
    """Checks what the passkey signed and opens the console."""
    waiting = access.half_signed_in()
    if waiting is None:
        return {"message": gettext("Please sign in.")}, 401
    sent = request.get_json(silent=True)
    credential = sent.get("credential") if isinstance(sent, dict) else None
    try:
        token = portal().db.transact(staff_sign_in.second_step_by_passkey, waiting, credential, access.visit())
    except Refusal as refusal:
        return {"message": gettext(refusal.message)}, 422
    return _signed(jsonify(redirect=_next()), token)


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    """Signs this desk out."""
    found = access.signed_in() or access.half_signed_in()
    if found is not None:
        portal().db.transact(staff_sign_in.sign_out, found)
    answer = redirect("/staff/login", 303)
    answer.delete_cookie(access.COOKIE, path="/staff")
    return answer


def _second_page(waiting: SignedInStaff, errors: dict[str, str], status: int = 200) -> Response:
    bound = portal().db.read(staff_sign_in.is_bound, waiting.staff_id)
    pending = None if bound else portal().db.transact(staff_sign_in.begin_binding, waiting)
    has_passkey = bound and portal().db.read(staff_sign_in.has_passkeys, waiting.staff_id)
    return rendering.page(
        "staff/second.html", "main", status, pending=pending, has_passkey=has_passkey, errors=errors, next=_next()
    )


def _next() -> str:
    target = safe_next(request.values.get("next"), "/staff")
    return target if target == "/staff" or target.startswith(("/staff/", "/staff?")) else "/staff"


def _signed(answer: BaseResponse, token: str) -> BaseResponse:
    """Sets the desk's cookie: for the console's paths alone, gone when the browser closes."""
    answer.set_cookie(
        access.COOKIE, token, path="/staff", httponly=True, samesite="Strict", secure=not portal().settings.sandbox
    )
    return answer
