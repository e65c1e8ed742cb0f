"""Staff for tests: a member with roles, and a desk (a visitor of the console) that is signed in."""

from dataclasses import dataclass
from itertools import count
from typing import Any

import pyotp
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.db import context, now
from portal.models.security import Authenticator
from portal.models.staff import Staff
from portal.models.system import AuditRecord
from portal.services import passwords, staff_accounts, staff_sessions
from portal.staff.access import COOKIE
from tests.support.client import PageClient

PASSWORD = "mountain tram lantern"

_numbers = count(1)
_hashes: dict[bytes, str] = {}


@dataclass
class Member:
    """A member of staff as a test knows them."""

    id: int
    public_id: str
    email: str
    name: str
    totp_secret: str
    password: str = PASSWORD

    @property
    def actor(self) -> str:
        """The name under which their acts are written down."""
        return f"staff:{self.id}"


def member(portal: Any, *roles: str, name: str | None = None, own_password: bool = True) -> Member:
    """Makes a member of staff with roles and a bound authenticator."""
    name = name or f"Desk {next(_numbers)}"
    made: Member = portal.db.transact(_make, name, roles, own_password)
    return made


def _make(session: Session, name: str, roles: tuple[str, ...], own_password: bool) -> Member:
    pepper = context(session).settings.password_pepper
    if pepper not in _hashes:
        _hashes[pepper] = passwords.make_hash(session, passwords.digest_of(PASSWORD))
    email = f"{name.lower().replace(' ', '.')}@staff.example"
    made = staff_accounts.create(session, email, name, "unused", roles, actor="system", own_password=own_password)
    made.password_hash = _hashes[pepper]
    secret = pyotp.random_base32()
    sealed = context(session).vault.seal_text(secret, "totp")
    session.add(
        Authenticator(owner_kind=staff_accounts.KIND, owner_id=made.id, secret_sealed=sealed, bound_at=now(session))
    )
    session.flush()
    return Member(made.id, made.public_id, email, name, secret)


class Desk(PageClient):
    """A visitor of the console who is signed in as a member."""

    def __init__(self, app: Flask, who: Member, language: str = "en") -> None:
        super().__init__(app, language)
        self.member = who
        portal = app.extensions["portal"]
        token = portal.db.transact(
            staff_sessions.open_session, who.id, staff_sessions.FULL, ip="127.0.0.1", user_agent="test"
        )
        self.raw.set_cookie(COOKIE, token, path="/staff")


def desk(app: Flask, *roles: str, name: str | None = None, language: str = "en") -> Desk:
    """A desk of a new member with these roles."""
    return Desk(app, member(app.extensions["portal"], *roles, name=name), language)


def audited(portal: Any, action: str) -> list[AuditRecord]:
    """The audit records of an act, oldest first."""

    def find(session: Session) -> list[AuditRecord]:
        return list(
            session.scalars(sa.select(AuditRecord).where(AuditRecord.action == action).order_by(AuditRecord.id))
        )

    found: list[AuditRecord] = portal.db.read(find)
    return found


def staff_count(portal: Any) -> int:
    """How many members of staff there are."""
    return int(portal.db.read(lambda session: session.scalar(sa.select(sa.func.count()).select_from(Staff))))
