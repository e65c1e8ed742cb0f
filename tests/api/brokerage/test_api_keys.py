"""Programs of customers sign their calls: the scope decides, every nonce serves once, and a wrong byte is no call."""

import hashlib
import hmac
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.errors import Refusal
from portal.services import api_key_doctor, api_keys
from portal.services.api_key_doctor import Sample
from tests.support import people
from tests.support.market import open_market


class Program:
    """A customer's program with a key of its own."""

    def __init__(self, app, portal, key):
        self.raw, self.clock, self.key = app.test_client(use_cookies=False), portal.clock, key
        self.last_ms = 0

    def signed(self, path, body="", **change):
        self.last_ms = max(self.clock.now_ms(), self.last_ms + 1)
        nonce = str(change.get("nonce", self.last_ms))
        text = change.get("signed", f"{path}{nonce}{body}")
        mac = hmac.new(self.key.secret.encode(), text.encode(), hashlib.sha384).hexdigest()
        return {"btse-api": self.key.key, "btse-nonce": nonce, "btse-sign": change.get("signature", mac)}

    def call(self, method, path, body=None, *, headers=None, **change):
        text = "" if body is None else json.dumps(body)
        sent = {**self.signed(path, text, **change), **(headers or {})}
        more = {"data": text, "content_type": "application/json"} if body is not None else {}
        answer = self.raw.open(path, method=method, headers=sent, **more)
        assert answer.status_code < 500, answer.text
        return answer


@pytest.fixture
def amy(app, portal):
    open_market(portal, usdt="30")
    return people.customer(portal, "Amy", totp=True, twd="10000", usdt="100")


@pytest.fixture
def program(app, portal, amy):
    def make(*scopes, networks=()):
        return Program(app, portal, portal.db.transact(api_keys.create, amy.id, "bot", scopes or ("read",), networks))

    return make


def code(answer):
    return answer.get_json()["code"]


ACCOUNTS = "/v1/user/bank_accounts"


def test_a_signed_call_is_its_customers(program, amy):
    answer = program().call("POST", ACCOUNTS, {"currency": "TWD"})
    assert answer.get_json()["data"][0]["id"] == amy.bank_account_id
    alias = program().call("POST", "/bitgin" + ACCOUNTS, {"currency": "TWD"})
    assert code(alias) == 1


def test_the_scope_decides(program):
    convert = {"operation": "CONVERT", "fromWallet": [{"asset": "USDT", "amount": 10}], "toAsset": "TWD"}
    send = {**convert, "operation": "TRANSFER", "receiver": "x", "receiverEmail": "x@example.com", "twoFAcode": "1"}
    path = "/v1/capital/wallet/operation"
    assert program("read").call("POST", path, convert).status_code == 403
    assert code(program("trade").call("POST", path, convert)) == 1
    assert program("withdraw").call("POST", path, convert).status_code == 403
    assert program("trade").call("POST", path, send).status_code == 403
    assert code(program("withdraw").call("POST", path, send)) == 10027
    assert program("trade").call("POST", ACCOUNTS, {}).status_code == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/logout"),
        ("POST", "/v1/user/change_password"),
        ("POST", "/v1/user/unbind_google_device_authenticator"),
    ],
)
def test_no_key_opens_what_only_the_person_may_do(program, method, path):
    answer = program("read", "trade", "withdraw").call(method, path, {})
    assert (answer.status_code, code(answer)) == (403, -19)


def test_a_nonce_serves_once_and_only_when_fresh(program, portal):
    bot = program()
    headers = bot.signed(ACCOUNTS, "{}")
    answers = [bot.raw.post(ACCOUNTS, data="{}", content_type="application/json", headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 401]
    for nonce in (
        portal.clock.now_ms() - 301_000,
        portal.clock.now_ms() + 301_000,
        "",
        "x",
        portal.clock.now_ms() // 1000,
    ):
        assert code(bot.call("POST", ACCOUNTS, {}, nonce=nonce)) == 10002


def test_only_the_listed_networks_may_use_a_key(program):
    assert code(program(networks=["127.0.0.0/8"]).call("POST", ACCOUNTS, {})) == 1
    assert program(networks=["203.0.113.7"]).call("POST", ACCOUNTS, {}).status_code == 403


def test_an_ended_key_and_a_locked_customers_key_open_nothing(program, portal, amy):
    bot, other = program(), program()
    outsider = people.customer(portal)
    with pytest.raises(Refusal, match="not_found"):
        portal.db.transact(api_keys.revoke, outsider.id, bot.key.id)
    portal.db.transact(api_keys.revoke, amy.id, bot.key.id)
    assert bot.call("POST", ACCOUNTS, {}).status_code == 401
    with portal.db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE customers SET standing = 'locked'")
    assert other.call("POST", ACCOUNTS, {}).status_code == 401


def test_the_secret_is_not_kept_in_the_clear(portal, program):
    bot = program()
    with portal.db.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM api_keys").all()
    assert bot.key.secret not in str(rows) and bot.key.secret.encode() not in rows[0].secret_sealed


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["btse-api", "btse-nonce", "btse-sign", "body"]), st.integers(0, 300), st.integers(1, 127))
def test_no_changed_byte_passes(sqlite_app, where, position, shift):
    portal = sqlite_app.extensions["portal"]
    cache = portal.db.context.cache
    if "bot" not in cache:
        person = people.customer(portal)
        cache["bot"] = Program(sqlite_app, portal, portal.db.transact(api_keys.create, person.id, "bot", ("read",), ()))
    bot, body = cache["bot"], '{"currency":"TWD"}'
    headers = bot.signed(ACCOUNTS, body)
    text = body if where == "body" else headers[where]
    at = position % len(text)
    letter = chr(33 + (ord(text[at]) - 33 + shift) % 94)
    changed = text[:at] + letter + text[at + 1 :]
    if changed == text:
        return
    if where == "body":
        body = changed
    else:
        headers[where] = changed
    answer = bot.raw.post(ACCOUNTS, data=body, content_type="application/json", headers=headers)
    assert answer.status_code == 401, (where, changed)


