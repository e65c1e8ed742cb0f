"""Members of staff and what their roles allow."""

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.errors import Refusal
from portal.http import portal
from portal.permissions import PERMISSIONS, ROLES, STAFF_MANAGE, STAFF_VIEW
from portal.services import accounts, approvals, staff_accounts, staff_roles, staff_sessions
from portal.services.staff_sessions import SignedInStaff
from portal.staff import access, acts, blueprint, inputs
from portal.web import rendering


@blueprint.get("/people")
@access.requires(STAFF_VIEW, STAFF_MANAGE)
def people() -> ResponseReturnValue:
    """Shows all members of staff and what each role may do."""
    return _people({}, 200)


def _people(errors: dict[str, str], status: int) -> ResponseReturnValue:
    facts = portal().db.read(_everybody)
    return rendering.page(
        "staff/people/list.html", "main", status, errors=errors, form=request.form, roles=ROLES, permissions=PERMISSIONS,
        **facts,
    )  # fmt: skip


def _everybody(session: Session) -> dict[str, Any]:
    return {
        "members": staff_accounts.everybody(session),
        "roles_by_member": staff_accounts.roles_by_member(session),
        "role_permissions": staff_accounts.role_permissions(session),
    }


@blueprint.post("/people")
@access.requires(STAFF_MANAGE)
def people_invite() -> ResponseReturnValue:
    """Proposes a new member."""
    payload = {
        "email": inputs.text("email"),
        "name": inputs.text("name", 64),
        "roles": request.form.getlist("roles")[:9],
    }
    return acts.propose("staff.create", f"staff:{payload['email']}", payload, "/staff/approvals", _people)


@blueprint.get("/people/<public_id>")
@access.requires(STAFF_VIEW, STAFF_MANAGE)
def person(public_id: str) -> ResponseReturnValue:
    """Shows a member."""
    return _person(public_id, {}, 200)


def _person(public_id: str, errors: dict[str, str], status: int) -> ResponseReturnValue:
    facts = portal().db.read(_facts, public_id)
    return rendering.page(
        "staff/people/one.html", "main", status, errors=errors, form=request.form, roles=ROLES, **facts
    )


def _facts(session: Session, public_id: str) -> dict[str, Any]:
    found = staff_accounts.by_public_id(session, public_id)
    own = accounts.customer(session, found.customer_id) if found.customer_id else None
    return {
        "person": found,
        "their_roles": staff_accounts.roles_of(session, found.id),
        "desks": staff_sessions.listed(session, found.id, 10),
        "own_customer": own,
        "proposals": approvals.about(session, f"staff:{found.id}"),
    }


@blueprint.post("/people/<public_id>/roles")
@access.requires(STAFF_MANAGE)
def person_roles(public_id: str) -> ResponseReturnValue:
    """Proposes other roles for a member."""
    return acts.act(
        _propose_roles, access.me(), public_id, request.form.getlist("roles")[:9], inputs.text("reason"),
        back=f"/staff/people/{public_id}", said=gettext(acts.PROPOSED),
        again=lambda errors, status: _person(public_id, errors, status),
    )  # fmt: skip


def _propose_roles(session: Session, me: SignedInStaff, public_id: str, roles: list[str], reason: str) -> None:
    subject, payload = staff_roles.payload_of_roles(session, public_id, roles)
    approvals.propose(session, me, "staff.roles", subject, payload, reason)


@blueprint.post("/people/<public_id>/access")
@access.requires(STAFF_MANAGE)
def person_access(public_id: str) -> ResponseReturnValue:
    """Proposes a new first sign-in for somebody locked out."""
    found = portal().db.read(staff_accounts.by_public_id, public_id)
    return acts.propose(
        "staff.access", f"staff:{found.id}", {"staff": public_id}, f"/staff/people/{public_id}",
        lambda errors, status: _person(public_id, errors, status),
    )  # fmt: skip


@blueprint.post("/people/<public_id>/standing")
@access.requires(STAFF_MANAGE)
def person_standing(public_id: str) -> ResponseReturnValue:
    """Suspends a member at once, or takes them back."""
    found = portal().db.read(staff_accounts.by_public_id, public_id)
    wanted = request.form.get("standing")
    if wanted not in ("active", "suspended"):
        raise Refusal("input_invalid", field="standing")
    return acts.act(
        staff_accounts.set_standing, found.id, wanted, access.actor(), back=f"/staff/people/{public_id}",
        said=gettext("Done."),
    )  # fmt: skip


@blueprint.post("/people/<public_id>/customer")
@access.requires(STAFF_MANAGE)
def person_customer(public_id: str) -> ResponseReturnValue:
    """Notes which customer account is a member's own."""
    return acts.act(
        _name_customer, public_id, inputs.text("login"), access.actor(), back=f"/staff/people/{public_id}",
        said=gettext("Done."), again=lambda errors, status: _person(public_id, errors, status),
    )  # fmt: skip


def _name_customer(session: Session, public_id: str, login: str, actor: str) -> None:
    found = staff_accounts.by_public_id(session, public_id)
    customer = accounts.by_login_name(session, login) if login else None
    if login and customer is None:
        raise Refusal("not_found_customer", field="login")
    staff_accounts.name_customer(session, found.id, customer.id if customer else None, actor)


@blueprint.post("/roles/<role>")
@access.requires(STAFF_MANAGE)
def role_permissions(role: str) -> ResponseReturnValue:
    """Proposes what a role may do."""
    return acts.act(
        _propose_permissions, access.me(), role, request.form.getlist("permissions")[:100], inputs.text("reason"),
        back="/staff/people", said=gettext(acts.PROPOSED), again=_people,
    )  # fmt: skip


def _propose_permissions(session: Session, me: SignedInStaff, role: str, names: list[str], reason: str) -> None:
    subject, payload = staff_roles.payload_of_permissions(session, role, names)
    approvals.propose(session, me, "role.permissions", subject, payload, reason)
