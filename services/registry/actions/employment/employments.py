"""Employment: who was taken on, what changed, who left. A late report is recorded as late and never refused (RR-14)."""

from datetime import date
from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.fields import Protection, Sight
from services.chassis.ids import new_id
from services.chassis.work import Work
from services.contracts.registry import EmploymentChanged, EmploymentEnded, EmploymentStarted, EmploymentState
from services.registry.actions.law import LAW
from services.registry.actions.refusals import (
    credit_code_errors,
    day_errors,
    field_error,
    invalid,
    not_found,
    person_not_found,
    require_own_id,
    with_id,
)
from services.registry.actions.sights import record_shown, sight_of, sight_on
from services.registry.actions.trail import leave
from services.registry.rules.employment import OCCUPATION_UNKNOWN, EmployerStatus, EmploymentEndReason, is_occupation
from services.registry.schemas.employment.employers import EmployerRecord
from services.registry.schemas.employment.employments import (
    EmploymentChange,
    EmploymentEnd,
    EmploymentRecord,
    EmploymentStart,
    EmploymentView,
)
from services.registry.schemas.fields import FIELDS
from services.registry.store.employment import employments as store
from services.registry.store.employment.employers import employer_of_code
from services.registry.store.events import employment_event
from services.registry.store.persons import lock_persons
from services.registry.store.visibility import divisions_of

RESOURCE = "employment"


async def start_employment(work: Work, body: EmploymentStart) -> EmploymentView:
    """Somebody was taken on by an employer, wherever that lies.

    Raises `DomainError('employment-exists')` when the person works there already. The person is locked first, then the
    employer: everybody takes them in this order.
    """
    person = (await lock_persons(work, body.person_id)).get(body.person_id)
    if person is None:
        raise person_not_found("/person_id")
    require_own_id(person)
    employer = await _employer(work, body.credit_code)
    errors = day_errors("/started_on", body.started_on, earliest=person.birth_date, latest=work.today)
    if errors := [*errors, *_occupation_errors(body.occupation_code)]:
        raise invalid(errors)
    same = await store.open_employment_of(work, body.person_id, employer.employer_id)
    if same is not None:
        raise DomainError("employment-exists", extra=with_id("employment_id", same))
    due_on, is_late = _reported(work, body.started_on)
    record = EmploymentRecord(
        **body.model_dump(exclude={"credit_code"}),
        employment_id=new_id(),
        employer_id=employer.employer_id,
        division_code=employer.division_code,
        industry_code=employer.industry_code,
        start_reported_on=work.today,
        start_due_on=due_on,
        start_reported_late=is_late,
        ended_on=None,
        end_reason=None,
        end_reported_on=None,
        end_due_on=None,
        end_reported_late=None,
        version=1,
        created_at=work.now,
        updated_at=work.now,
    )
    await store.insert_employment(work, record)
    await _leave(work, "start", EmploymentStarted, None, record)
    sight = sight_at_work(work, sight_on(work, person.birth_date))
    view = EmploymentView.of(record, sight)
    record_shown(work, RESOURCE, record.employment_id, record.person_id, sight)
    return view


async def change_employment(work: Work, employment_id: UUID, body: EmploymentChange) -> EmploymentView:
    """Change occupation or position."""
    before = await _lock(work, employment_id)
    changes = body.changes()
    if errors := _occupation_errors(changes.get("occupation_code", before.occupation_code)):
        raise invalid(errors)
    after = before.model_copy(update={**changes, "version": before.version + 1, "updated_at": work.now})
    await store.update_employment(work, after)
    await _leave(work, "change", EmploymentChanged, before, after)
    return await _shown(work, after)


async def end_employment(work: Work, employment_id: UUID, body: EmploymentEnd) -> EmploymentView:
    """Somebody left. That it never was is an officer's finding (V-18), and then no report of an end was due."""
    is_error = body.reason is EmploymentEndReason.RECORDED_IN_ERROR
    if is_error:
        work.require_actor()
    before = await _lock(work, employment_id)
    latest = max(before.started_on, work.today)
    if errors := day_errors("/ended_on", body.ended_on, earliest=before.started_on, latest=latest):
        raise invalid(errors)
    due_on, is_late = (None, None) if is_error else _reported(work, body.ended_on)
    after = before.model_copy(
        update={
            "ended_on": body.ended_on,
            "end_reason": body.reason,
            "end_reported_on": work.today,
            "end_due_on": due_on,
            "end_reported_late": is_late,
            "version": before.version + 1,
            "updated_at": work.now,
        }
    )
    await store.update_employment(work, after)
    await _leave(work, "end", EmploymentEnded, before, after)
    return await _shown(work, after)


def sight_at_work(work: Work, sight: Sight) -> Sight:
    """An employer's own client sees what was reported of its own people as that of grown-ups: it told it, or hired them."""
    return sight if work.principal.unit is None else FIELDS.sight(work.principal.scopes, Protection.ADULT)


async def _employer(work: Work, credit_code: str) -> EmployerRecord:
    if work.principal.unit not in {None, credit_code}:
        raise DomainError("employer-not-own")
    if errors := credit_code_errors(credit_code):
        raise invalid(errors)
    employer = await employer_of_code(work, credit_code)
    if employer is None:
        wrong = FieldError("/credit_code", "employer_not_found", "没有登记该用人单位", "no employer has this code")
        raise DomainError("employer-not-found", errors=[wrong])
    if employer.status is EmployerStatus.ENDED:
        raise DomainError("employer-ended")
    return employer


async def _lock(work: Work, employment_id: UUID) -> EmploymentRecord:
    """An open employment whose employer lies in the client's division or whose person it holds, locked with the person."""
    found = await store.find_employment(work, employment_id)
    if found is None:
        raise not_found("employment")
    person = (await lock_persons(work, found.person_id)).get(found.person_id)
    record = await store.find_employment(work, employment_id)
    if record is None:
        raise not_found("employment")
    work.expect_version(record.version)
    if record.ended_on is not None:
        raise DomainError("employment-ended")
    is_own = work.principal.unit is not None or record.division_code.startswith(work.principal.division_prefix)
    if not is_own and not (person is not None and person.is_held):
        raise DomainError("person-not-held")
    return record


def _reported(work: Work, event_on: date) -> tuple[date | None, bool | None]:
    """The last day for reporting what happened that day, and whether today is late; `None`: no duty, or it cannot be told."""
    deadline = LAW.employment.report_deadline(event_on, LAW.working_days)
    return (None, None) if deadline is None else (deadline.due_on, deadline.is_missed_by(work.today))


def _occupation_errors(code: str) -> list[FieldError]:
    return [] if is_occupation(code) else [field_error("/occupation_code", OCCUPATION_UNKNOWN)]


async def _shown(work: Work, record: EmploymentRecord) -> EmploymentView:
    sight = sight_at_work(work, await sight_of(work, record.person_id))
    view = EmploymentView.of(record, sight)
    record_shown(work, RESOURCE, record.employment_id, record.person_id, sight)
    return view


async def _leave(
    work: Work, operation: str, fact: type[EmploymentState], before: EmploymentRecord | None, after: EmploymentRecord
) -> None:
    """Told to the divisions that may see the person, and to the employer's."""
    codes = {after.division_code, *await divisions_of(work, after.person_id)}
    event = employment_event(fact, after)
    leave(work, operation, RESOURCE, after.employment_id, event, before=before, after=after, division_codes=sorted(codes))
