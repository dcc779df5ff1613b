"""Requests that two HTTP parsers might read differently: the service never gets a second request, nor another than was sent.

The service here is a socket that writes down every byte. Behind each hostile request comes one without credentials to an
address of its own: read as a request it is refused at the door; only a desynchronised connection could carry it to the service.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from tests.gateway.conftest import RunGateway, Services, in_front_of, raw

SMUGGLED = b"/v1/persons/0192f0c1-0000-7000-8000-00000bad0bad"
HIDDEN = b"GET " + SMUGGLED + b" HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n"
SEARCH, PERSON = b"/v1/persons/search", b"/v1/persons/0192f0c1-0000-7000-8000-000000000001"
CREDENTIALS = (b"Authorization: Bearer TOKEN", b"X-Purpose: residence_registration")
_ALLOWED = frozenset(
    b"host authorization x-request-id traceparent x-request-deadline-ms idempotency-key if-match if-none-match accept"
    b" accept-language content-type content-length transfer-encoding".split()
)


@dataclass(slots=True)
class ByteService:
    """Answers every complete request with an empty object, and keeps what it was sent."""

    heard: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept open as a pooled one is."""
        pending = b""
        while data := await reader.read(65536):
            self.heard.append(data)
            pending += data
            if _complete(pending):
                pending = b""
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
                await writer.drain()
        writer.close()

    def take(self) -> bytes:
        """Everything heard since the last time."""
        heard, self.heard = b"".join(self.heard), []
        return heard


