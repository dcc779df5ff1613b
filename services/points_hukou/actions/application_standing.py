"""An application as it stands: taken for an act, saved with its trail, shown."""

from datetime import date
from uuid import UUID

from services.chassis.errors import DomainError
from services.chassis.fields import Sight, protection_of
from services.chassis.records import changed_fields
from services.chassis.refusals import not_found
from services.chassis.work import Work
from services.contracts.points_hukou import ApplicationState
from services.points_hukou.rules.application_states import TRANSITIONS, WAITING, ApplicationAct, ApplicationStatus
from services.points_hukou.schemas.applications import ApplicationRecord, ApplicationView
from services.points_hukou.schemas.fields import FIELDS
from services.points_hukou.store import applications as store

RESOURCE = "application"


async def take(work: Work, application_id: UUID, act: ApplicationAct) -> tuple[ApplicationRecord, ApplicationStatus]:
    """The application, locked, and its status after the act. Raises `DomainError('application-act-not-allowed')`."""
    record = await store.lock_application(work, application_id)
    if record is None:
        raise not_found("application")
    work.expect_version(record.version)
    return record, status_after(record, act)


def status_after(record: ApplicationRecord, act: ApplicationAct) -> ApplicationStatus:
    """Where an act leads. Raises `DomainError('application-act-not-allowed')`."""
    status = TRANSITIONS.get((record.status, act))
    if status is None:
        raise DomainError("application-act-not-allowed", extra={"application_status": record.status.value, "act": act.value})
    return status


async def save(
    work: Work,
    operation: str,
    fact: type[ApplicationState] | None,
    before: ApplicationRecord | None,
    after: ApplicationRecord,
) -> ApplicationRecord:
    """Store a new or changed application, tell it, remember it, leave evidence."""
    after = after.model_copy(update={"version": 1 if before is None else before.version + 1, "updated_at": work.now})
    await (store.insert_application if before is None else store.update_application)(work, after)
    changed = changed_fields(before, after)
    if fact is not None:
        state = {name: getattr(after, name) for name in fact.model_fields}
        work.emit(fact.model_validate(state), division_codes=[after.division_code])
    of = None if after.secrets is None else after.person_id  # of somebody deleted nothing is left that a key had to protect
    work.remember(RESOURCE, after.application_id, after.version, snapshot=after, changed=changed, person_id=of)
    work.audit(operation, RESOURCE, after.application_id, person_id=after.person_id, fields=changed)
    return after


async def sight_of(work: Work, person_id: UUID) -> Sight:
    """This client's eyes on a person; of somebody it does not see any more, those on a child."""
    return eyes_on(work, (await store.birth_dates_of(work, [person_id])).get(person_id))


def eyes_on(work: Work, born: date | None) -> Sight:
    """This client's eyes on somebody born that day."""
    return FIELDS.sight(work.principal.scopes, None if born is None else protection_of(born, work.today))


async def shown(work: Work, record: ApplicationRecord) -> ApplicationView:
    """The application as this client may see it, with its line of evidence."""
    sight = await sight_of(work, record.person_id)
    view = ApplicationView.of(record, sight, is_overdue=is_overdue(work, record))
    work.audit("read", RESOURCE, record.application_id, person_id=record.person_id, fields=sight.shown)
    return view


def is_overdue(work: Work, record: ApplicationRecord) -> bool:
    """Whether the term that runs was missed; a term that was only guessed never is."""
    return record.status in WAITING and not record.is_due_provisional and record.due_on < work.today
