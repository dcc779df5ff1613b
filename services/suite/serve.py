"""One process of the suite: the application of a service or of the gateway under uvicorn."""

import ipaddress
import socket

import uvicorn
from pydantic import ValidationError

from services.chassis.settings import PREFIX
from services.suite import catalogue
from services.suite.environment import wrong_settings
from services.suite.exits import ExitCode, SuiteError

# Behind the gateway, longer than it keeps idle connections; at the door, long enough for a client that calls now and then.
_KEEP_ALIVE_S = 65
_GRACE_S = 15
_BACKLOG = 2048


def serve(name: str, *, listener: socket.socket) -> None:
    """Serve `name` on `listener` until SIGTERM or SIGINT; requests under way may take 15 s more.

    Raises `SuiteError` for settings that are wrong or a sandbox that would be reachable from other machines.
    """
    process = catalogue.process(name)
    try:
        settings = process.settings()
    except ValidationError as error:
        raise wrong_settings(error) from None
    if settings.sandbox and not settings.sandbox_any_bind and not _is_loopback(listener):
        raise SuiteError(
            ExitCode.WRONG_SETTINGS,
            f"A sandbox has shared secrets and a clock anybody may set; it listens on loopback only, unless "
            f"{PREFIX}SANDBOX_ANY_BIND=1 says that this network is safe.",
        )
    config = uvicorn.Config(
        process.application(settings),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
    )
    uvicorn.Server(config).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises `SuiteError` when the port is taken or may not be used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise SuiteError(
            ExitCode.PORT_TAKEN,
            f"{host}:{port} cannot be listened on ({error.strerror}). Stop what uses it, or choose another port, for instance "
            f"{PREFIX}PORT={port + 1}.",
        ) from None
    return listener


def _is_loopback(listener: socket.socket) -> bool:
    return ipaddress.ip_address(listener.getsockname()[0]).is_loopback
