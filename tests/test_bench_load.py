"""The load client that `make bench` takes where wrk is not installed."""

import asyncio

import pytest

from bench import load

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(_ANSWER)
    except asyncio.IncompleteReadError:
        writer.close()


async def test_our_own_client_brings_answers_where_there_is_no_wrk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.load.shutil.which", lambda _: None)
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    calls = [load.Call("GET", f"/v1/persons/{number}") for number in range(100)]
    async with server:
        brought = await asyncio.to_thread(load.drive, f"http://{host}:{port}", calls, {}, connections=4, seconds=1)
    assert brought.answered > 100
    assert brought.p50_ms <= brought.p95_ms <= brought.p99_ms
