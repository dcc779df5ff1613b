"""Places: planned by school and year, published, corrected."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.chassis.history import VersionView
from services.chassis.operation import read, write
from services.chassis.pages import CursorParameter, LimitParameter, Page
from services.chassis.routing import Answer, CurrentWork, ServiceRouter
from services.education.actions import place_plans, plan_reading
from services.education.rules.place_plans import PlanStatus
from services.education.schemas.place_plans import CorrectionView, PlanCorrection, PlanEntry, PlannedEntry, PlanView

router = ServiceRouter(tags=["places"])
_ALL = "/v1/education/place-plans"
_ONE = f"{_ALL}/{{plan_id}}"
_FOUND = ["place-plan-not-found"]
_ACT = [*_FOUND, "school-closed"]
_DRAFT = [*_ACT, "place-plan-published"]

YearParameter = Annotated[int | None, Query(ge=2016, le=2100, description="Only plans of this year of entry.")]
SchoolParameter = Annotated[UUID | None, Query(description="Only plans of this school.")]
StatusParameter = Annotated[PlanStatus | None, Query(description="Only those that stand there.")]


@router.post(
    _ALL,
    status_code=201,
    **write(
        "education.place_plan.write",
        actor=True,
        summary_zh="拟订招生计划",
        problems=["school-not-found", "school-closed", "place-plan-exists"],
    ),
)
async def draft_plan(work: CurrentWork, body: PlanEntry) -> Answer[PlanView]:
    """Draft what a school offers in a year: catchment, classes, places by grade and source, and what is held back for whom."""
    made = await place_plans.draft_plan(work, body)
    return Answer(made, version=made.version, location=f"{_ALL}/{made.plan_id}")


@router.get(_ALL, **read("education.place_plan.read", purpose=False, summary_zh="列出招生计划"))
async def list_plans(
    work: CurrentWork,
    entry_year: YearParameter = None,
    school_id: SchoolParameter = None,
    status: StatusParameter = None,
    cursor: CursorParameter = None,
    limit: LimitParameter = 50,
) -> Page[PlanView]:
    """List plans, oldest first: drafts of the client's own division, and whatever was published anywhere."""
    return await plan_reading.list_plans(work, (entry_year, school_id, status), cursor, limit)


@router.get(_ONE, **read("education.place_plan.read", purpose=False, summary_zh="读取招生计划", problems=_FOUND))
async def read_plan(work: CurrentWork, plan_id: UUID) -> Answer[PlanView]:
    """Read a plan, with the size its classes come to."""
    found = await plan_reading.read_plan(work, plan_id)
    return Answer(found, version=found.version)


@router.get(
    f"{_ONE}/history", **read("education.place_plan.read", purpose=False, summary_zh="招生计划的变更历史", problems=_FOUND)
)
async def read_versions(
    work: CurrentWork, plan_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[VersionView[PlanView]]:
    """Read the versions of a plan, newest first; of another office's plan only its corrections are shown."""
    return await plan_reading.read_versions(work, plan_id, cursor, limit)


@router.put(
    _ONE,
    **write("education.place_plan.write", actor=True, if_match=True, summary_zh="改写招生计划草案", problems=_DRAFT),
)
async def rewrite_plan(work: CurrentWork, plan_id: UUID, body: PlannedEntry) -> Answer[PlanView]:
    """Rewrite a plan that is not published yet."""
    changed = await place_plans.rewrite_plan(work, plan_id, body)
    return Answer(changed, version=changed.version)


@router.post(
    f"{_ONE}/publish",
    **write("education.place_plan.publish", actor=True, summary_zh="公布招生计划", problems=_DRAFT),
)
async def publish_plan(work: CurrentWork, plan_id: UUID) -> Answer[PlanView]:
    """Publish a plan: from now on everybody sees it, and it is corrected, never rewritten (EDU-05)."""
    published = await place_plans.publish_plan(work, plan_id)
    return Answer(published, version=published.version)


@router.post(
    f"{_ONE}/correct",
    **write(
        "education.place_plan.publish",
        actor=True,
        summary_zh="更正已公布的招生计划",
        problems=[*_ACT, "place-plan-not-published", "nothing-corrected"],
    ),
)
async def correct_plan(work: CurrentWork, plan_id: UUID, body: PlanCorrection) -> Answer[PlanView]:
    """Correct what was published, with a reason; what it was stays in the log of corrections."""
    corrected = await place_plans.correct_plan(work, plan_id, body)
    return Answer(corrected, version=corrected.version)


@router.get(
    f"{_ONE}/corrections",
    **read("education.place_plan.read", purpose=False, summary_zh="招生计划更正记录", problems=_FOUND),
)
async def list_corrections(
    work: CurrentWork, plan_id: UUID, cursor: CursorParameter = None, limit: LimitParameter = 50
) -> Page[CorrectionView]:
    """List the corrections of a plan, oldest first: what it was, what it is since, who and why."""
    return await plan_reading.list_corrections(work, plan_id, cursor, limit)
