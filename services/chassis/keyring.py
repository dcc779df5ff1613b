"""Keys of one service: authenticated encryption of what is kept, keyed digests for what must be found again.

An envelope: values are sealed by data keys, which lie in the database (`data_keys`) wrapped by the key-encryption keys of
the key file. Sealing and opening are synchronous and touch memory only.

A plain hash of an identity number is no protection, there are too few numbers (privacy.md V-55); every digest here is
keyed, with one derived key per purpose.
"""

import hashlib
import hmac
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256, SM3
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.chassis.key_file import Digest, KeyFile, KeyFileError, KeySet, decode, make_key, make_key_file, parse, read_secret
from services.chassis.sealing import Key, KeyKind, Suite, UnknownKeyError, head_of

__all__ = ["KeyFileError", "KeySet", "Keyring", "make_key", "make_key_file"]


class Keyring:
    """The keys of one service. `suite` is that of keys made from now on; every key works in its own."""

    def __init__(self, content: str, suite: Suite = Suite.AES_256_GCM) -> None:
        self.suite = suite
        self._path: Path | None = None
        self._seen = content
        self._data: dict[bytes, Key] = {}
        self._current: Key | None = None
        self._use(parse(content))

    @classmethod
    def load(cls, path: Path, suite: Suite = Suite.AES_256_GCM) -> "Keyring":
        """Read the key file; raises `KeyFileError` for one that others may read or write. Data keys come from `data_keys`."""
        keyring = cls(read_secret(path), suite)
        keyring._path = path
        return keyring

    def read_again(self) -> bool:
        """Take over a key file that was changed since; whether it was. Raises `KeyFileError`, and goes on with the old one."""
        if self._path is None or (content := read_secret(self._path)) == self._seen:
            return False
        self._use(parse(content))
        self._seen = content
        return True

    def _use(self, file: KeyFile) -> None:
        secrets = {name: decode(secret) for name, secret in file.wrapping.keys.items()}
        keks = [_kek(suite, name, secret) for name, secret in secrets.items() for suite in Suite]
        self._keks = {key.head: key for key in keks}
        current = file.wrapping.current
        self._kek = next(key for key in keks if key.suite is self.suite and key.key_id == current.encode())
        first_form = file.data.keys if file.data else {}
        old = [Key(KeyKind.SERVICE, Suite.AES_256_GCM, name.encode(), decode(key)) for name, key in first_form.items()]
        self._data = {key.head: key for key in old} | self._data
        self._index, self._digest = decode(file.index.key), file.index.digest
        self._begun: dict[str, HMAC] = {}
        self._cursor = decode(file.cursor)
        tokens = file.document_token
        newest_first = sorted(tokens.keys.items(), key=lambda item: item[0] != tokens.current) if tokens else ()
        self._tokens = {name: HMAC(decode(key), SHA256()) for name, key in newest_first}

    def use_data_keys(self, keys: Iterable[tuple[str, Suite, bytes]], current: str) -> None:
        """Add data keys (id, suite, material) and seal with `current` from now on. Keys at hand are never dropped."""
        added = [Key(KeyKind.SERVICE, suite, key_id.encode(), material) for key_id, suite, material in keys]
        self._data = self._data | {key.head: key for key in added}
        self._current = next(key for key in self._data.values() if key.key_id == current.encode())

    @property
    def known(self) -> set[str]:
        """Ids of the data keys at hand."""
        return {key.key_id.decode() for key in self._data.values()}

    @property
    def token_keys(self) -> tuple[str, ...]:
        """Ids of the document token keys at hand, the newest first."""
        return tuple(self._tokens)

    @property
    def current(self) -> Key:
        """The data key that seals; raises `RuntimeError` before the first one is there."""
        if self._current is None:
            raise RuntimeError("the keyring has no data key yet")
        return self._current

    @property
    def kek(self) -> Key:
        """The key-encryption key in use for what is wrapped from now on."""
        return self._kek

    @property
    def kek_id(self) -> str:
        """Its id."""
        return self._kek.key_id.decode()

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """Encrypt; `context` (`table|column|row id`) is authenticated, so a value moved elsewhere does not open."""
        return self.current.seal(plaintext, context)

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt; raises `ValueError` when the value was altered or moved, `UnknownKeyError` when the key is not at hand."""
        if (key := self._data.get(head_of(sealed))) is None:
            raise UnknownKeyError("unknown key of a sealed value")
        return key.open(sealed, context)

    def wrap(self, material: bytes, context: str) -> bytes:
        """Seal a key for keeping in the database."""
        return self._kek.seal(material, context)

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """The key `wrap` sealed; raises like `open`. A key-encryption key we do not know may be new in the file."""
        head = head_of(wrapped)
        if head not in self._keks:
            self.read_again()
        if (key := self._keks.get(head)) is None:
            raise UnknownKeyError("unknown key-encryption key")
        return key.open(wrapped, context)

    def blind_index(self, column: str, value: str) -> bytes:
        """A keyed digest (32 bytes) for equality search on an encrypted column, with its own key per column."""
        return self._mac(f"index|{column}", value.encode())

    def fingerprint(self, *parts: bytes) -> bytes:
        """A keyed digest (32 bytes) of a request, to tell whether it is the same again."""
        return self._mac("fingerprint", b"".join(len(part).to_bytes(8) + part for part in parts))

    def _mac(self, purpose: str, message: bytes) -> bytes:
        if (begun := self._begun.get(purpose)) is None:
            begun = self._begun[purpose] = self._begin(purpose)
        return _completed(begun, message)

    def _begin(self, purpose: str) -> HMAC:
        if self._digest is Digest.HMAC_SHA256:
            return HMAC(derive(self._index, purpose, Suite.AES_256_GCM), SHA256())
        return HMAC(derive(self._index, purpose, Suite.SM4_GCM, 32), SM3())

    def sign_cursor(self, content: bytes) -> bytes:
        """A 16-byte authenticator of a page cursor."""
        return hmac.digest(self._cursor, content, hashlib.sha256)[:16]

    def document_tokens(self, document_type: str, normalised_number: str) -> dict[str, str]:
        """The suite-wide tokens of an identity document by key id (hex), newest key first (architecture §1)."""
        message = f"{document_type}|{normalised_number}".encode()
        return {name: _completed(begun, message).hex() for name, begun in self._tokens.items()}


def _completed(begun: HMAC, message: bytes) -> bytes:
    """The digest of a message under a key whose own half of the work is done once: that is most of it for short messages."""
    mac = begun.copy()
    mac.update(message)
    return mac.finalize()


def _kek(suite: Suite, name: str, secret: bytes) -> Key:
    """A secret of the file as key-encryption key of a suite. Derived, because in the first form it sealed values as well."""
    return Key(KeyKind.ENCRYPTION, suite, name.encode(), derive(secret, "key encryption", suite))


@lru_cache(maxsize=256)
def derive(secret: bytes, purpose: str, suite: Suite, length: int = 0) -> bytes:
    """A key for one purpose, by the hash that belongs to the suite; as long as the suite's keys unless `length` says."""
    algorithm = SHA256() if suite is Suite.AES_256_GCM else SM3()
    return HKDF(algorithm=algorithm, length=length or suite.key_bytes, salt=None, info=purpose.encode()).derive(secret)
