"""Schools: registered, changed, closed. While families may count on places of a school, it neither closes nor loses a grade."""

from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.history import VersionView, versions_of
from services.chassis.ids import new_id
from services.chassis.pages import Page, after, page_of
from services.chassis.records import changed_fields
from services.chassis.refusals import invalid, not_found, require_own_division
from services.chassis.work import Work
from services.contracts.education import SchoolChanged, SchoolClosed, SchoolRegistered, SchoolState
from services.education.rules.schools import SchoolKind
from services.education.schemas.schools import SchoolChange, SchoolClosing, SchoolEntry, SchoolRecord, SchoolView
from services.education.store import place_plans
from services.education.store import schools as store

RESOURCE = "school"


async def register_school(work: Work, body: SchoolEntry) -> SchoolView:
    """Take a school in. Raises `DomainError('division-out-of-scope')`, `DomainError('school-code-taken')`."""
    require_own_division(work.principal, body.division_code, "/division_code")
    record = SchoolRecord(
        school_id=new_id(),
        **body.model_dump(),
        closed_on=None,
        close_reason=None,
        registered_by=work.require_actor(),
        version=0,
        created_at=work.now,
        updated_at=work.now,
    )
    return SchoolView.of(await _save(work, "register", SchoolRegistered, None, record))


async def change_school(work: Work, school_id: UUID, body: SchoolChange) -> SchoolView:
    """Another name, other grades. Raises `DomainError('school-closed')`, `DomainError('school-offers-places')`."""
    before = await take_open(work, school_id)
    work.expect_version(before.version)
    for plan in await place_plans.published_from(work, school_id, work.today.year):
        if any(not body.first_grade <= each.grade <= body.last_grade for each in plan.grades):
            raise _offers(plan.plan_id)
    after_ = before.model_copy(update=body.model_dump())
    return SchoolView.of(await _save(work, "change", SchoolChanged, before, after_))


async def close_school(work: Work, school_id: UUID, body: SchoolClosing) -> SchoolView:
    """It is no school any more from a day on. Raises `DomainError('school-closed')`, `DomainError('school-offers-places')`."""
    before = await take_open(work, school_id)
    if body.closed_on < work.today:
        zh, en = "不得早于今日", "not before today"
        raise invalid([FieldError("/closed_on", "past", zh, en)])
    for plan in await place_plans.published_from(work, school_id, body.closed_on.year):
        if any(grade.planned().places for grade in plan.grades):
            raise _offers(plan.plan_id)
    closed = {"closed_on": body.closed_on, "close_reason": body.reason}
    return SchoolView.of(await _save(work, "close", SchoolClosed, before, before.model_copy(update=closed)))


async def read_school(work: Work, school_id: UUID) -> SchoolView:
    """A school this client may see."""
    return SchoolView.of(await found(work, school_id))


async def list_schools(work: Work, kind: SchoolKind | None, cursor: str | None, limit: int) -> Page[SchoolView]:
    """Schools of this client's offices, and every school that published places; oldest first."""
    scope = f"schools {kind}"
    rows = await store.list_schools(work, kind, after(work.keyring, scope, cursor), limit)
    return page_of(work.keyring, scope, rows, limit, lambda row: SchoolView.of(store.school_of(row)), id_column="school_id")


async def read_versions(work: Work, school_id: UUID, cursor: str | None, limit: int) -> Page[VersionView[SchoolView]]:
    """The versions of a school, newest first."""
    await found(work, school_id)
    return await versions_of(work, RESOURCE, school_id, record=SchoolRecord, view=SchoolView.of, cursor=cursor, limit=limit)


async def found(work: Work, school_id: UUID) -> SchoolRecord:
    """The school, to be read. Raises `DomainError('school-not-found')`."""
    record = await store.find_school(work, school_id)
    if record is None:
        raise not_found("school")
    return record


async def take_open(work: Work, school_id: UUID) -> SchoolRecord:
    """A school of this client's office that is not closed, held until the commit."""
    record = await store.lock_school(work, school_id)
    if record is None:
        raise not_found("school")
    if record.closed_on is not None:
        raise DomainError("school-closed", extra={"closed_on": record.closed_on.isoformat()})
    return record


async def _save(
    work: Work, operation: str, fact: type[SchoolState], before: SchoolRecord | None, after_: SchoolRecord
) -> SchoolRecord:
    """Store a new or changed school, tell it, remember it, leave evidence."""
    after_ = after_.model_copy(update={"version": 1 if before is None else before.version + 1, "updated_at": work.now})
    if before is not None:
        await store.update_school(work, after_)
    elif not await store.insert_school(work, after_):
        raise DomainError("school-code-taken")
    changed = changed_fields(before, after_)
    state = {name: getattr(after_, name) for name in fact.model_fields}
    work.emit(fact.model_validate(state), division_codes=[after_.division_code])
    work.remember(RESOURCE, after_.school_id, after_.version, snapshot=after_, changed=changed)
    work.audit(operation, RESOURCE, after_.school_id, fields=changed)
    return after_


def _offers(plan_id: UUID) -> DomainError:
    return DomainError("school-offers-places", extra={"plan_id": str(plan_id)})
