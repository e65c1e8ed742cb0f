"""The list of what a customer was told, and which of it comes by mail."""

from typing import Any

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.http import portal
from portal.models.customers import Customer
from portal.services import notifications
from portal.web import blueprint, rendering
from portal.web.access import customer_id, login_required

ROWS = 20


@blueprint.get("/notifications")
@login_required
def notification_list() -> ResponseReturnValue:
    """Newest first."""
    text = request.args.get("before", "")
    before = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
    facts = portal().db.read(_facts, customer_id(), before)
    return rendering.page("notifications/list.html", newest=before is None, **facts)


def _facts(session: Session, customer: int, before: int | None) -> dict[str, Any]:
    person = session.get_one(Customer, customer)
    rows = notifications.page(session, customer, count=ROWS + 1, before_id=before)
    return {
        "rows": rows[:ROWS],
        "older": rows[ROWS - 1].id if len(rows) > ROWS else None,
        "unread": notifications.unread(session, customer),
        "groups": notifications.GROUPS,
        "always": notifications.ALWAYS,
        "wanted": {group for group in notifications.GROUPS if notifications.wants_mail(person, group)},
    }


@blueprint.post("/notifications/read")
@login_required
def notifications_read() -> ResponseReturnValue:
    """Marks all as read."""
    portal().db.transact(notifications.read_all, customer_id())
    return redirect("/notifications", 303)


@blueprint.post("/notifications/settings")
@login_required
def notification_settings() -> ResponseReturnValue:
    """Keeps which groups come by mail."""
    wanted = set(request.form.getlist("mail"))
    choice = {group: group in wanted for group in notifications.GROUPS}
    portal().db.transact(notifications.choose, customer_id(), choice)
    flash(gettext("Saved."), "success")
    return redirect("/notifications#settings", 303)
