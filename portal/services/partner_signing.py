"""The signature of partner calls: reading what was sent exactly, the canonical text, and the HMAC over it. Pure.

    data = timestamp + METHOD + api key + path [+ "?" + decoded query] + body text
    signature = standard base64 of HMAC-SHA256(secret, data)

The parts have no separators (partner contract, auth.recommended), so everything that could be read two ways is refused:
duplicate names, nested values, unknown names (by the route), and values that contain `&name=` of another field.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import orjson

from portal.errors import N_, Refusal, declare

SCHEME = "Noumena"
#: How far the caller's clock may be from ours, either way (reading P7).
WINDOW_MS = 5 * 60 * 1000

_TIMESTAMP = re.compile(r"[1-9][0-9]{0,14}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_ESCAPE = re.compile(r"%[0-9A-F]{2}")

declare(
    {
        "authorization_missing": N_("The Authorization header is missing or of another kind."),
        "authorization_malformed": N_("The Authorization header must be Noumena:key:timestamp:signature."),
        "timestamp_invalid": N_("The timestamp is not a time in milliseconds."),
        "timestamp_stale": N_("The timestamp is more than five minutes from our time."),
        "signature_unreadable": N_("The signature is not base64 of 32 bytes, so it cannot be checked."),
        "signature_wrong": N_("The signature does not fit the request."),
        "signature_replayed": N_("This signature was used before."),
        "request_ambiguous": N_("The request can be read in more than one way."),
    }
)


@dataclass(frozen=True, slots=True)
class Authorization:
    """The parts of an Authorization header as they were sent."""

    api_key: str
    timestamp: str
    signature: str

    @property
    def timestamp_ms(self) -> int:
        """UNIX milliseconds. Raises Refusal `timestamp_invalid`."""
        if not _TIMESTAMP.fullmatch(self.timestamp):
            raise Refusal("timestamp_invalid", field="Authorization")
        return int(self.timestamp)


def parse_authorization(header: str | None) -> Authorization:
    """Takes `Noumena:key:timestamp:signature` apart.

    Raises Refusal `authorization_missing` (none, or another scheme) or `authorization_malformed`.
    """
    if not header or not header.startswith(f"{SCHEME}:"):
        raise Refusal("authorization_missing", field="Authorization")
    parts = header.split(":")
    if len(parts) != 4 or not all(parts) or not header.isascii() or not header.isprintable() or " " in header:
        raise Refusal("authorization_malformed", field="Authorization")
    return Authorization(*parts[1:])


def check_fresh(timestamp_ms: int, now_ms: int) -> None:
    """Raises Refusal `timestamp_stale` (fact: skew_ms) outside the window, either way."""
    if abs(now_ms - timestamp_ms) > WINDOW_MS:
        raise Refusal("timestamp_stale", field="Authorization", skew_ms=timestamp_ms - now_ms)


def read_body(body: bytes) -> dict[str, str | None]:
    """A flat JSON object as texts, numbers as they were written (readings P4, P6). {} for no body.

    A null stays, as None: it is not signed, so the route must know its name to let it pass.

    Raises Refusal `request_ambiguous` for duplicate names, nested values and booleans, `input_invalid` for what is no
    JSON object in UTF-8.
    """
    if not body:
        return {}
    try:
        orjson.loads(body)  # bounds the depth by itself; json's bound moves with what the process has imported
        parsed = json.loads(
            body.decode("utf-8"),
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_not_json,
            object_pairs_hook=_Pairs,
        )
    except (ValueError, RecursionError) as error:
        raise Refusal("input_invalid", field="body") from error
    if not isinstance(parsed, _Pairs):
        raise Refusal("input_invalid", field="body")
    return _flat(parsed)


class _Pairs(list[tuple[str, Any]]):
    """The members of a JSON object in their order, doubles and all."""


class _Number(str):
    """A number as it was written."""


def _not_json(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _flat(pairs: _Pairs) -> dict[str, str | None]:
    values: dict[str, str | None] = {}
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise Refusal("request_ambiguous", field=next(name for name in names if names.count(name) > 1)[:64])
    for name, value in pairs:
        if not _NAME.fullmatch(name):
            raise Refusal("input_invalid", field="body")
        if value is None:
            values[name] = None
            continue
        if not isinstance(value, str):
            raise Refusal("request_ambiguous", field=name)
        _check_text(name, value)
        values[name] = str(value)
    return values


def _check_text(name: str, value: str) -> None:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:  # a lone surrogate has no bytes, so nothing could be signed
        raise Refusal("input_invalid", field=name) from error
    if "\x00" in value:
        raise Refusal("input_invalid", field=name)


def canonical_body(values: Mapping[str, str | None]) -> str:
    """`key=value` joined by `&`, keys in ASCII order, nothing encoded, null left out; "" for no values (readings P4, P5)."""
    return "&".join(f"{name}={values[name]}" for name in sorted(values) if values[name] is not None)


def read_query(query: str) -> dict[str, str]:
    """The query's values, percent-decoded; `+` is a plus, as it is in the signed text.

    Raises Refusal `request_ambiguous` for a doubled name, `input_invalid` for what is no `name=value` in UTF-8.
    """
    values: dict[str, str] = {}
    if not query:
        return values
    for pair in query.split("&"):
        name, equals, value = pair.partition("=")
        name, value = decoded(name), decoded(value)
        if not equals or not _NAME.fullmatch(name):
            raise Refusal("input_invalid", field="query")
        if name in values:
            raise Refusal("request_ambiguous", field=name)
        _check_text(name, value)
        values[name] = value
    return values


def decoded(text: str) -> str:
    """Percent-decoded text. Raises Refusal `input_invalid` for bytes that are no UTF-8."""
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal("input_invalid", field="query") from error


def check_unambiguous(values: Mapping[str, str | None], names: Iterable[str]) -> None:
    """Raises Refusal `request_ambiguous` for a value that contains `&name=` of a field of the call."""
    marks = [f"&{name}=" for name in names]
    for name, value in values.items():
        if value and "&" in value and any(mark in value for mark in marks):
            raise Refusal("request_ambiguous", field=name)


def paths_as_sent(path: str) -> list[str]:
    """The spellings in which a caller may have sent (and signed) a decoded path.

    Servers hand paths on decoded, so the spelling itself is lost. Every answer decodes to `path` and to nothing else.
    """
    if quote(path, safe="/") == path:
        return [path]
    spellings = [] if "%" in path else [path]
    for kept in product(("@", ""), ("+", ""), (":!$'()*,;=", "")):
        upper = quote(path, safe="/" + "".join(kept))
        spellings += [upper, _ESCAPE.sub(lambda found: found.group(0).lower(), upper)]
    return list(dict.fromkeys(spellings))


def signed_texts(authorization: Authorization, method: str, path: str, query: str, body_text: str) -> list[str]:
    """The texts that may have been signed, one for each spelling of the path. Raises Refusal `input_invalid`.

    `method` is the one on the wire: HTTP tells POST from post, so one is not signed by the other.
    """
    before = f"{authorization.timestamp}{method}{authorization.api_key}"
    after = (f"?{decoded(query)}" if query else "") + body_text
    return [f"{before}{spelling}{after}" for spelling in paths_as_sent(path)]


def sign(secret: bytes, text: str) -> str:
    """Standard base64 of HMAC-SHA256 over the text's UTF-8 bytes."""
    return base64.b64encode(hmac.digest(secret, text.encode(), "sha256")).decode()


