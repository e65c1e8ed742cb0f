"""Signing in: password, growing captcha rule, second step. The same for every door, and the same for accounts that do not exist.

A try is counted before it is judged and forgiven when it was right, so that many tries at once are many tries. It runs in
three steps, because Argon2 takes tens of milliseconds in which no transaction may stay open.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import Database, context, now
from portal.errors import N_, Refusal, declare
from portal.models.customers import ClientSession, Company, Customer
from portal.services import (
    accounts,
    captchas,
    devices,
    failures,
    identifiers,
    passkeys,
    passwords,
    second_factor,
    sessions,
)
from portal.services.devices import Visit
from portal.services.sessions import FULL, SECOND_FACTOR, SignedIn

#: After so many wrong tries in a row a captcha is asked for.
CAPTCHA_AFTER = 3
_ACCOUNT_WINDOW, _ADDRESS_WINDOW = timedelta(hours=24), timedelta(hours=1)
#: Standings with which a right password opens no session; the owner is told.
_SHUT = ("locked", "suspended")

declare(
    {
        "login_name_missing": N_("Please enter your user name or e-mail address."),
        "sign_in_wrong": N_("The user name or the password is not right."),
        "captcha_needed": N_("Please enter the characters from the picture as well."),
    }
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is typed to sign in; the password as its digest. `company` is the voucher family's user source."""

    login_name: str
    password_digest: str
    captcha_id: str | None = None
    captcha_text: str | None = None
    company: str | None = None


@dataclass(frozen=True, slots=True)
class Entrance:
    """How a sign-in with a right password ends: a token, full or good for the second step only; none when shut out."""

    customer: Customer
    token: str | None
    scope: str
    has_second_factor: bool


@dataclass(frozen=True, slots=True)
class _Try:
    customer_id: int | None
    password_hash: str | None
    wrong_time: int
    address_share: int


def wrong_time(session: Session, login_name: str, ip: str) -> int:
    """Wrong tries in a row, on this name or from this address, whichever are more."""
    account, address, _ = _counters(session, identifiers.login_key(login_name), ip)
    return max(failures.count(session, account, _ACCOUNT_WINDOW), _from_address(session, address))


def needs_captcha(session: Session, login_name: str, ip: str) -> bool:
    """Whether the next try has to come with a captcha."""
    return wrong_time(session, login_name, ip) >= CAPTCHA_AFTER


def sign_in(
    db: Database, credentials: Credentials, visit: Visit, *, with_captcha: bool = True, unverified_too: bool = True
) -> Entrance:
    """Signs a customer in; `unverified_too` opens a session for one whose mail address is not verified yet.

    Raises Refusals that are all kept and carry `data={"wrongTime": n}`: `login_name_missing`, `captcha_needed`,
    `captcha_wrong`, and `sign_in_wrong` for an unknown name, another company and a wrong password alike.
    """
    tried = db.transact(_begin, credentials, visit, with_captcha)
    right = db.read(passwords.matches, tried.password_hash, credentials.password_digest)
    return db.transact(_finish, credentials, visit, tried, right, unverified_too)


def _begin(session: Session, credentials: Credentials, visit: Visit, with_captcha: bool) -> _Try:
    name = credentials.login_name.strip()
    key = identifiers.login_key(name)
    account, address, pair = _counters(session, key, visit.ip)
    for counter in (account, address):
        failures.hold(session, counter)  # tries of one name, or from one address, are judged one after another
    wrong = max(failures.count(session, account, _ACCOUNT_WINDOW), _from_address(session, address))
    if not name:
        failures.charge(session, address, _ADDRESS_WINDOW)
        raise _refused("login_name_missing", max(1, _from_address(session, address)), "loginName")
    if with_captcha and wrong >= CAPTCHA_AFTER:
        if not credentials.captcha_id and not credentials.captcha_text:
            raise _refused("captcha_needed", wrong, "captchaNumber")
        if not captchas.use(session, credentials.captcha_id, credentials.captcha_text):
            raise _refused("captcha_wrong", wrong, "captchaNumber")
    by_account = failures.charge(session, account, _ACCOUNT_WINDOW)
    failures.charge(session, address, _ADDRESS_WINDOW)
    share = failures.charge(session, pair, _ADDRESS_WINDOW)
    person = accounts.by_login_name(session, name)
    company = session.scalar(sa.select(Company.code).where(Company.id == (person.company_id if person else -1)))
    if person is not None and credentials.company is not None and company != credentials.company:
        person = None
    wrong = max(by_account, _from_address(session, address))
    return _Try(person.id if person else None, person.password_hash if person else None, wrong, share)


