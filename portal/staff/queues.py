"""Dead jobs, failed webhooks, and things that are stuck."""

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from portal import permissions as may
from portal.http import portal
from portal.services import staff_queues, stuck
from portal.staff import access, acts, blueprint, inputs
from portal.web import rendering

_PAGE = 25


@blueprint.get("/jobs")
@access.requires(may.JOBS_VIEW)
def job_list() -> ResponseReturnValue:
    """Shows jobs laid out dead."""
    rows = portal().db.read(staff_queues.dead_jobs, inputs.place(), _PAGE + 1)
    return rendering.page(
        "staff/queues/jobs.html", "list", kinds=sorted({row.kind for row in rows}), **inputs.one_page(rows, _PAGE)
    )


@blueprint.post("/jobs/<int:job_id>/revive")
@access.requires(may.JOBS_REVIVE)
def job_revive(job_id: int) -> ResponseReturnValue:
    """Queues a dead job again."""
    return acts.act(
        staff_queues.revive_job, job_id, access.actor(), back="/staff/jobs", said=gettext("It is queued again.")
    )


@blueprint.post("/jobs/revive")
@access.requires(may.JOBS_REVIVE)
def job_revive_all() -> ResponseReturnValue:
    """Queues all dead jobs of a kind again."""
    kind = request.form.get("kind", "")[:64]
    return acts.act(
        staff_queues.revive_all, kind, access.actor(), back="/staff/jobs", said=gettext("They are queued again.")
    )


@blueprint.get("/webhooks")
@access.requires(may.JOBS_VIEW)
def webhook_list() -> ResponseReturnValue:
    """Shows webhooks that were given up."""
    rows = portal().db.read(staff_queues.failed_deliveries, inputs.place(), _PAGE + 1)
    return rendering.page("staff/queues/webhooks.html", "list", **inputs.one_page(rows, _PAGE))


@blueprint.post("/webhooks/<public_id>/resend")
@access.requires(may.JOBS_REVIVE)
def webhook_resend(public_id: str) -> ResponseReturnValue:
    """Sends a webhook again."""
    return acts.act(
        staff_queues.resend_delivery,
        public_id,
        access.actor(),
        back="/staff/webhooks",
        said=gettext("It is sent again."),
    )


@blueprint.get("/stuck")
@access.requires(may.JOBS_VIEW)
def stuck_list() -> ResponseReturnValue:
    """Shows what has not moved for longer than it should."""
    return rendering.page("staff/queues/stuck.html", rows=portal().db.read(stuck.found))
