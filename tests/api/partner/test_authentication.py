"""Every cause of a refused signature has its own code; nothing but the very request that was signed is taken, once."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import run_wsgi_app

from portal.services import institutions, partner_keys, partner_requests
from tests.support.partners import partner

RATES = "/api/v1/rates?card_type_id=50000001"


def send(app: Any, header: str | None, target: str = RATES, method: str = "GET", **more: Any) -> dict[str, Any]:
    """A call with a header of one's own; always HTTP 200."""
    headers = {"Authorization": header} if header is not None else {}
    answer = app.test_client(use_cookies=False).open(
        target, method=method, headers={**headers, **more.pop("headers", {})}, **more
    )
    assert answer.status_code == 200, answer.text
    said = json.loads(answer.text)
    assert set(said) == {"code", "msg", "result"}
    assert said["code"] == 0 or said["result"] is None
    return said


def header_of(p: Any, method: str = "GET", target: str = RATES, body: str = "") -> str:
    """The header that signs a request as it is."""
    return p.client.headers(method, target, body)["Authorization"]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, 112010), ("", 112010), ("Bearer a|b", 112010), ("Noumena:a:b", 112006), ("Noumena:a:1:b:c", 112006),
        ("Noumena::1:b", 112006), ("Noumena:a:soon:b", 112004), ("Noumena:a:1.5:b", 112004), ("Noumena:a:-1:b", 112004),
    ],
)  # fmt: skip
def test_headers_that_cannot_be_read(sqlite_app, header, code) -> None:
    assert send(sqlite_app, header)["code"] == code


def test_an_unknown_key(app) -> None:
    now = app.extensions["portal"].clock.now_ms()
    assert send(app, f"Noumena:nobody:{now}:AAAA")["code"] == 112008


def test_a_right_call_is_taken_once(app) -> None:
    p = partner(app)
    header = header_of(p)
    assert send(app, header)["code"] == 0
    assert send(app, header)["code"] == 112004


def test_a_refused_call_has_used_its_signature_up_too(app) -> None:
    p = partner(app)
    target = "/api/v1/rates?card_type_id=nothing"
    header = header_of(p, target=target)
    assert send(app, header, target)["code"] == 111016
    assert send(app, header, target)["code"] == 112004


def test_five_minutes_either_way(sqlite_app) -> None:
    p = partner(sqlite_app)
    clock = p.portal.clock

    def said(offset_ms: int) -> int:
        timestamp = clock.now_ms() + offset_ms
        mac = hmac.new(p.secret.encode(), f"{timestamp}GET{p.api_key}{RATES}".encode(), hashlib.sha256).digest()
        return send(sqlite_app, f"Noumena:{p.api_key}:{timestamp}:{base64.b64encode(mac).decode()}")["code"]

    assert [said(-299_000), said(299_000)] == [0, 0]
    assert [said(-301_000), said(301_000)] == [112001, 112001]


def test_a_wrong_signature_and_one_that_cannot_be_checked(app) -> None:
    p = partner(app)
    header = header_of(p)
    head, _, signature = header.rpartition(":")
    other = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    assert send(app, f"{head}:{other}")["code"] == 112007
    assert send(app, f"{head}:{signature[:-1]}")["code"] == 112005
    assert send(app, f"{head}:%%%")["code"] == 112005
    assert send(app, header)["code"] == 0


def test_the_signature_covers_method_path_query_body_and_key(app) -> None:
    p, q = partner(app), partner(app)
    body = '{"card_no":"x"}'
    for header, target, method, sent in (
        (header_of(p), "/api/v1/rates?card_type_id=50000002", "GET", ""),
        (header_of(p), "/api/v1/card/type", "GET", ""),
        (header_of(p, "GET"), RATES, "HEAD", ""),
        (header_of(p, "POST", "/api/v1/bank/balance", body), "/api/v1/bank/balance", "pOST", body),
        (header_of(p, "POST", "/api/v1/bank/balance", body), "/api/v1/bank/balance", "POST", '{"card_no":"y"}'),
        (header_of(p, "POST", "/api/v1/bank/balance", body), "/api/v1/bank/account-status", "POST", body),
        (header_of(p).replace(p.api_key, q.api_key), RATES, "GET", ""),
    ):
        answer = app.test_client(use_cookies=False).open(
            target, method=method, headers={"Authorization": header}, data=sent, content_type="application/json"
        )
        assert method == "HEAD" or json.loads(answer.text)["code"] == 112007


