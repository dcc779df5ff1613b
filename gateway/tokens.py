"""The token endpoint: OAuth 2.0 client credentials (RFC 6749 §4.4), `private_key_jwt`, and a shared secret in a sandbox.

Its errors are RFC 6749 §5.2 documents, because the clients' OAuth libraries read those. No answer tells an unknown client from
a wrong credential.
"""

import base64
import binascii
import hashlib
import hmac
import json
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from gateway import assertions
from gateway.auth import ACCESS_TYPE
from gateway.directory import ClientDirectory, ClientRecord
from gateway.exchange import NO_STORE, Exchange, Header
from gateway.keys import ALGORITHM, SigningKeys, TokenError
from gateway.rate_limits import Policy, RateLimits, Standing
from gateway.settings import GatewaySettings
from services.chassis.db import Pool
from services.chassis.ids import new_id

logger = logging.getLogger(__name__)

TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path
JWKS_PATH = "/.well-known/jwks.json"
METADATA_PATH = "/.well-known/oauth-authorization-server"
BODY_LIMIT = 16 << 10

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_MOST_PARAMETERS = 32
_DUMMY_DIGEST = hashlib.sha256(b"no such client").digest()
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_PUBLIC: Header = (b"cache-control", b"public, max-age=300")
_JSON: tuple[Header, ...] = ((b"content-type", b"application/json"), NO_STORE, (b"pragma", b"no-cache"))


@dataclass(eq=False)
class OAuthError(Exception):
    """An RFC 6749 §5.2 error. `reason` is for our log; the client gets `description`."""

    code: str
    description: str
    reason: str = ""

    @property
    def status(self) -> int:
        """401 for a client that did not prove itself, 429 for one that asks too often, 400 for everything else."""
        return {"invalid_client": 401, "slow_down": 429}.get(self.code, 400)


