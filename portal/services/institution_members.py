"""The people of an institution: who they are, what they may do, and what they are warned of."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import affected, now
from portal.errors import N_, Refusal, declare
from portal.models.customers import Customer
from portal.models.partner import Institution, InstitutionAsset, InstitutionMember
from portal.services import accounts, audit, messages, webhooks

#: `owner` does all, `operator` all but keys, people and webhooks, `viewer` looks.
ROLES = ("owner", "operator", "viewer")

declare(
    {
        "member_known": N_("This person is a member already."),
        "member_unknown": N_("There is no customer with this sign-in name."),
        "last_owner": N_("An institution needs at least one owner."),
    }
)


@dataclass(frozen=True, slots=True)
class Membership:
    """A customer's place in an institution."""

    institution_id: int
    institution_public_id: str
    institution_name: str
    institution_status: str
    role: str


def memberships(session: Session, customer_id: int) -> list[Membership]:
    """The institutions a customer works for, oldest membership first."""
    query = (
        sa.select(Institution.id, Institution.public_id, Institution.name, Institution.status, InstitutionMember.role)
        .join(InstitutionMember, InstitutionMember.institution_id == Institution.id)
        .where(InstitutionMember.customer_id == customer_id, InstitutionMember.removed_at.is_(None))
        .order_by(InstitutionMember.id)
    )
    return [Membership(*row) for row in session.execute(query)]


def membership(session: Session, customer_id: int, institution_public_id: str) -> Membership | None:
    """A customer's place in the named institution, if there is one."""
    found = memberships(session, customer_id)
    return next((one for one in found if one.institution_public_id == institution_public_id), None)


def members(session: Session, institution_id: int) -> list[tuple[InstitutionMember, Customer]]:
    """The people of an institution."""
    query = (
        sa.select(InstitutionMember, Customer)
        .join(Customer, Customer.id == InstitutionMember.customer_id)
        .where(InstitutionMember.institution_id == institution_id, InstitutionMember.removed_at.is_(None))
        .order_by(InstitutionMember.id)
    )
    return [(member, customer) for member, customer in session.execute(query)]


def owners(session: Session, institution_id: int) -> list[int]:
    """The customer ids of an institution's owners."""
    query = sa.select(InstitutionMember.customer_id).where(
        InstitutionMember.institution_id == institution_id,
        InstitutionMember.role == "owner",
        InstitutionMember.removed_at.is_(None),
    )
    return list(session.scalars(query.order_by(InstitutionMember.id)))


webhooks.hears_of("institution", owners)


def invite(session: Session, institution_id: int, login: str, role: str, actor: str) -> InstitutionMember:
    """Makes the customer with a sign-in name a member. Raises Refusal `member_unknown`, `member_known`, `input_invalid`."""
    found = accounts.by_login_name(session, login)
    if found is None:
        raise Refusal("member_unknown", field="login")
    return add_member(session, institution_id, found.id, role, actor)


def add_member(session: Session, institution_id: int, customer_id: int, role: str, actor: str) -> InstitutionMember:
    """Makes a customer a member. Raises Refusal `input_invalid` or `member_known`."""
    if role not in ROLES:
        raise Refusal("input_invalid", field="role")
    known = session.scalar(
        sa.select(InstitutionMember).where(
            InstitutionMember.institution_id == institution_id, InstitutionMember.customer_id == customer_id
        )
    )
    if known is not None and known.removed_at is None:
        raise Refusal("member_known", field="login")
    if known is None:
        known = InstitutionMember(
            institution_id=institution_id, customer_id=customer_id, role=role, created_at=now(session)
        )
        session.add(known)
    else:
        known.role, known.removed_at = role, None
    session.flush()
    audit.write(session, actor, "institution.member_added", f"institution:{institution_id}", details={"role": role})
    return known


def remove_member(session: Session, institution_id: int, member_public_id: str, actor: str) -> None:
    """Takes a membership away. Raises Refusal `not_found` or `last_owner`."""
    owners = session.scalars(
        sa.select(InstitutionMember)
        .where(InstitutionMember.institution_id == institution_id, InstitutionMember.removed_at.is_(None))
        .with_for_update()
    ).all()
    found = next((member for member in owners if member.public_id == member_public_id), None)
    if found is None:
        raise Refusal("not_found")
    if found.role == "owner" and sum(member.role == "owner" for member in owners) == 1:
        raise Refusal("last_owner")
    gone = session.execute(
        sa.update(InstitutionMember)
        .where(InstitutionMember.id == found.id, InstitutionMember.removed_at.is_(None))
        .values(removed_at=now(session))
    )
    if affected(gone) != 1:
        raise Refusal("state_conflict")
    audit.write(
        session, actor, "institution.member_removed", f"institution:{institution_id}", details={"role": found.role}
    )


def warn_of_low_float(session: Session, found: InstitutionAsset, balance_units: int) -> None:
    """Warns the owners by mail when a float has fallen below its limit; once, until it has been above again."""
    if balance_units >= found.low_units:
        if found.warned_at is not None:
            found.warned_at = None
        return
    if found.warned_at is not None or not _first_to_warn(session, found):
        return
    institution = session.get_one(Institution, found.institution_id)
    facts = {
        "institution": institution.name, "units": balance_units, "low_units": found.low_units, "asset": found.asset
    }  # fmt: skip
    for email, locale in session.execute(
        sa.select(Customer.email, Customer.locale)
        .join(InstitutionMember, InstitutionMember.customer_id == Customer.id)
        .where(
            InstitutionMember.institution_id == found.institution_id,
            InstitutionMember.role == "owner",
            InstitutionMember.removed_at.is_(None),
        )
    ):
        if email:
            messages.mail(session, email, "float_low", locale, facts)


def _first_to_warn(session: Session, found: InstitutionAsset) -> bool:
    claimed = session.execute(
        sa.update(InstitutionAsset)
        .where(
            InstitutionAsset.institution_id == found.institution_id,
            InstitutionAsset.asset == found.asset,
            InstitutionAsset.warned_at.is_(None),
        )
        .values(warned_at=now(session))
    )
    return affected(claimed) == 1