def test_the_passphrase(app) -> None:
    p = partner(app, passphrase="open sesame 42")
    assert p.ok("GET", "/card/type")["total"] == 2
    for wrong in ("", "open sesame 43"):
        p.client.passphrase = wrong
        assert p.refused(112009, "GET", "/card/type")


def test_the_list_of_addresses(app) -> None:
    inside = partner(app, ip_allowlist=("127.0.0.1", "10.0.0.0/8"))
    outside = partner(app, ip_allowlist=("203.0.113.7",))
    assert inside.ok("GET", "/card/type")
    outside.refused(112003, "GET", "/card/type")
    assert outside.client.call("GET", "/card/type", environ_base={"REMOTE_ADDR": "203.0.113.7"}).json["code"] == 0
    # A forwarded address counts only from a configured proxy.
    said = outside.client.call("GET", "/card/type", headers={"X-Forwarded-For": "203.0.113.7"}).json
    assert said["code"] == 112003


def test_keys_that_were_revoked_or_have_expired(app, travel) -> None:
    p = partner(app)
    key_id = p.portal.db.read(partner_keys.find, p.api_key).key_id
    fresh = p.portal.db.transact(partner_keys.rotate, p.id, key_id, timedelta(minutes=10), "system")
    old, new = p.client, type(p.client)(app, p.portal.clock, fresh.key.key, fresh.secret)
    assert old.ok("GET", "/card/type") and new.ok("GET", "/card/type")
    travel(601)
    old.refused(112005, "GET", "/card/type")
    assert new.ok("GET", "/card/type")
    p.portal.db.transact(partner_keys.revoke, p.id, fresh.key.id, "system")
    new.refused(112005, "GET", "/card/type")


def test_what_a_key_and_an_institution_may_do(app) -> None:
    narrow = partner(app, scopes=("common",))
    assert narrow.ok("GET", "/card/type")
    narrow.refused(112002, "GET", "/debit-cards")
    closed = partner(app, areas=("common", "cards"))
    closed.refused(119006, "GET", "/deposit-transactions")
    closed.refused(119006, "POST", "/bank/balance", {"card_no": "x"})


def test_suspended_and_closed_institutions(app) -> None:
    for status, code in (("suspended", 111007), ("closed", 111006)):
        p = partner(app)
        p.portal.db.transact(_set_status, p.id, status)
        p.refused(code, "GET", "/card/type")


def _set_status(session: Any, institution_id: int, status: str) -> None:
    institutions.get(session, institution_id).status = status


def test_unknown_paths_and_methods_are_refused_in_the_familys_shape(app) -> None:
    p = partner(app)
    p.refused(119006, "GET", "/no/such/path")
    p.refused(119006, "DELETE", "/debit-cards")
    assert send(app, None, "/api/v1/debit-cards", "DELETE")["code"] == 119006
    stranger = app.test_client().get("/api/v1/no/such/path")
    assert stranger.status_code == 404 and stranger.json["error"]["code"] == "resource_missing"


def test_a_flood_is_stopped(app_with) -> None:
    app = app_with("sqlite", PORTAL_RATE_LIMITS="on")
    p = partner(app)
    codes = [p.client.call("GET", "/card/type").json["code"] for _ in range(120)]
    assert codes[:40] == [0] * 40
    assert 119005 in codes and set(codes) == {0, 119005}


def test_a_content_digest_must_fit(app) -> None:
    p = partner(app)
    body = '{"card_no":"x"}'
    right = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
    p.refused(111012, "POST", "/bank/balance", body, headers={"Content-Digest": f"sha-256=:{right}:"})
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    p.refused(112010, "POST", "/bank/balance", body, headers={"Content-Digest": f"sha-256=:{wrong}:"})


def test_bodies_are_json(app) -> None:
    p = partner(app)
    body = '{"card_no":"x"}'
    p.refused(112010, "POST", "/bank/balance", body, content_type="text/plain")


@pytest.mark.parametrize(
    "body",
    [
        '{"card_no":"x","card_no":"y"}', '{"card_no":["x"]}', '{"card_no":{"a":"b"}}', '{"card_no":true}',
        '{"card_no":"x","more":"y"}', '{"card_no":"x","more":null}', '{"card_no":null}', "{}", '{"card_no":"x&card_no=y"}', "[1]", "{", '"x"',
    ],
)  # fmt: skip
def test_bodies_with_more_than_one_reading(sqlite_app, body: str) -> None:
    p = partner(sqlite_app)
    # What can be signed at all is signed; the refusal is about the parameters, never about the signature.
    try:
        header = header_of(
            p, "POST", "/api/v1/bank/balance", body.replace(',"more":null', "").replace('"card_no":null', "")
        )
    except (json.JSONDecodeError, TypeError, AttributeError):
        header = header_of(p)
    said = send(sqlite_app, header, "/api/v1/bank/balance", "POST", data=body.encode(), content_type="application/json")
    assert said["code"] == 111001


