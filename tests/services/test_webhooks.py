"""Owners are told of what happens: signed, again and again until it is taken, each endpoint by itself."""

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from portal.errors import Refusal
from portal.services import webhooks
from tests.support.outside import run_worker
from tests.support.receiver import receiving

KNOWN = ("payment.paid", "payment.refunded")


@pytest.fixture(autouse=True)
def in_app(app):
    with app.app_context():
        yield


@pytest.fixture
def add(portal):
    """`add(url, *events)` gives store 7 an endpoint: (public id, secret)."""

    def make(url, *events, owner_id=7):
        made, secret = portal.db.transact(
            webhooks.add_endpoint, "store", owner_id, url, list(events or ["*"]), KNOWN, "customer:1"
        )
        return made.public_id, secret

    return make


@pytest.fixture
def tell(portal):
    """`tell(key)` tells store 7 of a payment."""

    def say(key, event="payment.paid", owner_id=7, **data):
        return portal.db.transact(webhooks.tell, "store", owner_id, event, data, key=key)

    return say


def log(portal, owner_id=7):
    return portal.db.read(webhooks.log, "store", owner_id)


def attempts(portal, told):
    return portal.db.read(webhooks.one, "store", 7, told.delivery.public_id)[1]


def test_an_event_arrives_signed_and_as_it_was_told(portal, add, tell):
    with receiving() as receiver:
        _, secret = add(f"{receiver.url}/hooks?till=1")
        assert tell("p1", amount="12.5")
        run_worker(portal)
    (got,) = receiver.got
    assert got.path == "/hooks?till=1"
    assert got.headers["content-type"] == "application/json"
    content = got.verified(secret)
    assert (content["type"], content["data"]) == ("payment.paid", {"amount": "12.5"})
    with pytest.raises(WebhookVerificationError):
        Webhook(webhooks._new_secret()).verify(got.body, got.headers)


def test_the_same_event_is_told_once_and_only_to_those_who_want_it(portal, add, tell):
    with receiving() as receiver:
        add(f"{receiver.url}/paid", "payment.paid")
        add(f"{receiver.url}/refunds", "payment.refunded")
        add(f"{receiver.url}/stranger", owner_id=8)
        assert tell("p1")
        assert not tell("p1")
        run_worker(portal)
    assert [got.path for got in receiver.got] == ["/paid"]


def test_a_message_that_is_refused_comes_again_with_the_same_id(portal, add, tell, travel):
    with receiving(500, 302) as receiver:
        add(receiver.url)
        tell("p1")
        run_worker(portal)
        assert len(receiver.got) == 1
        travel(6)
        run_worker(portal)
        assert len(receiver.got) == 2, "a redirect is not followed, and is no success"
        travel(40)
        run_worker(portal)
    assert [got.path for got in receiver.got] == ["/", "/", "/"]
    assert len({got.message_id for got in receiver.got}) == 1
    (told,) = log(portal)
    assert (told.delivery.status, told.delivery.attempts) == ("delivered", 3)
    tried = attempts(portal, told)
    assert [attempt.response_status for attempt in tried] == [500, 302, 204]
    assert tried[0].response_start == '{"note": "as told"}'
    assert all(attempt.took_ms >= 0 for attempt in tried)


def test_after_a_rotation_both_secrets_verify_for_a_day(portal, add, tell, travel):
    with receiving() as receiver:
        public_id, old = add(receiver.url)
        new = portal.db.transact(
            lambda session: webhooks.rotate_secret(
                session, webhooks.endpoint(session, "store", 7, public_id), "customer:1"
            )
        )
        tell("p1")
        run_worker(portal)
        travel(24 * 3600 + 1)
        tell("p2")
        run_worker(portal)
    first, second = receiver.got
    assert first.verified(old) == first.verified(new)
    assert second.verified(new)
    with pytest.raises(WebhookVerificationError):
        second.verified(old)


