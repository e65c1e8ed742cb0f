"""Members of staff: made, found, suspended; what their roles let them do."""

import secrets

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import affected, now
from portal.errors import N_, Refusal, declare
from portal.models.customers import Customer
from portal.models.staff import RolePermission, Staff, StaffRole
from portal.permissions import ROLES
from portal.services import audit, identifiers, passkeys, password_rules, passwords, second_factor, staff_sessions

KIND = "staff"

declare(
    {
        "staff_exists": N_("There is a member of staff with this e-mail address already."),
        "staff_role_unknown": N_("There is no such role."),
        "staff_not_oneself": N_("Nobody may decide this about themselves."),
        "password_wrong": N_("The password is not right."),
        "not_found_customer": N_("There is no customer with this name or e-mail address."),
    }
)


def one_time_password() -> str:
    """A password to hand over, to be changed at the first sign-in."""
    return f"{secrets.token_urlsafe(6)}-{secrets.token_urlsafe(6)}"


def create(
    session: Session,
    email: str,
    name: str,
    password: str,
    roles: tuple[str, ...] | list[str],
    *,
    actor: str,
    own_password: bool = False,
) -> Staff:
    """Makes a member of staff; unless it is their own, the password has to be changed at the first sign-in.

    Raises Refusal `email_invalid`, `staff_exists`, `staff_role_unknown`, `input_missing`.
    """
    address = identifiers.canonical_email(email)
    if not name.strip():
        raise Refusal("input_missing", field="name")
    if set(roles) - set(ROLES):
        raise Refusal("staff_role_unknown", field="roles")
    if session.scalar(sa.select(Staff.id).where(Staff.email == address)) is not None:
        raise Refusal("staff_exists", field="email")
    moment = now(session)
    made = Staff(
        email=address,
        name=name.strip()[:64],
        password_hash=passwords.make_hash(session, passwords.digest_of(password)),
        password_changed_at=moment if own_password else None,
        created_at=moment,
    )
    session.add(made)
    session.flush()
    session.add_all(StaffRole(staff_id=made.id, role=role, since=moment) for role in dict.fromkeys(roles))
    session.flush()
    audit.write(session, actor, "staff.create", f"staff:{made.id}", details={"email": address, "roles": list(roles)})
    return made


def by_email(session: Session, text: str) -> Staff | None:
    """The member with this e-mail address, however it is spelled."""
    try:
        address = identifiers.canonical_email(text)
    except Refusal:
        return None
    return session.scalar(sa.select(Staff).where(Staff.email == address))


def member(session: Session, staff_id: int) -> Staff:
    """A member by number. Raises Refusal `not_found`."""
    found = session.get(Staff, staff_id)
    if found is None:
        raise Refusal("not_found")
    return found


def by_public_id(session: Session, public_id: str) -> Staff:
    """A member by the id outside. Raises Refusal `not_found`."""
    found = session.scalar(sa.select(Staff).where(Staff.public_id == public_id))
    if found is None:
        raise Refusal("not_found")
    return found


def everybody(session: Session) -> list[Staff]:
    """All members, by name."""
    return list(session.scalars(sa.select(Staff).order_by(Staff.name, Staff.id)))


def names(session: Session, ids: set[int]) -> dict[int, str]:
    """Names of members by number."""
    if not ids:
        return {}
    return {row.id: row.name for row in session.execute(sa.select(Staff.id, Staff.name).where(Staff.id.in_(ids)))}


def every_name(session: Session) -> dict[str, str]:
    """Names of all members by the name under which their acts are written down (`staff:12`)."""
    return {f"{KIND}:{row.id}": row.name for row in session.execute(sa.select(Staff.id, Staff.name))}


def roles_of(session: Session, staff_id: int) -> list[str]:
    """The roles a member has."""
    return list(
        session.scalars(sa.select(StaffRole.role).where(StaffRole.staff_id == staff_id).order_by(StaffRole.role))
    )


