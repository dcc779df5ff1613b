"""Starting real suites, and telling whether anything of them is left."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parent.parent.parent
READY_WITHIN_S = 90
STOPPED_WITHIN_S = 45
GONE_WITHIN_S = 25


def clean_environment(data_dir: Path, **variables: str) -> dict[str, str]:
    """This process's environment without settings of a suite, with a data folder and a free port."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("XINSHIMIN_")}  # noqa: TID251
    own = {"XINSHIMIN_DATA_DIR": str(data_dir), "XINSHIMIN_PORT": "0", "XINSHIMIN_SANDBOX": "1", "XINSHIMIN_ENV_FILE": ""}
    own |= {"XINSHIMIN_KEY_REFRESH_S": "0.5"}  # a rotation waits until every process has looked
    return inherited | own | variables


def xinshimin(*arguments: str, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "services.suite", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@dataclass(slots=True)
class RunningUp:
    """A `xinshimin up --json` that became ready."""

    process: "subprocess.Popen[str]"
    data_dir: Path
    environment: dict[str, str]
    screen: dict[str, Any]
    pids: dict[str, int] = field(default_factory=dict)

    def command(self, *arguments: str) -> Any:
        """What `xinshimin … --json` answers; it must succeed, and leave nothing behind that complains."""
        done = xinshimin(*arguments, "--json", environment=self.environment)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return json.loads(done.stdout)

    def readiness(self) -> httpx.Response:
        """The gateway's answer to /readyz."""
        return httpx.get(f"{self.screen['base_url']}/readyz", timeout=5)

    def paste(self, *numbers: int, before: str = "") -> list[str]:
        """Paste the printed calls with these numbers into a shell; returns the lines it prints."""
        script = "\n".join([before, *(self.screen["curls"][number] for number in numbers)])
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=30, check=True)
        return done.stdout.splitlines()

    def stop(self, how: int) -> "subprocess.CompletedProcess[str]":
        """Send the supervisor a signal and wait for its end."""
        self.process.send_signal(how)
        return self.end()

    def end(self) -> "subprocess.CompletedProcess[str]":
        """Wait for the supervisor's end."""
        out, err = self.process.communicate(timeout=STOPPED_WITHIN_S)
        return subprocess.CompletedProcess([], self.process.returncode, out, err)

    def left_over(self, *, within_s: float = GONE_WITHIN_S) -> list[str]:
        """The processes that are still there after `within_s`."""
        deadline = time.monotonic() + within_s
        while (left := [name for name, pid in self.pids.items() if is_alive(pid)]) and time.monotonic() < deadline:
            time.sleep(0.05)
        return left


def begin_up(environment: dict[str, str]) -> "subprocess.Popen[str]":
    """A `xinshimin up --json` that has just begun."""
    return subprocess.Popen(
        [sys.executable, "-m", "services.suite", "up", "--json"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def up(data_dir: Path, **variables: str) -> Iterator[RunningUp]:
    """A suite that became ready; whatever the test does, it has stopped afterwards."""
    environment = clean_environment(data_dir, **variables)
    process = begin_up(environment)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate(timeout=STOPPED_WITHIN_S)[1]
        running = RunningUp(process, data_dir, environment, json.loads(line))
        running.pids = json.loads((data_dir / "suite.json").read_text())["pids"]
        yield running
    finally:
        process.terminate()
        try:
            process.communicate(timeout=STOPPED_WITHIN_S)
        except (subprocess.TimeoutExpired, ValueError):
            process.kill()


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
