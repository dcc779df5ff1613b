"""Which coordinator walks where."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.registry.schemas.field_work.assignments import AssignmentRecord

_COLUMNS = """a.assignment_id, a.coordinator, a.division_code, a.valid_from, a.valid_until, a.version, a.created_at,
    a.updated_at"""
_FIND = prepare(f"SELECT {_COLUMNS} FROM coordinator_assignment a WHERE a.assignment_id = :assignment_id")  # noqa: S608
_LOCK = prepare(
    f"SELECT {_COLUMNS} FROM coordinator_assignment a WHERE a.assignment_id = :assignment_id FOR UPDATE"  # noqa: S608
)
_OF_COORDINATOR = prepare(f"SELECT {_COLUMNS} FROM coordinator_assignment a WHERE a.coordinator = :coordinator")  # noqa: S608
_LIST = prepare(
    f"""
    SELECT {_COLUMNS} FROM coordinator_assignment a WHERE starts_with(a.division_code, CAST(:prefix AS text))
    AND (CAST(:after_created_at AS timestamptz) IS NULL
        OR (a.created_at, a.assignment_id) > (:after_created_at, CAST(:after_assignment_id AS uuid)))
    ORDER BY a.created_at, a.assignment_id LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
_INSERT = prepare(
    """
    INSERT INTO coordinator_assignment (assignment_id, coordinator, division_code, valid_from, valid_until, version, created_at,
        updated_at)
    VALUES (:assignment_id, :coordinator, :division_code, :valid_from, :valid_until, :version, :created_at, :updated_at)
    ON CONFLICT DO NOTHING
    """
)
_END = prepare(
    """
    UPDATE coordinator_assignment SET valid_until = :valid_until, version = :version, updated_at = :updated_at
    WHERE assignment_id = :assignment_id
    """
)


async def find_assignment(work: Work, assignment_id: UUID) -> AssignmentRecord | None:
    """The assignment, when it is visible to the client."""
    row = await work.tx.fetch_row(_FIND, assignment_id=assignment_id)
    return None if row is None else assignment_of(row)


async def lock_assignment(work: Work, assignment_id: UUID) -> AssignmentRecord | None:
    """The assignment as it is now, held until the commit."""
    row = await work.tx.fetch_row(_LOCK, assignment_id=assignment_id)
    return None if row is None else assignment_of(row)


async def assignments_of(work: Work, coordinator: str) -> list[AssignmentRecord]:
    """Where a coordinator walks or walked, within the client's division."""
    return [assignment_of(row) for row in await work.tx.fetch(_OF_COORDINATOR, coordinator=coordinator)]


async def list_assignments(
    work: Work, *, division_prefix: str, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Record]:
    """Up to `limit` + 1 visible rows below a division, oldest first."""
    after_created_at, after_assignment_id = after or (None, None)
    return await work.tx.fetch(
        _LIST,
        prefix=division_prefix,
        after_created_at=after_created_at,
        after_assignment_id=after_assignment_id,
        limit=limit + 1,
    )


async def insert_assignment(work: Work, record: AssignmentRecord) -> bool:
    """Store a new assignment; false when the coordinator walks there already."""
    return await work.tx.execute(_INSERT, **record.model_dump()) == "INSERT 0 1"


async def end_assignment(work: Work, record: AssignmentRecord) -> None:
    """Store the end of an assignment."""
    ended = record.model_dump(include={"assignment_id", "valid_until", "version", "updated_at"})
    require_one(await work.tx.execute(_END, **ended))


def assignment_of(row: Record) -> AssignmentRecord:
    """The state of an assignment in a row."""
    return AssignmentRecord(**dict(row.items()))
