"""Sign-up of voucher customers: five calls, phone first. Contract: register_phone … register_set_password."""

from typing import Any

from flask import request

from portal.api.family import Call
from portal.api.parsing import Model
from portal.api.voucher.family import DONE, Done, nothing, route
from portal.errors import Refusal
from portal.http import client_address, portal
from portal.services import password_rules, passwords, registrations
from portal.services.registrations import Proof

#: Answered by `verify_phone`, sent with the later steps: whoever proved the phone goes on.
TOKEN_HEADER = "Registration-Token"

OUT_OF_STEP = "user_invalid_status_or_verified"


class Phone(Model):
    """The phone that signs up; a number without country is one of `country_code`."""

    phone: str
    user_source: str
    country_code: str = "TW"

    def key(self) -> tuple[str, str, str]:
        """Company, phone and country, as every step takes them. Raises Refusal `input_invalid`."""
        code = self.country_code
        if len(code) != 2 or not code.isascii() or not code.isalpha():
            raise Refusal("input_invalid", field="country_code")
        return self.user_source, self.phone, code.upper()


class PhoneCode(Phone):
    otp: str


class Email(Phone):
    email: str


class EmailCode(Email):
    otp: str


class Password(Email):
    password: str
    password_confirmation: str


def new_password_digest(password: str, confirmation: str, *about: str) -> str:
    """The digest of a new password given twice. Raises Refusal `input_invalid` and those of `password_rules`."""
    if password != confirmation:
        raise Refusal("input_invalid", field="password_confirmation")
    if passwords.is_digest(password):
        return password_rules.new_digest(password)
    return password_rules.digest_of_new(password, *about)


def proof() -> Proof:
    """Who calls: the token of the first step, if sent, and the address."""
    return Proof(request.headers.get(TOKEN_HEADER), client_address())


@route(
    "POST", "/register/register_phone", "register_phone", "user", auth="none", body=Phone,
    summary="Sends a code to the phone that signs up", errors=("user_request_otp_too_often", "user_failed"),
)  # fmt: skip
def register_phone(call: Call[Any]) -> Done:
    call.change(nothing, registrations.start, *call.body.key(), client_address())
    return DONE


@route(
    "POST", "/register/verify_phone", "register_verify_phone", "user", auth="none", body=PhoneCode,
    summary="Proves the phone; the Registration-Token header of the answer is needed later",
    errors=("user_invalid_otp", "user_otp_expired", OUT_OF_STEP, "user_failed"),
)  # fmt: skip
def verify_phone(call: Call[Any]) -> Done:
    # Not kept under an idempotency key: the token must not lie in a stored answer.
    source, phone, country = call.body.key()
    token = portal().db.transact(registrations.verify_phone, source, phone, country, call.body.otp, client_address())
    call.headers[TOKEN_HEADER] = token
    return DONE


@route(
    "POST", "/register/set_email", "register_set_email", "user", auth="none", body=Email,
    summary="Sends a code to the mail address",
    errors=("user_email_was_taken", OUT_OF_STEP, "user_request_otp_too_often", "user_failed"),
)  # fmt: skip
def set_email(call: Call[Any]) -> Done:
    call.change(nothing, registrations.set_email, *call.body.key(), call.body.email, proof())
    return DONE


@route(
    "POST", "/register/verify_email", "register_verify_email", "user", auth="none", body=EmailCode,
    summary="Proves the mail address", errors=("user_invalid_otp", "user_otp_expired", OUT_OF_STEP, "user_failed"),
)  # fmt: skip
def verify_email(call: Call[Any]) -> Done:
    call.change(nothing, registrations.verify_email, *call.body.key(), call.body.email, call.body.otp, proof())
    return DONE


@route(
    "POST", "/register/set_password", "register_set_password", "user", auth="none", body=Password,
    summary="Makes the account with its password and TRON wallet",
    errors=(OUT_OF_STEP, "account_invalid_wallet", "user_failed"),
)  # fmt: skip
def set_password(call: Call[Any]) -> Done:
    body = call.body
    digest = new_password_digest(body.password, body.password_confirmation, body.email)
    kept = portal().db.read(passwords.make_hash, digest)
    call.change(nothing, registrations.set_password, *body.key(), body.email, kept, proof())
    return DONE
