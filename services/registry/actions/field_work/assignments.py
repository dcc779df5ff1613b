"""Which coordinator walks which division: assign, end, list."""

from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.history import VersionView, versions_of
from services.chassis.ids import new_id
from services.chassis.pages import Page, after, page_of
from services.chassis.refusals import invalid, not_found
from services.chassis.work import Work
from services.registry.actions.divisions import listed_prefix, require_own_division
from services.registry.actions.trail import leave
from services.registry.schemas.field_work.assignments import (
    AssignmentEnd,
    AssignmentEntry,
    AssignmentRecord,
    AssignmentView,
    PastAssignmentView,
)
from services.registry.store.field_work import assignments as store

RESOURCE = "coordinator_assignment"


async def assign_coordinator(work: Work, body: AssignmentEntry) -> AssignmentView:
    """Assign a coordinator. Raises `DomainError('assignment-exists')` while the coordinator walks there."""
    require_own_division(work, body.division_code, "/division_code")
    record = AssignmentRecord(
        **body.model_dump(),
        assignment_id=new_id(),
        valid_until=None,
        version=1,
        created_at=work.now,
        updated_at=work.now,
    )
    if not await store.insert_assignment(work, record):
        raise DomainError("assignment-exists")
    leave(work, "assign", RESOURCE, record.assignment_id, None, before=None, after=record, division_codes=())
    return AssignmentView.of(record)


async def end_assignment(work: Work, assignment_id: UUID, body: AssignmentEnd) -> AssignmentView:
    """End an assignment; what was visited until then stays."""
    before = await store.lock_assignment(work, assignment_id)
    if before is None:
        raise not_found("assignment")
    work.expect_version(before.version)
    if before.valid_until is not None:
        raise DomainError("assignment-ended")
    if body.valid_until <= before.valid_from:
        raise invalid([FieldError("/valid_until", "validity", "必须晚于 valid_from", "must be after valid_from")])
    ended = before.model_copy(update={"valid_until": body.valid_until, "version": before.version + 1, "updated_at": work.now})
    await store.end_assignment(work, ended)
    leave(work, "end", RESOURCE, assignment_id, None, before=before, after=ended, division_codes=())
    return AssignmentView.of(ended)


async def read_assignment(work: Work, assignment_id: UUID) -> AssignmentView:
    """One assignment."""
    record = await store.find_assignment(work, assignment_id)
    if record is None:
        raise not_found("assignment")
    work.audit("read", RESOURCE, assignment_id)
    return AssignmentView.of(record)


async def read_assignment_history(
    work: Work, assignment_id: UUID, cursor: str | None, limit: int
) -> Page[VersionView[PastAssignmentView]]:
    """Versions of an assignment, newest first."""
    if await store.find_assignment(work, assignment_id) is None:
        raise not_found("assignment")
    work.audit("read_history", RESOURCE, assignment_id)
    return await versions_of(
        work, RESOURCE, assignment_id, record=AssignmentRecord, view=PastAssignmentView.of, cursor=cursor, limit=limit
    )


async def list_assignments(work: Work, division_code: str | None, cursor: str | None, limit: int) -> Page[AssignmentView]:
    """Assignments in a division, oldest first."""
    prefix = listed_prefix(work, division_code)
    scope = f"assignments {prefix}"
    start = after(work.keyring, scope, cursor)
    rows = await store.list_assignments(work, division_prefix=prefix, after=start, limit=limit)
    work.audit("read", RESOURCE, None, outcome=f"found {min(len(rows), limit)}")
    return page_of(
        work.keyring,
        scope,
        rows,
        limit,
        lambda row: AssignmentView.of(store.assignment_of(row)),
        id_column="assignment_id",
    )
