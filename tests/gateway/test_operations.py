"""What operators and their machinery ask of the gateway, and what it writes down."""

import asyncio
import contextlib
import json
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from gateway.app import create_app
from gateway.clients import CreatedClient
from gateway.settings import GatewaySettings
from services.chassis.logs import JsonFormatter
from tests.conftest import Database
from tests.gateway.conftest import ISSUER, PERSON, KeyFiles, RunGateway, Services, bearer, obtain_token


async def test_alive_and_ready(http: httpx.AsyncClient, gateway: str) -> None:
    assert (await http.get(f"{gateway}/livez")).status_code == 200
    ready = await http.get(f"{gateway}/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "not_ready": {}, "warnings": {}})
    assert (await http.head(f"{gateway}/readyz")).content == b""


async def test_not_ready_names_the_service_that_is_down_or_not_ready(
    http: httpx.AsyncClient, run_gateway: RunGateway, services: Services
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        services.registry.ready = False
        try:
            with run_gateway(upstreams={**services.urls, "points_hukou": dead}) as url:
                answer = await http.get(f"{url}/readyz")
        finally:
            services.registry.ready = True
    assert answer.status_code == 503
    assert answer.json() == {
        "ready": False,
        "not_ready": {"registry": "not ready: nats", "points_hukou": "unreachable"},
        "warnings": {},
    }


async def test_a_service_that_accepts_and_never_answers_is_not_ready_in_time(
    http: httpx.AsyncClient, run_gateway: RunGateway, services: Services
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        mute = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with run_gateway(upstreams={**services.urls, "points_hukou": mute}) as url:
            started = time.monotonic()
            answer = await http.get(f"{url}/readyz")
            assert time.monotonic() - started < 2.5
    assert answer.json()["not_ready"] == {"points_hukou": "no answer in time"}


@contextlib.asynccontextmanager
async def cable_to(database_url: str) -> AsyncIterator[tuple[str, Callable[[], None]]]:
    """The database's URL by way of a cable, and how to cut it."""
    parts = urlsplit(database_url)
    place = parse_qs(parts.query)
    socket_file = f"{place['host'][0]}/.s.PGSQL.{place['port'][0]}"
    ends: list[asyncio.StreamWriter] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(socket_file)
        ends.extend((writer, back))
        await asyncio.gather(pump(reader, back), pump(there, writer))

    server = await asyncio.start_server(connect, "127.0.0.1", 0)

    def cut() -> None:
        server.close()
        for end in ends:
            end.transport.abort()

    port = server.sockets[0].getsockname()[1]
    yield f"postgresql://{parts.username}:{parts.password}@127.0.0.1:{port}{parts.path}", cut
    cut()


async def test_without_its_database_nobody_is_let_in_on_old_knowledge(
    http: httpx.AsyncClient, run_gateway: RunGateway, database: Database, demo: CreatedClient
) -> None:
    """The token was good and its client is remembered; when the client cannot be looked up again, the door stays shut."""
    async with cable_to(database.application_url) as (url_by_cable, cut):
        running = run_gateway(database_url=url_by_cable, client_cache_s=0.2)
        url = await asyncio.to_thread(running.__enter__)
        try:
            token = await obtain_token(http, url, demo)
            assert (await http.get(url + PERSON, headers=bearer(token))).status_code == 200
            assert (await http.get(f"{url}/readyz")).status_code == 200
            cut()
            await asyncio.sleep(1.1)
            refused = await http.get(url + PERSON, headers=bearer(token))
            ready = await http.get(f"{url}/readyz")
            asked = await http.post(f"{url}/oauth/token", auth=("a", "b"), data={"grant_type": "client_credentials"})
        finally:
            await asyncio.to_thread(running.__exit__, None, None, None)
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:xinshimin:problem:database-unavailable")
    assert (ready.status_code, set(ready.json()["not_ready"])) == (503, {"database"})
    assert asked.status_code == 503


async def test_metrics_count_by_template_and_hide_ids(http: httpx.AsyncClient, gateway: str, token: str) -> None:
    await http.get(gateway + PERSON, headers=bearer(token))
    await http.get(f"{gateway}/v1/persons/330282199001011234/nothing")
    text = (await http.get(f"{gateway}/metrics")).text
    assert 'operation="GET /v1/persons/{person_id}",process="gateway",status="200"' in text
    assert 'operation="unmatched",process="gateway",status="404"' in text
    assert PERSON not in text
    assert "330282199001011234" not in text


async def test_metrics_are_for_this_machine_only(http: httpx.AsyncClient, gateway: str) -> None:
    for header in ("x-forwarded-for", "forwarded", "x-real-ip"):
        assert (await http.get(f"{gateway}/metrics", headers={header: "for=203.0.113.9"})).status_code == 404


async def test_a_request_is_logged_under_its_template_without_personal_data(
    http: httpx.AsyncClient, gateway: str, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "330282199001011234"
    with caplog.at_level(logging.INFO):
        logging.getLogger().setLevel(logging.INFO)
        await http.get(f"{gateway}/v1/persons/{secret}?name=zhangsan", headers=bearer(token, x_request_id="log-1"))
        await http.post(f"{gateway}/v1/persons/search", headers=bearer(token), json={"number": secret})
        await http.get(f"{gateway}/v1/persons/{secret}/nothing?name=zhangsan")
    lines = [JsonFormatter("gateway").format(record) for record in caplog.records if record.name.startswith("gateway")]
    assert lines
    assert not any(secret in line or "zhangsan" in line or token in line for line in lines)
    line = next(json.loads(line) for line in lines if '"log-1"' in line)
    assert (line["operation"], line["status"]) == ("GET /v1/persons/{person_id}", 200)
    assert line["ms"] >= 0
    assert len(line["trace_id"]) == 32
    assert line["client_id"].startswith("client-")


def test_a_gateway_that_lacks_an_upstream_does_not_start(database: Database, key_files: KeyFiles) -> None:
    settings = GatewaySettings(
        database_url=database.application_url,
        access_key_file=key_files.access,
        inside_key_file=key_files.inside,
        nats_url="nats://x",
        audit_key_file=key_files.audit,
        audit_copy_dir=key_files.audit.parent,
        issuer=ISSUER,
        upstreams={"registry": "http://127.0.0.1:1"},
    )
    with pytest.raises(ValueError, match="points_hukou"):
        create_app(settings)


@pytest.mark.parametrize("url", ["registry", "ftp://host", "http://", "http://host/path", "http://host?x=1"])
def test_an_upstream_that_is_no_plain_address_is_refused(url: str, key_files: KeyFiles) -> None:
    with pytest.raises(ValueError, match="upstream registry"):
        GatewaySettings(
            database_url="postgresql://x",
            access_key_file=key_files.access,
            inside_key_file=key_files.inside,
            nats_url="nats://x",
            audit_key_file=key_files.audit,
            audit_copy_dir=key_files.audit.parent,
            upstreams={"registry": url},
        )


async def test_settings_come_from_the_environment(key_files: KeyFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "XINSHIMIN_GATEWAY__DATABASE_URL": "postgresql://gateway",
        "XINSHIMIN_GATEWAY__ACCESS_KEY_FILE": str(key_files.access),
        "XINSHIMIN_GATEWAY__INSIDE_KEY_FILE": str(key_files.inside),
        "XINSHIMIN_NATS_URL": "nats://x",
        "XINSHIMIN_GATEWAY__AUDIT_KEY_FILE": str(key_files.audit),
        "XINSHIMIN_AUDIT_COPY_DIR": str(key_files.audit.parent),
        "XINSHIMIN_GATEWAY__UPSTREAMS": '{"registry": "http://127.0.0.1:8001/", "points_hukou": "http://127.0.0.1:8002"}',
        "XINSHIMIN_SANDBOX": "1",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = GatewaySettings()
    assert settings.upstreams["registry"] == "http://127.0.0.1:8001"
    assert (settings.sandbox, settings.issuer, settings.outside_url) == (
        True,
        "https://xinshimin.local",
        "https://xinshimin.local",
    )
