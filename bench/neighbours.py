"""The servers whose speed is the limit, each a process of its own beside the suite."""

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.journeys.suite import ROOT

_START_TIMEOUT_S = 20.0

# One worker like the gateway, connections to the service kept open, no access log: as fast as nginx forwards.
_NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr error; user root;
events {{ worker_connections 512; }}
http {{
    access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};
    fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
    upstream service {{ server {service}; keepalive 64; }}
    server {{
        listen 127.0.0.1:{port}; keepalive_requests 1000000;
        location / {{ proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    }}
}}
"""


@contextmanager
def bare_reader(database_url: str) -> Iterator[str]:
    """Starlette and asyncpg; its address."""
    port = _free_port()
    command = [sys.executable, "-m", "bench.bare_reader", "--database-url", database_url, "--port", str(port)]
    with _running(command, port) as address:
        yield address


@contextmanager
def nginx(service_url: str) -> Iterator[str | None]:
    """nginx proxying to a service; its address, or `None` where nginx is not installed."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/sbin:/bin")
    if program is None:
        yield None
        return
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="xsb-") as folder:
        config = Path(folder) / "nginx.conf"
        config.write_text(_NGINX.format(folder=folder, service=urlsplit(service_url).netloc, port=port))
        with _running([program, "-e", "stderr", "-c", str(config)], port) as address:
            yield address


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def _running(command: Sequence[str], port: int) -> Iterator[str]:
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} does not listen")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
