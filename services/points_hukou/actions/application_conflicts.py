"""Persons were merged, and each has the same application open, or holds a place for the same: put before people, who have one
withdrawn or given up (architecture §1).

Nothing is chosen here. Until then the machine may score both, nobody stands for either, and nobody moves on either place.
Whether a conflict is open is looked up and not written down, so that it cannot be forgotten.
"""

from collections.abc import Collection
from uuid import UUID

from services.chassis.errors import DomainError
from services.chassis.ids import new_id
from services.chassis.pages import Page, after, page_of
from services.chassis.work import Work
from services.contracts.points_hukou import ApplicationConflictOpened
from services.points_hukou.rules.purposes import Purpose
from services.points_hukou.schemas.application_conflicts import ApplicationConflictView, ConflictRecord, ConflictStatus
from services.points_hukou.store import application_conflicts as store

RESOURCE = "application_conflict"


async def open_new(work: Work, humans: Collection[UUID]) -> None:
    """Open a conflict for every two applications of which one of these humans, by now, may have one."""
    for row in await store.find_new(work, humans):
        record = ConflictRecord(
            conflict_id=new_id(),
            person_id=row["person_id"],
            purpose=Purpose(row["purpose"]),
            application_id=row["application_id"],
            other_application_id=row["other_application_id"],
            division_codes=tuple(row["division_codes"]),
            opened_on=work.today,
            created_at=work.now,
        )
        await store.insert_conflict(work, record)
        state = {name: getattr(record, name) for name in ApplicationConflictOpened.model_fields}
        work.emit(ApplicationConflictOpened.model_validate(state), division_codes=record.division_codes)
        work.audit("open", RESOURCE, record.conflict_id, person_id=record.person_id)


async def list_conflicts(
    work: Work, status: ConflictStatus | None, cursor: str | None, limit: int
) -> Page[ApplicationConflictView]:
    """Conflicts in which this client's offices have one of the applications, oldest first."""
    scope = f"application conflicts {status}"
    rows = await store.list_conflicts(work, status=status, after=after(work.keyring, scope, cursor), limit=limit)
    page = page_of(
        work.keyring,
        scope,
        rows,
        limit,
        lambda row: ApplicationConflictView.model_validate(dict(row.items())),
        id_column="conflict_id",
    )
    for item in page.items:
        work.audit("read", RESOURCE, item.conflict_id, person_id=item.person_id)
    return page


async def require_no_conflict(work: Work, application_id: UUID) -> None:
    """Raises `DomainError('application-conflict-open')` while its human has the same open twice."""
    if conflicts := await store.open_conflicts_of(work, application_id):
        raise DomainError("application-conflict-open", extra={"conflict_ids": [str(each) for each in conflicts]})
