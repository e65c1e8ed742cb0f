"""Why a partner's signature is wrong: the request as the portal reads it against what a program says it signed.

It tells what must be signed, where texts and signatures part and which usual mistake fits, never what the right signature
would be: a page that did would sign for whoever stole a session.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from sqlalchemy.orm import Session

from portal.clock import to_ms
from portal.db import now
from portal.errors import N_, Refusal
from portal.services import partner_keys
from portal.services import partner_signing as signing
from portal.services.partner_signing import Authorization

CONTEXT = 24


@dataclass(frozen=True, slots=True)
class Sample:
    """What a program sent, pasted: `target` is the path with its query, `signed_text` what it says it signed."""

    method: str
    target: str
    authorization: str
    body: str = ""
    signed_text: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where two texts part: the position from 0, what is common before it, what stands there in each."""

    at: int
    common: str
    expected: str
    given: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found. `refusal` names what could not even be read; `likely` the mistake whose signature fits.

    `signature_at` is the first place (from 0) where the given signature parts from the right one.
    """

    canonical: str = ""
    fits: bool = False
    skew_ms: int | None = None
    fresh: bool = False
    signature_at: int | None = None
    text_difference: Difference | None = None
    likely: str | None = None
    refusal: Refusal | None = None


def _address(target: str) -> SplitResult:
    try:
        return urlsplit(target.strip())
    except ValueError as reason:
        raise Refusal("input_invalid", field="target") from reason


def examine(session: Session, institution_id: int, key_id: int, sample: Sample) -> Diagnosis:
    """Looks at a sample with one of the institution's keys. Raises Refusal `not_found` for another's."""
    key = partner_keys.get(session, institution_id, key_id)
    credential = partner_keys.find(session, key.key)
    try:
        authorization = signing.parse_authorization(sample.authorization.strip())
        skew_ms = authorization.timestamp_ms - to_ms(now(session))
        if authorization.api_key != key.key:
            raise Refusal("api_key_unknown", field="Authorization")
        parts = _address(sample.target)
        values = signing.read_body(sample.body.strip().encode())
        signing.read_query(parts.query)
        path = signing.decoded(parts.path)
        text = signing.canonical_body(values)
        texts = signing.signed_texts(authorization, sample.method.upper(), path, parts.query, text)
    except Refusal as refusal:
        return Diagnosis(refusal=refusal)
    right = [signing.sign(credential.secret, one) for one in texts]
    given = authorization.signature
    fits = any(hmac.compare_digest(one.encode(), given.encode()) for one in right)
    likely = None
    if not fits:
        made = _mistakes(credential.secret, authorization, sample, parts.path, parts.query, values)
        likely = next((why for why, one in made if hmac.compare_digest(one.encode(), given.encode())), None)
    signed = sample.signed_text
    return Diagnosis(
        canonical=texts[0],
        fits=fits,
        skew_ms=skew_ms,
        fresh=abs(skew_ms) <= signing.WINDOW_MS,
        signature_at=None if fits else _parting(right[0], given),
        text_difference=difference(texts[0], signed) if signed and signed not in texts else None,
        likely=likely,
    )


def difference(expected: str, given: str) -> Difference | None:
    """Where two texts part first; None when they are equal."""
    if expected == given:
        return None
    at = _parting(expected, given)
    return Difference(at, expected[max(0, at - CONTEXT) : at], expected[at : at + CONTEXT], given[at : at + CONTEXT])


def _parting(first: str, second: str) -> int:
    places = (place for place, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)
    return next(places, min(len(first), len(second)))


def _mistakes(
    secret: bytes, sent: Authorization, sample: Sample, path: str, query: str, values: dict[str, str | None]
) -> Iterator[tuple[str, str]]:
    """Usual mistakes and the signature each would make."""
    method, key, stamp = sample.method.upper(), sent.api_key, sent.timestamp
    body = signing.canonical_body(values)
    plain = signing.decoded(query)
    uri = f"{path}?{plain}" if query else path
    head = f"{stamp}{method}{key}"
    unsorted = "&".join(f"{name}={value}" for name, value in values.items() if value is not None)
    encoded_uri = f"{path}?{query}" if query else path
    texts = [
        (N_("The query was left out. Sign the path with everything after the question mark."), f"{head}{path}{body}"),
        (N_("The query was signed percent-encoded. Sign it decoded."), f"{head}{encoded_uri}{body}"),
        (N_("The body was left out. Sign its fields as key=value, joined by &."), f"{head}{uri}"),
        (N_("The JSON itself was signed. Sign its fields as key=value, sorted by name, joined by &."), f"{head}{uri}{sample.body.strip()}"),
        (N_("The fields of the body are not in ASCII order of their names."), f"{head}{uri}{unsorted}"),
        (N_("The method was signed in lower case. It must be upper case."), f"{stamp}{sample.method.lower()}{key}{uri}{body}"),
        (N_("The timestamp was signed in seconds. It must be the milliseconds of the header."), f"{stamp[:-3]}{method}{key}{uri}{body}"),
        (N_("The timestamp was left out."), f"{method}{key}{uri}{body}"),
        (N_("The API key was left out."), f"{stamp}{method}{uri}{body}"),
        (N_("The parts were joined with line breaks. They follow each other without a separator."), "\n".join(part for part in (stamp, method, key, uri, body) if part)),
        (N_("The parts were joined with &. They follow each other without a separator."), "&".join(part for part in (stamp, method, key, uri, body) if part)),
        (N_("The path was signed without /api/v1. Sign it as it is sent."), f"{head}{uri.removeprefix('/api/v1')}{body}"),
        (N_("A question mark was signed before the body. The body follows the path directly."), f"{head}{uri}?{body}"),
    ]  # fmt: skip
    for why, text in texts:
        yield why, signing.sign(secret, text)
    right = f"{head}{uri}{body}".encode()
    digest = hmac.digest(secret, right, "sha256")
    yield N_("The signature is hex. It must be standard base64."), digest.hex()
    yield N_("The signature is URL-safe base64. It must be standard base64."), base64.urlsafe_b64encode(digest).decode()
    yield (
        N_("The hex digits were encoded. Encode the 32 bytes themselves."),
        base64.b64encode(digest.hex().encode()).decode(),
    )
    yield N_("The API key was used in place of the secret."), signing.sign(key.encode(), right.decode())
    yield (
        N_("A plain SHA-256 was made. It must be an HMAC with the secret."),
        base64.b64encode(hashlib.sha256(right).digest()).decode(),
    )
    other = hmac.digest(secret, right, "sha512")
    yield N_("HMAC-SHA512 was used. It must be HMAC-SHA256."), base64.b64encode(other).decode()