@pytest.mark.parametrize(
    "query",
    [
        "card_type_id=1&card_type_id=2",
        "card_type_id=1&x=2",
        "card_type_id",
        "card_type_id=1%26card_type_id%3D2",
        "a=%ff",
    ],
)
def test_queries_with_more_than_one_reading(sqlite_app, query: str) -> None:
    p = partner(sqlite_app)
    target = f"/api/v1/rates?{query}"
    assert send(sqlite_app, header_of(p, target=target), target)["code"] == 111001


def test_a_body_on_a_read_is_refused(sqlite_app) -> None:
    p = partner(sqlite_app)
    body = '{"a":"1"}'
    header = header_of(p, "GET", RATES, body)
    assert send(sqlite_app, header, RATES, "GET", data=body, content_type="application/json")["code"] == 111001


def test_what_was_refused_is_in_the_request_log_without_secrets(app) -> None:
    p = partner(app)
    header = header_of(p)
    send(app, header.replace(header[-10:-2], "AAAAAAAA"))
    p.refused(111012, "POST", "/bank/balance", {"card_no": "secret-looking"})
    lines = p.portal.db.read(partner_requests.page, p.id)
    assert [(line.code, line.reason, line.field) for line in lines] == [
        (111012, "partner_card_unknown", "card_no"), (112007, "signature_wrong", "Authorization"),
    ]  # fmt: skip
    assert not any("secret-looking" in str(vars(line)) for line in lines)
    assert abs(lines[0].skew_ms) < 60_000


# A signed request, and its bytes changed one at a time in every part.

_PARTS = ("method", "path", "query", "body", "key", "timestamp", "signature")


@given(part=st.sampled_from(_PARTS), place=st.integers(0, 400), change=st.integers(1, 255))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_changed_byte_passes(mutated, part: str, place: int, change: int) -> None:
    app, p = mutated
    body = json.dumps({"card_no": "1001", "acct_no": "u1", "amount": "1.5", "coin_type": "USDT", "cust_tx_id": "abc"})
    path, query = "/api/v1/deposit-transactions", "x=1" if part == "query" else ""
    target = f"{path}?{query}" if query else path
    header = header_of(p, "POST", target, body)
    _, key, timestamp, signature = header.split(":")
    parts = dict(
        zip(_PARTS, (b"POST", path.encode(), query.encode(), body.encode(), key.encode(), timestamp.encode(), signature.encode()), strict=True)
    )  # fmt: skip
    before = parts[part]
    index = place % len(before)
    after = before[:index] + bytes([before[index] ^ change]) + before[index + 1 :]
    assert after != before
    parts[part] = after
    said = _open(app, parts)
    # Refused before anything of it is acted on: never the answers of a call that was let in (111012: no such card).
    assert said is None or said not in (0, 111012, 111013, 111011), (part, before, after, said)


@pytest.fixture
def mutated(sqlite_app) -> Any:
    return sqlite_app, partner(sqlite_app)


def _open(app: Any, parts: dict[str, bytes]) -> int | None:
    """The code that the request with these bytes is answered with; None when a server would not even pass it on."""
    header = b":".join((b"Noumena", parts["key"], parts["timestamp"], parts["signature"])).decode("latin-1")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in header) or not parts["method"].isalpha():
        return None
    environ = {
        "REQUEST_METHOD": parts["method"].decode("latin-1"),
        "PATH_INFO": parts["path"].decode("latin-1"),
        "QUERY_STRING": parts["query"].decode("latin-1"),
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(parts["body"])),
        "HTTP_AUTHORIZATION": header,
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http",
        "REMOTE_ADDR": "127.0.0.1",
    }  # fmt: skip
    environ |= {"wsgi.input": BytesIO(parts["body"]), "wsgi.errors": BytesIO(), "wsgi.multithread": True}
    environ |= {"wsgi.multiprocess": False, "wsgi.run_once": False, "wsgi.version": (1, 0)}
    content, status, _ = run_wsgi_app(app.wsgi_app, environ)
    text = b"".join(content)
    assert int(status.split()[0]) < 500, status
    try:
        return int(json.loads(text)["code"])
    except (ValueError, KeyError, TypeError):
        return None
