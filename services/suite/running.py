"""How a command finds the running suite: `suite.json` in the data folder, there exactly while a suite runs."""

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from services.suite import environment
from services.suite.data_folder import Layout, write_atomically


class RunningSuite(BaseModel):
    """What a command needs to know; `variables` are the settings of all processes, secrets included."""

    model_config = ConfigDict(frozen=True)

    pid: int
    base_url: str
    sandbox: bool
    pids: dict[str, int]
    urls: dict[str, str]
    nats_admin_url: str | None
    variables: dict[str, str]

    def write(self, path: Path) -> None:
        """Publish it, mode 0600."""
        write_atomically(path, self.model_dump_json(indent=2))


def find(layout: Layout) -> RunningSuite | None:
    """The suite running on this data folder, if one does."""
    try:
        suite = RunningSuite.model_validate_json(layout.running.read_text())
    except (OSError, ValidationError):
        return None
    return suite if _is_alive(suite.pid) else None


def adopt(layout: Layout) -> RunningSuite | None:
    """Make the running suite's settings this process's own, so that a command talks to what the suite talks to.

    Variables of the environment win; so commands also work without a suite on this machine.
    """
    suite = find(layout)
    if suite is not None:
        environment.adopt(suite.variables)
    return suite


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
