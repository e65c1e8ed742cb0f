"""Rules of the business as staff see and change them: every rule with its versions, changed by two people."""

import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.errors import N_, Refusal, declare
from portal.models.system import Parameter
from portal.money import AmountError, parse_decimal
from portal.permissions import SETTINGS_APPROVE, SETTINGS_CHANGE
from portal.services import approvals, audit, parameters

KIND = "settings.parameter"
MOST_VERSIONS = 50

_WHOLE = re.compile(r"-?[0-9]{1,15}", re.ASCII)

declare(
    {
        "setting_as_before": N_("That is how it is already."),
        "setting_invalid": N_("Please check this entry: it must be of the same kind as the present one."),
    }
)


def names() -> list[str]:
    """The names of all rules, in order."""
    return sorted(parameters.DEFAULTS)


def version(session: Session, name: str) -> int:
    """The number of the version in force; 0 for the portal's own default."""
    return session.scalar(sa.select(sa.func.max(Parameter.version)).where(Parameter.name == name)) or 0


def versions(session: Session, name: str) -> list[Parameter]:
    """The newest versions of a rule."""
    query = sa.select(Parameter).where(Parameter.name == name).order_by(Parameter.version.desc())
    return list(session.scalars(query.limit(MOST_VERSIONS)))


def changed_versions(session: Session) -> dict[str, int]:
    """The number of the version in force of every rule that was ever changed."""
    query = sa.select(Parameter.name, sa.func.max(Parameter.version)).group_by(Parameter.name)
    return {name: number for name, number in session.execute(query)}


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """A rule's single values by their path: `{"fees.TRON": "1", …}`. Lists stay whole."""
    if isinstance(value, Mapping):
        found: dict[str, Any] = {}
        for key, inner in value.items():
            found |= flat(inner, f"{path}.{key}" if path else str(key))
        return found
    return {path: value}


def typed(value: Any) -> str:
    """A single value as a form shows it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return "" if value is None else str(value)


def read_form(present: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """A rule with the values typed into its form; every value keeps its kind.

    Raises Refusal `setting_invalid` with the path as field.
    """

    def walk(value: Any, path: str) -> Any:
        if isinstance(value, Mapping):
            return {key: walk(inner, f"{path}.{key}" if path else str(key)) for key, inner in value.items()}
        return _same_kind(value, given[path], path) if path in given else value

    answer: dict[str, Any] = walk(present, "")
    return answer


def _same_kind(present: Any, text: str, path: str) -> Any:
    text = text.strip()
    if isinstance(present, bool):
        if text not in ("yes", "no"):
            raise Refusal("setting_invalid", field=path)
        return text == "yes"
    if isinstance(present, int):
        if not _WHOLE.fullmatch(text):
            raise Refusal("setting_invalid", field=path)
        return int(text)
    if isinstance(present, list):
        return [part.strip() for part in text.split(",") if part.strip()]
    if isinstance(present, str) and _is_decimal(present):
        if not _is_decimal(text):
            raise Refusal("setting_invalid", field=path)
        return text
    if present is None or isinstance(present, str):
        return text[:500] or (None if present is None else "")
    raise Refusal("setting_invalid", field=path)


def _is_decimal(text: str) -> bool:
    try:
        parse_decimal(text.removeprefix("-"))
    except AmountError:
        return False
    return True


def proposal(session: Session, name: str, value: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Subject and payload of a change of a rule. Raises Refusal `not_found`, `setting_as_before`."""
    if name not in parameters.DEFAULTS:
        raise Refusal("not_found")
    present = parameters.get(session, name)
    changed = {key: new for key, new in value.items() if present.get(key) != new}
    if not changed:
        raise Refusal("setting_as_before")
    before = {key: present.get(key) for key in changed}
    return f"setting:{name}"[:200], {
        "name": name,
        "version": version(session, name),
        "before": before,
        "after": changed,
    }


@approvals.declare_kind(KIND, N_("Change of a rule"), propose=SETTINGS_CHANGE, approve=SETTINGS_APPROVE)
def carry_out(session: Session, payload: Mapping[str, Any], actor: str, reference: str) -> dict[str, Any]:
    """Puts a new version of a rule in force. Raises Refusal `approval_overtaken` when it was changed meanwhile."""
    name = payload["name"]
    if name not in parameters.DEFAULTS:
        raise Refusal("not_found")
    if version(session, name) != payload["version"]:
        raise Refusal("approval_overtaken")
    newest = session.scalars(
        sa.select(Parameter.value).where(Parameter.name == name).order_by(Parameter.version.desc()).limit(1)
    ).first()
    value = {**(newest or {}), **payload["after"]}
    made = parameters.change(session, name, value, actor, after=int(payload["version"]))
    audit.write(session, actor, "setting.change", f"setting:{name}"[:200], details=dict(payload))
    return {"version": made}
