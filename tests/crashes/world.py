"""A suite whose every part can be killed, frozen and started again, each by itself: real processes on real servers."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from services.suite import databases, processes
from services.suite.keys import KeyFiles
from services.suite.listening import listen
from services.suite.nats_server import ADMIN, EmbeddedNats
from services.suite.postgres import SUPERUSER, EmbeddedPostgres

ROOT = Path(__file__).parent.parent.parent
LOOPBACK = "127.0.0.1"
PASSWORD = "only-for-this-test-session"
SERVICES = ("registry", "points_hukou", "health", "education", "counting")
GATEWAY = "gateway"
PROCESSES = (*SERVICES, GATEWAY)
READY_WITHIN_S = 60.0


class FixedNats(EmbeddedNats):
    """The embedded server on a port that stays the same when it is started again."""

    def __init__(self, folder: Path, *, port: int, **options: Any) -> None:
        super().__init__(folder, **options)
        self._port = port

    def _config(self) -> dict[str, object]:
        return super()._config() | {"listen": f"{LOOPBACK}:{self._port}"}


@dataclass(slots=True)
class World:
    """The parts and how to treat them badly. Everything is called from the main thread."""

    folder: Path
    postgres: EmbeddedPostgres
    nats: EmbeddedNats
    ports: dict[str, socket.socket]
    variables: dict[str, str]
    nats_folder: Path
    plants: dict[str, str] = field(default_factory=dict)
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def base_url(self) -> str:
        """The gateway's address."""
        return self.url_of(GATEWAY)

    def url_of(self, name: str) -> str:
        """The address of a process."""
        return f"http://{LOOPBACK}:{self._port_of(name)}"

    def _port_of(self, name: str) -> int:
        port: int = self.ports[name].getsockname()[1]
        return port

    def demo(self) -> tuple[str, str]:
        """Id and secret of the demo client."""
        content = json.loads((self.folder / "demo-client.json").read_text())
        return content["client_id"], content["client_secret"]

    def database(self, name: str, role: str = SUPERUSER) -> str:
        """URL of a process's database."""
        return self.postgres.url(name, role, PASSWORD)

    def attachments(self, name: str) -> Path:
        """The folder of a service's files."""
        return self.folder / "attachments" / name

    def start_servers(self) -> None:
        """PostgreSQL and NATS."""
        self.running["postgres"] = self.postgres.start()
        self.running["nats"] = self.nats.start()

    def start(self, name: str, *, crash_at: str = "") -> None:
        """Start a process or a server; calls to a dead process are refused, as it alone holds its listening socket."""
        if name == "nats":
            self.running[name] = self.nats.start()
        elif name == "postgres":
            self.running[name] = self.postgres.start()
        else:
            listener = listen(LOOPBACK, self._port_of(name))
            descriptor = listener.fileno()
            plant = ["--plant", self.plants[name]] if name in self.plants else []
            self.running[name] = processes.spawn(
                [sys.executable, "-m", "tests.crashes.child", *plant, "serve", name, "--fd", str(descriptor)],
                log=self.folder / f"{name}.log",
                environment={**self.variables, "XINSHIMIN_CRASH_AT": crash_at},
                pass_fds=[descriptor],
            )
            listener.close()

    def command(self, *arguments: str, crash_at: str = "") -> "subprocess.CompletedProcess[str]":
        """Run one command of the suite to its end, however it ends."""
        return subprocess.run(
            [sys.executable, "-m", "tests.crashes.child", *arguments],
            cwd=ROOT,
            env={**self.variables, "XINSHIMIN_CRASH_AT": crash_at},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def send(self, name: str, how: signal.Signals) -> None:
        """Send a signal; PostgreSQL's backends get SIGSTOP and SIGCONT too, as when a machine stands still."""
        process = self.running[name]
        targets = [process.pid]
        if name == "postgres" and how in (signal.SIGSTOP, signal.SIGCONT):
            with suppress(OSError):
                targets += map(int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())
        for pid in targets:
            with suppress(ProcessLookupError):
                os.kill(pid, how)

    def kill(self, name: str) -> None:
        """SIGKILL, and wait for the end."""
        self.send(name, signal.SIGKILL)
        self.running[name].wait(10)

    def is_alive(self, name: str) -> bool:
        """Whether it runs."""
        return self.running[name].poll() is None

    async def until_dead(self, name: str, within_s: float) -> bool:
        """Whether the process died by SIGKILL in time."""
        deadline = time.monotonic() + within_s
        while self.is_alive(name) and time.monotonic() < deadline:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)
        return self.running[name].poll() == -signal.SIGKILL

    async def until_ready(self, within_s: float = READY_WITHIN_S) -> float:
        """Wait until every process says it is ready; returns how long that took."""
        began = time.monotonic()
        async with httpx.AsyncClient(timeout=5) as http:
            for name in PROCESSES:
                while not await _ready(http, self.url_of(name)):
                    self.complain_of_dead()
                    if time.monotonic() - began > within_s:
                        raise TimeoutError(f"{name} is not ready; {self.log_of(name)}")
                    await asyncio.sleep(0.05)
        return time.monotonic() - began

    async def until_ready_or_dead(self, name: str) -> None:
        """Wait until a process that is meant to die answers, or is dead already."""
        deadline = time.monotonic() + READY_WITHIN_S
        async with httpx.AsyncClient(timeout=5) as http:
            while self.is_alive(name) and time.monotonic() < deadline:
                if await _ready(http, self.url_of(name)):
                    return
                await asyncio.sleep(0.05)

    def complain_of_dead(self) -> None:
        """Raise when a part is not there."""
        for name, process in self.running.items():
            if process.poll() is not None:
                raise RuntimeError(f"{name} ended with {process.returncode}; {self.log_of(name)}")

    def log_of(self, name: str) -> str:
        """The end of a log."""
        return "\n".join((self.folder / f"{name}.log").read_text(errors="replace").splitlines()[-8:])

    def stop(self) -> None:
        """End everything; what is frozen is thawed first."""
        for name in [*PROCESSES, "nats", "postgres"]:
            if name in self.running:
                self.send(name, signal.SIGCONT)
        for name in PROCESSES:
            if name in self.running:
                processes.stop(self.running[name], signal.SIGTERM, patience_s=20)
        self.nats.stop()
        self.postgres.stop()
        for port in self.ports.values():
            port.close()


