"""The whole suite as `make run` starts it – real processes, real servers – and its callers through the gateway."""

import itertools
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
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parent.parent.parent
START_TIMEOUT_S = 90
STOP_TIMEOUT_S = 40

_KEYS = itertools.count(1)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def citizen_number(division: str, birth: str, sequence: int) -> str:
    """A well-formed citizen number of nobody (codes.md C-01 to C-03)."""
    body = f"{division}{birth}{sequence:03d}"
    return body + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True)) % 11]


@dataclass(slots=True)
class Office:
    """A client of the suite, calling through the gateway like another government system."""

    http: httpx.Client
    client_id: str
    client_secret: str
    actor: str = "officer-0017"
    purpose: str = "residence_registration"
    _token: str = field(default="", repr=False)

    def token(self) -> str:
        """An access token by client credentials."""
        if not self._token:
            answer = self.http.post(
                "/oauth/token", data={"grant_type": "client_credentials"}, auth=(self.client_id, self.client_secret)
            )
            assert answer.status_code == 200, answer.text
            self._token = answer.json()["access_token"]
        return self._token

    def call(self, method: str, path: str, content: Any = None, **headers: str) -> httpx.Response:
        """One call; a change gets a fresh key."""
        sent = {"authorization": f"Bearer {self.token()}", "x-purpose": self.purpose, "x-actor": self.actor}
        if method != "GET":
            sent["idempotency-key"] = f"journey-{os.getpid()}-{next(_KEYS)}"
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        return self.http.request(method, path, headers=sent, json=content)

    def get(self, path: str, **headers: str) -> Any:
        """GET that must succeed."""
        return self._ok(self.call("GET", path, **headers))

    def post(self, path: str, content: Any = None, **headers: str) -> Any:
        """POST that must succeed."""
        return self._ok(self.call("POST", path, content if content is not None else {}, **headers))

    def refused(self, method: str, path: str, content: Any, status: int, code: str, **headers: str) -> Any:
        """A call that must be refused with this problem."""
        answer = self.call(method, path, content, **headers)
        assert answer.status_code == status, answer.text
        problem = answer.json()
        assert problem["type"] == f"urn:xinshimin:problem:{code}", answer.text
        return problem

    def set_clock(self, now: str | None) -> None:
        """Move the law clock of the whole suite; returns when everything then due is done."""
        self._ok(self.call("PUT", "/v1/sandbox/clock", {"now": now}))

    @staticmethod
    def _ok(answer: httpx.Response) -> Any:
        assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
        return answer.json()


@dataclass(slots=True)
class Suite:
    """A running suite."""

    process: subprocess.Popen[bytes]
    data_dir: Path
    environment: dict[str, str]
    http: httpx.Client
    started_in_s: float

    def demo(self) -> Office:
        """The demo client."""
        content = json.loads((self.data_dir / "demo-client.json").read_text())
        return Office(self.http, content["client_id"], content["client_secret"])

    def command(self, *arguments: str, check: bool = True) -> Any:
        """`xinshimin <arguments> --json`."""
        done = subprocess.run(
            [sys.executable, "-m", "services.suite", *arguments, "--json"],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert not check or done.returncode == 0, done.stderr + done.stdout
        return json.loads(done.stdout)

    def office_of(self, name: str, division: str, scopes: list[str] | None = None) -> Office:
        """A new client for a division, made with the command line."""
        arguments = ["clients", "create", name, "--division", division, "--organisation", name]
        for scope in scopes or []:
            arguments += ["--scope", scope]
        made = self.command(*arguments)
        return Office(self.http, made["client_id"], made["client_secret"])


@contextmanager
def running_suite() -> Iterator[Suite]:
    """Start a suite of its own in a temporary folder, on a free port; stop it with SIGTERM and expect a clean end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="xsj-"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XINSHIMIN_")}  # noqa: TID251
    environment |= {"XINSHIMIN_DATA_DIR": str(folder / "data"), "XINSHIMIN_PORT": str(port), "XINSHIMIN_SANDBOX": "1"}
    started = time.monotonic()
    log = (folder / "up.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "services.suite", "up"], cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
    )
    http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)
    try:
        while not (folder / "data" / "demo-client.json").exists() or not _ready(http):
            assert process.poll() is None, (folder / "up.log").read_text()
            assert time.monotonic() - started < START_TIMEOUT_S, (folder / "up.log").read_text()
            time.sleep(0.1)
        yield Suite(process, folder / "data", environment, http, time.monotonic() - started)
    finally:
        http.close()
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_TIMEOUT_S)
        finally:
            process.kill()
            log.close()
    assert code == 0, (folder / "up.log").read_text()
    shutil.rmtree(folder, ignore_errors=True)


def _ready(http: httpx.Client) -> bool:
    try:
        return http.get("/readyz").status_code == 200
    except httpx.HTTPError:
        return False
