"""Every way the suite ends, each with its own exit code: scripts read the code, people read the message."""

from enum import IntEnum
from pathlib import Path
from typing import Self

_NO_SPACE = "No space left on device"
_END_BYTES = 8192
_END_LINES = 6


class ExitCode(IntEnum):
    """Exit codes of `xinshimin`. 2 is Typer's for wrong usage; `bootstrap.py` uses 10 to 19 and repeats them by value."""

    DONE = 0
    FAILED = 1
    PYTHON_TOO_OLD = 10
    VENV_MISSING = 11
    INSTALL_FAILED = 12
    DISK_FULL = 20
    PORT_TAKEN = 21
    IN_USE = 22
    HALF_INITIALISED = 23
    NO_RIGHTS = 24
    BINARY_MISSING = 25
    SERVER_DID_NOT_START = 26
    MIGRATION_FAILED = 27
    CHILD_DIED = 28
    NOT_READY_IN_TIME = 29
    WRONG_SETTINGS = 30
    NOT_RUNNING = 31
    CHECK_FAILED = 32
    EVIDENCE_BROKEN = 33
    INPUT_REFUSED = 34
    REPLAY_DIFFERS = 35
    NOT_VERIFIED = 36


class SuiteError(Exception):
    """The suite cannot do what was asked; `message` says why and what to do, in words for the person at the keyboard."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @classmethod
    def from_log(cls, code: ExitCode, text: str, log: Path) -> Self:
        """An error whose cause stands at the end of a log; when that is a full disk, its code is the full disk's."""
        end = _last_lines(log)
        return cls(ExitCode.DISK_FULL if _NO_SPACE in end else code, f"{text}\n{end}\nSee {log}")


def _last_lines(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _END_BYTES))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-_END_LINES:])
    except OSError:
        return ""
