"""Assertions as a client would sign them, and as an attacker would."""

import base64
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, Key

from tests.gateway.conftest import ISSUER


def encoded(value: Any) -> str:
    """One part of a compact JWS."""
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def signed(header: dict[str, Any], claims: dict[str, Any], key: Key) -> str:
    """A JWS with exactly this header; members given as `None` are left out."""
    header = {name: value for name, value in header.items() if value is not None}
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(header, claims, key, algorithms=[header["alg"]], default_type=None)


@dataclass(slots=True)
class Signer:
    """A client with its private key."""

    client_id: str
    organisation: str = "test-bureau"
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", auto_kid=True))

    def client_assertion(self, *, header: dict[str, Any] | None = None, key: Key | None = None, **claims: Any) -> str:
        """A good client assertion, but for what is overridden; `None` leaves a member out."""
        now = int(time.time())
        content = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": ISSUER,
            "iat": now,
            "exp": now + 120,
            "jti": str(uuid.uuid4()),
            **claims,
        }
        head = {"alg": "ES256", "typ": "client-authentication+jwt", "kid": self.key.kid, **(header or {})}
        return signed(head, content, key or self.key)

    def actor_assertion(self, *, header: dict[str, Any] | None = None, key: Key | None = None, **claims: Any) -> str:
        """A good actor assertion, but for what is overridden."""
        content = {
            "sub": "officer-7",
            "org": self.organisation,
            "aud": ISSUER,
            "iat": int(time.time()),
            "jti": str(uuid.uuid4()),
            **claims,
        }
        head = {"alg": "ES256", "typ": "actor-assertion+jwt", "kid": self.key.kid, **(header or {})}
        return signed(head, content, key or self.key)
