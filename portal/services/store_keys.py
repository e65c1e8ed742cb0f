"""Keys of a store's tills: `Authorization: Bearer <key>.<secret>`, with scopes and, if wanted, network addresses.

The secret is 256 random bits, shown once and sealed at rest; it is compared in constant time.
"""

import ipaddress
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import context, now
from portal.errors import N_, Refusal, declare
from portal.models.security import ApiKey
from portal.models.stores import Store
from portal.services import audit, notifications, store_members
from portal.services.notifications import Event

SCOPES: dict[str, str] = {
    "read": N_("Read payments, refunds and settlements"),
    "charge": N_("Ask for payments and cancel requests"),
    "refund": N_("Refund, signed with a member's PIN"),
    "settle": N_("Ask for settlements, confirmed by an owner's code"),
}

MOST_KEYS, MOST_NETWORKS, MAX_NAME = 20, 20, 40
USED_EVERY = timedelta(minutes=1)
PURPOSE = "api key"

_TOKEN = re.compile(r"(mk_[0-9a-f]{24})\.([0-9A-Za-z_-]{43})", re.ASCII)

declare(
    {
        "store_key_refused": N_("The key is unknown, revoked or has another secret."),
        "store_key_scope": N_("This key may not do that."),
        "store_key_address": N_("This key may not be used from this network address."),
        "store_key_name_missing": N_("Give the key a name of up to 40 characters."),
        "store_key_scopes_missing": N_("Choose what the key may do."),
        "store_key_networks_invalid": N_(
            "Enter network addresses such as 203.0.113.7 or 203.0.113.0/24, one per line."
        ),
        "store_keys_too_many": N_("The store has as many keys as it may have. Revoke one first."),
    }
)

notifications.declare(
    {
        "store_key_created": Event(
            "security",
            N_("A till key was made for %(store)s"),
            N_("%(name)s may now act for the store."),
            icon="key-round",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Till:
    """Who is behind a key. `note_due` says that its use should be noted again; not every reading writes."""

    key_id: int
    name: str
    store: Store
    scopes: frozenset[str]
    note_due: bool

    @property
    def actor(self) -> str:
        """The till as the journal names it."""
        return f"store:{self.store.id}"

    def check(self, scope: str) -> None:
        """Raises Refusal `store_key_scope` when the key lacks a scope."""
        if scope not in self.scopes:
            raise Refusal("store_key_scope")


def create(
    session: Session, store: Store, name: str, scopes: Collection[str], networks: Sequence[str], actor: str
) -> tuple[ApiKey, str]:
    """Makes a key and answers it with the token `<key>.<secret>`, shown this once. All owners are told.

    Raises Refusal `store_key_name_missing`, `store_key_scopes_missing`, `store_key_networks_invalid`,
    `store_keys_too_many`.
    """
    shown = " ".join(name.split())
    if not 0 < len(shown) <= MAX_NAME or not shown.isprintable():
        raise Refusal("store_key_name_missing", field="name")
    if not scopes or set(scopes) - set(SCOPES):
        raise Refusal("store_key_scopes_missing", field="scopes")
    if len(live(session, store.id)) >= MOST_KEYS:
        raise Refusal("store_keys_too_many")
    secret = secrets.token_urlsafe(32)
    made = ApiKey(
        key=f"mk_{secrets.token_hex(12)}",
        owner_kind="store",
        owner_id=store.id,
        name=shown,
        secret_sealed=context(session).vault.seal_text(secret, PURPOSE),
        scopes=sorted(set(scopes)),
        ip_allowlist=_networks(networks),
        created_at=now(session),
    )
    session.add(made)
    session.flush()
    audit.write(
        session, actor, "store.key_create", f"store:{store.id}", details={"key": made.key, "scopes": made.scopes}
    )
    for customer_id in store_members.owners(session, store.id):
        facts = {"store": store.name, "name": shown}
        notifications.tell(session, customer_id, "store_key_created", facts, f"/merchant/{store.public_id}/developers")
    return made, f"{made.key}.{secret}"


def live(session: Session, store_id: int) -> list[ApiKey]:
    """A store's keys in use, oldest first."""
    query = sa.select(ApiKey).where(
        ApiKey.owner_kind == "store", ApiKey.owner_id == store_id, ApiKey.revoked_at.is_(None)
    )
    return list(session.scalars(query.order_by(ApiKey.id)))


def revoke(session: Session, store: Store, key: str, actor: str) -> None:
    """Ends a key at once. Raises Refusal `not_found`, alike for another store's."""
    found = next((one for one in live(session, store.id) if one.key == key), None)
    if found is None:
        raise Refusal("not_found")
    found.revoked_at = now(session)
    audit.write(session, actor, "store.key_revoke", f"store:{store.id}", details={"key": key})


def authenticate(session: Session, token: str, address: str) -> Till:
    """Who a token stands for. Raises Refusal `store_key_refused` or `store_key_address`."""
    parts = _TOKEN.fullmatch(token)
    query = (
        sa.select(ApiKey, Store)
        .join(Store, sa.and_(ApiKey.owner_kind == "store", Store.id == ApiKey.owner_id))
        .where(ApiKey.key == (parts.group(1) if parts else ""), ApiKey.revoked_at.is_(None))
    )
    row = session.execute(query).first()
    if parts is None or row is None:
        raise Refusal("store_key_refused")
    key, store = row
    secret = context(session).vault.open_text(key.secret_sealed, PURPOSE)
    if not secrets.compare_digest(secret.encode(), parts.group(2).encode()):
        raise Refusal("store_key_refused")
    _check_address(key.ip_allowlist, address)
    due = key.last_used_at is None or key.last_used_at <= now(session) - USED_EVERY
    return Till(key.id, key.name, store, frozenset(key.scopes), due)


def note_use(session: Session, key_id: int) -> None:
    """Notes that a key is in use."""
    session.execute(sa.update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=now(session)))


def _check_address(allowed: Sequence[str], address: str) -> None:
    if not allowed:
        return
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        raise Refusal("store_key_address") from None
    plain = getattr(found, "ipv4_mapped", None) or found
    if not any(plain in ipaddress.ip_network(network) for network in allowed):
        raise Refusal("store_key_address")


def _networks(texts: Sequence[str]) -> list[str]:
    wanted = [text.strip() for text in texts if text.strip()]
    if len(wanted) > MOST_NETWORKS:
        raise Refusal("store_key_networks_invalid", field="networks")
    try:
        return [str(ipaddress.ip_network(text, strict=False)) for text in wanted]
    except ValueError:
        raise Refusal("store_key_networks_invalid", field="networks") from None
