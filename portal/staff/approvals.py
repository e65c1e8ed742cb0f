"""Proposals that wait for a second person, and what became of the older ones."""

from typing import Any

from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.errors import Refusal
from portal.http import portal
from portal.models.staff import Approval
from portal.services import approvals, staff_accounts
from portal.staff import access, acts, blueprint, described, inputs
from portal.web import rendering

_PAGE = 25
_STATUSES = (approvals.PENDING, approvals.APPROVED, approvals.REJECTED, approvals.WITHDRAWN)


@blueprint.get("/approvals")
@access.requires()
def approval_list() -> ResponseReturnValue:
    """Shows the proposals one may propose or approve, newest first."""
    status = inputs.chosen("status", _STATUSES, approvals.PENDING if "status" not in inputs.given() else "")
    rows, people = portal().db.read(_page, access.me().permissions, status, inputs.place())
    return rendering.page(
        "staff/approvals/list.html", "list", people=people, chosen=status, statuses=_STATUSES,
        kinds=approvals.KINDS, **inputs.one_page(rows, _PAGE),
    )  # fmt: skip


def _page(
    session: Session, permissions: frozenset[str], status: str, before_id: int | None
) -> tuple[list[Approval], dict[int, str]]:
    rows = approvals.page(session, permissions, status=status, before_id=before_id, count=_PAGE + 1)
    return rows, staff_accounts.names(session, {row.maker_id for row in rows} | {row.checker_id or 0 for row in rows})


@blueprint.get("/approvals/<public_id>")
@access.requires()
def approval(public_id: str) -> ResponseReturnValue:
    """Shows a proposal."""
    return _show(public_id, {}, 200)


def _show(public_id: str, errors: dict[str, str], status: int) -> ResponseReturnValue:
    found, people, payload = portal().db.read(_one, public_id)
    kind = approvals.KINDS[found.kind]
    me = access.me()
    if not (me.may(kind.propose) or me.may(kind.approve)):
        return acts.refuse(Refusal("forbidden"))
    return rendering.page(
        "staff/approvals/one.html", "main", status, found=found, kind=kind, people=people, errors=errors,
        rows=described.rows(payload), own=found.maker_id == me.staff_id,
        decides=found.status == approvals.PENDING and found.maker_id != me.staff_id and me.may(kind.approve),
    )  # fmt: skip


def _one(session: Session, public_id: str) -> tuple[Approval, dict[int, str], dict[str, Any]]:
    found = approvals.find(session, public_id)
    people = staff_accounts.names(session, {found.maker_id, found.checker_id or 0})
    return found, people, described.named(session, found)


@blueprint.post("/approvals/<public_id>/approve")
@access.requires()
def approval_approve(public_id: str) -> ResponseReturnValue:
    """Approves a proposal and carries it out."""
    return acts.act(
        approvals.approve, access.me(), public_id, back=f"/staff/approvals/{public_id}",
        said=gettext("Approved and carried out."), again=lambda errors, status: _show(public_id, errors, status),
    )  # fmt: skip


@blueprint.post("/approvals/<public_id>/reject")
@access.requires()
def approval_reject(public_id: str) -> ResponseReturnValue:
    """Turns a proposal down."""
    return acts.act(
        approvals.reject, access.me(), public_id, inputs.text("reason"), back=f"/staff/approvals/{public_id}",
        said=gettext("Turned down."), again=lambda errors, status: _show(public_id, errors, status),
    )  # fmt: skip


@blueprint.post("/approvals/<public_id>/withdraw")
@access.requires()
def approval_withdraw(public_id: str) -> ResponseReturnValue:
    """Takes one's own proposal back."""
    return acts.act(
        approvals.withdraw, access.me(), public_id, back=f"/staff/approvals/{public_id}", said=gettext("Taken back.")
    )
