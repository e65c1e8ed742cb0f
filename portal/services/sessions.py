"""Signed-in devices: one table for every door, digests of secrets only, ended at once when they must be."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import exchanges
from portal.db import Database, affected, now
from portal.errors import Refusal
from portal.jotter import moment_of
from portal.models.customers import ClientSession
from portal.wire import Answer

LIFE = timedelta(days=14)
SECOND_FACTOR_LIFE = timedelta(minutes=10)
#: `last_seen_at` is written at most this often, so that reading pages does not write.
SEEN_EVERY = timedelta(minutes=5)

FULL = "full"
SECOND_FACTOR = "second_factor"

_BROKERAGE = re.compile(r"USER_TOKEN_LOGIN_([0-9a-f]{32})_([0-9a-f]{32})", re.ASCII)
_VOUCHER = re.compile(r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\|([0-9A-Za-z]{40})", re.ASCII)
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is behind a token: what every route needs to know of its caller, in one row."""

    session_id: int
    session_public_id: str
    customer_id: int
    scope: str
    standing: str
    kyc_level: int
    display_name: str
    locale: str
    theme: str
    price_colours: str
    is_vip: bool
    reauthenticated_at: datetime | None


def open_session(
    session: Session,
    customer_id: int,
    family: str,
    scope: str,
    *,
    ip: str,
    user_agent: str,
    device_digest: str | None = None,
) -> str:
    """Signs a device in and answers its token, spelled as the family does (`brokerage`, `web` or `voucher`)."""
    moment = now(session)
    public_id = uuid4()
    if family == "voucher":
        secret = "".join(secrets.choice(_LETTERS) for _ in range(40))
        token = f"{public_id}|{secret}"
    else:
        secret = secrets.token_hex(16)
        token = f"USER_TOKEN_LOGIN_{secret}_{public_id.hex}"
    session.add(
        ClientSession(
            public_id=str(public_id),
            customer_id=customer_id,
            secret_digest=digest_of(token),
            family=family,
            scope=scope,
            ip=ip,
            user_agent=user_agent[:300],
            device_digest=device_digest,
            created_at=moment,
            last_seen_at=moment,
            expires_at=moment + (LIFE if scope == FULL else SECOND_FACTOR_LIFE),
        )
    )
    session.flush()
    return token


def resolve(db: Database, token: str | None) -> SignedIn | None:
    """Who the token belongs to, by one quick statement; None for a malformed, unknown, ended or expired one."""
    if not token or not (_BROKERAGE.fullmatch(token) or _VOUCHER.fullmatch(token)):
        return None
    assert db.context is not None
    found = db.glance(_RESOLVE, digest_of(token), db.context.clock.now())
    if not found:
        return None
    session_id, public_id, customer_id, scope, standing, level, shown, locale, theme, colours, is_vip, again = found[0]
    return SignedIn(
        int(session_id), public_id, int(customer_id), scope, standing, int(level), shown, locale, theme, colours,
        is_vip in ("t", "1"), moment_of(again),
    )  # fmt: skip


def owner(db: Database, token: str | None) -> int | None:
    """The customer of a token that may act; None for one that may not, as far as this process knows.

    Whose session it is never changes and is remembered; whether it still lasts is to be proven by `prove`, where it matters.
    """
    assert db.context is not None
    known: dict[str, int] = db.context.cache.setdefault("sessions known", {})
    digest = digest_of(token or "")
    found = known.get(digest)
    if found is None:
        signed_in = resolve(db, token)
        if signed_in is None or signed_in.scope != FULL:
            return None
        if len(known) > _MOST_KNOWN:
            known.clear()
        found = known[digest] = signed_in.customer_id
    return found


def phone_of(db: Database, customer_id: int) -> str:
    """A customer's number as far as this process knows, "" without one; it may be another one by now."""
    assert db.context is not None
    known: dict[int, str] = db.context.cache.setdefault("phones known", {})
    found = known.get(customer_id)
    if found is None:
        if len(known) > _MOST_KNOWN:
            known.clear()
        ((found,),) = db.glance("SELECT phone FROM customers WHERE id = CAST(? AS BIGINT)", customer_id)
        known[customer_id] = found
    return found


def forget_phone(db: Database, customer_id: int) -> None:
    """Looks it up anew the next time."""
    assert db.context is not None
    db.context.cache.setdefault("phones known", {}).pop(customer_id, None)


def prove(session: Session, token: str, customer_id: int) -> None:
    """Proves, with the next exchange, that a token is its customer's and may act. Raises Refusal `session_required` then."""

    def check(found: Answer) -> None:
        if [row[0] for row in found.rows] != [customer_id]:
            raise Refusal("session_required")

    exchanges.later(session, _ALIVE, {"digest": digest_of(token), "moment": now(session)}, check=check)


#: Tokens whose customers a process remembers at most.
_MOST_KNOWN = 100_000

_SESSIONS: sa.Table = ClientSession.__table__

_ALIVE = sa.select(_SESSIONS.c.customer_id).where(
    _SESSIONS.c.secret_digest == sa.bindparam("digest"),
    _SESSIONS.c.ended_at.is_(None),
    _SESSIONS.c.expires_at > sa.bindparam("moment"),
    _SESSIONS.c.scope == FULL,
)

#: Every signed-in request begins with it.
_RESOLVE = (
    "SELECT client_sessions.id, client_sessions.public_id, customers.id, client_sessions.scope, customers.standing,"
    " customers.kyc_level, COALESCE(NULLIF(customers.username_shown, ''), NULLIF(customers.email, ''), customers.phone),"
    " customers.locale, customers.theme, customers.price_colours, customers.is_vip, client_sessions.reauthenticated_at"
    " FROM client_sessions JOIN customers ON customers.id = client_sessions.customer_id"
    " WHERE client_sessions.secret_digest = ? AND client_sessions.ended_at IS NULL AND client_sessions.expires_at > ?"
)


def token_uuid(token: str) -> str:
    """The last part of a brokerage token: `tokenUuid` of the contract."""
    return UUID(token.rsplit("_", 1)[-1]).hex


def id_of(session: Session, token: str) -> int:
    """The row number of a session that was just opened."""
    return session.scalars(sa.select(ClientSession.id).where(ClientSession.secret_digest == digest_of(token))).one()


def touch(session: Session, session_id: int) -> None:
    """Notes that a device was seen, at most every SEEN_EVERY."""
    moment = now(session)
    session.execute(
        sa.update(ClientSession)
        .where(ClientSession.id == session_id, ClientSession.last_seen_at < moment - SEEN_EVERY)
        .values(last_seen_at=moment)
    )


def end(session: Session, session_id: int, why: str) -> bool:
    """Signs one device out; False when it was out already."""
    ended = session.execute(
        sa.update(ClientSession)
        .where(ClientSession.id == session_id, ClientSession.ended_at.is_(None))
        .values(ended_at=now(session), ended_why=why)
    )
    return affected(ended) == 1


def end_all(session: Session, customer_id: int, why: str, *, but: int | None = None) -> int:
    """Signs all devices of a customer out, `but` one; how many."""
    query = sa.update(ClientSession).where(ClientSession.customer_id == customer_id, ClientSession.ended_at.is_(None))
    if but is not None:
        query = query.where(ClientSession.id != but)
    return affected(session.execute(query.values(ended_at=now(session), ended_why=why)))


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
