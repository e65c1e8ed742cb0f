"""Plain calls of quick routes are answered before the application wakes: with its words, its headers, its limits."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from flask import request

from portal.api.lane import CallLane
from portal.db import Database, Unavailable
from portal.services import codes, foreseen, payments, sessions
from tests.support import contract, people, vouchers
from tests.support.families import BrokerageClient, VoucherClient, read
from tests.support.market import open_market

QUOTE = {"side": "buy", "quoteBaseCurrency": "USDT", "quoteAmountInBase": 10}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def awake_of(app):
    """The paths for which an application is woken."""
    woken = []

    @app.before_request
    def note() -> None:
        woken.append(request.path)

    return woken


@pytest.fixture
def awake(app):
    return awake_of(app)


@pytest.fixture
def amy(portal):
    open_market(portal)
    return people.customer(portal, twd="100000", usdt="1000", twip="1000")


@pytest.fixture
def client(amy, awake, brokerage):
    """Amy's, with the lane open: the first answer tells it its headers."""
    found = brokerage(amy.token)
    found.ok("POST", "/trade/quote", QUOTE)
    awake.clear()
    return found


def lane_of(app):
    found = app.wsgi_app
    while not isinstance(found, CallLane):
        found = found._inner
    return found


def shut(app):
    """Lets the application answer the next call."""
    for memory in lane_of(app)._memory.values():
        memory.until = 0.0


def names(answer):
    return sorted(name for name, _ in answer.headers)


def test_the_second_call_is_answered_without_waking_the_application(amy, awake, brokerage):
    client = brokerage(amy.token)
    first = client.call("POST", "/trade/quote", QUOTE)
    second = client.call("POST", "/trade/quote", QUOTE)
    assert awake == ["/v1/trade/quote"]
    assert names(first) == names(second)
    own = {"Content-Length", "X-Request-Id"}
    said = [{name: value for name, value in answer.headers if name not in own} for answer in (first, second)]
    assert said[0] == said[1] and first.headers["X-Request-Id"] != second.headers["X-Request-Id"]
    assert said[1]["Cache-Control"] == "no-store" and said[1]["Content-Type"] == "application/json"
    assert not contract.differences(read(second)["data"], contract.example("brokerage", "otc_quote"))


def test_an_acceptance_and_its_repeats_from_both_sides_are_one_answer(app, amy, client, awake):
    for base in ("/v1", "/bitgin/v1"):
        client.prefix = base
        before = amy.balance("USDT")
        quoted = client.ok("POST", "/trade/quote", QUOTE)["quoteId"]
        key = {"Idempotency-Key": f"one {base}"}
        first = client.ok("POST", "/trade/accept", {"quoteId": quoted}, headers=key)
        assert "Idempotency-Replayed" not in client.last.headers
        assert client.ok("POST", "/trade/accept", {"quoteId": quoted}, headers=key) == first
        assert client.last.headers["Idempotency-Replayed"] == "true"
        assert client.ok("POST", "/trade/accept", {"quoteId": quoted}) == first
        assert awake == []
        shut(app)
        assert client.ok("POST", "/trade/accept", {"quoteId": quoted}, headers=key) == first
        assert client.last.headers["Idempotency-Replayed"] == "true"
        assert awake.pop() == f"{base}/trade/accept"
        other = client.ok("POST", "/trade/quote", QUOTE)["quoteId"]
        assert client.refused(-19, "POST", "/trade/accept", {"quoteId": other}, headers=key)["data"] is None
        assert client.last.status_code == 409
        assert not contract.differences(first, contract.example("brokerage", "otc_accept"))
        assert first["status"] == 30007
        assert amy.balance("USDT") - before == 10_000000


#: Calls of every kind: what is plain and refused, and what is not plain at all.
CALLS = {
    "no such quote": {"path": "/trade/accept", "body": {"quoteId": UNKNOWN}},
    "too little": {"body": {**QUOTE, "quoteAmountInBase": 0.5}},
    "too precise": {"body": {**QUOTE, "quoteAmountInBase": "1.0000001"}},
    "both amounts": {"body": {**QUOTE, "quoteAmountInOrder": 5}},
    "no such side": {"body": {**QUOTE, "side": "hold"}},
    "no such currency": {"body": {**QUOTE, "quoteBaseCurrency": "BTC"}},
    "a member missing": {"body": {}},
    "a member twice": {"body": '{"side":"buy","side":"sell","quoteAmountInBase":5}'},
    "not JSON": {"body": "{"},
    "a list": {"body": "[]"},
    "NaN": {"body": '{"side":"buy","quoteAmountInBase":NaN}'},
    "deep": {"body": "[" * 5000},
    "a NUL": {"body": {**QUOTE, "side": "b\x00uy"}},
    "an empty body": {"body": ""},
    "an unusable key": {"body": QUOTE, "headers": {"Idempotency-Key": "x" * 201}},
    "another content type": {"body": QUOTE, "content_type": "text/plain"},
    "a form": {"body": "side=buy", "content_type": "application/x-www-form-urlencoded"},
    "a query": {"body": {"quoteId": UNKNOWN}, "path": "/trade/accept?a=1"},
    "no token": {"body": QUOTE, "headers": {"token": ""}},
    "somebody's made-up token": {"body": QUOTE, "headers": {"token": f"USER_TOKEN_LOGIN_{'a' * 32}_{'b' * 32}"}},
    "another method": {"body": QUOTE, "method": "PUT"},
}


