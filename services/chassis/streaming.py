"""Bodies that do not fit into memory: taken in while they arrive, given out while they are read.

What comes in is received whole and made durable *before* the transaction that tells of it: no connection to the database waits
for a slow sender, and no row ever tells of something that is not there. What goes out is announced with its length and ends
early when something is wrong with it, so that nobody takes a part for the whole.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

if TYPE_CHECKING:
    from services.chassis.runtime import Runtime

logger = logging.getLogger(__name__)


class StreamedBody(ABC):
    """A request body that is received before the handler runs; a handler takes it as `Annotated[Body, SUPPLIED]`."""

    @classmethod
    @abstractmethod
    async def receive(cls, runtime: "Runtime", request: Request) -> Self:
        """Take the whole body in, counted while it arrives. Raises `DomainError`, and leaves nothing behind then."""

    @property
    @abstractmethod
    def digest(self) -> bytes:
        """Tells whether another body is the same: part of the idempotency fingerprint."""

    @abstractmethod
    async def keep(self) -> None:
        """Make it durable, before the transaction that tells of it. Raises `DomainError`."""

    @abstractmethod
    async def discard(self) -> None:
        """No committed transaction tells of it: remove it. Never raises; what cannot be removed now is removed later."""


@dataclass(frozen=True, slots=True)
class StreamedAnswer:
    """An answer that is not JSON and not in memory. `parts` is opened, and its first piece awaited, before the head is sent."""

    media_type: str
    length: int
    headers: Mapping[str, str]
    parts: AsyncGenerator[bytes, None]

    async def response(self, deadline_s: float) -> Response:
        """The response, to be sent within `deadline_s`. Raises what the first piece raises."""
        first = await anext(self.parts, b"")
        headers = {**self.headers, "content-length": str(self.length)}
        return _StreamedResponse(first, self.parts, headers=headers, media_type=self.media_type, deadline_s=deadline_s)


class _StreamedResponse(Response):
    """Sends piece by piece, no faster than the reader takes them."""

    def __init__(
        self, first: bytes, rest: AsyncGenerator[bytes, None], *, headers: Mapping[str, str], media_type: str, deadline_s: float
    ) -> None:
        self.status_code = 200
        self.media_type = media_type
        self.background = None
        self.body = b""
        self._first, self._rest, self._deadline_s = first, rest, deadline_s
        self.init_headers(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Send. When it cannot be finished the last piece is not sent: the server then closes the connection."""
        try:
            async with aclosing(self._rest), asyncio.timeout(self._deadline_s):
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                await send({"type": "http.response.body", "body": self._first, "more_body": True})
                async for part in self._rest:
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except Exception:
            logger.exception("a streamed answer was broken off")
