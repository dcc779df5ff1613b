"""A running gateway on a real database, in front of two services that echo."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.app import MIGRATIONS, create_app
from gateway.clients import CreatedClient, create_client
from gateway.keys import SigningKeys, make_signing_key
from gateway.routes import known_scopes, load_routes
from gateway.settings import GatewaySettings
from services.chassis.auth import InsideTokens
from services.chassis.db import Pool, create_pool
from services.chassis.evidence.checkpoint import make_audit_key
from tests.conftest import Database, MakeDatabase
from tests.gateway.echo import EchoService
from tests.gateway.service_documents import EDUCATION, HEALTH, POINTS, REGISTRY
from tests.gateway.serving import serving
from tests.servers import Servers

ISSUER = "https://xinshimin.test"
ALL_SCOPES = sorted(known_scopes(load_routes()))
PERSON = "/v1/persons/0192f0c1-0000-7000-8000-000000000001"


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """The gateway's private keys."""

    access: Path
    inside: Path
    audit: Path


@pytest.fixture(scope="session")
def key_files(tmp_path_factory: pytest.TempPathFactory) -> KeyFiles:
    folder = tmp_path_factory.mktemp("gateway-keys")
    files = KeyFiles(folder / "access.json", folder / "inside.json", folder / "audit.json")
    for path, key in ((files.access, make_signing_key()), (files.inside, make_signing_key()), (files.audit, make_audit_key())):
        path.touch(mode=0o600)
        path.write_text(key)
    return files


@pytest.fixture(scope="session")
def database(make_database: MakeDatabase) -> Database:
    return make_database("gateway", MIGRATIONS)


@dataclass(frozen=True, slots=True)
class Services:
    """The echoing services and their addresses."""

    registry: EchoService
    points: EchoService
    health: EchoService
    education: EchoService
    urls: dict[str, str]


@pytest.fixture(scope="session")
def services(key_files: KeyFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    jwks = tmp_path_factory.mktemp("inside-public") / "inside.jwks.json"
    jwks.write_text(json.dumps(SigningKeys.load(key_files.inside).jwks()))
    registry = EchoService("registry", InsideTokens.load(jwks, "registry"), REGISTRY)
    points = EchoService("points_hukou", InsideTokens.load(jwks, "points_hukou"), POINTS)
    health = EchoService("health", InsideTokens.load(jwks, "health"), HEALTH)
    education = EchoService("education", InsideTokens.load(jwks, "education"), EDUCATION)
    with (
        serving(registry) as registry_port,
        serving(points) as points_port,
        serving(health) as health_port,
        serving(education) as education_port,
    ):
        ports = {"registry": registry_port, "points_hukou": points_port, "health": health_port, "education": education_port}
        urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        yield Services(registry, points, health, education, urls)


@pytest.fixture(scope="session")
def audit_copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where every gateway here copies its checkpoints: they share one log, and one of them at a time seals it."""
    return tmp_path_factory.mktemp("audit-copies")


RunGateway = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="session")
def run_gateway(
    database: Database,
    key_files: KeyFiles,
    services: Services,
    servers: Servers,
    audit_copies: Path,
) -> RunGateway:
    """`with run_gateway(sandbox=False, …) as base_url:` – a gateway with other settings."""

    @contextlib.contextmanager
    def run(**overrides: Any) -> Iterator[str]:
        given: dict[str, Any] = {
            "database_url": database.application_url,
            "access_key_file": key_files.access,
            "inside_key_file": key_files.inside,
            "nats_url": servers.nats_url_of("gateway"),
            "audit_key_file": key_files.audit,
            "audit_copy_dir": audit_copies,
            "issuer": ISSUER,
            "upstreams": services.urls,
            "sandbox": True,
            "body_limit_bytes": 64 << 10,
            "request_deadline_s": 5.0,
            "token_failure_quota": 10_000,
            "log_level": "WARNING",
            **overrides,
        }
        with serving(create_app(GatewaySettings(**given))) as port:
            yield f"http://127.0.0.1:{port}"

    return run


@pytest.fixture(scope="session")
def gateway(run_gateway: RunGateway) -> Iterator[str]:
    """Address of a gateway in sandbox mode."""
    with run_gateway() as url:
        yield url


@pytest.fixture(scope="session")
async def pool(database: Database) -> AsyncIterator[Pool]:
    """The gateway's database as the command line uses it."""
    made = await create_pool(database.application_url, size=4, command_timeout=5, application="test")
    yield made
    await made.close()


@pytest.fixture(scope="session")
async def demo(pool: Pool) -> CreatedClient:
    """A sandbox client with every scope and any purpose."""
    return await new_client(pool)


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=20) as client:
        yield client


@pytest.fixture(scope="session")
async def token(http: httpx.AsyncClient, gateway: str, demo: CreatedClient) -> str:
    """A good access token of the demo client."""
    return await obtain_token(http, gateway, demo)


async def new_client(pool: Pool, **overrides: Any) -> CreatedClient:
    """A client; sandbox, every scope and any purpose unless said otherwise."""
    given: dict[str, Any] = {
        "name": "测试客户端",
        "organisation": "test-bureau",
        "division_code": "330282",
        "scopes": ALL_SCOPES,
        "purposes": ["*"],
        "sandbox": True,
        **overrides,
    }
    return await create_client(pool, **given)


async def obtain_token(http: httpx.AsyncClient, gateway: str, client: CreatedClient, **form: str) -> str:
    """An access token by shared secret."""
    assert client.client_secret is not None
    answer = await http.post(
        f"{gateway}/oauth/token",
        auth=(client.client_id, client.client_secret),
        data={"grant_type": "client_credentials", **form},
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def bearer(token: str, **more: str) -> dict[str, str]:
    """Headers of an ordinary call; names are given with underscores."""
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return {"authorization": f"Bearer {token}", "x-purpose": "residence_registration", **named}


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An answer read byte for byte."""

    status: int
    headers: dict[str, str]
    body: bytes


async def raw(url: str, request: bytes, *, within_s: float = 10) -> RawAnswer:
    """Send bytes as they are, read until the other side closes; for what no HTTP library would send."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(request)
        await writer.drain()
        async with asyncio.timeout(within_s):
            content = await reader.read()
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    head, _, body = content.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    return RawAnswer(int(lines[0].split(" ")[1]) if content else 0, headers, body)


def request_head(target: bytes, token: str, *more: bytes, method: bytes = b"GET") -> bytes:
    """The head of a request as bytes, with a good token, asking to close afterwards."""
    lines = [
        method + b" " + target + b" HTTP/1.1",
        b"Host: gateway",
        b"Connection: close",
        b"X-Purpose: residence_registration",
        b"Authorization: Bearer " + token.encode(),
        *more,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n"


@contextlib.asynccontextmanager
async def in_front_of(
    service: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    run_gateway: RunGateway,
    services: Services,
    **settings: Any,
) -> AsyncIterator[str]:
    """A gateway whose registry is `service`, which speaks bytes."""
    server = await asyncio.start_server(service, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with run_gateway(upstreams={**services.urls, "registry": f"http://127.0.0.1:{port}"}, **settings) as url:
            yield url
