"""Rules of the business that staff may change: limits, fees, spreads, lives. The newest version is in force.

Defaults stand here; a changed rule is a new row and takes effect in every process within two seconds.
"""

import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import after_commit, context, insert_if_absent, now
from portal.errors import Refusal
from portal.models.system import Parameter

_SECONDS_REMEMBERED = 2.0

DEFAULTS: dict[str, dict[str, Any]] = {}


def declare(name: str, value: dict[str, Any]) -> None:
    """Declares a rule with its default; a subject does so at import. Raises ValueError when the name is taken."""
    if name in DEFAULTS and DEFAULTS[name] != value:
        raise ValueError(f"parameter {name!r} is declared twice")
    DEFAULTS[name] = value


def get(session: Session, name: str) -> dict[str, Any]:
    """The rule in force: the default's keys, overlaid by the newest version. Raises KeyError for an unknown name."""
    memory = context(session).cache
    remembered = memory.get("parameters")
    if remembered is None or remembered[0] < time.monotonic():
        remembered = (time.monotonic() + _SECONDS_REMEMBERED, _newest(session))
        memory["parameters"] = remembered
    return {**DEFAULTS[name], **remembered[1].get(name, {})}


def change(session: Session, name: str, value: dict[str, Any], changed_by: str, *, after: int | None = None) -> int:
    """Writes a new version of a rule and answers its number; `after` is the version that the value was made from.

    Raises KeyError for an unknown rule or key, Refusal `state_conflict` when another version was written meanwhile.
    """
    unknown = set(value) - set(DEFAULTS[name])
    if unknown:
        raise KeyError(f"{name} has no {sorted(unknown)}")
    newest = after
    if newest is None:
        newest = session.scalar(sa.select(sa.func.max(Parameter.version)).where(Parameter.name == name)) or 0
    row = {
        "name": name,
        "version": newest + 1,
        "value": value,
        "changed_by": changed_by,
        "changed_at": now(session),
    }
    if not insert_if_absent(session, Parameter.__table__, row):
        raise Refusal("state_conflict")
    memory = context(session).cache
    memory.pop("parameters", None)
    # Somebody may have looked again before this was committed.
    after_commit(session, lambda: memory.pop("parameters", None))
    return newest + 1


def _newest(session: Session) -> dict[str, dict[str, Any]]:
    newest = sa.select(sa.func.max(Parameter.id)).group_by(Parameter.name)
    rows = session.execute(sa.select(Parameter.name, Parameter.value).where(Parameter.id.in_(newest)))
    return {name: value for name, value in rows}
