"""The importer's process with a few rows to a part, for the crash tests. Production code cannot reach this module."""

from services.chassis.long_work.worker import main
from services.registry.__main__ import WORKER
from services.registry.imports import ACTS, residents
from services.registry.imports.employments import EmploymentList
from services.registry.imports.field_visits import VisitList
from services.registry.imports.stays import GuestList

CHUNK = 4

if __name__ == "__main__":
    residents.CHUNK = EmploymentList.chunk = GuestList.chunk = VisitList.chunk = CHUNK
    main(WORKER, ACTS)
