"""Statements of a month or a year, as PDF and CSV."""

import csv
import io
from collections.abc import Iterator

from flask import Response, stream_with_context
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.http import portal
from portal.money import plain_text
from portal.services import statements
from portal.services.statements import Balance, Line, Period
from portal.web import blueprint, rendering, statement_pdf
from portal.web.access import customer_id, login_required
from portal.web.activity_words import title
from portal.web.history import inert
from portal.web.presentation import time_text


@blueprint.get("/statements")
@login_required
def statement_list() -> ResponseReturnValue:
    """The periods there are."""
    names = portal().db.read(statements.periods, customer_id())
    months = [name for name in names if "-" in name]
    return rendering.page("statements/list.html", months=months, years=[name for name in names if "-" not in name])


@blueprint.get("/statements/<period>.pdf")
@login_required
def statement_document(period: str) -> ResponseReturnValue:
    """The statement to keep."""
    found, customer = portal(), customer_id()
    name, wanted, balances = found.db.read(_begin, customer, period)
    content = statement_pdf.make(
        portal().settings.brand_name, name, wanted, balances, statements.lines(found.db.read, customer, wanted, balances),
        made_at=time_text(found.clock.now(), "long"), sandbox=found.settings.sandbox,
    )  # fmt: skip
    return _attachment(Response(content, mimetype="application/pdf"), f"statement-{period}.pdf")


@blueprint.get("/statements/<period>.csv")
@login_required
def statement_table(period: str) -> ResponseReturnValue:
    """The same lines as a file, streamed; refused before anything is sent when there is no such period."""
    customer = customer_id()
    _, wanted, balances = portal().db.read(_begin, customer, period)
    answer = Response(stream_with_context(_csv(customer, wanted, balances)), mimetype="text/csv")
    return _attachment(answer, f"statement-{period}.csv")


def _begin(session: Session, customer: int, text: str) -> tuple[str, Period, list[Balance]]:
    wanted = statements.period(session, text)
    name = statements.holder(session, customer)
    return name, wanted, statements.balances(session, customer, wanted)


def _csv(customer: int, wanted: Period, balances: list[Balance]) -> Iterator[str]:
    head = [
        gettext("Time"),
        gettext("Movement"),
        gettext("Reference"),
        gettext("With"),
        gettext("Asset"),
        gettext("Amount"),
        gettext("Balance"),
    ]
    yield "\ufeff" + csv_line(head)
    for balance in balances:
        units = plain_text(balance.opening_units, balance.asset)
        yield csv_line([f"{wanted.first:%Y/%m/%d}", gettext("Opening balance"), "", "", balance.asset, "", units])
    for line in statements.lines(portal().db.read, customer, wanted, balances):
        yield csv_line(_cells(line))
    for balance in balances:
        units = plain_text(balance.closing_units, balance.asset)
        yield csv_line([f"{wanted.last:%Y/%m/%d}", gettext("Closing balance"), "", "", balance.asset, "", units])


def _cells(line: Line) -> list[str]:
    amount = plain_text(line.units, line.asset)
    return [
        time_text(line.at, "long"), inert(title(line.kind)), line.reference, inert(line.counterparty), line.asset, amount,
        plain_text(line.balance_units, line.asset),
    ]  # fmt: skip


def csv_line(cells: list[str]) -> str:
    """A line of CSV."""
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()


def _attachment(answer: Response, name: str) -> Response:
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer
