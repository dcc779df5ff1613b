"""Where sealed files lie: `folder.py` or `s3.py`. A store sees ciphertext under its SHA-256 and nothing else."""

import asyncio
import errno
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

READ_BYTES = 256 << 10

P = ParamSpec("P")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A whole sealed file in the spool. `address` is the SHA-256 (32 bytes) of its ciphertext."""

    path: Path
    address: bytes
    length: int


class StoreError(Exception):
    """The store cannot be reached, or refuses to work."""


class StoreFullError(StoreError):
    """There is no room for the file."""


class MissingFileError(StoreError):
    """There is no file at the address."""


class Store(Protocol):
    """Keeps sealed files by their address."""

    async def put(self, file: SealedFile) -> None:
        """Return when the file is durable under its address; the one in the spool may be gone then. Raises `StoreError`."""
        ...

    def get(self, address: bytes) -> AsyncGenerator[bytes, None]:
        """The file in pieces. Raises `MissingFileError` and `StoreError`, also in the middle."""
        ...

    async def delete(self, address: bytes) -> None:
        """Return when there is no file at the address; that there was none is fine. Raises `StoreError`."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def of_the_disk(error: OSError) -> StoreError:
    """What went wrong with a file of ours, without its path."""
    reason = errno.errorcode.get(error.errno or 0, type(error).__name__)
    if error.errno in _NO_ROOM:
        return StoreFullError(reason)
    return MissingFileError(reason) if error.errno == errno.ENOENT else StoreError(reason)


async def in_thread(work: Callable[P, Result], *arguments: P.args, **named: P.kwargs) -> Result:
    """Run blocking work in a thread. When cancelled, it is waited for: nobody closes a file that a thread is still writing."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *arguments, **named))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
