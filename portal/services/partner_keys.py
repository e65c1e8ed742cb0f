"""Keys of institutions: made, shown once, rotated with overlap, revoked; and found quickly for every signed call."""

import base64
import ipaddress
import secrets
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import Database, affected, after_commit, context, now
from portal.errors import N_, Refusal, declare
from portal.models.partner import Institution
from portal.models.security import ApiKey
from portal.services import audit, parameters
from portal.services import partner_signing as signing
from portal.spent_map import SpentMap
from portal.vault import VaultError

#: Parts of the API that an institution is granted and a key may use.
AREAS = ("customers", "cards", "loads", "bank", "common")
AREA_WORDS = {
    "customers": N_("People: KYC data and records"),
    "cards": N_("Cards: open, activate, list"),
    "loads": N_("Loads: pay from the float"),
    "bank": N_("Bank: balances and statements"),
    "common": N_("Common: codes, rates, float balance"),
}

#: How long a process remembers a key: a revoked key, a changed allow-list or a suspended institution is refused at the
#: latest so long after the change is committed; in the process that changed it, at once.
SECONDS_REMEMBERED = 1.5
MOST_REMEMBERED = 10_000
parameters.declare("partner_calls", {"per_second": 50})

#: A spent signature is remembered until no clock within the window can make its timestamp fresh again.
SPENT_FOR_MS = 2 * signing.WINDOW_MS + 60_000
USED_EVERY = timedelta(minutes=5)
MOST_KEYS = 20

declare(
    {
        "api_key_unknown": N_("There is no such API key."),
        "api_key_inactive": N_("This API key has been revoked or has expired."),
        "passphrase_wrong": N_("The Access-Passphrase is missing or wrong."),
        "ip_refused": N_("This network address is not on the key's list."),
        "key_scope_missing": N_("This API key may not use this part of the API."),
        "api_not_authorised": N_("This API is not open to the institution."),
        "institution_unknown": N_("There is no such institution."),
        "institution_inactive": N_("The institution is suspended."),
        "secret_unreadable": N_("The key's secret cannot be read right now."),
        "too_many_keys": N_("There are as many active keys as an institution may have. Revoke one first."),
    }
)


@dataclass(frozen=True, slots=True)
class Credential:
    """What a signed call needs of its key, opened and ready."""

    key_id: int
    api_key: str
    name: str
    secret: bytes
    passphrase_digest: str | None
    scopes: frozenset[str]
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    revoked: bool
    expires_at: datetime | None
    institution_id: int
    institution_number: str
    institution_status: str
    areas: frozenset[str]
    locale: str
    last_used_at: datetime | None
    calls_per_second: int

    def check_state(self, moment: datetime) -> None:
        """Raises Refusal `api_key_inactive` for a revoked or expired key."""
        if self.revoked or (self.expires_at is not None and self.expires_at <= moment):
            raise Refusal("api_key_inactive", field="Authorization")

    def check_address(self, address: str) -> None:
        """Raises Refusal `ip_refused` when the key has a list and the address is not on it."""
        if not self.networks:
            return
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            raise Refusal("ip_refused") from None
        plain = getattr(found, "ipv4_mapped", None) or found
        if not any(plain.version == network.version and plain in network for network in self.networks):
            raise Refusal("ip_refused")

    def check_area(self, area: str) -> None:
        """Raises Refusal `api_not_authorised` (the institution lacks it) or `key_scope_missing` (the key does)."""
        if area not in self.areas:
            raise Refusal("api_not_authorised")
        if area not in self.scopes:
            raise Refusal("key_scope_missing")

    def check_institution(self) -> None:
        """Raises Refusal `institution_unknown` for a closed one, `institution_inactive` for a suspended one."""
        if self.institution_status == "closed":
            raise Refusal("institution_unknown")
        if self.institution_status != "active":
            raise Refusal("institution_inactive")


def remembered(cache: dict[str, Any], api_key: str) -> Credential | None:
    """The key as this process saw it within SECONDS_REMEMBERED; None when it has to be looked up."""
    found = cache.get("partner_keys", {}).get(api_key)
    return found[1] if found is not None and found[0] > time.monotonic() else None


