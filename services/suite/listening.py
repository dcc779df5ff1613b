"""Listening sockets, opened before the process that serves them exists."""

import ipaddress
import socket

from services.chassis.settings import PREFIX
from services.suite.exits import ExitCode, SuiteError

BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises `SuiteError` when the port is taken or may not be used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise SuiteError(
            ExitCode.PORT_TAKEN,
            f"{host}:{port} cannot be listened on ({error.strerror}). Stop what uses it, or choose another port, for instance "
            f"{PREFIX}PORT={port + 1}.",
        ) from None
    return listener


def is_loopback(listener: socket.socket) -> bool:
    """Whether only this machine can reach it."""
    return ipaddress.ip_address(listener.getsockname()[0]).is_loopback
