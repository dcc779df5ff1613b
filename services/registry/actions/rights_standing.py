"""A request as it stands: taken for an act, saved with its trail, shown with its clock."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import date
from uuid import UUID

from services.chassis.errors import DomainError
from services.chassis.fields import Sight
from services.chassis.records import changed_fields
from services.chassis.refusals import not_found
from services.chassis.work import Work
from services.registry.actions.law import LAW, law_held
from services.registry.actions.sights import sight_of
from services.registry.rules.residence_permit import Reason
from services.registry.rules.rights import OPEN, TRANSITIONS, Outcome, RightsAct, RightsStatus, is_overdue
from services.registry.rules.rights_clock import is_abandoned
from services.registry.schemas.permit_views import ReasonView
from services.registry.schemas.rights import RightsRequestRecord, RightsRequestView, RightsSecrets
from services.registry.store import rights as store
from services.registry.store.persons import LockedPerson, lock_persons

RESOURCE = "rights_request"


def rights_held() -> AbstractContextManager[None]:
    """For asking the law about a request. Raises `DomainError('rights-law-not-held')` before PIPL was in force."""
    return law_held("rights-law-not-held")


def standing_of(record: RightsRequestRecord, today: date) -> RightsRequestRecord:
    """The request on that day: given up once its supplement is late, whether or not the daily job has written it down."""
    if record.status in OPEN and is_abandoned(record.time, today):
        return record.model_copy(update={"status": RightsStatus.ABANDONED})
    return record


async def lock_subject(work: Work, person_id: UUID, *others: UUID) -> dict[UUID, LockedPerson]:
    """Lock the person a request is about, and others. A restriction hides the person from everything but its own requests, for
    which storing is not enough: the copy and new requests are the person's right all the same (V-17, V-20).
    """
    await store.look_at_restricted(work, person_id)
    return await lock_persons(work, person_id, *others)


async def take(work: Work, rights_request_id: UUID, act: RightsAct) -> tuple[RightsRequestRecord, RightsStatus]:
    """The request, locked after its person, and the status after the act. Raises
    `DomainError('rights-request-act-not-allowed')`.
    """
    found = await store.find_request(work, rights_request_id)
    if found is None:
        raise not_found("rights-request")
    await lock_subject(work, found.person_id)
    record = standing_of(await store.lock_request(work, rights_request_id), work.today)
    work.expect_version(record.version)
    status = TRANSITIONS.get((record.status, act))
    if status is None:
        raise DomainError(
            "rights-request-act-not-allowed", extra={"rights_request_status": record.status.value, "act": act.value}
        )
    return record, status


async def save(
    work: Work, operation: str, before: RightsRequestRecord | None, after: RightsRequestRecord
) -> RightsRequestRecord:
    """Store a new or changed request, remember it, leave evidence. No event: nobody mirrors a procedure, and what it leads to –
    a correction, a restriction, a deletion – has events of its own.
    """
    after = after.model_copy(update={"version": 1 if before is None else before.version + 1, "updated_at": work.now})
    await (store.insert_request if before is None else store.update_request)(work, after)
    changed = changed_fields(before, after)
    work.remember(RESOURCE, after.rights_request_id, after.version, snapshot=after, changed=changed, person_id=after.person_id)
    work.audit(operation, RESOURCE, after.rights_request_id, person_id=after.person_id, fields=changed)
    return after


async def shown(work: Work, record: RightsRequestRecord) -> RightsRequestView:
    """The request as this client may see it, with its line of evidence."""
    sight = await sight_of(work, record.person_id)
    view = view_of(work, record, sight)
    work.audit("read", RESOURCE, record.rights_request_id, person_id=record.person_id, fields=sight.shown)
    return view


def view_of(work: Work, record: RightsRequestRecord, sight: Sight) -> RightsRequestView:
    """The request with its clock and, with a refusal, the ways against it (V-23)."""
    record = standing_of(record, work.today)
    is_refusal = record.outcome in {Outcome.REFUSED, Outcome.PARTLY}
    return RightsRequestView.of(
        record,
        sight,
        is_overdue=record.supplement_due_on is None
        and is_overdue(record.status, record.due_on, work.today, is_provisional=record.is_due_provisional),
        remedies=LAW.rights.remedies.on(record.decided_on or work.today) if is_refusal else None,
    )


def noted(record: RightsRequestRecord, note: str | None) -> RightsSecrets | None:
    """What is kept encrypted, with one more note; nothing for somebody who was deleted meanwhile."""
    if record.secrets is None or note is None:
        return record.secrets
    return record.secrets.model_copy(update={"notes": (*record.secrets.notes, note)})


def refused(code: str, reasons: Sequence[Reason]) -> DomainError:
    """An act that is not lawful yet, or no more, with every reason why."""
    return DomainError(code, extra={"reasons": [ReasonView.of(reason).model_dump() for reason in reasons]})
