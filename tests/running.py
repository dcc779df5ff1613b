"""A service running in the test's own process, on real servers, and a caller with an inside token."""

import itertools
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey

from services.chassis.app import ServiceDefinition, service_app
from services.chassis.evidence.checkpoint import make_audit_key
from services.chassis.runtime import Runtime

_KEY_NUMBERS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class InsideKeys:
    """The pretended gateway's key."""

    key: ECKey
    jwks_file: Path

    def token(self, audience: str, **claims: Any) -> str:
        """An inside token; a claim given as `None` is left out."""
        now = int(time.time())
        content = {"iss": "xinshimin-gateway", "aud": audience, "iat": now, "exp": now + 60, **claims}
        header = {"alg": "ES256", "typ": "inside+jwt", "kid": self.key.kid}
        return jwt.encode(header, {name: value for name, value in content.items() if value is not None}, self.key)


@dataclass(slots=True)
class Caller:
    """A client of the service under test, with one principal."""

    http: httpx.AsyncClient
    token: str
    headers: dict[str, str] = field(default_factory=dict)

    async def call(self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any) -> httpx.Response:
        """A call; changes get a fresh Idempotency-Key unless `headers` names one (an empty one removes it)."""
        sent = {"authorization": f"Bearer {self.token}", **self.headers}
        if method != "GET":
            sent["idempotency-key"] = f"test-{next(_KEY_NUMBERS)}"
        sent.update(headers or {})
        return await self.http.request(method, path, headers={name: value for name, value in sent.items() if value}, **options)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        """GET."""
        return await self.call("GET", path, **options)

    async def post(self, path: str, content: Any = None, **options: Any) -> httpx.Response:
        """POST of a JSON body."""
        return await self.call("POST", path, json=content if content is not None else {}, **options)

    async def patch(self, path: str, content: Any, version: int, **options: Any) -> httpx.Response:
        """PATCH with If-Match."""
        return await self.call("PATCH", path, json=content, headers={"if-match": f'"{version}"'}, **options)


@dataclass(slots=True)
class RunningService:
    """A started service."""

    name: str
    app: FastAPI
    http: httpx.AsyncClient
    keys: InsideKeys

    @property
    def runtime(self) -> Runtime:
        """What the process holds."""
        runtime: Runtime = self.app.state.runtime
        return runtime

    def caller(
        self,
        scopes: Iterable[str],
        *,
        client: str = "test-client",
        division: str = "330282",
        actor: str | None = "officer-1",
        purpose: str | None = "residence_registration",
        organisation: str = "test",
    ) -> Caller:
        """A caller with these scopes, as the gateway would present it."""
        token = self.keys.token(
            self.name, sub=client, org=organisation, div=division, scp=sorted(scopes), act=actor, pur=purpose
        )
        return Caller(self.http, token)


def audit_key_file(service: str, folder: Path) -> Path:
    """The key that signs a service's checkpoints, made once per session."""
    path = folder / f"{service}-audit.json"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(make_audit_key())
    return path


@asynccontextmanager
async def running_service(
    definition: ServiceDefinition, *, database_url: str, nats_url: str, key_file: Path, keys: InsideKeys, **settings: Any
) -> AsyncIterator[RunningService]:
    """Start `definition` as its process would, without the socket."""
    chosen = definition.settings(
        database_url=database_url,
        nats_url=nats_url,
        key_file=key_file,
        inside_jwks_file=keys.jwks_file,
        audit_key_file=settings.pop("audit_key_file", None) or audit_key_file(definition.name, key_file.parent),
        audit_copy_dir=settings.pop("audit_copy_dir", None) or Path(tempfile.mkdtemp(dir=key_file.parent)),
        sandbox=settings.pop("sandbox", True),
        **settings,
    )
    app = service_app(definition, chosen)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
            yield RunningService(definition.name, app, http, keys)
