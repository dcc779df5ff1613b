"""Make the virtual environment of this checkout: `python3 -m services.suite.bootstrap [--dev]`.

Standard library only, and no grammar newer than Python 3.6, so that an old interpreter can say that it is too old. Two calls in
one checkout take turns; an environment whose installation was interrupted is made again from nothing.
"""

import errno
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator  # noqa: UP035 - where old Pythons have it

# The exit codes of services/suite/exits.py, which this file cannot import: that one needs a newer Python.
PYTHON_TOO_OLD = 10
VENV_MISSING = 11
INSTALL_FAILED = 12
DISK_FULL = 20
INTERRUPTED = 130

OLDEST_PYTHON = (3, 11)
FREE_BYTES_MIN = 1 << 30
RUNTIME_LOCK = "requirements.lock"
DEV_LOCK = "requirements-dev.lock"
PROJECT = "pyproject.toml"

ROOT = Path(__file__).resolve().parent.parent.parent


class BootstrapError(Exception):
    """The environment cannot be made; `code` is the exit code, the text is for the person at the keyboard."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def main(arguments: "list[str]") -> int:
    """Prepare the environment; returns the exit code."""
    try:
        check_python(tuple(sys.version_info[:3]))
        check_venv_modules()
        Environment(ROOT, dev="--dev" in arguments).prepare()
    except BootstrapError as error:
        sys.stderr.write(f"\n{error}\n")
        return error.code
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted; the next call makes the environment again.\n")
        return INTERRUPTED
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        sys.stderr.write(f"\nThe disk is full: {ROOT}\n")
        return DISK_FULL
    return 0


def check_python(version: "tuple[int, ...]") -> None:
    """Refuse an interpreter that is too old."""
    if version < OLDEST_PYTHON:
        have, need = (".".join(map(str, parts)) for parts in (version, OLDEST_PYTHON))
        raise BootstrapError(
            PYTHON_TOO_OLD,
            f"Python >= {need} is needed; {sys.executable} is {have}.\nName a newer one: make run PYTHON=python3.12",
        )


def check_venv_modules() -> None:
    """Debian ships what `venv` needs in a package of its own."""
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise BootstrapError(
            VENV_MISSING,
            "This Python cannot make virtual environments: its module ensurepip is missing.\n"
            f"On Debian or Ubuntu: apt install python3-venv (or python{sys.version_info[0]}.{sys.version_info[1]}-venv)",
        )


class Environment:
    """The folder `.venv` of a checkout.

    `xinshimin.json` in it says from which locks it was made. `xinshimin.unfinished` is there while packages are being
    installed: whoever finds it and holds the lock finds half an environment.
    """

    def __init__(self, root: Path, dev: bool) -> None:  # noqa: FBT001 - one flag of one caller
        self._root = root
        self._dev = dev
        self._lock = DEV_LOCK if dev else RUNTIME_LOCK
        self._folder = root / ".venv"
        self._python = self._folder / "bin" / "python"
        self._stamp = self._folder / "xinshimin.json"
        self._unfinished = self._folder / "xinshimin.unfinished"
        self._wanted = {name: _digest(root / name) for name in (RUNTIME_LOCK, DEV_LOCK, PROJECT)}

    def prepare(self) -> None:
        """Bring the environment to what the lock says; returns at once when it is there already."""
        if self._is_current():
            return
        with _exclusive(self._root):
            if self._is_current():
                return
            _check_free_space(self._root)
            self._ensure_venv()
            self._install()

    def _is_current(self) -> bool:
        made_from = self._made_from()
        return self._python.exists() and all(made_from.get(name) == self._wanted[name] for name in (self._lock, PROJECT))

    def _made_from(self) -> "dict[str, str]":
        try:
            content = json.loads(self._stamp.read_text())
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def _ensure_venv(self) -> None:
        """A virtual environment with a working pip: the present one if it is whole, else a new one."""
        if self._python.exists() and not self._unfinished.exists() and self._has_pip():
            return
        _say("Making the virtual environment .venv with Python " + ".".join(map(str, sys.version_info[:3])))
        made = subprocess.run(  # noqa: S603 - a fixed command
            [sys.executable, "-m", "venv", "--clear", str(self._folder)], capture_output=True, text=True, check=False
        )
        if made.returncode != 0:
            output = (made.stdout + made.stderr).strip()
            raise BootstrapError(_code_for(output, VENV_MISSING), f"The virtual environment could not be made:\n{output}")

    def _has_pip(self) -> bool:
        probe = f"import sys, pip; sys.exit(sys.version_info < {OLDEST_PYTHON})"
        try:
            return subprocess.call([str(self._python), "-c", probe], stderr=subprocess.DEVNULL) == 0  # noqa: S603
        except OSError:
            return False

    def _install(self) -> None:
        """Install the locked packages and this project; the stamp is written when all went well."""
        started = time.monotonic()
        made_from = self._made_from()
        self._unfinished.touch()
        if self._stamp.exists():
            self._stamp.unlink()
        lock = self._root / self._lock
        if made_from.get(self._lock) != self._wanted[self._lock]:
            self._pip(["--require-hashes", "--no-deps", "-r", str(lock)], "packages", _count_packages(lock))
        self._pip(["--no-deps", "--no-build-isolation", "-e", str(self._root)], "this project", 1)
        # The development lock holds every package of the runtime lock, in the same version.
        stamp = {name: self._wanted[name] for name in (RUNTIME_LOCK, self._lock, PROJECT)}
        fresh = self._stamp.with_suffix(".new")
        fresh.write_text(json.dumps(stamp))
        fresh.rename(self._stamp)
        self._unfinished.unlink()
        _say(f"Environment ready after {time.monotonic() - started:.0f} s")

    def _pip(self, arguments: "list[str]", what: str, total: int) -> None:
        """One `pip install`, its output in a log and its progress on the screen."""
        log = self._folder / "install.log"
        quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
        lines: list[str] = []
        progress = Progress(f"Installing {what}", total)
        process = subprocess.Popen(  # noqa: S603 - a fixed command
            [str(self._python), "-m", "pip", "install", *quiet, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        with process, log.open("a") as file:
            for line in process.stdout or ():
                lines.append(line.rstrip())
                file.write(line)
                progress.see(line)
        progress.end()
        if process.returncode != 0:
            tail = "\n".join(lines[-8:])
            raise BootstrapError(
                _code_for(tail, INSTALL_FAILED), f"{tail}\n\npip could not install {what}; its whole output is in {log}."
            )


class Progress:
    """pip's lines as one bar on a terminal, or as a few lines in a log."""

    def __init__(self, title: str, total: int) -> None:
        self._title = title
        self._total = total
        self._seen = 0
        self._quarter = -1
        self._terminal = sys.stdout.isatty()
        self._show("")

    def see(self, line: str) -> None:
        """Take one line of pip."""
        if line.startswith(("Collecting ", "Requirement already satisfied", "Obtaining ", "Ignoring ")):
            self._seen = min(self._seen + 1, self._total)
            self._show(line.split()[1].partition("==")[0] if line.startswith("Collecting ") else "")
        elif line.startswith("Installing collected packages"):
            self._seen = self._total
            self._show("unpacking")

    def end(self) -> None:
        """Finish the line."""
        if self._terminal:
            sys.stdout.write("\n")
            sys.stdout.flush()

    def _show(self, detail: str) -> None:
        if self._terminal:
            done = 24 * self._seen // self._total
            bar = "#" * done + "-" * (24 - done)
            sys.stdout.write(f"\r\033[K{self._title} [{bar}] {self._seen}/{self._total} {detail[:40]}")
            sys.stdout.flush()
        elif self._seen * 4 // self._total != self._quarter:
            self._quarter = self._seen * 4 // self._total
            _say(f"{self._title}: {self._seen} of {self._total}")


@contextmanager
def _exclusive(root: Path) -> Iterator[None]:
    """Hold the checkout for one preparation at a time; waiting is announced."""
    handle = os.open(str(root), os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            _say("Another `make` is preparing the environment of this checkout; waiting for it ...")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _check_free_space(root: Path) -> None:
    """An environment takes about 400 MB, and pip unpacks beside it."""
    free = shutil.disk_usage(str(root)).free
    if free < FREE_BYTES_MIN:
        raise BootstrapError(
            DISK_FULL, f"The disk is full: {free >> 20} MB free at {root}, {FREE_BYTES_MIN >> 20} MB are needed."
        )


def _code_for(output: str, otherwise: int) -> int:
    """A full disk has its own exit code, whoever reports it."""
    return DISK_FULL if "No space left on device" in output or "Disk quota exceeded" in output else otherwise


def _count_packages(lock: Path) -> int:
    return sum(1 for line in lock.read_text().splitlines() if line[:1].isalnum())


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
