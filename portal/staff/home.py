"""The console's first page: what waits for whom."""

from flask.typing import ResponseReturnValue

from portal.http import portal
from portal.services import staff_counts
from portal.staff import access, blueprint, shell
from portal.web import rendering


@blueprint.get("")
@access.requires()
def home() -> ResponseReturnValue:
    """Shows the queues of one's roles."""
    me = access.me()
    counts = portal().db.read(staff_counts.waiting, me.permissions)
    queues = [
        {"href": href, "label": label, "icon": icon, "count": counts.get(count)}
        for _, ways in shell.WAYS
        for href, label, icon, permission, count in ways
        if count and me.may(permission)
    ]
    return rendering.page("staff/home.html", "main", queues=queues)
