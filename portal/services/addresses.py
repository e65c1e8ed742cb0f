"""Deposit addresses: derived from an extended public key, one per owner and network; no private key is near.

TRON addresses are base58check over 0x41 and 20 bytes; Ethereum ones carry EIP-55's checksum in their letters. An
account-level key `m/44'/<coin>'/0'` is configured per network; addresses are its children `0/<index>` (BIP-32, BIP-44).
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from portal.db import context, insert_if_absent, now
from portal.errors import N_, Refusal, declare
from portal.models.wallet import AddressCounter, Deposit, DepositAddress
from portal.services import offering
from portal.services.networks import ETHEREUM, TRON

declare({"address_unavailable": N_("No deposit address can be made right now. Please try again later.")})

_TRON_PREFIX = b"\x41"


def to_deposit(session: Session, owner_kind: str, owner_id: int, network: str, assets: Iterable[str]) -> DepositAddress:
    """The owner's address for deposits of these assets, one of which is open at least.

    Raises Refusal `deposits_paused` and those of `for_owner`.
    """
    if not any(offering.is_open(session, offering.DEPOSITS, asset, network) for asset in assets):
        raise Refusal("deposits_paused")
    return for_owner(session, owner_kind, owner_id, network)


def for_owner(session: Session, owner_kind: str, owner_id: int, network: str) -> DepositAddress:
    """The owner's address on a network, made on first use. Raises Refusal `address_unavailable` without a key."""
    found = _of(session, owner_kind, owner_id, network)
    if found is None:
        index = _next_index(session, network)
        row = {
            "owner_kind": owner_kind,
            "owner_id": owner_id,
            "network": network,
            "address": derive(_key(session, network), network, index),
            "derivation_index": index,
            "created_at": now(session),
        }
        insert_if_absent(session, DepositAddress.__table__, row)
        found = _of(session, owner_kind, owner_id, network)
    if found is None:
        raise Refusal("address_unavailable")
    return found


def owner_of(session: Session, network: str, address: str) -> DepositAddress | None:
    """Whose deposit address this is, if it is one of the portal's; the letters' case does not matter on Ethereum."""
    canonical = canonical_form(network, address)
    return owners_of(session, network, [canonical]).get(canonical) if canonical else None


def owners_of(session: Session, network: str, addresses: Iterable[str]) -> dict[str, DepositAddress]:
    """The portal's own among many canonical addresses."""
    wanted = sorted(set(addresses))
    found: dict[str, DepositAddress] = {}
    for start in range(0, len(wanted), 500):
        query = sa.select(DepositAddress).where(
            DepositAddress.network == network, DepositAddress.address.in_(wanted[start : start + 500])
        )
        found |= {row.address: row for row in session.scalars(query)}
    return found


def used(
    session: Session, network: str, asset: str, minimum_units: int, after_id: int, limit: int = 200
) -> list[DepositAddress]:
    """Addresses that ever received at least so much of an asset in all, in order of their numbers."""
    paid = (
        sa.select(Deposit.address)
        .where(Deposit.network == network, Deposit.asset == asset, Deposit.status == "confirmed")
        .group_by(Deposit.address)
        .having(sa.func.sum(Deposit.amount_units) >= minimum_units)
    )
    query = sa.select(DepositAddress).where(
        DepositAddress.network == network, DepositAddress.id > after_id, DepositAddress.address.in_(paid)
    )
    return list(session.scalars(query.order_by(DepositAddress.id).limit(limit)))


def is_valid(network: str, text: str) -> bool:
    """Whether the text is an address of the network with a right checksum."""
    return canonical_form(network, text) is not None


def canonical_form(network: str, text: str) -> str | None:
    """The one spelling of an address; None when it is none, its checksum is wrong, or it is the zero address.

    An Ethereum address in one case only carries no checksum (EIP-55) and is taken as it is.
    """
    if not text.isascii():
        return None
    return _tron_form(text) if network == TRON else _ethereum_form(text) if network == ETHEREUM else None


def derive(extended_key: str, network: str, index: int) -> str:
    """The address `0/<index>` below an account's extended public key."""
    from bip_utils import EthAddrEncoder, TrxAddrEncoder

    public_key = _change(extended_key).ChildKey(index).PublicKey().KeyObject()
    encoder = TrxAddrEncoder if network == TRON else EthAddrEncoder
    return str(encoder.EncodeKey(public_key))


@lru_cache(maxsize=8)
def _change(extended_key: str) -> Any:
    """The account's chain of receiving addresses, `0` (bip-utils is slow to load: only who derives waits for it)."""
    from bip_utils import Bip32Slip10Secp256k1

    return Bip32Slip10Secp256k1.FromExtendedKey(extended_key).ChildKey(0)


def _key(session: Session, network: str) -> str:
    settings = context(session).settings
    key = settings.deposit_xpub_tron if network == TRON else settings.deposit_xpub_ethereum
    if not key:
        raise Refusal("address_unavailable")
    return key


def _of(session: Session, owner_kind: str, owner_id: int, network: str) -> DepositAddress | None:
    query = sa.select(DepositAddress).where(
        DepositAddress.owner_kind == owner_kind,
        DepositAddress.owner_id == owner_id,
        DepositAddress.network == network,
    )
    return session.scalar(query)


def _next_index(session: Session, network: str) -> int:
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    table = AddressCounter.__table__
    row = dialect.insert(table).values(network=network, next_index=1)
    counted = row.on_conflict_do_update(
        index_elements=["network"], set_={"next_index": table.c.next_index + 1}
    ).returning(table.c.next_index)
    return int(session.scalar(counted) or 1) - 1


def _tron_form(text: str) -> str | None:
    if len(text) != 34 or not text.startswith("T"):
        return None
    from bip_utils import Base58ChecksumError, Base58Decoder

    try:
        content = Base58Decoder.CheckDecode(text)
    except (Base58ChecksumError, ValueError):
        return None
    return text if len(content) == 21 and content.startswith(_TRON_PREFIX) and any(content[1:]) else None


def _ethereum_form(text: str) -> str | None:
    letters = text[2:]
    if len(text) != 42 or not text.startswith("0x") or any(sign not in "0123456789abcdefABCDEF" for sign in letters):
        return None
    if set(letters) == {"0"}:
        return None
    right = checksummed(letters)
    return right if text == right or letters in (letters.lower(), letters.upper()) else None


def checksummed(letters: str) -> str:
    """An Ethereum address with EIP-55's checksum, from its 40 hex digits."""
    from bip_utils.utils.crypto import Kekkak256

    low = letters.lower()
    digest = Kekkak256.QuickDigest(low.encode()).hex()
    return "0x" + "".join(
        sign.upper() if int(nibble, 16) > 7 else sign for sign, nibble in zip(low, digest, strict=False)
    )
