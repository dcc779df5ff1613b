"""Keys of one service: authenticated encryption of what is kept, keyed digests for what must be found again.

The key file is JSON, readable by its owner only::

    {"data": {"current": "2026-11", "keys": {"2026-11": "<base64, 32 bytes>"}}, "index": "<base64>", "cursor": "<base64>",
     "document_token": {"current": "d1", "keys": {"d1": "<base64>"}}}

A plain hash of an identity number is no protection, there are too few numbers (privacy.md V-55); every digest here is
keyed, with one derived key per purpose.
"""

import base64
import hashlib
import hmac
import json
import os
import stat
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from services.chassis.sealing import KEY_ID_BYTES_MAX, Key, KeyKind, Suite, UnknownKeyError, head_of


class KeyFileError(Exception):
    """The key file is missing, readable by others, or malformed; the process must not start."""


class KeySet(BaseModel):
    """Versioned keys: new values use `current`, old ones name their own."""

    model_config = ConfigDict(extra="forbid")

    current: str
    keys: dict[str, str] = Field(repr=False)


class _KeyFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    data: KeySet
    index: str = Field(repr=False)
    cursor: str = Field(repr=False)
    document_token: KeySet | None = None

    @field_validator("data", "document_token")
    @classmethod
    def _current_exists(cls, value: KeySet | None) -> KeySet | None:
        if value is not None and value.current not in value.keys:
            raise ValueError("`current` names no key")
        if value is not None and any(len(name.encode()) > KEY_ID_BYTES_MAX for name in value.keys):
            raise ValueError("a key's name is too long for the byte that tells its length")
        return value


def make_key() -> str:
    """A fresh 256-bit key in base64, as the key file holds it."""
    return base64.b64encode(os.urandom(32)).decode()


def _decode(value: str) -> bytes:
    key = base64.b64decode(value, validate=True)
    if len(key) != 32:
        raise ValueError("a key has 32 bytes")
    return key


class Keyring:
    """The keys of one service, loaded once."""

    def __init__(self, content: str) -> None:
        try:
            file = _KeyFile.model_validate_json(content)
            self._data = _keys(KeyKind.SERVICE, file.data.keys)
            self._current = self._data[_head(KeyKind.SERVICE, file.data.current)]
            self._wrapping = _keys(KeyKind.ENCRYPTION, file.data.keys)
            self._wrapping_current = self._wrapping[_head(KeyKind.ENCRYPTION, file.data.current)]
            self._index = _decode(file.index)
            self._cursor = _decode(file.cursor)
            tokens = file.document_token
            self._tokens = {name: _decode(key) for name, key in tokens.keys.items()} if tokens else {}
            self._token_current = tokens.current if tokens else ""
        except (ValidationError, ValueError) as error:
            # The message of a validation error quotes its input, which here is key material.
            raise KeyFileError(f"malformed key file ({type(error).__name__})") from None

    @classmethod
    def load(cls, path: Path) -> "Keyring":
        """Read the key file; refuses one that others may read or write."""
        try:
            mode = path.stat().st_mode
            content = path.read_text("utf-8")
        except OSError as error:
            raise KeyFileError(f"key file {path}: {error.strerror}") from error
        except UnicodeDecodeError:
            raise KeyFileError(f"key file {path} is not text") from None
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise KeyFileError(f"key file {path} can be read by others (mode {stat.filemode(mode)}): chmod 600 it")
        return cls(content)

    @property
    def suite(self) -> Suite:
        """The suite of keys made from now on."""
        return Suite.AES_256_GCM

    @property
    def kek_id(self) -> str:
        """The key-encryption key in use for what is wrapped from now on."""
        return self._wrapping_current.key_id.decode()

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """Encrypt; `context` (`table|column|row id`) is authenticated, so a value moved elsewhere does not open."""
        return self._current.seal(plaintext, context)

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt; raises `ValueError` when the value was altered or moved, `UnknownKeyError` when the key is not at hand."""
        if (key := self._data.get(head_of(sealed))) is None:
            raise UnknownKeyError("unknown key of a sealed value")
        return key.open(sealed, context)

    def wrap(self, material: bytes, context: str) -> bytes:
        """Seal a key for keeping in the database."""
        return self._wrapping_current.seal(material, context)

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """The key `wrap` sealed; raises like `open`."""
        if (key := self._wrapping.get(head_of(wrapped))) is None:
            raise UnknownKeyError("unknown key-encryption key")
        return key.open(wrapped, context)

    def blind_index(self, column: str, value: str) -> bytes:
        """A keyed digest (32 bytes) for equality search on an encrypted column, with its own key per column."""
        return hmac.digest(_derive(self._index, f"index|{column}"), value.encode(), hashlib.sha256)

    def fingerprint(self, *parts: bytes) -> bytes:
        """A keyed digest (32 bytes) of a request, to tell whether it is the same again."""
        mac = hmac.new(_derive(self._index, "fingerprint"), digestmod=hashlib.sha256)
        for part in parts:
            mac.update(len(part).to_bytes(8))
            mac.update(part)
        return mac.digest()

    def sign_cursor(self, content: bytes) -> bytes:
        """A 16-byte authenticator of a page cursor."""
        return hmac.digest(self._cursor, content, hashlib.sha256)[:16]

    def document_tokens(self, document_type: str, normalised_number: str) -> dict[str, str]:
        """The suite-wide tokens of an identity document by key id (hex), newest key first (architecture §1)."""
        message = f"{document_type}|{normalised_number}".encode()
        names = sorted(self._tokens, key=lambda name: name != self._token_current)
        return {name: hmac.new(self._tokens[name], message, hashlib.sha256).hexdigest() for name in names}


def _keys(kind: KeyKind, given: dict[str, str]) -> dict[bytes, Key]:
    """Keys by the head of what they seal. One secret may serve two kinds, so each kind has a derivation of its own."""
    keys = []
    for name, secret in given.items():
        material = _decode(secret)
        if kind is KeyKind.ENCRYPTION:
            material = _derive(material, "key encryption")
        keys.append(Key(kind, Suite.AES_256_GCM, name.encode(), material))
    return {key.head: key for key in keys}


def _head(kind: KeyKind, name: str) -> bytes:
    return bytes((kind | Suite.AES_256_GCM, len(name.encode()))) + name.encode()


@lru_cache(maxsize=64)
def _derive(key: bytes, label: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=label.encode()).derive(key)


def make_key_file(document_token: KeySet | None = None) -> str:
    """The content of a fresh key file; `document_token` is shared by all services of a suite."""
    content = {
        "data": {"current": "k1", "keys": {"k1": make_key()}},
        "index": make_key(),
        "cursor": make_key(),
        "document_token": document_token.model_dump() if document_token else None,
    }
    return json.dumps(content, indent=2)