@pytest.mark.parametrize("kind", CALLS)
def test_every_other_answer_is_the_applications_own(app, client, kind):
    asked = dict(CALLS[kind])
    said = []
    for woken in (True, False):
        if woken:
            shut(app)
        answer = client.call(asked.get("method", "POST"), asked.get("path", "/trade/quote"), asked["body"],
                             **{name: asked[name] for name in ("headers", "content_type") if name in asked})  # fmt: skip
        content = answer.get_json(silent=True) or {}
        said.append((answer.status_code, {**content, "time": 0}, names(answer)))
        if woken:
            client.ok("POST", "/trade/quote", QUOTE)
    assert said[0] == said[1] and said[0][0] >= 400


def test_a_session_that_ended_is_refused_at_once_and_nothing_is_written(portal, amy, client, awake):
    quoted = client.ok("POST", "/trade/quote", QUOTE)["quoteId"]
    ledger = amy.balance("USDT")
    portal.db.transact(sessions.end_all, amy.id, "test")
    for path, body in (("/trade/quote", QUOTE), ("/trade/accept", {"quoteId": quoted})):
        assert client.refused(10002, "POST", path, body) and client.last.status_code == 401
    assert awake == []
    assert amy.balance("USDT") == ledger
    with portal.db.engine.connect() as connection:
        assert Counter(connection.scalars(sa.text("SELECT status FROM quotes"))) == {"quoted": 2}


def test_a_token_that_waits_for_its_second_step_does_not_trade(portal, amy, client):
    waiting = portal.db.transact(
        sessions.open_session, amy.id, "brokerage", sessions.SECOND_FACTOR, ip="1.1.1.1", user_agent="test"
    )
    client.token = waiting
    assert client.refused(10002, "POST", "/trade/quote", QUOTE)


def test_a_cookie_alone_is_the_applications_to_weigh(app, amy, client, awake):
    browser = app.test_client()
    browser.set_cookie("token", amy.token)
    strange = browser.post("/v1/trade/quote", json=QUOTE, headers={"Origin": "https://evil.example"})
    assert (strange.status_code, awake) == (403, ["/v1/trade/quote"])
    assert browser.post("/v1/trade/quote", json=QUOTE).status_code == 200


def test_calls_are_counted_towards_the_limits(app_with):
    app = app_with("sqlite", PORTAL_RATE_LIMITS="on")
    portal = app.extensions["portal"]
    open_market(portal)
    amy, ben = (people.customer(portal, twd="100000") for _ in range(2))
    client, woken = BrokerageClient(app, amy.token), awake_of(app)
    statuses = [client.call("POST", "/trade/quote", {**QUOTE, "side": "hold"}).status_code for _ in range(3)]
    client.ok("POST", "/trade/quote", QUOTE)
    for _ in range(400):
        answer = client.call("POST", "/trade/quote", {**QUOTE, "side": "hold"})
        statuses.append(answer.status_code)
        if answer.status_code == 429:
            break
    assert statuses[-1] == 429 and len(statuses) >= 72
    assert len(woken) == 4, "once the lane is open, only who is told to wait wakes the application, and not far"
    assert int(answer.headers["Retry-After"]) >= 1
    assert BrokerageClient(app, ben.token).call("POST", "/trade/quote", QUOTE).status_code == 200


def test_a_length_that_lies_is_the_applications_to_refuse(app, client, awake):
    for length in ("0" * 9 + "10", "-1", "+5", "5 ", "٥", "65537"):
        environ = {"CONTENT_LENGTH": length, "CONTENT_TYPE": "application/json", "REQUEST_METHOD": "POST"}
        environ |= {"PATH_INFO": "/v1/trade/quote", "HTTP_TOKEN": client.token, "wsgi.input": None}
        assert lane_of(app)._call(lane_of(app)._way("/v1/trade/quote")[0], environ) is None, length


@pytest.mark.parametrize(("failure", "status"), [(Unavailable("away"), 503), (RuntimeError("broken"), 500)])
def test_what_goes_wrong_is_said_in_the_familys_words(app, client, monkeypatch, failure, status):
    def fail(*rest, **more):
        raise failure

    app.testing = False
    monkeypatch.setattr(Database, "transact", fail)
    said = []
    for woken in (False, True):
        if woken:
            shut(app)
        answer = client.raw.post("/v1/trade/quote", json=QUOTE, headers={"token": client.token})
        said.append((answer.status_code, {**answer.get_json(), "time": 0}))
    assert said[0] == said[1]
    assert said[0][0] == status


