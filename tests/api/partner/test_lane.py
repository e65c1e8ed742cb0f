"""Signed reads are answered before the application wakes, with the very answers that it would give."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from flask import request
from limits import parse

from portal.api.partner.lane import SignedLane
from portal.db import Database, Unavailable
from portal.models.security import ApiKey
from portal.services import partner_keys
from portal.spent_map import SpentMap
from tests.support.partners import partner


@pytest.fixture
def awake(app, monkeypatch) -> list[str]:
    """The paths for which the application was woken."""
    woken: list[str] = []

    @app.before_request
    def note() -> None:
        woken.append(request.path)

    return woken


def lane_of(app: Any) -> SignedLane:
    found = app.wsgi_app
    while not isinstance(found, SignedLane):
        found = found._inner
    return found


def test_the_second_read_is_answered_from_the_lane_with_the_same_headers(app, awake) -> None:
    p = partner(app)
    first = p.client.call("GET", "/rates", query={"card_type_id": "50000001"})
    second = p.client.call("GET", "/rates", query={"card_type_id": "50000001"})
    assert awake == ["/api/v1/rates"]
    assert first.json == second.json
    named = [{name.lower() for name, _ in answer.headers} for answer in (first, second)]
    assert named[0] == named[1]
    assert second.headers["Cache-Control"] == "no-store" and second.headers["X-Content-Type-Options"] == "nosniff"
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]


def test_every_read_of_the_lane_answers_as_the_application_does(app, awake) -> None:
    p = partner(app)
    card_no = p.card()
    tx_id = p.load(card_no)["tx_id"]
    reads = [
        ("/rates", {"card_type_id": "50000002"}),
        ("/rates", {"card_type_id": "nothing"}),
        ("/rates", None),
        ("/rates", {"card_type_id": "1", "more": "2"}),
        ("/customers/balance", None),
        ("/customers/balance", {"x": "1"}),
        (f"/deposit-transactions/{tx_id}/status", None),
        ("/deposit-transactions/nothing/status", None),
        ("/card/type", None),
        ("/card/type", {"x": "1"}),
        ("/customers/accounts", None),
        ("/customers/accounts", {"acct_no": "nobody"}),
        ("/debit-cards", {"page_size": "1", "time_sort": "asc"}),
        ("/debit-cards", {"page_size": "0"}),
        ("/deposit-transactions", {"acct_no": "u1", "former_time": "1"}),
        ("/deposit-transactions", {"former_time": "soon"}),
    ]
    lane = lane_of(app)
    for path, query in reads:
        lane.memory.until = 0.0
        woken = p.client.call("GET", path, query=query)
        assert woken.status_code == 200
        lane.memory.until = float("inf")
        asleep = p.client.call("GET", path, query=query)
        assert (asleep.status_code, asleep.json) == (woken.status_code, woken.json), path
    assert len([path for path in awake if path.startswith("/api/v1")]) >= len(reads)


def test_a_signature_serves_once_in_the_lane_too(app) -> None:
    p = partner(app)
    p.ok("GET", "/card/type")
    p.ok("GET", "/rates", query={"card_type_id": "50000001"})
    target = "/api/v1/rates?card_type_id=50000001"
    headers = p.client.headers("GET", target, "")
    raw = app.test_client(use_cookies=False)
    assert [raw.get(target, headers=headers).json["code"] for _ in range(3)] == [0, 112004, 112004]


def test_a_revoked_key_ends_in_the_lane_at_once(app) -> None:
    p = partner(app)
    p.ok("GET", "/customers/balance")
    p.ok("GET", "/customers/balance")
    key_id = p.portal.db.read(partner_keys.find, p.api_key).key_id
    p.portal.db.transact(partner_keys.revoke, p.id, key_id, "system")
    p.refused(112005, "GET", "/customers/balance")


def test_a_key_ends_in_other_processes_within_two_seconds(app) -> None:
    p = partner(app)
    p.ok("GET", "/customers/balance")
    p.ok("GET", "/customers/balance")
    with p.portal.db.engine.begin() as connection:  # as another process would
        connection.execute(sa.update(ApiKey).where(ApiKey.key == p.api_key).values(revoked_at=datetime.now(UTC)))
    p.ok("GET", "/customers/balance")
    memory = p.portal.db.context.cache["partner_keys"]
    until, credential = memory[p.api_key]
    memory[p.api_key] = (until - partner_seconds(), credential)
    p.refused(112005, "GET", "/customers/balance")


def partner_seconds() -> float:
    assert partner_keys.SECONDS_REMEMBERED <= 2
    return partner_keys.SECONDS_REMEMBERED


@pytest.mark.parametrize(
    ("way", "path"), [("glance", "/customers/balance"), ("transact", "/rates")], ids=["read", "request log"]
)
def test_a_database_that_is_away_is_said_in_the_familys_words(app, monkeypatch, way, path) -> None:
    p = partner(app)
    p.ok("GET", "/customers/balance")

    def away(*_: Any) -> Any:
        raise Unavailable("away")

    monkeypatch.setattr(Database, way, away)
    p.refused(119001, "GET", path)


def test_a_flood_is_told_when_to_come_back_in_the_lane_too(app_with) -> None:
    p = partner(app_with("sqlite", PORTAL_RATE_LIMITS="on"))
    answers = [p.client.call("GET", "/customers/balance") for _ in range(120)]
    stopped = [answer for answer in answers if answer.json["code"] == 119005]
    assert stopped and {answer.headers["Retry-After"] for answer in stopped} == {"1"}


def test_an_address_whose_calls_are_never_proven_is_stopped_and_others_are_not(app_with, monkeypatch) -> None:
    app = app_with("sqlite", PORTAL_RATE_LIMITS="on")
    monkeypatch.setattr("portal.api.partner.flood._FAILED", parse("20/hour"))
    p = partner(app)
    p.ok("GET", "/rates", query={"card_type_id": "50000001"})
    stranger = {"environ_base": {"REMOTE_ADDR": "203.0.113.9"}}

    def guess(path: str) -> int:
        head, _, signature = p.client.headers("GET", f"/api/v1{path}", "")["Authorization"].rpartition(":")
        header = f"{head}:{signature[:-2][::-1]}A="
        return int(app.test_client().get(f"/api/v1{path}", headers={"Authorization": header}, **stranger).json["code"])

    said = [guess("/customers/balance") for _ in range(25)]
    assert set(said[:20]) <= {112005, 112007} and set(said[20:]) == {119005}
    now = p.portal.clock.now_ms()
    unknown = {"Authorization": f"Noumena:nobody:{now}:AAAA"}
    looked_up: list[str] = []
    monkeypatch.setattr(partner_keys, "find", lambda session, key: looked_up.append(key))
    assert app.test_client().get("/api/v1/rates", headers=unknown, **stranger).json["code"] == 119005
    assert looked_up == []
    assert p.ok("GET", "/customers/balance")


def test_marks_serve_once_until_they_expire(tmp_path) -> None:
    here, there = SpentMap(tmp_path / "spent", 4), SpentMap(tmp_path / "spent", 4)
    mark = os.urandom(32)
    assert here.spend(mark, 1000, 2000) is True
    assert there.spend(mark, 1999, 3000) is False
    assert there.spend(mark, 2000, 3000) is True
    outcomes = [here.spend(os.urandom(32), 5000, 9000) for _ in range(200)]
    assert outcomes.count(None) == 200 - 4 * 8
    fresh = [os.urandom(32) for _ in range(50)]
    wide = SpentMap(tmp_path / "wide")
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda one: wide.spend(one, 1, 2), fresh * 4))
    assert said.count(True) == 50 and said.count(False) == 150


def test_quick_statements_survive_a_connection_that_died(postgres_app) -> None:
    p = partner(postgres_app)
    assert p.portal.db.glance("SELECT COUNT(*) FROM institutions WHERE id = CAST(? AS BIGINT)", p.id) == [("1",)]
    with p.portal.db.engine.connect() as connection:
        connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'portal jotter' AND datname = current_database()"
            )
        )
    assert p.portal.db.glance("SELECT COUNT(*) FROM institutions WHERE id = CAST(? AS BIGINT)", p.id) == [("1",)]
    p.ok("POST", "/calculation/currency", {"coin_amount": "1", "coin_type": "USDT", "card_type_id": "50000001"})
