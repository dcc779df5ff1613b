"""An embedded real NATS server with JetStream, for `make run` and the tests; production sets `XINSHIMIN_NATS_URL`."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from services.suite import processes
from services.suite.account import choose
from services.suite.catalogue import GATEWAY
from services.suite.exits import ExitCode, SuiteError
from services.suite.processes import Pause

ADMIN = "admin"
_MAX_PAYLOAD_BYTES = 1 << 20
# Every stream reserves its 2 GiB, and by default the server has no more to give than three quarters of what is free: on a disk
# with a few gigabytes left no service could make its stream. What really fills a disk is refused and waits in the outbox.
_FILE_STORE_BYTES_MAX = 1 << 40
_START_TIMEOUT_S = 30.0
_STOP_PATIENCE_S = 15.0
# What no service needs and an intruder would like: ending a stream or thinning it. The administrator may.
_DESTRUCTIVE = ["$JS.API.STREAM.DELETE.>", "$JS.API.STREAM.PURGE.>", "$JS.API.STREAM.MSG.DELETE.>"]

# Outsiders reach the gateway: it keeps its checkpoints and reads them back, and its password opens no event.
_DOOR = [
    f"audit_checkpoints.{GATEWAY}",
    "$JS.API.INFO",
    "$JS.API.STREAM.CREATE.audit_checkpoints",
    "$JS.API.STREAM.INFO.audit_checkpoints",
    "$JS.API.STREAM.MSG.GET.audit_checkpoints",
    "$JS.API.CONSUMER.*.audit_checkpoints.>",
    "$JS.API.CONSUMER.MSG.NEXT.audit_checkpoints.>",
]


class EmbeddedNats:
    """One NATS server on a folder of its own, on a free loopback port, that dies with this process."""

    def __init__(
        self,
        folder: Path,
        *,
        passwords: Mapping[str, str],
        log: Path,
        program: Path | None = None,
        durable: bool = True,
        pause: Pause = time.sleep,
    ) -> None:
        """`passwords` by user: `admin` may do all, `gateway` keeps its checkpoints, others are services that publish
        under their own names.

        `durable=False` (tests) leaves fsync to the server's two-minute default.
        """
        self._folder = folder
        self._passwords = dict(passwords)
        self._log = log
        self._durable = durable
        self._pause = pause
        found = processes.find_program("nats-server", setting=program)
        if found is None:
            raise SuiteError(
                ExitCode.BINARY_MISSING, "No nats-server in this environment or on the PATH; `make run` installs one."
            )
        self._program = found
        self._address = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "subprocess.Popen[bytes]":
        """Start the server and wait until it listens. Raises `SuiteError`."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        account = choose(self._folder, [self._program])
        self._end_former_server()
        for old in self._folder.glob("*.ports"):
            old.unlink()
        config = self._folder / "nats.conf"
        config.touch(mode=0o600)
        config.write_text(json.dumps(self._config(), indent=2))
        if account is not None:
            account.own(config, 0o600)
        processes.rotate(self._log)
        self._process = processes.spawn(
            [self._program, "-c", config],
            log=self._log,
            environment={"PATH": "/usr/bin:/bin"},
            account=account,
            death_signal=signal.SIGTERM,
        )
        self._address = self._wait_until_listening(self._process)
        return self._process

    def stop(self) -> None:
        """Shut the server down; JetStream writes what it holds."""
        if self._process is not None:
            processes.stop(self._process, signal.SIGTERM, patience_s=_STOP_PATIENCE_S)

    def url(self, user: str = ADMIN) -> str:
        """The URL of `user`, with its password."""
        assert self._address, "not started"
        return f"nats://{quote(user, safe='')}:{quote(self._passwords[user], safe='')}@{self._address}"

    def _config(self) -> dict[str, object]:
        """The server reads JSON as its own format."""
        jetstream: dict[str, object] = {"store_dir": str(self._folder), "max_file_store": _FILE_STORE_BYTES_MAX}
        if self._durable:
            # By default JetStream acknowledges up to two minutes before it has written (reliability.md 7, 8).
            jetstream["sync_interval"] = "always"
        return {
            "server_name": "xinshimin",
            "listen": "127.0.0.1:-1",
            "ports_file_dir": str(self._folder),
            "pid_file": str(self._folder / "nats.pid"),
            "max_payload": _MAX_PAYLOAD_BYTES,
            "jetstream": jetstream,
            "authorization": {"users": [self._user(name, password) for name, password in self._passwords.items()]},
        }

    @staticmethod
    def _user(name: str, password: str) -> dict[str, object]:
        user: dict[str, object] = {"user": name, "password": password}
        if name == GATEWAY:
            user["permissions"] = {"publish": {"allow": _DOOR}, "subscribe": {"allow": [f"_INBOX.{name}.>"]}}
        elif name != ADMIN:
            user["permissions"] = {
                "publish": {
                    "allow": [f"{name}.>", f"audit_checkpoints.{name}", "$JS.>", "_INBOX.>"],
                    "deny": _DESTRUCTIVE,
                },
                "subscribe": {"allow": ["_INBOX.>"]},
            }
        return user

    def _end_former_server(self) -> None:
        """Two servers on one store corrupt it: wait for the one of a killed suite to finish."""
        try:
            pid = int((self._folder / "nats.pid").read_text())
        except (OSError, ValueError):
            return
        if processes.runs_in(pid, self._folder):
            os.kill(pid, signal.SIGTERM)
            if not processes.await_end(pid, timeout_s=_STOP_PATIENCE_S, pause=self._pause):
                raise SuiteError(ExitCode.IN_USE, f"A NATS server (process {pid}) on {self._folder} does not end.")

    def _wait_until_listening(self, process: "subprocess.Popen[bytes]") -> str:
        """The ports file appears when the server listens, after JetStream has recovered its streams."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        ports = self._folder / f"nats-server_{process.pid}.ports"
        while True:
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                text = f"NATS did not start (exit status {process.returncode})."
                raise SuiteError.from_log(ExitCode.SERVER_DID_NOT_START, text, self._log)
            try:
                address: str = json.loads(ports.read_text())["nats"][0]
            except (OSError, ValueError, LookupError):
                self._pause(0.005)
                continue
            return address.removeprefix("nats://")
