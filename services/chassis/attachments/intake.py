"""One file on its way in: inspected, counted, hashed, sealed and written to the spool, piece by piece, never plain on disk.

Everything here blocks and runs in a thread, one piece at a time.
"""

import hashlib
import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from services.chassis.attachments.cipher import FileSealer
from services.chassis.attachments.kinds import HEAD_BYTES, Inspection, MediaType
from services.chassis.attachments.refusals import broken
from services.chassis.attachments.store import SealedFile, of_the_disk
from services.chassis.ids import new_id
from services.chassis.sealing import Suite, new_key

_SUFFIX = ".incoming"


@dataclass(frozen=True, slots=True)
class TakenFile:
    """A file that was taken in whole. `sha256` and `size_bytes` are those of the file as it was sent."""

    attachment_id: UUID
    media_type: MediaType
    size_bytes: int
    sha256: bytes
    suite: Suite
    key: bytes = field(repr=False)
    sealed: SealedFile


class Spool:
    """The folder where files arrive. What is left there by a process that died is swept away."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prepare(self) -> None:
        """Make the folder, for its owner only."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def path(self, attachment_id: UUID) -> Path:
        """Where a file arrives."""
        return self._folder / f"{attachment_id}{_SUFFIX}"

    def sweep(self, older_than_s: float) -> int:
        """Delete files that nobody has written to for so long; how many there were."""
        gone, limit = 0, time.time() - older_than_s
        for path in self._folder.glob(f"*{_SUFFIX}"):
            with suppress(OSError):
                if path.stat().st_mtime < limit:
                    path.unlink()
                    gone += 1
        return gone


class Intake:
    """See the module's docstring. Ends with `finish` or with `discard`."""

    def __init__(self, spool: Spool, suite: Suite, declared_type: str) -> None:
        self._id = new_id()
        self._path = spool.path(self._id)
        self._declared = declared_type
        self._inspection: Inspection | None = None
        self._head = b""
        self._suite, self._key = suite, new_key(suite)
        self._sealer = FileSealer(suite, self._key, self._id.bytes)
        self._plain, self._sealed = hashlib.sha256(), hashlib.sha256()
        self._size = self._sealed_size = 0
        self._file = _create(self._path)

    def write(self, data: bytes) -> None:
        """Take the next bytes. Raises `DomainError` for a file that is not taken, `StoreError` when there is no room."""
        if self._inspection is None:
            self._head += data
            if len(self._head) < HEAD_BYTES:
                return
            data = self._inspect()
        self._take(data)

    def finish(self) -> TakenFile:
        """The file was sent whole, and is durable in the spool. Raises like `write`."""
        if self._inspection is None:
            if not self._head:
                raise broken("文件为空", "the file is empty")
            self._take(self._inspect())
        assert self._inspection is not None
        self._inspection.finish()
        self._store(self._sealer.finish())
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise of_the_disk(error) from None
        sealed = SealedFile(self._path, self._sealed.digest(), self._sealed_size)
        return TakenFile(
            self._id, self._inspection.media_type, self._size, self._plain.digest(), self._suite, self._key, sealed
        )

    def discard(self) -> None:
        """The file is not wanted."""
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self._path.unlink()

    def _inspect(self) -> bytes:
        head, self._head = self._head, b""
        self._inspection = Inspection(self._declared, head[:HEAD_BYTES])
        return head

    def _take(self, data: bytes) -> None:
        assert self._inspection is not None
        self._inspection.feed(data)
        self._size += len(data)
        self._plain.update(data)
        self._store(self._sealer.update(data))

    def _store(self, sealed: bytes) -> None:
        self._sealed.update(sealed)
        self._sealed_size += len(sealed)
        try:
            self._file.write(sealed)
        except OSError as error:
            raise of_the_disk(error) from None


def _create(path: Path) -> BinaryIO:
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except OSError as error:
        raise of_the_disk(error) from None
