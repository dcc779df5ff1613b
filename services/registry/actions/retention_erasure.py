"""What is left of a landlord, a home or an employer when two officers delete what is kept of it: the id, for the rows that name
it, and nothing that tells of a person.
"""

from typing import TypeVar
from uuid import UUID

from services.chassis.records import VersionedRecord
from services.chassis.refusals import not_found
from services.chassis.work import Work
from services.contracts.registry import LandlordCorrected
from services.registry.actions.employment import employers
from services.registry.actions.homes import landlords, premises
from services.registry.actions.trail import leave
from services.registry.rules.retention import ReviewedClass
from services.registry.store import retention as store
from services.registry.store.employment.employers import lock_employer, update_employer
from services.registry.store.events import landlord_event
from services.registry.store.homes.landlords import lock_landlord, update_landlord
from services.registry.store.homes.premises import lock_premises, update_premises

RecordT = TypeVar("RecordT", bound=VersionedRecord)
ERASED = ""
"""Name or address of what was erased, where one is needed."""


async def take(work: Work, retention_class: ReviewedClass, subject_id: UUID) -> VersionedRecord:
    """The thing, locked, as it is now."""
    match retention_class:
        case ReviewedClass.LANDLORD:
            record: VersionedRecord | None = await lock_landlord(work, subject_id)
        case ReviewedClass.PREMISES:
            found = await lock_premises(work, subject_id)
            record = None if found is None else found[0]
        case _:
            record = await lock_employer(work, subject_id)
    if record is None:
        raise not_found("retention-review")
    return record


async def erase(work: Work, review_id: UUID, retention_class: ReviewedClass, subject_id: UUID) -> None:
    """Empty the thing, which is locked, and forget what its versions remembered and the papers that came with it."""
    await store.erase_remembered(work, review_id)
    match retention_class:
        case ReviewedClass.LANDLORD:
            await _erase_landlord(work, subject_id)
        case ReviewedClass.PREMISES:
            await _erase_premises(work, subject_id)
        case _:
            await _erase_employer(work, subject_id)
    await store.mark_erased(work, retention_class, subject_id)


async def _erase_landlord(work: Work, landlord_id: UUID) -> None:
    before = await lock_landlord(work, landlord_id)
    assert before is not None, "locked before"
    named = ("person_id", "name", "document_type", "number", "phone", "organisation_name", "credit_code")
    after = _next(work, before, dict.fromkeys(named))
    await update_landlord(work, after)
    event = landlord_event(LandlordCorrected, after)
    codes = (after.division_code,)
    leave(work, "delete", landlords.RESOURCE, landlord_id, event, before=before, after=after, division_codes=codes)


async def _erase_premises(work: Work, premises_id: UUID) -> None:
    found = await lock_premises(work, premises_id)
    assert found is not None, "locked before"
    before, _ = found
    after = _next(work, before, {"address": ERASED, "manager_name": None, "manager_phone": None})
    await update_premises(work, after)
    leave(work, "delete", premises.RESOURCE, premises_id, None, before=before, after=after, division_codes=())


async def _erase_employer(work: Work, employer_id: UUID) -> None:
    before = await lock_employer(work, employer_id)
    assert before is not None, "locked before"
    after = _next(work, before, {"name": ERASED})
    await update_employer(work, after)
    leave(work, "delete", employers.RESOURCE, employer_id, None, before=before, after=after, division_codes=())


def _next(work: Work, before: RecordT, cleared: dict[str, str | None]) -> RecordT:
    return before.model_copy(update={**cleared, "version": before.version + 1, "updated_at": work.now})
