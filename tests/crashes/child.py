"""The command line of the suite for the processes of a crash test: with the counting service, and with bugs planted on demand.

`python -m tests.crashes.child [--plant BUG] serve registry --fd 7`. Production code cannot reach this module.
"""

import sys
from typing import Any

from services.suite import catalogue
from services.suite.catalogue import Process
from services.suite.cli import main
from tests.crashes import planted

COUNTING = Process("counting", "tests.crashes.counting", "CountingSettings")


def run() -> None:
    """Add the service to the table of processes, plant the bug, go on as `xinshimin` does."""
    services: Any = (*catalogue.SERVICES, COUNTING)
    catalogue.SERVICES, catalogue.PROCESSES = services, (*services, catalogue.PROCESSES[-1])
    if sys.argv[1:2] == ["--plant"]:
        planted.plant(sys.argv[2])
        del sys.argv[1:3]
    main()


if __name__ == "__main__":
    run()
