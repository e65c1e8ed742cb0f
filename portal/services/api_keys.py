"""Keys of customers' programs: signed calls on the brokerage family's session routes (btse-api, btse-nonce, btse-sign).

The signature is the lower-case hex of HMAC-SHA384 over path, nonce and body as sent (contract: auth.btse_api_key). A nonce is
the time in milliseconds, within five minutes of the portal's, and serves once.
"""

import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.clock import to_ms
from portal.db import affected, context, insert_if_absent, now
from portal.errors import N_, Refusal, declare
from portal.models.customers import Customer
from portal.models.security import ApiKey, SpentNonce
from portal.services import audit, notifications
from portal.services.notifications import Event
from portal.services.sessions import FULL, SignedIn

SCOPES: dict[str, str] = {
    "read": N_("Read balances, history and addresses"),
    "trade": N_("Trade and convert"),
    "withdraw": N_("Withdraw and send"),
}

FRESH = timedelta(minutes=5)
MOST_KEYS = 20
MOST_NETWORKS = 20
_PURPOSE = "api key"
_NONCE = re.compile(r"[0-9]{13}", re.ASCII)
_SHUT = ("blocked", "deleted", "suspended", "locked")
_USED_EVERY = timedelta(minutes=1)

declare(
    {
        "api_key_refused": N_("The signature, the key or the nonce is not right."),
        "api_key_scope": N_("This key may not do that, or not from this network address."),
        "api_key_name_missing": N_("Give the key a name of up to 40 characters."),
        "api_key_scopes_missing": N_("Choose what the key may do."),
        "api_key_networks_invalid": N_("Enter network addresses such as 203.0.113.7 or 203.0.113.0/24, one per line."),
        "api_keys_too_many": N_("You have as many keys as an account may have. Please end one first."),
    }
)

