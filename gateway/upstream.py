"""The connection to one service, behind a small interface: whoever forwards knows no HTTP client."""

from collections.abc import AsyncIterator, Mapping
from typing import Protocol, Self

import aiohttp
from yarl import URL

# Nothing of aiohttp's own may reach a service; what is sent is what the forwarder wrote.
_NO_AUTOMATIC_HEADERS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
# Shorter than any service keeps an idle connection (uvicorn: 5 s), so that a request is not written into one just being closed.
_KEEP_IDLE_S = 3.0

Body = bytes | AsyncIterator[bytes] | None


class UpstreamError(Exception):
    """The service cannot be reached, or broke off; nobody knows whether it acted."""


class UpstreamAnswer(Protocol):
    """The head of an answer, and its body as it comes."""

    status: int

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Raw header fields."""
        ...

    async def whole(self) -> bytes:
        """The complete body."""
        ...

    def parts(self) -> AsyncIterator[bytes]:
        """The body in pieces as they arrive."""
        ...

    def abort(self) -> None:
        """Close the connection: the rest is not wanted."""
        ...


class Upstream(Protocol):
    """One service."""

    async def send(self, method: str, target: str, headers: Mapping[str, str], body: Body = None) -> UpstreamAnswer:
        """Ask; returns when the head of the answer is there. Raises `UpstreamError`."""
        ...


class _AiohttpAnswer:
    __slots__ = ("_response", "status")

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        return self._response.raw_headers

    async def whole(self) -> bytes:
        try:
            return await self._response.read()
        except (aiohttp.ClientError, OSError) as error:
            raise UpstreamError(type(error).__name__) from error

    async def parts(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._response.content.iter_any():
                yield part
        except (aiohttp.ClientError, OSError) as error:
            raise UpstreamError(type(error).__name__) from error

    def abort(self) -> None:
        self._response.close()


class AiohttpUpstream:
    """One service, through a shared aiohttp session."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str) -> None:
        self._session = session
        self._base_url = base_url

    async def send(self, method: str, target: str, headers: Mapping[str, str], body: Body = None) -> UpstreamAnswer:
        """See `Upstream.send`. aiohttp repeats a call, if idempotent, once when an idle connection was just closed."""
        try:
            # `encoded=True`: the service gets the very bytes that were matched.
            response = await self._session.request(
                method, URL(self._base_url + target, encoded=True), headers=headers, data=body, allow_redirects=False
            )
        except (aiohttp.ClientError, OSError) as error:
            raise UpstreamError(type(error).__name__) from error
        return _AiohttpAnswer(response)


class Upstreams:
    """All services; an async context manager that owns the connections."""

    def __init__(self, urls: Mapping[str, str], *, connect_timeout_s: float, max_connections: int) -> None:
        self._urls = urls
        self._connect_timeout_s = connect_timeout_s
        self._max_connections = max_connections
        self._sessions: list[aiohttp.ClientSession] = []
        self.by_name: dict[str, Upstream] = {}

    async def __aenter__(self) -> Self:
        # A session each, so that a service that hangs cannot use up the connections of the others.
        for name, url in self._urls.items():
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._max_connections, keepalive_timeout=_KEEP_IDLE_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=_NO_AUTOMATIC_HEADERS,
                # The deadline of each request is the caller's; here only the time to connect is bounded.
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_timeout_s),
            )
            self._sessions.append(session)
            self.by_name[name] = AiohttpUpstream(session, url)
        return self

    async def __aexit__(self, *_: object) -> None:
        for session in self._sessions:
            await session.close()
