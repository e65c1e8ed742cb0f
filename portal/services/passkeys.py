"""Passkeys (W3C Web Authentication Level 3) as a second factor equal to the authenticator, for customers and staff alike.

A challenge is given out per ceremony and serves once. The relying party is the host of the portal's public address; a
portal that runs on a loopback address is `localhost` to browsers, which admit no bare address.
"""

import ipaddress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson
import sqlalchemy as sa
import webauthn
from sqlalchemy.orm import Session
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from portal.db import affected, context, now
from portal.errors import N_, Refusal, declare
from portal.models.security import Passkey, RecoveryCode, WebauthnChallenge
from portal.services import second_factor

CHALLENGE_LIFE = timedelta(minutes=5)
MOST = 10
REGISTER, AUTHENTICATE = "register", "authenticate"
_TRANSPORTS = {transport.value: transport for transport in AuthenticatorTransport}

declare(
    {
        "passkey_refused": N_("The passkey was not accepted. Please try again."),
        "passkey_known": N_("This passkey is set up already."),
        "passkeys_full": N_("There are ten passkeys already. Remove one first."),
        "passkey_none": N_("No passkey is set up for this account."),
    }
)


def relying_party(public_url: str) -> tuple[str, list[str]]:
    """The relying party's id and the origins from which its pages are served."""
    parts = urlsplit(public_url)
    host = parts.hostname or "localhost"
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host, [f"{parts.scheme}://{parts.netloc}"]
    if not loopback:
        return host, [f"{parts.scheme}://{parts.netloc}"]
    port = f":{parts.port}" if parts.port else ""
    return "localhost", [f"{parts.scheme}://localhost{port}"]


def begin_registration(session: Session, owner_kind: str, owner_id: int, name: str) -> dict[str, Any]:
    """The options with which a browser makes a new passkey. Raises Refusal `passkeys_full`."""
    known = listed(session, owner_kind, owner_id)
    if len(known) >= MOST:
        raise Refusal("passkeys_full")
    rp_id, _ = relying_party(context(session).settings.public_url)
    options = webauthn.generate_registration_options(
        rp_id=rp_id,
        rp_name=rp_id,
        user_name=name,
        user_id=f"{owner_kind}:{owner_id}".encode(),
        user_display_name=name,
        exclude_credentials=[_descriptor(row) for row in known],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
    )
    _keep(session, owner_kind, owner_id, REGISTER, options.challenge)
    return _plain(options)


def finish_registration(session: Session, owner_kind: str, owner_id: int, credential: Any, name: str) -> None:
    """Keeps the passkey that the browser made. Raises Refusal `passkey_refused` (kept) or `passkey_known`."""
    challenge = _take(session, owner_kind, owner_id, REGISTER)
    rp_id, origins = relying_party(context(session).settings.public_url)
    try:
        made = webauthn.verify_registration_response(
            credential=credential, expected_challenge=challenge, expected_rp_id=rp_id, expected_origin=origins
        )
    except Exception as error:  # whatever a forged credential breaks inside the verifier, it is refused
        raise Refusal("passkey_refused", keep=True) from error
    credential_id = webauthn.helpers.bytes_to_base64url(made.credential_id)
    if len(credential_id) > 700:
        raise Refusal("passkey_refused", keep=True)
    if session.scalar(sa.select(Passkey.id).where(Passkey.credential_id == credential_id)) is not None:
        raise Refusal("passkey_known", keep=True)
    sent = credential.get("response", {}).get("transports", []) if isinstance(credential, dict) else []
    session.add(
        Passkey(
            owner_kind=owner_kind,
            owner_id=owner_id,
            credential_id=credential_id,
            public_key=made.credential_public_key,
            sign_count=made.sign_count,
            name=name.strip()[:64] or "Passkey",
            transports=[text for text in sent if text in _TRANSPORTS] if isinstance(sent, list) else [],
            created_at=now(session),
        )
    )
    session.flush()


def begin_authentication(session: Session, owner_kind: str, owner_id: int) -> dict[str, Any]:
    """The options with which a browser asks for one of the owner's passkeys. Raises Refusal `passkey_none`."""
    known = listed(session, owner_kind, owner_id)
    if not known:
        raise Refusal("passkey_none")
    rp_id, _ = relying_party(context(session).settings.public_url)
    options = webauthn.generate_authentication_options(
        rp_id=rp_id, allow_credentials=[_descriptor(row) for row in known]
    )
    _keep(session, owner_kind, owner_id, AUTHENTICATE, options.challenge)
    return _plain(options)