def check_signature(secret: bytes, texts: Iterable[str], signature: str) -> None:
    """Compares the given text of the signature with each expected one, in equal time.

    Raises Refusal `signature_unreadable` when it is not base64 of 32 bytes, `signature_wrong` when none is equal.
    """
    try:
        readable = len(base64.b64decode(signature, validate=True)) == hashlib.sha256().digest_size
    except (binascii.Error, ValueError):
        readable = False
    if not readable:
        raise Refusal("signature_unreadable", field="Authorization")
    given = signature.encode()
    equal = [hmac.compare_digest(sign(secret, text).encode(), given) for text in texts]
    if True not in equal:
        raise Refusal("signature_wrong", field="Authorization")


def check_digest(header: str | None, body: bytes) -> None:
    """Honours an optional Content-Digest (RFC 9530): sha-256 and sha-512 must fit, other algorithms are passed over.

    Raises Refusal `content_digest_wrong`.
    """
    if header is None:
        return
    for member in header.split(","):
        algorithm, _, value = member.strip().partition("=")
        if algorithm not in ("sha-256", "sha-512"):
            continue
        made = base64.b64encode(hashlib.new(algorithm.replace("-", ""), body).digest()).decode()
        if not hmac.compare_digest(value.encode("utf-8", "replace"), f":{made}:".encode()):
            raise Refusal("content_digest_wrong", field="Content-Digest")


declare(
    {
        "content_digest_wrong": N_("The Content-Digest does not fit the body."),
        "content_type_wrong": N_("The body must be sent as application/json."),
    }
)
