"""The load client where there is no wrk: raw sockets on asyncio, one request at a time on each connection. Run by `load.py`."""

import asyncio
import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import httptools
import uvloop


class _Caller(asyncio.Protocol):
    """Asks until the deadline, then closes."""

    def __init__(self, requests: "_Requests", done: "asyncio.Future[None]") -> None:
        self._requests = requests
        self._done = done
        self._parser = httptools.HttpResponseParser(self)
        self._asked_at = 0.0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one, but no subclass
        self._ask()

    def connection_lost(self, _: Exception | None) -> None:
        if not self._done.done():
            self._requests.broken += time.monotonic() < self._requests.deadline
            self._done.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        requests = self._requests
        now = time.monotonic()
        if now >= requests.deadline:
            self._transport.close()
            return
        requests.seconds.append(now - self._asked_at)
        requests.refused += self._parser.get_status_code() >= 400
        self._parser = httptools.HttpResponseParser(self)
        self._ask()

    def _ask(self) -> None:
        self._asked_at = time.monotonic()
        self._transport.write(self._requests.next())


class _Requests:
    """The ready-made requests, and what came of them."""

    def __init__(self, file: Path, seconds: float) -> None:
        self._requests = _read(file.read_bytes())
        self._place = 0
        self.deadline = time.monotonic() + seconds
        self.seconds: list[float] = []
        self.refused = 0
        self.broken = 0

    def next(self) -> bytes:
        request = self._requests[self._place % len(self._requests)]
        self._place += 1
        return request


def _read(content: bytes) -> list[bytes]:
    found, place = [], 0
    while place < len(content):
        start = content.index(b"\n", place) + 1
        place = start + int(content[place : start - 1])
        found.append(content[start:place])
    return found


async def _run(base_url: str, file: Path, connections: int, seconds: float) -> dict[str, float]:
    address = urlsplit(base_url)
    assert address.hostname
    assert address.port
    loop = asyncio.get_running_loop()
    requests = _Requests(file, seconds)
    started = time.monotonic()
    ends = [loop.create_future() for _ in range(connections)]
    for end in ends:
        await loop.create_connection(partial(_Caller, requests, end), address.hostname, address.port)
    await asyncio.gather(*ends)
    took = sorted(requests.seconds) or [0.0]
    return {
        "answered": len(requests.seconds),
        "seconds": time.monotonic() - started,
        "p50_ms": took[len(took) // 2] * 1000,
        "p95_ms": took[len(took) * 95 // 100] * 1000,
        "p99_ms": took[len(took) * 99 // 100] * 1000,
        "refused": requests.refused,
        "broken": requests.broken,
    }


if __name__ == "__main__":
    _, url, path, count, lasting = sys.argv
    print(json.dumps(uvloop.run(_run(url, Path(path), int(count), float(lasting)))))