@pytest.mark.parametrize(
    ("name", "scopes", "networks", "refusal"),
    [
        ("", ["read"], [], "api_key_name_missing"),
        ("x" * 41, ["read"], [], "api_key_name_missing"),
        ("bot", [], [], "api_key_scopes_missing"),
        ("bot", ["admin"], [], "api_key_scopes_missing"),
        ("bot", ["read"], ["300.1.1.1"], "api_key_networks_invalid"),
        ("bot", ["read"], ["10.0.0.1"] * 21, "api_key_networks_invalid"),
    ],
)
def test_a_key_needs_a_name_scopes_and_real_networks(portal, amy, name, scopes, networks, refusal):
    with pytest.raises(Refusal, match=refusal):
        portal.db.transact(api_keys.create, amy.id, name, scopes, networks)


def examined(portal, amy, bot, **change):
    nonce = str(portal.clock.now_ms())
    values = {"path": ACCOUNTS, "nonce": nonce, "body": '{"a": 1}', **change}
    right = api_keys.sign(bot.key.secret, api_keys.canonical_text(ACCOUNTS, values["nonce"], values["body"].encode()))
    made = values.pop("made", None)
    values["signature"] = made(values) if made else values.get("signature", right)
    return portal.db.read(api_key_doctor.examine, amy.id, bot.key.id, Sample(**values))


def test_the_doctor_sees_what_is_right_and_how_far_the_clock_is_off(portal, amy, program):
    found = examined(portal, amy, program())
    assert (found.fits, found.fresh, found.likely) == (True, True, None)
    late = examined(portal, amy, program(), nonce=str(portal.clock.now_ms() - 400_000))
    assert late.fits and not late.fresh and late.skew_ms == pytest.approx(-400_000, abs=5000)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (lambda v: f"{v['path']}?page=1{v['nonce']}{v['body']}", "query"),
        (lambda v: f"{v['path']}{v['nonce']}", "body was left out"),
        (lambda v: f"{v['nonce']}{v['path']}{v['body']}", "wrong way round"),
        (lambda v: f"{v['path']}{v['nonce']}" + '{"a":1}', "written differently"),
    ],
)
def test_the_doctor_names_the_usual_mistakes(portal, amy, program, text, says):
    bot = program()
    path = ACCOUNTS + "?page=1" if says == "query" else ACCOUNTS
    found = examined(
        portal, amy, bot, path=path,
        made=lambda v: api_keys.sign(bot.key.secret, text({**v, "path": ACCOUNTS}).encode()),
    )  # fmt: skip
    assert not found.fits and says in found.likely


def test_the_doctor_shows_the_first_difference_and_never_the_right_signature(portal, amy, program):
    bot = program()
    nonce = str(portal.clock.now_ms())
    sent = f"{ACCOUNTS}/{nonce}" + '{"a": 1}'
    found = examined(portal, amy, bot, nonce=nonce, signature="0" * 96, signed_text=sent)
    assert found.difference.at == len(ACCOUNTS)
    assert found.difference.given.startswith("/") and found.difference.expected.startswith(nonce[0])
    right = api_keys.sign(bot.key.secret, found.canonical.encode())
    assert right not in repr(found)


def test_nobody_examines_anothers_key(portal, amy, program):
    outsider = people.customer(portal)
    with pytest.raises(Refusal, match="not_found"):
        portal.db.read(api_key_doctor.examine, outsider.id, program().key.id, Sample("/v1/user", "1", "", "x"))
