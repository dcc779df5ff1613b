"""What callers send: paths, framing, headers and bodies that are refused before any service hears of them."""

import asyncio
import contextlib
import hashlib
import json
import re

import httpx
import pytest

from tests.gateway.conftest import PERSON, Services, bearer, raw, request_head

SEARCH = "/v1/persons/search"


@pytest.mark.parametrize("path", ["/", "/v1/nothing", "/internal/sandbox/clock", "/v1/persons/", "/admin"])
async def test_what_is_not_in_the_table_does_not_exist(
    http: httpx.AsyncClient, gateway: str, token: str, path: str, services: Services
) -> None:
    before = services.registry.calls
    answer = await http.get(gateway + path, headers=bearer(token))
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert services.registry.calls == before


async def test_another_method_is_told_which_there_are(http: httpx.AsyncClient, gateway: str, token: str) -> None:
    for method in ("DELETE", "PUT", "OPTIONS", "HEAD", "POST"):
        answer = await http.request(method, gateway + PERSON, headers=bearer(token))
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PATCH"), method


@pytest.mark.parametrize(
    "target",
    [
        b"/v1/persons/../persons/x",
        b"/v1/persons/..%2f..%2finternal/sandbox/clock",
        b"/v1/persons/%2e%2e/%2e%2e/internal/sandbox/clock",
        b"/v1/persons/..;/internal",
        b"/v1//persons/x",
        b"//v1/persons/x",
        b"//inside.test/v1/persons/x",
        b"/v1/persons/x%00",
        b"/v1/persons/x%0d%0aX-Actor:%20root",
        b"/v1/persons/x%20HTTP/1.1",
        b"/v1%2fpersons/x",
        b"/%76%31/persons/x",
        b"/v1\\persons\\x",
        b"/v1/persons/x;jsessionid=1",
        b"/v1/persons/\xe5\xbc\xa0",
        b"/v1/persons/./x",
        b"/v1/persons/x/.",
        b"/v1/persons/x/..",
        b"/v1/persons/{person_id}",
        b"/v1/persons/x|y",
        b"/v1/persons/x^y",
        b"*",
        b"/v1/residence-registrations?a=\xff",
    ],
)
async def test_path_tricks_reach_nobody(gateway: str, token: str, services: Services, target: bytes) -> None:
    before = services.registry.calls
    answer = await raw(gateway, request_head(target, token))
    assert answer.status in (400, 404), answer
    assert services.registry.calls == before


async def test_an_absolute_target_is_read_by_its_path_only(gateway: str, token: str) -> None:
    answer = await raw(gateway, request_head(b"http://inside.test:9" + PERSON.encode(), token))
    assert answer.status == 200
    assert json.loads(answer.body)["raw_path"] == PERSON


@pytest.mark.parametrize(
    "lines",
    [
        (b"Content-Length: 5", b"Content-Length: 6"),
        (b"Content-Length: 5", b"Transfer-Encoding: chunked"),
        (b"Transfer-Encoding: chunked, identity",),
        (b"Transfer-Encoding : chunked",),
        (b"Transfer-Encoding: xchunked",),
        (b"Content-Length: +5",),
        (b"Content-Length: 5, 5",),
        (b"Content-Length: -1",),
        (b"Content-Length: 0x5",),
        (b"Bad Header: x",),
        (b": x",),
        (b"X-A: a\x00b",),
        (b" folded: x",),
    ],
    ids=lambda lines: b"|".join(lines).decode("latin-1"),
)
async def test_ambiguous_framing_reaches_nobody(gateway: str, token: str, services: Services, lines: tuple[bytes, ...]) -> None:
    """After a refusal the connection ends, so nothing smuggled behind the request is read as another one."""
    before = services.registry.calls
    smuggled = request_head(PERSON.encode(), token)
    request = request_head(SEARCH.encode(), token, *lines, method=b"POST").replace(b"Connection: close\r\n", b"", 1)
    answer = await raw(gateway, request + b"0\r\n\r\n" + smuggled)
    assert answer.status == 400, answer
    assert services.registry.calls == before


