"""Copies of checkpoints in two places outside the database, so that a cut tail or a rebuilt log is seen.

The newest checkpoint stands for all lines below it, so it alone is copied, after each pass of the sealer. A place that knows of
a checkpoint which the database does not have is no place to go on writing to: either the log was cut, or the database was
restored to the past, and then its epoch has been raised.
"""

import asyncio
import logging
import os
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Protocol

from services.chassis.archive import Archive
from services.chassis.bus_errors import BusError, StreamMissingError
from services.chassis.clock import utc_now
from services.chassis.crash_points import crash_point
from services.chassis.db import Record, prepare
from services.chassis.evidence.checkpoint import CheckpointError, PublicKeys, hash_of
from services.chassis.leadership import OwnConnection

logger = logging.getLogger(__name__)

_TAIL_BYTES = 16_384
_COMPLAIN_EVERY_S = 300.0

_NEWEST = prepare("SELECT tree_size, epoch, signed FROM audit_checkpoint ORDER BY tree_size DESC LIMIT 1")
_AT = prepare("SELECT signed FROM audit_checkpoint WHERE tree_size = :tree_size")
_NOTE = prepare(
    """
    INSERT INTO audit_copy (place, epoch, tree_size, copied_at) VALUES (:place, :epoch, :tree_size, clock_timestamp())
    ON CONFLICT (place) DO UPDATE
    SET epoch = excluded.epoch, tree_size = excluded.tree_size, copied_at = excluded.copied_at
    """
)


class DivergedError(Exception):
    """The place holds a checkpoint that is not the database's."""


class Place(Protocol):
    """Somewhere outside the database."""

    @property
    def name(self) -> str:
        """In metrics, logs and findings."""

    async def last(self) -> str | None:
        """The newest copy."""

    async def keep(self, signed: str) -> None:
        """Add a copy; returns when it is on disk."""

    def everything(self) -> AsyncGenerator[str]:
        """All copies, oldest first."""


class Folder:
    """A folder with one file per month, one checkpoint per line, only ever added to."""

    name = "folder"

    def __init__(self, folder: Path, service: str) -> None:
        self._folder = folder
        self._service = service

    async def last(self) -> str | None:
        """The newest whole line; one that a crash left unfinished was never promised to anybody."""
        return await asyncio.to_thread(self._last)

    async def keep(self, signed: str) -> None:
        """Append and write through."""
        await asyncio.to_thread(self._keep, signed)

    async def everything(self) -> AsyncGenerator[str]:
        """All lines."""
        for path in self._files():
            with path.open("r", encoding="utf-8", errors="replace") as file:
                for line in file:
                    yield line.rstrip("\n")

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob(f"{self._service}-[0-9][0-9][0-9][0-9]-[0-9][0-9].jws"))

    def _last(self) -> str | None:
        for path in reversed(self._files()):
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
                whole = file.read().split(b"\n")[:-1]
            if whole:
                return whole[-1].decode(errors="replace")
        return None

    def _keep(self, signed: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{self._service}-{utc_now():%Y-%m}.jws"
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            _remove_unfinished_line(descriptor)
            os.write(descriptor, signed.encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            _sync_folder(self._folder)


def _remove_unfinished_line(descriptor: int) -> None:
    size = os.fstat(descriptor).st_size
    start = max(0, size - _TAIL_BYTES)
    tail = os.pread(descriptor, _TAIL_BYTES, start)
    if tail and not tail.endswith(b"\n"):
        os.ftruncate(descriptor, start + tail.rfind(b"\n") + 1)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Stream:
    """The stream on NATS from which nothing can be deleted."""

    name = "stream"

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    async def last(self) -> str | None:
        """The newest message; `None` also before the stream is there."""
        try:
            found = await self._archive.last()
        except StreamMissingError:
            return None
        return found.decode(errors="replace") if found is not None else None

    async def keep(self, signed: str) -> None:
        """Publish and wait for the acknowledgement."""
        await self._archive.keep(signed.encode(), hash_of(signed).hex())

    async def everything(self) -> AsyncGenerator[str]:
        """All messages; none before the stream is there."""
        if await self.last() is not None:
            async with aclosing(self._archive.everything()) as bodies:
                async for body in bodies:
                    yield body.decode(errors="replace")


COPY_PLACES = (Folder.name, Stream.name)
"""The two places every service copies to."""


class Copier:
    """Brings the newest checkpoint to every place; a place that fails does not keep it from the others."""

    def __init__(self, keys: PublicKeys, places: Sequence[Place]) -> None:
        self._keys = keys
        self.places = tuple(places)
        self._there: dict[str, str] = {}
        self._complain_at: dict[str, float] = {}

    async def copy(self, connection: OwnConnection) -> None:
        """One pass. What failed is logged and tried again in the next."""
        newest = await connection.fetchrow(_NEWEST.sql)
        if newest is None:
            return
        for place in self.places:
            if self._there.get(place.name) == newest["signed"]:
                continue
            try:
                await self._copy_to(place, connection, newest)
            except (OSError, BusError, DivergedError) as error:
                self._complain(place, error)

    def _complain(self, place: Place, error: Exception) -> None:
        """Now and every few minutes, not in every pass."""
        now = time.monotonic()
        if now >= self._complain_at.get(place.name, now):
            self._complain_at[place.name] = now + _COMPLAIN_EVERY_S
            logger.error("audit checkpoint was not copied", extra={"fields": {"place": place.name, "error": str(error)}})

    async def _copy_to(self, place: Place, connection: OwnConnection, newest: Record) -> None:
        last = await place.last()
        if last != newest["signed"]:
            if last is not None:
                await self._refuse_to_hide(last, connection, newest["epoch"])
            await place.keep(newest["signed"])
            crash_point("sealer.copied")
        noted = {"place": place.name, "epoch": newest["epoch"], "tree_size": newest["tree_size"]}
        await connection.execute(_NOTE.sql, *_NOTE.arguments(noted))
        self._there[place.name] = newest["signed"]

    async def _refuse_to_hide(self, last: str, connection: OwnConnection, epoch: int) -> None:
        """Raise `DivergedError` when the newest copy is not of this log, unless the log has begun a new epoch since."""
        try:
            copied = self._keys.open(last)
        except CheckpointError as error:
            raise DivergedError("the newest copy is damaged or not ours") from error
        if copied.epoch < epoch:
            return
        if await connection.fetchval(_AT.sql, *_AT.arguments({"tree_size": copied.size})) != last:
            raise DivergedError("the newest copy is of a log that is not this one")
