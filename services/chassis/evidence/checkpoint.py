"""Signed tree heads: a compact JWS (Ed25519, RFC 9864) over canonical JSON, so that anybody's JOSE library can check one.

The key file is a private JWK or a JWKS, mode 0600; the first key signs, later ones verify what they signed earlier and need no
private half any more. Public keys are one JWKS per service: which service a key belongs to is told by the file, never by the
signed text (RFC 8725).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from services.chassis.evidence.merkle import DIGEST_BYTES
from services.chassis.key_file import KeyFileError, read_secret
from services.chassis.work import canonical_json

ALGORITHM = "Ed25519"
TYPE = "xinshimin-audit-checkpoint+jws"
_LONGEST = 4096
_HEADER_MEMBERS = frozenset({"alg", "typ", "kid"})
_MEMBERS = frozenset({"chain", "epoch", "previous", "root", "service", "signed_at", "size"})


class CheckpointError(Exception):
    """A signed text that proves nothing; the message says why."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of one service's log: `size` lines, their Merkle root and last chain link, and the checkpoint before."""

    service: str
    epoch: int
    size: int
    root: bytes
    chain: bytes
    previous: bytes | None
    signed_at: datetime

    def payload(self) -> bytes:
        """The signed bytes."""
        content = {
            "chain": self.chain.hex(),
            "epoch": self.epoch,
            "previous": self.previous.hex() if self.previous else None,
            "root": self.root.hex(),
            "service": self.service,
            "signed_at": self.signed_at.isoformat(timespec="microseconds"),
            "size": self.size,
        }
        return canonical_json(content).encode()

    @classmethod
    def from_payload(cls, payload: bytes) -> "Checkpoint":
        """Read signed bytes back; raises `CheckpointError` unless they are exactly what `payload` would make."""
        try:
            content = json.loads(payload)
            if not isinstance(content, dict) or content.keys() != _MEMBERS:
                raise CheckpointError("other members than a checkpoint has")
            found = cls(
                service=content["service"],
                epoch=content["epoch"],
                size=content["size"],
                root=_hash(content["root"]),
                chain=_hash(content["chain"]),
                previous=_hash(content["previous"]) if content["previous"] is not None else None,
                signed_at=datetime.fromisoformat(content["signed_at"]),
            )
            if type(found.size) is not int or type(found.epoch) is not int or found.signed_at.tzinfo is None:
                raise CheckpointError("a member of the wrong type")
            same = found.payload() == payload
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise CheckpointError("not the content of a checkpoint") from error
        if not same or found.size < 1 or found.epoch < 1:
            raise CheckpointError("not in canonical form")
        return found


def _hash(text: str) -> bytes:
    value = bytes.fromhex(text)
    if len(value) != DIGEST_BYTES:
        raise ValueError("not a SHA-256")
    return value


def hash_of(signed: str) -> bytes:
    """The name by which the next checkpoint, and a copy, refer to this one."""
    return sha256(signed.encode()).digest()


class PublicKeys:
    """Who may have signed the checkpoints of one service."""

    def __init__(self, service: str, keys: Mapping[str, OKPKey]) -> None:
        self.service = service
        self._keys = dict(keys)

    @classmethod
    def load(cls, service: str, path: Path) -> "PublicKeys":
        """Read a JWKS file; raises `KeyFileError`."""
        try:
            content = path.read_text("utf-8")
        except OSError as error:
            raise KeyFileError(f"audit key file {path}: {error.strerror}") from error
        except UnicodeDecodeError:
            raise KeyFileError(f"audit key file {path} is not text") from None
        keys = [_imported(jwk, private=False) for jwk in _jwks(path, content)]
        return cls(service, {str(key.kid): key for key in keys})

    def open(self, signed: str) -> Checkpoint:
        """The checkpoint inside `signed`; raises `CheckpointError` unless it is ours and signed by a known key."""
        if len(signed) > _LONGEST or not signed.isascii():
            raise CheckpointError("too long or not ASCII")
        try:
            header = jws.extract_compact(signed.encode()).headers()
            if header.get("alg") != ALGORITHM or header.get("typ") != TYPE or header.keys() != _HEADER_MEMBERS:
                raise CheckpointError("wrong algorithm, type or header members")
            key = self._keys.get(str(header["kid"]))
            if key is None:
                raise CheckpointError(f"signed by a key that {self.service} does not have")
            payload = jws.deserialize_compact(signed, key, algorithms=[ALGORITHM]).payload
        except (JoseError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise CheckpointError("the signature does not fit") from error
        found = Checkpoint.from_payload(payload)
        if found.service != self.service:
            raise CheckpointError("a checkpoint of another service")
        return found

    def jwks(self) -> str:
        """The content of a public key file."""
        return json.dumps({"keys": [_public(key) for key in self._keys.values()]}, indent=2)


class SigningKeys:
    """The audit keys of a running service."""

    def __init__(self, service: str, keys: list[OKPKey]) -> None:
        self._current = keys[0]
        self.public = PublicKeys(service, {str(key.kid): key for key in keys})

    @classmethod
    def load(cls, service: str, path: Path) -> "SigningKeys":
        """Read the key file; raises `KeyFileError` when it is missing, malformed, or others could read or replace it."""
        first, *others = _jwks(path, read_secret(path))
        return cls(service, [_imported(first, private=True), *(_imported(jwk, private="d" in jwk) for jwk in others)])

    def sign(self, checkpoint: Checkpoint) -> str:
        """The compact JWS."""
        header = {"alg": ALGORITHM, "kid": self._current.kid, "typ": TYPE}
        return jws.serialize_compact(header, checkpoint.payload(), self._current, algorithms=[ALGORITHM])


def make_audit_key() -> str:
    """A fresh private Ed25519 JWK, as a key file holds it."""
    return json.dumps(OKPKey.generate_key("Ed25519", auto_kid=True).as_dict(private=True), indent=2)


def _jwks(path: Path, text: str) -> list[Mapping[str, Any]]:
    try:
        content = json.loads(text)
        keys: list[Mapping[str, Any]] = content.get("keys", [content])
        if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) for key in keys):
            raise ValueError("no keys")
    except (ValueError, AttributeError, RecursionError):
        raise KeyFileError(f"audit key file {path} holds no JWK") from None
    return keys


def _imported(jwk: Mapping[str, Any], *, private: bool) -> OKPKey:
    if jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519" or ("d" in jwk) is not private:
        raise KeyFileError(f"an audit key must be a {'private' if private else 'public'} Ed25519 JWK")
    try:
        kid = jwk.get("kid")
        key = OKPKey.import_key(
            {name: str(jwk[name]) for name in ("kty", "crv", "x", "d") if name in jwk}, {"kid": str(kid)} if kid else None
        )
        _ = key.public_key
        key.ensure_kid()
    except (JoseError, KeyError, ValueError, TypeError) as error:
        raise KeyFileError(f"malformed audit key ({type(error).__name__})") from None  # the message may quote it
    return key


def _public(key: OKPKey) -> dict[str, str]:
    members = key.as_dict(private=False)
    return {"kty": "OKP", "crv": "Ed25519", "x": str(members["x"]), "kid": str(key.kid), "use": "sig", "alg": ALGORITHM}