@pytest.mark.parametrize(
    "lines",
    [
        (b"Authorization: Bearer other",),
        (b"X-Purpose: school_admission",),
        (b"X-Actor: a", b"X-Actor: b"),
        (b"Idempotency-Key: a", b"Idempotency-Key: b"),
        (b'If-Match: "1"', b'If-Match: "2"'),
        (b"X-Request-Id: a", b"X-Request-Id: b"),
        (b"Accept: \xff",),
        (b"Idempotency-Key: \xe5\xbc\xa0",),
        tuple(b"X-Filler-%d: x" % number for number in range(80)),
    ],
    ids=lambda lines: lines[0].decode("latin-1"),
)
async def test_repeated_malformed_or_too_many_headers_are_refused(gateway: str, token: str, lines: tuple[bytes, ...]) -> None:
    answer = await raw(gateway, request_head(PERSON.encode(), token, *lines))
    assert answer.status == 400
    assert json.loads(answer.body)["type"] == "urn:xinshimin:problem:header-malformed"


async def test_lists_may_be_given_in_several_lines(gateway: str, token: str) -> None:
    answer = await raw(gateway, request_head(PERSON.encode(), token, b"Accept-Language: en", b"Accept-Language: zh"))
    assert dict(json.loads(answer.body)["headers"])["accept-language"] == "en, zh"


async def test_a_target_over_8_kib_is_too_long(http: httpx.AsyncClient, gateway: str, token: str) -> None:
    answer = await http.get(f"{gateway}/v1/residence-registrations?x={'a' * 8200}", headers=bearer(token))
    assert (answer.status_code, answer.json()["limit"]) == (414, 8192)


async def test_bodies_are_streamed_whole_and_counted(http: httpx.AsyncClient, gateway: str, token: str) -> None:
    content = bytes(range(256)) * 256

    async def pieces() -> object:
        for start in range(0, len(content), 1000):
            yield content[start : start + 1000]

    for body in (content, pieces()):
        answer = await http.post(gateway + SEARCH, headers=bearer(token), content=body)  # type: ignore[arg-type]
        assert answer.json()["body_bytes"] == 64 << 10
        assert answer.json()["body_sha256"] == hashlib.sha256(content).hexdigest()


async def test_a_declared_body_over_the_limit_is_refused_unread(gateway: str, token: str, services: Services) -> None:
    before = services.registry.calls
    answer = await raw(gateway, request_head(SEARCH.encode(), token, b"Content-Length: 65537", method=b"POST"))
    assert answer.status == 413
    assert json.loads(answer.body)["limit"] == 64 << 10
    assert services.registry.calls == before
    absurd = await raw(gateway, request_head(SEARCH.encode(), token, b"Content-Length: 9999999999999999999", method=b"POST"))
    assert absurd.status in (400, 413)


async def test_a_chunked_body_over_the_limit_is_refused_while_it_comes(gateway: str, token: str) -> None:
    request = request_head(SEARCH.encode(), token, b"Transfer-Encoding: chunked", method=b"POST")
    chunk = b"1000\r\n" + b"a" * 4096 + b"\r\n"
    answer = await raw(gateway, request + chunk * 17)
    assert answer.status == 413
    assert answer.headers["connection"] == "close"


async def test_an_endless_body_is_cut_off(gateway: str, token: str) -> None:
    host, port = gateway.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request_head(SEARCH.encode(), token, b"Transfer-Encoding: chunked", method=b"POST"))
    chunk = b"1000\r\n" + b"a" * 4096 + b"\r\n"
    sent_bytes = 0
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(10):
            while sent_bytes < 50 << 20:
                writer.write(chunk)
                await writer.drain()
                sent_bytes += 4096
    writer.close()
    assert sent_bytes < 50 << 20
    del reader


async def test_after_a_refusal_the_connection_serves_the_next_request(gateway: str, token: str) -> None:
    """The body of a refused request is not taken for a request."""
    hidden = request_head(b"/v1/nothing", token)
    refused = (
        b"POST /v1/persons/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(hidden)
    ) + hidden
    host, port = gateway.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(refused + request_head(PERSON.encode(), token, b"X-Request-Id: second"))
    async with asyncio.timeout(10):
        content = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert re.findall(rb"HTTP/1.1 (\d+) ", content) == [b"401", b"200"]
    assert b"x-request-id: second" in content
