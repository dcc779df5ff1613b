"""Stays: check-in and check-out, and the book of guests."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.chassis.history import VersionView
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.registry.actions.homes import stay_reading, stays
from services.registry.schemas.homes.stays import CheckIn, CheckOut, PastStayView, StayFilter, StayView

router = ServiceRouter(tags=["stays"])

WhoseParameter = Annotated[StayFilter, Query(description="Who is checked in now, or everybody of the last two years.")]


@router.post(
    "/v1/stays",
    status_code=201,
    **write(
        "registry.stay.write",
        units=True,
        summary_zh="入住登记",
        problems=[
            *("person-not-found", "person-merged", "merge-conflict-open", "premises-not-found", "premises-ended"),
            *("room-not-found", "room-not-let", "bed-taken"),
        ],
    ),
)
async def check_in(work: CurrentWork, body: CheckIn) -> Answer[StayView]:
    """Check a person in to a room.

    To be reported within 3 working days (RR-15). A stay of the person that is still open ends with it. When the room is then
    too full by the standard in use, `notes` says so; nobody is refused a roof for it. A landlord's own client checks in to
    its own homes whom it resolved.
    """
    made = await stays.check_in(work, body)
    return Answer(made, version=made.version, location=f"/v1/stays/{made.stay_id}")


@router.get(
    "/v1/stays/{stay_id}", **read("registry.stay.read", units=True, summary_zh="读取入住登记", problems=["stay-not-found"])
)
async def read_stay(work: CurrentWork, stay_id: UUID) -> Answer[StayView]:
    """Read a stay."""
    found = await stay_reading.read_stay(work, stay_id)
    return Answer(found, version=found.version)


@router.get(
    "/v1/stays/{stay_id}/history",
    **read("registry.stay.read", units=True, summary_zh="入住登记的历次版本", problems=["stay-not-found"]),
)
async def read_stay_history(
    work: CurrentWork, stay_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[PastStayView]]:
    """Read the versions of a stay, newest first."""
    return await stay_reading.read_stay_history(work, stay_id, cursor, limit)


@router.post(
    "/v1/stays/{stay_id}/check-out",
    **write(
        "registry.stay.write", units=True, summary_zh="退房登记", problems=["stay-not-found", "stay-ended", "actor-required"]
    ),
)
async def check_out(work: CurrentWork, stay_id: UUID, body: CheckOut) -> Answer[StayView]:
    """Check a person out.

    With the reason `recorded_in_error` this is an officer's act and needs an actor.
    """
    ended = await stays.check_out(work, stay_id, body)
    return Answer(ended, version=ended.version)


@router.get(
    "/v1/premises/{premises_id}/stays",
    **read("registry.stay.read", units=True, summary_zh="房屋的入住登记", problems=["premises-not-found"]),
)
async def read_stays_in(
    work: CurrentWork,
    premises_id: UUID,
    whose: WhoseParameter = StayFilter.OPEN,
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[StayView]:
    """Read the book of a home, newest first."""
    return await stay_reading.read_stays_in(work, premises_id, whose, cursor, limit)


@router.get(
    "/v1/persons/{person_id}/stays",
    **read("registry.stay.read", summary_zh="人员的入住登记", problems=["person-not-found", "person-deleted"]),
)
async def read_stays_of(
    work: CurrentWork, person_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[StayView]:
    """Read a person's stays within the client's division, newest first."""
    return await stay_reading.read_stays_of(work, person_id, cursor, limit)
