"""What services answer: long, late, broken or never; and callers that leave, wait or do not read."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.gateway.conftest import PERSON, RunGateway, Services, bearer, in_front_of, request_head
from tests.gateway.echo import CHUNK, CHUNKS, LARGE

SEARCH = "/v1/persons/search"


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

    async with in_front_of(hear_and_close, run_gateway, services) as url:
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

    async with in_front_of(answer_once, run_gateway, services) as url:
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

    async with in_front_of(misbehave, run_gateway, services) as url:
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

    async with in_front_of(answer_twice, run_gateway, services) as url:
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

    async with in_front_of(hint_first, run_gateway, services) as url:
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

    async with in_front_of(refuse_early, run_gateway, services) as url:
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

    async with in_front_of(pour, run_gateway, services, request_deadline_s=1.5) as url:
        host, own_port = url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(own_port), limit=4096)
        writer.write(request_head(PERSON.encode(), token))
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
        assert int(dict(answer.json()["headers"])["x-request-deadline-ms"]) == expected


async def test_when_the_caller_goes_away_the_service_is_told(gateway: str, token: str, services: Services) -> None:
    before = services.registry.given_up
    host, port = gateway.removeprefix("http://").split(":")
    for target, body in ((PERSON, b""), (SEARCH, b'{"a": 1}')):
        method = b"POST" if body else b"GET"
        _, writer = await asyncio.open_connection(host, int(port))
        length = b"Content-Length: %d" % len(body)
        request = request_head(f"{target}?behave=slow".encode(), token, length, method=method)
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
