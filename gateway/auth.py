"""Who calls, what they may do, and the inside token that says so to the services (decision 0001).

An access token is verified once and remembered by the SHA-256 of its value; its expiry and its client's row are
looked at on every request.
"""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass

from joserfc.jwk import ECKey

from gateway import assertions
from gateway.clients import PURPOSE
from gateway.directory import ClientDirectory, ClientRecord
from gateway.exchange import Exchange
from gateway.keys import SigningKeys, TokenError, instant, require_audience, text, verify
from gateway.routes import SANDBOX_CLOCK_SCOPE, Route
from services.chassis.auth import ISSUER as INSIDE_ISSUER
from services.chassis.auth import TOKEN_TYPE as INSIDE_TYPE
from services.chassis.db import Pool
from services.chassis.errors import DomainError, FieldError

ACCESS_TYPE = "at+jwt"
_MOST_SESSIONS = 10_000
_MOST_INSIDE_TOKENS = 20_000
# Renewed while it still outlives any request that starts with it.
_RENEW_BEFORE_S = 30
_SHORTEST_USE_S = 5


@dataclass(frozen=True, slots=True)
class Session:
    """What a verified access token says; `credential` is what it was obtained with."""

    client_id: str
    credential: str
    scopes: frozenset[str]
    expires_at: float


_GATEWAY_ITSELF = ClientRecord(
    client_id="gateway",
    organisation="gateway",
    division_code="",
    scopes=frozenset({SANDBOX_CLOCK_SCOPE}),
    purposes=frozenset(),
    sandbox=True,
    secrets={},
    keys={},
    credentials=frozenset(),
)


