"""JWTs signed by a client: its own authentication (RFC 7523 as updated by RFC 10070) and its word for the officer who acts.

Both say who they are for, live at most five minutes, and are good for one act.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gateway import store
from gateway.directory import ClientRecord
from gateway.keys import TokenError, instant, require_audience, text, verify
from services.chassis.db import Pool, in_transaction
from services.chassis.rows import SERVICE

CLIENT_ASSERTION = "client-authentication+jwt"
ACTOR_ASSERTION = "actor-assertion+jwt"
_LONGEST_LIFE_S = 300
_CLOCK_SKEW_S = 30
_ACTOR = re.compile(r"[!-~]{1,64}")


@dataclass(frozen=True, slots=True)
class Assertion:
    """A verified assertion; `credential` is the id of the key that signed it, `expires_at` when its `jti` may be forgotten."""

    kind: str
    client_id: str
    subject: str
    jti: str
    credential: str
    expires_at: datetime


def is_actor(value: str) -> bool:
    """Whether `value` can name an officer: 1 to 64 printable ASCII characters without spaces."""
    return _ACTOR.fullmatch(value) is not None


def read_client_assertion(token: str, client: ClientRecord, *, issuer: str, now: float) -> Assertion:
    """Verify a client's authentication; raises `TokenError`."""
    claims, credential = _verified(token, client, CLIENT_ASSERTION, issuer)
    if text(claims, "iss") != client.client_id or text(claims, "sub") != client.client_id:
        raise TokenError("iss and sub are not both the client")
    expires = instant(claims, "exp")
    if expires is None:
        raise TokenError("exp is missing")
    _check_times(claims, now)
    return Assertion(CLIENT_ASSERTION, client.client_id, client.client_id, text(claims, "jti"), credential, _when(expires))


def read_actor_assertion(token: str, client: ClientRecord, *, issuer: str, now: float) -> Assertion:
    """Verify a client's word for an officer (architecture §6); raises `TokenError`."""
    claims, credential = _verified(token, client, ACTOR_ASSERTION, issuer)
    if text(claims, "org") != client.organisation:
        raise TokenError("org is not the client's organisation")
    actor = text(claims, "sub", longest=64)
    if not is_actor(actor):
        raise TokenError("sub is not an officer's id")
    if instant(claims, "iat") is None:
        raise TokenError("iat is missing")
    _check_times(claims, now)
    forgotten = now + _LONGEST_LIFE_S + 2 * _CLOCK_SKEW_S
    return Assertion(ACTOR_ASSERTION, client.client_id, actor, text(claims, "jti"), credential, _when(forgotten))


async def use(pool: Pool, assertion: Assertion, act: bytes, *, acquire_timeout_s: float) -> bool:
    """Take the assertion for `act`; false when it already served another act.

    The same act may come again with the same assertion: a retry under its Idempotency-Key has no second effect.
    """
    digest = hashlib.sha256(act).digest()
    return await in_transaction(
        pool,
        lambda tx: store.use_assertion(
            tx,
            client_id=assertion.client_id,
            kind=assertion.kind,
            jti=assertion.jti,
            used_for=digest,
            expires_at=assertion.expires_at,
        ),
        rows=SERVICE,
        acquire_timeout=acquire_timeout_s,
    )


def _verified(token: str, client: ClientRecord, typ: str, issuer: str) -> tuple[dict[str, Any], str]:
    claims, kid = verify(token, typ=typ, keys=client.keys, kid_needed=False)
    require_audience(claims, issuer)
    return claims, client.keys[kid].thumbprint()


def _check_times(claims: dict[str, Any], now: float) -> None:
    """`exp` ahead by at most five minutes; `iat` at most five minutes old; neither `iat` nor `nbf` ahead."""
    expires, issued, not_before = (instant(claims, name) for name in ("exp", "iat", "nbf"))
    if expires is not None and not now < expires <= now + _LONGEST_LIFE_S + _CLOCK_SKEW_S:
        raise TokenError("exp has passed or is too far ahead")
    if issued is not None and not now - _LONGEST_LIFE_S - _CLOCK_SKEW_S <= issued <= now + _CLOCK_SKEW_S:
        raise TokenError("iat is too old or lies ahead")
    if not_before is not None and not_before > now + _CLOCK_SKEW_S:
        raise TokenError("nbf lies ahead")


def _when(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