def find(session: Session, api_key: str) -> Credential:
    """Looks a key up and remembers it. Raises Refusal `api_key_unknown`."""
    query = (
        sa.select(ApiKey, Institution)
        .join(Institution, sa.and_(ApiKey.owner_kind == "institution", Institution.id == ApiKey.owner_id))
        .where(ApiKey.key == api_key)
    )
    row = session.execute(query).first()
    if row is None:
        raise Refusal("api_key_unknown", field="Authorization")
    key, institution = row
    found = Credential(
        key_id=key.id,
        api_key=key.key,
        name=key.name,
        secret=_open(session, key),
        passphrase_digest=key.passphrase_digest,
        scopes=frozenset(key.scopes),
        networks=tuple(ipaddress.ip_network(text) for text in key.ip_allowlist),
        revoked=key.revoked_at is not None,
        expires_at=key.expires_at,
        institution_id=institution.id,
        institution_number=institution.number,
        institution_status=institution.status,
        areas=frozenset(institution.areas),
        locale=institution.locale,
        last_used_at=key.last_used_at,
        calls_per_second=int(parameters.get(session, "partner_calls")["per_second"]),
    )
    memory = context(session).cache.setdefault("partner_keys", {})
    if len(memory) >= MOST_REMEMBERED:
        memory.clear()
    memory[api_key] = (time.monotonic() + SECONDS_REMEMBERED, found)
    return found


def _open(session: Session, key: ApiKey) -> bytes:
    try:
        return context(session).vault.open(key.secret_sealed, "api key")
    except VaultError as error:
        raise Refusal("secret_unreadable") from error


def check_passphrase(session_context: Any, credential: Credential, given: str | None) -> None:
    """Raises Refusal `passphrase_wrong` when the key has one and another (or none) was given."""
    if credential.passphrase_digest is None:
        return
    digest = session_context.vault.index(given or "", _PASSPHRASE)
    if not secrets.compare_digest(digest, credential.passphrase_digest):
        raise Refusal("passphrase_wrong", field="Access-Passphrase")


_PASSPHRASE = "partner passphrase"

_SPEND = "INSERT INTO spent_nonces (key, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING"
_map_lock = threading.Lock()


def spend(database: Database, signature: str, now_ms: int, *, changes: bool) -> None:
    """Uses a signature up, at once and for every process. Raises Refusal `signature_replayed` when it was used before.

    Not in the call's own transaction: a call that is refused has used its signature up too. A call that `changes`
    anything spends it in the database. A read spends it in the machine's map; where several
    machines serve (they share a Redis), and for what finds no room in the map, the database keeps it too.
    """
    expires_ms = now_ms + SPENT_FOR_MS
    if not changes:
        fresh = _spend_here(database, signature, now_ms, expires_ms)
        if fresh is not None:
            if not fresh:
                raise Refusal("signature_replayed", field="Authorization")
            return
    if not database.jot(_SPEND, f"partner:{signature}", datetime.fromtimestamp(expires_ms / 1000, UTC)):
        raise Refusal("signature_replayed", field="Authorization")


def _spend_here(database: Database, signature: str, now_ms: int, expires_ms: int) -> bool | None:
    found = database.context
    assert found is not None
    if "redis" in found.settings.rate_limit_storage:
        return None
    spent: SpentMap | None = found.cache.get("spent_map")
    if spent is None:
        with _map_lock:
            spent = found.cache.setdefault("spent_map", SpentMap(found.settings.instance / "spent.map"))
    return spent.spend(base64.b64decode(signature), now_ms, expires_ms)


def note_use(session: Session, key_id: int) -> None:
    """Notes that a key was used, at most every USED_EVERY."""
    moment = now(session)
    session.execute(
        sa.update(ApiKey)
        .where(ApiKey.id == key_id, sa.or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < moment - USED_EVERY))
        .values(last_used_at=moment)
    )


def forget(session: Session, api_key: str) -> None:
    """Drops what this process remembers of a key once its change is committed."""
    after_commit(session, lambda: drop(context(session).cache, api_key))


