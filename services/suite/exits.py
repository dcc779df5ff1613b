"""Every way the suite ends, each with its own exit code: scripts read the code, people read the message."""

from enum import IntEnum


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


class SuiteError(Exception):
    """The suite cannot do what was asked; `message` says why and what to do, in words for the person at the keyboard."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
