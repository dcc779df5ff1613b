"""Employment: who was taken on, what changed, who left. A late report is recorded as late and never refused (RR-14)."""

from uuid import UUID

from services.chassis.errors import DomainError
from services.chassis.fields import Protection, Sight
from services.chassis.refusals import invalid, not_found
from services.chassis.work import Work
from services.contracts.registry import EmploymentChanged, EmploymentEnded, EmploymentStarted, EmploymentState
from services.registry.actions.employment.employment_entry import (
    RESOURCE,
    ended,
    leave_employment,
    occupation_errors,
    require_changeable,
    require_employing,
    require_own_code,
    started,
)
from services.registry.actions.refusals import person_not_found, require_own_id, with_id
from services.registry.actions.sights import record_shown, sight_of, sight_on
from services.registry.rules.employment import EmploymentEndReason
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
from services.registry.store.persons import lock_persons
from services.registry.store.visibility import divisions_of


async def start_employment(work: Work, body: EmploymentStart) -> EmploymentView:
    """Somebody was taken on by an employer, wherever that lies.

    Raises `DomainError('employment-exists')` when the person works there already. The person is locked first, then the
    employer: everybody takes them in this order.
    """
    person = (await lock_persons(work, body.person_id)).get(body.person_id)
    if person is None:
        raise person_not_found("/person_id")
    require_own_id(person)
    require_own_code(work, body.credit_code)
    employer = require_employing(await employer_of_code(work, body.credit_code))
    record = started(work, body, person.birth_date, employer)
    same = await store.open_employment_of(work, body.person_id, employer.employer_id)
    if same is not None:
        raise DomainError("employment-exists", extra=with_id("employment_id", same))
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
    if errors := occupation_errors(changes.get("occupation_code", before.occupation_code)):
        raise invalid(errors)
    after = before.model_copy(update={**changes, "version": before.version + 1, "updated_at": work.now})
    await store.update_employment(work, after)
    await _leave(work, "change", EmploymentChanged, before, after)
    return await _shown(work, after)


async def end_employment(work: Work, employment_id: UUID, body: EmploymentEnd) -> EmploymentView:
    """Somebody left. That it never was is an officer's finding (V-18), and then no report of an end was due."""
    if body.reason is EmploymentEndReason.RECORDED_IN_ERROR:
        work.require_actor()
    before = await _lock(work, employment_id)
    after = ended(work, before, body)
    await store.update_employment(work, after)
    await _leave(work, "end", EmploymentEnded, before, after)
    return await _shown(work, after)


def sight_at_work(work: Work, sight: Sight) -> Sight:
    """An employer's own client sees what was reported of its own people as that of grown-ups: it told it, or hired them."""
    return sight if work.principal.unit is None else FIELDS.sight(work.principal.scopes, Protection.ADULT)


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
    require_changeable(work, record, person)
    return record


async def _shown(work: Work, record: EmploymentRecord) -> EmploymentView:
    sight = sight_at_work(work, await sight_of(work, record.person_id))
    view = EmploymentView.of(record, sight)
    record_shown(work, RESOURCE, record.employment_id, record.person_id, sight)
    return view


async def _leave(
    work: Work, operation: str, fact: type[EmploymentState], before: EmploymentRecord | None, after: EmploymentRecord
) -> None:
    leave_employment(work, operation, fact, before, after, await divisions_of(work, after.person_id))
