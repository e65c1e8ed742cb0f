"""A customer's devices: which are signed in, what happened at the door, and the mail that tells of a new one."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import sqlalchemy as sa
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.orm import Session
from ua_parser import parse

from portal.config import derived_key
from portal.db import context, now
from portal.errors import N_, Refusal, declare
from portal.models.customers import ClientSession, Customer, SignInEvent
from portal.services import audit, messages, sessions

#: Operation codes of the sign-in log (brokerage contract, enum operation_code).
REGISTERED, SIGNED_IN, SIGNED_OUT, SIGN_IN_FAILED = 1000, 1001, 1002, 1003
AUTHENTICATOR_BOUND, AUTHENTICATOR_CHANGED, PASSWORD_CHANGED, PASSWORD_RECOVERED = 1008, 1009, 1011, 1025

#: The log shows this many events at most, so that no page has to skip far.
LOG_SHOWN = 1000
LOCK_LINK_LIFE = timedelta(days=7)
RECENT = timedelta(minutes=10)

declare(
    {
        "lock_link_dead": N_("This link is no longer valid."),
        "reauthentication_required": N_("Please confirm that it is you."),
    }
)


@dataclass(frozen=True, slots=True)
class Visit:
    """Where a sign-in comes from: the door (`brokerage`, `web`, `voucher`), network address, browser, device mark."""

    family: str
    ip: str
    user_agent: str
    device_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """One signed-in device as its owner sees it."""

    public_id: str
    family: str
    browser: str
    os: str
    ip: str
    created_at: datetime
    last_seen_at: datetime
    current: bool


def mark_of(secret: str) -> str:
    """What is kept of a device's own secret (a cookie), by which it is known again."""
    return hashlib.sha256(f"device:{secret}".encode()).hexdigest()


@lru_cache(maxsize=512)
def named(user_agent: str) -> tuple[str, str]:
    """Browser and operating system as people know them (`Chrome 91.0.4472.114`, `Windows 10`); `-` when unknown."""
    found = parse(user_agent)
    return _version(found.user_agent), _version(found.os)


def _version(part: object | None) -> str:
    if part is None:
        return "-"
    numbers = [getattr(part, name, None) for name in ("major", "minor", "patch", "patch_minor")]
    version = ".".join(number for number in numbers if number)
    return f"{getattr(part, 'family', '-')} {version}".strip()[:64]


def log(session: Session, customer_id: int | None, operation_code: int, visit: Visit) -> None:
    """Writes a line of the sign-in log; tries on unknown names are kept without a customer."""
    browser, system = named(visit.user_agent)
    session.execute(
        sa.insert(SignInEvent).values(
            customer_id=customer_id,
            operation_code=operation_code,
            ip=visit.ip,
            browser=browser,
            os=system,
            at=now(session),
        )
    )


def arrived(session: Session, customer: Customer, session_id: int, visit: Visit) -> None:
    """A device is fully signed in: written down, counted as just authenticated, and told to its owner when it is new."""
    log(session, customer.id, SIGNED_IN, visit)
    known = sa.select(ClientSession.device_digest).where(
        ClientSession.customer_id == customer.id, ClientSession.scope == sessions.FULL, ClientSession.id != session_id
    )
    first_ever = session.scalar(known.limit(1).with_only_columns(ClientSession.id)) is None
    seen = session.scalar(
        known.where(ClientSession.device_digest == visit.device_digest).limit(1).with_only_columns(ClientSession.id)
    )
    reauthenticated(session, session_id)
    if first_ever or (visit.device_digest is not None and seen is not None) or not customer.email:
        return
    browser, system = named(visit.user_agent)
    facts = {
        "browser": browser,
        "os": system,
        "ip": visit.ip,
        "at_ms": int(now(session).timestamp() * 1000),
        "freeze_link": lock_link(session, customer.id),
    }
    messages.mail(session, customer.email, "new_device", customer.locale, facts)


def reauthenticated(session: Session, session_id: int) -> None:
    """Notes that the person at this device has just proved who they are."""
    session.execute(
        sa.update(ClientSession).where(ClientSession.id == session_id).values(reauthenticated_at=now(session))
    )


