"""A store that is a folder: `objects/ab/cd/abcd…`, every file 0600, there whole or not at all."""

import os
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

from services.chassis.attachments.store import READ_BYTES, SealedFile, in_thread, of_the_disk


class FolderStore:
    """See the module's docstring. The spool lies in the same file system, so that a file arrives by being renamed."""

    def __init__(self, root: Path) -> None:
        self._objects = root / "objects"

    async def put(self, file: SealedFile) -> None:
        """See `Store.put`."""
        await in_thread(self._put, file)

    async def get(self, address: bytes) -> AsyncGenerator[bytes, None]:
        """See `Store.get`."""
        try:
            source = await in_thread(self._path(address).open, "rb", 0)
        except OSError as error:
            raise of_the_disk(error) from None
        try:
            while part := await in_thread(source.read, READ_BYTES):
                yield part
        except OSError as error:
            raise of_the_disk(error) from None
        finally:
            source.close()

    async def delete(self, address: bytes) -> None:
        """See `Store.delete`."""
        try:
            await in_thread(self._path(address).unlink, missing_ok=True)
        except OSError as error:
            raise of_the_disk(error) from None

    async def close(self) -> None:
        """Nothing is open."""

    def _path(self, address: bytes) -> Path:
        name = address.hex()
        return self._objects / name[:2] / name[2:4] / name

    def _put(self, file: SealedFile) -> None:
        target = self._path(file.address)
        try:
            _make_folders(target.parent)
            file.path.replace(target)
            sync_folder(target.parent)
        except OSError as error:
            raise of_the_disk(error) from None


def _make_folders(folder: Path) -> None:
    """Make the folders that are missing, each durable in the one above."""
    if folder.is_dir():
        return
    _make_folders(folder.parent)
    with suppress(FileExistsError):  # made by somebody else at this moment
        folder.mkdir(mode=0o700)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
