"""Employers."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.chassis.history import VersionView
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.registry.actions.employment import employer_reading, employers
from services.registry.api.registrations import DivisionParameter
from services.registry.rules.employment import EmployerStatus
from services.registry.schemas.employment.employers import (
    EmployerChange,
    EmployerEnd,
    EmployerRegistration,
    EmployerSearch,
    EmployersFoundView,
    EmployerView,
    PastEmployerView,
)

router = ServiceRouter(tags=["employers"])

StatusParameter = Annotated[EmployerStatus | None, Query(description="Only those registered now, or only ended ones.")]


@router.post(
    "/v1/employers",
    status_code=201,
    **write("registry.employer.write", summary_zh="登记用人单位", problems=["division-out-of-scope", "employer-exists"]),
)
async def register_employer(work: CurrentWork, body: EmployerRegistration) -> Answer[EmployerView]:
    """Register an employer.

    One per unified social credit code in the whole city; the code's check character must be right (C-17).
    """
    made = await employers.register_employer(work, body)
    return Answer(made, version=made.version, location=f"/v1/employers/{made.employer_id}")


@router.get(
    "/v1/employers",
    **read("registry.employer.read", summary_zh="按行政区划列出用人单位", problems=["division-out-of-scope"]),
)
async def list_employers(
    work: CurrentWork,
    division_code: DivisionParameter = None,
    status: StatusParameter = None,
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[EmployerView]:
    """List employers in a division, oldest first."""
    return await employer_reading.list_employers(work, division_code, status, cursor, limit)


@router.post("/v1/employers/search", **read("registry.employer.read", units=True, summary_zh="按统一社会信用代码查找用人单位"))
async def search_employers(work: CurrentWork, body: EmployerSearch) -> EmployersFoundView:
    """Find an employer by its complete social credit code."""
    return await employer_reading.search_employers(work, body)


@router.get(
    "/v1/employers/{employer_id}",
    **read("registry.employer.read", units=True, summary_zh="读取用人单位", problems=["employer-not-found"]),
)
async def read_employer(work: CurrentWork, employer_id: UUID) -> Answer[EmployerView]:
    """Read an employer."""
    found = await employer_reading.read_employer(work, employer_id)
    return Answer(found, version=found.version)


@router.get(
    "/v1/employers/{employer_id}/history",
    **read("registry.employer.read", units=True, summary_zh="用人单位的历次版本", problems=["employer-not-found"]),
)
async def read_employer_history(
    work: CurrentWork, employer_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[PastEmployerView]]:
    """Read the versions of an employer, newest first."""
    return await employer_reading.read_employer_history(work, employer_id, cursor, limit)


@router.patch(
    "/v1/employers/{employer_id}",
    **write(
        "registry.employer.write",
        if_match=True,
        summary_zh="变更用人单位",
        problems=["employer-not-found", "employer-ended", "division-out-of-scope"],
    ),
)
async def change_employer(work: CurrentWork, employer_id: UUID, body: EmployerChange) -> Answer[EmployerView]:
    """Change an employer's name, place or industry.

    Employments told before keep the place and the industry of their day.
    """
    changed = await employers.change_employer(work, employer_id, body)
    return Answer(changed, version=changed.version)


@router.post(
    "/v1/employers/{employer_id}/end",
    **write(
        "registry.employer.write",
        summary_zh="注销用人单位",
        problems=["employer-not-found", "employer-ended", "actor-required"],
    ),
)
async def end_employer(work: CurrentWork, employer_id: UUID, body: EmployerEnd) -> Answer[EmployerView]:
    """End an employer.

    With the reason `recorded_in_error` this is an officer's act and needs an actor.
    """
    ended = await employers.end_employer(work, employer_id, body)
    return Answer(ended, version=ended.version)
