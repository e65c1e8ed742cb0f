"""Customers' accounts: found by name, signed up, verified, given new passwords.

What needs Argon2 takes the database instead of a session and runs in steps, because hashing takes tens of milliseconds in
which no transaction may stay open.
"""

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import Database, context, insert_if_absent, now
from portal.errors import N_, Refusal, declare
from portal.models.columns import new_public_id
from portal.models.customers import Company, Customer
from portal.models.security import VerificationCode
from portal.services import captchas, codes, devices, failures, identifiers, messages, passwords, sessions
from portal.services.devices import Visit

#: An unfinished sign-up keeps its user name and mail address from others no longer than this.
UNVERIFIED_LIFE = timedelta(hours=24)
#: After a password reset withdrawals wait, so that the owner can step in.
HOLD_AFTER_RESET = timedelta(hours=24)
_PASSWORD_TRIES, _PASSWORD_LOCK = 10, timedelta(hours=2)

declare(
    {
        "username_taken": N_("This user name is taken."),
        "email_taken": N_("This e-mail address is registered already."),
        "password_wrong": N_("The password is not right."),
        "verification_failed": N_("The code is not right or has expired. It is valid for 5 minutes."),
    }
)


@dataclass(frozen=True, slots=True)
class SignUp:
    """What a new customer gives: user name and e-mail as typed, the password's digest, and the company they come through."""

    username: str
    email: str
    password_digest: str
    locale: str = "zh_Hant_TW"
    company: str | None = None


def customer(session: Session, customer_id: int) -> Customer:
    """The customer of this number. Raises Refusal `not_found`."""
    found = session.get(Customer, customer_id)
    if found is None:
        raise Refusal("not_found")
    return found


def by_login_name(session: Session, text: str) -> Customer | None:
    """The customer with this user name or e-mail address, in whatever spelling; None for nobody and for the deleted."""
    key = identifiers.login_key(text)
    query = sa.select(Customer).where(sa.or_(Customer.username == key, Customer.email == key))
    found = session.scalar(query)
    return found if found is not None and found.standing != "deleted" else None


def company_id(session: Session, code: str | None = None) -> int:
    """The number of a company; without a code the configured default one, made if need be. Raises Refusal `not_found`."""
    wanted = code or context(session).settings.default_company
    query = sa.select(Company.id).where(Company.code == wanted)
    found = session.scalar(query)
    if found is None and code is None:
        row = {
            "code": wanted,
            "name": wanted.title(),
            "colour": "#0b6b57",
            "sellable_units": 0,
            "created_at": now(session),
        }
        insert_if_absent(session, Company.__table__, row)
        found = session.scalar(query)
    if found is None:
        raise Refusal("not_found")
    return found


def sign_up(db: Database, person: SignUp, captcha_id: str | None, captcha_text: str | None, visit: Visit) -> int:
    """Signs a person up and mails the code that verifies the address; answers the customer's number.

    Raises Refusal `username_invalid`, `email_invalid`, `captcha_wrong` (the captcha is used up by every try), and only
    after a right captcha `username_taken` or `email_taken`.
    """
    username = identifiers.canonical_username(person.username)
    email = identifiers.canonical_email(person.email)
    db.transact(_admit, username, email, captcha_id, captcha_text)
    kept = db.read(passwords.make_hash, person.password_digest)
    return db.transact(_create, person, username, email, kept, visit)


def _admit(session: Session, username: str, email: str, captcha_id: str | None, captcha_text: str | None) -> None:
    captchas.demand(session, captcha_id, captcha_text)
    _free_lapsed(session, username, email)
    taken = _taken(session, username, email)
    if taken is not None:
        raise Refusal(taken[0], field=taken[1], keep=True)


def _taken(session: Session, username: str, email: str) -> tuple[str, str] | None:
    if session.scalar(sa.select(Customer.id).where(Customer.username == username)) is not None:
        return "username_taken", "username"
    if session.scalar(sa.select(Customer.id).where(Customer.email == email)) is not None:
        return "email_taken", "email"
    return None


