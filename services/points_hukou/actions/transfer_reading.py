"""Reading household transfers and their versions."""

from uuid import UUID

from services.chassis.db import Record
from services.chassis.history import VersionView, versions_of
from services.chassis.pages import Page, after, page_of
from services.chassis.refusals import not_found
from services.chassis.work import Work
from services.points_hukou.actions.application_standing import eyes_on, sight_of
from services.points_hukou.actions.transfer_standing import RESOURCE, is_overdue, shown
from services.points_hukou.rules.household_transfers import TransferStatus
from services.points_hukou.schemas.household_transfers import HouseholdTransferRecord, HouseholdTransferView
from services.points_hukou.store import applications
from services.points_hukou.store import household_transfers as store


async def read_transfer(work: Work, transfer_id: UUID) -> HouseholdTransferView:
    """One transfer of this client's offices."""
    return await shown(work, await _found(work, transfer_id))


async def list_transfers(
    work: Work,
    person_id: UUID | None,
    status: TransferStatus | None,
    cursor: str | None,
    limit: int,
    *,
    overdue: bool,
) -> Page[HouseholdTransferView]:
    """Transfers of this client's offices, oldest first; with `overdue` those of which the registry is silent."""
    scope = f"household-transfers {person_id} {status} {overdue}"
    ids = None if person_id is None else await _ids_of_human(work, person_id)
    rows = await store.list_transfers(
        work, person_ids=ids, status=status, overdue=overdue, after=after(work.keyring, scope, cursor), limit=limit
    )
    births = await applications.birth_dates_of(work, {row["person_id"] for row in rows})
    sights = {row["person_id"]: eyes_on(work, births.get(row["person_id"])) for row in rows}

    def view(row: Record) -> HouseholdTransferView:
        record = store.transfer_of(work.keyring, row)
        return HouseholdTransferView.of(record, sights[record.person_id], is_overdue=is_overdue(work, record))

    page = page_of(work.keyring, scope, rows, limit, view, id_column="transfer_id")
    for item in page.items:
        work.audit("read", RESOURCE, item.transfer_id, person_id=item.person_id, fields=sights[item.person_id].shown)
    return page


async def read_versions(
    work: Work, transfer_id: UUID, cursor: str | None, limit: int
) -> Page[VersionView[HouseholdTransferView]]:
    """The versions of a transfer, newest first."""
    record = await _found(work, transfer_id)
    sight = await sight_of(work, record.person_id)
    page = await versions_of(
        work,
        RESOURCE,
        transfer_id,
        record=HouseholdTransferRecord,
        view=lambda past: HouseholdTransferView.of(past, sight, is_overdue=False),
        cursor=cursor,
        limit=limit,
    )
    work.audit("read_history", RESOURCE, transfer_id, person_id=record.person_id, fields=sight.shown)
    return page


async def _found(work: Work, transfer_id: UUID) -> HouseholdTransferRecord:
    record = await store.find_transfer(work, transfer_id)
    if record is None:
        raise not_found("household-transfer")
    return record


async def _ids_of_human(work: Work, person_id: UUID) -> list[UUID]:
    in_use = (await applications.ids_in_use(work, [person_id]))[person_id]
    return [person_id, *await applications.all_ids_of(work, [in_use])]
