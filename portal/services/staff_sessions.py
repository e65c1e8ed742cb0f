"""Signed-in desks of the staff: short-lived, ended at once when they must be, with what their roles allow."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import affected, now
from portal.models.staff import RolePermission, Staff, StaffRole, StaffSession

LIFE = timedelta(hours=12)
IDLE = timedelta(minutes=45)
SECOND_FACTOR_LIFE = timedelta(minutes=10)
SEEN_EVERY = timedelta(minutes=1)

FULL, SECOND_FACTOR = "full", "second_factor"

_TOKEN = re.compile(r"STAFF_[0-9A-Za-z_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SignedInStaff:
    """Who sits at a desk and what they may do. `must_change` until they have chosen a password of their own."""

    session_id: int
    staff_id: int
    public_id: str
    name: str
    email: str
    scope: str
    must_change: bool
    customer_id: int | None
    permissions: frozenset[str]

    @property
    def actor(self) -> str:
        """The name under which acts are written down."""
        return f"staff:{self.staff_id}"

    def may(self, permission: str) -> bool:
        """Whether one of their roles allows it."""
        return permission in self.permissions


def open_session(session: Session, staff_id: int, scope: str, *, ip: str, user_agent: str) -> str:
    """Signs a desk in and answers its token."""
    token, moment = f"STAFF_{secrets.token_urlsafe(32)}", now(session)
    session.add(
        StaffSession(
            staff_id=staff_id,
            secret_digest=_digest(token),
            scope=scope,
            ip=ip,
            user_agent=user_agent[:300],
            created_at=moment,
            last_seen_at=moment,
            expires_at=moment + (LIFE if scope == FULL else SECOND_FACTOR_LIFE),
        )
    )
    session.flush()
    return token


def resolve(session: Session, token: str | None) -> SignedInStaff | None:
    """Who the token belongs to; None for a malformed, unknown, ended, idle or expired one, or a suspended member's."""
    if not token or not _TOKEN.fullmatch(token):
        return None
    moment = now(session)
    row = session.execute(
        sa.select(
            StaffSession.id, StaffSession.scope, Staff.id, Staff.public_id, Staff.name, Staff.email,
            Staff.password_changed_at, Staff.customer_id,
        )
        .join(Staff, Staff.id == StaffSession.staff_id)
        .where(
            StaffSession.secret_digest == _digest(token),
            StaffSession.ended_at.is_(None),
            StaffSession.expires_at > moment,
            StaffSession.last_seen_at > moment - IDLE,
            Staff.standing == "active",
        )
    ).first()  # fmt: skip
    if row is None:
        return None
    allowed = (
        sa.select(RolePermission.permission)
        .join(StaffRole, StaffRole.role == RolePermission.role)
        .where(StaffRole.staff_id == row[2])
    )
    permissions = frozenset(session.scalars(allowed))
    return SignedInStaff(row[0], row[2], row[3], row[4], row[5], row[1], row[6] is None, row[7], permissions)


def due_to_touch(session: Session, session_id: int) -> bool:
    """Whether a desk's last use lies so far back that it should be noted."""
    seen = session.scalar(sa.select(StaffSession.last_seen_at).where(StaffSession.id == session_id))
    return seen is not None and seen < now(session) - SEEN_EVERY


def touch(session: Session, session_id: int) -> None:
    """Notes that a desk is in use, at most every SEEN_EVERY."""
    moment = now(session)
    session.execute(
        sa.update(StaffSession)
        .where(StaffSession.id == session_id, StaffSession.last_seen_at < moment - SEEN_EVERY)
        .values(last_seen_at=moment)
    )


def end(session: Session, session_id: int, why: str) -> bool:
    """Signs a desk out; False when it was out already."""
    ended = session.execute(
        sa.update(StaffSession)
        .where(StaffSession.id == session_id, StaffSession.ended_at.is_(None))
        .values(ended_at=now(session), ended_why=why)
    )
    return affected(ended) == 1


def end_all(session: Session, staff_id: int, why: str, *, but: int | None = None) -> int:
    """Signs all desks of a member out, `but` one; how many."""
    query = sa.update(StaffSession).where(StaffSession.staff_id == staff_id, StaffSession.ended_at.is_(None))
    if but is not None:
        query = query.where(StaffSession.id != but)
    return affected(session.execute(query.values(ended_at=now(session), ended_why=why)))


def listed(session: Session, staff_id: int, count: int = 20) -> list[StaffSession]:
    """A member's newest desks, signed in and out."""
    query = sa.select(StaffSession).where(StaffSession.staff_id == staff_id).order_by(StaffSession.id.desc())
    return list(session.scalars(query.limit(count)))


def forget_old(session: Session) -> int:
    """Deletes desks that ended or ran out 400 days ago; how many."""
    gone = session.execute(sa.delete(StaffSession).where(StaffSession.expires_at < now(session) - timedelta(days=400)))
    return affected(gone)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
