"""The seed at rest: one file, encrypted under a passphrase (scrypt, AES-256-GCM). Keys are derived when needed (BIP-32, BIP-44).

Account 0 of each coin is for deposits, and its extended public key is what the portal may know. Account 1 is the hot wallet.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bip_utils import Bip32Slip10Secp256k1, EthAddrEncoder, TrxAddrEncoder
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

#: SLIP-44 numbers of the coins.
COINS = {"ETHEREUM": 60, "TRON": 195}

SEED_BYTES = 64
_SCRYPT = {"n": 2**17, "r": 8, "p": 1}


class KeystoreError(RuntimeError):
    """The keystore cannot be opened; the text says why."""


@dataclass(frozen=True, slots=True)
class Key:
    """One private key and its address."""

    secret: bytes
    address: str


class Keystore:
    """An opened seed. It lives in the signer's memory only."""

    def __init__(self, seed: bytes) -> None:
        self._root: Any = Bip32Slip10Secp256k1.FromSeed(seed)

    def deposit_xpub(self, network: str) -> str:
        """The extended public key deposit addresses are derived from."""
        return str(self._root.DerivePath(f"m/44'/{COINS[network]}'/0'").PublicKey().ToExtended())

    def hot(self, network: str) -> Key:
        """The key that pays withdrawals."""
        return self._key(network, f"m/44'/{COINS[network]}'/1'/0/0")

    def deposit(self, network: str, index: int) -> Key:
        """The key of the deposit address with this number."""
        return self._key(network, f"m/44'/{COINS[network]}'/0'/0/{index}")

    def _key(self, network: str, path: str) -> Key:
        node = self._root.DerivePath(path)
        encoder = TrxAddrEncoder if network == "TRON" else EthAddrEncoder
        address = encoder.EncodeKey(node.PublicKey().KeyObject())
        return Key(node.PrivateKey().Raw().ToBytes(), str(address))


def create(path: Path, passphrase: str, seed: bytes | None = None) -> Keystore:
    """Makes a keystore with a fresh seed (or a given one, to restore). Raises KeystoreError when the file is there."""
    if len(passphrase) < 20:
        raise KeystoreError("the passphrase needs at least 20 characters")
    seed = seed or os.urandom(SEED_BYTES)
    salt, nonce = os.urandom(16), os.urandom(12)
    sealed = AESGCM(_derive(passphrase, salt, _SCRYPT)).encrypt(nonce, seed, b"portal signer")
    content = {"version": 1, **_SCRYPT, "salt": salt.hex(), "nonce": nonce.hex(), "sealed": sealed.hex()}
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise KeystoreError(f"{path} exists; a keystore is never overwritten") from error
    with os.fdopen(handle, "w", encoding="ascii") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    return Keystore(seed)


def unlock(path: Path, passphrase: str) -> Keystore:
    """Opens a keystore. Raises KeystoreError."""
    try:
        content = json.loads(path.read_text(encoding="ascii"))
        key = _derive(passphrase, bytes.fromhex(content["salt"]), content)
        seed = AESGCM(key).decrypt(bytes.fromhex(content["nonce"]), bytes.fromhex(content["sealed"]), b"portal signer")
    except OSError as error:
        raise KeystoreError(f"the keystore cannot be read: {error}") from error
    except InvalidTag as error:
        raise KeystoreError("the passphrase is wrong") from error
    except (ValueError, KeyError, TypeError) as error:
        raise KeystoreError("the keystore is damaged") from error
    return Keystore(seed)


def _derive(passphrase: str, salt: bytes, costs: Any) -> bytes:
    return Scrypt(salt=salt, length=32, n=costs["n"], r=costs["r"], p=costs["p"]).derive(passphrase.encode())
