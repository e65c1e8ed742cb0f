"""The history: filters, pages, an export, and for every entry how its number came about."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from flask import Response, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.http import portal
from portal.models.system import Activity
from portal.money import plain_text
from portal.services import history, networks
from portal.services.history import Filters
from portal.services.wallet import ALL
from portal.web import blueprint, rendering
from portal.web.access import customer_id, login_required
from portal.web.activity_words import WORDS, title
from portal.web.presentation import time_text

#: Kinds as a person filters them.
GROUPS: dict[str, tuple[str, ...]] = {kind: (kind,) for kind in WORDS}

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_PAGE = 20


@blueprint.get("/wallet/history")
@login_required
def wallet_history() -> ResponseReturnValue:
    """A page of the history."""
    values = _values()
    before, after = (request.args.get(name, "")[:36] or None for name in ("before", "after"))
    found = portal().db.read(history.page, customer_id(), _filters(values), before=before, after=after, limit=_PAGE)
    asked = {name: value for name, value in values.items() if value}
    return rendering.page(
        "wallet/history.html", "rows", page=found, values=values, asked=asked, words=WORDS, assets=ALL
    )


@blueprint.get("/wallet/history.csv")
@login_required
def wallet_history_csv() -> ResponseReturnValue:
    """The same rows as a file, streamed."""
    lines = _csv(customer_id(), _filters(_values()))
    answer = Response(stream_with_context(lines), mimetype="text/csv")
    answer.headers["Content-Disposition"] = "attachment; filename=history.csv"
    return answer


@blueprint.get("/wallet/history/<public_id>")
@login_required
def wallet_entry(public_id: str) -> ResponseReturnValue:
    """One entry: its receipt, its life, and how its number came about."""
    return rendering.page("wallet/entry.html", "entry", **portal().db.read(_entry, customer_id(), public_id))


@blueprint.get("/wallet/history/<public_id>/live")
@login_required
def wallet_entry_live(public_id: str) -> ResponseReturnValue:
    """The live block of an entry that is still under way."""
    facts = portal().db.read(_entry, customer_id(), public_id)
    return rendering.polled(rendering.render_block("wallet/entry.html", "entry", **facts))


def _values() -> dict[str, str]:
    kind, asset = request.args.get("kind", ""), request.args.get("asset", "")
    return {
        "kind": kind if kind in GROUPS else "",
        "asset": asset if asset in ALL else "",
        "from": _day(request.args.get("from", "")),
        "to": _day(request.args.get("to", "")),
    }


def _day(text: str) -> str:
    """The day, or nothing for what is no day: a filter that cannot be read does not hide anything."""
    if not _DAY.fullmatch(text):
        return ""
    try:
        date.fromisoformat(text)
    except ValueError:
        return ""
    return text


def _filters(values: dict[str, str]) -> Filters:
    return Filters(
        kinds=GROUPS.get(values["kind"], ()),
        assets=(values["asset"],) if values["asset"] else (),
        first_day=values["from"] or None,
        last_day=values["to"] or None,
    )


def _entry(session: Session, customer: int, public_id: str) -> dict[str, Any]:
    row = history.entry(session, customer, public_id)
    told = history.explain(session, customer, row)
    details = row.details or {}
    network, tx_hash = details.get("network"), details.get("tx_hash")
    url = (
        networks.transaction_url(portal().settings, network, tx_hash)
        if tx_hash and network in networks.ASSETS
        else None
    )
    return {"row": row, "told": told, "details": details, "url": url, "under_way": row.status in ("seen", "open")}


def _csv(customer: int, filters: Filters) -> Iterator[str]:
    yield "\ufeff" + _line(
        [
            gettext("Time"), gettext("Kind"), gettext("In or out"), gettext("Asset"), gettext("Amount"), gettext("Fee"),
            gettext("Net"), gettext("Other asset"), gettext("Other amount"), gettext("Status"), gettext("Reference"),
            gettext("With"),
        ]
    )  # fmt: skip
    for row in history.export_rows(portal().db.read, customer, filters):
        yield _line(_cells(row))


def _cells(row: Activity) -> list[str]:
    return [
        time_text(row.created_at, "long"),
        title(row.kind),
        gettext("in") if row.direction == "in" else gettext("out"),
        row.asset,
        plain_text(row.amount_units, row.asset),
        plain_text(row.fee_units, row.asset),
        plain_text(row.net_units, row.asset),
        row.counter_asset or "",
        plain_text(row.counter_units, row.counter_asset) if row.counter_asset and row.counter_units else "",
        row.status,
        row.reference,
        row.counterparty or "",
    ]


def _line(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([inert(cell) for cell in cells])
    return out.getvalue()


def inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: names and notes are other people's words."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")) else cell
