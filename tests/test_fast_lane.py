"""What is the same for everybody comes from memory for a second, with the same headers, and is limited all the same."""

import json

from portal.services import prices
from portal.worker.loop import run_until_idle


def tickers(app, **headers):
    return app.test_client(use_cookies=False).get("/v1/allTickers", headers=headers)


def test_the_second_answer_is_the_first_ones_bytes_and_headers(sqlite_app, monkeypatch):
    portal = sqlite_app.extensions["portal"]
    with sqlite_app.app_context():
        run_until_idle(portal)
    first = tickers(sqlite_app)
    monkeypatch.setattr(prices, "remembered_bytes", None)
    second = tickers(sqlite_app)
    assert second.status_code == 200
    assert second.data == first.data
    assert [entry["baseCurrency"] for entry in json.loads(second.data)["data"]] == ["USDT", "ETH"]
    kept = {name: value for name, value in second.headers if name != "X-Request-Id"}
    assert kept == {name: value for name, value in first.headers if name != "X-Request-Id"}
    assert second.headers["X-Request-Id"] != first.headers["X-Request-Id"]


def test_a_failure_is_not_remembered(sqlite_app, monkeypatch):
    calls = []

    def fail(*arguments):
        calls.append(1)
        raise RuntimeError("market away")

    monkeypatch.setattr(prices, "remembered_bytes", fail)
    assert tickers(sqlite_app).status_code >= 500
    assert tickers(sqlite_app).status_code >= 500
    assert len(calls) == 2


def test_nothing_else_takes_the_lane(sqlite_app):
    client = sqlite_app.test_client(use_cookies=False)
    assert client.post("/v1/allTickers").status_code == 405
    assert client.get("/v1/user").status_code == 401
    assert client.get("/v1/user").status_code == 401


def test_a_market_that_was_moved_by_hand_is_seen_at_once(sqlite_app):
    with sqlite_app.app_context():
        run_until_idle(sqlite_app.extensions["portal"])
    tickers(sqlite_app)
    moved = sqlite_app.test_client().post("/sandbox/prices", json={"symbol": "USDT-TWD", "price": "33.5"})
    assert moved.status_code == 200
    assert json.loads(tickers(sqlite_app).data)["data"][0]["lastPrice"] == 33.5
