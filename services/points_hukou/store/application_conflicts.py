"""Pairs of applications, or of places, of which one human may have one: found after a merge, written, listed."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.work import Work
from services.points_hukou.schemas.application_conflicts import ConflictRecord, ConflictStatus

_FIND = prepare(
    """
    SELECT p.person_id, p.purpose, p.application_id, p.other_application_id, p.division_codes
    FROM applications_in_conflict(CAST(:humans AS uuid[])) p
    WHERE NOT EXISTS (SELECT FROM application_conflict c
        WHERE (c.application_id, c.other_application_id) = (p.application_id, p.other_application_id))
    ORDER BY p.application_id, p.other_application_id
    """
)
_INSERT = prepare(
    """
    INSERT INTO application_conflict (conflict_id, person_id, purpose, application_id, other_application_id, division_codes,
        opened_on, created_at)
    VALUES (:conflict_id, :person_id, :purpose, :application_id, :other_application_id, CAST(:division_codes AS text[]),
        :opened_on, :created_at)
    """
)
_LIST = prepare(
    """
    SELECT * FROM (
        SELECT c.conflict_id, c.person_id, c.purpose, c.application_id, c.other_application_id, c.division_codes, c.opened_on,
            c.created_at, CASE WHEN is_application_conflict_open(c.conflict_id) THEN 'open' ELSE 'settled' END AS status
        FROM application_conflict c
        WHERE CAST(:after_created_at AS timestamptz) IS NULL
            OR (c.created_at, c.conflict_id) > (:after_created_at, CAST(:after_id AS uuid))
    ) found
    WHERE CAST(:status AS text) IS NULL OR status = :status
    ORDER BY created_at, conflict_id LIMIT CAST(:limit AS integer)
    """
)
_OPEN_OF = prepare("SELECT conflict_id FROM open_conflicts_of(CAST(:application_id AS uuid))")


async def find_new(work: Work, humans: Collection[UUID]) -> Sequence[Record]:
    """Pairs of applications, or of places, of which one human has two, as far as they were not put before anybody yet."""
    return await work.tx.fetch(_FIND, humans=list(humans))


async def insert_conflict(work: Work, record: ConflictRecord) -> None:
    """Store a conflict just found."""
    values: dict[str, Any] = dict(record.__dict__)
    await work.tx.execute(_INSERT, **values | {"division_codes": list(record.division_codes)})


async def list_conflicts(
    work: Work, *, status: ConflictStatus | None, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Record]:
    """Up to `limit` + 1 conflicts in which an office of this client has one of the applications, oldest first."""
    after_created_at, after_id = after or (None, None)
    return await work.tx.fetch(_LIST, status=status, after_created_at=after_created_at, after_id=after_id, limit=limit + 1)


async def open_conflicts_of(work: Work, application_id: UUID) -> list[UUID]:
    """The open conflicts an application stands in, also with one that this client does not see."""
    return [row["conflict_id"] for row in await work.tx.fetch(_OPEN_OF, application_id=application_id)]
