"""Forwarding: what reaches a service, what comes back, and what happens when either side misbehaves."""

import asyncio
import contextlib
import hashlib
import json
import re
import socket
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.gateway.conftest import PERSON, RunGateway, Services, bearer, raw
from tests.gateway.echo import CHUNK, CHUNKS, LARGE

PERSONS = "/v1/persons"
SEARCH = "/v1/persons/search"
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def names(answer: httpx.Response) -> set[str]:
    return {name for name, _ in answer.json()["headers"]}


def sent(answer: httpx.Response) -> dict[str, str]:
    return dict(answer.json()["headers"])


async def test_identity_and_forwarding_headers_of_the_outside_never_reach_a_service(
    http: httpx.AsyncClient, gateway: str, token: str
) -> None:
    forged = {
        "x-forwarded-for": "10.0.0.1",
        "x-forwarded-host": "inside",
        "x-forwarded-proto": "https",
        "x-forwarded-user": "root",
        "x-forwarded-prefix": "/internal",
        "x-original-url": "/internal/sandbox/clock",
        "x-rewrite-url": "/internal",
        "x-real-ip": "127.0.0.1",
        "forwarded": "for=127.0.0.1",
        "via": "1.1 inside",
        "x-inside-token": "x",
        "x-inside-client": "root",
        "x-client-id": "root",
        "x-organisation": "police",
        "x-division": "33",
        "x-scopes": "*",
        "x-user": "root",
        "x-actor": "officer-7",
        "cookie": "session=1",
        "proxy-authorization": "Basic eA==",
        "te": "trailers",
        "user-agent": "attacker",
        "accept-encoding": "gzip",
        "x-http-method-override": "DELETE",
        "range": "bytes=0-1",
        "origin": "https://evil.test",
        "referer": "https://evil.test/",
        "x_purpose": "underscore",
    }
    answer = await http.get(gateway + PERSON, headers={**bearer(token), **forged})
    assert answer.status_code == 200
    allowed = {"host", "authorization", "x-request-id", "traceparent", "x-request-deadline-ms", "accept"}
    assert names(answer) == allowed
    assert token not in answer.text


async def test_the_agreed_headers_reach_the_service_as_they_were(http: httpx.AsyncClient, gateway: str, token: str) -> None:
    given = {
        "idempotency-key": '"abc-1"',
        "if-match": '"3"',
        "if-none-match": '"2", "3"',
        "accept": "application/json",
        "accept-language": "en, zh;q=0.5",
        "content-type": "application/json",
    }
    answer = await http.request("PATCH", gateway + PERSON, headers={**bearer(token), **given}, content=b'{"a": 1}')
    assert {name: value for name, value in sent(answer).items() if name in given} == given
    assert sent(answer)["content-length"] == "8"


async def test_path_and_query_arrive_byte_for_byte(http: httpx.AsyncClient, gateway: str, token: str) -> None:
    query = "after=a%2Fb%20c%E5%BC%A0+d&limit=5&x=%2e%2e&y=~!$'()*,;:@/?"
    answer = await http.get(f"{gateway}/v1/residence-registrations?{query}", headers=bearer(token))
    assert answer.json()["raw_path"] == "/v1/residence-registrations"
    assert answer.json()["query"] == httpx.URL(f"http://x/?{query}").query.decode()


async def test_only_agreed_headers_come_back(http: httpx.AsyncClient, gateway: str, token: str) -> None:
    answer = await http.get(f"{gateway}{PERSON}?behave=headers", headers=bearer(token))
    assert answer.status_code == 201
    assert set(answer.headers) == {
        "content-type",
        "content-length",
        "etag",
        "location",
        "retry-after",
        "cache-control",
        "link",
        "deprecation",
        "ratelimit-policy",
        "ratelimit",
        "idempotency-replayed",
        "x-content-type-options",
        "referrer-policy",
        "x-frame-options",
        "x-request-id",
        "date",
    }
    assert answer.headers["cache-control"] == "private, max-age=5"