def roles_by_member(session: Session) -> dict[int, list[str]]:
    """The roles of every member."""
    found: dict[int, list[str]] = {}
    for row in session.execute(sa.select(StaffRole.staff_id, StaffRole.role).order_by(StaffRole.role)):
        found.setdefault(row.staff_id, []).append(row.role)
    return found


def permissions_of(session: Session, staff_id: int) -> frozenset[str]:
    """What a member may do, out of all their roles."""
    query = (
        sa.select(RolePermission.permission)
        .join(StaffRole, StaffRole.role == RolePermission.role)
        .where(StaffRole.staff_id == staff_id)
    )
    return frozenset(session.scalars(query))


def role_permissions(session: Session) -> dict[str, set[str]]:
    """What each role allows."""
    found: dict[str, set[str]] = {role: set() for role in ROLES}
    for row in session.execute(sa.select(RolePermission.role, RolePermission.permission)):
        found.setdefault(row.role, set()).add(row.permission)
    return found


def is_own(session: Session, staff_id: int, customer_id: int) -> bool:
    """Whether a customer is the member themselves: the account they named as theirs, or one with their mail address."""
    person = member(session, staff_id)
    if person.customer_id == customer_id:
        return True
    return session.scalar(sa.select(Customer.email).where(Customer.id == customer_id)) == person.email


def own_customers(session: Session, staff_id: int) -> set[int]:
    """The customer accounts that are the member's own."""
    person = member(session, staff_id)
    found = set(session.scalars(sa.select(Customer.id).where(Customer.email == person.email)))
    return found | ({person.customer_id} if person.customer_id else set())


def change_password(session: Session, staff_id: int, present: str, wanted: str, *, but_session: int) -> None:
    """Changes one's own password and signs the other desks out. Raises Refusal `password_wrong` and the rules'."""
    person = member(session, staff_id)
    if not passwords.matches(session, person.password_hash, passwords.digest_of(present)):
        raise Refusal("password_wrong", field="present")
    digest = password_rules.digest_of_new(wanted, person.email, person.name, field="wanted")
    person.password_hash = passwords.make_hash(session, digest)
    person.password_changed_at = now(session)
    staff_sessions.end_all(session, staff_id, "password changed", but=but_session)
    audit.write(session, f"staff:{staff_id}", "staff.password", f"staff:{staff_id}")


def set_standing(session: Session, staff_id: int, standing: str, actor: str) -> None:
    """Suspends a member at once (all desks are signed out) or takes them back. Raises `staff_not_oneself`, `state_conflict`."""
    if actor == f"staff:{staff_id}":
        raise Refusal("staff_not_oneself")
    before = {"suspended": "active", "active": "suspended"}[standing]
    changed = session.execute(
        sa.update(Staff).where(Staff.id == staff_id, Staff.standing == before).values(standing=standing)
    )
    if affected(changed) != 1:
        raise Refusal("state_conflict")
    if standing == "suspended":
        staff_sessions.end_all(session, staff_id, "suspended")
    audit.write(session, actor, f"staff.{standing}", f"staff:{staff_id}")


def renew_access(session: Session, staff_id: int, actor: str) -> str:
    """A new one-time password for somebody locked out; their second factors are taken off. Answers the password.

    Whoever may do this alone could become anybody: it is carried out by an approval (services/staff_roles.py).
    """
    person = member(session, staff_id)
    password = one_time_password()
    person.password_hash = passwords.make_hash(session, passwords.digest_of(password))
    person.password_changed_at = None
    for key in passkeys.listed(session, KIND, staff_id):
        passkeys.remove(session, KIND, staff_id, key.id)
    second_factor.remove_totp(session, KIND, staff_id)
    staff_sessions.end_all(session, staff_id, "access renewed")
    audit.write(session, actor, "staff.renew_access", f"staff:{staff_id}")
    return password


def name_customer(session: Session, staff_id: int, customer_id: int | None, actor: str) -> None:
    """Notes which customer account is a member's own, so that they never decide about it."""
    member(session, staff_id).customer_id = customer_id
    session.flush()
    audit.write(session, actor, "staff.own_account", f"staff:{staff_id}", details={"customer": customer_id})
