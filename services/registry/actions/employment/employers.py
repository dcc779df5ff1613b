"""Employers: register, change, end. A social credit code is registered once in the city."""

from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.ids import new_id
from services.chassis.refusals import invalid, not_found
from services.chassis.work import Work
from services.contracts.registry import EmployerChanged, EmployerEnded, EmployerRegistered, EmployerState
from services.registry.actions.divisions import require_own_division
from services.registry.actions.law import LAW
from services.registry.actions.refusals import credit_code_errors, day_errors, field_error, with_id
from services.registry.actions.trail import leave
from services.registry.rules.employment import INDUSTRY_UNKNOWN, EmployerEndReason, EmployerStatus
from services.registry.schemas.employment.employers import (
    EmployerChange,
    EmployerEnd,
    EmployerRecord,
    EmployerRegistration,
    EmployerView,
)
from services.registry.store.employment import employers as store
from services.registry.store.events import employer_event

RESOURCE = "employer"


async def register_employer(work: Work, body: EmployerRegistration) -> EmployerView:
    """Register an employer. Raises `DomainError('employer-exists')`, naming the one with the code, in whichever division."""
    require_own_division(work, body.division_code, "/division_code")
    if errors := [*credit_code_errors(body.credit_code), *_industry_errors(body.industry_code)]:
        raise invalid(errors)
    same = await store.claim_code(work, body.credit_code)
    if same is not None:
        raise DomainError("employer-exists", extra=with_id("employer_id", same.employer_id))
    record = EmployerRecord(
        **body.model_dump(),
        employer_id=new_id(),
        status=EmployerStatus.REGISTERED,
        registered_on=work.today,
        ended_on=None,
        end_reason=None,
        version=1,
        created_at=work.now,
        updated_at=work.now,
    )
    await store.insert_employer(work, record)
    _leave(work, "register", EmployerRegistered, None, record)
    return EmployerView.of(record)


async def change_employer(work: Work, employer_id: UUID, body: EmployerChange) -> EmployerView:
    """Change name, place or industry. Employments keep the place and industry of their day."""
    before = await _lock(work, employer_id)
    changes = body.changes()
    if "division_code" in changes:
        require_own_division(work, changes["division_code"], "/division_code")
    if errors := _industry_errors(changes.get("industry_code", before.industry_code)):
        raise invalid(errors)
    after = before.model_copy(update={**changes, "version": before.version + 1, "updated_at": work.now})
    await store.update_employer(work, after)
    _leave(work, "change", EmployerChanged, before, after)
    return EmployerView.of(after)


async def end_employer(work: Work, employer_id: UUID, body: EmployerEnd) -> EmployerView:
    """End an employer. That it was registered in error is an officer's finding (V-18)."""
    if body.reason is EmployerEndReason.RECORDED_IN_ERROR:
        work.require_actor()
    before = await _lock(work, employer_id)
    ended_on = body.ended_on or work.today
    if errors := day_errors("/ended_on", ended_on, earliest=ended_on, latest=work.today):
        raise invalid(errors)
    changes = {"status": EmployerStatus.ENDED, "ended_on": ended_on, "end_reason": body.reason}
    after = before.model_copy(update={**changes, "version": before.version + 1, "updated_at": work.now})
    await store.update_employer(work, after)
    _leave(work, "end", EmployerEnded, before, after)
    return EmployerView.of(after)


async def _lock(work: Work, employer_id: UUID) -> EmployerRecord:
    record = await store.lock_employer(work, employer_id)
    if record is None:
        raise not_found("employer")
    work.expect_version(record.version)
    if record.status is EmployerStatus.ENDED:
        raise DomainError("employer-ended")
    return record


def _industry_errors(code: str) -> list[FieldError]:
    return [] if LAW.employment.is_industry(code) else [field_error("/industry_code", INDUSTRY_UNKNOWN)]


def _leave(work: Work, operation: str, fact: type[EmployerState], before: EmployerRecord | None, after: EmployerRecord) -> None:
    """The division it left hears of the change as well."""
    codes = {record.division_code for record in (before, after) if record is not None}
    event = employer_event(fact, after)
    leave(work, operation, RESOURCE, after.employer_id, event, before=before, after=after, division_codes=sorted(codes))
