"""Why a signature is wrong: the request as the portal reads it against what a program says it signed.

It tells what was signed and whether a signature fits, never what the right one would be: a page that did would sign for
whoever stole a session.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.clock import to_ms
from portal.db import now
from portal.errors import N_, Refusal
from portal.models.security import ApiKey
from portal.services import api_keys

CONTEXT = 24


@dataclass(frozen=True, slots=True)
class Sample:
    """What a program sent, pasted: `signed_text` is what it says it put through the HMAC, if it can tell."""

    path: str
    nonce: str
    body: str
    signature: str
    signed_text: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where two texts part: the position from 0, and what stands there in each."""

    at: int
    common: str
    expected: str
    given: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found. `likely` names the mistake whose signature fits; `skew_ms` is the nonce against the portal's clock."""

    canonical: str
    fits: bool
    fresh: bool
    skew_ms: int | None
    difference: Difference | None
    likely: str | None


def examine(session: Session, customer_id: int, key_id: int, sample: Sample) -> Diagnosis:
    """Looks at a sample with one of the customer's own keys. Raises Refusal `not_found`."""
    key = session.scalar(
        sa.select(ApiKey.key).where(
            ApiKey.id == key_id, ApiKey.owner_kind == "customer", ApiKey.owner_id == customer_id
        )
    )
    found = api_keys.load(session, key) if key else None
    if found is None:
        raise Refusal("not_found")
    secret = found[2]
    path = sample.path.split("?", 1)[0]
    canonical = api_keys.canonical_text(path, sample.nonce, sample.body.encode())
    fits = _equal(api_keys.sign(secret, canonical), sample.signature)
    likely = (
        None
        if fits
        else next(
            (why for why, made in _mistakes(secret, key or "", path, sample) if _equal(made, sample.signature)), None
        )
    )
    skew = (
        int(sample.nonce) - to_ms(now(session))
        if sample.nonce.isascii() and sample.nonce.isdigit() and len(sample.nonce) <= 17
        else None
    )
    fresh = skew is not None and abs(skew) <= api_keys.FRESH.total_seconds() * 1000 and len(sample.nonce) == 13
    shown = canonical.decode()
    return Diagnosis(
        shown, fits, fresh, skew, difference(shown, sample.signed_text) if sample.signed_text else None, likely
    )


def difference(expected: str, given: str) -> Difference | None:
    """Where two texts part first; None when they are equal."""
    if expected == given:
        return None
    at = next(
        (n for n, (a, b) in enumerate(zip(expected, given, strict=False)) if a != b), min(len(expected), len(given))
    )
    return Difference(at, expected[max(0, at - CONTEXT) : at], expected[at : at + CONTEXT], given[at : at + CONTEXT])


def _mistakes(secret: str, key: str, path: str, sample: Sample) -> Iterator[tuple[str, str]]:
    """Usual mistakes and the signature each would make; what is signed may be wrong, or how."""
    body, nonce = sample.body.encode(), sample.nonce
    texts: list[tuple[str, bytes]] = [
        (N_("The path was signed with its query. Sign the path alone."), api_keys.canonical_text(sample.path, nonce, body)),
        (N_("The body was left out. Sign it exactly as it is sent."), api_keys.canonical_text(path, nonce, b"")),
        (N_("The path was left out."), api_keys.canonical_text("", nonce, body)),
        (N_("The nonce was left out."), api_keys.canonical_text(path, "", body)),
        (N_("Nonce and path are the wrong way round: the path comes first."), nonce.encode() + path.encode() + body),
        (N_("The path was signed without its leading slash."), api_keys.canonical_text(path.lstrip("/"), nonce, body)),
        (N_("The path was signed with a slash at its end."), api_keys.canonical_text(path + "/", nonce, body)),
        (N_("The signed body and the sent body are written differently (blanks). Sign the very text that is sent."), api_keys.canonical_text(path, nonce, _rewritten(body, (",", ":")))),
        (N_("The signed body and the sent body are written differently (blanks). Sign the very text that is sent."), api_keys.canonical_text(path, nonce, _rewritten(body, (", ", ": ")))),
    ]  # fmt: skip
    for why, text in texts:
        yield why, api_keys.sign(secret, text)
    right = api_keys.canonical_text(path, nonce, body)
    digests = [
        (N_("HMAC-SHA256 was used. It must be HMAC-SHA384."), "sha256"),
        (N_("HMAC-SHA512 was used. It must be HMAC-SHA384."), "sha512"),
    ]
    for why, digest in digests:
        yield why, hmac.new(secret.encode(), right, digest).hexdigest()
    made = hmac.new(secret.encode(), right, hashlib.sha384)
    yield N_("The signature is in upper case. It must be lower-case hex."), made.hexdigest().upper()
    yield N_("The signature is Base64. It must be lower-case hex."), base64.b64encode(made.digest()).decode()
    yield N_("The API key was used in place of the secret."), api_keys.sign(key, right)
    raw = hmac.new(bytes.fromhex(secret), right, hashlib.sha384).hexdigest()
    yield N_("The secret was read as hex. Use its text as it was shown."), raw


def _rewritten(body: bytes, separators: tuple[str, str]) -> bytes:
    try:
        return json.dumps(orjson.loads(body), separators=separators, ensure_ascii=False).encode() if body else b""
    except ValueError:
        return body


def _equal(made: str, given: str) -> bool:
    return hmac.compare_digest(made.encode(), given.strip().encode())
