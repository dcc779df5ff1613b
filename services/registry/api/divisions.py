"""Administrative divisions: reference data, about no person, so no purpose is asked for."""

from services.chassis.operation import read
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import CurrentWork, ServiceRouter
from services.registry.actions import division_reading
from services.registry.schemas.divisions import DivisionCodeInPath, DivisionView, OnParameter

router = ServiceRouter(tags=["divisions"])


@router.get("/v1/divisions", **read("registry.division.read", purpose=False, units=True, summary_zh="省级行政区划"))
async def list_provinces(
    work: CurrentWork, on: OnParameter = None, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[DivisionView]:
    """List the provinces in force on a day."""
    return division_reading.list_divisions(work, None, on, cursor, limit)


@router.get(
    "/v1/divisions/{code}",
    **read("registry.division.read", purpose=False, units=True, summary_zh="行政区划代码所指", problems=["division-not-held"]),
)
async def read_division(work: CurrentWork, code: DivisionCodeInPath, on: OnParameter = None) -> DivisionView:
    """Read what a code names on a day.

    A code that has ended is told with the name it had, and with the code of the same place on that day where one is known.
    Resolve a code at the date of the document it stands on (C-26).
    """
    return division_reading.read_division(work, code, on)


@router.get(
    "/v1/divisions/{code}/children",
    **read("registry.division.read", purpose=False, units=True, summary_zh="下一级行政区划", problems=["division-not-held"]),
)
async def list_children(
    work: CurrentWork,
    code: DivisionCodeInPath,
    on: OnParameter = None,
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[DivisionView]:
    """List the divisions one level below, in force on a day.

    Counties since 1980, townships as of 2023, villages of this prefecture only.
    """
    return division_reading.list_divisions(work, code, on, cursor, limit)
