"""Homes that are let, their rooms, how full they are, and the book of their guests."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.chassis.history import VersionView
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.registry.actions.homes import premises, premises_reading
from services.registry.api.registrations import DivisionParameter
from services.registry.rules.homes.premises import PremisesKind, PremisesStatus
from services.registry.schemas.homes.premises import (
    AddedRoomView,
    CapacityView,
    PastPremisesView,
    PremisesChange,
    PremisesEnd,
    PremisesRegistration,
    PremisesView,
    RoomEntry,
)

router = ServiceRouter(tags=["premises"])

KindParameter = Annotated[PremisesKind | None, Query(description="Only homes of this kind.")]
StatusParameter = Annotated[PremisesStatus | None, Query(description="Only those registered now, or only ended ones.")]
LandlordParameter = Annotated[UUID | None, Query(description="Only homes of this landlord.")]


@router.post(
    "/v1/premises",
    status_code=201,
    **write(
        "registry.premises.write",
        summary_zh="登记出租房屋",
        problems=["division-out-of-scope", "landlord-not-found", "premises-exists"],
    ),
)
async def register_premises(work: CurrentWork, body: PremisesRegistration) -> Answer[PremisesView]:
    """Register a home that is let, with its rooms.

    To be reported within 3 working days (RR-15); later it is registered with `reported_late`.
    """
    made = await premises.register_premises(work, body)
    return Answer(made, version=made.version, location=f"/v1/premises/{made.premises_id}")


@router.get(
    "/v1/premises",
    **read("registry.premises.read", units=True, summary_zh="列出出租房屋", problems=["division-out-of-scope"]),
)
async def list_premises(
    work: CurrentWork,
    division_code: DivisionParameter = None,
    kind: KindParameter = None,
    status: StatusParameter = None,
    landlord_id: LandlordParameter = None,
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[PremisesView]:
    """List homes that are let in a division, oldest first, with beds and people checked in."""
    return await premises_reading.list_premises(work, division_code, kind, status, landlord_id, cursor, limit)


@router.get(
    "/v1/premises/{premises_id}",
    **read("registry.premises.read", units=True, summary_zh="读取出租房屋", problems=["premises-not-found"]),
)
async def read_premises(work: CurrentWork, premises_id: UUID) -> Answer[PremisesView]:
    """Read a home that is let."""
    found = await premises_reading.read_premises(work, premises_id)
    return Answer(found, version=found.version)


@router.get(
    "/v1/premises/{premises_id}/history",
    **read("registry.premises.read", summary_zh="出租房屋的历次版本", problems=["premises-not-found"]),
)
async def read_premises_history(
    work: CurrentWork, premises_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[PastPremisesView]]:
    """Read the versions of a home, newest first."""
    return await premises_reading.read_premises_history(work, premises_id, cursor, limit)


@router.get(
    "/v1/premises/{premises_id}/capacity",
    **read("registry.premises.read", units=True, summary_zh="出租房屋的居住容量", problems=["premises-not-found"]),
)
async def read_capacity(work: CurrentWork, premises_id: UUID) -> CapacityView:
    """Read how many people the rooms house and may house.

    By the standard in use (area per person, people per room), with its source and confidence; while this city has set none
    (RR-71) nothing is said about any room.
    """
    return await premises_reading.read_capacity(work, premises_id)


@router.patch(
    "/v1/premises/{premises_id}",
    **write(
        "registry.premises.write",
        if_match=True,
        summary_zh="变更出租房屋",
        problems=["premises-not-found", "premises-ended", "premises-exists", "landlord-not-found"],
    ),
)
async def change_premises(work: CurrentWork, premises_id: UUID, body: PremisesChange) -> Answer[PremisesView]:
    """Change what is known of a home."""
    changed = await premises.change_premises(work, premises_id, body)
    return Answer(changed, version=changed.version)


@router.post(
    "/v1/premises/{premises_id}/end",
    **write(
        "registry.premises.write",
        summary_zh="终止出租",
        problems=["premises-not-found", "premises-ended", "premises-occupied", "actor-required"],
    ),
)
async def end_premises(work: CurrentWork, premises_id: UUID, body: PremisesEnd) -> Answer[PremisesView]:
    """End a letting, once its guests have left.

    With the reason `recorded_in_error` this is an officer's act and needs an actor.
    """
    ended = await premises.end_premises(work, premises_id, body)
    return Answer(ended, version=ended.version)


@router.post(
    "/v1/premises/{premises_id}/rooms",
    status_code=201,
    **write(
        "registry.premises.write",
        summary_zh="增加房间",
        problems=["premises-not-found", "premises-ended", "premises-full"],
    ),
)
async def add_room(work: CurrentWork, premises_id: UUID, body: RoomEntry) -> Answer[AddedRoomView]:
    """Add a room to a home; the ETag is the home's new version."""
    added = await premises.add_room(work, premises_id, body)
    return Answer(added, version=added.version, location=f"/v1/premises/{premises_id}")


@router.put(
    "/v1/premises/{premises_id}/rooms/{room_id}",
    **write(
        "registry.premises.write",
        if_match=True,
        summary_zh="变更房间",
        problems=["premises-not-found", "premises-ended", "room-not-found", "room-occupied"],
    ),
)
async def change_room(work: CurrentWork, premises_id: UUID, room_id: UUID, body: RoomEntry) -> Answer[PremisesView]:
    """Put another description in the place of a room's; `If-Match` is the home's version."""
    changed = await premises.change_room(work, premises_id, room_id, body)
    return Answer(changed, version=changed.version)
