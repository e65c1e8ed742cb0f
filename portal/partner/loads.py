"""Loads: filtered, exported, and one load with how its number came about."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from flask.typing import ResponseReturnValue
from flask_babel import gettext, pgettext
from sqlalchemy.orm import Session

from portal import states
from portal.errors import Refusal
from portal.http import portal
from portal.machines.partner_loads import CARD_LOAD
from portal.models.cards import CardLoad
from portal.money import plain_text
from portal.partner import blueprint
from portal.partner.access import Seat, before, member_required, path_of, typed_args
from portal.services import loads as card_loads
from portal.services.activity import TAIPEI
from portal.web import rendering, sheets
from portal.web.presentation import time_text
from portal.web.statuses import label

PAGE = 50
EXPORT_BATCH = 500


@blueprint.get("/<institution>/loads")
@member_required()
def loads(seat: Seat) -> ResponseReturnValue:
    """A page of the list."""
    values, number = _values(), before()
    rows = portal().db.read(card_loads.filtered, seat.institution_id, before=number, count=PAGE + 1, **_filters(values))
    asked = {name: value for name, value in values.items() if value}
    older = path_of(seat, "loads", **asked, before=rows[PAGE - 1].number) if len(rows) > PAGE else None
    return rendering.page(
        "partner/loads.html", "rows", rows=rows[:PAGE], values=values, states=list(CARD_LOAD.transitions), older=older,
        newest=path_of(seat, "loads", **asked) if number else None, export=path_of(seat, "loads_csv", **asked),
    )  # fmt: skip


@blueprint.get("/<institution>/loads.csv")
@member_required()
def loads_csv(seat: Seat) -> ResponseReturnValue:
    """The same rows as a file."""
    heading = [
        gettext("Time"), "tx_id", "cust_tx_id", "acct_no", "card_no", gettext("Amount (USDT)"), gettext("Exchange fee"),
        gettext("Loading fee"), gettext("Deposit"), gettext("Exchange rate"), gettext("Arrives"), gettext("Currency"),
        gettext("Status"), gettext("Reason"), pgettext("load", "Settled"),
    ]  # fmt: skip
    return sheets.download("loads.csv", heading, _lines(seat.institution_id, _filters(_values())))


def _lines(institution_id: int, filters: dict[str, Any]) -> Iterator[list[str]]:
    number: int | None = None
    while True:
        rows = portal().db.read(card_loads.filtered, institution_id, before=number, count=EXPORT_BATCH, **filters)
        for row in rows:
            yield _cells(row)
        if len(rows) < EXPORT_BATCH:
            return
        number = rows[-1].number


def _cells(row: CardLoad) -> list[str]:
    amounts = (row.amount_units, row.exchange_fee_units, row.loading_fee_units, row.deposit_units)
    return [
        time_text(row.created_at, "long"), row.tx_id, row.cust_tx_id, row.acct_no, row.card_no,
        *(plain_text(units, row.asset) for units in amounts), format(row.exchange_rate, "f"),
        plain_text(row.currency_units, row.currency), row.currency, str(label(row.status)), row.failure,
        time_text(row.settled_at, "long") if row.settled_at else "",
    ]  # fmt: skip


def _values() -> dict[str, str]:
    values = typed_args("acct_no", "status", "first", "last")
    if values["status"] not in CARD_LOAD.transitions:
        values["status"] = ""
    return {**values, **{name: values[name] if _day(values[name]) else "" for name in ("first", "last")}}


def _day(text: str) -> datetime | None:
    """The day's beginning in Taipei, or nothing for what is no day: a filter that cannot be read hides nothing."""
    try:
        found = date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        found = None
    return datetime(found.year, found.month, found.day, tzinfo=TAIPEI) if found and 1970 <= found.year < 9999 else None


def _filters(values: dict[str, str]) -> dict[str, Any]:
    last = _day(values["last"])
    return {
        "status": values["status"] or None,
        "acct_no": values["acct_no"] or None,
        "since": _day(values["first"]),
        "until": last + timedelta(days=1) if last else None,
    }


@blueprint.get("/<institution>/loads/<tx_id>")
@member_required()
def load(seat: Seat, tx_id: str) -> ResponseReturnValue:
    """One load: its arithmetic, its way, live until it ends."""
    return rendering.page("partner/load.html", "state", **portal().db.read(_facts, seat.institution_id, tx_id))


@blueprint.get("/<institution>/loads/<tx_id>/state")
@member_required()
def load_state(seat: Seat, tx_id: str) -> ResponseReturnValue:
    """The live block."""
    facts = portal().db.read(_facts, seat.institution_id, tx_id)
    return rendering.polled(rendering.render_block("partner/load.html", "state", **facts))


def _facts(session: Session, institution_id: int, tx_id: str) -> dict[str, Any]:
    try:
        found = card_loads.by_tx_id(session, institution_id, tx_id)
    except Refusal as refusal:
        raise Refusal("not_found") from refusal
    return {
        "found": found,
        "history": states.history(session, CARD_LOAD, found.id),
        "over": CARD_LOAD.is_final(found.status),
    }