def is_recent(session: Session, reauthenticated_at: datetime | None) -> bool:
    """Whether a proof of identity is fresh enough for risky acts."""
    return reauthenticated_at is not None and reauthenticated_at + RECENT > now(session)


def signed_in(session: Session, customer_id: int, current_session_id: int) -> list[Device]:
    """The devices that are signed in, the latest seen first."""
    query = (
        sa.select(ClientSession)
        .where(
            ClientSession.customer_id == customer_id,
            ClientSession.scope == sessions.FULL,
            ClientSession.ended_at.is_(None),
            ClientSession.expires_at > now(session),
        )
        .order_by(ClientSession.last_seen_at.desc())
        .limit(100)
    )
    return [_device(row, current_session_id) for row in session.scalars(query)]


def _device(row: ClientSession, current_session_id: int) -> Device:
    browser, system = named(row.user_agent)
    return Device(
        row.public_id,
        row.family,
        browser,
        system,
        row.ip,
        row.created_at,
        row.last_seen_at,
        row.id == current_session_id,
    )


def sign_out(session: Session, session_id: int, customer_id: int, visit: Visit) -> None:
    """Ends the caller's own session."""
    if sessions.end(session, session_id, "signed out"):
        log(session, customer_id, SIGNED_OUT, visit)


def end_one(session: Session, customer_id: int, public_id: str) -> None:
    """Signs one of the customer's devices out. Raises Refusal `not_found` for anybody else's."""
    row = session.scalar(
        sa.select(ClientSession.id).where(
            ClientSession.public_id == public_id, ClientSession.customer_id == customer_id
        )
    )
    if row is None:
        raise Refusal("not_found")
    sessions.end(session, row, "signed out elsewhere")


def sign_in_log(
    session: Session, customer_id: int, *, limit: int, skip: int = 0, before: int | None = None
) -> list[SignInEvent]:
    """Events of the sign-in log, newest first: by keyset (`before` an event's number) or, among the latest 1000, by `skip`."""
    if skip >= LOG_SHOWN:
        return []
    query = sa.select(SignInEvent).where(SignInEvent.customer_id == customer_id).order_by(SignInEvent.id.desc())
    if before is not None:
        query = query.where(SignInEvent.id < before)
    return list(session.scalars(query.offset(skip).limit(min(limit, LOG_SHOWN - skip))))


def lock_token(session: Session, customer_id: int) -> str:
    """The secret part of the link by which the owner locks the account from a mail; it lives seven days."""
    until = int((now(session) + LOCK_LINK_LIFE).timestamp())
    return _signer(session).dumps([customer_id, int(now(session).timestamp()), until])


def lock_link(session: Session, customer_id: int) -> str:
    """The whole address of the page that locks the account, for mails; opening it changes nothing."""
    return f"{context(session).settings.public_url}/security/lock/{lock_token(session, customer_id)}"


def lockable(session: Session, token: str) -> Customer:
    """Whose account the link locks. Raises Refusal `lock_link_dead` when it ran out or the password changed since."""
    try:
        customer_id, since, until = _signer(session).loads(token)
    except (BadSignature, ValueError, TypeError) as error:
        raise Refusal("lock_link_dead") from error
    customer = session.get(Customer, customer_id)
    if customer is None or now(session).timestamp() > until:
        raise Refusal("lock_link_dead")
    if customer.password_changed_at is not None and customer.password_changed_at.timestamp() > since + 1:
        raise Refusal("lock_link_dead")
    return customer


def lock(session: Session, token: str, ip: str) -> None:
    """Locks the account and signs every device out; a password reset opens it again. Raises `lock_link_dead`."""
    customer = lockable(session, token)
    if customer.standing == "normal":
        customer.standing = "locked"
    sessions.end_all(session, customer.id, "account locked")
    audit.write(session, f"customer:{customer.id}", "account.lock", f"customer:{customer.id}", ip=ip)
    if customer.email:
        messages.mail(session, customer.email, "account_changed", customer.locale, {"event": "account_locked"})


def _signer(session: Session) -> URLSafeSerializer:
    return URLSafeSerializer(derived_key(context(session).settings, "lock account"), salt="lock account")
