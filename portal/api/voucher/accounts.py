"""Signing in and out, and the forgotten password. Contract: login, logout, forgot_password, reset_password."""

from typing import Any

from portal.api.family import Call
from portal.api.parsing import Model
from portal.api.voucher.family import DONE, Done, nothing, route
from portal.api.voucher.present import moment
from portal.api.voucher.registration import new_password_digest
from portal.http import client_address, portal, user_agent
from portal.services import sessions, voucher_sign_in
from portal.services.devices import Visit


class Login(Model):
    """`totp` is the portal's own: asked for when the customer has an authenticator."""

    email: str
    password: str
    user_source: str
    totp: str | None = None


class Forgot(Model):
    email: str
    user_source: str


class Reset(Model):
    token: str
    email: str
    password: str
    password_confirmation: str
    user_source: str


def _visit() -> Visit:
    return Visit("voucher", client_address(), user_agent())


@route(
    "POST", "/login", "login", "password", auth="none", body=Login,
    summary="Signs in; customers with an authenticator send its code as totp",
    errors=("password_invalid_user", "totp_required", "totp_invalid", "too_many_requests"),
)  # fmt: skip
def login(call: Call[Any]) -> dict[str, Any]:
    body = call.body
    entered = voucher_sign_in.enter(portal().db, body.email, body.password, body.user_source, body.totp, _visit())
    return {
        "token": entered.token,
        "name": entered.name,
        "email": entered.customer.email or "",
        "phone": entered.customer.phone or "",
        "created_at": moment(entered.customer.created_at),
    }


@route("POST", "/logout", "logout", "user", summary="Ends the bearer token")
def logout(call: Call[Any]) -> Done:
    call.change(nothing, sessions.end, call.caller.session_id, "logout")
    return DONE


@route(
    "POST", "/forgot-password", "forgot_password", "password", auth="none", body=Forgot,
    summary="Mails a reset token; answers alike for everybody", errors=("password_failed",),
)  # fmt: skip
def forgot_password(call: Call[Any]) -> Done:
    call.change(nothing, voucher_sign_in.ask_for_reset, call.body.email, call.body.user_source)
    return DONE


@route(
    "POST", "/reset-password", "reset_password", "password", auth="none", body=Reset,
    summary="Sets a new password by the mailed token", errors=("password_invalid_token", "password_failed"),
)  # fmt: skip
def reset_password(call: Call[Any]) -> Done:
    body = call.body
    digest = new_password_digest(body.password, body.password_confirmation, body.email)
    voucher_sign_in.reset(portal().db, body.email, body.user_source, body.token, digest, _visit())
    return DONE