class AccessTokens:
    """Verifies access tokens (RFC 9068) of this gateway."""

    def __init__(self, keys: Mapping[str, ECKey], issuer: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._sessions: dict[bytes, Session] = {}

    def session(self, authorization: bytes | None) -> Session:
        """The session of `Authorization: Bearer …`; raises `DomainError` `unauthenticated` or `token-invalid`."""
        if authorization is None:
            raise DomainError("unauthenticated")
        digest = hashlib.sha256(authorization).digest()
        session = self._sessions.get(digest)
        if session is None:
            session = self._verify(authorization)
            if len(self._sessions) >= _MOST_SESSIONS:
                del self._sessions[next(iter(self._sessions))]
            self._sessions[digest] = session
        if session.expires_at <= time.time():
            self._sessions.pop(digest, None)
            raise DomainError("token-invalid")
        return session

    def _verify(self, authorization: bytes) -> Session:
        if authorization[:7].lower() != b"bearer ":
            raise DomainError("unauthenticated")
        try:
            claims, _ = verify(authorization[7:].decode("ascii"), typ=ACCESS_TYPE, keys=self._keys)
            require_audience(claims, self._issuer)
            expires = instant(claims, "exp")
            if text(claims, "iss") != self._issuer or expires is None or (instant(claims, "nbf") or 0) > time.time():
                raise TokenError("wrong issuer or no exp")
            return Session(
                client_id=text(claims, "client_id"),
                credential=text(claims, "credential"),
                scopes=frozenset(text(claims, "scope", longest=4096).split(" ")),
                expires_at=expires,
            )
        except (TokenError, UnicodeDecodeError) as error:
            raise DomainError("token-invalid") from error


class InsideMint:
    """Signs what the gateway tells the services about a caller, and says the same again while it is fresh.

    What is said depends on the client's row, not on the access token: a changed row is another `ClientRecord`, so nothing said
    of the old one is repeated.
    """

    def __init__(self, keys: SigningKeys, *, life_s: int) -> None:
        self._keys = keys
        self._life_s = life_s
        self._use_s = max(life_s - _RENEW_BEFORE_S, _SHORTEST_USE_S)
        self._said: dict[tuple[str, ClientRecord, frozenset[str], str | None, str | None], tuple[float, str]] = {}

    def bearer(
        self, service: str, client: ClientRecord, scopes: frozenset[str], *, purpose: str | None, actor: str | None
    ) -> str:
        """The `Authorization` value for one service; it holds those of `scopes` that the client still has."""
        key = (service, client, scopes, purpose, actor)
        now = time.time()
        said = self._said.get(key)
        if said is not None and said[0] > now:
            return said[1]
        bearer = f"Bearer {self._keys.sign(INSIDE_TYPE, self._claims(*key))}"
        self._said.pop(key, None)
        if len(self._said) >= _MOST_INSIDE_TOKENS:
            del self._said[next(iter(self._said))]
        self._said[key] = (now + self._use_s, bearer)
        return bearer

    def own_bearer(self, service: str) -> str:
        """The gateway's own call to a service, for the sandbox clock."""
        return self.bearer(service, _GATEWAY_ITSELF, _GATEWAY_ITSELF.scopes, purpose="duty", actor=None)

    def _claims(
        self, service: str, client: ClientRecord, scopes: frozenset[str], purpose: str | None, actor: str | None
    ) -> dict[str, object]:
        now = int(time.time())
        claims: dict[str, object] = {
            "iss": INSIDE_ISSUER,
            "aud": service,
            "sub": client.client_id,
            "org": client.organisation,
            "div": client.division_code,
            "scp": sorted(scopes & client.scopes),
            "iat": now,
            "exp": now + self._life_s,
        }
        if actor is not None:
            claims["act"] = actor
        if purpose is not None:
            claims["pur"] = purpose
        return claims


class Doorkeeper:
    """Decides whether one request may pass, and on whose behalf."""

    def __init__(
        self,
        tokens: AccessTokens,
        directory: ClientDirectory,
        pool: Pool,
        *,
        issuer: str,
        sandbox: bool,
        acquire_timeout_s: float,
    ) -> None:
        self._tokens = tokens
        self._directory = directory
        self._pool = pool
        self._issuer = issuer
        self._sandbox = sandbox
        self._acquire_timeout_s = acquire_timeout_s

    async def authenticate(self, exchange: Exchange) -> tuple[Session, ClientRecord]:
        """The caller; raises `DomainError` when the token is not good or its client or credential has ended."""
        session = self._tokens.session(exchange.headers.get(b"authorization"))
        client = await self._directory.client(session.client_id)
        if client is None or session.credential not in client.credentials:
            raise DomainError("token-invalid")
        exchange.client_id = client.client_id
        return session, client

    @staticmethod
    def require_scope(session: Session, client: ClientRecord, scope: str) -> None:
        """Raise `DomainError('scope-missing')` unless token and client both hold `scope`."""
        if scope not in session.scopes or scope not in client.scopes:
            raise DomainError("scope-missing", extra={"scope": scope})

    @staticmethod
    def purpose(exchange: Exchange, client: ClientRecord, *, needed: bool) -> str | None:
        """`X-Purpose`, checked; raises `DomainError` `purpose-required` or `purpose-not-allowed`."""
        purpose = exchange.text(b"x-purpose")
        if purpose is None:
            if needed:
                raise DomainError("purpose-required")
            return None
        if not PURPOSE.fullmatch(purpose):
            wanted = FieldError(
                "X-Purpose", "format", "小写字母和下划线，2 至 41 个字符", "lower case and underscores, 2 to 41 characters"
            )
            raise DomainError("purpose-required", errors=[wanted])
        if not client.may_use_purpose(purpose):
            raise DomainError("purpose-not-allowed")
        return purpose

    async def actor(self, exchange: Exchange, client: ClientRecord, route: Route) -> str | None:
        """The officer who acts: from `X-Actor-Assertion`, or in a sandbox from `X-Actor`. Raises a `DomainError`."""
        assertion = exchange.text(b"x-actor-assertion")
        if assertion is not None:
            return await self._asserted_actor(exchange, client, assertion)
        actor = exchange.text(b"x-actor") if self._sandbox else None
        if actor is not None and not assertions.is_actor(actor):
            raise DomainError("actor-invalid")
        if actor is None and route.actor:
            raise DomainError("actor-required")
        return actor

    async def _asserted_actor(self, exchange: Exchange, client: ClientRecord, token: str) -> str:
        try:
            assertion = assertions.read_actor_assertion(token, client, issuer=self._issuer, now=time.time())
        except TokenError as error:
            raise DomainError("actor-assertion-invalid", detail_en=str(error)) from error
        key = exchange.headers.get(b"idempotency-key", b"").strip(b'"')
        act = b"\n".join((exchange.method.encode(), exchange.path, key))
        if not await assertions.use(self._pool, assertion, act, acquire_timeout_s=self._acquire_timeout_s):
            raise DomainError(
                "actor-assertion-invalid", detail_zh="该声明已用于另一行为", detail_en="jti already served another act"
            )
        return assertion.subject
