"""One HTTP/1.1 connection to a service: requests written by hand, answers parsed by llhttp (httptools), one exchange at a time.

Strict where two readers could disagree: an answer without a declared end, bytes nobody asked for, an upgrade or a second answer
end the connection, and what was not received whole is never taken for whole.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import httptools

_LARGEST_HEAD_BYTES = 64 << 10
_PAUSE_READING_BYTES = 256 << 10

Header = tuple[bytes, bytes]


class UpstreamError(Exception):
    """The service cannot be reached, or broke off; nobody knows whether it acted."""


class HttpConnection(asyncio.Protocol):
    """The client's side of one connection. `status` and `headers` are those of the answer being received."""

    __slots__ = (
        "_buffered",
        "_can_write",
        "_complete",
        "_error",
        "_expecting",
        "_head_bytes",
        "_head_complete",
        "_keep_alive",
        "_parser",
        "_parts",
        "_reading_paused",
        "_transport",
        "_waiter",
        "headers",
        "idle_since",
        "received_anything",
        "status",
    )

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._can_write: asyncio.Future[None] | None = None
        self._error: UpstreamError | None = None
        self._expecting = False
        self._keep_alive = True
        self._reading_paused = False
        self.idle_since = 0.0
        self._reset()

    def _reset(self) -> None:
        self.status = 0
        self.headers: list[Header] = []
        self.received_anything = False
        self._parts: list[bytes] = []
        self._buffered = 0
        self._head_bytes = 0
        self._head_complete = False
        self._complete = False

    # What the pool and the answer do with it.

    @property
    def is_reusable(self) -> bool:
        """Whether another request may be written: the last answer was whole, and nobody closed or said they would."""
        return self._error is None and self._keep_alive and not self._expecting and not self._closing

    @property
    def _closing(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def begin(self, head: bytes) -> None:
        """Write the head of a request, with as much of the body as is at hand."""
        self._reset()
        self._expecting = True
        assert self._transport is not None
        self._transport.write(head)

    async def write(self, part: bytes) -> None:
        """Write more of the body, as fast as the service takes it. Raises `UpstreamError`."""
        if self._can_write is not None:
            await self._can_write
        if self._error is not None:
            raise self._error
        assert self._transport is not None
        self._transport.write(part)

    async def head(self) -> None:
        """Return when status and headers are there. Raises `UpstreamError`."""
        while not self._head_complete:
            await self._more()

    async def whole(self) -> bytes:
        """The complete body. Raises `UpstreamError`."""
        while not self._complete:
            self._resume_reading()
            await self._more()
        return self._take()

    async def parts(self) -> AsyncIterator[bytes]:
        """The body as it comes; not read faster than it is taken. Raises `UpstreamError`."""
        while True:
            if self._parts:
                yield self._take()
            if self._complete and not self._parts:
                return
            if not self._parts:
                await self._more()

    def abort(self) -> None:
        """Close at once; what was under way is lost."""
        if self._transport is not None:
            self._transport.abort()

    async def _more(self) -> None:
        if self._error is not None:
            raise self._error
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _take(self) -> bytes:
        """What was received so far. There is room again, also after the end: a connection that does not read is deaf to its
        next answer and to the service's closing."""
        parts, self._parts, self._buffered = self._parts, [], 0
        self._resume_reading()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _resume_reading(self) -> None:
        if self._reading_paused and self._transport is not None:
            self._reading_paused = False
            self._transport.resume_reading()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, reason: str) -> None:
        """End the connection; whoever waits is told."""
        if self._error is None:
            self._error = UpstreamError(reason)
        self.abort()
        self._wake()
        self.resume_writing()

    # What the event loop tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection ended; an answer without its declared end is no answer."""
        self._fail(type(exc).__name__ if exc is not None else "closed")

    def data_received(self, data: bytes) -> None:
        """Parse; the callbacks below are called from within."""
        if not self._expecting:
            self._fail("bytes nobody asked for")
            return
        self.received_anything = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(type(error).__name__)
        if self._buffered > _PAUSE_READING_BYTES and not self._reading_paused and not self._closing:
            self._reading_paused = True
            assert self._transport is not None
            self._transport.pause_reading()
        self._wake()

    def pause_writing(self) -> None:
        """The service does not keep up."""
        if self._can_write is None:
            self._can_write = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """It does again, or there is no point in waiting."""
        if self._can_write is not None and not self._can_write.done():
            self._can_write.set_result(None)
        self._can_write = None

    # What the parser finds.

    def on_message_begin(self) -> None:
        """An answer begins; there may be only one."""
        if self._complete:
            self._fail("a second answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header field, or a trailer, which is dropped."""
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > _LARGEST_HEAD_BYTES:
            self._fail("too long a head")
        elif not self._head_complete:
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is there. An interim answer (1xx) is passed over."""
        status = self._parser.get_status_code()
        if status < 200:
            self.headers = []
            return
        self.status = status
        self._keep_alive = self._parser.should_keep_alive()
        self._head_complete = True

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        if not self._complete:
            self._parts.append(body)
            self._buffered += len(body)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        if self._head_complete and self._error is None:
            self._complete = True
            self._expecting = False
