"""Signing up: user name, address, password and captcha; then the code from the mail."""

from typing import Any

from flask import Response, flash, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from sqlalchemy.orm import Session

from portal.errors import N_, Refusal
from portal.http import give_token, know_device, portal, visit
from portal.models.customers import Customer
from portal.services import accounts, captchas, code_requests, identifiers, password_rules, sign_in
from portal.services.accounts import SignUp
from portal.services.captchas import Picture
from portal.web import access, blueprint, problems, rendering
from portal.web.devices import device_secret

#: Where the browser remembers whose sign-up it has just proved by password; the form cookie is signed.
UNVERIFIED = "unverified"
#: The fields of the form from top to bottom, and what is said when nothing stands in them.
FIELDS = {
    "username": N_("Please choose a user name."),
    "email": N_("Please enter your e-mail address."),
    "password": N_("Please enter a password."),
    "captcha_text": N_("Please enter the characters in the picture."),
}


def new_captcha() -> Picture:
    """A fresh captcha for a form."""
    return portal().db.transact(captchas.keep, *captchas.draw())


@blueprint.get("/captcha")
def captcha() -> ResponseReturnValue:
    """The block with a fresh picture, for who cannot read the present one."""
    return rendering.page("signup/signup.html", "captcha", picture=new_captcha(), errors={}, values={})


@blueprint.get("/captcha/<captcha_id>.wav")
def captcha_sound(captcha_id: str) -> ResponseReturnValue:
    """The same characters to hear."""
    text = portal().db.read(captchas.text_of, captcha_id[:24])
    return Response(captchas.speak(text), mimetype="audio/wav")


@blueprint.get("/signup")
def signup() -> ResponseReturnValue:
    """The form."""
    if access.signed_in() is not None:
        return redirect("/wallet", 303)
    return _form({}, {})


def _form(values: dict[str, str], errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    return rendering.page("signup/signup.html", "form", status, picture=new_captcha(), values=values, errors=errors)


@blueprint.post("/signup")
def sign_up() -> ResponseReturnValue:
    """Signs the person up and leads on to the code; `again` only asks for another picture."""
    values = problems.typed("captcha_id", *FIELDS)
    if "again" in request.form:
        return _form(values, {})
    try:
        digest = password_rules.digest_of_new(values["password"], values["username"], values["email"])
        person = SignUp(values["username"], values["email"], digest, locale=str(get_locale() or "zh_Hant_TW"))
        customer_id = accounts.sign_up(
            portal().db, person, values["captcha_id"], values["captcha_text"], visit("web", device_secret())
        )
    except Refusal as refusal:
        found = {**problems.of(refusal, captchaNumber="captcha_text"), **_wrong(values)}
        return _form(values, {name: found[name] for name in sorted(found, key=_place)}, 422)
    session[UNVERIFIED] = customer_id
    answer = redirect("/signup/verify", 303)
    know_device(answer, device_secret())
    return answer


def _place(field: str) -> int:
    """Where a field stands in the form, so that the mistakes are named in the order in which they meet the eye."""
    return list(FIELDS).index(field) if field in FIELDS else -1


def _wrong(values: dict[str, str]) -> dict[str, str]:
    """Everything that is wrong with the entries as they are typed, so that one look mends all."""
    found: dict[str, str] = {}
    for check in (
        lambda: identifiers.canonical_username(values["username"]),
        lambda: identifiers.canonical_email(values["email"]),
        lambda: password_rules.digest_of_new(values["password"], values["username"], values["email"]),
    ):
        try:
            check()
        except Refusal as refusal:
            found.update(problems.of(refusal))
    found.update({field: gettext(words) for field, words in FIELDS.items() if not values[field].strip()})
    return found


def _waiting() -> Customer | None:
    """Whose address waits to be verified in this browser."""
    customer_id = session.get(UNVERIFIED)
    found = portal().db.read(_find, customer_id) if isinstance(customer_id, int) else None
    return found if found is not None and found.email_verified_at is None else None


def _find(opened: Session, customer_id: int) -> Customer | None:
    return opened.get(Customer, customer_id)


@blueprint.get("/signup/verify")
def verify() -> ResponseReturnValue:
    """Asks for the code from the mail."""
    person = _waiting()
    if person is None:
        return redirect("/login", 303)
    return rendering.page("signup/verify.html", "form", email=person.email, errors={})


@blueprint.post("/signup/verify")
def verify_code() -> ResponseReturnValue:
    """Verifies the address and signs in, for this very browser gave the password before."""
    person = _waiting()
    if person is None or person.email is None:
        return redirect("/login", 303)
    code = problems.typed("code")["code"].strip()
    try:
        token = portal().db.transact(_verified, person.email, code, visit("web", device_secret()))
    except Refusal as refusal:
        return rendering.page("signup/verify.html", "form", 422, email=person.email, errors=problems.of(refusal))
    session.pop(UNVERIFIED, None)
    flash(gettext("Welcome! Your e-mail address is verified."), "success")
    answer = redirect("/kyc", 303)
    give_token(answer, token)
    know_device(answer, device_secret())
    return answer


def _verified(opened: Session, email: str, code: str, where: Any) -> str:
    customer_id = accounts.verify_registration(opened, email, code)
    return sign_in.enter(opened, customer_id, where)


@blueprint.post("/signup/verify/again")
def verify_again() -> ResponseReturnValue:
    """Mails another code."""
    person = _waiting()
    if person is not None and person.email is not None:
        portal().db.transact(code_requests.ask, person.email)
        flash(gettext("A new code is on its way. It may take a minute."), "success")
    return redirect("/signup/verify", 303)