def test_a_slow_endpoint_with_a_long_queue_does_not_keep_another_waiting(portal, add, tell):
    with receiving() as slow, receiving() as quick:
        add(slow.url, "payment.paid")
        add(quick.url, "payment.refunded")
        slow.open.clear()
        for number in range(40):
            tell(f"p{number}")
        from portal.worker.webhooks import deliver

        deliver(portal)
        assert slow.arrived.wait(10)
        tell("r1", "payment.refunded")
        deliver(portal)
        assert quick.arrived.wait(10), "the quick one has its message while the slow one is still thinking"
        assert len(slow.got) <= 3
        slow.open.set()
        run_worker(portal)
        assert len(slow.got) == 40
    assert {told.delivery.status for told in log(portal)} == {"delivered"}


def test_one_endpoint_down_does_not_stop_the_other_from_being_told(portal, add, tell):
    with receiving() as good:
        add("http://127.0.0.1:9")
        add(good.url)
        for number in range(5):
            tell(f"p{number}")
        run_worker(portal)
        assert len(good.got) == 5
    states = {(told.url == good.url, told.delivery.status) for told in log(portal)}
    assert states == {(True, "delivered"), (False, "pending")}
    failed = next(told for told in log(portal) if told.url != good.url and told.delivery.attempts)
    assert "cannot be reached" in attempts(portal, failed)[0].error


def test_a_message_is_sent_again_by_hand(portal, add, tell):
    with receiving() as receiver:
        add(receiver.url)
        tell("p1")
        run_worker(portal)
        (told,) = log(portal)
        portal.db.transact(webhooks.resend, "store", 7, told.delivery.public_id)
        run_worker(portal)
        with pytest.raises(Refusal, match="not_found"):
            portal.db.transact(webhooks.resend, "store", 8, told.delivery.public_id)
    assert len(receiver.got) == 2
    assert receiver.got[0].message_id == receiver.got[1].message_id


def test_a_test_message_goes_to_one_endpoint(portal, add):
    with receiving() as receiver:
        public_id, secret = add(f"{receiver.url}/one")
        add(f"{receiver.url}/other")
        portal.db.transact(
            lambda session: webhooks.send_test(session, webhooks.endpoint(session, "store", 7, public_id))
        )
        run_worker(portal)
    assert [got.path for got in receiver.got] == ["/one"]
    assert receiver.got[0].verified(secret)["type"] == "test.ping"


def test_an_endpoint_that_says_it_is_gone_is_left_alone(portal, add, tell):
    with receiving(410) as receiver:
        add(receiver.url)
        tell("p1")
        run_worker(portal)
        assert not tell("p2")
    (ended,) = portal.db.read(webhooks.disabled, "store", 7)
    assert ended.disabled_why == "gone"
    (told,) = log(portal)
    assert told.delivery.status == "failed"
    with pytest.raises(Refusal, match="endpoint_removed"):
        portal.db.transact(webhooks.resend, "store", 7, told.delivery.public_id)


def test_an_endpoint_that_fails_for_days_is_switched_off(portal, add, tell, travel):
    add("http://127.0.0.1:9")
    tell("p0")
    for day in range(1, 8):
        run_worker(portal)
        tell(f"p{day}")
        travel(24 * 3600)
    run_worker(portal)
    (ended,) = portal.db.read(webhooks.disabled, "store", 7)
    assert ended.disabled_why == "failing"
    assert portal.db.read(webhooks.endpoints, "store", 7) == []


@pytest.mark.parametrize(
    "url",
    ["", "shop.example.com", "ftp://shop.example.com", "http://user:pw@shop.example.com", "http://shop example.com",
     "http://shop.example.com/#part", "http://[::1", "http://shop.example.com:0/", "https://" + "a" * 600, "http://商店.tw"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(add, url):
    with pytest.raises(Refusal, match="webhook_url_invalid"):
        add(url)


def test_there_are_at_most_ten_endpoints(add):
    for number in range(10):
        add(f"http://127.0.0.1:9/{number}")
    with pytest.raises(Refusal, match="too_many_endpoints"):
        add("http://127.0.0.1:9/11")