async def test_answers_are_not_to_be_stored_unless_the_service_says_so(
    http: httpx.AsyncClient, gateway: str, token: str
) -> None:
    answer = await http.get(gateway + PERSON, headers=bearer(token))
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("given", ["abc-1", "0192f0c1-0000-7000-8000-000000000001", "a" * 64, "a.b_c~d:e"])
async def test_a_well_formed_request_id_is_kept(http: httpx.AsyncClient, gateway: str, token: str, given: str) -> None:
    answer = await http.get(gateway + PERSON, headers=bearer(token, x_request_id=given))
    assert answer.headers["x-request-id"] == given
    assert sent(answer)["x-request-id"] == given


@pytest.mark.parametrize("given", [None, "", "a b", "a" * 65, "<script>", "a\tb", "张"])
async def test_otherwise_the_request_gets_one(http: httpx.AsyncClient, gateway: str, token: str, given: str | None) -> None:
    headers = {**bearer(token), **({} if given is None else {"x-request-id": given.encode()})}
    answer = await http.get(gateway + PERSON, headers=headers)  # type: ignore[arg-type]
    assert UUID7.fullmatch(answer.headers["x-request-id"])
    assert sent(answer)["x-request-id"] == answer.headers["x-request-id"]


async def test_every_answer_has_a_request_id_refusals_too(http: httpx.AsyncClient, gateway: str) -> None:
    for path in ("/v1/nothing", PERSON, "/readyz", "/docs", "/openapi.json", "/.well-known/jwks.json"):
        answer = await http.get(gateway + path, headers={"x-request-id": "mine"})
        assert answer.headers["x-request-id"] == "mine"
        assert answer.headers["x-content-type-options"] == "nosniff"
    refused = await http.get(f"{gateway}/v1/nothing", headers={"x-request-id": "mine"})
    assert refused.json()["request_id"] == "mine"


async def test_the_trace_is_continued_or_started(http: httpx.AsyncClient, gateway: str, token: str) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    answer = await http.get(gateway + PERSON, headers=bearer(token, traceparent=f"00-{trace}-b7ad6b7169203331-01"))
    version, continued, span, flags = sent(answer)["traceparent"].split("-")
    assert (version, continued, flags) == ("00", trace, "01")
    assert span != "b7ad6b7169203331"
    for malformed in ("00-xyz", f"00-{'0' * 32}-b7ad6b7169203331-01", f"ff-{trace}-b7ad6b7169203331-01"):
        started = sent(await http.get(gateway + PERSON, headers=bearer(token, traceparent=malformed)))["traceparent"]
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", started)
        assert trace not in started


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


def head(target: bytes, token: str, *more: bytes, method: bytes = b"GET") -> bytes:
    lines = [
        method + b" " + target + b" HTTP/1.1",
        b"Host: gateway",
        b"Connection: close",
        b"X-Purpose: residence_registration",
        b"Authorization: Bearer " + token.encode(),
        *more,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n"


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
    answer = await raw(gateway, head(target, token))
    assert answer.status in (400, 404), answer
    assert services.registry.calls == before


async def test_an_absolute_target_is_read_by_its_path_only(gateway: str, token: str) -> None:
    answer = await raw(gateway, head(b"http://inside.test:9" + PERSON.encode(), token))
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
    smuggled = head(PERSON.encode(), token)
    request = head(SEARCH.encode(), token, *lines, method=b"POST").replace(b"Connection: close\r\n", b"", 1)
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
    answer = await raw(gateway, head(PERSON.encode(), token, *lines))
    assert answer.status == 400
    assert json.loads(answer.body)["type"] == "urn:xinshimin:problem:header-malformed"


async def test_lists_may_be_given_in_several_lines(gateway: str, token: str) -> None:
    answer = await raw(gateway, head(PERSON.encode(), token, b"Accept-Language: en", b"Accept-Language: zh"))
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
    answer = await raw(gateway, head(SEARCH.encode(), token, b"Content-Length: 65537", method=b"POST"))
    assert answer.status == 413
    assert json.loads(answer.body)["limit"] == 64 << 10
    assert services.registry.calls == before
    absurd = await raw(gateway, head(SEARCH.encode(), token, b"Content-Length: 9999999999999999999", method=b"POST"))
    assert absurd.status in (400, 413)


async def test_a_chunked_body_over_the_limit_is_refused_while_it_comes(gateway: str, token: str) -> None:
    request = head(SEARCH.encode(), token, b"Transfer-Encoding: chunked", method=b"POST")
    chunk = b"1000\r\n" + b"a" * 4096 + b"\r\n"
    answer = await raw(gateway, request + chunk * 17)
    assert answer.status == 413
    assert answer.headers["connection"] == "close"


async def test_an_endless_body_is_cut_off(gateway: str, token: str) -> None:
    host, port = gateway.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head(SEARCH.encode(), token, b"Transfer-Encoding: chunked", method=b"POST"))
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
    hidden = head(b"/v1/nothing", token)
    refused = (
        b"POST /v1/persons/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(hidden)
    ) + hidden
    host, port = gateway.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(refused + head(PERSON.encode(), token, b"X-Request-Id: second"))
    async with asyncio.timeout(10):
        content = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert re.findall(rb"HTTP/1.1 (\d+) ", content) == [b"401", b"200"]
    assert b"x-request-id: second" in content


