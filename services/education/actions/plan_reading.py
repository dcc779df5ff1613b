"""Reading plans: drafts of the client's own offices, and whatever was published anywhere, with its corrections."""

from datetime import date
from uuid import UUID

from services.chassis.history import VersionView, versions_of
from services.chassis.pages import Page, after, page_of, sign, unsign
from services.chassis.refusals import not_found
from services.chassis.work import Work
from services.education.actions import shipped
from services.education.rules.place_plans import PlanStatus
from services.education.schemas.place_plans import CorrectionView, GradePlanView, PlanRecord, PlanView
from services.education.store import place_plans as store

RESOURCE = "place_plan"


async def read_plan(work: Work, plan_id: UUID) -> PlanView:
    """A plan this client may see."""
    return view_of(await _found(work, plan_id))


async def list_plans(
    work: Work, asked: tuple[int | None, UUID | None, PlanStatus | None], cursor: str | None, limit: int
) -> Page[PlanView]:
    """Plans of a year, a school, a status; oldest first."""
    scope = f"place_plans {asked}"
    rows = await store.list_plans(work, asked, after(work.keyring, scope, cursor), limit)
    return page_of(work.keyring, scope, rows, limit, lambda row: view_of(store.plan_of(row)), id_column="plan_id")


async def list_corrections(work: Work, plan_id: UUID, cursor: str | None, limit: int) -> Page[CorrectionView]:
    """What was corrected after it was published, each on what the one before it left."""
    await _found(work, plan_id)
    scope = f"corrections {plan_id}"
    after_version = int(unsign(work.keyring, cursor, label=scope)[0]) if cursor else 0
    found = await store.list_corrections(work, plan_id, after_version, limit)
    next_cursor = sign(work.keyring, scope, found[limit - 1].plan_version) if len(found) > limit else None
    return Page(items=found[:limit], next_cursor=next_cursor)


async def read_versions(work: Work, plan_id: UUID, cursor: str | None, limit: int) -> Page[VersionView[PlanView]]:
    """The versions of a plan of this client's offices, newest first."""
    await _found(work, plan_id)
    return await versions_of(work, RESOURCE, plan_id, record=PlanRecord, view=view_of, cursor=cursor, limit=limit)


def view_of(record: PlanRecord) -> PlanView:
    """The plan for a reader, with what its classes come to by the law of its year."""
    law, begins = shipped.class_sizes(), date(record.entry_year, 9, 1)
    grades = []
    for each in record.grades:
        planned = each.planned()
        grades.append(GradePlanView(**each.__dict__, places=planned.places, band=planned.band(law, begins)))
    return PlanView(**record.__dict__ | {"areas": list(record.areas), "grades": grades})


async def _found(work: Work, plan_id: UUID) -> PlanRecord:
    record = await store.find_plan(work, plan_id)
    if record is None:
        raise not_found("place-plan")
    return record
