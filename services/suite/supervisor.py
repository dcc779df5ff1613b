"""`xinshimin up`: the whole suite on one machine, started in order, watched, stopped in order.

One thread, no event loop: children are tied to the thread that spawned them (see `processes.spawn`), and between two steps there is
nothing to do but wait for a signal.
"""

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from services.suite import databases, environment, processes
from services.suite.catalogue import GATEWAY, PROCESSES, SERVICES
from services.suite.data_folder import DataFolder, Layout
from services.suite.environment import SuiteSettings, is_given, variable
from services.suite.exits import ExitCode, SuiteError
from services.suite.first_calls import read_client
from services.suite.interrupts import Interrupts, StopRequestedError
from services.suite.keys import KeyFiles
from services.suite.nats_server import ADMIN, EmbeddedNats
from services.suite.postgres import SUPERUSER, EmbeddedPostgres
from services.suite.running import RunningSuite
from services.suite.screen import Ready, Screen
from services.suite.secrets_file import Passwords
from services.suite.serve import listen

_LOOPBACK = "127.0.0.1"
_STEPS = 7
_POLL_S = 0.05
_PREPARATION_TIMEOUT_S = 300.0
# A killed suite's gateway closes its listening socket within moments; longer than that the port belongs to somebody else.
_FORMER_PORT_PATIENCE_S = 3.0


