"""Sealed values: authenticated encryption under a named key, in one of two suites.

A sealed value tells everything needed to open it but the key::

    1 byte   whose key it is (`KeyKind`) and the suite (`Suite`)
    1 byte   length of the key's id
    n bytes  the key's id
    12 bytes nonce
    rest     ciphertext and its 16-byte tag

The head and the place the value is kept in (`context`) are authenticated, so that a value moved elsewhere, or dressed up as
another key's, does not open.
"""

from enum import IntEnum
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.chassis.entropy import random_bytes

KEY_ID_BYTES_MAX = 255
_NONCE_BYTES = 12
_TAG_BYTES = 16
_SUITE_BITS = 0x3F


class Suite(IntEnum):
    """Cipher suites by the number they have in a sealed value (privacy.md V-54)."""

    AES_256_GCM = 1
    SM4_GCM = 2

    @classmethod
    def named(cls, name: str) -> "Suite":
        """The suite a setting names: `aes-256-gcm` or `sm4-gcm`."""
        return cls[name.upper().replace("-", "_")]

    @property
    def key_bytes(self) -> int:
        """How long its keys are."""
        return 32 if self is Suite.AES_256_GCM else 16


# Plain numbers: asking an enumeration costs more than opening a value.
_SUITES = frozenset(int(suite) for suite in Suite)


class KeyKind(IntEnum):
    """Whose key sealed a value."""

    SERVICE = 0x00
    ENCRYPTION = 0x40
    PERSON = 0x80


class UnknownKeyError(ValueError):
    """The value was sealed under a key that is not at hand."""


class _Aead(Protocol):
    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes: ...

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes: ...


class _Sm4Gcm:
    """SM4 (GB/T 32907) in GCM with the interface of `AESGCM` (RFC 8998)."""

    def __init__(self, key: bytes) -> None:
        self._algorithm = algorithms.SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        encryptor = Cipher(self._algorithm, modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(associated_data)
        return encryptor.update(data) + encryptor.finalize() + encryptor.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        if len(data) < _TAG_BYTES:
            raise InvalidTag
        decryptor = Cipher(self._algorithm, modes.GCM(nonce, data[-_TAG_BYTES:])).decryptor()
        decryptor.authenticate_additional_data(associated_data)
        return decryptor.update(data[:-_TAG_BYTES]) + decryptor.finalize()


def aead(suite: Suite, key: bytes) -> _Aead:
    """The cipher of a suite; raises `ValueError` when the key has not its length."""
    if len(key) != suite.key_bytes:
        raise ValueError(f"a key of {suite.name} has {suite.key_bytes} bytes")
    return AESGCM(key) if suite is Suite.AES_256_GCM else _Sm4Gcm(key)


def new_key(suite: Suite) -> bytes:
    """Fresh key material."""
    return random_bytes(suite.key_bytes)


class Key:
    """One key ready for use. `head` is what its sealed values begin with."""

    __slots__ = ("_aead", "head", "key_id", "suite")

    def __init__(self, kind: KeyKind, suite: Suite, key_id: bytes, material: bytes) -> None:
        if not 0 < len(key_id) <= KEY_ID_BYTES_MAX:
            raise ValueError("a key's id does not fit the byte that tells its length")
        self.suite = suite
        self.key_id = key_id
        self.head = bytes((int(kind) | int(suite), len(key_id))) + key_id
        self._aead = aead(suite, material)

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """Encrypt for the place named by `context`."""
        nonce = random_bytes(_NONCE_BYTES)
        return self.head + nonce + self._aead.encrypt(nonce, plaintext, self.head + context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt; raises `UnknownKeyError` for another key's value, `ValueError` for one that was altered or moved."""
        end = len(self.head)
        if sealed[:end] != self.head:
            raise UnknownKeyError("the value was sealed under another key")
        try:
            return self._aead.decrypt(
                sealed[end : end + _NONCE_BYTES], sealed[end + _NONCE_BYTES :], self.head + context.encode()
            )
        except (InvalidTag, ValueError) as error:
            raise ValueError("sealed value does not open in this place") from error


def head_of(sealed: bytes) -> bytes:
    """The head of a sealed value, equal to `Key.head` of its key; raises `ValueError` when it has none."""
    if len(sealed) < 2 or sealed[0] & _SUITE_BITS not in _SUITES or len(sealed) < 2 + sealed[1]:
        raise ValueError("unknown suite of a sealed value")
    return sealed[: 2 + sealed[1]]


def is_of(kind: KeyKind, sealed: bytes) -> bool:
    """Whether a key of this kind sealed the value."""
    return head_of(sealed)[0] & ~_SUITE_BITS == int(kind)
