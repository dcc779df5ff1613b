"""Closed-loop load on an HTTP server, from a process of its own: wrk where Debian's package is, else `bench.client`."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_LUA = Path(__file__).with_name("load.lua")
_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request; the headers that all calls share are given to `drive`."""

    method: str
    path: str
    headers: Mapping[str, str] | None = None
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Load:
    """What a round of load brought."""

    answered: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return self.answered / self.seconds


def drive(
    base_url: str, calls: Sequence[Call], shared: Mapping[str, str], *, connections: int, seconds: float, once: bool = False
) -> Load:
    """Ask `calls` in order, over and over, for `seconds` whole seconds; with `once` none may be asked twice.

    Raises `RuntimeError` when an answer was an error, or when the calls did not suffice.
    """
    address = urlsplit(base_url).netloc
    with tempfile.NamedTemporaryFile(prefix="xsb-", suffix=".requests") as file:
        for call in calls:
            request = _request(call, shared, address)
            file.write(b"%d\n%b" % (len(request), request))
        file.flush()
        done = subprocess.run(
            _command(base_url, file.name, connections, seconds),
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds + _PATIENCE_S,
        )
    if done.returncode != 0:
        raise RuntimeError(f"the load client failed: {done.stderr or done.stdout}")
    found = json.loads(done.stdout.strip().rpartition("\n")[2])
    if found["refused"] or found["broken"]:
        raise RuntimeError(
            f"{base_url} refused {found['refused']} and broke off {found['broken']} of {found['answered']} calls"
        )
    if once and found["answered"] + connections >= len(calls):
        raise RuntimeError(f"{len(calls)} calls do not suffice for {seconds} s of load")
    return Load(found["answered"], found["seconds"], found["p50_ms"], found["p95_ms"], found["p99_ms"])


def _request(call: Call, shared: Mapping[str, str], address: str) -> bytes:
    lines = [f"{call.method} {call.path} HTTP/1.1", f"Host: {address}"]
    lines += [f"{name}: {value}" for name, value in {**shared, **(call.headers or {})}.items()]
    if call.body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(call.body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + call.body


def _command(base_url: str, requests: str, connections: int, seconds: float) -> list[str]:
    if wrk := shutil.which("wrk"):
        options = ["-t1", f"-c{connections}", f"-d{round(seconds)}s", "-s", str(_LUA), base_url, "--", requests]
        return [wrk, *options]
    return [sys.executable, "-m", "bench.client", base_url, requests, str(connections), str(seconds)]
