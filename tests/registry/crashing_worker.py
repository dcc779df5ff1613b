"""The importer's process with a few rows to a part, for the crash tests. Production code cannot reach this module."""

from services.chassis.long_work.worker import main
from services.registry.__main__ import WORKER
from services.registry.imports import ACTS, residents

CHUNK = 4

if __name__ == "__main__":
    residents.CHUNK = CHUNK
    main(WORKER, ACTS)
