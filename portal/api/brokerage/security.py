"""The second factor and the sign-in log in the brokerage dialect."""

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy.orm import Session

from portal.api.brokerage.accounts import with_token
from portal.api.brokerage.errors import saying
from portal.api.brokerage.family import envelope, family
from portal.api.family import Call
from portal.api.parsing import Model
from portal.clock import to_ms
from portal.errors import Refusal
from portal.http import portal, visit
from portal.models.customers import SignInEvent
from portal.services import devices, factors, second_factor, sessions, sign_in

MOST_ROWS = 100


Code = Annotated[str | int, Field(description="Six digits of the authenticator")]


class Totp(Model):
    """A code of the authenticator."""

    totpCode: Code


class BindTotp(Model):
    """A code and the secret it was made with."""

    totpCode: Code
    totpKey: Annotated[str, Field(description="The secret from `apply_google_device_authenticator`")]


def code_text(code: str | int) -> str:
    """The code as its six digits, however it was sent."""
    return f"{code:06d}" if isinstance(code, int) and 0 <= code < 10**6 else str(code)[:40]


@family.route(
    "GET", "/user/apply_google_device_authenticator", "apply_google_authenticator", auth="session",
    summary="A secret to bind within 15 minutes; asked again, the same one", errors=("totp_bound", "session_required"),
    example={"qecode": "otpauth://totp/castiello520@bitgin@BTSE?secret=IKIEJ74IDKOSJLNF", "code": 1, "totpKey": "IKIEJ74IDKOSJLNF"},
)  # fmt: skip
def apply_google_authenticator(call: Call[Any]) -> Any:
    pending = portal().db.transact(factors.begin_totp, call.caller.customer_id)
    return {"qecode": pending.uri, "code": 1, "totpKey": pending.secret}


@family.route(
    "POST", "/user/bind_google_device_authenticator", "bind_google_device", auth="session", body=BindTotp,
    summary="Bind the secret that was given out, proved by one of its codes", example="绑定成功",
    errors=("totp_secret_foreign", "totp_unbound", "totp_locked", "totp_wrong", "session_required"),
)  # fmt: skip
def bind_google_device(call: Call[Any]) -> Any:
    body: BindTotp = call.body
    portal().db.transact(
        factors.bind_totp, call.caller.customer_id, code_text(body.totpCode), body.totpKey, visit("brokerage")
    )
    return "绑定成功"


@family.route(
    "POST", "/user/unbind_google_device_authenticator", "unbind_google_device", auth="session", body=Totp,
    summary="Take the authenticator off, proved by one of its codes", example="解绑成功",
    errors=("totp_unbound", "totp_locked", "totp_wrong", "session_required"),
)  # fmt: skip
def unbind_google_device(call: Call[Any]) -> Any:
    code = code_text(call.body.totpCode)
    portal().db.transact(factors.unbind_totp, call.caller.customer_id, code, visit("brokerage"))
    return "解绑成功"


@family.route(
    "POST", "/user/reauthenticate_with_credential", "reauthenticate_with_credential", auth="session", body=Totp,
    summary="Prove again who you are; risky acts stay open for ten minutes", example="验证成功",
    errors=("totp_unbound", "totp_locked", "totp_wrong", "session_required"),
)  # fmt: skip
def reauthenticate_with_credential(call: Call[Any]) -> Any:
    portal().db.transact(_reauthenticate, call.caller, code_text(call.body.totpCode))
    return "验证成功"


def _reauthenticate(session: Session, caller: sessions.SignedIn, code: str) -> None:
    second_factor.check_totp(session, "customer", caller.customer_id, code)
    devices.reauthenticated(session, caller.session_id)


@family.route(
    "POST", "/user/check/2FA", "check_2fa", auth="second_factor", body=Totp,
    summary="The second step of signing in; answers the token of the full session",
    errors=("second_step_failed", "totp_locked", "session_required"),
    example={
        "accountTokenInfo": None, "bandGoogle": False, "errorcode": None, "fiat": False, "isFiat": False, "key": None,
        "msg": None, "secretKey": None, "token": "USER_TOKEN_LOGIN_9f8785c7f9b578bec2c09e616568d270_29aab9c0e5754bb5922fc37729bf8004",
        "tokenUuid": "29aab9c0e5754bb5922fc37729bf8004", "userinfo": None, "value": None,
    },
)  # fmt: skip
def check_2fa(call: Call[Any]) -> Any:
    """The waiting session ends and a full one begins; a recovery code may stand in the code's place."""
    wrong = "second_step_failed"
    with saying(totp_wrong=wrong, totp_unbound=wrong, recovery_code_wrong=wrong):
        token = portal().db.transact(
            sign_in.second_step_by_totp, call.caller, code_text(call.body.totpCode), visit("brokerage")
        )
    data = {
        "accountTokenInfo": None,
        "bandGoogle": False,
        "errorcode": None,
        "fiat": False,
        "isFiat": False,
        "key": None,
        "msg": None,
        "secretKey": None,
        "token": token,
        "tokenUuid": sessions.token_uuid(token),
        "userinfo": None,
        "value": None,
    }
    return with_token(envelope(1, None, data), token)


class LogQuery(Model):
    """A page of the log."""

    pageSize: Annotated[str, Field(description="Rows per page, 1 to 100")] = "10"
    pageNum: Annotated[str, Field(description="Page, from 1")] = "1"


@family.route(
    "GET", "/user/login_log", "login_log", auth="session", query=LogQuery,
    summary="What happened at the door, newest first (the latest 1000 events)", errors=("input_invalid", "session_required"),
    example={"dataList": [{"area": "-", "browser": "Chrome 91.0.4472.114", "city": None, "ip": "10.1.10.109",
                           "logTime": 1624419855823, "operationCode": 1001, "os": "Windows 10"}]},
)  # fmt: skip
def login_log(call: Call[Any]) -> Any:
    size, number = whole(call.query.pageSize, "pageSize", MOST_ROWS), whole(call.query.pageNum, "pageNum", 10**6)
    return call.look(_login_log, call.caller.customer_id, size, number)


def _login_log(session: Session, customer_id: int, size: int, number: int) -> dict[str, Any]:
    events = devices.sign_in_log(session, customer_id, limit=size, skip=size * (number - 1))
    return {"dataList": [present_event(event) for event in events]}


def present_event(event: SignInEvent) -> dict[str, Any]:
    """One line of the log. Where an address lies is not looked up."""
    return {
        "area": "-",
        "browser": event.browser,
        "city": None,
        "ip": event.ip,
        "logTime": to_ms(event.at),
        "operationCode": event.operation_code,
        "os": event.os,
    }


def whole(text: str, field: str, most: int) -> int:
    """A whole number from 1. Raises Refusal `input_invalid`."""
    if not (text.isascii() and text.isdigit() and len(text) < 8) or not 1 <= int(text) <= most:
        raise Refusal("input_invalid", field=field)
    return int(text)