def check(session: Session, owner_kind: str, owner_id: int, credential: Any) -> None:
    """Proves the owner by a passkey; the challenge is used up. Raises Refusal `passkey_refused` (kept)."""
    challenge = _take(session, owner_kind, owner_id, AUTHENTICATE)
    rp_id, origins = relying_party(context(session).settings.public_url)
    claimed = credential.get("id") if isinstance(credential, dict) else None
    row = next((key for key in listed(session, owner_kind, owner_id) if key.credential_id == claimed), None)
    if row is None:
        raise Refusal("passkey_refused", keep=True)
    try:
        proof = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=rp_id,
            expected_origin=origins,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.sign_count,
        )
    except Exception as error:  # whatever a forged credential breaks inside the verifier, it is refused
        raise Refusal("passkey_refused", keep=True) from error
    moved = session.execute(
        sa.update(Passkey)
        .where(Passkey.id == row.id, Passkey.sign_count == row.sign_count)
        .values(sign_count=proof.new_sign_count, last_used_at=now(session))
        .execution_options(synchronize_session=False)
    )
    if affected(moved) != 1:
        raise Refusal("passkey_refused", keep=True)


def listed(session: Session, owner_kind: str, owner_id: int) -> list[Passkey]:
    """The owner's passkeys, oldest first."""
    query = sa.select(Passkey).where(Passkey.owner_kind == owner_kind, Passkey.owner_id == owner_id)
    return list(session.scalars(query.order_by(Passkey.id)))


def remove(session: Session, owner_kind: str, owner_id: int, passkey_id: int) -> str:
    """Takes a passkey off and answers its name. Raises Refusal `not_found` for anybody else's."""
    row = session.scalar(
        sa.select(Passkey).where(
            Passkey.id == passkey_id, Passkey.owner_kind == owner_kind, Passkey.owner_id == owner_id
        )
    )
    if row is None:
        raise Refusal("not_found")
    session.delete(row)
    session.flush()
    if not second_factor.is_required(session, owner_kind, owner_id):
        session.execute(
            sa.delete(RecoveryCode).where(RecoveryCode.owner_kind == owner_kind, RecoveryCode.owner_id == owner_id)
        )
    return row.name


def forget_old(session: Session) -> int:
    """Deletes challenges past their life; how many."""
    gone = session.execute(sa.delete(WebauthnChallenge).where(WebauthnChallenge.expires_at < now(session)))
    return affected(gone)


def _descriptor(row: Passkey) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(
        id=webauthn.base64url_to_bytes(row.credential_id),
        transports=[_TRANSPORTS[text] for text in row.transports or [] if text in _TRANSPORTS] or None,
    )


def _plain(options: Any) -> dict[str, Any]:
    answer: dict[str, Any] = orjson.loads(webauthn.options_to_json(options))
    return answer


def _keep(session: Session, owner_kind: str, owner_id: int, purpose: str, challenge: bytes) -> None:
    _drop(session, owner_kind, owner_id, purpose)
    session.add(
        WebauthnChallenge(
            owner_kind=owner_kind,
            owner_id=owner_id,
            purpose=purpose,
            challenge=challenge,
            expires_at=now(session) + CHALLENGE_LIFE,
        )
    )
    session.flush()


def _take(session: Session, owner_kind: str, owner_id: int, purpose: str) -> bytes:
    """The live challenge, used up. Raises Refusal `passkey_refused`."""
    gone = _drop(session, owner_kind, owner_id, purpose)
    if gone is None:
        raise Refusal("passkey_refused", keep=True)
    return gone


def _drop(session: Session, owner_kind: str, owner_id: int, purpose: str) -> bytes | None:
    rows = session.execute(
        sa.delete(WebauthnChallenge)
        .where(
            WebauthnChallenge.owner_kind == owner_kind,
            WebauthnChallenge.owner_id == owner_id,
            WebauthnChallenge.purpose == purpose,
        )
        .returning(WebauthnChallenge.challenge, WebauthnChallenge.expires_at)
        .execution_options(synchronize_session=False)
    ).all()
    live = [row.challenge for row in rows if row.expires_at > now(session)]
    return bytes(live[-1]) if live else None
