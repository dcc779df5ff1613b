"""Who listens where, and which setting every process of the suite gets. What the environment gives is never replaced."""

import json
import socket
from contextlib import ExitStack
from pathlib import Path

from services.chassis.settings import PREFIX
from services.suite import environment
from services.suite.catalogue import GATEWAY, PROCESSES, SERVICES
from services.suite.environment import is_given, variable
from services.suite.keys import KeyFiles
from services.suite.listening import listen

LOOPBACK = "127.0.0.1"
_OWNER_ONLY = "__MIGRATION_URL"


class Wiring:
    """Listening sockets and variables of one life of a suite."""

    def __init__(self, gateway: socket.socket, stack: ExitStack) -> None:
        """`gateway` listens already; each service gets a free port. `stack` closes them all."""
        self.listeners = {GATEWAY: gateway} | {service.name: listen(LOOPBACK, 0) for service in SERVICES}
        for listener in self.listeners.values():
            stack.callback(listener.close)
        self.urls = {name: f"http://{LOOPBACK}:{each.getsockname()[1]}" for name, each in self.listeners.items()}
        self.variables: dict[str, str] = {}

    def set(self, process: str, name: str, value: str) -> None:
        """A setting of one process, unless the environment gives it."""
        if not is_given(process, name):
            self.variables[variable(process, name)] = value

    def use_keys(self, keys: KeyFiles, audit_copies: Path) -> None:
        """Point every process at its key files and folder of checkpoints, and the gateway at the services."""
        self.set(GATEWAY, "ACCESS_KEY_FILE", str(keys.access_key))
        self.set(GATEWAY, "INSIDE_KEY_FILE", str(keys.inside_key))
        self.set(GATEWAY, "UPSTREAMS", json.dumps({service.name: self.urls[service.name] for service in SERVICES}))
        self.set(GATEWAY, "ISSUER", self.urls[GATEWAY])
        for service in SERVICES:
            self.set(service.name, "KEY_FILE", str(keys.of(service.name)))
            self.set(service.name, "INSIDE_JWKS_FILE", str(keys.inside_jwks))
        for process in PROCESSES:
            self.set(process.name, "AUDIT_KEY_FILE", str(keys.audit_key(process.name)))
            self.set(process.name, "AUDIT_COPY_DIR", str(audit_copies))

    def use_attachments(self, folder: Path) -> None:
        """Give every service a folder of its own for the files people hand in."""
        for service in SERVICES:
            self.set(service.name, "ATTACHMENTS_FOLDER", str(folder / service.name))

    def environment_of(self, process: str) -> dict[str, str]:
        """What one process gets to see: nobody else's settings, and not the owning role of its database."""
        merged = {**self.variables, **environment.VARIABLES}
        foreign = tuple(variable(each.name, "") for each in PROCESSES if each.name != process)
        return {
            name: value for name, value in merged.items() if not name.startswith(foreign) and not name.endswith(_OWNER_ONLY)
        }

    def published(self) -> dict[str, str]:
        """What a command in another terminal needs to talk to the same servers with the same keys."""
        own = {PREFIX + name for name in ("PORT", "DATA_DIR", "ENV_FILE")}
        return {name: value for name, value in self.whole_environment().items() if name.startswith(PREFIX) and name not in own}

    def whole_environment(self) -> dict[str, str]:
        """Everything, for the process that migrates."""
        return {**self.variables, **environment.VARIABLES}
