"""Employment: who works for whom."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.chassis.history import VersionView
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.registry.actions.employment import employment_reading, employments
from services.registry.api.registrations import DivisionParameter
from services.registry.schemas.employment.employments import (
    EmploymentChange,
    EmploymentEnd,
    EmploymentStart,
    EmploymentView,
    PastEmploymentView,
)

router = ServiceRouter(tags=["employments"])

LateParameter = Annotated[bool | None, Query(description="Only those with a report that came late, or only the others.")]
OpenParameter = Annotated[bool, Query(description="Only who works there now.")]


@router.post(
    "/v1/employments",
    status_code=201,
    **write(
        "registry.employment.write",
        units=True,
        summary_zh="申报招用人员",
        problems=[
            "person-not-found",
            "person-merged",
            "employer-not-found",
            "employer-ended",
            "employment-exists",
            "employer-not-own",
        ],
    ),
)
async def start_employment(work: CurrentWork, body: EmploymentStart) -> Answer[EmploymentView]:
    """Report that somebody was taken on.

    To be told within 3 working days of the start (RR-14); told later it is recorded with `start_reported_late`.
    """
    made = await employments.start_employment(work, body)
    return Answer(made, version=made.version, location=f"/v1/employments/{made.employment_id}")


@router.get(
    "/v1/employments",
    **read("registry.employment.read", units=True, summary_zh="按行政区划列出就业登记", problems=["division-out-of-scope"]),
)
async def list_employments(
    work: CurrentWork,
    division_code: DivisionParameter = None,
    reported_late: LateParameter = None,
    open_only: OpenParameter = False,  # noqa: FBT002 - a query parameter
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[EmploymentView]:
    """List employments with employers in a division, newest first."""
    return await employment_reading.list_employments(
        work, division_code, is_late=reported_late, is_open=open_only, cursor=cursor, limit=limit
    )


@router.get(
    "/v1/employments/{employment_id}",
    **read("registry.employment.read", units=True, summary_zh="读取就业登记", problems=["employment-not-found"]),
)
async def read_employment(work: CurrentWork, employment_id: UUID) -> Answer[EmploymentView]:
    """Read an employment."""
    found = await employment_reading.read_employment(work, employment_id)
    return Answer(found, version=found.version)


@router.get(
    "/v1/employments/{employment_id}/history",
    **read("registry.employment.read", units=True, summary_zh="就业登记的历次版本", problems=["employment-not-found"]),
)
async def read_employment_history(
    work: CurrentWork, employment_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[PastEmploymentView]]:
    """Read the versions of an employment, newest first."""
    return await employment_reading.read_employment_history(work, employment_id, cursor, limit)


@router.patch(
    "/v1/employments/{employment_id}",
    **write(
        "registry.employment.write",
        units=True,
        if_match=True,
        summary_zh="变更职业、岗位",
        problems=["employment-not-found", "employment-ended", "person-not-held"],
    ),
)
async def change_employment(work: CurrentWork, employment_id: UUID, body: EmploymentChange) -> Answer[EmploymentView]:
    """Change occupation or position."""
    changed = await employments.change_employment(work, employment_id, body)
    return Answer(changed, version=changed.version)


@router.post(
    "/v1/employments/{employment_id}/end",
    **write(
        "registry.employment.write",
        units=True,
        summary_zh="申报离职人员",
        problems=["employment-not-found", "employment-ended", "person-not-held", "actor-required"],
    ),
)
async def end_employment(work: CurrentWork, employment_id: UUID, body: EmploymentEnd) -> Answer[EmploymentView]:
    """Report that somebody left.

    To be told within 3 working days of the last day (RR-14). With the reason `recorded_in_error` this is an officer's act and
    needs an actor; the employment then counts for nothing.
    """
    ended = await employments.end_employment(work, employment_id, body)
    return Answer(ended, version=ended.version)


@router.get(
    "/v1/employers/{employer_id}/employments",
    **read("registry.employment.read", units=True, summary_zh="用人单位的就业登记", problems=["employer-not-found"]),
)
async def read_employments_at(
    work: CurrentWork,
    employer_id: UUID,
    reported_late: LateParameter = None,
    open_only: OpenParameter = False,  # noqa: FBT002 - a query parameter
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[EmploymentView]:
    """Read who works or worked for an employer, newest first."""
    return await employment_reading.read_employments_at(
        work, employer_id, is_late=reported_late, is_open=open_only, cursor=cursor, limit=limit
    )


@router.get(
    "/v1/persons/{person_id}/employments",
    **read("registry.employment.read", summary_zh="人员的就业登记", problems=["person-not-found", "person-deleted"]),
)
async def read_employments_of(
    work: CurrentWork, person_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[EmploymentView]:
    """Read a person's employments, newest first."""
    return await employment_reading.read_employments_of(work, person_id, cursor, limit)
