"""Persons were merged, and each has a household transfer open: put before people, who withdraw one (architecture §1).

Nothing is chosen here. Until then neither is approved, and of neither the entry is confirmed; what the registry was asked
already it answers. Whether a conflict is open is looked up and not written down, so that it cannot be forgotten.
"""

from collections.abc import Collection
from uuid import UUID

from services.chassis.errors import DomainError
from services.chassis.ids import new_id
from services.chassis.pages import Page, after, page_of
from services.chassis.work import Work
from services.contracts.points_hukou import HouseholdTransferConflictOpened
from services.points_hukou.schemas.application_conflicts import ConflictStatus
from services.points_hukou.schemas.transfer_conflicts import TransferConflictRecord, TransferConflictView
from services.points_hukou.store import transfer_conflicts as store

RESOURCE = "household_transfer_conflict"


async def open_new(work: Work, humans: Collection[UUID]) -> None:
    """Open a conflict for every two open transfers that one of these humans has by now."""
    for row in await store.find_new(work, humans):
        record = TransferConflictRecord(
            conflict_id=new_id(),
            person_id=row["person_id"],
            transfer_id=row["transfer_id"],
            other_transfer_id=row["other_transfer_id"],
            division_codes=tuple(row["division_codes"]),
            opened_on=work.today,
            created_at=work.now,
        )
        await store.insert_conflict(work, record)
        state = {name: getattr(record, name) for name in HouseholdTransferConflictOpened.model_fields}
        work.emit(HouseholdTransferConflictOpened.model_validate(state), division_codes=record.division_codes)
        work.audit("open", RESOURCE, record.conflict_id, person_id=record.person_id)


async def list_conflicts(
    work: Work, status: ConflictStatus | None, cursor: str | None, limit: int
) -> Page[TransferConflictView]:
    """Conflicts in which this client's offices have one of the cases, oldest first."""
    scope = f"transfer conflicts {status}"
    rows = await store.list_conflicts(work, status=status, after=after(work.keyring, scope, cursor), limit=limit)
    page = page_of(
        work.keyring,
        scope,
        rows,
        limit,
        lambda row: TransferConflictView.model_validate(dict(row.items())),
        id_column="conflict_id",
    )
    for item in page.items:
        work.audit("read", RESOURCE, item.conflict_id, person_id=item.person_id)
    return page


async def require_no_conflict(work: Work, transfer_id: UUID) -> None:
    """Raises `DomainError('transfer-conflict-open')` while its human has another one open."""
    if conflicts := await store.open_conflicts_of(work, transfer_id):
        raise DomainError("transfer-conflict-open", extra={"conflict_ids": [str(each) for each in conflicts]})
