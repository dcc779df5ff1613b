"""Places of a school in a year: drafted, rewritten, published; from then on corrected, with a reason that is kept (EDU-05).

A plan is checked whenever it is written, and again when it is published, by the classes reported until then.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.ids import new_id
from services.chassis.records import changed_fields
from services.chassis.refusals import invalid, not_found
from services.chassis.work import Work
from services.contracts.education import PlacePlanCorrected, PlacePlanPublished, PlacePlanState
from services.education.actions import shipped
from services.education.actions.classes import facts_of
from services.education.actions.plan_reading import RESOURCE, view_of
from services.education.actions.schools import take_open
from services.education.rules.place_plans import PlanStatus, problems_of_plan
from services.education.schemas.place_plans import (
    CorrectionView,
    GradeState,
    PlanCorrection,
    PlanEntry,
    PlannedEntry,
    PlannedState,
    PlanRecord,
    PlanView,
)
from services.education.schemas.schools import SchoolRecord
from services.education.store import place_plans as store
from services.education.store import schools


async def draft_plan(work: Work, body: PlanEntry) -> PlanView:
    """A plan for a school and a year. Raises `DomainError('place-plan-exists')`, `DomainError('school-closed')`."""
    school = await take_open(work, body.school_id)
    if body.entry_year < work.today.year:
        raise invalid([FieldError("/entry_year", "past", "不得早于今年", "not before this year", "EDU-05")])
    record = PlanRecord(
        plan_id=new_id(),
        school_id=body.school_id,
        division_code=school.division_code,
        entry_year=body.entry_year,
        status=PlanStatus.DRAFT,
        **_planned(body),
        published_on=None,
        published_by=None,
        drafted_by=work.require_actor(),
        version=0,
        created_at=work.now,
        updated_at=work.now,
    )
    await _require_sound(work, record, school)
    return view_of(await _save(work, "draft", None, None, record))


async def rewrite_plan(work: Work, plan_id: UUID, body: PlannedEntry) -> PlanView:
    """Other places while nobody counts on them. Raises `DomainError('place-plan-published')`."""
    before, school = await _take(work, plan_id, PlanStatus.DRAFT)
    work.expect_version(before.version)
    after = before.model_copy(update=_planned(body))
    await _require_sound(work, after, school)
    return view_of(await _save(work, "rewrite", None, before, after))


async def publish_plan(work: Work, plan_id: UUID) -> PlanView:
    """Families may count on it. Raises `DomainError('place-plan-published')`, and 422 when classes have grown meanwhile."""
    before, school = await _take(work, plan_id, PlanStatus.DRAFT)
    await _require_sound(work, before, school)
    published = {"status": PlanStatus.PUBLISHED, "published_on": work.today, "published_by": work.require_actor()}
    return view_of(await _save(work, "publish", PlacePlanPublished, before, before.model_copy(update=published)))


async def correct_plan(work: Work, plan_id: UUID, body: PlanCorrection) -> PlanView:
    """Change what was published, and keep what it was and why. Raises `DomainError('place-plan-not-published')`."""
    before, school = await _take(work, plan_id, PlanStatus.PUBLISHED)
    after = before.model_copy(update=_planned(body))
    await _require_sound(work, after, school)
    if PlannedState.of(after) == PlannedState.of(before):
        raise DomainError("nothing-corrected")
    correction = CorrectionView(
        correction_id=new_id(),
        plan_id=plan_id,
        division_code=before.division_code,
        plan_version=before.version + 1,
        corrected_on=work.today,
        corrected_by=work.require_actor(),
        reason=body.reason,
        before=PlannedState.of(before),
        after=PlannedState.of(after),
        created_at=work.now,
    )
    await store.insert_correction(work, correction)
    return view_of(await _save(work, "correct", PlacePlanCorrected, before, after))


async def _take(work: Work, plan_id: UUID, status: PlanStatus) -> tuple[PlanRecord, SchoolRecord]:
    """A plan of this client's office that stands there, and its open school, held: the school first, as everywhere."""
    seen = await store.find_plan(work, plan_id)
    if seen is None:
        raise not_found("place-plan")
    if not seen.division_code.startswith(work.principal.division_prefix):
        raise not_found("place-plan")
    school = await take_open(work, seen.school_id)
    record = await store.lock_plan(work, plan_id)
    assert record is not None, "plans are not deleted"
    if record.status is not status:
        is_draft = record.status is PlanStatus.DRAFT
        raise DomainError("place-plan-not-published" if is_draft else "place-plan-published")
    return record, school


async def _require_sound(work: Work, record: PlanRecord, school: SchoolRecord) -> None:
    """Raises the 422 with everything that stands against a plan at once."""
    report = await schools.find_report(work, record.school_id)
    begins = date(record.entry_year, 9, 1)
    facts = facts_of(school, report)
    found = list(problems_of_plan(record.planned(), facts, shipped.reserved_groups(), shipped.class_sizes(), begins))
    if found:
        raise invalid(found)


def _planned(body: PlannedEntry) -> dict[str, Any]:
    """What a body says; a reserve without its own ground has that of its group."""
    return {"areas": tuple(body.areas), "grades": tuple(_grades(each.model_dump() for each in body.grades))}


def _grades(given: Iterable[dict[str, Any]]) -> Iterable[GradeState]:
    groups = shipped.reserved_groups()
    for grade in given:
        for source in grade["sources"]:
            for reserve in source["reserves"]:
                group = groups.get(reserve["group"])
                reserve["legal_ground"] = reserve["legal_ground"] or (group.legal_ground if group else "")
        yield GradeState.model_validate(grade)


async def _save(
    work: Work, operation: str, fact: type[PlacePlanState] | None, before: PlanRecord | None, after: PlanRecord
) -> PlanRecord:
    """Store a new or changed plan, remember it, leave evidence; what is published is told."""
    after = after.model_copy(update={"version": 1 if before is None else before.version + 1, "updated_at": work.now})
    if before is not None:
        await store.update_plan(work, after)
    elif not await store.insert_plan(work, after):
        raise DomainError("place-plan-exists")
    changed = changed_fields(before, after)
    if fact is not None:
        told = after.model_dump(mode="json", include=set(fact.model_fields))
        work.emit(fact.model_validate(told), division_codes=[after.division_code])
    work.remember(RESOURCE, after.plan_id, after.version, snapshot=after, changed=changed)
    work.audit(operation, RESOURCE, after.plan_id, fields=changed)
    return after
