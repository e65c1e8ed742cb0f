"""Accounts in the brokerage dialect: sign-up, sign-in, captchas, codes, passwords, who is signed in."""

from typing import Annotated, Any

from flask import Response
from pydantic import Field, WithJsonSchema
from sqlalchemy.orm import Session

from portal.api.brokerage.errors import saying
from portal.api.brokerage.family import envelope, family
from portal.api.family import Call
from portal.api.parsing import Model
from portal.errors import Refusal
from portal.http import client_address, give_token, portal, take_token, visit
from portal.models.customers import Customer
from portal.services import (
    accounts,
    captchas,
    code_requests,
    devices,
    identifiers,
    password_rules,
    passwords,
    quotes,
    second_factor,
    sessions,
    sign_in,
)  # fmt: skip
from portal.services.accounts import SignUp
from portal.services.sign_in import Credentials

#: What an administrator (or nobody yet) says of a customer → userStatus (enum user_status).
USER_STATUS = {"normal": 1, "blocked": 3, "deleted": 5, "suspended": 6, "locked": 7, "not_tradable": 8}
NOT_ACTIVATED = 4


#: A text that the service judges itself, because its refusal carries more than a field's name.
def _text_of(description: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": description})


Name = Annotated[str, Field(description="User name or e-mail")]
Digest = Annotated[str, Field(description="SHA-256 of the password as 64 hexadecimal characters", max_length=1024)]


def user_status(person: Customer) -> int:
    """userStatus: 4 until the mail address is verified, then the administrators' word."""
    if person.standing == "normal" and person.email_verified_at is None and person.phone_verified_at is None:
        return NOT_ACTIVATED
    return USER_STATUS.get(person.standing, 1)


def shown_name(person: Customer) -> str:
    """The user name; a customer without one shows the e-mail in its place."""
    return person.username_shown or person.email or person.phone or ""


def present_user(person: Customer, has_authenticator: bool) -> dict[str, Any]:
    """UserData. A restricted customer is allowed nothing; one who may not trade keeps the rest."""
    level = person.kyc_level if person.standing in ("normal", "not_tradable") else 0
    return {
        "username": shown_name(person),
        "email": person.email or "",
        "is2FA": has_authenticator,
        "isKyc": person.kyc_level >= 1,
        "userStatus": user_status(person),
        "kycLevel": person.kyc_level,
        "allowCryptoDeposit": level >= 1,
        "allowCryptoWithdrawal": level >= 2,
        "allowFiatDeposit": level == 3,
        "allowFiatWithdrawal": level == 3,
        "allowTrade": level >= 2 and person.standing == "normal",
        "allowTransfer": level >= 2,
    }


@family.route(
    "GET", "/login_status", "check_login_status", auth="optional", summary="Whether the caller is signed in",
    example={"isLogin": False},
)  # fmt: skip
def login_status(call: Call[Any]) -> Any:
    """A session that still waits for its second step is not signed in."""
    return {"isLogin": call.caller is not None and call.caller.scope == sessions.FULL}


@family.route(
    "GET", "/user", "user_info", auth="session", summary="Who is signed in, and what they may do",
    errors=("session_required",),
    example={
        "username": "chiakai5", "email": "chiakai.chenggga@nogle.com", "is2FA": True, "isKyc": True, "userStatus": 1,
        "kycLevel": 3, "allowCryptoDeposit": True, "allowCryptoWithdrawal": True, "allowFiatDeposit": True,
        "allowFiatWithdrawal": True, "allowTrade": True, "allowTransfer": True,
    },
)  # fmt: skip
def user(call: Call[Any]) -> Any:
    return call.look(_user, call.caller.customer_id)


def _user(session: Session, customer_id: int) -> dict[str, Any]:
    bound = second_factor.is_bound(session, "customer", customer_id)
    return present_user(accounts.customer(session, customer_id), bound)


@family.route(
    "GET", "/user/vip_info", "vip_info", auth="session", summary="Whether the customer is a VIP, and their spread in percent",
    errors=("session_required",), example={"isVIP": False, "spread": 0.1},
)  # fmt: skip
def vip_info(call: Call[Any]) -> Any:
    return call.look(_vip_info, call.caller.customer_id)


def _vip_info(session: Session, customer_id: int) -> dict[str, Any]:
    person = accounts.customer(session, customer_id)
    spread = quotes.spread_percent(session, person.is_vip, person.spread_override_bp)
    return {"isVIP": person.is_vip, "spread": spread}


@family.route("GET", "/captcha/image", "captcha_image", auth="none", summary="A picture to read; it serves once and lives 5 minutes",
              example={"img": "/9j/4AAQSkZJRgABAgAAAQAB...", "captchaId": "8954095715907911473"})  # fmt: skip
def captcha_image(call: Call[Any]) -> Any:
    picture = portal().db.transact(captchas.keep, *captchas.draw())
    return {"img": picture.base64, "captchaId": picture.captcha_id}


class Register(Model):
    """A new customer."""

    username: Annotated[str, Field(description="3 to 32 letters, digits, dots, hyphens or underscores")]
    email: Annotated[str, Field(description="Where the code goes")]
    password: Digest
    captchaId: Annotated[str, Field(description="From `/captcha/image`")]
    captchaNumber: Annotated[str, Field(description="What the picture shows; case does not matter")]
    lang: Annotated[str, Field(description="Language of mails, `zh-TW` or `en`")] = "zh-TW"


@family.route(
    "POST", "/register", "register", auth="none", summary="Sign up; a code is mailed that `/verify` asks for", body=Register,
    errors=("username_taken", "captcha_wrong", "email_taken", "username_invalid", "email_invalid", "password_invalid"),
)  # fmt: skip
def register(call: Call[Any]) -> Any:
    """A user name or address that is taken is told only after a right captcha; the captcha is used up by every try."""
    body: Register = call.body
    person = SignUp(
        username=body.username,
        email=body.email,
        password_digest=password_rules.new_digest(body.password),
        locale="en" if body.lang.lower().startswith("en") else "zh_Hant_TW",
    )
    with saying(code_too_soon="mail_not_sent"):
        accounts.sign_up(portal().db, person, body.captchaId, body.captchaNumber, visit("brokerage"))
    return None


class Verify(Model):
    """The code of a sign-up."""

    loginName: Name
    code: Annotated[str, Field(description="Six digits from the mail, valid for 5 minutes")]


@family.route(
    "POST", "/verify", "verify_registration", auth="none", summary="Verify the mail address of a sign-up by its six-digit code",
    body=Verify, errors=("input_missing", "verification_failed"),
)  # fmt: skip
def verify(call: Call[Any]) -> Any:
    body: Verify = call.body
    _named(body.loginName)
    portal().db.transact(accounts.verify_registration, body.loginName, body.code)
    return None


class Login(Model):
    """What is typed to sign in."""

    loginName: Annotated[Any, _text_of("User name or e-mail")] = None
    password: Annotated[Any, _text_of("SHA-256 of the password as 64 hexadecimal characters")] = None
    captchaId: Annotated[Any, _text_of("From `/captcha/image`, after three wrong tries in a row")] = None
    captchaNumber: Annotated[Any, _text_of("What the picture shows")] = None
    lang: Annotated[Any, _text_of("Language, `zh-TW` or `en`")] = None

    model_config = {**Model.model_config, "json_schema_extra": {"required": ["loginName", "password"]}}


@family.route(
    "POST", "/login", "login", auth="none", summary="Sign in; the token comes as cookie and header `token`", body=Login,
    errors=("captcha_wrong", "login_name_missing", "sign_in_wrong"),
    example={"email": "gerry014@nogle.com", "username": "gerry014", "userStatus": 1, "is2FA": True, "isKyc": True},
)  # fmt: skip
def login(call: Call[Any]) -> Any:
    """Errors carry `data.wrongTime`, wrong tries in a row; from the third on a captcha is asked for.

    With a second factor the token is good for `/user/check/2FA` only. A locked or suspended customer gets no token.
    """
    body: Login = call.body
    texts = [_text(value) for value in (body.loginName, body.password, body.captchaId, body.captchaNumber)]
    name, password, captcha_id, captcha_text = texts
    digest = password if passwords.is_digest(password) else passwords.digest_of(password)
    credentials = Credentials(name, digest, captcha_id or None, captcha_text or None)
    entrance = sign_in.sign_in(portal().db, credentials, visit("brokerage"))
    person = entrance.customer
    data = {
        "email": person.email or "",
        "username": shown_name(person),
        "userStatus": user_status(person),
        "is2FA": entrance.has_second_factor,
        "isKyc": person.kyc_level >= 1,
    }
    return with_token(envelope(1, None, data), entrance.token)


def with_token(response: Response, token: str | None) -> Response:
    """Hands the token out as cookie and as response header (reading B6)."""
    if token is not None:
        give_token(response, token)
        response.headers["token"] = token
    return response


def _text(value: object) -> str:
    """Whatever was sent as a text of bounded length; what is no text is no name and no password."""
    return value[:4000].replace("\x00", "\ufffd") if isinstance(value, str) else "" if value is None else "\ufffd"


@family.route("POST", "/logout", "logout", auth="second_factor", summary="Sign out", errors=("session_required",))
def logout(call: Call[Any]) -> Any:
    portal().db.transact(devices.sign_out, call.caller.session_id, call.caller.customer_id, visit("brokerage"))
    response = envelope(1, "Logout", None)
    take_token(response)
    return response


class ApplyCode(Model):
    """Where a code is wanted: by mail, or with `mobilePhone` by SMS."""

    loginName: Name
    mobilePhone: Annotated[str | None, Field(description="E.164; when empty the code goes by e-mail")] = None


@family.route(
    "POST", "/apply_verification_code", "apply_verification_code", auth="optional", body=ApplyCode,
    summary="Ask for a code: registration, password reset, or (signed in, with mobilePhone) the KYC mobile number",
    errors=("input_missing", "mail_not_sent", "sms_not_sent"), example={"email": "123@223.323"},
)  # fmt: skip
def apply_verification_code(call: Call[Any]) -> Any:
    """Everyone is answered alike; a code goes only to what is bound to the account, or to the number being proved."""
    body: ApplyCode = call.body
    _named(body.loginName)
    mobile = body.mobilePhone or None
    failed = "mail_not_sent" if mobile is None else "sms_not_sent"
    database = portal().db
    if portal().settings.rate_limits and not database.transact(code_requests.spend_address, client_address()):
        raise Refusal(failed, retry_after_seconds=3600)
    own = call.caller is not None and database.read(_is_own, call.caller, body.loginName)
    if mobile is None:
        database.transact(code_requests.ask, body.loginName)
        email = body.loginName if "@" in body.loginName else "***"
        return envelope(1, None, {"email": database.read(_email, call.caller.customer_id) if own else email})
    with saying(phone_invalid="input_invalid", code_too_soon=failed, codes_spent=failed):
        number = identifiers.canonical_phone(mobile)
        if own and call.caller.scope == sessions.FULL:
            database.transact(code_requests.ask_for_phone, call.caller.customer_id, number)
        else:
            database.transact(code_requests.ask, body.loginName, number)
    return envelope(1, None, {"mobilePhone": number})


def _is_own(session: Session, caller: sessions.SignedIn, login_name: str) -> bool:
    found = accounts.by_login_name(session, login_name)
    return found is not None and found.id == caller.customer_id


def _email(session: Session, customer_id: int) -> str:
    return accounts.customer(session, customer_id).email or ""


class ForgetPassword(Model):
    """A new password, proved by the code that was sent."""

    username: Name
    codeEmail: Annotated[str, Field(description="The code that was sent")]
    newPassword: Digest


NESTED = {"code": 1, "data": None, "msg": "Success", "success": True, "time": 1624419343275}


def nested() -> dict[str, Any]:
    """The whole envelope that the password calls carry in `data` (reading B9)."""
    return {**NESTED, "time": portal().clock.now_ms()}


@family.route(
    "POST", "/user/forget_password", "forget_password", auth="none", body=ForgetPassword, example=NESTED,
    summary="Set a new password by a code; all sessions end and withdrawals wait 24 hours",
    errors=("reset_code_wrong", "update_failed"),
)  # fmt: skip
def forget_password(call: Call[Any]) -> Any:
    body: ForgetPassword = call.body
    _named(body.username, "username")
    with saying(verification_failed="reset_code_wrong", password_common="update_failed"):
        digest = password_rules.new_digest(body.newPassword, "newPassword")
        accounts.reset_password(portal().db, body.username, body.codeEmail, digest, visit("brokerage"))
    return nested()


class ChangePassword(Model):
    """The old and the new password."""

    oldPassword: Digest
    newPassword: Digest


@family.route(
    "POST", "/user/change_password", "change_password", auth="session", body=ChangePassword, example=NESTED,
    summary="Change the password; all other devices are signed out",
    errors=("password_wrong", "update_failed", "session_required"),
)  # fmt: skip
def change_password(call: Call[Any]) -> Any:
    body: ChangePassword = call.body
    with saying(password_common="update_failed"):
        digest = password_rules.new_digest(body.newPassword, "newPassword")
        accounts.change_password(
            portal().db, call.caller.customer_id, call.caller.session_id, body.oldPassword, digest, visit("brokerage")
        )
    return nested()


def _named(text: str, field: str = "loginName") -> None:
    if not text.strip():
        raise Refusal("input_missing", field=field)
