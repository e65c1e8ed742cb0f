"""The signature of partner calls: golden vectors with their arithmetic, and what is refused before it can be signed."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.errors import Refusal
from portal.services import partner_signing as signing

SECRET = b"golden-secret-0123456789"
KEY = "nk00000000000000000000000000golden"
TIMESTAMP = "1700000000000"

#: Worked out beside the portal, with `printf %s "$text" | openssl dgst -sha256 -hmac "$secret" -binary | base64`.
VECTORS = [
    # a read with a query: percent-decoded as it is signed
    (
        "GET", "/api/v1/rates", "card_type_id=50000001", b"",
        "1700000000000GETnk00000000000000000000000000golden/api/v1/rates?card_type_id=50000001",
        "klAXZEZRliZ6rr4FrWRk7GeEZnXtaEUJZohSwGn0SfE=",
    ),
    # the document's own body: keys in ASCII order, the number as it was written
    (
        "POST", "/api/v1/deposit-transactions", "",
        b'{"ont_id":"did:ont:Ae9ujqUnAtH9yRiepRvLUE3t9R2NbCTZPG","amount":190,'
        b'"to_address":"AUol16ghiT9AtxRDtNeq3ovhWJ5iaY6iyd"}',
        "1700000000000POSTnk00000000000000000000000000golden/api/v1/deposit-transactions"
        "amount=190&ont_id=did:ont:Ae9ujqUnAtH9yRiepRvLUE3t9R2NbCTZPG&to_address=AUol16ghiT9AtxRDtNeq3ovhWJ5iaY6iyd",
        "45h0wMsN/CruDNIpJkvPRdNWaVBqWDUydFdnDLBKXqw=",
    ),
    # a path as sent and a query as decoded, no body
    (
        "PUT", "/api/v1/emails/a@b.tw/verification-codes", "code=123456&mail_token=a%2Bb", b"",
        "1700000000000PUTnk00000000000000000000000000golden/api/v1/emails/a@b.tw/verification-codes"
        "?code=123456&mail_token=a+b",
        "S1yWz2mO0sDpl02zeF6tLf7Go1UAAazYE/SpIgw8oxc=",
    ),
]  # fmt: skip


def authorization(signature: str = "x") -> signing.Authorization:
    return signing.Authorization(KEY, TIMESTAMP, signature)


@pytest.mark.parametrize(("method", "path", "query", "body", "text", "signature"), VECTORS)
def test_golden_vectors(method, path, query, body, text, signature) -> None:
    values = signing.read_body(body)
    texts = signing.signed_texts(authorization(), method, path, query, signing.canonical_body(values))
    assert texts[0] == text
    assert signing.sign(SECRET, text) == signature
    by_hand = base64.b64encode(hmac.new(SECRET, text.encode("utf-8"), hashlib.sha256).digest()).decode()
    assert signature == by_hand
    signing.check_signature(SECRET, texts, signature)


def test_the_canonical_body_of_the_document() -> None:
    values = signing.read_body(
        b'{"ont_id":"did:ont:Ae9ujqUnAtH9yRiepRvLUE3t9R2NbCTZPG","amount":190,'
        b'"to_address":"AUol16ghiT9AtxRDtNeq3ovhWJ5iaY6iyd"}'
    )
    assert signing.canonical_body(values) == (
        "amount=190&ont_id=did:ont:Ae9ujqUnAtH9yRiepRvLUE3t9R2NbCTZPG&to_address=AUol16ghiT9AtxRDtNeq3ovhWJ5iaY6iyd"
    )


def test_numbers_are_signed_as_they_were_written() -> None:
    values = signing.read_body(b'{"a":1.50,"b":1e3,"c":"x","d":null}')
    assert values == {"a": "1.50", "b": "1e3", "c": "x", "d": None}
    assert signing.canonical_body(values) == "a=1.50&b=1e3&c=x"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"a":"1","a":"2"}', "request_ambiguous"),
        (b'{"a":null,"a":"2"}', "request_ambiguous"),
        (b'{"a":{"b":"1"}}', "request_ambiguous"),
        (b'{"a":["1"]}', "request_ambiguous"),
        (b'{"a":true}', "request_ambiguous"),
        (b'{"a":NaN}', "input_invalid"),
        (b'{"a":Infinity}', "input_invalid"),
        (b'{"a":"\\ud800"}', "input_invalid"),
        (b'{"a":"\\u0000"}', "input_invalid"),
        (b'{"":"1"}', "input_invalid"),
        (b'{"a b":"1"}', "input_invalid"),
        (b"[]", "input_invalid"),
        (b'"text"', "input_invalid"),
        (b"{", "input_invalid"),
        (b'{"a":"\xff"}', "input_invalid"),
        (b"[" * 100_000, "input_invalid"),
    ],
)
def test_bodies_that_can_be_read_two_ways_or_not_at_all(body: bytes, name: str) -> None:
    with pytest.raises(Refusal) as refused:
        signing.read_body(body)
    assert refused.value.name == name


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("a=1&a=2", "request_ambiguous"), ("a=1&%61=2", "request_ambiguous"), ("a", "input_invalid"),
        ("=1", "input_invalid"), ("a=%ff", "input_invalid"), ("a=%00", "input_invalid"), ("a=1&&b=2", "input_invalid"),
    ],
)  # fmt: skip
def test_queries_that_can_be_read_two_ways_or_not_at_all(query: str, name: str) -> None:
    with pytest.raises(Refusal) as refused:
        signing.read_query(query)
    assert refused.value.name == name


def test_a_plus_in_a_query_is_a_plus() -> None:
    assert signing.read_query("a=1+2&b=1%2B2") == {"a": "1+2", "b": "1+2"}


@pytest.mark.parametrize("value", ["1&amount=2", "x&card_no=", "&amount=&amount="])
def test_values_may_not_look_like_other_fields(value: str) -> None:
    with pytest.raises(Refusal, match="request_ambiguous"):
        signing.check_unambiguous({"remark": value}, ["remark", "amount", "card_no"])
    signing.check_unambiguous({"remark": "fish & chips &c="}, ["remark", "amount", "card_no"])


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (None, "authorization_missing"), ("", "authorization_missing"), ("Bearer x", "authorization_missing"),
        ("noumena:k:1:s", "authorization_missing"), ("Noumena k:1:s", "authorization_missing"),
        ("Noumena:", "authorization_malformed"), ("Noumena:k", "authorization_malformed"),
        ("Noumena:k:1", "authorization_malformed"), ("Noumena:k:1:s:t", "authorization_malformed"),
        ("Noumena::1:s", "authorization_malformed"), ("Noumena:k:1:", "authorization_malformed"),
        ("Noumena:k:1: s", "authorization_malformed"), ("Noumena:k:1:s\xff", "authorization_malformed"),
    ],
)  # fmt: skip
def test_malformed_headers(header: str | None, name: str) -> None:
    with pytest.raises(Refusal) as refused:
        signing.parse_authorization(header)
    assert refused.value.name == name


@pytest.mark.parametrize("text", ["abc", "-1", "1.5", "0", "01700000000000", "１７０", "1" * 16, "1_0"])
def test_unreadable_times(text: str) -> None:
    with pytest.raises(Refusal, match="timestamp_invalid"):
        assert signing.Authorization("k", text, "s").timestamp_ms


def test_times_are_fresh_for_five_minutes_either_way() -> None:
    now = 1_700_000_000_000
    for fresh in (now, now - 300_000, now + 300_000):
        signing.check_fresh(fresh, now)
    for stale in (now - 300_001, now + 300_001, now // 1000):
        with pytest.raises(Refusal, match="timestamp_stale"):
            signing.check_fresh(stale, now)


def test_a_signature_has_one_spelling() -> None:
    right = signing.sign(SECRET, "text")
    assert right.endswith("=")
    signing.check_signature(SECRET, ["text"], right)
    # 32 bytes leave two spare bits in the last letter: four spellings decode alike, one is right.
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    place = letters.index(right[-2])
    for other in (letters[place ^ 1], letters[place ^ 2], letters[place ^ 3]):
        spelled = right[:-2] + other + "="
        assert base64.b64decode(spelled) == base64.b64decode(right)
        with pytest.raises(Refusal, match="signature_wrong"):
            signing.check_signature(SECRET, ["text"], spelled)
    for unreadable in (right[:-1], right.replace("=", ""), "!" * 44, base64.b64encode(b"short").decode(), ""):
        with pytest.raises(Refusal, match="signature_unreadable"):
            signing.check_signature(SECRET, ["text"], unreadable)


def test_every_spelling_of_a_path_means_that_path_alone() -> None:
    from urllib.parse import unquote

    for path in (
        "/api/v1/emails/a@b.tw/x",
        "/api/v1/emails/a%40b.tw/x",
        "/api/v1/mobiles/+886 9/x",
        "/api/v1/emails/王@b/x",
    ):
        spellings = signing.paths_as_sent(path)
        assert {unquote(spelling) for spelling in spellings if "%" in spelling} <= {path}
        assert all("%" not in path for spelling in spellings if spelling == path)
    assert "/api/v1/emails/a%40b.tw/x" in signing.paths_as_sent("/api/v1/emails/a@b.tw/x")
    assert "/api/v1/emails/a%40b.tw/x" not in signing.paths_as_sent("/api/v1/emails/a%40b.tw/x")


_names = st.sampled_from(["acct_no", "amount", "card_no", "coin_type", "cust_tx_id", "remark"])
_flat = st.dictionaries(
    _names, st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
)


@given(_flat, _flat)
def test_different_calls_have_different_texts(first: dict[str, str], second: dict[str, str]) -> None:
    names = ["acct_no", "amount", "card_no", "coin_type", "cust_tx_id", "remark"]
    try:
        signing.check_unambiguous(first, names)
        signing.check_unambiguous(second, names)
    except Refusal:
        return
    assert (signing.canonical_body(first) == signing.canonical_body(second)) == (first == second)


def test_a_content_digest_is_honoured() -> None:
    body = b'{"hello": "world"}'
    right = base64.b64encode(hashlib.sha256(body).digest()).decode()
    signing.check_digest(f"sha-256=:{right}:", body)
    signing.check_digest(
        f"sha-512=:{base64.b64encode(hashlib.sha512(body).digest()).decode()}:, sha-256=:{right}:", body
    )
    signing.check_digest("unixsum=:AAAA:", body)
    for wrong in (f"sha-256=:{right[:-2]}A=:", f"sha-256={right}", "sha-256=", f"sha-256=:{right}:, sha-512=:x:"):
        with pytest.raises(Refusal, match="content_digest_wrong"):
            signing.check_digest(wrong, body)