notifications.declare(
    {
        "api_key_created": Event(
            "security",
            N_("An API key was created"),
            N_("%(name)s may now act for you. Was this not you? End the key and change your password now."),
            icon="key-round",
        )
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made; the secret is shown this once."""

    id: int
    key: str
    secret: str


@dataclass(frozen=True, slots=True)
class KeyCaller(SignedIn):
    """A customer's program: like a signed-in customer, with the scopes of its key."""

    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What arrived: the three headers, the path and body as sent, and where from."""

    key: str
    nonce: str
    signature: str
    path: str
    body: bytes
    ip: str


def canonical_text(path: str, nonce: str, body: bytes) -> bytes:
    """What is signed: path, nonce and body, with nothing between them."""
    return path.encode() + nonce.encode() + body


def sign(secret: str, text: bytes) -> str:
    """The signature of a canonical text."""
    return hmac.new(secret.encode(), text, hashlib.sha384).hexdigest()


def create(
    session: Session, customer_id: int, name: str, scopes: Sequence[str], networks: Sequence[str] = ()
) -> NewKey:
    """Makes a key; the door has asked for the second factor. `networks` are addresses or ranges, none means any.

    Raises Refusal `api_key_name_missing`, `api_key_scopes_missing`, `api_key_networks_invalid`, `api_keys_too_many`.
    """
    shown = " ".join(name.split())
    if not 0 < len(shown) <= 40 or not shown.isprintable():
        raise Refusal("api_key_name_missing", field="name")
    if not scopes or set(scopes) - set(SCOPES):
        raise Refusal("api_key_scopes_missing", field="scopes")
    allowed = _networks(networks)
    session.scalar(sa.select(Customer.id).where(Customer.id == customer_id).with_for_update())
    if len(live(session, customer_id)) >= MOST_KEYS:
        raise Refusal("api_keys_too_many")
    key, secret = secrets.token_hex(16), secrets.token_hex(32)
    made = ApiKey(
        key=key,
        owner_kind="customer",
        owner_id=customer_id,
        name=shown,
        secret_sealed=context(session).vault.seal_text(secret, _PURPOSE),
        scopes=[scope for scope in SCOPES if scope in scopes],
        ip_allowlist=allowed,
        created_at=now(session),
    )
    session.add(made)
    session.flush()
    audit.write(
        session, f"customer:{customer_id}", "api_key.create", f"api_key:{made.id}",
        details={"scopes": made.scopes, "networks": allowed},
    )  # fmt: skip
    notifications.tell(session, customer_id, "api_key_created", {"name": shown}, "/security/api-keys")
    return NewKey(made.id, key, secret)


def live(session: Session, customer_id: int) -> list[ApiKey]:
    """A customer's keys that have not ended, newest first."""
    query = sa.select(ApiKey).where(
        ApiKey.owner_kind == "customer", ApiKey.owner_id == customer_id, ApiKey.revoked_at.is_(None)
    )
    return list(session.scalars(query.order_by(ApiKey.id.desc())))


def revoke(session: Session, customer_id: int, key_id: int) -> None:
    """Ends a key at once. Raises Refusal `not_found`, for a foreign one alike."""
    ended = session.execute(_ending(session, customer_id).where(ApiKey.id == key_id))
    if affected(ended) != 1:
        raise Refusal("not_found")
    audit.write(session, f"customer:{customer_id}", "api_key.revoke", f"api_key:{key_id}")


def revoke_all(session: Session, customer_id: int) -> int:
    """Ends all keys of a customer; how many."""
    return affected(session.execute(_ending(session, customer_id)))


def load(session: Session, key: str) -> tuple[ApiKey, Customer, str] | None:
    """A live key with its customer and its secret; None for one that is unknown or ended."""
    row = session.execute(
        sa.select(ApiKey, Customer)
        .join(Customer, Customer.id == ApiKey.owner_id)
        .where(ApiKey.key == key, ApiKey.owner_kind == "customer", ApiKey.revoked_at.is_(None))
    ).first()
    if row is None:
        return None
    found, customer = row
    return found, customer, context(session).vault.open_text(found.secret_sealed, _PURPOSE)


def authenticate(session: Session, sent: SignedRequest) -> KeyCaller:
    """Who signed the request; its nonce is spent with it. Run it in a transaction of its own, before the call.

    Raises Refusal `api_key_refused` for an unknown key, a wrong signature, a stale or spent nonce, and `api_key_scope` from
    a network address that is not on the key's list.
    """
    found = load(session, sent.key) if len(sent.key) == 32 else None
    text = canonical_text(sent.path, sent.nonce, sent.body)
    expected = sign(found[2] if found else "nobody", text)
    right = hmac.compare_digest(expected.encode(), sent.signature.encode())
    if found is None or not right or not _is_fresh(session, sent.nonce):
        raise Refusal("api_key_refused")
    key, customer, _ = found
    if customer.standing in _SHUT:
        raise Refusal("api_key_refused")
    if not _admits(key.ip_allowlist, sent.ip):
        raise Refusal("api_key_scope")
    moment = now(session)
    spent = {"key": f"customer-key:{key.id}:{sent.nonce}", "expires_at": moment + 3 * FRESH}
    if not insert_if_absent(session, SpentNonce.__table__, spent):
        raise Refusal("api_key_refused")
    session.execute(
        sa.update(ApiKey)
        .where(ApiKey.id == key.id, sa.or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < moment - _USED_EVERY))
        .values(last_used_at=moment)
    )
    return KeyCaller(
        session_id=0,
        session_public_id="",
        customer_id=customer.id,
        scope=FULL,
        standing=customer.standing,
        kyc_level=customer.kyc_level,
        display_name=customer.display_name,
        locale=customer.locale,
        theme=customer.theme,
        price_colours=customer.price_colours,
        is_vip=customer.is_vip,
        reauthenticated_at=None,
        scopes=frozenset(key.scopes),
    )


def _is_fresh(session: Session, nonce: str) -> bool:
    if not _NONCE.fullmatch(nonce):
        return False
    return abs(int(nonce) - to_ms(now(session))) <= FRESH.total_seconds() * 1000


def _ending(session: Session, customer_id: int) -> sa.Update:
    return (
        sa.update(ApiKey)
        .where(ApiKey.owner_kind == "customer", ApiKey.owner_id == customer_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=now(session))
        .execution_options(synchronize_session=False)
    )


def _networks(texts: Sequence[str]) -> list[str]:
    wanted = [text.strip() for text in texts if text.strip()]
    if len(wanted) > MOST_NETWORKS:
        raise Refusal("api_key_networks_invalid", field="networks")
    try:
        return sorted({str(ipaddress.ip_network(text, strict=False)) for text in wanted})
    except ValueError as error:
        raise Refusal("api_key_networks_invalid", field="networks") from error


def _admits(allowed: Sequence[str], ip: str) -> bool:
    if not allowed:
        return True
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(text) for text in allowed)