def _complete(request: bytes) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    if not end:
        return False
    if b"transfer-encoding: chunked" in head.lower():
        return body.endswith(b"0\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    return len(body) >= (int(length.group(1)) if length else 0)


@pytest.fixture(scope="module")
async def service() -> ByteService:
    return ByteService()


@pytest.fixture(scope="module")
async def door(service: ByteService, run_gateway: RunGateway, services: Services) -> AsyncIterator[str]:
    """A gateway in front of it."""
    async with in_front_of(service.serve, run_gateway, services) as url:
        yield url


def post(
    *lines: bytes, body: bytes = b"", target: bytes = SEARCH, version: bytes = b"HTTP/1.1", host: bytes = b"Host: gateway"
) -> bytes:
    """A POST with a good token and exactly these lines; `TOKEN` is filled in by the test."""
    head = [
        b"POST " + target + b" " + version,
        host,
        b"Authorization: Bearer TOKEN",
        b"X-Purpose: residence_registration",
        *lines,
    ]
    return b"\r\n".join(line for line in head if line) + b"\r\n\r\n" + body


def get(*lines: bytes, target: bytes = PERSON, host: bytes = b"Host: gateway", between: bytes = b"\r\n") -> bytes:
    """A GET in the same way."""
    head = [b"GET " + target + b" HTTP/1.1", host, *CREDENTIALS, *lines]
    return between.join(line for line in head if line) + between * 2


CHUNKED = b"Transfer-Encoding: chunked"
CASES: dict[str, tuple[bytes, set[int]]] = {
    "CL and TE": (post(b"Content-Length: 6", CHUNKED, body=b"0\r\n\r\nG"), {400}),
    "TE and CL": (post(CHUNKED, b"Content-Length: 6", body=b"0\r\n\r\nG"), {400}),
    "two lengths": (post(b"Content-Length: 2", b"Content-Length: 90", body=b"{}"), {400}),
    "two equal lengths": (post(b"Content-Length: 2", b"Content-Length: 2", body=b"{}"), {400}),
    "a list of lengths": (post(b"Content-Length: 2, 2", body=b"{}"), {400}),
    "length with a plus": (post(b"Content-Length: +2", body=b"{}"), {400}),
    "negative length": (post(b"Content-Length: -1", body=b"{}"), {400}),
    "length in hex": (post(b"Content-Length: 0x2", body=b"{}"), {400}),
    "length with a space inside": (post(b"Content-Length: 1 2", body=b"{}" * 6), {400}),
    "length in other digits": (post("Content-Length: ２".encode(), body=b"{}"), {400}),
    "length with an underscore": (post(b"Content-Length: 1_0", body=b"{}" * 5), {400}),
    "empty length": (post(b"Content-Length:", body=b"{}"), {400}),
    "an endless length": (post(b"Content-Length: " + b"9" * 40, body=b"{}"), {400, 413}),
    "length with an underscored name": (post(b"Content_Length: 90", b"Content-Length: 2", body=b"{}"), {200}),
    "TE with an underscored name": (post(b"Transfer_Encoding: chunked", b"Content-Length: 2", body=b"{}"), {200}),
    "TE identity": (post(b"Transfer-Encoding: identity", b"Content-Length: 2", body=b"{}"), {400}),
    "TE twice": (post(CHUNKED, CHUNKED, body=b"2\r\n{}\r\n0\r\n\r\n"), {400}),
    "TE chunked then another": (post(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"), {400}),
    "TE gzip and chunked": (post(b"Transfer-Encoding: gzip, chunked", body=b"2\r\n{}\r\n0\r\n\r\n"), {200, 400, 501}),
    "TE before a colon's space": (post(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n"), {400}),
    "TE with a tab": (post(b"Transfer-Encoding:\tchunked", body=b"2\r\n{}\r\n0\r\n\r\n"), {200, 400}),
    "TE with a vertical tab": (post(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"), {400}),
    "TE in quotes": (post(b'Transfer-Encoding: "chunked"', body=b"0\r\n\r\n"), {400}),
    "TE xchunked": (post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"), {400}),
    "TE folded": (post(b"Transfer-Encoding:\r\n chunked", body=b"0\r\n\r\n"), {400}),
    "TE after a bare LF": (post(b"X-A: b\nTransfer-Encoding: chunked", body=b"0\r\n\r\n"), {400}),
    "TE after a bare CR": (post(b"X-A: b\rTransfer-Encoding: chunked", body=b"0\r\n\r\n"), {400}),
    "TE in HTTP/1.0": (post(CHUNKED, body=b"2\r\n{}\r\n0\r\n\r\n", version=b"HTTP/1.0"), {200, 400}),
    "chunk extension": (post(CHUNKED, body=b"2;a=b\r\n{}\r\n0\r\n\r\n"), {200}),
    "chunk extension with a line": (post(CHUNKED, body=b'2;a="\n"\r\n{}\r\n0\r\n\r\n'), {400}),
    "chunk size with a sign": (post(CHUNKED, body=b"+2\r\n{}\r\n0\r\n\r\n"), {400}),
    "chunk size in 0x": (post(CHUNKED, body=b"0x2\r\n{}\r\n0\r\n\r\n"), {400}),
    "chunk size that overflows": (post(CHUNKED, body=b"1" + b"0" * 16 + b"2\r\n{}\r\n0\r\n\r\n"), {400, 413}),
    "chunk size with spaces": (post(CHUNKED, body=b" 2\r\n{}\r\n0\r\n\r\n"), {400}),
    "chunk shorter than said": (post(CHUNKED, body=b"5\r\n{}\r\n0\r\n\r\n"), {400}),
    "chunk longer than said": (post(CHUNKED, body=b"1\r\n{}\r\n0\r\n\r\n"), {400}),
    "chunks with bare LF": (post(CHUNKED, body=b"2\n{}\n0\n\n"), {400}),
    "no last chunk": (post(CHUNKED, body=b"2\r\n{}\r\n"), {400}),
    "trailers": (
        post(CHUNKED, b"Trailer: X-Actor", body=b"2\r\n{}\r\n0\r\nX-Actor: root\r\nContent-Length: 90\r\n\r\n"),
        {200, 400},
    ),
    "trailer authorization": (post(CHUNKED, body=b"2\r\n{}\r\n0\r\nAuthorization: Bearer other\r\n\r\n"), {200, 400}),
    "folded header": (get(b"X-A: b\r\n folded"), {400}),
    "lines end with LF": (get(between=b"\n"), {200, 400}),
    "lines end with CR": (get(between=b"\r"), {400}),
    "an empty line before": (b"\r\n" + get(), {200, 400}),
    "NUL in a header": (get(b"X-A: a\x00b"), {400}),
    "a header without a name": (get(b": x"), {400}),
    "a header without a colon": (get(b"X-A"), {400}),
    "a space in a name": (get(b"X Actor: root"), {400}),
    "two hosts": (get(b"Host: inside"), {200, 400}),
    "no host": (get(host=b""), {200, 400}),
    "host with a line": (get(host=b"Host: gateway\r\n X-Actor: root"), {400}),
    "host with a path": (get(host=b"Host: gateway/../internal"), {200, 400}),
    "absolute target": (get(target=b"http://inside.test" + PERSON), {200, 400}),
    "absolute target of another scheme": (get(target=b"ftp://inside.test" + PERSON), {200, 400}),
    "absolute target with a user": (get(target=b"http://a:b@inside.test" + PERSON), {200, 400}),
    "authority target": (get(target=b"inside.test:80"), {400, 404}),
    "asterisk target": (get(target=b"*"), {400, 404}),
    "fragment in the target": (get(target=PERSON + b"#" + SMUGGLED), {200, 400}),
    "target with a space": (get(target=PERSON + b" HTTP/1.1\r\nX-Actor: root\r\nX:"), {200, 400}),
    "target with a tab": (get(target=PERSON + b"\tx"), {400}),
    "query with CR LF": (get(target=b"/v1/residence-registrations?a=%0d%0aX-Actor:%20root"), {200, 400}),
    "hop by hop": (get(b"Connection: close, Authorization, X-Purpose"), {200}),
    "upgrade to h2c": (get(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"), {200, 400}),
    "expect": (post(b"Expect: 100-continue", b"Content-Length: 2", body=b"{}"), {100, 417}),
    "expect something else": (post(b"Expect: 200-ok", b"Content-Length: 2", body=b"{}"), {200, 417}),
    "identity of the outside": (
        get(
            b"X-Forwarded-For: 10.0.0.1",
            b"X-Real-IP: 10.0.0.1",
            b"Forwarded: for=10.0.0.1",
            b"X-Client-Id: root",
            b"X-Division: 33",
        ),
        {200},
    ),
    "underscored identity": (get(b"X_Actor: root", b"X_Purpose: other", b"Authorization_: Bearer x"), {200}),
    "another method": (get().replace(b"GET ", b"GET\t", 1), {400}),
    "another version": (get().replace(b"HTTP/1.1", b"HTTP/3.0", 1), {400, 505}),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505}),
    "a method override": (
        get(b"X-HTTP-Method-Override: DELETE", b"X-Original-URL: /internal", b"X-Rewrite-URL: /internal"),
        {200},
    ),
    "a body on GET": (get(b"Content-Length: %d" % len(HIDDEN), b"Connection: close"), {200, 400}),
}


@pytest.mark.parametrize("name", CASES)
async def test_the_service_gets_one_request_and_no_other(door: str, service: ByteService, token: str, name: str) -> None:
    request, statuses = CASES[name]
    service.take()
    answer = await raw(door, request.replace(b"TOKEN", token.encode()) + HIDDEN)
    await asyncio.sleep(0.03)  # what was still on its way when the answer came
    heard = service.take()
    assert answer.status in statuses, (answer, heard)
    assert answer.status != 200 or heard
    assert SMUGGLED not in heard or name in {"a body on GET"}, heard
    _expect_one_request(heard)


def _expect_one_request(heard: bytes) -> None:
    head, _, body = heard.partition(b"\r\n\r\n")
    if not heard:
        return
    first, *lines = head.split(b"\r\n")
    assert re.fullmatch(rb"(GET|POST) /v1/[!-~]+ HTTP/1\.1", first), first
    names = [line.partition(b":")[0].lower() for line in lines]
    assert set(names) <= _ALLOWED, names
    assert len(set(names)) == len(names), names
    assert not re.search(rb"[\r\n]", head.replace(b"\r\n", b"")), head
    assert b"root" not in b"".join(lines)
    assert b"inside" not in head.split(b"Authorization")[0], head
    fields = dict(zip(names, (line.partition(b": ")[2] for line in lines), strict=True))
    assert not {b"content-length", b"transfer-encoding"} <= fields.keys()
    if b"content-length" in fields:
        assert len(body) == int(fields[b"content-length"]), heard
    elif b"transfer-encoding" in fields:
        _expect_chunks(body)
    else:
        assert not body, body


def _expect_chunks(body: bytes) -> None:
    """Chunks in their plainest form, without extensions; the last may be missing when the caller broke off."""
    while body:
        size, end, rest = body.partition(b"\r\n")
        assert re.fullmatch(rb"[0-9a-f]{1,3}", size), body
        length = int(size, 16)
        assert length or rest == b"\r\n", body
        assert not end or rest[length : length + 2] in {b"\r\n", b"\r", b""}, body
        body = rest[length + 2 :]


async def test_a_gateway_that_passes_bytes_on_would_be_caught(service: ByteService, token: str) -> None:
    """The planted defect: a proxy that copies what it gets."""
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        service.take()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(CASES["identity of the outside"][0].replace(b"TOKEN", token.encode()) + HIDDEN)
        await reader.read(16)
        writer.close()
        with pytest.raises(AssertionError):
            _expect_one_request(service.take())