class TokenEndpoint:
    """Issues access tokens."""

    def __init__(
        self, settings: GatewaySettings, keys: SigningKeys, directory: ClientDirectory, pool: Pool, scopes: frozenset[str]
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._directory = directory
        self._pool = pool
        self._scopes = scopes
        self._limits = RateLimits(pool, acquire_timeout_s=settings.acquire_timeout_s)
        self._quota = Policy("token", settings.token_quota)
        self._failure_quota = Policy("token-failure", settings.token_failure_quota)
        self._jwks = json.dumps(keys.jwks()).encode()
        self._metadata = json.dumps(self._metadata_document()).encode()

    async def token(self, exchange: Exchange) -> None:
        """`POST /oauth/token`."""
        standing: Standing | None = None
        try:
            parameters = await self._parameters(exchange)
            client, credential = await self._authenticate(exchange, parameters)
            exchange.client_id = client.client_id
            standing = await self._limits.use(self._quota, client.client_id)
            if standing.is_exceeded:
                raise _too_often("")
            answer = self._issue(client, credential, parameters)
            await exchange.answer(200, [*_JSON, *standing.headers()], json.dumps(answer).encode())
        except OAuthError as error:
            await self._refuse(exchange, error, standing)

    async def _refuse(self, exchange: Exchange, error: OAuthError, standing: Standing | None) -> None:
        """Answer with the error; whoever keeps failing is told to slow down instead.

        Failures are counted by address, and only they are refused for being many: a good credential always passes, so nobody
        can lock another client out by failing in its name or beside it. Guessing is hopeless anyway (256 random bits, or a
        signature); what this bounds is noise.
        """
        if error.status == 401:
            standing = await self._limits.use(self._failure_quota, exchange.address)
            error = _too_often(error.reason) if standing.is_exceeded else error
        logger.info("token refused", extra={"fields": {"error": error.code, "reason": error.reason}})
        body = json.dumps({"error": error.code, "error_description": error.description}).encode()
        headers = [*_JSON, *(standing.headers() if standing else [])]
        if error.status == 401:
            headers.append((b"www-authenticate", self._challenge))
        await exchange.answer(error.status, headers, body)

    async def jwks(self, exchange: Exchange) -> None:
        """`GET /.well-known/jwks.json`: the keys that verify access tokens."""
        await exchange.answer(200, [(b"content-type", b"application/jwk-set+json"), _PUBLIC], self._jwks)

    async def metadata(self, exchange: Exchange) -> None:
        """`GET /.well-known/oauth-authorization-server` (RFC 8414)."""
        await exchange.answer(200, [(b"content-type", b"application/json"), _PUBLIC], self._metadata)

    @property
    def _challenge(self) -> bytes:
        return b'Basic realm="xinshimin", charset="UTF-8"' if self._settings.sandbox else b'Bearer realm="xinshimin"'

    def _metadata_document(self) -> dict[str, Any]:
        base = self._settings.outside_url
        methods = ["private_key_jwt", *(["client_secret_basic"] if self._settings.sandbox else [])]
        return {
            "issuer": self._settings.issuer,
            "token_endpoint": base + TOKEN_PATH,
            "jwks_uri": base + JWKS_PATH,
            "scopes_supported": sorted(self._scopes),
            "response_types_supported": [],
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": methods,
            "token_endpoint_auth_signing_alg_values_supported": [ALGORITHM],
            "service_documentation": base + "/docs",
        }

    @staticmethod
    async def _parameters(exchange: Exchange) -> dict[str, str]:
        media_type = (exchange.text(b"content-type") or "").partition(";")[0].strip().lower()
        if media_type != "application/x-www-form-urlencoded":
            raise OAuthError("invalid_request", "the body must be application/x-www-form-urlencoded")
        if exchange.query:
            raise OAuthError("invalid_request", "parameters belong into the body")
        return parse_form(await exchange.body(BODY_LIMIT))

    async def _authenticate(self, exchange: Exchange, parameters: Mapping[str, str]) -> tuple[ClientRecord, str]:
        authorization = exchange.text(b"authorization")
        assertion = parameters.get("client_assertion")
        if "client_secret" in parameters:
            raise OAuthError("invalid_client", "a secret is not accepted in the body", "client_secret_post")
        if (authorization is not None) == (assertion is not None):
            if authorization is None:
                raise OAuthError("invalid_client", "the client did not authenticate", "no credential")
            raise OAuthError("invalid_request", "more than one way of client authentication")
        if assertion is not None:
            return await self._by_assertion(assertion, parameters)
        assert authorization is not None
        return await self._by_secret(authorization, parameters)

    async def _by_assertion(self, assertion: str, parameters: Mapping[str, str]) -> tuple[ClientRecord, str]:
        if parameters.get("client_assertion_type") != _ASSERTION_TYPE:
            raise OAuthError("invalid_request", f"client_assertion_type must be {_ASSERTION_TYPE}")
        claimed = unverified_subject(assertion)
        client = await self._directory.fresh(claimed) if claimed else None
        if client is None or parameters.get("client_id", claimed) != claimed:
            raise _unproven("unknown client, or client_id is another")
        try:
            verified = assertions.read_client_assertion(assertion, client, issuer=self._settings.issuer, now=time.time())
        except TokenError as error:
            raise _unproven(str(error)) from error
        # A random act: no second use of this assertion is the same one.
        unused = await assertions.use(self._pool, verified, new_id().bytes, acquire_timeout_s=self._settings.acquire_timeout_s)
        if not unused:
            raise _unproven("jti was used before")
        return client, verified.credential

    async def _by_secret(self, authorization: str, parameters: Mapping[str, str]) -> tuple[ClientRecord, str]:
        if not self._settings.sandbox:
            raise _unproven("a shared secret outside a sandbox")
        client_id, secret = basic_credentials(authorization)
        client = await self._directory.fresh(client_id)
        if parameters.get("client_id", client_id) != client_id:
            raise _unproven("client_id is another")
        digest = hashlib.sha256(secret.encode()).digest()
        stored = client.secrets if client is not None else {"": _DUMMY_DIGEST}
        matching = [key_id for key_id, value in stored.items() if hmac.compare_digest(value, digest)]
        if client is None or not matching:
            raise _unproven("unknown client or wrong secret")
        return client, matching[0]

    def _issue(self, client: ClientRecord, credential: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        grant_type = parameters.get("grant_type")
        if grant_type is None:
            raise OAuthError("invalid_request", "grant_type is missing")
        if grant_type != "client_credentials":
            raise OAuthError("unsupported_grant_type", "only client_credentials is supported")
        wanted = parameters.get("scope")
        scopes = frozenset(wanted.split(" ")) if wanted is not None else client.scopes
        if not scopes or not scopes <= client.scopes:
            raise OAuthError("invalid_scope", "the client does not hold every scope asked for")
        now = int(time.time())
        scope = " ".join(sorted(scopes))
        claims = {
            "iss": self._settings.issuer,
            "aud": self._settings.issuer,
            "sub": client.client_id,
            "client_id": client.client_id,
            "credential": credential,
            "scope": scope,
            "iat": now,
            "exp": now + self._settings.access_token_s,
            "jti": str(new_id()),
        }
        token = self._keys.sign(ACCESS_TYPE, claims)
        return {"access_token": token, "token_type": "Bearer", "expires_in": self._settings.access_token_s, "scope": scope}


def parse_form(body: bytes) -> dict[str, str]:
    """A form body, strictly: UTF-8, each name once; empty values count as absent (RFC 6749 §3.2)."""
    parameters: dict[str, str] = {}
    seen: set[str] = set()
    fields = body.split(b"&") if body else []
    if len(fields) > _MOST_PARAMETERS:
        raise OAuthError("invalid_request", "too many parameters")
    for item in fields:
        name, value = (_form_text(part) for part in item.partition(b"=")[::2])
        if name in seen:
            raise OAuthError("invalid_request", "a parameter is repeated")
        seen.add(name)
        if value:
            parameters[name] = value
    return parameters


def _form_text(part: bytes) -> str:
    try:
        if not part.isascii() or _BROKEN_ESCAPE.search(part):
            raise OAuthError("invalid_request", "the form is malformed")
        decoded = unquote_to_bytes(part.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise OAuthError("invalid_request", "the form is not UTF-8") from None
    if not decoded.isprintable():
        raise OAuthError("invalid_request", "control characters are not allowed")
    return decoded


def basic_credentials(authorization: str) -> tuple[str, str]:
    """Client id and secret of `Authorization: Basic …`, each form-encoded (RFC 6749 §2.3.1)."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise _unproven("not Basic")
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        client_id, secret = _form_text(user), _form_text(password)
    except (binascii.Error, ValueError, OAuthError) as error:
        raise _unproven("malformed Basic credentials") from error
    if not colon or not client_id or not secret:
        raise _unproven("malformed Basic credentials")
    return client_id, secret


def unverified_subject(assertion: str) -> str | None:
    """Whose keys to verify with. Nothing else is taken from an assertion before it is verified."""
    try:
        payload = assertion.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        subject = claims["sub"]
    except (IndexError, KeyError, TypeError, ValueError, RecursionError):
        return None
    return subject if isinstance(subject, str) and subject.isascii() and subject.isprintable() and len(subject) <= 64 else None


def _too_often(reason: str) -> OAuthError:
    """The code is RFC 8628's (§3.5), the only registered one that says this."""
    return OAuthError("slow_down", "too many requests; see Retry-After", reason)


def _unproven(reason: str) -> OAuthError:
    return OAuthError("invalid_client", "the client is unknown or did not prove itself", reason)
