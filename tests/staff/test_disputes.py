"""Disputes: opened from a line of a history, followed to an answer, apart from what compliance looks into."""

from typing import Any

import pytest
from flask import Flask

from portal.services import disputes, history, risk, staff_accounts
from tests.support import desk, people, withdrawals_of
from tests.support.market import open_market


@pytest.fixture
def line(app: Flask, portal: Any) -> tuple[people.Person, str]:
    """A withdrawal in a customer's history: its page."""
    open_market(portal, usdt="30")
    amy = people.customer(portal, usdt="1000")
    withdrawals_of.requested(app, amy, "100")
    row = portal.db.read(history.page, amy.id, limit=1).rows[0]
    customer = desk.desk(app, "support").page("/staff/customers", q=amy.email).one("td a")["href"]
    return amy, f"{customer}/activity/{row.public_id}"


def test_a_dispute_is_opened_answered_and_closed(app: Flask, portal: Any, line: Any) -> None:
    amy, where = line
    who = desk.desk(app, "support")
    answer = who.submit(where, "/dispute", claim="I did not ask for this.")
    page = who.page(answer.url)
    assert "I did not ask for this." in page.text
    assert who.submit(page, "/move", to="closed", reason="", status=422).errors
    who.submit(page, "/notes", note="Called the customer.")
    assert "I did not ask" in who.page("/staff/disputes").text
    assert not portal.db.read(risk.cases)
    again = who.submit(where, "/dispute", claim="Once more.")
    assert "disputed already" in again.text
    who.submit(answer.url, "/move", to="closed", reason="It was their own device.")
    assert not portal.db.read(disputes.page)
    assert "I did not ask" in who.page("/staff/disputes?status=closed").text
    assert desk.audited(portal, "dispute.open")[-1].actor == who.member.actor


def test_nobody_disputes_their_own_and_foreign_lines_are_not_found(app: Flask, portal: Any, line: Any) -> None:
    amy, where = line
    who = desk.desk(app, "support")
    token = str(who.page("/staff").one("meta[name=csrf-token]")["content"])
    portal.db.transact(staff_accounts.name_customer, who.member.id, amy.id, "system")
    assert who.raw.post(f"{where}/dispute", data={"csrf_token": token, "claim": "mine"}).status_code == 403
    ben = people.customer(portal)
    other = desk.desk(app, "support")
    stranger = str(other.page("/staff/customers", q=ben.email).one("td a")["href"])
    token = str(other.page("/staff").one("meta[name=csrf-token]")["content"])
    moved = where.replace(where.split("/activity/")[0], stranger)
    assert other.raw.post(f"{moved}/dispute", data={"csrf_token": token, "claim": "mine"}).status_code == 404


def test_a_case_of_compliance_is_no_dispute(app: Flask, portal: Any, line: Any) -> None:
    amy, where = line
    compliance = desk.desk(app, "compliance")
    public_id = where.split("/")[3]
    token = str(compliance.page("/staff").one("meta[name=csrf-token]")["content"])
    answer = compliance.raw.post(f"/staff/customers/{public_id}/cases", data={"csrf_token": token, "title": "Odd sums"})
    case_id = answer.headers["Location"].rpartition("/")[2]
    support = desk.desk(app, "support")
    support.page(f"/staff/disputes/{case_id}", 404)
    support.page(f"/staff/cases/{case_id}", 403)
