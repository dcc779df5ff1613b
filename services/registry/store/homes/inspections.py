"""Inspections of homes and their findings: find, lock, list, write."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.registry.schemas.homes.inspections import FindingFilter, FindingRecord, InspectionRecord

_COLUMNS = """i.inspection_id, i.premises_id, i.division_code, i.inspector, i.inspected_on, i.checklist_version, i.answers,
    i.score, i.stars, i.stars_valid_until, i.created_at"""
_FINDING = """f.finding_id, f.premises_id, f.division_code, f.inspection_id, f.room_id, f.kind, f.due_on, f.status, f.closed_on,
    f.closed_by_inspection_id, f.version, f.created_at, f.updated_at"""

_FIND = prepare(f"SELECT {_COLUMNS} FROM inspection i WHERE i.inspection_id = :inspection_id")  # noqa: S608
_OF_PREMISES = prepare(
    f"""
    SELECT {_COLUMNS} FROM inspection i WHERE i.premises_id = :premises_id
    AND (CAST(:before_created_at AS timestamptz) IS NULL
        OR (i.created_at, i.inspection_id) < (:before_created_at, CAST(:before_inspection_id AS uuid)))
    ORDER BY i.created_at DESC, i.inspection_id DESC LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
_FINDINGS_OF = prepare(
    f"""
    SELECT {_FINDING} FROM inspection_finding f
    WHERE f.inspection_id = ANY (CAST(:inspection_ids AS uuid[]))
        OR f.closed_by_inspection_id = ANY (CAST(:inspection_ids AS uuid[]))
    ORDER BY f.created_at, f.finding_id
    """  # noqa: S608
)
_FIND_FINDING = prepare(f"SELECT {_FINDING} FROM inspection_finding f WHERE f.finding_id = :finding_id")  # noqa: S608
_LOCK_OPEN = prepare(
    f"""
    SELECT {_FINDING} FROM inspection_finding f WHERE f.premises_id = :premises_id AND f.status = 'open'
    ORDER BY f.finding_id FOR UPDATE
    """  # noqa: S608
)
_LIST = prepare(
    f"""
    SELECT {_FINDING} FROM inspection_finding f WHERE starts_with(f.division_code, CAST(:prefix AS text))
    AND (CAST(:status AS text) IS NULL OR f.status = :status)
    AND (CAST(:due_before AS date) IS NULL OR f.due_on < CAST(:due_before AS date))
    AND (CAST(:after_created_at AS timestamptz) IS NULL
        OR (f.created_at, f.finding_id) > (:after_created_at, CAST(:after_finding_id AS uuid)))
    ORDER BY f.created_at, f.finding_id LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
_INSERT = prepare(
    """
    INSERT INTO inspection (inspection_id, premises_id, division_code, inspector, inspected_on, checklist_version, answers,
        score, stars, stars_valid_until, created_at)
    VALUES (:inspection_id, :premises_id, :division_code, :inspector, :inspected_on, :checklist_version,
        CAST(:answers AS jsonb), :score, :stars, :stars_valid_until, :created_at)
    """
)
_INSERT_FINDING = prepare(
    """
    INSERT INTO inspection_finding (finding_id, premises_id, division_code, inspection_id, room_id, kind, due_on, status,
        closed_on, closed_by_inspection_id, version, created_at, updated_at)
    VALUES (:finding_id, :premises_id, :division_code, :inspection_id, :room_id, :kind, :due_on, :status, :closed_on,
        :closed_by_inspection_id, :version, :created_at, :updated_at)
    """
)
_UPDATE_FINDING = prepare(
    """
    UPDATE inspection_finding SET due_on = :due_on, status = :status, closed_on = :closed_on,
        closed_by_inspection_id = :closed_by_inspection_id, version = :version, updated_at = :updated_at
    WHERE finding_id = :finding_id
    """
)
_UPDATED = {"finding_id", "due_on", "status", "closed_on", "closed_by_inspection_id", "version", "updated_at"}


async def find_inspection(work: Work, inspection_id: UUID) -> InspectionRecord | None:
    """The inspection, when it is visible to the client."""
    row = await work.tx.fetch_row(_FIND, inspection_id=inspection_id)
    return None if row is None else inspection_of(row)


async def inspections_of(
    work: Work, premises_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Record]:
    """Up to `limit` + 1 rows of a home's inspections, newest first."""
    before_created_at, before_inspection_id = before or (None, None)
    return await work.tx.fetch(
        _OF_PREMISES,
        premises_id=premises_id,
        before_created_at=before_created_at,
        before_inspection_id=before_inspection_id,
        limit=limit + 1,
    )


async def findings_of(work: Work, inspection_ids: Sequence[UUID]) -> list[FindingRecord]:
    """What these inspections found, and what they closed."""
    return [finding_of(row) for row in await work.tx.fetch(_FINDINGS_OF, inspection_ids=list(inspection_ids))]


async def find_finding(work: Work, finding_id: UUID) -> FindingRecord | None:
    """The finding, when it is visible to the client."""
    row = await work.tx.fetch_row(_FIND_FINDING, finding_id=finding_id)
    return None if row is None else finding_of(row)


async def lock_open_findings(work: Work, premises_id: UUID) -> dict[UUID, FindingRecord]:
    """A home's open findings, held until the commit."""
    rows = await work.tx.fetch(_LOCK_OPEN, premises_id=premises_id)
    return {row["finding_id"]: finding_of(row) for row in rows}


async def list_findings(
    work: Work,
    *,
    division_prefix: str,
    which: FindingFilter,
    today: date,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Record]:
    """Up to `limit` + 1 visible rows below a division, oldest first."""
    after_created_at, after_finding_id = after or (None, None)
    status = {FindingFilter.ALL: None, FindingFilter.OVERDUE: "open"}.get(which, which.value)
    return await work.tx.fetch(
        _LIST,
        prefix=division_prefix,
        status=status,
        due_before=today if which is FindingFilter.OVERDUE else None,
        after_created_at=after_created_at,
        after_finding_id=after_finding_id,
        limit=limit + 1,
    )


async def insert_inspection(work: Work, record: InspectionRecord) -> None:
    """Store an inspection; nobody changes it afterwards."""
    await work.tx.execute(_INSERT, **record.model_dump())


async def insert_finding(work: Work, record: FindingRecord) -> None:
    """Store a new finding."""
    await work.tx.execute(_INSERT_FINDING, **record.model_dump())


async def update_finding(work: Work, record: FindingRecord) -> None:
    """Store a finding that was closed or put off."""
    require_one(await work.tx.execute(_UPDATE_FINDING, **record.model_dump(include=_UPDATED)))


def inspection_of(row: Record) -> InspectionRecord:
    """The inspection in a row."""
    return InspectionRecord(**dict(row.items()))


def finding_of(row: Record) -> FindingRecord:
    """The finding in a row."""
    return FindingRecord(**dict(row.items()))
