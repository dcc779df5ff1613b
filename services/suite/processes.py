"""Child processes that cannot outlive us: own session, death signal from the kernel, stop with a deadline."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from services.suite.account import Account

Pause = Callable[[float], None]
"""Waits some seconds; the supervisor's raises when somebody asked to stop meanwhile."""

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_KILL_AFTER_S = 5.0
_LOG_BYTES_MAX = 50 << 20


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str],
    account: Account | None = None,
    pass_fds: Sequence[int] = (),
    death_signal: signal.Signals = signal.SIGTERM,
) -> "subprocess.Popen[bytes]":
    """Start `command` in a session of its own, output appended to `log`, as `account` (default: as ourselves).

    When this process dies, however it dies, the kernel sends the child `death_signal`. The signal belongs to the *thread* that
    spawned the child, so call this from the main thread only.
    """
    parent = os.getpid()

    def die_with_parent() -> None:
        # Runs in the child between fork and exec, after the change of account (which would clear the setting).
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    prefix = account.prefix(death_signal) if account else ()
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - a fixed command without a shell
            [*prefix, *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd="/" if account else None,
            start_new_session=True,
            pass_fds=tuple(pass_fds),
            preexec_fn=die_with_parent,  # noqa: PLW1509 - no threads here, and the kernel offers no other way
            **(account.identity() if account else {}),
        )


def end_with_parent() -> None:
    """From now on, when the process that started this one ends, however it ends, this one gets SIGTERM (on Linux)."""
    parent = os.getppid()
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Child:
    """A running part of the suite."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path


def stop(process: "subprocess.Popen[bytes]", how: signal.Signals, *, patience_s: float) -> int:
    """Ask `process` to end, wait `patience_s`, then kill its whole group. Returns its exit status."""
    if process.poll() is None:
        process.send_signal(how)
    return wait_or_kill(process, patience_s=patience_s)


def wait_or_kill(process: "subprocess.Popen[bytes]", *, patience_s: float) -> int:
    """Wait for a process that was asked to end; after `patience_s` kill its whole group. Returns its exit status."""
    try:
        return process.wait(patience_s)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return process.wait(_KILL_AFTER_S)


def runs_in(pid: int, folder: Path) -> bool:
    """Whether process `pid` is alive and works in `folder` (by its working folder or its command line)."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return any(os.fsencode(folder) in part for part in command)


def await_end(pid: int, *, timeout_s: float, pause: Pause = time.sleep) -> bool:
    """Wait for a process that is not our child to end; false when it is still there after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while Path(f"/proc/{pid}").exists() and not _is_zombie(pid):
        if time.monotonic() > deadline:
            return False
        pause(0.02)
    return True


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def rotate(log: Path) -> None:
    """Keep one older copy of a log that has grown past 50 MB."""
    if log.exists() and log.stat().st_size > _LOG_BYTES_MAX:
        log.replace(log.with_name(log.name + ".1"))


def find_program(name: str, *, setting: Path | None) -> Path | None:
    """A program by setting, beside this interpreter (the virtual environment's), or on the PATH."""
    if setting is not None:
        return setting
    beside = Path(sys.executable).parent / name
    if beside.exists():
        return beside
    found = shutil.which(name)
    return Path(found) if found else None
