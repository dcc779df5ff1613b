"""`xinshimin up`: the whole suite on one machine, started in order, watched, stopped in order.

One thread, no event loop: children are tied to the thread that spawned them (see `processes.spawn`), and between two steps
there is nothing to do but wait for a signal.
"""

import errno
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from services.suite import embedded, environment, processes
from services.suite.catalogue import GATEWAY, PROCESSES, SERVICES
from services.suite.data_folder import DataFolder, Layout
from services.suite.environment import SuiteSettings
from services.suite.exits import ExitCode, SuiteError
from services.suite.first_calls import read_client
from services.suite.interrupts import Interrupts, StopRequestedError
from services.suite.keys import KeyFiles
from services.suite.listening import listen
from services.suite.processes import Child
from services.suite.running import RunningSuite
from services.suite.screen import Ready, Screen
from services.suite.wiring import LOOPBACK, Wiring

STEPS = 6
_POLL_S = 0.05
_PREPARATION_TIMEOUT_S = 300.0
# A killed suite's gateway closes its listening socket within moments; longer than that the port belongs to somebody else.
_FORMER_PORT_PATIENCE_S = 3.0


def run(settings: SuiteSettings, screen: Screen) -> ExitCode:
    """Start everything, watch it until a stop is asked for, stop everything. Raises `SuiteError` when a part fails."""
    environment.refuse_shared_database()
    try:
        return _run(settings, screen)
    except PermissionError as error:
        raise SuiteError(
            ExitCode.NO_RIGHTS, f"{error.filename}: no permission. Did another account start the suite on this folder before?"
        ) from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise SuiteError(ExitCode.DISK_FULL, f"The disk is full: {error.filename or settings.data_dir}") from error


def _run(settings: SuiteSettings, screen: Screen) -> ExitCode:
    with (
        Interrupts() as interrupts,
        DataFolder(settings.data_dir, free_bytes_min=settings.free_disk_min_mb << 20) as layout,
        ExitStack() as stack,
    ):
        suite = _Suite(settings, screen, interrupts, layout, stack)
        try:
            suite.start()
            suite.watch()
        except StopRequestedError:
            screen.message("Stopping; the data stay.")
    return ExitCode.DONE


