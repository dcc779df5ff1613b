"""Keys and tokens at the level of cryptography: one algorithm (ES256), one place that signs, one that verifies (RFC 8725)."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from services.chassis.key_file import KeyFileError, read_secret

ALGORITHM = "ES256"
_LONGEST_TOKEN = 8192
_HEADER_MEMBERS = frozenset({"alg", "typ", "kid"})
_LATEST_INSTANT = 1 << 40


class TokenError(Exception):
    """A token that proves nothing; the text says why, in English, without quoting it."""


class SigningKeys:
    """Private keys of one purpose. The first signs, all verify: a key is replaced without refusing what it signed."""

    def __init__(self, keys: list[ECKey]) -> None:
        if not keys:
            raise KeyFileError("the key file holds no key")
        self._current = keys[0]
        self.public: Mapping[str, ECKey] = {_kid(key): key for key in keys}

    @classmethod
    def load(cls, path: Path) -> "SigningKeys":
        """Read a private JWK or JWKS; refuses a file within reach of others, and any key but P-256."""
        content = read_secret(path)
        try:
            parsed = json.loads(content)
            keys = [import_key(entry, private=True) for entry in parsed.get("keys", [parsed])]
        except (ValueError, AttributeError, TypeError, RecursionError) as error:
            # The message may quote key material.
            raise KeyFileError(f"key file {path} holds no private P-256 JWK ({type(error).__name__})") from None
        return cls(keys)

    def sign(self, typ: str, claims: Mapping[str, Any]) -> str:
        """A compact JWS over `claims`."""
        header = {"alg": ALGORITHM, "typ": typ, "kid": _kid(self._current)}
        return jwt.encode(header, dict(claims), self._current, algorithms=[ALGORITHM])

    def jwks(self) -> dict[str, Any]:
        """The public halves, for `/.well-known/jwks.json` and for the file the services read."""
        return {"keys": [public_jwk(key) for key in self.public.values()]}


def make_signing_key() -> str:
    """A fresh private P-256 JWK, as a key file holds it."""
    return json.dumps(ECKey.generate_key("P-256", auto_kid=True).as_dict(private=True), indent=2)


def import_key(jwk: Mapping[str, Any], *, private: bool) -> ECKey:
    """A P-256 key from its JWK; its id is the given `kid` or the RFC 7638 thumbprint. Raises `ValueError` for anything else."""
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256" or ("d" in jwk) is not private:
        raise ValueError(f"not a {'private' if private else 'public'} P-256 JWK")
    kid = jwk.get("kid")
    if kid is not None and (not isinstance(kid, str) or not 1 <= len(kid) <= 128):
        raise ValueError("kid must be a short text")
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", ALGORITHM) != ALGORITHM:
        raise ValueError("the key is not meant for ES256 signatures")
    try:
        members = {name: jwk[name] for name in ("kty", "crv", "x", "y", "d") if name in jwk}
        key = ECKey.import_key(members, {"kid": kid} if kid else None)
        # Reading the point is what proves that it lies on the curve.
        _ = key.public_key
        key.ensure_kid()
    except (JoseError, KeyError, TypeError) as error:
        raise ValueError("malformed P-256 JWK") from error
    return key


def public_jwk(key: ECKey) -> dict[str, str]:
    """The public JWK with `kid`, `use` and `alg`."""
    members = key.as_dict(private=False)
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": str(members["x"]),
        "y": str(members["y"]),
        "kid": _kid(key),
        "use": "sig",
        "alg": ALGORITHM,
    }


def verify(token: str, *, typ: str, keys: Mapping[str, ECKey], kid_needed: bool = True) -> tuple[dict[str, Any], str]:
    """The claims of a token signed by one of `keys`, and that key's id; raises `TokenError`.

    Algorithm, type and keys come from us: a header with any member beyond `alg`, `typ`, `kid` (`jku`, `x5u`, `jwk`, `crit`, …)
    is refused. Without a `kid` the only key is taken, unless `kid_needed`.
    """
    if len(token) > _LONGEST_TOKEN or not token.isascii():
        raise TokenError("too long or not ASCII")
    try:
        header = jws.extract_compact(token.encode()).headers()
        if header.get("alg") != ALGORITHM or header.get("typ") != typ or not _HEADER_MEMBERS.issuperset(header):
            raise TokenError("wrong algorithm, type or header members")
        kid = header.get("kid")
        if kid is None and not kid_needed and len(keys) == 1:
            kid = next(iter(keys))
        if not isinstance(kid, str) or kid not in keys:
            raise TokenError("unknown key")
        return jwt.decode(token, keys[kid], algorithms=[ALGORITHM]).claims, kid
    except (JoseError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise TokenError("malformed or not signed by a known key") from error


def instant(claims: Mapping[str, Any], name: str) -> float | None:
    """A NumericDate claim in seconds, `None` when absent; raises `TokenError` when it is no such number."""
    value = claims.get(name)
    if value is None:
        return None
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 < value < _LATEST_INSTANT:
        raise TokenError(f"{name} is not a date")
    return float(value)


def text(claims: Mapping[str, Any], name: str, *, longest: int = 256) -> str:
    """A text claim that must be there; raises `TokenError`."""
    value = claims.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise TokenError(f"{name} is missing or not a short text")
    return value


def require_audience(claims: Mapping[str, Any], expected: str) -> None:
    """The audience must be `expected` alone, as text or as a list of one (RFC 10070); raises `TokenError`."""
    audience = claims.get("aud")
    if audience not in (expected, [expected]):
        raise TokenError("aud is not us alone")


def _kid(key: ECKey) -> str:
    kid = key.kid
    assert kid is not None
    return kid
