"""Stores that take vouchers: looked for by name and area, found nearby, shown. Open to everybody."""

import re
from decimal import Decimal
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.errors import Refusal
from portal.http import portal
from portal.services import brands, stores
from portal.web import blueprint, paging, rendering

_ROWS = 12

#: `?near=25.0330,121.5654`, as the browser's location says it.
_NEAR = re.compile(r"(-?[0-9]{1,3}(?:\.[0-9]{1,9})?),(-?[0-9]{1,3}(?:\.[0-9]{1,9})?)", re.ASCII)


@blueprint.get("/stores")
def store_list() -> ResponseReturnValue:
    """Stores by keyword and area, or the nearest ones."""
    facts = portal().db.read(_list, request.args.get("name", "")[:80], request.args.get("area", "")[:64], _here())
    return rendering.page("stores/list.html", "rows", **facts)


def _here() -> tuple[int, int] | None:
    """Where the visitor says they are, in millionths of a degree; None for what is no place on earth."""
    found = _NEAR.fullmatch(request.args.get("near", ""))
    if found is None:
        return None
    latitude, longitude = (int(Decimal(text) * 1_000_000) for text in found.groups())
    return (latitude, longitude) if abs(latitude) <= 90_000_000 and abs(longitude) <= 180_000_000 else None


def _list(session: Session, name: str, area: str, here: tuple[int, int] | None) -> dict[str, Any]:
    facts = {
        "name": name,
        "area": area,
        "areas": stores.areas(session),
        "near": request.args.get("near", "") if here else "",
    }
    if here is not None:
        found = [{"store": store, "metres": metres} for store, metres in stores.near(session, *here, name=name)]
        return {**facts, "rows": found, "newer": None, "older": None}
    after, before = paging.asked("after"), paging.asked("before")
    rows = stores.page(session, name=name, area=area, after_id=after or 0, before_id=before or 0, count=_ROWS + 1)
    more = len(rows) > _ROWS
    shown = (rows[-_ROWS:] if before else rows[:_ROWS]) if more else rows
    earlier = bool(shown) and (more if before else after is not None)
    later = bool(shown) and (before is not None or more)
    return {
        **facts,
        "rows": [{"store": store, "metres": None} for store in shown],
        "newer": shown[0].id if earlier else None,
        "older": shown[-1].id if later else None,
    }


@blueprint.get("/stores/<public_id>")
def store_page(public_id: str) -> ResponseReturnValue:
    """One store, with the way to pay there."""
    facts = portal().db.read(_store, public_id)
    pay_url = f"{portal().settings.public_url}/pay/{facts['store'].code}"
    return rendering.page("stores/store.html", pay_url=pay_url, **facts)


def _store(session: Session, public_id: str) -> dict[str, Any]:
    store = stores.find(session, public_id)
    return {"store": store, "brand": brands.of_company(session, store.company_id)}


@blueprint.get("/companies/<code>/logo")
def company_logo(code: str) -> ResponseReturnValue:
    """A company's logo; its address changes with it."""
    content = portal().db.read(brands.logo, code)
    if content is None:
        raise Refusal("not_found")
    answer = Response(content, mimetype="image/png" if content.startswith(b"\x89PNG") else "image/jpeg")
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "public, max-age=86400"
    return answer