@dataclass(frozen=True, slots=True)
class Child:
    """A running part of the suite."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path


class Supervisor:
    """One life of a suite."""

    def __init__(self, settings: SuiteSettings, screen: Screen) -> None:
        self._settings = settings
        self._screen = screen
        self._children: list[Child] = []
        self._listeners: dict[str, socket.socket] = {}
        self._variables: dict[str, str] = {}
        self._nats_admin_url: str | None = None
        self._began = time.monotonic()
        self._interrupts: Interrupts
        self._layout: Layout

    def run(self) -> ExitCode:
        """Start everything, watch it until a stop is asked for, stop everything. Raises `SuiteError` when a part fails."""
        environment.refuse_shared_database()
        folder = DataFolder(self._settings.data_dir, free_bytes_min=self._settings.free_disk_min_mb << 20)
        with ExitStack() as stack:
            self._interrupts = stack.enter_context(Interrupts())
            self._layout = stack.enter_context(folder)
            stack.callback(self._layout.running.unlink, missing_ok=True)
            try:
                self._start(stack)
                self._watch()
            except StopRequestedError:
                self._screen.message("Stopping; the data stay.")
        return ExitCode.DONE

    def _start(self, stack: ExitStack) -> None:
        """Each part registers its own stop on `stack`, so they stop in reverse order however far the start came."""
        self._screen.step("Opening ports and keys")
        self._open_ports(stack)
        keys = KeyFiles(self._layout.keys)
        keys.ensure(process.name for process in PROCESSES)
        self._set_variables(keys)
        self._start_postgres(stack)
        self._start_nats(stack)
        self._prepare()
        self._start_processes(stack)
        self._publish_whereabouts()
        self._wait_until_ready()
        demo = read_client(self._layout.demo_client) if self._settings.sandbox else None
        seconds = time.monotonic() - self._began
        self._screen.ready(Ready(self._base_url, demo, self._layout.demo_client, self._layout.logs, seconds))

    @property
    def _base_url(self) -> str:
        return self._url(GATEWAY)

    def _url(self, name: str) -> str:
        return f"http://{_LOOPBACK}:{self._listeners[name].getsockname()[1]}"

    def _open_ports(self, stack: ExitStack) -> None:
        """Listening before anything starts: a taken port is told at once, and no request is refused in between."""
        deadline = time.monotonic() + (_FORMER_PORT_PATIENCE_S if self._layout.running.exists() else 0)
        while GATEWAY not in self._listeners:
            try:
                self._listeners[GATEWAY] = listen(_LOOPBACK, self._settings.port)
            except SuiteError:
                if time.monotonic() > deadline:
                    raise
                self._interrupts.pause(0.1)
        for service in SERVICES:
            self._listeners[service.name] = listen(_LOOPBACK, 0)
        for listener in self._listeners.values():
            stack.callback(listener.close)

    def _set_variables(self, keys: KeyFiles) -> None:
        self._set(GATEWAY, "ACCESS_KEY_FILE", str(keys.access_key))
        self._set(GATEWAY, "INSIDE_KEY_FILE", str(keys.inside_key))
        self._set(GATEWAY, "UPSTREAMS", json.dumps({service.name: self._url(service.name) for service in SERVICES}))
        self._set(GATEWAY, "ISSUER", self._base_url)
        for process in PROCESSES:
            self._set(process.name, "KEY_FILE", str(keys.of(process.name)))
        for service in SERVICES:
            self._set(service.name, "INSIDE_JWKS_FILE", str(keys.inside_jwks))

    def _set(self, process: str, name: str, value: str) -> None:
        """A setting of one process, unless the environment gives it."""
        if not is_given(process, name):
            self._variables[variable(process, name)] = value

    def _start_postgres(self, stack: ExitStack) -> None:
        wanting = [process.name for process in PROCESSES if not is_given(process.name, "DATABASE_URL")]
        if not wanting:
            self._screen.step("Using PostgreSQL of the environment")
            return
        self._screen.step("Starting PostgreSQL" if self._layout.postgres.exists() else "Making a new PostgreSQL data folder")
        passwords = Passwords(self._layout.secrets, server_exists=self._layout.postgres.exists())
        log = self._layout.log("postgres")
        server = EmbeddedPostgres(
            self._layout.postgres,
            password=passwords.of([SUPERUSER])[SUPERUSER],
            log=log,
            binaries=self._settings.postgres_bin,
            pause=self._interrupts.pause,
        )
        stack.callback(server.stop)
        server.start()
        assert server.process is not None
        self._children.append(Child("postgres", server.process, log))
        roles = [role(name) for name in wanting for role in (databases.owner_role, databases.application_role)]
        role_passwords = passwords.of(roles)
        asyncio.run(databases.ensure(server.url("postgres"), role_passwords, wanting))
        for name in wanting:
            owner, application = databases.owner_role(name), databases.application_role(name)
            self._set(name, "DATABASE_URL", server.url(name, application, role_passwords[application]))
            self._set(name, "MIGRATION_URL", server.url(name, owner, role_passwords[owner]))

    def _start_nats(self, stack: ExitStack) -> None:
        wanting = [service.name for service in SERVICES if not is_given(service.name, "NATS_URL")]
        if not wanting:
            self._screen.step("Using NATS of the environment")
            return
        self._screen.step("Starting NATS")
        # Its passwords live as long as the process: the configuration is written anew at each start.
        passwords = Passwords(self._layout.secrets, server_exists=False)
        users = {name: passwords.of([f"nats_{name}"])[f"nats_{name}"] for name in (ADMIN, *wanting)}
        log = self._layout.log("nats")
        server = EmbeddedNats(
            self._layout.nats, passwords=users, log=log, program=self._settings.nats_server, pause=self._interrupts.pause
        )
        stack.callback(server.stop)
        server.start()
        assert server.process is not None
        self._children.append(Child("nats", server.process, log))
        self._nats_admin_url = server.url(ADMIN)
        for name in wanting:
            self._set(name, "NATS_URL", server.url(name))

    def _prepare(self) -> None:
        """In a process of its own: it imports what the supervisor has no use for, and may be killed."""
        self._screen.step("Bringing the databases up to date")
        log = self._layout.log("prepare")
        processes.rotate(log)
        demo = ["--demo-file", str(self._layout.demo_client), "--base-url", self._base_url] if self._settings.sandbox else []
        process = self._spawn("prepare", ["prepare", *demo], log, with_owner=True)
        deadline = time.monotonic() + _PREPARATION_TIMEOUT_S
        try:
            while process.poll() is None and time.monotonic() < deadline:
                self._check_children()
                self._interrupts.pause(_POLL_S)
        finally:
            processes.stop(process, signal.SIGTERM, patience_s=self._settings.stop_timeout_s)
        if process.returncode != 0:
            raise SuiteError(ExitCode.MIGRATION_FAILED, f"The databases could not be prepared.\n{processes.last_lines(log, 12)}\nSee {log}")

    def _start_processes(self, stack: ExitStack) -> None:
        self._screen.step("Starting services and gateway")
        for process in PROCESSES:
            name, log = process.name, self._layout.log(process.name)
            processes.rotate(log)
            listener = self._listeners[name]
            child = Child(name, self._spawn(name, ["serve", name, "--fd", str(listener.fileno())], log, listener=listener), log)
            self._children.append(child)
        # Ours is a copy; while it were open, connections to a stopped process would hang instead of being refused.
        urls = {name: self._url(name) for name in self._listeners}
        self._urls = urls
        stack.callback(self._stop_processes)

    def _spawn(
        self, name: str, arguments: list[str], log: Path, *, listener: socket.socket | None = None, with_owner: bool = False
    ) -> "subprocess.Popen[bytes]":
        """A child of our own code. It sees its own secrets; the owning role's only if it migrates."""
        own = {
            key: value
            for key, value in self._variables.items()
            if name == "prepare" or key.startswith(variable(name, ""))
            if with_owner or not key.endswith("__MIGRATION_URL")
        }
        return processes.spawn(
            [sys.executable, "-m", "services.suite", *arguments],
            log=log,
            environment={**environment.VARIABLES, **own, "PYTHONUNBUFFERED": "1"},
            pass_fds=[listener.fileno()] if listener else [],
        )

    def _stop_processes(self) -> None:
        """The gateway first, so that nothing new comes in; then the services together."""
        own = [child for child in self._children if child.name in self._listeners]
        for group in ([child for child in own if child.name == GATEWAY], [child for child in own if child.name != GATEWAY]):
            for child in group:
                if child.process.poll() is None:
                    child.process.send_signal(signal.SIGTERM)
            for child in group:
                processes.stop(child.process, signal.SIGTERM, patience_s=self._settings.stop_timeout_s)

    def _publish_whereabouts(self) -> None:
        RunningSuite(
            pid=os.getpid(),
            base_url=self._base_url,
            sandbox=self._settings.sandbox,
            pids={child.name: child.process.pid for child in self._children},
            urls={name: self._url(name) for name in self._listeners},
            nats_admin_url=self._nats_admin_url,
            variables=self._variables,
        ).write(self._layout.running)

    def _wait_until_ready(self) -> None:
        self._screen.step("Waiting until everything answers")
        deadline = time.monotonic() + self._settings.ready_timeout_s
        while True:
            self._check_children()
            ready, answer = self._ask_readiness()
            if ready:
                return
            if time.monotonic() > deadline:
                raise SuiteError(
                    ExitCode.NOT_READY_IN_TIME,
                    f"Not ready after {self._settings.ready_timeout_s:.0f} s (XINSHIMIN_READY_TIMEOUT_S): {answer}. "
                    f"Logs: {self._layout.logs}",
                )
            self._screen.waiting_for(f"Waiting until everything answers: {answer[:100]}")
            self._interrupts.pause(_POLL_S)

    def _ask_readiness(self) -> tuple[bool, str]:
        host, port = self._listeners[GATEWAY].getsockname()[:2]
        connection = http.client.HTTPConnection(host, port, timeout=2)
        try:
            connection.request("GET", "/readyz")
            response = connection.getresponse()
            return response.status == http.HTTPStatus.OK, response.read(2000).decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            return False, f"the gateway does not answer yet ({type(error).__name__})"
        finally:
            connection.close()

    def _watch(self) -> None:
        """Sleep until a signal; a child's death is one."""
        while not self._interrupts.stop_requested:
            self._check_children()
            self._interrupts.wait(None)
        raise StopRequestedError

    def _check_children(self) -> None:
        for child in self._children:
            status = child.process.poll()
            if status is not None and not self._interrupts.stop_requested:
                raise SuiteError(
                    ExitCode.CHILD_DIED,
                    f"{child.name} (process {child.process.pid}) died with status {status}; everything else was stopped, the data "
                    f"stay.\n{processes.last_lines(child.log)}\nSee {child.log}",
                )
