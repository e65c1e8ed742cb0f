"""What a proposal would do, in words and amounts that the second person can judge."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext, pgettext
from sqlalchemy.orm import Session

from portal.errors import N_
from portal.models.customers import Company
from portal.models.partner import Institution
from portal.models.staff import Approval
from portal.models.stores import Store
from portal.money import SCALES
from portal.permissions import PERMISSIONS, ROLES
from portal.services import partner_keys, staff_accounts, staff_settings
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
    "store": N_("Store"),
    "company": N_("Company"),
    "institution": N_("Institution"),
    "login": N_("User name or e-mail"),
    "card_type": N_("Card type"),
    "symbol": N_("Market"),
    "price": N_("Price in TWD"),
    "contact_email": N_("E-mail"),
    "stock": N_("Vouchers it may sell"),
    "account": N_("Account number"),
    "account_tail": N_("Account number"),
    "account_name": N_("Account holder"),
    "bank_name": N_("Bank"),
    "bank_code": N_("Bank code"),
    "branch_name": N_("Branch"),
    "branch_code": N_("Branch code"),
    "line": N_("Bank line"),
    "credit": N_("Bank credit"),
    "areas": N_("What it may use"),
}
#: Entries whose values are codes.
_CODES = {"owner_kind": words.SUBJECTS, "bucket": words.BUCKETS, "counter": words.BUCKETS}
#: What lists are made of.
_LISTED = {**ROLES, **PERMISSIONS, **partner_keys.AREA_WORDS}
#: Entries whose values are the numbers of things that have a name.
_NAMED: dict[str, type[Store | Company | Institution]] = {
    "store": Store,
    "company": Company,
    "institution": Institution,
}
_HIDDEN = ("before", "version", "after", "sealed")

Row = tuple[str, str, str]


def named(session: Session, found: Approval) -> dict[str, Any]:
    """The proposal's payload with names in the place of numbers, for the eye; what is gone keeps its number."""
    payload = dict(found.payload)
    for key, model in _NAMED.items():
        if isinstance(payload.get(key), int):
            payload[key] = session.scalar(sa.select(model.name).where(model.id == payload[key])) or payload[key]
    if "staff" in payload:
        payload["staff"] = staff_accounts.by_public_id(session, str(payload["staff"])).name
    return payload


def rows(payload: Mapping[str, Any]) -> list[Row]:
    """(what, before, after) of a proposal's payload; `before` is empty where there is nothing to compare with."""
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
        return ", ".join(gettext(_LISTED.get(item, str(item))) for item in value)
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if isinstance(value, Mapping):
        return " · ".join(
            f"{path}: {staff_settings.typed(inner)}" for path, inner in staff_settings.flat(value).items()
        )
    if key == "role":
        return _role(str(value))
    if key in _CODES and isinstance(value, str):
        return spoken.word(_CODES[key], value)
    return str(value)


def _role(value: str) -> str:
    """A role of the staff, or of an institution's people."""
    theirs = {"owner": pgettext("institution", "Owner"), "operator": gettext("Operator"), "viewer": gettext("Viewer")}
    return theirs.get(value) or gettext(ROLES[value]) if value in theirs or value in ROLES else value
