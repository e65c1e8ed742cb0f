"""Signing in to the staff console: a password, then always a second factor.

A try is counted before it is judged, the same for addresses that are nobody's; five wrong in a row shut the door for a
while. It runs in three steps, because Argon2 takes tens of milliseconds in which no transaction may stay open.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from portal.db import Database, context, now
from portal.errors import N_, Refusal, declare
from portal.services import (
    audit,
    failures,
    identifiers,
    passkeys,
    passwords,
    second_factor,
    staff_accounts,
    staff_sessions,
)
from portal.services.second_factor import Pending
from portal.services.staff_accounts import KIND
from portal.services.staff_sessions import FULL, SECOND_FACTOR, SignedInStaff

WRONG_IN_A_ROW = 5
LOCK = timedelta(minutes=15)
#: Many wrong tries since the last right one: the door stays shut for longer.
LONG_RUN, LONG_LOCK = 25, timedelta(hours=24)
_ADDRESS_TRIES, _ADDRESS_WINDOW = 50, timedelta(hours=1)

declare(
    {
        "staff_sign_in_wrong": N_("The e-mail address or the password is not right."),
        "staff_sign_in_locked": N_("Too many wrong tries. Please wait a while before trying again."),
    }
)


@dataclass(frozen=True, slots=True)
class Visit:
    """Where a sign-in comes from."""

    ip: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class _Try:
    staff_id: int | None
    password_hash: str | None


def sign_in(db: Database, email: str, password: str, visit: Visit) -> str:
    """Checks the password and answers a token that is good for the second step only.

    Raises Refusal `staff_sign_in_wrong` (kept) for an unknown address, a suspended member and a wrong password alike, and
    `staff_sign_in_locked`.
    """
    tried = db.transact(_begin, email, visit)
    right = db.read(passwords.matches, tried.password_hash, passwords.digest_of(password))
    return db.transact(_finish, email, visit, tried, right)


def _begin(session: Session, email: str, visit: Visit) -> _Try:
    counter, address = _counters(session, email, visit)
    if context(session).settings.rate_limits:
        again_at = failures.spend(session, address, _ADDRESS_TRIES, _ADDRESS_WINDOW)
        if again_at is not None:
            raise Refusal("staff_sign_in_locked", retry_after_seconds=_seconds(session, again_at))
    row, moment = failures.hold(session, counter), now(session)
    if row.locked_until is not None and row.locked_until > moment:
        raise Refusal("staff_sign_in_locked", retry_after_seconds=_seconds(session, row.locked_until))
    row.failures += 1
    row.total += 1
    row.last_at = moment
    if row.failures >= WRONG_IN_A_ROW:
        row.failures, row.locked_until = 0, moment + (LONG_LOCK if row.total >= LONG_RUN else LOCK)
    person = staff_accounts.by_email(session, email)
    if person is None or person.standing != "active":
        return _Try(None, None)
    return _Try(person.id, person.password_hash)


def _finish(session: Session, email: str, visit: Visit, tried: _Try, right: bool) -> str:
    if not right or tried.staff_id is None:
        if tried.staff_id is not None:
            audit.write(session, "system", "staff.sign_in", f"staff:{tried.staff_id}", outcome="refused", ip=visit.ip)
        raise Refusal("staff_sign_in_wrong", field="password", keep=True)
    counter, address = _counters(session, email, visit)
    failures.forgive(session, counter)
    failures.forgive(session, address, 1)
    return staff_sessions.open_session(session, tried.staff_id, SECOND_FACTOR, ip=visit.ip, user_agent=visit.user_agent)


def is_bound(session: Session, staff_id: int) -> bool:
    """Whether a second factor is there; without one the next step is to bind it."""
    return second_factor.is_required(session, KIND, staff_id)


def has_passkeys(session: Session, staff_id: int) -> bool:
    """Whether a passkey can be the second step."""
    return bool(passkeys.listed(session, KIND, staff_id))


def second_step_by_totp(session: Session, waiting: SignedInStaff, code: str, visit: Visit) -> str:
    """The second step by authenticator or, typed in its place, a recovery code; answers the full session's token."""
    if len(code) > 6:
        second_factor.use_recovery_code(session, KIND, waiting.staff_id, code[:40])
    else:
        second_factor.check_totp(session, KIND, waiting.staff_id, code)
    return _pass(session, waiting, visit, "totp")


def second_step_by_passkey(session: Session, waiting: SignedInStaff, credential: Any, visit: Visit) -> str:
    """The second step by passkey. Raises Refusal `passkey_refused` (kept)."""
    passkeys.check(session, KIND, waiting.staff_id, credential)
    return _pass(session, waiting, visit, "passkey")


def begin_binding(session: Session, waiting: SignedInStaff) -> Pending:
    """The secret for a first authenticator. Raises Refusal `totp_bound` when a second factor is there already."""
    if is_bound(session, waiting.staff_id):
        raise Refusal("totp_bound")
    return second_factor.begin_totp(
        session, KIND, waiting.staff_id, f"{context(session).settings.brand_name}:{waiting.email}"
    )


def bind_first(session: Session, waiting: SignedInStaff, code: str, visit: Visit) -> tuple[str, list[str]]:
    """Binds the first authenticator by one of its codes; answers the full session's token and the recovery codes."""
    if is_bound(session, waiting.staff_id):
        raise Refusal("totp_bound")
    second_factor.bind_totp(session, KIND, waiting.staff_id, code)
    codes = second_factor.renew_recovery_codes(session, KIND, waiting.staff_id)
    audit.write(session, waiting.actor, "staff.bind_second_factor", f"staff:{waiting.staff_id}", ip=visit.ip)
    return _pass(session, waiting, visit, "totp"), codes


def sign_out(session: Session, found: SignedInStaff) -> None:
    """Signs a desk out."""
    if staff_sessions.end(session, found.session_id, "signed out"):
        audit.write(session, found.actor, "staff.sign_out", f"staff:{found.staff_id}")


def _pass(session: Session, waiting: SignedInStaff, visit: Visit, by: str) -> str:
    if not staff_sessions.end(session, waiting.session_id, "second step"):
        raise Refusal("session_required")
    audit.write(session, waiting.actor, "staff.sign_in", f"staff:{waiting.staff_id}", details={"by": by}, ip=visit.ip)
    return staff_sessions.open_session(session, waiting.staff_id, FULL, ip=visit.ip, user_agent=visit.user_agent)


def _counters(session: Session, email: str, visit: Visit) -> tuple[str, str]:
    return (
        failures.key(session, "staff:account", identifiers.login_key(email.strip()[:200])),
        failures.key(session, "staff:address", visit.ip),
    )


def _seconds(session: Session, until: Any) -> int:
    return int((until - now(session)).total_seconds()) + 1
