"""Residence registrations."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.chassis.history import VersionView
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.registry.actions import registration_reading, registrations
from services.registry.schemas.registrations import (
    AddressChange,
    PastRegistrationView,
    RegistrationEnd,
    RegistrationStatus,
    RegistrationView,
    ResidenceRegistrationEntry,
)

router = ServiceRouter(tags=["residence registrations"])

DivisionParameter = Annotated[
    str | None,
    Query(max_length=12, description="County, township or village within the client's own division; left out: all of it."),
]
StatusParameter = Annotated[RegistrationStatus | None, Query(description="Only current or only ended ones.")]


@router.post(
    "/v1/residence-registrations",
    status_code=201,
    **write(
        "registry.registration.write",
        summary_zh="办理居住登记",
        problems=[
            *("person-not-found", "person-merged", "merge-conflict-open", "division-out-of-scope"),
            *("registration-exists", "registration-rules-not-held"),
        ],
    ),
)
async def register_residence(work: CurrentWork, body: ResidenceRegistrationEntry) -> Answer[RegistrationView]:
    """Register where a person lives.

    The half year of a residence permit runs from this day (RR-10). A current registration in another town ends as a move in
    the same step; in the same town the address is changed instead.
    """
    made = await registrations.register_residence(work, body)
    return Answer(made, version=made.version, location=f"/v1/residence-registrations/{made.registration_id}")


@router.get(
    "/v1/residence-registrations",
    **read("registry.registration.read", summary_zh="按行政区划列出居住登记", problems=["division-out-of-scope"]),
)
async def list_registrations(
    work: CurrentWork,
    division_code: DivisionParameter = None,
    status: StatusParameter = None,
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[RegistrationView]:
    """List residence registrations in a division, oldest first."""
    return await registration_reading.list_registrations(work, division_code, status, cursor, limit)


@router.get(
    "/v1/residence-registrations/{registration_id}",
    **read("registry.registration.read", summary_zh="读取居住登记", problems=["registration-not-found"]),
)
async def read_registration(work: CurrentWork, registration_id: UUID) -> Answer[RegistrationView]:
    """Read a residence registration."""
    found = await registration_reading.read_registration(work, registration_id)
    return Answer(found, version=found.version)


@router.get(
    "/v1/residence-registrations/{registration_id}/history",
    **read("registry.registration.read", summary_zh="居住登记的历次版本", problems=["registration-not-found"]),
)
async def read_registration_history(
    work: CurrentWork, registration_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[PastRegistrationView]]:
    """Read the versions of a registration, newest first, without addresses."""
    return await registration_reading.read_registration_history(work, registration_id, cursor, limit)


@router.post(
    "/v1/residence-registrations/{registration_id}/address-change",
    **write(
        "registry.registration.write",
        summary_zh="变更居住地址",
        problems=[
            "registration-not-found",
            "person-not-held",
            "registration-ended",
            "division-out-of-scope",
            "registration-rules-not-held",
        ],
    ),
)
async def change_address(work: CurrentWork, registration_id: UUID, body: AddressChange) -> Answer[RegistrationView]:
    """Change the address within a registration.

    To be told within 10 days (RR-09); told later it is recorded with `reported_late`.
    """
    changed = await registrations.change_address(work, registration_id, body)
    return Answer(changed, version=changed.version)


@router.post(
    "/v1/residence-registrations/{registration_id}/end",
    **write(
        "registry.registration.write",
        summary_zh="注销居住登记",
        problems=["registration-not-found", "person-not-held", "registration-ended", "actor-required"],
    ),
)
async def end_registration(work: CurrentWork, registration_id: UUID, body: RegistrationEnd) -> Answer[RegistrationView]:
    """End a registration.

    A residence permit stays what it is: whether its holder still qualifies is decided by an officer (RR-37). With the reason
    `recorded_in_error` this is an officer's act and needs an actor.
    """
    ended = await registrations.end_registration(work, registration_id, body)
    return Answer(ended, version=ended.version)
