"""What a proposal would do, in words and amounts that the second person can judge."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext

from portal.errors import N_
from portal.models.staff import Approval
from portal.money import SCALES
from portal.permissions import PERMISSIONS, ROLES
from portal.services import staff_settings
from portal.staff import spoken, words
from portal.web.presentation import money_text

#: Words of a payload's entries; an entry that is not listed shows its own name.
_WORDS: dict[str, str] = {
    "owner_kind": N_("Whose"),
    "owner_id": N_("Number"),
    "asset": N_("Asset"),
    "thing": N_("Asset or network"),
    "bucket": N_("Account"),
    "units": N_("Amount"),
    "counter": N_("Against the house's"),
    "email": N_("E-mail"),
    "name": N_("Name"),
    "roles": N_("Roles"),
    "staff": N_("Member of staff"),
    "role": N_("Role"),
    "permissions": N_("Permissions"),
    "is_vip": N_("VIP"),
    "spread_override_bp": N_("Own spread (hundredths of a percent)"),
}
#: Entries whose values are codes.
_CODES = {"owner_kind": words.SUBJECTS, "bucket": words.BUCKETS, "counter": words.BUCKETS}
_HIDDEN = ("before", "version", "after", "sealed")

Row = tuple[str, str, str]


def rows(found: Approval) -> list[Row]:
    """(what, before, after) of a proposal; `before` is empty where there is nothing to compare with."""
    payload = found.payload
    before = payload.get("before") if isinstance(payload.get("before"), Mapping) else {}
    answer = [
        (_word(key), _shown(payload, (before or {}).get(key)), _shown(payload, value, key))
        for key, value in payload.items()
        if key not in _HIDDEN
    ]
    after = payload.get("after")
    if isinstance(after, Mapping):
        old, new = staff_settings.flat(before or {}), staff_settings.flat(after)
        answer += [
            (spoken.path(path), staff_settings.typed(old.get(path)), staff_settings.typed(new.get(path)))
            for path in sorted({*old, *new})
            if old.get(path) != new.get(path)
        ]
    elif isinstance(payload.get("before"), list):
        answer.append((gettext("Before"), "", _shown(payload, payload["before"])))
    return answer


def _word(key: str) -> str:
    return gettext(_WORDS[key]) if key in _WORDS else key.replace("_", " ")


def _shown(payload: Mapping[str, Any], value: Any, key: str = "") -> str:
    if value is None:
        return ""
    if key == "units" and payload.get("asset") in SCALES and isinstance(value, int):
        return money_text(value, payload["asset"], sign=True, code=True)
    if isinstance(value, list):
        return ", ".join(gettext(ROLES.get(item) or PERMISSIONS.get(item) or str(item)) for item in value)
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if isinstance(value, Mapping):
        return " · ".join(
            f"{path}: {staff_settings.typed(inner)}" for path, inner in staff_settings.flat(value).items()
        )
    if key in _CODES and isinstance(value, str):
        return spoken.word(_CODES[key], value)
    return str(value)
