"""A store that speaks S3: objects `<prefix>/ab/cd/abcd…` in one bucket, by our own small client on aiohttp.

Three requests are all that is needed, PUT, GET and DELETE of an object; each may be asked again without a second effect, as
an object's name is the digest of its content. The signature covers that digest, so a server that checks it refuses what arrived
changed.
"""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import aiohttp
from yarl import URL

from services.chassis.attachments.signature import EMPTY_SHA256, Credentials, signed_headers
from services.chassis.attachments.store import (
    READ_BYTES,
    MissingFileError,
    SealedFile,
    StoreError,
    StoreFullError,
    in_thread,
    of_the_disk,
)
from services.chassis.clock import utc_now

logger = logging.getLogger(__name__)

_TRIES = 3
_PAUSE_S = 0.2
_PASSING = frozenset({429, 500, 502, 503, 504})
_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=10, sock_connect=5, sock_read=30)


class S3Store:
    """One bucket, or the part of it below a prefix. `url` is `https://host[:port]/bucket[/prefix]` (path style)."""

    def __init__(self, url: str, credentials: Credentials) -> None:
        self._base = URL(url.rstrip("/"))
        self._credentials = credentials
        self._session: aiohttp.ClientSession | None = None

    async def put(self, file: SealedFile) -> None:
        """See `Store.put`."""
        answer = await self._ask("PUT", file.address, file)
        answer.release()
        with suppress(OSError):
            await in_thread(file.path.unlink)

    async def get(self, address: bytes) -> AsyncGenerator[bytes, None]:
        """See `Store.get`."""
        answer = await self._ask("GET", address)
        try:
            async for part in answer.content.iter_chunked(READ_BYTES):
                yield part
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise StoreError(type(error).__name__) from None
        finally:
            answer.close()

    async def delete(self, address: bytes) -> None:
        """See `Store.delete`."""
        with suppress(MissingFileError):
            answer = await self._ask("DELETE", address)
            answer.release()

    async def close(self) -> None:
        """Give back connections."""
        if self._session is not None:
            await self._session.close()

    async def _ask(self, method: str, address: bytes, file: SealedFile | None = None) -> aiohttp.ClientResponse:
        """Ask, and again when that may help; the answer is a good one. Raises `StoreError`."""
        name = address.hex()
        url = self._base.joinpath(name[:2], name[2:4], name)
        for attempt in range(1, _TRIES + 1):
            try:
                answer = await self._once(method, url, file)
            except (aiohttp.ClientError, TimeoutError) as error:
                reason = type(error).__name__
            else:
                if answer.status < 300:
                    return answer
                reason = f"status {answer.status}"
                answer.close()
                _refuse_final(answer.status, reason)
            logger.warning(
                "object store did not answer well", extra={"fields": {"method": method, "reason": reason, "try": attempt}}
            )
            if attempt < _TRIES:
                await asyncio.sleep(random.uniform(0.5, 1.0) * _PAUSE_S * 2**attempt)  # noqa: S311 - jitter, not a secret
        raise StoreError(reason)

    async def _once(self, method: str, url: URL, file: SealedFile | None) -> aiohttp.ClientResponse:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT, auto_decompress=False, trust_env=False)
        headers = signed_headers(
            self._credentials,
            method,
            host=url.authority if url.explicit_port else str(url.host),
            path=url.raw_path,
            content_sha256=EMPTY_SHA256 if file is None else file.address.hex(),
            at=utc_now(),
        )
        headers["Content-Type"] = "application/octet-stream"
        body: BinaryIO | None = None if file is None else await in_thread(_open, file.path)
        try:
            return await self._session.request(method, url, data=body, headers=headers, allow_redirects=False)
        finally:
            if body is not None:
                body.close()


def _refuse_final(status: int, reason: str) -> None:
    """Raise a `StoreError` for an answer that asking again will not change."""
    if status == 404:
        raise MissingFileError(reason)
    if status == 507:
        raise StoreFullError(reason)
    if status not in _PASSING:
        raise StoreError(reason)


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise of_the_disk(error) from None
