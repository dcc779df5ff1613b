"""Tokens made with the suite's real keys, so that a test can get exactly one thing wrong."""

import base64
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

from joserfc.jwk import ECKey, Key

from gateway.auth import ACCESS_TYPE
from services.chassis.auth import ISSUER as INSIDE_ISSUER
from services.chassis.auth import TOKEN_TYPE as INSIDE_TYPE
from tests.gateway.signing import signed
from tests.hostile.people import PURPOSE, TOWN, City
from tests.journeys.suite import Office

STRANGER = ECKey.generate_key("P-256", auto_kid=True)


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a token, unverified."""
    payload = token.split(".")[1]
    content: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return content


@dataclass(frozen=True, slots=True)
class Forge:
    """The suite's private keys, and a good client to speak for."""

    access: ECKey
    inside: ECKey
    good: dict[str, Any]

    @classmethod
    def of(cls, city: City, office: Office) -> "Forge":
        """The keys of a running suite."""
        keys = city.suite.data_dir / "keys"
        access, inside = (ECKey.import_key(json.loads((keys / f"gateway-{name}.jwk.json").read_text())) for name in _KEYS)
        return cls(access, inside, claims_of(office.token()))

    def access_token(self, *, header: dict[str, Any] | None = None, key: Key | None = None, **claims: Any) -> str:
        """An access token as the gateway issues it, but for what is overridden; `None` leaves a member out."""
        now = int(time.time())
        content = {**self.good, "iat": now, "exp": now + 300, "jti": str(uuid.uuid4()), **claims}
        head = {"alg": "ES256", "typ": ACCESS_TYPE, "kid": self.access.kid, **(header or {})}
        return signed(head, content, key or self.access)

    def inside_token(
        self, audience: str, *, header: dict[str, Any] | None = None, key: Key | None = None, **claims: Any
    ) -> str:
        """What the gateway tells a service, but for what is overridden."""
        now = int(time.time())
        content = {
            "iss": INSIDE_ISSUER,
            "aud": audience,
            "sub": self.good["client_id"],
            "org": "hostile",
            "div": TOWN,
            "scp": self.good["scope"].split(" "),
            "act": "officer-0017",
            "pur": PURPOSE,
            "iat": now,
            "exp": now + 60,
            **claims,
        }
        head = {"alg": "ES256", "typ": INSIDE_TYPE, "kid": self.inside.kid, **(header or {})}
        return signed(head, content, key or self.inside)


_KEYS = ("access", "inside")
