"""An upload: the request's body as a file, taken in while it arrives (`streaming.StreamedBody`)."""

import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Self

from starlette.requests import Request

from services.chassis.attachments import housekeeping, rows
from services.chassis.attachments.intake import Intake, TakenFile
from services.chassis.attachments.keeping import Attachments, refusal_of
from services.chassis.attachments.store import StoreError, in_thread
from services.chassis.crash_points import crash_point
from services.chassis.db import Pool, in_transaction
from services.chassis.errors import DomainError
from services.chassis.rows import SERVICE
from services.chassis.streaming import StreamedBody

if TYPE_CHECKING:
    from services.chassis.runtime import Runtime

logger = logging.getLogger(__name__)

# Large enough that the way into a thread and back costs little, small enough that many uploads fit into memory.
_BATCH_BYTES = 256 << 10


class ReceivedFile(StreamedBody):
    """One whole file, in the spool until it is kept."""

    def __init__(self, attachments: Attachments, pool: Pool, intake: Intake, taken: TakenFile) -> None:
        self._attachments = attachments
        self._pool = pool
        self._intake = intake
        self._announced = False
        self.taken = taken

    @classmethod
    async def receive(cls, runtime: "Runtime", request: Request) -> Self:
        """Take the file in. Raises `DomainError`, Starlette's `ClientDisconnect`."""
        attachments = runtime.attachments
        assert attachments is not None, "a service with this route keeps attachments"
        try:
            intake = await in_thread(
                Intake, attachments.spool, runtime.keyring.current.suite, request.headers.get("content-type", "")
            )
        except StoreError as error:
            raise refusal_of(error) from None
        try:
            async for batch in _batches(request):
                await in_thread(intake.write, batch)
            taken = await in_thread(intake.finish)
        except BaseException as error:
            await in_thread(intake.discard)
            if isinstance(error, StoreError):
                raise refusal_of(error) from None
            raise
        return cls(attachments, runtime.pool, intake, taken)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the file."""
        return self.taken.sha256

    async def keep(self) -> None:
        """Announce the file, then store it: if this process dies in between, the announcement leads to what is left."""
        crash_point("upload.received")
        sealed = self.taken.sealed
        await in_transaction(self._pool, partial(rows.announce, address=sealed.address), rows=SERVICE)
        self._announced = True
        crash_point("upload.announced")
        try:
            await self._attachments.store.put(sealed)
        except StoreError as error:
            raise refusal_of(error) from None
        crash_point("upload.stored")

    async def discard(self) -> None:
        """See `StreamedBody.discard`."""
        await in_thread(self._intake.discard)
        if self._announced:
            with suppress(DomainError):
                remove = partial(housekeeping.remove_unowned, store=self._attachments.store, address=self.taken.sealed.address)
                await in_transaction(self._pool, remove, rows=SERVICE)


async def _batches(request: Request) -> AsyncIterator[bytes]:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size >= _BATCH_BYTES:
            yield b"".join(parts)
            parts, size = [], 0
    if parts:
        yield b"".join(parts)