async def _ready(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(f"{url}/readyz")).status_code == 200
    except httpx.HTTPError:
        return False


def _reserve() -> socket.socket:
    """A port bound but not listened on: whoever names it may listen there, nobody gets it by chance."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind((LOOPBACK, 0))
    return reserved


def make_world(folder: Path, nats_folder: Path | None) -> World:
    """Folders, keys and settings; nothing runs yet."""
    ports = {name: _reserve() for name in (*PROCESSES, "nats")}
    nats_folder = nats_folder or folder / "nats"
    nats = FixedNats(
        nats_folder,
        port=ports["nats"].getsockname()[1],
        passwords=dict.fromkeys((ADMIN, *PROCESSES), PASSWORD),
        log=folder / "nats.log",
    )
    postgres = EmbeddedPostgres(folder / "postgres", password=PASSWORD, log=folder / "postgres.log")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("XINSHIMIN_")}  # noqa: TID251
    return World(folder, postgres, nats, ports, inherited | {"PYTHONPATH": str(ROOT)}, nats_folder)


def _wire(world: World) -> None:
    keys = KeyFiles(world.folder / "keys")
    keys.ensure(SERVICES)
    upstreams = {name: world.url_of(name) for name in SERVICES if name != "counting"}
    variables = {
        "XINSHIMIN_ENV_FILE": "",
        "XINSHIMIN_SANDBOX": "1",
        "XINSHIMIN_INSIDE_JWKS_FILE": str(keys.inside_jwks),
        "XINSHIMIN_GATEWAY__ACCESS_KEY_FILE": str(keys.access_key),
        "XINSHIMIN_GATEWAY__INSIDE_KEY_FILE": str(keys.inside_key),
        "XINSHIMIN_GATEWAY__ISSUER": world.base_url,
        "XINSHIMIN_GATEWAY__UPSTREAMS": json.dumps(upstreams),
    }
    for name in PROCESSES:
        prefix = f"XINSHIMIN_{name.upper()}__"
        variables[f"{prefix}DATABASE_URL"] = world.database(name, databases.application_role(name))
        variables[f"{prefix}MIGRATION_URL"] = world.database(name, databases.owner_role(name))
        variables[f"{prefix}NATS_URL"] = world.nats.url(name)
        variables[f"{prefix}AUDIT_KEY_FILE"] = str(keys.audit_key(name))
        variables[f"{prefix}AUDIT_COPY_DIR"] = str(world.folder / "audit")
    for name in SERVICES:
        variables[f"XINSHIMIN_{name.upper()}__KEY_FILE"] = str(keys.of(name))
        variables[f"XINSHIMIN_{name.upper()}__ATTACHMENTS_FOLDER"] = str(world.attachments(name))
    world.variables |= variables


@contextmanager
def running_world(nats_folder: Path | None = None) -> Iterator[World]:
    """A suite with the counting service, ready; whatever happens to it, nothing of it is left afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="xsc-"))
    folder.chmod(0o711)
    world = make_world(folder, nats_folder)
    try:
        world.start_servers()
        roles = dict.fromkeys(databases.roles_of(PROCESSES), PASSWORD)
        asyncio.run(databases.ensure(world.database("postgres"), roles, {name: name for name in PROCESSES}))
        _wire(world)
        done = world.command("prepare", "--demo-file", str(folder / "demo-client.json"), "--base-url", world.base_url)
        assert done.returncode == 0, done.stderr
        for name in PROCESSES:
            world.start(name)
        asyncio.run(world.until_ready())
        yield world
    finally:
        world.stop()
        shutil.rmtree(folder, ignore_errors=True)
