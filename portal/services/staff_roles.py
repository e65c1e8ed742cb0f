"""Who works here and what they may do: made and changed by two people, for whoever could do it alone could be anybody."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import context, now
from portal.errors import N_, Refusal, declare
from portal.models.staff import RolePermission, Staff, StaffRole
from portal.permissions import PERMISSIONS, ROLES, STAFF_APPROVE, STAFF_MANAGE
from portal.services import approvals, audit, messages, staff_accounts

declare(
    {
        "roles_as_before": N_("That is how it is already."),
        "roles_last_admin": N_("Two people must be able to approve roles; this would leave fewer."),
    }
)


@approvals.declare_kind("staff.create", N_("New member of staff"), propose=STAFF_MANAGE, approve=STAFF_APPROVE)
def create(session: Session, payload: Mapping[str, Any], actor: str, reference: str) -> dict[str, Any]:
    """Makes a member and mails them a password for their first sign-in."""
    password = staff_accounts.one_time_password()
    made = staff_accounts.create(session, payload["email"], payload["name"], password, payload["roles"], actor=actor)
    _welcome(session, made.email, made.name, password)
    return {"staff": made.public_id}


@approvals.declare_kind(
    "staff.access", N_("New access for a member of staff"), propose=STAFF_MANAGE, approve=STAFF_APPROVE
)
def renew_access(session: Session, payload: Mapping[str, Any], actor: str, reference: str) -> dict[str, Any]:
    """Mails a member a new password for a first sign-in; their second factors are taken off."""
    person = staff_accounts.by_public_id(session, payload["staff"])
    if actor == f"staff:{person.id}":
        raise Refusal("staff_not_oneself")
    password = staff_accounts.renew_access(session, person.id, actor)
    _welcome(session, person.email, person.name, password)
    return {"staff": person.public_id}


def _welcome(session: Session, email: str, name: str, password: str) -> None:
    url = f"{context(session).settings.public_url}/staff"
    messages.mail(session, email, "staff_welcome", "zh_Hant_TW", {"name": name, "password": password, "url": url})


@approvals.declare_kind("staff.roles", N_("Roles of a member of staff"), propose=STAFF_MANAGE, approve=STAFF_APPROVE)
def give_roles(session: Session, payload: Mapping[str, Any], actor: str, reference: str) -> dict[str, Any]:
    """Gives a member exactly these roles. Raises Refusal `staff_not_oneself`, `roles_as_before`, `roles_last_admin`."""
    person = staff_accounts.by_public_id(session, payload["staff"])
    if actor == f"staff:{person.id}":
        raise Refusal("staff_not_oneself")
    wanted, before = set(payload["roles"]), set(staff_accounts.roles_of(session, person.id))
    if wanted - set(ROLES):
        raise Refusal("staff_role_unknown", field="roles")
    if wanted == before:
        raise Refusal("roles_as_before", field="roles")
    if before != set(payload["before"]):
        raise Refusal("approval_overtaken")
    able = _able(session)
    session.execute(sa.delete(StaffRole).where(StaffRole.staff_id == person.id))
    session.add_all(StaffRole(staff_id=person.id, role=role, since=now(session)) for role in sorted(wanted))
    session.flush()
    _check_enough(session, able)
    audit.write(
        session, actor, "staff.roles", f"staff:{person.id}", details={"before": sorted(before), "after": sorted(wanted)}
    )
    return {"roles": sorted(wanted)}


@approvals.declare_kind("role.permissions", N_("What a role may do"), propose=STAFF_MANAGE, approve=STAFF_APPROVE)
def set_permissions(session: Session, payload: Mapping[str, Any], actor: str, reference: str) -> dict[str, Any]:
    """Gives a role exactly these permissions. Raises the refusals of `give_roles`."""
    role, wanted = payload["role"], set(payload["permissions"])
    if role not in ROLES or wanted - set(PERMISSIONS):
        raise Refusal("staff_role_unknown", field="role")
    before = staff_accounts.role_permissions(session)[role]
    if wanted == before:
        raise Refusal("roles_as_before", field="permissions")
    if before != set(payload["before"]):
        raise Refusal("approval_overtaken")
    able = _able(session)
    session.execute(sa.delete(RolePermission).where(RolePermission.role == role))
    session.add_all(RolePermission(role=role, permission=name) for name in sorted(wanted))
    session.flush()
    _check_enough(session, able)
    audit.write(
        session, actor, "role.permissions", f"role:{role}",
        details={"added": sorted(wanted - before), "taken": sorted(before - wanted)},
    )  # fmt: skip
    return {"permissions": sorted(wanted)}


def _able(session: Session) -> dict[str, int]:
    """How many people can propose and approve roles, counted up to two."""
    found = {}
    for permission in (STAFF_MANAGE, STAFF_APPROVE):
        able = (
            sa.select(StaffRole.staff_id)
            .join(RolePermission, RolePermission.role == StaffRole.role)
            .join(Staff, Staff.id == StaffRole.staff_id)
            .where(RolePermission.permission == permission, Staff.standing == "active")
            .distinct()
        )
        found[permission] = len(session.scalars(able.limit(2)).all())
    return found


def _check_enough(session: Session, before: Mapping[str, int]) -> None:
    """Two must be left who can propose and approve, or nobody could ever change it back."""
    if any(count < before[permission] for permission, count in _able(session).items()):
        raise Refusal("roles_last_admin")


def payload_of_roles(session: Session, public_id: str, roles: list[str]) -> tuple[str, dict[str, Any]]:
    """Subject and payload of a proposal to give a member these roles."""
    person = staff_accounts.by_public_id(session, public_id)
    before = staff_accounts.roles_of(session, person.id)
    return f"staff:{person.id}", {"staff": public_id, "before": before, "roles": sorted(set(roles))}


def payload_of_permissions(session: Session, role: str, names: list[str]) -> tuple[str, dict[str, Any]]:
    """Subject and payload of a proposal of what a role may do. Raises Refusal `staff_role_unknown`."""
    if role not in ROLES:
        raise Refusal("staff_role_unknown", field="role")
    before = sorted(staff_accounts.role_permissions(session)[role])
    return f"role:{role}", {"role": role, "before": before, "permissions": sorted(set(names))}