def _finish(
    session: Session, credentials: Credentials, visit: Visit, tried: _Try, right: bool, unverified_too: bool
) -> Entrance:
    if not right or tried.customer_id is None:
        devices.log(session, tried.customer_id, devices.SIGN_IN_FAILED, visit)
        raise _refused("sign_in_wrong", tried.wrong_time, "password")
    person = accounts.customer(session, tried.customer_id)
    if person.password_hash != tried.password_hash or person.standing == "deleted":
        raise _refused("sign_in_wrong", tried.wrong_time, "password")
    _forgive(session, person, credentials.login_name, visit.ip, tried.address_share)
    bound = second_factor.is_required(session, "customer", person.id)
    unverified = person.email is not None and person.email_verified_at is None and person.phone_verified_at is None
    if person.standing in _SHUT or (unverified and not unverified_too):
        return Entrance(person, None, FULL, bound)
    scope = SECOND_FACTOR if bound else FULL
    return Entrance(person, _open(session, person, scope, visit), scope, bound)


def pass_second_step(session: Session, waiting: SignedIn, visit: Visit) -> str:
    """Replaces a session by a full one and answers its token, once the second factor was proved in the same transaction.

    Raises Refusal `session_required` when the session ended meanwhile.
    """
    if not sessions.end(session, waiting.session_id, "second step"):
        raise Refusal("session_required")
    person = accounts.customer(session, waiting.customer_id)
    if person.standing in (*_SHUT, "deleted"):
        raise Refusal("session_required")
    return _open(session, person, FULL, visit)


def second_step_by_totp(session: Session, waiting: SignedIn, code: str, visit: Visit) -> str:
    """The second step by authenticator, or by a recovery code typed in its place; answers the full session's token.

    Raises what `check_totp` and `use_recovery_code` raise.
    """
    if len(code) > 6:
        return second_step_by_recovery_code(session, waiting, code, visit)
    second_factor.check_totp(session, "customer", waiting.customer_id, code)
    return pass_second_step(session, waiting, visit)


def second_step_by_recovery_code(session: Session, waiting: SignedIn, code: str, visit: Visit) -> str:
    """The second step by a recovery code; raises what `use_recovery_code` raises."""
    second_factor.use_recovery_code(session, "customer", waiting.customer_id, code[:40])
    return pass_second_step(session, waiting, visit)


def second_step_by_passkey(session: Session, waiting: SignedIn, credential: Any, visit: Visit) -> str:
    """The second step by passkey; raises what `passkeys.check` raises."""
    passkeys.check(session, "customer", waiting.customer_id, credential)
    return pass_second_step(session, waiting, visit)


def enter(session: Session, customer_id: int, visit: Visit) -> str:
    """Opens a session for somebody who has just proved who they are otherwise; answers its token."""
    person = accounts.customer(session, customer_id)
    if person.standing in (*_SHUT, "deleted"):
        raise Refusal("session_required")
    scope = SECOND_FACTOR if second_factor.is_required(session, "customer", customer_id) else FULL
    return _open(session, person, scope, visit)


def _open(session: Session, person: Customer, scope: str, visit: Visit) -> str:
    token = sessions.open_session(
        session,
        person.id,
        visit.family,
        scope,
        ip=visit.ip,
        user_agent=visit.user_agent,
        device_digest=visit.device_digest,
    )
    if scope == FULL:
        devices.arrived(session, person, sessions.id_of(session, token), visit)
    return token


def _forgive(session: Session, person: Customer, login_name: str, ip: str, share: int) -> None:
    """A right password takes back what the same person failed; what others failed from the address stays counted."""
    for name in {identifiers.login_key(login_name), person.username, person.email}:
        if name:
            failures.forgive(session, failures.key(session, "login:account", name))
    _, address, pair = _counters(session, identifiers.login_key(login_name), ip)
    failures.forgive(session, address, share)
    failures.forgive(session, pair)


def _counters(session: Session, key: str, ip: str) -> tuple[str, str, str]:
    return (
        failures.key(session, "login:account", key),
        failures.key(session, "login:address", ip),
        failures.key(session, "login:pair", f"{key} {ip}"),
    )


def _from_address(session: Session, address: str) -> int:
    """Wrong tries from the address; limits by network address can be lifted in the sandbox."""
    return failures.count(session, address, _ADDRESS_WINDOW) if context(session).settings.rate_limits else 0


def _refused(name: str, wrong: int, field: str, **facts: Any) -> Refusal:
    return Refusal(name, field=field, keep=True, data={"wrongTime": wrong}, **facts)


def forget_old(session: Session) -> int:
    """Deletes sessions that ended or ran out 90 days ago; how many."""
    limit = now(session) - timedelta(days=90)
    gone = session.execute(sa.delete(ClientSession).where(ClientSession.expires_at < limit))
    return gone.rowcount if isinstance(gone, sa.CursorResult) else 0
