"""Captchas, verification codes, failure counters, second factors and API keys."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, BigInt
from portal.models.columns import Digest, Label, Moment, RowId, Text200, new_public_id


class Captcha(Base):
    """A picture to read; it serves once, even when the answer is wrong."""

    __tablename__ = "captchas"

    id: Mapped[str] = mapped_column(sa.String(24), primary_key=True)
    text: Mapped[str] = mapped_column(sa.String(12))
    expires_at: Mapped[Moment]


class VerificationCode(Base):
    """A code sent by mail or SMS, bound to purpose, subject and target; only its keyed digest is kept.

    `subject` names who or what it proves (`customer:12`, `withdrawal:<id>`, `phone:+886…`). One live code per
    (purpose, subject): a newer one ends the older.
    """

    __tablename__ = "verification_codes"
    __table_args__ = (
        sa.Index(None, "purpose", "subject", "id"),
        sa.Index(None, "target_digest", "created_at"),
    )

    id: Mapped[RowId]
    purpose: Mapped[Label]
    subject: Mapped[Text200]
    channel: Mapped[str] = mapped_column(sa.String(5))
    target_digest: Mapped[Digest]
    code_digest: Mapped[Digest]
    tries: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    sends: Mapped[int] = mapped_column(sa.SmallInteger, default=1)
    created_at: Mapped[Moment]
    sent_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    used_at: Mapped[Moment | None]
    ended_at: Mapped[Moment | None]


class FailureCounter(Base):
    """Failures in a row, by key (`login:account:…`, `login:ip:…`, `totp:customer:12`, `code-sends:…`)."""

    __tablename__ = "failure_counters"

    key: Mapped[Text200] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(sa.Integer, default=0)
    total: Mapped[int] = mapped_column(sa.Integer, default=0)
    first_at: Mapped[Moment]
    last_at: Mapped[Moment]
    locked_until: Mapped[Moment | None]


class Authenticator(Base):
    """A bound TOTP secret (RFC 6238) of a customer, staff member or member; `last_step` only ever grows."""

    __tablename__ = "authenticators"
    __table_args__ = (sa.UniqueConstraint("owner_kind", "owner_id"),)

    id: Mapped[RowId]
    owner_kind: Mapped[str] = mapped_column(sa.String(12))
    owner_id: Mapped[int] = mapped_column(BigInt)
    secret_sealed: Mapped[bytes | None]
    pending_sealed: Mapped[bytes | None]
    pending_until: Mapped[Moment | None]
    last_step: Mapped[int] = mapped_column(BigInt, default=0)
    bound_at: Mapped[Moment | None]


class RecoveryCode(Base):
    """A single-use way in when the authenticator is lost; shown once, kept as a keyed digest."""

    __tablename__ = "recovery_codes"
    __table_args__ = (sa.UniqueConstraint("owner_kind", "owner_id", "code_digest"),)

    id: Mapped[RowId]
    owner_kind: Mapped[str] = mapped_column(sa.String(12))
    owner_id: Mapped[int] = mapped_column(BigInt)
    code_digest: Mapped[Digest]
    used_at: Mapped[Moment | None]
    created_at: Mapped[Moment]


class Passkey(Base):
    """A WebAuthn credential, a second factor equal to TOTP (W3C Web Authentication Level 3)."""

    __tablename__ = "passkeys"
    __table_args__ = (sa.Index(None, "owner_kind", "owner_id"),)

    id: Mapped[RowId]
    owner_kind: Mapped[str] = mapped_column(sa.String(12))
    owner_id: Mapped[int] = mapped_column(BigInt)
    credential_id: Mapped[str] = mapped_column(sa.String(700), unique=True)
    public_key: Mapped[bytes]
    sign_count: Mapped[int] = mapped_column(BigInt, default=0)
    name: Mapped[Label]
    transports: Mapped[list[Any] | None]
    created_at: Mapped[Moment]
    last_used_at: Mapped[Moment | None]


class ApiKey(Base):
    """A key of a customer, an institution or a store for signed calls; the secret is sealed, shown once."""

    __tablename__ = "api_keys"
    __table_args__ = (sa.Index(None, "owner_kind", "owner_id"),)

    id: Mapped[RowId]
    key: Mapped[Label] = mapped_column(unique=True)
    owner_kind: Mapped[str] = mapped_column(sa.String(12))
    owner_id: Mapped[int] = mapped_column(BigInt)
    name: Mapped[Label]
    secret_sealed: Mapped[bytes]
    passphrase_digest: Mapped[Text200 | None]
    scopes: Mapped[list[Any]]
    ip_allowlist: Mapped[list[Any]]
    created_at: Mapped[Moment]
    last_used_at: Mapped[Moment | None]
    expires_at: Mapped[Moment | None]
    revoked_at: Mapped[Moment | None]


class SpentNonce(Base):
    """A nonce or signature that was accepted once and never again (API keys, partner signatures)."""

    __tablename__ = "spent_nonces"
    __table_args__ = (sa.Index(None, "expires_at"),)

    key: Mapped[Text200] = mapped_column(primary_key=True)
    expires_at: Mapped[Moment]


class WebauthnChallenge(Base):
    """A challenge given out for one WebAuthn ceremony; it serves once."""

    __tablename__ = "webauthn_challenges"

    id: Mapped[str] = mapped_column(sa.String(36), primary_key=True, default=new_public_id)
    owner_kind: Mapped[str] = mapped_column(sa.String(12))
    owner_id: Mapped[int] = mapped_column(BigInt)
    purpose: Mapped[Label]
    challenge: Mapped[bytes]
    expires_at: Mapped[Moment]
