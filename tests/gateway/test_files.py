"""Files on their way through the gateway: a limit and a deadline of their own, streamed both ways, nothing gathered."""

import asyncio
import contextlib
import dataclasses
import hashlib
from collections.abc import AsyncIterator

import httpx
import pytest

from gateway import app
from gateway.routes import load_routes
from tests.gateway.conftest import RunGateway, Services, bearer, in_front_of, raw, request_head

FILES = "/v1/registry/attachments"
CONTENT = f"{FILES}/019ab0c2-1111-7000-8000-000000000003/content"
SEARCH = "/v1/persons/search"
MIB = 1 << 20


async def pieces(count: int, size: int = 64 << 10) -> AsyncIterator[bytes]:
    for number in range(count):
        yield bytes((number % 251,)) * size


def as_file(token: str) -> dict[str, str]:
    return bearer(token, content_type="application/pdf", idempotency_key="file-1")


async def test_only_the_route_of_files_takes_large_bodies(http: httpx.AsyncClient, gateway: str, token: str) -> None:
    content = b"".join([piece async for piece in pieces(48)])
    for body in (content, pieces(48)):
        answer = await http.post(gateway + FILES, content=body, headers=as_file(token))
        assert answer.status_code == 200
        assert answer.json()["body_sha256"] == hashlib.sha256(content).hexdigest()
        assert answer.json()["body_parts"] > 10
    announced = request_head(SEARCH.encode(), token, b"Content-Length: %d" % len(content), method=b"POST")
    assert (await raw(gateway, announced)).status == 413


async def test_the_route_of_files_has_its_own_limit(gateway: str, token: str, services: Services) -> None:
    before = services.registry.calls
    (limit,) = {route.body_limit_bytes for route in load_routes() if route.name == f"POST {FILES}"}
    assert limit == 500 * MIB
    announced = request_head(FILES.encode(), token, b"Content-Length: %d" % (limit + 1), method=b"POST")
    assert (await raw(gateway, announced)).status == 413
    assert services.registry.calls == before


async def test_a_file_that_grows_beyond_the_limit_never_arrives_whole(
    http: httpx.AsyncClient, run_gateway: RunGateway, services: Services, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = [dataclasses.replace(route, body_limit_bytes=route.body_limit_bytes and 50 * MIB) for route in load_routes()]
    monkeypatch.setattr(app, "load_routes", lambda: tuple(small))
    received = 0
    last = b""

    async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received, last
        await reader.readuntil(b"\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while part := await reader.read(1 << 20):
                received += len(part)
                last = (last + part)[-5:]
        writer.close()

    async with in_front_of(service, run_gateway, services) as url:
        status = 413
        with contextlib.suppress(httpx.TransportError):  # the caller may still be sending when it is told
            status = (await http.post(url + FILES, content=pieces(50 * 16 + 1), headers=as_file(token))).status_code
        assert status == 413
        await asyncio.sleep(0.1)
    assert 49 * MIB < received <= 51 * MIB
    assert last != b"0\r\n\r\n"


class _Silent:
    """A service that answers late, or hardly reads; it notes what reached it."""

    def __init__(self, wait_s: float = 0.0, read_bytes: int | None = None) -> None:
        self.wait_s = wait_s
        self.read_bytes = read_bytes
        self.head = b""
        self.closed = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.head = await reader.readuntil(b"\r\n\r\n")
        if self.read_bytes is None:
            await asyncio.sleep(self.wait_s)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\nContent-Length: 2\r\n\r\nok")
            await writer.drain()
        else:
            await reader.readexactly(self.read_bytes)
            await self.closed.wait()
        writer.close()


async def test_a_download_may_take_longer_than_other_calls(
    http: httpx.AsyncClient, run_gateway: RunGateway, services: Services, token: str
) -> None:
    service = _Silent(wait_s=1.2)
    async with in_front_of(service, run_gateway, services, request_deadline_s=0.5) as url:
        answer = await http.get(url + CONTENT, headers=bearer(token))
        assert (answer.status_code, answer.content) == (200, b"ok")
        deadline = next(line for line in service.head.split(b"\r\n") if line.lower().startswith(b"x-request-deadline-ms"))
        assert int(deadline.partition(b":")[2]) > 100_000
        assert (await http.get(url + CONTENT.removesuffix("/content"), headers=bearer(token))).status_code == 504


async def test_a_service_that_does_not_read_makes_the_sender_wait(
    run_gateway: RunGateway, services: Services, token: str
) -> None:
    """What is under way is bounded by buffers, not by the file."""
    service = _Silent(read_bytes=1000)
    sent = 0
    async with in_front_of(service, run_gateway, services) as url:
        _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        lines = [f"POST {FILES} HTTP/1.1", "Host: g", f"Content-Length: {40 * MIB}"]
        lines += [f"{name}: {value}" for name, value in as_file(token).items()]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.5):
                while sent < 40 * MIB:
                    writer.write(bytes(64 << 10))
                    await writer.drain()
                    sent += 64 << 10
        assert MIB < sent < 24 * MIB
        service.closed.set()
        writer.transport.abort()
        await asyncio.sleep(0.2)


async def test_a_reader_that_does_not_read_makes_the_service_wait(
    run_gateway: RunGateway, services: Services, token: str
) -> None:
    given = 0

    async def generous(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal given
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\nContent-Length: {40 * MIB}\r\n\r\n"
        writer.write(head.encode())
        with contextlib.suppress(ConnectionError):
            while given < 40 * MIB:
                writer.write(bytes(64 << 10))
                await writer.drain()
                given += 64 << 10
        writer.close()

    async with in_front_of(generous, run_gateway, services) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]), limit=1024)
        lines = [f"GET {CONTENT} HTTP/1.1", "Host: g", *(f"{name}: {value}" for name, value in bearer(token).items())]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        assert b" 200 " in await reader.readline()
        await asyncio.sleep(1)
        assert 0 < given < 24 * MIB
        writer.transport.abort()
        await asyncio.sleep(0.2)  # let it happen: leaving the block stops this loop


async def test_what_makes_a_download_safe_passes(
    http: httpx.AsyncClient, run_gateway: RunGateway, services: Services, token: str
) -> None:
    safe = {
        "content-disposition": 'attachment; filename="x.pdf"',
        "content-security-policy": "default-src 'none'; sandbox",
        "content-digest": "sha-256=:AAAA:",
        "cache-control": "no-store",
    }

    async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        lines = "".join(f"{name}: {value}\r\n" for name, value in safe.items())
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n{lines}Content-Length: 2\r\n\r\nok".encode())
        await writer.drain()
        writer.close()

    async with in_front_of(service, run_gateway, services) as url:
        answer = await http.get(url + CONTENT, headers=bearer(token))
    assert {name: answer.headers[name] for name in safe} == safe
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_file_cut_off_by_the_service_is_cut_off_for_the_caller(
    http: httpx.AsyncClient, run_gateway: RunGateway, services: Services, token: str
) -> None:
    async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\nContent-Length: 500000\r\n\r\n" + bytes(300_000))
        await writer.drain()
        writer.close()

    async with in_front_of(service, run_gateway, services) as url:
        got, is_whole = 0, True
        try:
            async with http.stream("GET", url + CONTENT, headers=bearer(token)) as answer:
                async for part in answer.aiter_bytes():
                    got += len(part)
        except httpx.RemoteProtocolError:
            is_whole = False
        assert (is_whole, got <= 300_000) == (False, True)
