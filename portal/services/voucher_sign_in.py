"""Signing in at the voucher door: e-mail, password and company, with the authenticator's code beside them when one is bound.

The door knows no captcha, so an account with many wrong tries in a row waits instead.
"""

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import Database
from portal.errors import Refusal
from portal.models.customers import Company, Customer
from portal.services import (
    accounts,
    code_requests,
    companies,
    failures,
    identifiers,
    passwords,
    sessions,
    sign_in,
    voucher_profiles,
)
from portal.services.devices import Visit
from portal.services.sign_in import Credentials

#: After so many wrong passwords in a row an account opens here once per window at most.
WRONG_IN_A_ROW, WINDOW = 10, timedelta(minutes=15)

#: A reset mail can be asked for once in this time.
RESET_EVERY = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Entered:
    """A signed-in customer: the bearer token, who it is, and the name from the bank account (None before there is one)."""

    token: str
    customer: Customer
    name: str | None


def enter(db: Database, email: str, password: str, source: str, totp: str | None, visit: Visit) -> Entered:
    """Signs a customer of that company in.

    Raises Refusal `sign_in_wrong` (kept) for an unknown mail, another company and a wrong password alike,
    `too_many_requests`, `second_factor_required` without a code where one is needed, `totp_wrong` or `totp_locked`
    (kept), `account_restricted`.
    """
    db.read(_refuse_many, email)
    digest = password if passwords.is_digest(password) else passwords.digest_of(password)
    credentials = Credentials(login_name=email, password_digest=digest, company=source)
    entrance = sign_in.sign_in(db, credentials, visit, with_captcha=False)
    if entrance.token is None:
        raise Refusal("account_restricted")
    token = entrance.token
    if entrance.scope == sessions.SECOND_FACTOR:
        token = _second_step(db, token, totp, visit)
    return Entered(token, entrance.customer, db.read(voucher_profiles.name_of, entrance.customer.id))


def _refuse_many(session: Session, email: str) -> None:
    key = failures.key(session, "login:account", identifiers.login_key(email))
    if failures.count(session, key, WINDOW) >= WRONG_IN_A_ROW:
        raise Refusal("too_many_requests", retry_after_seconds=int(WINDOW.total_seconds()))


def _second_step(db: Database, waiting_token: str, totp: str | None, visit: Visit) -> str:
    """Proves the authenticator; the half-open session never stays behind."""
    waiting = sessions.resolve(db, waiting_token)
    if waiting is None:
        raise Refusal("second_factor_required")
    try:
        if not totp:
            raise Refusal("second_factor_required", field="totp")
        return db.transact(sign_in.second_step_by_totp, waiting, totp, visit)
    except Refusal:
        db.transact(sessions.end, waiting.session_id, "second step failed")
        raise


def ask_for_reset(session: Session, email: str, source: str) -> None:
    """Mails the reset token to a customer of that company; the same answer for anybody else. Who it is, the worker looks.

    Asked again at once it answers alike and mails nothing. Raises Refusal `email_invalid`, `input_invalid` for an
    unknown company.
    """
    address = identifiers.canonical_email(email)
    companies.by_code(session, source)
    if failures.spend(session, failures.key(session, "voucher-reset", address), 1, RESET_EVERY) is not None:
        return
    code_requests.ask(session, address, company=source)


def reset(db: Database, email: str, source: str, token: str, password_digest: str, visit: Visit) -> None:
    """Sets a new password by the mailed token. Raises Refusal `verification_failed` (kept) for whatever is wrong."""
    belongs = db.read(_is_of, email, source)
    accounts.reset_password(db, email if belongs else "nobody", token[:64], password_digest, visit)


def _is_of(session: Session, email: str, source: str) -> bool:
    person = accounts.by_login_name(session, email)
    return person is not None and _belongs(session, person, source)


def _belongs(session: Session, person: Customer, source: str) -> bool:
    return session.scalar(sa.select(Company.code).where(Company.id == person.company_id)) == source
