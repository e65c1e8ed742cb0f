"""The second factor by authenticator (TOTP, RFC 6238) and by recovery codes, for customers and staff alike.

An accepted time step only ever grows, so a code serves once at whatever door. All doors share one counter of wrong codes:
after five in a row nothing is accepted for two hours, and the longer it goes on the longer the wait.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn
from urllib.parse import quote

import pyotp
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import affected, context, insert_if_absent, now
from portal.errors import N_, Refusal, declare
from portal.models.customers import Customer
from portal.models.security import Authenticator, FailureCounter, Passkey, RecoveryCode
from portal.services import failures, messages

STEP_SECONDS = 30
#: Steps before and after the present one that are accepted, for clocks that are a little off.
DRIFT = 1
WRONG_IN_A_ROW = 5
LOCK = timedelta(hours=2)
#: Wrong codes since the last right one, and how long the lock then lasts.
LONG_RUN = ((100, failures.FOR_EVER), (25, timedelta(hours=24)))
PENDING_LIFE = timedelta(minutes=15)
RECOVERY_CODES = 10
_RECOVERY_TRIES, _RECOVERY_WINDOW = 10, timedelta(hours=1)
_RECOVERY_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_CODE = re.compile(r"[0-9]{6}", re.ASCII)
PURPOSE = "totp"

declare(
    {
        "totp_unbound": N_("No authenticator is set up for this account."),
        "totp_bound": N_("An authenticator is set up already."),
        "totp_wrong": N_("The code of the authenticator is not right, or it was used already."),
        "totp_locked": N_("Too many wrong codes. Please try again in two hours."),
        "totp_secret_foreign": N_(
            "This secret was not given out by the portal, or it has expired. Please start again."
        ),
        "recovery_code_wrong": N_("This recovery code is not right, or it was used already."),
    }
)


@dataclass(frozen=True, slots=True)
class Pending:
    """A secret given out to be bound: Base32 text, and the same as an `otpauth://` address for a QR code."""

    secret: str
    uri: str


def is_bound(session: Session, owner_kind: str, owner_id: int) -> bool:
    """Whether an authenticator is bound; `owner_kind` is customer or staff."""
    row = _row(session, owner_kind, owner_id)
    return row is not None and row.secret_sealed is not None


def is_required(session: Session, owner_kind: str, owner_id: int) -> bool:
    """Whether signing in needs a second step: an authenticator or a passkey is there."""
    passkeys = sa.select(Passkey.id).where(Passkey.owner_kind == owner_kind, Passkey.owner_id == owner_id).limit(1)
    return is_bound(session, owner_kind, owner_id) or session.scalar(passkeys) is not None


def begin_totp(session: Session, owner_kind: str, owner_id: int, label: str) -> Pending:
    """Gives out a secret to bind within 15 minutes; asked again meanwhile, the same one (contract: a GET, so harmless).

    Raises Refusal `totp_bound`.
    """
    moment, vault = now(session), context(session).vault
    insert_if_absent(session, Authenticator.__table__, {"owner_kind": owner_kind, "owner_id": owner_id, "last_step": 0})
    row = _row(session, owner_kind, owner_id, lock=True)
    assert row is not None
    if row.secret_sealed is not None:
        raise Refusal("totp_bound")
    if row.pending_sealed is not None and row.pending_until is not None and row.pending_until > moment:
        secret = vault.open_text(row.pending_sealed, PURPOSE)
    else:
        secret = pyotp.random_base32()
        row.pending_sealed, row.pending_until = vault.seal_text(secret, PURPOSE), moment + PENDING_LIFE
        session.flush()
    return Pending(secret, f"otpauth://totp/{quote(label, safe='@')}?secret={secret}")


def bind_totp(session: Session, owner_kind: str, owner_id: int, code: str, secret: str | None = None) -> None:
    """Binds the pending secret, proved by one of its codes.

    Raises Refusal `totp_bound`, `totp_unbound` (none was asked for), `totp_secret_foreign` (another secret, or past its
    life), `totp_wrong` (kept) or `totp_locked`.
    """
    counter = _hold(session, owner_kind, owner_id)
    row, moment = _row(session, owner_kind, owner_id, lock=True), now(session)
    if row is not None and row.secret_sealed is not None:
        raise Refusal("totp_bound")
    if row is None or row.pending_sealed is None or row.pending_until is None:
        raise Refusal("totp_unbound")
    pending = context(session).vault.open_text(row.pending_sealed, PURPOSE)
    given = (secret or pending).strip().replace(" ", "").upper()
    if row.pending_until <= moment or not secrets.compare_digest(given.encode(), pending.encode()):
        raise Refusal("totp_secret_foreign", field="totpKey")
    step = _matching_step(session, pending, code)
    if step is None or step <= row.last_step:
        _wrong(session, counter, owner_kind, owner_id)
    row.secret_sealed, row.pending_sealed, row.pending_until = row.pending_sealed, None, None
    row.last_step, row.bound_at = step, moment
    _right(session, counter)


def check_totp(session: Session, owner_kind: str, owner_id: int, code: str) -> None:
    """Uses up a code of the bound authenticator. Call it before any other write of the transaction.

    Raises Refusal `totp_unbound`, `totp_wrong` (kept: the try counts) or `totp_locked`. A code that was used already is
    refused as `totp_wrong` but counts as no guess.
    """
    row = _row(session, owner_kind, owner_id)
    if row is None or row.secret_sealed is None:
        raise Refusal("totp_unbound")
    counter = _hold(session, owner_kind, owner_id)
    step = _matching_step(session, context(session).vault.open_text(row.secret_sealed, PURPOSE), code)
    if step is None:
        _wrong(session, counter, owner_kind, owner_id)
    taken = session.execute(
        sa.update(Authenticator)
        .where(Authenticator.id == row.id, Authenticator.last_step < step, Authenticator.secret_sealed.is_not(None))
        .values(last_step=step)
        .execution_options(synchronize_session=False)
    )
    if affected(taken) != 1:
        raise Refusal("totp_wrong", field="totpCode")
    _right(session, counter)


def unbind_totp(session: Session, owner_kind: str, owner_id: int, code: str) -> None:
    """Takes the authenticator off, proved by one of its codes; raises what `check_totp` raises."""
    check_totp(session, owner_kind, owner_id, code)
    remove_totp(session, owner_kind, owner_id)


def remove_totp(session: Session, owner_kind: str, owner_id: int) -> None:
    """Takes the authenticator off without a code: for whoever proved otherwise who they are, and for staff.

    The row stays, so that a step accepted once is never accepted again, whatever secret comes next.
    """
    session.execute(
        sa.update(Authenticator)
        .where(Authenticator.owner_kind == owner_kind, Authenticator.owner_id == owner_id)
        .values(secret_sealed=None, pending_sealed=None, pending_until=None, bound_at=None)
    )
    if not is_required(session, owner_kind, owner_id):
        session.execute(
            sa.delete(RecoveryCode).where(RecoveryCode.owner_kind == owner_kind, RecoveryCode.owner_id == owner_id)
        )


def renew_recovery_codes(session: Session, owner_kind: str, owner_id: int) -> list[str]:
    """Makes ten new recovery codes and answers them, for showing once; the older ones end."""
    session.execute(
        sa.delete(RecoveryCode).where(RecoveryCode.owner_kind == owner_kind, RecoveryCode.owner_id == owner_id)
    )
    made = []
    for _ in range(RECOVERY_CODES):
        plain = "".join(secrets.choice(_RECOVERY_ALPHABET) for _ in range(10))
        session.add(
            RecoveryCode(
                owner_kind=owner_kind, owner_id=owner_id, code_digest=_digest(session, plain), created_at=now(session)
            )
        )
        made.append(f"{plain[:5]}-{plain[5:]}")
    session.flush()
    return made


def recovery_codes_left(session: Session, owner_kind: str, owner_id: int) -> int:
    """How many recovery codes have not been used."""
    query = sa.select(sa.func.count()).where(
        RecoveryCode.owner_kind == owner_kind, RecoveryCode.owner_id == owner_id, RecoveryCode.used_at.is_(None)
    )
    return session.scalar(query) or 0


def use_recovery_code(session: Session, owner_kind: str, owner_id: int, code: str) -> None:
    """Uses up a recovery code; it works while the authenticator is locked, for it cannot be guessed.

    Raises Refusal `recovery_code_wrong` (kept), `too_many_requests`.
    """
    counter = failures.key(session, f"recovery:{owner_kind}", owner_id)
    again_at = failures.spend(session, counter, _RECOVERY_TRIES, _RECOVERY_WINDOW)
    if again_at is not None:
        wait = int((again_at - now(session)).total_seconds()) + 1
        raise Refusal("too_many_requests", field="code", retry_after_seconds=wait)
    plain = re.sub(r"[\s-]", "", code).lower()
    used = session.execute(
        sa.update(RecoveryCode)
        .where(
            RecoveryCode.owner_kind == owner_kind,
            RecoveryCode.owner_id == owner_id,
            RecoveryCode.code_digest == _digest(session, plain),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now(session))
        .execution_options(synchronize_session=False)
    )
    if affected(used) != 1:
        raise Refusal("recovery_code_wrong", field="code", keep=True)
    failures.forgive(session, counter)
    failures.forgive(session, failures.key(session, f"totp:{owner_kind}", owner_id))


def _row(session: Session, owner_kind: str, owner_id: int, *, lock: bool = False) -> Authenticator | None:
    query = sa.select(Authenticator).where(Authenticator.owner_kind == owner_kind, Authenticator.owner_id == owner_id)
    if lock:
        query = query.with_for_update()
    return session.scalar(query.execution_options(populate_existing=True))


def _matching_step(session: Session, secret: str, code: str) -> int | None:
    """The time step whose code this is, the newest first; None for a wrong code."""
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        return None
    present = int(now(session).timestamp()) // STEP_SECONDS
    totp, found = pyotp.TOTP(secret), None
    for step in range(present - DRIFT, present + DRIFT + 1):
        if secrets.compare_digest(totp.at(step * STEP_SECONDS), code):
            found = step
    return found


def _hold(session: Session, owner_kind: str, owner_id: int) -> FailureCounter:
    """The owner's one counter, locked, so that guesses come one after another. Raises Refusal `totp_locked`."""
    row = failures.hold(session, failures.key(session, f"totp:{owner_kind}", owner_id))
    moment = now(session)
    if row.locked_until is not None and row.locked_until > moment:
        wait = int((row.locked_until - moment).total_seconds()) + 1
        raise Refusal("totp_locked", field="totpCode", retry_after_seconds=wait)
    return row


def _wrong(session: Session, row: FailureCounter, *owner: Any) -> NoReturn:
    row.failures += 1
    row.total += 1
    row.last_at = now(session)
    if row.failures >= WRONG_IN_A_ROW:
        row.failures = 0
        row.locked_until = now(session) + next((length for total, length in LONG_RUN if row.total >= total), LOCK)
        _warn(session, *owner)
    session.flush()
    raise Refusal("totp_wrong", field="totpCode", keep=True)


def _warn(session: Session, owner_kind: str, owner_id: int) -> None:
    """Whoever gets as far as wrong authenticator codes knows the password: its owner should hear of it."""
    person = session.get(Customer, owner_id) if owner_kind == "customer" else None
    if person is not None and person.email:
        facts = {"event": "totp_locked", "at_ms": int(now(session).timestamp() * 1000)}
        messages.mail(session, person.email, "account_changed", person.locale, facts)


def _right(session: Session, row: FailureCounter) -> None:
    row.failures, row.total, row.locked_until = 0, 0, None
    session.flush()


def _digest(session: Session, plain: str) -> str:
    return context(session).vault.index(plain, "recovery code")
