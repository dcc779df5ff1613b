"""The worker's process with a few rows to a part, for the crash tests. Production code cannot reach this module."""

from services.chassis.long_work.worker import main
from services.points_hukou.__main__ import WORKER
from services.points_hukou.imports import ACTS
from services.points_hukou.imports.evidence import EvidenceList

CHUNK = 4

if __name__ == "__main__":
    EvidenceList.chunk = CHUNK
    main(WORKER, ACTS)