def test_a_database_that_is_away_before_the_caller_is_known_is_said_too(app, portal, client, monkeypatch):
    def away(*rest):
        raise Unavailable("away")

    portal.db.context.cache.pop("sessions known", None)
    monkeypatch.setattr(Database, "glance", away)
    answer = client.raw.post("/v1/trade/quote", json=QUOTE, headers={"token": client.token})
    assert (answer.status_code, answer.get_json()["success"]) == (503, False)


@pytest.fixture
def known_codes(monkeypatch):
    """Every code that is issued, by what it is for."""
    found = {}
    issue = codes.issue

    def remember(session, purpose, subject, *rest, **more):
        found[subject] = made = issue(session, purpose, subject, *rest, **more)
        return made

    monkeypatch.setattr(codes, "issue", remember)
    return found


class AtTheCounter:
    """A customer at a store, paying by the documented calls."""

    def __init__(self, app, portal, amy, codes_of):
        vouchers.open_companies(portal)
        self.store = vouchers.open_store(portal)
        self.client = VoucherClient(app, amy.voucher_token())
        self.codes = codes_of
        for _ in range(2):  # the first opens the day, the second the lane
            order = self.begin()
            self.client.ok("POST", self.path(order), {"otp": self.code(order)})

    def begin(self):
        return self.client.ok("POST", f"/stores/{self.store.public_id}/checkout", {"amount": 10})["data"]["id"]

    def path(self, order):
        return f"/stores/{self.store.public_id}/{order}/verify"

    def code(self, order):
        return self.codes[payments.subject_of(order)]


@pytest.fixture
def counter(app, portal, amy, awake, known_codes):
    return AtTheCounter(app, portal, amy, known_codes)


def test_a_payment_is_confirmed_once_with_the_same_answer_ever_after(app, amy, counter, awake):
    order = counter.begin()
    awake.clear()
    key = {"Idempotency-Key": "pay"}
    first = counter.client.ok("POST", counter.path(order), {"otp": counter.code(order)}, headers=key)
    assert not contract.differences(first["data"], contract.example("voucher", "verify_checkout"))
    assert first["data"]["status"] == "paid" and first["data"]["store"]["id"] == counter.store.public_id
    assert awake == []
    assert counter.client.ok("POST", counter.path(order), {"otp": counter.code(order)}, headers=key) == first
    assert counter.client.last.headers["Idempotency-Replayed"] == "true"
    shut(app)
    assert counter.client.ok("POST", counter.path(order), {"otp": counter.code(order)}, headers=key) == first
    assert len(awake) == 1
    counter.client.refused("store_invalid_order_status", "POST", counter.path(order), {"otp": counter.code(order)})
    assert amy.balance("TWIP") == 970 * 10**6


def test_wrong_codes_are_counted_and_the_sixth_try_is_refused_though_right(amy, counter):
    order = counter.begin()
    wrong = f"{(int(counter.code(order)) + 1) % 10**6:06d}"
    for _ in range(5):
        counter.client.refused("store_invalid_otp", "POST", counter.path(order), {"otp": wrong})
    counter.client.refused("store_invalid_otp", "POST", counter.path(order), {"otp": counter.code(order)})
    assert amy.balance("TWIP") == 980 * 10**6


def test_of_many_taps_with_one_key_one_pays_and_all_are_told_so(app, portal, amy, counter):
    order, hands = counter.begin(), 12
    gate = threading.Barrier(hands)

    def tap(_):
        gate.wait()
        client = VoucherClient(app, counter.client.token)
        return client.ok("POST", counter.path(order), {"otp": counter.code(order)}, headers={"Idempotency-Key": "tap"})

    with ThreadPoolExecutor(hands) as pool:
        answers = list(pool.map(tap, range(hands)))
    assert len({str(answer) for answer in answers}) == 1 and answers[0]["data"]["status"] == "paid"
    assert amy.balance("TWIP") == 970 * 10**6


def test_an_answer_that_was_lost_is_found_again(app, portal, amy, client, monkeypatch):
    """The connection breaks after the database has done it all: looking again tells, and nothing is done twice."""
    if portal.db.engine.dialect.name == "sqlite":
        return  # nothing is foreseen there
    client.ok("POST", "/trade/accept", {"quoteId": client.ok("POST", "/trade/quote", QUOTE)["quoteId"]})
    quoted, before = client.ok("POST", "/trade/quote", QUOTE)["quoteId"], amy.balance("USDT")
    usual = foreseen.exchanges.alone

    def lose(*rest):
        done.append(usual(*rest))
        raise sa.exc.OperationalError("SELECT", {}, Exception("gone"), connection_invalidated=True)

    done = []
    monkeypatch.setattr(foreseen.exchanges, "alone", lose)
    key = {"Idempotency-Key": "lost"}
    said = client.ok("POST", "/trade/accept", {"quoteId": quoted}, headers=key)
    assert done[0].rows and said["status"] == 30007
    assert client.last.headers["Idempotency-Replayed"] == "true"
    assert amy.balance("USDT") - before == 10_000000
