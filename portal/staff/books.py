"""The books: trial balance, any account at any moment, the house by day, liabilities against holdings, adjustments."""

from datetime import date, datetime, timedelta
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal import ledger
from portal import permissions as may
from portal.http import portal
from portal.ledger import AccountKey
from portal.ledger.chart import HOUSE_BUCKETS
from portal.money import SCALES, AmountError, parse_units, plain_text
from portal.services import adjustments, books, cover, payout_switch
from portal.services.activity import TAIPEI
from portal.staff import access, acts, blueprint, inputs
from portal.web import rendering, sheets

_PAGE = 50
_KINDS = ("customer", "store", "institution", "card", "house")
_BUCKETS = ("available", "frozen", "float", "balance", *HOUSE_BUCKETS)


@blueprint.get("/books")
@access.requires(may.LEDGER_VIEW)
def trial_balance() -> ResponseReturnValue:
    """Shows every kind of account with its balance, now or as of a moment."""
    at = _moment(inputs.words("at", 20))
    rows = portal().db.read(books.trial_balance, at)
    if inputs.words("form") == "csv":
        heading = ("owner", "account", "asset", "balance", "accounts")
        lines = (
            [row.owner_kind, row.bucket, row.asset, _plain(row.units, row.asset), str(row.accounts or "")]
            for row in rows
        )
        return sheets.download("trial-balance.csv", heading, lines)
    totals: dict[str, int] = {}
    for row in rows:
        totals[row.asset] = totals.get(row.asset, 0) + row.units
    return rendering.page(
        "staff/books/trial_balance.html", rows=rows, totals=totals, at=inputs.words("at", 20), moment=at
    )


def _plain(units: int, asset: str) -> str:
    return f"-{plain_text(-units, asset)}" if units < 0 else plain_text(units, asset)


def _moment(text: str) -> datetime | None:
    """A moment of Taipei as a form writes it (`2026-11-20T10:00`); None for none or a bad one."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=TAIPEI) if text else None
    except ValueError:
        return None


@blueprint.get("/books/account")
@access.requires(may.LEDGER_VIEW)
def ledger_account() -> ResponseReturnValue:
    """Shows one account as of a moment, with its newest entries; the form to propose a correction."""
    return _account({}, 200)


def _account(errors: dict[str, str], status: int) -> ResponseReturnValue:
    values = request.args if request.method == "GET" else request.form
    kind = values.get("kind", "house")
    asset, bucket = values.get("asset", "TWD"), values.get("bucket", "bank")
    owner_id = inputs.number(values.get("owner", "0"))
    facts: dict[str, Any] = {"key": None, "rows": [], "older": None, "balance": 0}
    at = _moment(inputs.words("at", 20))
    if kind in _KINDS and asset in SCALES and bucket in _BUCKETS and owner_id is not None:
        facts = portal().db.read(_facts, AccountKey(kind, owner_id, asset, bucket), at, inputs.place())
    return rendering.page(
        "staff/books/account.html", "main", status, errors=errors, kinds=_KINDS, buckets=_BUCKETS, assets=list(SCALES),
        house=HOUSE_BUCKETS, at=inputs.words("at", 20), values=values, **facts,
    )  # fmt: skip


def _facts(session: Session, key: AccountKey, at: datetime | None, before_id: int | None) -> dict[str, Any]:
    rows = books.entries(session, key, before_id, _PAGE + 1)
    return {
        "key": key,
        **inputs.one_page(rows, _PAGE),
        "balance": ledger.balance(session, key) if at is None else books.balance_at(session, key, at),
    }


@blueprint.post("/books/adjustments")
@access.requires(may.LEDGER_ADJUST)
def adjust() -> ResponseReturnValue:
    """Proposes a correction of a balance."""
    kind, bucket, counter = (inputs.text(name, 20) for name in ("kind", "bucket", "counter"))
    asset, owner_id = inputs.text("asset", 8), inputs.number(request.form.get("owner", "0"))
    typed = inputs.text("amount", 40)
    if asset not in SCALES or owner_id is None:
        return _account({"owner": gettext("There is no such account to correct.")}, 422)
    try:
        units = parse_units(typed.removeprefix("-"), asset) * (-1 if typed.startswith("-") else 1)
    except AmountError:
        return _account({"amount": gettext("Enter an amount in plain digits, for example 1000 or 0.5.")}, 422)
    subject, payload = adjustments.proposal(kind, owner_id, asset, bucket, units, counter)
    return acts.propose(adjustments.KIND, subject, payload, "/staff/approvals", _account)


@blueprint.get("/books/days")
@access.requires(may.LEDGER_VIEW)
def house_days() -> ResponseReturnValue:
    """Shows what the house owned and earned by day."""
    last = _day(inputs.words("last", 10)) or portal().db.read(books.today)
    first = _day(inputs.words("first", 10)) or last - timedelta(days=13)
    if first > last:
        first = last
    found = portal().db.read(books.days, first, last)
    assets = sorted({asset for day in found for asset, units in day.units.items() if units})
    return rendering.page(
        "staff/books/days.html", days=found[::-1], assets=assets, first=first.isoformat(), last=last.isoformat()
    )


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text) if text else None
    except ValueError:
        return None
    return found if found is None or 2000 < found.year < 2200 else None


@blueprint.get("/books/cover")
@access.requires(may.LEDGER_VIEW)
def cover_page() -> ResponseReturnValue:
    """Shows liabilities against holdings, and the switch."""
    found, switch = portal().db.read(_cover)
    return rendering.page("staff/books/cover.html", cover=found, switch=switch)


def _cover(session: Session) -> tuple[cover.Cover, payout_switch.Switch]:
    return cover.cover(session), payout_switch.state(session)
