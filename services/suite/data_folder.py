"""The data folder of a suite: what lies where, who holds it, and whether it is ours at all."""

import fcntl
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from services.suite.exits import ExitCode, SuiteError

_FORMAT = "1"
# What a start that was killed at once may leave before the folder is marked as ours.
_HARMLESS = frozenset({"suite.lock", "format.new"})


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths under the data folder."""

    root: Path

    @property
    def postgres(self) -> Path:
        """Data of the embedded PostgreSQL."""
        return self.root / "postgres"

    @property
    def nats(self) -> Path:
        """Streams of the embedded NATS server."""
        return self.root / "nats"

    @property
    def attachments(self) -> Path:
        """Files that people handed in, sealed; a folder per service."""
        return self.root / "attachments"

    @property
    def keys(self) -> Path:
        """Key files of all processes."""
        return self.root / "keys"

    @property
    def audit_copies(self) -> Path:
        """Copies of the audit checkpoints of all services."""
        return self.root / "audit"

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.root / "log"

    @property
    def secrets(self) -> Path:
        """Passwords of the embedded servers."""
        return self.root / "secrets.json"

    @property
    def running(self) -> Path:
        """How to reach the running suite; absent when none runs."""
        return self.root / "suite.json"

    @property
    def demo_client(self) -> Path:
        """Credentials of the demo client."""
        return self.root / "demo-client.json"

    def log(self, process: str) -> Path:
        """The log of one process."""
        return self.logs / f"{process}.log"


class DataFolder:
    """Holds the data folder for one suite; a context manager. Raises `SuiteError` on entry when that cannot be."""

    def __init__(self, root: Path, *, free_bytes_min: int) -> None:
        self.layout = Layout(root)
        self._free_bytes_min = free_bytes_min
        self._lock: IO[str] | None = None

    def __enter__(self) -> Layout:
        root = self.layout.root
        try:
            root.mkdir(parents=True, exist_ok=True)
            self._refuse_foreign_folder()
            self._take()
            # Root lets the servers' own account pass through; secrets inside have modes of their own.
            root.chmod(0o711 if os.geteuid() == 0 else 0o700)
            self._mark()
            self.layout.logs.mkdir(exist_ok=True, mode=0o700)
            self._refuse_full_disk()
        except BaseException:
            self._release()
            raise
        return self.layout

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._release()

    def _refuse_foreign_folder(self) -> None:
        """A folder with other people's files in it is not made ours by a slip in a setting."""
        mark = self.layout.root / "format"
        if mark.exists():
            if (found := mark.read_text().strip()) != _FORMAT:
                raise SuiteError(
                    ExitCode.HALF_INITIALISED, f"{self.layout.root} has format {found!r}; this version reads {_FORMAT!r}."
                )
            return
        if strange := sorted(entry.name for entry in self.layout.root.iterdir() if entry.name not in _HARMLESS):
            raise SuiteError(
                ExitCode.HALF_INITIALISED,
                f"{self.layout.root} is not empty and was not made (completely) by this suite ({', '.join(strange[:5])}). "
                "Remove it if it holds nothing of yours, or set XINSHIMIN_DATA_DIR to another folder.",
            )

    def _take(self) -> None:
        path = self.layout.root / "suite.lock"
        self._lock = path.open("a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.seek(0)
            holder = self._lock.read().strip() or "unknown"
            raise SuiteError(
                ExitCode.IN_USE,
                f"{self.layout.root} is in use by a running suite (process {holder}). Stop it, or give this one a folder and a "
                "port of its own: XINSHIMIN_DATA_DIR, XINSHIMIN_PORT.",
            ) from None
        self._lock.truncate(0)
        self._lock.write(f"{os.getpid()}\n")
        self._lock.flush()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _mark(self) -> None:
        mark = self.layout.root / "format"
        if not mark.exists():
            write_atomically(mark, _FORMAT + "\n", mode=0o644)

    def _refuse_full_disk(self) -> None:
        free = shutil.disk_usage(self.layout.root).free
        if free < self._free_bytes_min:
            raise SuiteError(
                ExitCode.DISK_FULL,
                f"The disk is full: {free >> 20} MB free at {self.layout.root}, {self._free_bytes_min >> 20} MB are needed "
                "(XINSHIMIN_FREE_DISK_MIN_MB).",
            )


def write_atomically(path: Path, content: str, *, mode: int = 0o600) -> None:
    """Write a whole file or nothing; never readable by others in between."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
