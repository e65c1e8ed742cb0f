"""Rules of the business: every one with its versions, changed by two people."""

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.errors import N_, Refusal
from portal.http import portal
from portal.permissions import SETTINGS_CHANGE, SETTINGS_VIEW
from portal.services import approvals, parameters, risk_rules, staff_settings
from portal.services.staff_sessions import SignedInStaff
from portal.staff import access, acts, blueprint, inputs
from portal.web import rendering

#: Declares rules of its own; a process that only serves pages would not know them otherwise.
KNOWN_BY_NAME = (risk_rules,)

#: What the parts of a rule's name stand for, for the list's headings.
GROUPS: tuple[tuple[str, str], ...] = (
    ("withdrawal", N_("Money out")),
    ("deposit", N_("Money in")),
    ("bank", N_("Bank")),
    ("trade", N_("Trading")),
    ("quote", N_("Trading")),
    ("price", N_("Prices")),
    ("kyc", N_("Identity check")),
    ("voucher", N_("Vouchers")),
    ("risk", N_("Risk")),
    ("cover", N_("Cover and pay-outs")),
    ("payout", N_("Cover and pay-outs")),
    ("stuck", N_("Stuck things")),
)


@blueprint.get("/settings")
@access.requires(SETTINGS_VIEW)
def settings() -> ResponseReturnValue:
    """Shows all rules, by subject."""
    changed = portal().db.read(staff_settings.changed_versions)
    grouped: dict[str, list[str]] = {}
    for name in staff_settings.names():
        group = next((label for prefix, label in GROUPS if name.startswith(prefix)), N_("Other"))
        grouped.setdefault(group, []).append(name)
    return rendering.page("staff/settings/list.html", "main", grouped=grouped, changed=changed)


@blueprint.get("/settings/<name>")
@access.requires(SETTINGS_VIEW)
def setting(name: str) -> ResponseReturnValue:
    """Shows one rule with its versions."""
    return _setting(name, {}, 200)


def _setting(name: str, errors: dict[str, str], status: int) -> ResponseReturnValue:
    if name not in parameters.DEFAULTS:
        raise Refusal("not_found")
    facts = portal().db.read(_facts, name)
    typed = {path: request.form.get(path, staff_settings.typed(value)) for path, value in facts["present"].items()}
    return rendering.page(
        "staff/settings/one.html", "main", status, name=name, errors=errors, typed=typed, form=request.form, **facts
    )


def _facts(session: Session, name: str) -> dict[str, Any]:
    return {
        "present": staff_settings.flat(parameters.get(session, name)),
        "defaults": staff_settings.flat(parameters.DEFAULTS[name]),
        "versions": staff_settings.versions(session, name),
        "flat": staff_settings.flat,
        "as_typed": staff_settings.typed,
        "proposals": approvals.about(session, f"setting:{name}"),
        "kinds": approvals.KINDS,
    }


@blueprint.post("/settings/<name>")
@access.requires(SETTINGS_CHANGE)
def setting_propose(name: str) -> ResponseReturnValue:
    """Proposes another version of a rule."""
    given = {path: text[:2000].replace("\x00", "\ufffd") for path, text in request.form.items()}
    return acts.act(
        _propose, access.me(), name, given, inputs.text("reason"), back=f"/staff/settings/{name}", said=gettext(acts.PROPOSED),
        again=lambda errors, status: _setting(name, errors, status),
    )  # fmt: skip


def _propose(session: Session, me: SignedInStaff, name: str, given: dict[str, str], reason: str) -> None:
    if name not in parameters.DEFAULTS:
        raise Refusal("not_found")
    wanted = staff_settings.read_form(parameters.get(session, name), given)
    subject, payload = staff_settings.proposal(session, name, wanted)
    approvals.propose(session, me, staff_settings.KIND, subject, payload, reason)
