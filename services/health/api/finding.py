"""Who needs what: doses that are due or late, and children without a card."""

from datetime import date
from typing import Annotated

from fastapi import Query

from services.chassis.operation import read
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import CurrentWork, ServiceRouter
from services.health.actions import finding
from services.health.schemas.finding import ChildWithoutCard, DueChild

router = ServiceRouter(tags=["who needs what"])

ByParameter = Annotated[
    date | None, Query(ge=date(2000, 1, 1), le=date(2100, 12, 31), description="Due by this day; today when left out.")
]
OverdueParameter = Annotated[bool, Query(description="Only what is late by that day.")]
ClinicParameter = Annotated[str | None, Query(max_length=20, description="Only cards this vaccination unit keeps.")]
DivisionParameter = Annotated[str | None, Query(max_length=12, description="Only who lives in this town or village.")]
LineParameter = Annotated[
    str | None, Query(max_length=40, description="Only who needs a dose against this, such as `Measles`.")
]


@router.get("/v1/immunisation/due-children", **read("health.dose.read", summary_zh="列出应种及逾期未种儿童"))
async def list_due(
    work: CurrentWork,
    by: ByParameter = None,
    overdue: OverdueParameter = False,  # noqa: FBT002 - a query parameter
    clinic_code: ClinicParameter = None,
    division_code: DivisionParameter = None,
    line: LineParameter = None,
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[DueChild]:
    """List children a dose is due for by a day, or late on it: for a session of a unit or a village, or to call them.

    Of children who are away or moved out nothing is told: they are vaccinated where they are (IMM-52).
    """
    return await finding.list_due(
        work,
        by=by,
        overdue=overdue,
        clinic_code=clinic_code,
        division_code=division_code,
        line=line,
        cursor=cursor,
        limit=limit,
    )


@router.get("/v1/immunisation/children-without-card", **read("health.card.read", summary_zh="列出已登记未建卡儿童"))
async def list_uncarded(
    work: CurrentWork,
    division_code: DivisionParameter = None,
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[ChildWithoutCard]:
    """List children the register knows of whom no unit of the city has a card, longest resident first (IMM-60)."""
    return await finding.list_uncarded(work, division_code, cursor, limit)