def drop(cache: dict[str, Any], api_key: str) -> None:
    """The same, for a caller without a session."""
    cache.get("partner_keys", {}).pop(api_key, None)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made, with the secret that is never shown again."""

    key: ApiKey
    secret: str


def create(
    session: Session,
    institution_id: int,
    name: str,
    scopes: list[str],
    ip_allowlist: list[str],
    passphrase: str | None,
    actor: str,
    *,
    api_key: str | None = None,
    secret: str | None = None,
) -> NewKey:
    """Makes a key. Raises Refusal `input_missing`, `input_invalid` or `too_many_keys`; key and secret may be given for demos."""
    name = name.strip()
    if not name:
        raise Refusal("input_missing", field="name")
    if len(name) > 64:
        raise Refusal("input_invalid", field="name")
    if not scopes or not set(scopes) <= set(AREAS):
        raise Refusal("input_invalid", field="scopes")
    if passphrase is not None and not (
        8 <= len(passphrase) <= 64 and passphrase.isascii() and passphrase.isprintable()
    ):
        raise Refusal("input_invalid", field="passphrase")
    if len(listed(session, institution_id, active_only=True)) >= MOST_KEYS:
        raise Refusal("too_many_keys")
    vault = context(session).vault
    secret = secret or secrets.token_urlsafe(36)
    made = ApiKey(
        key=api_key or f"nk{secrets.token_hex(15)}",
        owner_kind="institution",
        owner_id=institution_id,
        name=name,
        secret_sealed=vault.seal_text(secret, "api key"),
        passphrase_digest=vault.index(passphrase, _PASSPHRASE) if passphrase is not None else None,
        scopes=sorted(set(scopes)),
        ip_allowlist=networks(ip_allowlist),
        created_at=now(session),
    )
    session.add(made)
    session.flush()
    _audit(session, actor, "partner_key.created", made)
    return NewKey(made, secret)


def networks(texts: list[str]) -> list[str]:
    """Addresses and networks in one form each. Raises Refusal `input_invalid`."""
    try:
        found = [str(ipaddress.ip_network(text.strip(), strict=False)) for text in texts if text.strip()]
    except ValueError as error:
        raise Refusal("input_invalid", field="ip_allowlist") from error
    if len(found) > 50:
        raise Refusal("input_invalid", field="ip_allowlist")
    return sorted(set(found))


def rotate(session: Session, institution_id: int, key_id: int, overlap: timedelta, actor: str) -> NewKey:
    """Makes a key like an old one, which stays good for `overlap` (at most 30 days). Refusals as `create`, and `not_found`."""
    old = get(session, institution_id, key_id)
    if not timedelta(0) <= overlap <= timedelta(days=30):
        raise Refusal("input_invalid", field="overlap")
    if old.revoked_at is not None:
        raise Refusal("state_conflict")
    made = create(session, institution_id, old.name, list(old.scopes), list(old.ip_allowlist), None, actor)
    made.key.passphrase_digest = old.passphrase_digest
    ends = now(session) + overlap
    old.expires_at = ends if old.expires_at is None else min(old.expires_at, ends)
    session.flush()
    forget(session, old.key)
    _audit(session, actor, "partner_key.rotated", old)
    return made


def change(
    session: Session, institution_id: int, key_id: int, scopes: list[str], ip_allowlist: list[str], actor: str
) -> ApiKey:
    """Changes what a key may do and from where. Raises Refusal `not_found` or `input_invalid`."""
    key = get(session, institution_id, key_id)
    if not scopes or not set(scopes) <= set(AREAS):
        raise Refusal("input_invalid", field="scopes")
    key.scopes, key.ip_allowlist = sorted(set(scopes)), networks(ip_allowlist)
    session.flush()
    forget(session, key.key)
    _audit(session, actor, "partner_key.changed", key)
    return key


def revoke(session: Session, institution_id: int, key_id: int, actor: str) -> ApiKey:
    """Ends a key at once. Raises Refusal `not_found`, or `state_conflict` when it was revoked before."""
    key = get(session, institution_id, key_id)
    ended = session.execute(
        sa.update(ApiKey).where(ApiKey.id == key.id, ApiKey.revoked_at.is_(None)).values(revoked_at=now(session))
    )
    if affected(ended) != 1:
        raise Refusal("state_conflict")
    forget(session, key.key)
    _audit(session, actor, "partner_key.revoked", key)
    return key


def get(session: Session, institution_id: int, key_id: int) -> ApiKey:
    """A key of an institution. Raises Refusal `not_found`, alike for a foreign one."""
    found = session.scalar(
        sa.select(ApiKey).where(
            ApiKey.id == key_id, ApiKey.owner_kind == "institution", ApiKey.owner_id == institution_id
        )
    )
    if found is None:
        raise Refusal("not_found")
    return found


def listed(session: Session, institution_id: int, *, active_only: bool = False) -> list[ApiKey]:
    """The institution's keys, newest first."""
    query = sa.select(ApiKey).where(ApiKey.owner_kind == "institution", ApiKey.owner_id == institution_id)
    if active_only:
        alive = sa.or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now(session))
        query = query.where(ApiKey.revoked_at.is_(None), alive)
    return list(session.scalars(query.order_by(ApiKey.id.desc())))


def _audit(session: Session, actor: str, action: str, key: ApiKey) -> None:
    details = {"scopes": list(key.scopes), "ip_allowlist": list(key.ip_allowlist), "name": key.name}
    audit.write(session, actor, action, f"api_key:{key.id}", details=details)
