"""Secrets and personal data at rest: AES-256-GCM under rotating keys, and keyed blind indexes to find them by."""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
_KEY_ID_BYTES = 4


class VaultError(RuntimeError):
    """A sealed value cannot be opened: wrong key, wrong purpose, or it was tampered with."""


class Vault:
    """Seals and opens values. The first key seals; all keys open, so keys rotate without a pause.

    A sealed value is: key id (4 bytes), nonce (12 bytes, random), ciphertext and tag. The purpose is bound as
    associated data, so a value sealed for one column cannot be moved into another.
    """

    def __init__(self, keys: tuple[bytes, ...], index_secret: bytes) -> None:
        self._keys = {self._key_id(key): AESGCM(key) for key in keys}
        self._current = self._key_id(keys[0])
        self._index_key = hashlib.blake2b(b"blind index", key=index_secret[:64], digest_size=32).digest()

    @staticmethod
    def _key_id(key: bytes) -> bytes:
        return hashlib.sha256(b"key id" + key).digest()[:_KEY_ID_BYTES]

    def seal(self, value: bytes, purpose: str) -> bytes:
        """Encrypts bytes for one purpose."""
        nonce = os.urandom(_NONCE_BYTES)
        return self._current + nonce + self._keys[self._current].encrypt(nonce, value, purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """Decrypts what `seal` made. Raises VaultError."""
        cipher = self._keys.get(bytes(sealed[:_KEY_ID_BYTES]))
        if cipher is None:
            raise VaultError("sealed under a key that is not configured")
        nonce = bytes(sealed[_KEY_ID_BYTES : _KEY_ID_BYTES + _NONCE_BYTES])
        try:
            return cipher.decrypt(nonce, bytes(sealed[_KEY_ID_BYTES + _NONCE_BYTES :]), purpose.encode())
        except InvalidTag as error:
            raise VaultError("sealed value does not open") from error

    def seal_text(self, value: str, purpose: str) -> bytes:
        """Encrypts text for one purpose."""
        return self.seal(value.encode(), purpose)

    def open_text(self, sealed: bytes, purpose: str) -> str:
        """Decrypts what `seal_text` made. Raises VaultError."""
        return self.open(sealed, purpose).decode()

    def is_current(self, sealed: bytes) -> bool:
        """Whether the value is sealed under the newest key; the rotation command re-seals the others."""
        return bytes(sealed[:_KEY_ID_BYTES]) == self._current

    @property
    def current_key_name(self) -> str:
        """The name (8 hex) of the key that seals now."""
        return self._current.hex()

    @staticmethod
    def key_name(sealed: bytes) -> str:
        """The name of the key a value is sealed under."""
        return bytes(sealed[:_KEY_ID_BYTES]).hex()

    def index(self, value: str, purpose: str) -> str:
        """A keyed digest (64 hex) by which equal values are found without being readable."""
        return hmac.new(self._index_key, f"{purpose}\x00{value}".encode(), hashlib.sha256).hexdigest()
