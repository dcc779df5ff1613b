"""The key file of one service: the secrets it does not keep in its database.

JSON, mode 0600, owned by the account that reads it, in a folder nobody else may write to::

    {"kek": {"current": "e1", "keys": {"e1": "<base64, 32 bytes>"}},
     "index": {"digest": "hmac-sha256", "key": "<base64>"}, "cursor": "<base64>",
     "document_token": {"current": "d1", "keys": {"d1": "<base64>"}}}

`kek` are the key-encryption keys: data keys and the keys of persons lie wrapped by them in the database. Files of the first
form had `data` instead, keys that sealed values themselves, and a plain `index`; their `data` are read as key-encryption
keys, and still open what they sealed.
"""

import base64
import json
import os
import stat
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from services.chassis.sealing import KEY_ID_BYTES_MAX

SECRET_BYTES = 32


class KeyFileError(Exception):
    """The key file is missing, within reach of others, or malformed; the process must not start."""


class Digest(StrEnum):
    """What keyed digests are made with; a blind index keeps the one it began with (decision 0010)."""

    HMAC_SHA256 = "hmac-sha256"
    HMAC_SM3 = "hmac-sm3"


class KeySet(BaseModel):
    """Versioned keys: new values use `current`, old ones name their own."""

    model_config = ConfigDict(extra="forbid")

    current: str
    keys: dict[str, str] = Field(repr=False)

    @field_validator("keys")
    @classmethod
    def _are_keys(cls, value: dict[str, str]) -> dict[str, str]:
        for name, secret in value.items():
            if not 0 < len(name.encode()) <= KEY_ID_BYTES_MAX:
                raise ValueError("a key's name does not fit the byte that tells its length")
            decode(secret)
        return value

    @model_validator(mode="after")
    def _current_exists(self) -> "KeySet":
        if self.current not in self.keys:
            raise ValueError("`current` names no key")
        return self


class IndexKey(BaseModel):
    """The secret of blind indexes and fingerprints, with the digest they are made by."""

    model_config = ConfigDict(extra="forbid")

    digest: Digest
    key: str = Field(repr=False)


class KeyFile(BaseModel):
    """What the file holds."""

    model_config = ConfigDict(extra="forbid")

    kek: KeySet | None = None
    data: KeySet | None = Field(None, description="Only in files of the first form.")
    index: IndexKey
    cursor: str = Field(repr=False)
    document_token: KeySet | None = None

    @field_validator("index", mode="before")
    @classmethod
    def _first_form(cls, value: object) -> object:
        return {"digest": Digest.HMAC_SHA256, "key": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _has_wrapping_keys(self) -> "KeyFile":
        if self.kek is None and self.data is None:
            raise ValueError("`kek` is missing")
        return self

    @property
    def wrapping(self) -> KeySet:
        """The key-encryption keys."""
        found = self.kek or self.data
        assert found is not None
        return found

    def with_token_key(self, name: str, secret: str) -> "KeyFile":
        """The same file with that document token key as the current one; the others stay. Raises `ValueError`."""
        if self.document_token is None:
            raise ValueError("the file has no document token keys")
        keys = KeySet(current=name, keys={**self.document_token.keys, name: secret})
        return self.model_copy(update={"document_token": keys})

    def with_one_token_key(self) -> "KeyFile":
        """The same file without any document token key but the current one."""
        assert self.document_token is not None
        current = self.document_token.current
        keys = KeySet(current=current, keys={current: self.document_token.keys[current]})
        return self.model_copy(update={"document_token": keys})

    def with_new_kek(self, name: str) -> "KeyFile":
        """The same file with a fresh key-encryption key in use; the others stay for what they wrap."""
        keys = KeySet(current=name, keys={**self.wrapping.keys, name: make_key()})
        return self.model_copy(update={"kek": keys})


def parse(content: str) -> KeyFile:
    """Raises `KeyFileError` for a malformed file, without quoting it: what is quoted here is key material."""
    try:
        file = KeyFile.model_validate_json(content)
        for secret in (file.index.key, file.cursor):
            decode(secret)
    except (ValidationError, ValueError) as error:
        raise KeyFileError(f"malformed key file ({type(error).__name__})") from None
    return file


def read_secret(path: Path) -> str:
    """The text of a file of secrets; raises `KeyFileError` when others could read or replace it."""
    try:
        status, folder = path.stat(), path.resolve().parent.stat()
        content = path.read_text("utf-8")
    except OSError as error:
        raise KeyFileError(f"key file {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise KeyFileError(f"key file {path} is not text") from None
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileError(f"key file {path} is open to others (mode {stat.filemode(status.st_mode)}): chmod 600 it")
    if status.st_uid != os.geteuid():
        raise KeyFileError(f"key file {path} belongs to account {status.st_uid}, not to ours ({os.geteuid()}): chown it")
    if folder.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not folder.st_mode & stat.S_ISVTX:
        raise KeyFileError(f"others may replace key file {path}: chmod go-w its folder ({stat.filemode(folder.st_mode)})")
    return content


def make_key() -> str:
    """A fresh 256-bit key in base64, as the key file holds it."""
    return base64.b64encode(os.urandom(SECRET_BYTES)).decode()


def decode(value: str) -> bytes:
    """The bytes of a key; raises `ValueError`."""
    key = base64.b64decode(value, validate=True)
    if len(key) != SECRET_BYTES:
        raise ValueError(f"a key has {SECRET_BYTES} bytes")
    return key


def make_key_file(document_token: KeySet | None = None, digest: Digest = Digest.HMAC_SHA256) -> str:
    """The content of a fresh key file; `document_token` is shared by all services of a suite."""
    content = {
        "kek": {"current": "e1", "keys": {"e1": make_key()}},
        "index": {"digest": digest.value, "key": make_key()},
        "cursor": make_key(),
        "document_token": document_token.model_dump() if document_token else None,
    }
    return json.dumps(content, indent=2)