async def test_long_answers_stream_through(http: httpx.AsyncClient, gateway: str, token: str) -> None:
    async with http.stream("GET", f"{gateway}{PERSON}?behave=stream", headers=bearer(token)) as answer:
        assert answer.headers["transfer-encoding"] == "chunked"
        size = 0
        async for part in answer.aiter_raw():
            size += len(part)
    assert size == len(CHUNK) * CHUNKS
    large = await http.get(f"{gateway}{PERSON}?behave=large", headers=bearer(token))
    assert large.headers["content-length"] == str(len(LARGE))
    assert large.content == LARGE


async def test_an_answer_that_breaks_off_is_never_passed_on_as_whole(gateway: str, token: str, http: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await http.get(f"{gateway}{PERSON}?behave=break", headers=bearer(token))


async def test_a_service_that_fails_without_a_problem_document_gets_one(
    http: httpx.AsyncClient, gateway: str, token: str
) -> None:
    answer = await http.post(f"{gateway}{SEARCH}?behave=crash", headers=bearer(token), json={})
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:xinshimin:problem:internal-error")


async def test_a_call_that_broke_off_is_not_repeated(
    http: httpx.AsyncClient, run_gateway: RunGateway, token: str, services: Services
) -> None:
    heard: list[bytes] = []

    async def hear_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append((await reader.readuntil(b"\r\n\r\n")).split(b" ", 1)[0])
        writer.close()

    server = await asyncio.start_server(hear_and_close, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with run_gateway(upstreams={**services.urls, "registry": f"http://127.0.0.1:{port}"}) as url:
            posted = await http.post(url + SEARCH, headers=bearer(token), json={})
            got = await http.get(url + PERSON, headers=bearer(token))
    for answer in (posted, got):
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:xinshimin:problem:service-unavailable")
        assert answer.json()["service"] == "registry"
    assert heard == [b"POST", b"GET"]


async def test_a_read_whose_idle_connection_was_just_closed_is_asked_again_and_a_write_is_not(
    http: httpx.AsyncClient, run_gateway: RunGateway, token: str, services: Services
) -> None:
    """The service answers one request per connection, says it will keep it, and closes on the second."""
    heard: list[bytes] = []

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            heard.append((await reader.readuntil(b"\r\n\r\n")).split(b" ", 1)[0])
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            heard.append((await reader.readuntil(b"\r\n\r\n")).split(b" ", 1)[0])
        writer.close()

    server = await asyncio.start_server(answer_once, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with run_gateway(upstreams={**services.urls, "registry": f"http://127.0.0.1:{port}"}) as url:
            statuses = [(await http.get(url + PERSON, headers=bearer(token))).status_code for _ in range(2)]
            statuses.append((await http.post(url + SEARCH, headers=bearer(token), json={})).status_code)
    assert statuses == [200, 200, 503]
    assert heard == [b"GET", b"GET", b"GET", b"POST"]


_BAD_ANSWERS: dict[str, bytes] = {
    "no HTTP": b"hello\r\n\r\n",
    "no end declared": b"HTTP/1.1 200 OK\r\n\r\n{}",
    "shorter than declared": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "length and chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a broken chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "an upgrade": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "an endless head": b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * (70 << 10) + b"\r\nContent-Length: 2\r\n\r\n{}",
    "nothing": b"",
}


@pytest.mark.parametrize("name", _BAD_ANSWERS)
async def test_a_malformed_answer_is_never_passed_on(
    http: httpx.AsyncClient, run_gateway: RunGateway, token: str, services: Services, name: str
) -> None:
    async def misbehave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(_BAD_ANSWERS[name])
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(misbehave, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with run_gateway(upstreams={**services.urls, "registry": f"http://127.0.0.1:{port}"}) as url:
            try:
                answer = await http.get(url + PERSON, headers=bearer(token))
            except httpx.RemoteProtocolError:
                return  # broken off in the middle, as it came
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:xinshimin:problem:service-unavailable")


async def test_a_second_answer_is_nobodys(
    http: httpx.AsyncClient, run_gateway: RunGateway, token: str, services: Services
) -> None:
    """Two answers to one request: the first is passed on, the connection ends, the next caller gets an answer of its own."""

    async def answer_twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        own = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + head.split(b" ")[1][-1:]
        writer.write(own + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer_twice, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with run_gateway(upstreams={**services.urls, "registry": f"http://127.0.0.1:{port}"}) as url:
            bodies = [(await http.get(f"{url}/v1/persons/{name}", headers=bearer(token))).text for name in "abc"]
    assert bodies == ["a", "b", "c"]


async def test_an_interim_answer_is_passed_over(
    http: httpx.AsyncClient, run_gateway: RunGateway, token: str, services: Services
) -> None:
    async def hint_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 204 No Content\r\nETag: "2"\r\n\r\n')
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(hint_first, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with run_gateway(upstreams={**services.urls, "registry": f"http://127.0.0.1:{port}"}) as url:
            answer = await http.get(url + PERSON, headers=bearer(token))
    assert (answer.status_code, answer.headers["etag"], answer.content) == (204, '"2"', b"")
    assert "link" not in answer.headers


async def test_a_service_that_answers_before_it_read_everything_is_heard(
    http: httpx.AsyncClient, run_gateway: RunGateway, token: str, services: Services
) -> None:
    async def refuse_early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        await asyncio.sleep(0.2)
        writer.close()

    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"a" * 1000
            await asyncio.sleep(0.05)

    server = await asyncio.start_server(refuse_early, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with run_gateway(upstreams={**services.urls, "registry": f"http://127.0.0.1:{port}"}) as url:
            for _ in range(3):
                answer = await http.post(url + SEARCH, headers=bearer(token), content=slowly())
                assert (answer.status_code, answer.content) == (409, b"{}")


async def test_a_slow_reader_does_not_make_the_gateway_collect_the_answer(
    gateway: str, token: str, run_gateway: RunGateway, services: Services
) -> None:
    """A service that sends 64 MiB to a caller that reads nothing gets stuck itself: the gateway keeps only its buffers."""
    written = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(1024):
                writer.write(b"10000\r\n" + b"a" * 65536 + b"\r\n")
                await writer.drain()
                written += 65536
        writer.close()

    server = await asyncio.start_server(pour, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with run_gateway(upstreams={**services.urls, "registry": f"http://127.0.0.1:{port}"}, request_deadline_s=1.5) as url:
            host, own_port = url.removeprefix("http://").split(":")
            _, writer = await asyncio.open_connection(host, int(own_port), limit=4096)
            writer.write(head(PERSON.encode(), token))
            await asyncio.sleep(1)
            collected = written
            writer.transport.abort()
            await asyncio.sleep(0.2)
    assert 0 < collected < 32 << 20


async def test_a_service_that_refuses_our_token_is_our_fault_not_the_callers(
    http: httpx.AsyncClient, gateway: str, token: str
) -> None:
    answer = await http.get(f"{gateway}{PERSON}?behave=refuse", headers=bearer(token))
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:xinshimin:problem:service-unavailable")


async def test_a_service_that_is_down_is_named(
    http: httpx.AsyncClient, run_gateway: RunGateway, token: str, services: Services
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with run_gateway(upstreams={**services.urls, "points_hukou": dead}) as url:
            points = await http.get(f"{url}/v1/points/files/x", headers=bearer(token))
            registry = await http.get(url + PERSON, headers=bearer(token))
    assert (points.status_code, points.json()["service"], points.headers["retry-after"]) == (503, "points_hukou", "2")
    assert registry.status_code == 200


async def test_a_service_that_hangs_meets_the_deadline(http: httpx.AsyncClient, run_gateway: RunGateway, token: str) -> None:
    with run_gateway(request_deadline_s=0.5) as url:
        started = time.monotonic()
        answer = await http.get(f"{url}{PERSON}?behave=slow", headers=bearer(token))
        assert (answer.status_code, answer.json()["type"]) == (504, "urn:xinshimin:problem:deadline-exceeded")
        assert 0.4 < time.monotonic() - started < 3


async def test_the_caller_may_ask_for_a_nearer_deadline_but_not_a_farther_one(
    http: httpx.AsyncClient, gateway: str, token: str
) -> None:
    near = await http.get(f"{gateway}{PERSON}?behave=slow", headers=bearer(token, x_request_deadline_ms="200"))
    assert near.status_code == 504
    for given, expected in (("900", 900), ("90000000", 5000), ("soon", 5000), ("-1", 5000)):
        answer = await http.get(gateway + PERSON, headers=bearer(token, x_request_deadline_ms=given))
        assert int(sent(answer)["x-request-deadline-ms"]) == expected


async def test_when_the_caller_goes_away_the_service_is_told(gateway: str, token: str, services: Services) -> None:
    before = services.registry.given_up
    host, port = gateway.removeprefix("http://").split(":")
    for target, body in ((PERSON, b""), (SEARCH, b'{"a": 1}')):
        method = b"POST" if body else b"GET"
        _, writer = await asyncio.open_connection(host, int(port))
        length = b"Content-Length: %d" % len(body)
        request = head(f"{target}?behave=slow".encode(), token, length, method=method)
        writer.write(request.replace(b"Connection: close\r\n", b"") + body)
        await writer.drain()
        await asyncio.sleep(0.3)
        writer.close()
        await writer.wait_closed()
    async with asyncio.timeout(3):
        while services.registry.given_up < before + 2:  # noqa: ASYNC110 - it counts in another thread
            await asyncio.sleep(0.02)


async def test_beyond_the_limit_of_requests_under_way_the_answer_is_busy_at_once(
    http: httpx.AsyncClient, run_gateway: RunGateway, token: str
) -> None:
    with run_gateway(max_in_flight=2) as url:
        slow = bearer(token, x_request_deadline_ms="1500")
        waiting = [asyncio.create_task(http.get(f"{url}{PERSON}?behave=slow", headers=slow)) for _ in range(2)]
        await asyncio.sleep(0.5)
        started = time.monotonic()
        refused = await http.get(url + PERSON, headers=bearer(token))
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert time.monotonic() - started < 0.2
        assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [504, 504]
        assert (await http.get(url + PERSON, headers=bearer(token))).status_code == 200


async def test_concurrent_callers_get_their_own_answers(http: httpx.AsyncClient, gateway: str, token: str) -> None:
    async def one(number: int) -> bool:
        answer = await http.get(f"{gateway}/v1/persons/p{number}", headers=bearer(token, x_actor=f"officer-{number}"))
        content = answer.json()
        return bool(content["raw_path"].endswith(f"/p{number}") and content["principal"]["actor"] == f"officer-{number}")

    assert all(await asyncio.gather(*(one(number) for number in range(100))))


async def test_refusals_speak_the_callers_language(http: httpx.AsyncClient, gateway: str) -> None:
    chinese = await http.get(f"{gateway}/v1/nothing")
    english = await http.get(f"{gateway}/v1/nothing", headers={"accept-language": "en-GB, zh;q=0.2"})
    assert (chinese.json()["title"], english.json()["title"]) == ("没有找到", "Not found")
    assert english.headers["content-language"] == "en"
