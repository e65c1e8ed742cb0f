"""Carrying an act out from a page: done and said, or said why not, or refused with 403 and written down."""

from collections.abc import Callable
from typing import Any

from flask import Response, flash, redirect
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from portal.errors import N_, Refusal
from portal.http import portal
from portal.services import approvals
from portal.staff import access, inputs
from portal.web import rendering

PROPOSED = N_("Proposed. Another person decides.")

#: Refusals of what somebody may not do at all: 403 and a line in the audit log.
NOT_THEIRS = ("forbidden", "staff_not_oneself", "approval_own", "approval_decided")

#: Refusals after which the form that was sent is of no use any more: said on the page one came from.
OVERTAKEN = ("check_overtaken",)

Again = Callable[[dict[str, str], int], ResponseReturnValue]


def act(
    work: Callable[..., Any], *arguments: Any, back: str, said: str, again: Again | None = None, **named: Any
) -> ResponseReturnValue:
    """Runs `work(session, …)` in one transaction, says so, and leads to `back`.

    A refusal comes back on the form (`again(errors, 422)`) or, without one, as a message on the page it leads to.
    """
    try:
        portal().db.transact(work, *arguments, **named)
    except Refusal as refusal:
        return answer(refusal, back=back, again=again)
    flash(said, "success")
    return redirect(back, 303)


def propose(
    kind: str, subject: str, payload: dict[str, Any], back: str, again: Again | None = None
) -> ResponseReturnValue:
    """Lays a change before a second person, with the form's reason."""
    return act(
        approvals.propose, access.me(), kind, subject[:200], payload, inputs.text("reason"), back=back,
        said=gettext(PROPOSED), again=again,
    )  # fmt: skip


def answer(refusal: Refusal, *, back: str, again: Again | None = None) -> ResponseReturnValue:
    """What a page says to a refusal."""
    if refusal.name in NOT_THEIRS:
        return refuse(refusal)
    if refusal.name in ("not_found", "unavailable"):
        raise refusal
    if again is not None and refusal.name not in OVERTAKEN:
        return again({refusal.field or "": gettext(refusal.message)}, 422)
    flash(gettext(refusal.message), "error")
    return redirect(back, 303)


def refuse(refusal: Refusal) -> Response:
    """Writes the refusal down and says it with 403."""
    access.refused(access.actor(), refusal.name)
    return rendering.page("errors/page.html", status=403, code=403, message=gettext(refusal.message))
