"""The bank's notices: signed, fresh, taken once; what is not the bank's books nothing."""

import json
from typing import Any

import pytest
from flask import Flask

from portal.api.hooks import signature
from portal.models.wallet import BankCredit
from portal.services import bank_deposits
from tests.support import people

SECRET = "a-secret-of-the-bank-that-is-long-enough"


@pytest.fixture(params=["sqlite", "postgres"])
def hooked(request: pytest.FixtureRequest, app_with: Any) -> Flask:
    app: Flask = app_with(request.param, BANK_WEBHOOK_SECRET=f"another-secret-that-is-being-retired-now,{SECRET}")
    return app


def tell(app: Flask, notice: Any, *, secret: str = SECRET, seconds: int = 0, **headers: str) -> Any:
    body = notice if isinstance(notice, bytes) else json.dumps(notice).encode()
    stamp = str(int(app.extensions["portal"].clock.now().timestamp()) + seconds)
    signed = {"Bank-Timestamp": stamp, "Bank-Signature": signature(secret, stamp, body), **headers}
    return app.test_client().post("/hooks/bank", data=body, headers=signed)


def credits(app: Flask) -> list[tuple[str, int, str]]:
    def look(session: Any) -> list[tuple[str, int, str]]:
        return [(row.account, row.amount_units, row.outcome) for row in session.query(BankCredit)]

    found: list[tuple[str, int, str]] = app.extensions["portal"].db.read(look)
    return found


def notice(**changed: Any) -> dict[str, Any]:
    told = {"reference": "20261121-000001", "account": "9180712345678903", "amount": "1500.5", "payer_name": "林小明"}
    return {**told, **changed}


def test_money_for_a_customer_is_theirs_once_however_often_it_is_told(hooked: Flask) -> None:
    portal = hooked.extensions["portal"]
    person = people.customer(portal, kyc_level=3)
    account = portal.db.transact(lambda session: bank_deposits.way_in(session, person.id).account.account)
    before = person.balance("TWD")
    for _ in range(2):
        assert tell(hooked, notice(account=account)).status_code == 200
    assert [amount for _, amount, _ in credits(hooked)] == [15_005_000]
    assert person.balance("TWD") - before == 15_005_000


def test_what_belongs_to_nobody_waits_in_suspense(hooked: Flask) -> None:
    answer = tell(hooked, notice())
    assert answer.status_code == 200
    assert credits(hooked) == [("9180712345678903", 15_005_000, "suspense")]


def test_the_same_reference_with_another_amount_is_a_conflict(hooked: Flask) -> None:
    tell(hooked, notice())
    answer = tell(hooked, notice(amount="1600"))
    assert (answer.status_code, answer.get_json()) == (409, {"error": "bank_reference_conflict"})
    assert len(credits(hooked)) == 1


@pytest.mark.parametrize(
    "what",
    [
        {"secret": "the-secret-of-somebody-else-altogether"}, {"seconds": -301}, {"seconds": 301},
        {"Bank-Signature": ""}, {"Bank-Signature": "ü"}, {"Bank-Timestamp": ""}, {"Bank-Timestamp": "9" * 30},
        {"Bank-Timestamp": "-1"},
    ],
)  # fmt: skip
def test_what_is_not_the_banks_books_nothing(hooked: Flask, what: Any) -> None:
    assert tell(hooked, notice(), **what).status_code == 401
    assert credits(hooked) == []


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b"\xff", json.dumps(notice()).encode().replace(b"20261121", b"\\ud800"), notice(amount="-1"), notice(amount="1e3"), notice(amount=1500), notice(amount="0"),
        notice(amount="0.00001"), notice(reference=""), notice(reference="a b"), notice(account="x"),
        notice(payer_name="a\x00b"), notice(amount="NaN"), notice(reference=None), notice(payer_name="x" * 101),
    ],
)  # fmt: skip
def test_a_notice_that_cannot_be_read_is_refused(hooked: Flask, content: Any) -> None:
    assert tell(hooked, content).status_code == 400
    assert credits(hooked) == []


def test_a_notice_that_is_too_long_is_refused(hooked: Flask) -> None:
    assert tell(hooked, notice(extra="x" * 20_000)).status_code == 413


def test_without_a_secret_there_is_no_door(sqlite_app: Flask) -> None:
    assert tell(sqlite_app, notice()).status_code == 404
