"""Asking somebody to work for a store: by mail, so that nobody learns here who has an account."""

import hashlib
import secrets
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import affected, context, now
from portal.errors import N_, Refusal, declare
from portal.models.customers import Customer
from portal.models.merchant import StoreInvitation
from portal.models.stores import Store, StoreMember
from portal.services import audit, failures, identifiers, messages, store_members

LIFE = timedelta(days=7)
MAX_OPEN, MAX_PER_DAY = 20, 50

declare(
    {
        "invitation_over": N_("This invitation has been used, withdrawn or has run out."),
        "invitation_of_another": N_("This invitation was sent to another e-mail address. Sign in with that account."),
    }
)


def invite(session: Session, store: Store, email: str, role: str, by: StoreMember) -> None:
    """Sends an invitation; an older one to the same address ends. The answer is the same for every address.

    Raises Refusal `input_invalid` (e-mail or role) or `too_many_requests`.
    """
    if role not in store_members.ROLES:
        raise Refusal("input_invalid", field="role")
    address = identifiers.canonical_email(email)
    counter = failures.key(session, "store_invitations", store.id)
    if failures.spend(session, counter, MAX_PER_DAY, timedelta(days=1)) or len(waiting(session, store.id)) >= MAX_OPEN:
        raise Refusal("too_many_requests", field="email")
    moment = now(session)
    session.execute(
        sa.update(StoreInvitation)
        .where(StoreInvitation.store_id == store.id, StoreInvitation.email == address, _is_open(session))
        .values(ended_at=moment)
    )
    token = secrets.token_urlsafe(32)
    session.add(
        StoreInvitation(
            store_id=store.id,
            email=address,
            role=role,
            token_digest=_digest(token),
            invited_by=by.customer_id,
            created_at=moment,
            expires_at=moment + LIFE,
        )
    )
    session.flush()
    link = f"{context(session).settings.public_url}/merchant/invitations/{token}"
    inviter = session.get_one(Customer, by.customer_id)
    messages.mail(
        session, address, "store_invitation", inviter.locale, {"store": store.name, "role": role, "link": link},
        expires_at=moment + LIFE,
    )  # fmt: skip
    audit.write(session, f"customer:{by.customer_id}", "store.invite", f"store:{store.id}", details={"role": role})


def waiting(session: Session, store_id: int) -> list[StoreInvitation]:
    """A store's invitations that nobody has taken yet, newest first."""
    query = sa.select(StoreInvitation).where(StoreInvitation.store_id == store_id, _is_open(session))
    return list(session.scalars(query.order_by(StoreInvitation.id.desc()).limit(MAX_OPEN)))


def withdraw(session: Session, store: Store, public_id: str, actor: str) -> None:
    """Takes an invitation back. Raises Refusal `not_found`."""
    ended = session.execute(
        sa.update(StoreInvitation)
        .where(StoreInvitation.store_id == store.id, StoreInvitation.public_id == public_id, _is_open(session))
        .values(ended_at=now(session))
    )
    if affected(ended) != 1:
        raise Refusal("not_found")
    audit.write(session, actor, "store.invite_withdraw", f"store:{store.id}")


def look(session: Session, customer_id: int, token: str) -> tuple[StoreInvitation, Store]:
    """The invitation behind a link, for the person it was sent to.

    Raises Refusal `invitation_over` or `invitation_of_another`.
    """
    query = (
        sa.select(StoreInvitation, Store)
        .join(Store, Store.id == StoreInvitation.store_id)
        .where(StoreInvitation.token_digest == _digest(token), _is_open(session))
    )
    row = session.execute(query).first()
    if row is None:
        raise Refusal("invitation_over")
    customer = session.get_one(Customer, customer_id)
    if customer.email_verified_at is None or customer.email != row[0].email:
        raise Refusal("invitation_of_another")
    return row[0], row[1]


def accept(session: Session, customer_id: int, token: str) -> StoreMember:
    """Takes an invitation up; it serves once. Refusals as `look`."""
    found, store = look(session, customer_id, token)
    taken = session.execute(
        sa.update(StoreInvitation)
        .where(StoreInvitation.id == found.id, _is_open(session))
        .values(accepted_at=now(session))
        .execution_options(synchronize_session=False)
    )
    if affected(taken) != 1:
        raise Refusal("invitation_over")
    return store_members.add(session, store, customer_id, found.role, f"customer:{found.invited_by}")


def _is_open(session: Session) -> sa.ColumnElement[bool]:
    return sa.and_(
        StoreInvitation.accepted_at.is_(None),
        StoreInvitation.ended_at.is_(None),
        StoreInvitation.expires_at > now(session),
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