def _free_lapsed(session: Session, username: str, email: str) -> None:
    """Sign-ups that nobody verified for a day give their names back."""
    session.execute(
        sa.update(Customer)
        .where(
            sa.or_(Customer.username == username, Customer.email == email),
            Customer.email_verified_at.is_(None),
            Customer.phone_verified_at.is_(None),
            Customer.kyc_level == 0,
            Customer.created_at < now(session) - UNVERIFIED_LIFE,
        )
        .values(username=None, email=None, standing="deleted")
        .execution_options(synchronize_session=False)
    )


def _create(session: Session, person: SignUp, username: str, email: str, kept: str, visit: Visit) -> int:
    moment = now(session)
    row = {
        "public_id": new_public_id(),
        "company_id": company_id(session, person.company),
        "username": username,
        "username_shown": identifiers.shown_username(person.username),
        "email": email,
        "password_hash": kept,
        "standing": "normal",
        "registration": "created",
        "kyc_level": 0,
        "locale": person.locale,
        "price_colours": "taiwan",
        "theme": "auto",
        "is_vip": False,
        "known_addresses_only": False,
        "password_changed_at": moment,
        "created_at": moment,
    }
    if not insert_if_absent(session, Customer.__table__, row):
        name, field = _taken(session, username, email) or ("username_taken", "username")
        raise Refusal(name, field=field)
    made = session.scalars(sa.select(Customer).where(Customer.username == username)).one()
    devices.log(session, made.id, devices.REGISTERED, visit)
    send_code(session, made, "registration", "mail")
    return made.id


