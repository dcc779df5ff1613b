"""The gateway's inside token: who calls, in what capacity. No other header is believed."""

import hashlib
import json
import logging
import time
from collections import OrderedDict
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from services.chassis.errors import DomainError
from services.chassis.principal import Principal

logger = logging.getLogger(__name__)

ISSUER = "xinshimin-gateway"
TOKEN_TYPE = "inside+jwt"  # noqa: S105 - a media type
ALGORITHM = "ES256"
_CACHE_SIZE = 4096
_CLOCK_SKEW_S = 5
_LONGEST_LIFE_S = 60  # decision 0001
_LOOK_AGAIN_S = 1.0


class InsideTokens:
    """Verifies inside tokens addressed to one service; verdicts are cached until they expire.

    Algorithm, type, issuer and audience are fixed here and never taken from the token (RFC 8725). The key file is read again
    when it has changed, so the gateway's key is replaced without a restart: first here, then there.
    """

    def __init__(self, jwks_file: "JwksFile", audience: str) -> None:
        self._jwks_file = jwks_file
        self._cache: OrderedDict[bytes, tuple[float, Principal]] = OrderedDict()
        self._claims = jwt.JWTClaimsRegistry(
            leeway=_CLOCK_SKEW_S,
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": audience},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )

    @classmethod
    def load(cls, path: Path, audience: str) -> "InsideTokens":
        """Read the public keys (JWKS) of the gateway. Raises `OSError` or `ValueError` when there are none to read."""
        return cls(JwksFile(path), audience)

    def principal(self, authorization: str | None) -> Principal:
        """The caller; raises `DomainError('unauthenticated')` for anything but a valid token of our gateway."""
        if not authorization or not authorization.startswith("Bearer ") or len(authorization) > 8192:
            raise DomainError("unauthenticated")
        digest = hashlib.sha256(authorization.encode("latin-1", "replace")).digest()
        cached = self._cache.get(digest)
        if cached is not None and cached[0] > time.time():
            return cached[1]
        expiry, principal = self._verify(authorization[7:])
        self._cache[digest] = (expiry, principal)
        if len(self._cache) > _CACHE_SIZE:
            self._cache.popitem(last=False)
        return principal

    def _verify(self, token: str) -> tuple[float, Principal]:
        try:
            decoded = jwt.decode(token, self._jwks_file.keys(), algorithms=[ALGORITHM])
            if decoded.header.get("typ") != TOKEN_TYPE or not decoded.header.get("kid"):
                raise DomainError("unauthenticated")
            claims = decoded.claims
            self._claims.validate(claims)
            expiry = float(claims["exp"])
            if expiry - float(claims["iat"]) > _LONGEST_LIFE_S:
                raise DomainError("unauthenticated")
            return expiry, Principal(
                client_id=_text(claims["sub"]),
                organisation=_text(claims["org"]),
                division_code=_text(claims["div"], may_be_empty=True),  # the gateway's own calls stand above all divisions
                scopes=_texts(claims["scp"]),
                actor=_text(claims["act"]) if claims.get("act") is not None else None,
                purpose=_text(claims["pur"]) if claims.get("pur") is not None else None,
            )
        except (JoseError, ValueError, KeyError, TypeError, OverflowError) as error:
            raise DomainError("unauthenticated") from error


class JwksFile:
    """Public keys in a file, looked at again at most once a second. A file that cannot be read leaves the keys as they were."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._looked_at = time.monotonic()
        self._state = self._file_state()
        self._keys = self._read()

    def keys(self) -> KeySet:
        """The keys in force."""
        if time.monotonic() - self._looked_at >= _LOOK_AGAIN_S:
            self._looked_at = time.monotonic()
            try:
                if (state := self._file_state()) != self._state:
                    self._keys, self._state = self._read(), state
                    logger.info("inside keys read again")
            except (OSError, ValueError, KeyError, TypeError, JoseError):
                logger.exception("inside keys cannot be read")
        return self._keys

    def _file_state(self) -> tuple[int, int, int]:
        found = self._path.stat()  # follows links: Kubernetes replaces a mounted secret by turning one
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _read(self) -> KeySet:
        return KeySet.import_key_set(json.loads(self._path.read_text("utf-8")))


def _text(value: object, *, may_be_empty: bool = False) -> str:
    if not isinstance(value, str) or not (value or may_be_empty):
        raise TypeError("claim is not text or empty")
    return value


def _texts(value: object) -> frozenset[str]:
    if not isinstance(value, list):
        raise TypeError("claim is not a list")
    return frozenset(_text(item) for item in value)