class _Suite:
    """One life of a suite. Each part registers its stop on `stack`: however far the start came, they stop in reverse order."""

    def __init__(
        self, settings: SuiteSettings, screen: Screen, interrupts: Interrupts, layout: Layout, stack: ExitStack
    ) -> None:
        self._settings = settings
        self._screen = screen
        self._interrupts = interrupts
        self._layout = layout
        self._stack = stack
        self._began = time.monotonic()
        self._children: list[Child] = []
        self._nats_admin_url: str | None = None

    def start(self) -> None:
        """Everything in the order of need, until it is ready."""
        self._screen.step("Opening ports, making keys")
        self._wiring = Wiring(self._listen(), self._stack)
        keys = KeyFiles(self._layout.keys)
        keys.ensure((service.name for service in SERVICES), cipher_suite=self._settings.cipher_suite)
        self._wiring.use_keys(keys, self._layout.audit_copies)
        self._wiring.use_attachments(self._layout.attachments)
        self._start_servers()
        self._prepare()
        self._start_processes()
        self._publish_whereabouts()
        self._wait_until_ready()
        demo = read_client(self._layout.demo_client) if self._settings.sandbox else None
        seconds = time.monotonic() - self._began
        self._screen.ready(Ready(self._base_url, demo, self._layout.demo_client, self._layout.logs, seconds))

    def watch(self) -> None:
        """Sleep until a signal; a child's death is one."""
        while not self._interrupts.stop_requested:
            self._check_children()
            self._interrupts.wait(None)
        raise StopRequestedError

    @property
    def _base_url(self) -> str:
        return self._wiring.urls[GATEWAY]

    def _listen(self) -> socket.socket:
        """Before anything starts: a taken port is told at once."""
        deadline = time.monotonic() + (_FORMER_PORT_PATIENCE_S if self._layout.running.exists() else 0)
        while True:
            try:
                return listen(LOOPBACK, self._settings.port)
            except SuiteError:
                if time.monotonic() > deadline:
                    raise
            self._interrupts.pause(0.1)

    def _start_servers(self) -> None:
        pause = self._interrupts.pause
        if embedded.wanting_postgres():
            self._screen.step("Starting PostgreSQL" if self._layout.postgres.exists() else "Making a new PostgreSQL")
            postgres = embedded.start_postgres(self._settings, self._layout, self._wiring, self._stack, pause)
            self._children.append(postgres)
        if embedded.wanting_nats():
            self._screen.step("Starting NATS")
            nats, self._nats_admin_url = embedded.start_nats(self._settings, self._layout, self._wiring, self._stack, pause)
            self._children.append(nats)

    def _prepare(self) -> None:
        """In a process of its own: it imports what the supervisor has no use for, and can be killed."""
        self._screen.step("Bringing the databases up to date")
        log = self._layout.log("prepare")
        demo = ["--demo-file", str(self._layout.demo_client), "--base-url", self._base_url] if self._settings.sandbox else []
        process = self._spawn(["prepare", *demo], log, self._wiring.whole_environment())
        deadline = time.monotonic() + _PREPARATION_TIMEOUT_S
        try:
            while process.poll() is None and time.monotonic() < deadline:
                self._check_children()
                self._interrupts.pause(_POLL_S)
        finally:
            status = processes.stop(process, signal.SIGTERM, patience_s=self._settings.stop_timeout_s)
        if status != 0:
            known = {int(code) for code in ExitCode}
            code = ExitCode(status) if status in known - {ExitCode.FAILED} else ExitCode.MIGRATION_FAILED
            raise SuiteError.from_log(code, "The databases could not be prepared.", log)

    def _start_processes(self) -> None:
        self._screen.step("Starting services and gateway")
        self._stack.callback(self._stop_processes)
        for process in (*SERVICES, PROCESSES[-1]):
            name, log, listener = process.name, self._layout.log(process.name), self._wiring.listeners[process.name]
            command = ["serve", name, "--fd", str(listener.fileno())]
            child = self._spawn(command, log, self._wiring.environment_of(name), listener)
            self._children.append(Child(name, child, log))
            # The child has it now; while ours were open, a call to a stopped process would hang instead of being refused.
            listener.close()

    def _spawn(
        self, arguments: list[str], log: Path, variables: Mapping[str, str], listener: socket.socket | None = None
    ) -> "subprocess.Popen[bytes]":
        processes.rotate(log)
        return processes.spawn(
            [sys.executable, "-m", "services.suite", *arguments],
            log=log,
            environment=variables,
            pass_fds=[listener.fileno()] if listener else [],
        )

    def _stop_processes(self) -> None:
        """The gateway first, so that nothing new comes in; then the services together."""
        own = [child for child in self._children if child.name in self._wiring.urls]
        for group in ([child for child in own if child.name == GATEWAY], [child for child in own if child.name != GATEWAY]):
            for child in group:
                if child.process.poll() is None:
                    child.process.send_signal(signal.SIGTERM)
            for child in group:
                processes.wait_or_kill(child.process, patience_s=self._settings.stop_timeout_s)

    def _publish_whereabouts(self) -> None:
        self._stack.callback(self._layout.running.unlink, missing_ok=True)
        RunningSuite(
            pid=os.getpid(),
            base_url=self._base_url,
            sandbox=self._settings.sandbox,
            pids={child.name: child.process.pid for child in self._children},
            urls=self._wiring.urls,
            nats_admin_url=self._nats_admin_url,
            variables=self._wiring.published(),
        ).write(self._layout.running)

    def _wait_until_ready(self) -> None:
        self._screen.step("Waiting until everything answers")
        deadline = time.monotonic() + self._settings.ready_timeout_s
        while True:
            self._check_children()
            missing = _not_ready(self._base_url)
            if missing is None:
                return
            if time.monotonic() > deadline:
                raise SuiteError(
                    ExitCode.NOT_READY_IN_TIME,
                    f"Not ready after {self._settings.ready_timeout_s:.0f} s (XINSHIMIN_READY_TIMEOUT_S): {missing}. "
                    f"Logs: {self._layout.logs}",
                )
            self._screen.waiting_for(f"Waiting until everything answers: {missing[:100]}")
            self._interrupts.pause(_POLL_S)

    def _check_children(self) -> None:
        for child in self._children:
            status = child.process.poll()
            if status is not None and not self._interrupts.stop_requested:
                text = f"{child.name} (process {child.process.pid}) died with status {status}; all else is stopped."
                raise SuiteError.from_log(ExitCode.CHILD_DIED, text, child.log)


def _not_ready(base_url: str) -> str | None:
    """What the gateway's readiness names as missing; `None` when all is there."""
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=2)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        return None if response.status == http.HTTPStatus.OK else response.read(2000).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return f"no answer from the gateway yet ({type(error).__name__})"
    finally:
        connection.close()
