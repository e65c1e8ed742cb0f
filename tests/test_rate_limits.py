"""How often callers may come, what happens without the store of counters, and whose address counts."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from portal import rate_limits
from tests.support import people
from tests.support.client import PageClient
from tests.support.families import BrokerageClient, VoucherClient

AppWith = Callable[..., Flask]


@pytest.fixture
def limited(app_with: AppWith) -> Flask:
    return app_with("sqlite", PORTAL_RATE_LIMITS="on")


def until_refused(call: Callable[[], Any], most: int) -> tuple[int, Any]:
    """How many calls were answered before one was told to wait, and that answer."""
    for count in range(most):
        answer = call()
        if answer.status_code == 429:
            return count, answer
    raise AssertionError(f"{most} calls and never told to wait")


def test_queries_are_limited_per_call_in_the_familys_own_words(limited: Flask) -> None:
    client = BrokerageClient(limited)
    count, answer = until_refused(lambda: client.call("GET", "/login_status"), 100)
    assert count >= 15
    said = answer.get_json()
    assert (said["success"], said["data"]) == (False, None) and int(answer.headers["Retry-After"]) >= 1
    assert client.call("GET", "/allTickers").status_code == 200


def test_everything_one_person_asks_is_counted_together_and_nobody_else_pays_for_it(limited: Flask) -> None:
    amy, ben = (people.customer(limited.extensions["portal"]) for _ in range(2))
    client = BrokerageClient(limited, amy.token)
    paths = iter(["/user", "/user/vip_info", "/login_status", "/allTickers"] * 100)
    count, _ = until_refused(lambda: client.call("GET", next(paths)), 300)
    assert count >= 30
    assert BrokerageClient(limited, ben.token).call("GET", "/user").status_code == 200


def test_signing_in_is_limited_per_address_over_all_doors(limited: Flask) -> None:
    codes = [
        BrokerageClient(limited).call("POST", "/login", {"loginName": f"ghost{number}", "password": "x"}).status_code
        for number in range(70)
    ]
    assert codes[0] == 400 and codes[-1] == 429
    page = PageClient(limited)
    refused = page.submit(page.page("/login"), "/login", login_name="amy", password="x", status=429)
    assert page.last is not None and int(page.last.headers["Retry-After"]) >= 1
    assert "A little too fast" in refused.text
    voucher = VoucherClient(limited).call("POST", "/login", {"email": "a@example.com", "password": "x"})
    assert voucher.status_code == 429 and voucher.get_json()["error"]["code"]


def test_captchas_are_limited_per_address(limited: Flask) -> None:
    raw = limited.test_client()
    count, _ = until_refused(lambda: raw.get("/captcha"), 200)
    assert count >= 60


def test_without_the_store_money_and_sign_in_are_refused_and_reading_goes_on(app_with: AppWith) -> None:
    app = app_with("sqlite", PORTAL_RATE_LIMITS="on", REDIS_URL="redis://127.0.0.1:1/0")
    amy = people.customer(app.extensions["portal"])
    client = BrokerageClient(app, amy.token)
    assert client.call("GET", "/user").get_json()["data"]["username"] == amy.username
    for path in ("/login", "/trade/quote", "/trade/accept", "/wallet/withdraw", "/logout"):
        answer = app.test_client().post(f"/v1{path}", json={}, headers={"token": amy.token})
        assert answer.status_code == 503, path
        assert answer.get_json()["success"] is False
    page = PageClient(app)
    page.submit(page.page("/login"), "/login", login_name=amy.username, password=amy.password, status=503)
    assert client.call("GET", "/user").status_code == 200


def test_limits_can_be_switched_off_in_the_sandbox_only(app_with: AppWith) -> None:
    app = app_with("sqlite", PORTAL_RATE_LIMITS="off")
    client = BrokerageClient(app)
    assert {client.call("GET", "/login_status").status_code for _ in range(60)} == {200}


@pytest.mark.parametrize(("trusted", "seen"), [("0", "127.0.0.1"), ("1", "203.0.113.9")])
def test_a_forwarded_address_counts_only_behind_a_configured_proxy(app_with: AppWith, trusted: str, seen: str) -> None:
    app = app_with("sqlite", TRUSTED_PROXIES=trusted)
    amy = people.customer(app.extensions["portal"])
    client = BrokerageClient(app)
    forwarded = {"X-Forwarded-For": "198.51.100.7, 203.0.113.9", "X-Forwarded-Host": "evil.example"}
    body = {"loginName": amy.username, "password": amy.password_digest}
    assert client.call("POST", "/login", body, headers=forwarded).get_json()["code"] == 1
    rows = BrokerageClient(app, amy.token).ok("GET", "/user/login_log")["dataList"]
    assert rows[0]["ip"] == seen


@pytest.mark.parametrize("path", ["/v1/nothing", "/bitgin/v1/nothing", "/v1"])
def test_unknown_paths_fail_in_the_familys_words(sqlite_app: Flask, path: str) -> None:
    said = sqlite_app.test_client().get(path)
    assert said.status_code == 404 and said.get_json()["success"] is False
    assert sqlite_app.test_client().delete("/v1/login").get_json()["code"] == -19


def test_every_door_named_is_a_door_of_the_portal(sqlite_app: Flask) -> None:
    names = {rule.endpoint.rpartition(".")[2] for rule in sqlite_app.url_map.iter_rules()}
    assert set(rate_limits.DOORS) <= names
