"""Transfers of household registration (户口迁移), from the opened case to the registry's answer."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.chassis.history import VersionView
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.points_hukou.actions import household_transfers, transfer_conflicts, transfer_reading
from services.points_hukou.rules.household_transfers import TransferStatus
from services.points_hukou.schemas.application_conflicts import ConflictStatus
from services.points_hukou.schemas.household_transfers import (
    HouseholdEntry,
    HouseholdTransferApproval,
    HouseholdTransferEntry,
    HouseholdTransferView,
    HouseholdTransferWithdrawal,
)
from services.points_hukou.schemas.transfer_conflicts import TransferConflictView

router = ServiceRouter(tags=["household transfers"])
_ALL = "/v1/points/household-transfers"
_ONE = f"{_ALL}/{{transfer_id}}"
_READ = "points.household_transfer.read"
_FOUND = ["household-transfer-not-found"]
_ACT = [*_FOUND, "transfer-act-not-allowed"]
_ASK = [*_ACT, "second-officer-needed", "no-rules-in-force"]
_TWICE = "transfer-conflict-open"
_PLACE_TWICE = "application-conflict-open"
_GONE = ["place-not-for-transfer", _PLACE_TWICE, "round-not-found"]
_RIGHT = ["place-needed", "place-not-for-transfer", "place-lapsed", _PLACE_TWICE, "round-not-found", "transfer-open"]

PersonParameter = Annotated[UUID | None, Query(description="Only those of this person, under whatever id.")]
StatusParameter = Annotated[TransferStatus | None, Query(description="Only those that stand there; `returned` are tasks.")]
ConflictStatusParameter = Annotated[ConflictStatus | None, Query(description="Only those that stand there.")]
OverdueParameter = Annotated[bool, Query(description="Only those of which the registry is silent past its term.")]


@router.post(
    _ALL,
    status_code=201,
    **write(
        "points.household_transfer.open",
        actor=True,
        summary_zh="立户口迁移案",
        problems=["person-not-found", "division-out-of-scope", *_RIGHT],
    ),
)
async def open_transfer(work: CurrentWork, body: HouseholdTransferEntry) -> Answer[HouseholdTransferView]:
    """Open a transfer: from a place on a final list where points still limit settlement, and on the person alone elsewhere."""
    made = await household_transfers.open_transfer(work, body)
    return Answer(made, version=made.version, location=f"{_ALL}/{made.transfer_id}")


@router.get(_ALL, **read(_READ, summary_zh="列出户口迁移案"))
async def list_transfers(
    work: CurrentWork,
    person_id: PersonParameter = None,
    status: StatusParameter = None,
    overdue: OverdueParameter = False,  # noqa: FBT002 - a query parameter
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[HouseholdTransferView]:
    """List the transfers of this client's offices, oldest first."""
    return await transfer_reading.list_transfers(work, person_id, status, cursor, limit, overdue=overdue)


@router.get("/v1/points/household-transfer-conflicts", **read(_READ, summary_zh="列出合并人员后的重复户口迁移案"))
async def list_conflicts(
    work: CurrentWork,
    status: ConflictStatusParameter = None,
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[TransferConflictView]:
    """List open transfers of persons who turned out to be one human, oldest first.

    One of the two is to be withdrawn, or the merge taken back; until then neither is approved nor its entry confirmed.
    """
    return await transfer_conflicts.list_conflicts(work, status, cursor, limit)


@router.get(_ONE, **read(_READ, summary_zh="读取户口迁移案", problems=_FOUND))
async def read_transfer(work: CurrentWork, transfer_id: UUID) -> Answer[HouseholdTransferView]:
    """Read a transfer and where it stands."""
    found = await transfer_reading.read_transfer(work, transfer_id)
    return Answer(found, version=found.version)


@router.get(f"{_ONE}/history", **read(_READ, summary_zh="户口迁移案的变更历史", problems=_FOUND))
async def read_versions(
    work: CurrentWork, transfer_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[HouseholdTransferView]]:
    """Read the versions of a transfer, newest first."""
    return await transfer_reading.read_versions(work, transfer_id, cursor, limit)


@router.post(
    f"{_ONE}/approve",
    **write("points.household_transfer.decide", actor=True, summary_zh="准予迁入", problems=[*_ACT, _TWICE, *_GONE]),
)
async def approve(work: CurrentWork, transfer_id: UUID, body: HouseholdTransferApproval) -> Answer[HouseholdTransferView]:
    """Approve a transfer (准迁). Registration and permit go on until the entry is confirmed."""
    approved = await household_transfers.approve(work, transfer_id, body)
    return Answer(approved, version=approved.version)


@router.post(
    f"{_ONE}/complete",
    **write("points.household_transfer.decide", actor=True, summary_zh="确认落户", problems=[*_ASK, _TWICE, *_GONE]),
)
async def complete(work: CurrentWork, transfer_id: UUID, body: HouseholdEntry) -> Answer[HouseholdTransferView]:
    """Confirm the entry in the household register, by another officer than who approved.

    The registry is asked to end registration and permit; `status` tells what it answered.
    """
    completed = await household_transfers.complete(work, transfer_id, body)
    return Answer(completed, version=completed.version)


@router.post(
    f"{_ONE}/resend",
    **write("points.household_transfer.decide", actor=True, summary_zh="重新提请注销居住登记和居住证", problems=_ASK),
)
async def resend(work: CurrentWork, transfer_id: UUID, body: HouseholdEntry) -> Answer[HouseholdTransferView]:
    """Ask the registry again, with the entry as it is now known: it refused, or is silent."""
    asked = await household_transfers.resend(work, transfer_id, body)
    return Answer(asked, version=asked.version)


@router.post(
    f"{_ONE}/withdraw",
    **write("points.household_transfer.open", actor=True, summary_zh="撤回户口迁移案", problems=_ACT),
)
async def withdraw(work: CurrentWork, transfer_id: UUID, body: HouseholdTransferWithdrawal) -> Answer[HouseholdTransferView]:
    """Give a transfer up, before the entry, or where the registry refused and the entry never was."""
    withdrawn = await household_transfers.withdraw(work, transfer_id, body)
    return Answer(withdrawn, version=withdrawn.version)