def send_code(session: Session, person: Customer, purpose: str, channel: str) -> None:
    """Sends a customer a code to what is bound to the account. Raises Refusal `code_too_soon`."""
    target = person.email if channel == "mail" else person.phone
    if not target:
        return
    code = codes.issue(session, purpose, f"customer:{person.id}", channel, target)
    expires_at = now(session) + codes.LIFE
    facts = {"purpose": purpose, "username": person.display_name, "minutes": int(codes.LIFE.total_seconds() // 60)}
    if channel == "mail":
        messages.mail(session, target, "code", person.locale, facts, code=code, expires_at=expires_at)
    else:
        messages.sms(session, target, "code", person.locale, facts, code=code, expires_at=expires_at)


def verify_registration(session: Session, login_name: str, code: str) -> int:
    """Verifies the mail address of a sign-up by its code; answers the customer's number.

    Raises Refusal `verification_failed` (kept) alike for an unknown name, a verified account and a wrong or late code.
    """
    person = by_login_name(session, login_name)
    if person is not None and person.email_verified_at is not None:
        person = None
    _use_code(session, person, login_name, "registration", code)
    assert person is not None
    person.email_verified_at = now(session)
    return person.id


def _use_code(session: Session, person: Customer | None, login_name: str, purpose: str, code: str) -> str:
    """Uses a mailed or texted code up and answers its channel; as much work for nobody as for somebody."""
    counter = failures.key(session, f"code-tries:{purpose}", identifiers.login_key(login_name))
    failures.charge(session, counter, timedelta(hours=1))
    subject = f"customer:{person.id}" if person is not None else "nobody"
    query = sa.select(VerificationCode.channel).where(
        VerificationCode.purpose == purpose,
        VerificationCode.subject == subject,
        VerificationCode.used_at.is_(None),
        VerificationCode.ended_at.is_(None),
    )
    channel = session.scalar(query.order_by(VerificationCode.id.desc()).limit(1)) or "mail"
    target = (person.email if channel == "mail" else person.phone) if person is not None else None
    try:
        codes.verify(session, purpose, subject, target or "-", code)
    except Refusal as refusal:
        if not refusal.keep:
            session.execute(sa.update(VerificationCode).where(VerificationCode.id == -1).values(tries=0))
        raise Refusal("verification_failed", field="code", keep=True) from refusal
    failures.forgive(session, counter)
    return channel


def reset_password(db: Database, login_name: str, code: str, password_digest: str, visit: Visit) -> int:
    """Sets a new password by a code of purpose `password_reset`; answers the customer's number.

    Every session ends, the second factor stays, withdrawals wait 24 hours, and a locked account is open again. Raises
    Refusal `verification_failed` (kept).
    """
    customer_id = db.transact(_use_reset_code, login_name, code)
    kept = db.read(passwords.make_hash, password_digest)
    db.transact(_replace_password, customer_id, kept, visit)
    return customer_id


def _use_reset_code(session: Session, login_name: str, code: str) -> int:
    person = by_login_name(session, login_name)
    if person is not None and person.email_verified_at is None and person.phone_verified_at is None:
        person = None
    _use_code(session, person, login_name, "password_reset", code)
    assert person is not None
    return person.id


def _replace_password(session: Session, customer_id: int, kept: str, visit: Visit) -> None:
    person, moment = customer(session, customer_id), now(session)
    person.password_hash, person.password_changed_at = kept, moment
    person.withdrawals_held_until = moment + HOLD_AFTER_RESET
    if person.standing == "locked":
        person.standing = "normal"
    sessions.end_all(session, customer_id, "password reset")
    for name in (person.username, person.email):
        if name:
            failures.forgive(session, failures.key(session, "login:account", name))
    failures.forgive(session, failures.key(session, "password", customer_id))
    devices.log(session, customer_id, devices.PASSWORD_RECOVERED, visit)
    tell(session, person, "password_reset")


def change_password(
    db: Database, customer_id: int, session_id: int, old_digest: str, new_digest: str, visit: Visit
) -> None:
    """Changes the password and signs out all other devices. Raises Refusal `password_wrong` (kept)."""
    right = db.transact(check_password, customer_id, old_digest)
    if not right:
        raise Refusal("password_wrong", field="oldPassword")
    kept = db.read(passwords.make_hash, new_digest)
    db.transact(_change_password, customer_id, session_id, kept, visit)


def _change_password(session: Session, customer_id: int, session_id: int, kept: str, visit: Visit) -> None:
    person = customer(session, customer_id)
    person.password_hash, person.password_changed_at = kept, now(session)
    sessions.end_all(session, customer_id, "password changed", but=session_id)
    devices.log(session, customer_id, devices.PASSWORD_CHANGED, visit)
    tell(session, person, "password_changed")


def check_password(session: Session, customer_id: int, plain_or_digest: str) -> bool:
    """Whether this is the customer's password (the fund password of the voucher family is the same).

    Wrong ones are counted: after ten in a row every answer is False for two hours. A caller that refuses on False raises
    with `keep=True`, so that the count stands.
    """
    counter = failures.hold(session, failures.key(session, "password", customer_id))
    moment = now(session)
    if counter.locked_until is not None and counter.locked_until > moment:
        return False
    person = customer(session, customer_id)
    digest = plain_or_digest if passwords.is_digest(plain_or_digest) else passwords.digest_of(plain_or_digest)
    if passwords.matches(session, person.password_hash, digest):
        counter.failures, counter.locked_until = 0, None
        session.flush()
        return True
    counter.failures, counter.total, counter.last_at = counter.failures + 1, counter.total + 1, moment
    if counter.failures >= _PASSWORD_TRIES:
        counter.failures, counter.locked_until = 0, moment + _PASSWORD_LOCK
    session.flush()
    return False


def tell(session: Session, person: Customer, event: str) -> None:
    """Mails the owner that something about the account's security changed."""
    if person.email:
        facts = {"event": event, "at_ms": int(now(session).timestamp() * 1000)}
        messages.mail(session, person.email, "account_changed", person.locale, facts)
