"""Residence registrations: register, change the address, end, read.

A person has one current registration. Registering in another town ends the old one there as a move, in the same transaction;
the half year runs on inside the county (RR-21). Ending a registration leaves a permit alone: whether its holder still
qualifies is an officer's decision (RR-37).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.ids import new_id
from services.chassis.parameters import NotInForceError
from services.chassis.schemas import Notice
from services.chassis.work import Work
from services.contracts.registry import (
    ResidenceRegistrationChanged,
    ResidenceRegistrationEnded,
    ResidenceRegistrationRegistered,
    ResidenceRegistrationState,
)
from services.registry.actions.divisions import is_own_division, is_same_town, require_own_division
from services.registry.actions.law import LAW
from services.registry.actions.refusals import (
    day_errors,
    field_error,
    invalid,
    not_found,
    notice,
    person_not_found,
    require_held,
    require_own_id,
    require_settled,
    with_id,
)
from services.registry.actions.sights import record_shown, sight_of, sight_on
from services.registry.actions.trail import leave
from services.registry.rules.division import county_of
from services.registry.rules.identity_number import origin_of
from services.registry.rules.residence_registration import (
    RegistrationAssessment,
    RegistrationEndReason,
    RegistrationFacts,
    RegistrationPeriod,
    assess_change_report,
    assess_registration,
    registered_since,
)
from services.registry.schemas.registrations import (
    AddressChange,
    RegistrationEnd,
    RegistrationRecord,
    RegistrationStatus,
    RegistrationView,
    ResidenceRegistrationEntry,
)
from services.registry.store import registrations as store
from services.registry.store import visibility
from services.registry.store.events import registration_event
from services.registry.store.persons import LockedPerson, lock_persons

RESOURCE = "residence_registration"
_POINTERS = {"starts_in_future": "/started_on", "division_code_malformed": "/division_code", "guardian_needed": "/reported_by"}


async def register_residence(work: Work, body: ResidenceRegistrationEntry) -> RegistrationView:
    """Register where a person lives, from today on (RR-10); a client that only resolved the person may do it too.

    Raises `DomainError('registration-exists')` when the person is registered in the same town by an office of this division:
    then the address is changed instead.
    """
    require_own_division(work, body.division_code, "/division_code")
    person = await _lock_person(work, body)
    assessment = _assess(work, body, person)
    residence = await store.residence_of(work, person.person_id)
    require_settled(residence)
    periods = list(residence.periods)
    if residence.current is not None:
        moved = await _move_away(work, residence.current, body.division_code)
        periods.remove(_period(residence.current))
        periods.append(_period(moved))
    record = _entered(work, body, assessment, periods)
    await store.insert_registration(work, record)
    await _leave(work, "register", ResidenceRegistrationRegistered, None, record)
    notes = [*map(notice, assessment.notes), *_doubts(work, record)]
    return RegistrationView.of(record, sight_on(work, person.birth_date), notes)


async def change_address(work: Work, registration_id: UUID, body: AddressChange) -> RegistrationView:
    """Change the address within a registration; late or not (RR-09), it is recorded."""
    before = await _lock_registration(work, registration_id)
    require_own_division(work, body.division_code, "/division_code")
    problems = day_errors("/changed_on", body.changed_on, earliest=before.started_on, latest=work.today)
    if county_of(body.division_code) != county_of(before.division_code):
        zh, en = "迁往其他县（市、区）应重新办理居住登记", "a move to another county needs a new registration there"
        problems.append(FieldError("/division_code", "other_county", zh, en, "RR-01"))
    if problems:
        raise invalid(problems)
    with _rules_held(body.changed_on):
        report = assess_change_report(changed_on=body.changed_on, reported_on=work.today, parameters=LAW.registration)
    after = before.model_copy(
        update={
            "division_code": body.division_code,
            "address": body.address,
            "residence_kind": body.residence_kind or before.residence_kind,
            "changed_on": body.changed_on,
            "reported_late": report.reported_late,
            "version": before.version + 1,
            "updated_at": work.now,
        }
    )
    await store.update_registration(work, after)
    await _leave(work, "change_address", ResidenceRegistrationChanged, before, after)
    return await _shown(work, after, _doubts(work, after))


async def end_registration(work: Work, registration_id: UUID, body: RegistrationEnd) -> RegistrationView:
    """End a registration because the person left, died, became local hukou, or was never there.

    That an entry was an error – it then counts for nothing – is an officer's finding (V-18).
    """
    if body.reason is RegistrationEndReason.RECORDED_IN_ERROR:
        work.require_actor()
    before = await _lock_registration(work, registration_id)
    latest = max(before.registered_on, work.today)
    ended_on = body.ended_on or latest
    if problems := day_errors("/ended_on", ended_on, earliest=before.registered_on, latest=latest):
        raise invalid(problems)
    after = _ended(work, before, ended_on, body.reason)
    await store.update_registration(work, after)
    await _leave(work, "end", ResidenceRegistrationEnded, before, after)
    return await _shown(work, after)


async def _shown(work: Work, record: RegistrationRecord, notes: list[Notice] | None = None) -> RegistrationView:
    """The registration as this client may see it, with its line of evidence."""
    sight = await sight_of(work, record.person_id)
    view = RegistrationView.of(record, sight, notes)
    record_shown(work, RESOURCE, record.registration_id, record.person_id, sight)
    return view


async def _lock_person(work: Work, body: ResidenceRegistrationEntry) -> LockedPerson:
    """The person, and the reporting person if one is named; the client must see or have resolved them."""
    wanted = [("/person_id", body.person_id)]
    if body.reporter_person_id is not None:
        wanted.append(("/reporter_person_id", body.reporter_person_id))
    locked = await lock_persons(work, *(person_id for _, person_id in wanted))
    for pointer, person_id in wanted:
        person = locked.get(person_id)
        if person is None:
            raise person_not_found(pointer)
    require_own_id(locked[body.person_id])
    return locked[body.person_id]


def _assess(work: Work, body: ResidenceRegistrationEntry, person: LockedPerson) -> RegistrationAssessment:
    """The rules' answer; raises with every problem at its field."""
    hukou = person.hukou_division_code
    facts = RegistrationFacts(
        registered_on=work.today,
        started_on=body.started_on,
        division_code=body.division_code,
        residence_kind=body.residence_kind,
        reported_by=body.reported_by,
        birth_date=person.birth_date,
        origin=origin_of(person.document_types),
        is_floating=None if hukou is None else LAW.divisions.is_floating(hukou, body.division_code, work.today),
        institution_stay=body.institution_stay,
        expected_end_on=body.expected_end_on,
        is_with_close_relatives_of_local_hukou=body.is_with_close_relatives_of_local_hukou,
    )
    with _rules_held(work.today):
        assessment = assess_registration(facts, LAW.registration)
    errors = [field_error(_POINTERS.get(problem.code, ""), problem) for problem in assessment.problems]
    errors += day_errors("/started_on", body.started_on, earliest=person.birth_date, latest=date.max)
    if body.expected_end_on is not None:
        errors += day_errors("/expected_end_on", body.expected_end_on, earliest=body.started_on, latest=date.max)
    if errors:
        raise invalid(errors)
    return assessment


@contextmanager
def _rules_held(day: date) -> Iterator[None]:
    """For asking the rules about an event of that day. Raises `DomainError('registration-rules-not-held')`."""
    try:
        yield
    except NotInForceError as error:
        raise DomainError("registration-rules-not-held", extra={"on": day.isoformat()}) from error


async def _move_away(work: Work, current: RegistrationRecord, division_code: str) -> RegistrationRecord:
    """End the registration in the town the person leaves; the register held the person there until today, so no day is lost."""
    if is_own_division(work, current.division_code) and is_same_town(current.division_code, division_code):
        raise DomainError(
            "registration-exists",
            detail_zh="该人员在本乡镇已有居住登记，请办理地址变更。",
            detail_en="The person is registered in this town already; change the address instead.",
            extra=with_id("registration_id", current.registration_id)
            | {"address_change": f"/v1/residence-registrations/{current.registration_id}/address-change"},
        )
    same_county = county_of(current.division_code) == county_of(division_code)
    reason = RegistrationEndReason.MOVED_WITHIN_CITY if same_county else RegistrationEndReason.LEFT
    ended = _ended(work, current, max(current.registered_on, work.today), reason)
    await store.end_by_move(work, ended)
    await _leave(work, "end", ResidenceRegistrationEnded, current, ended)
    return ended


def _entered(
    work: Work,
    body: ResidenceRegistrationEntry,
    assessment: RegistrationAssessment,
    periods: Sequence[RegistrationPeriod],
) -> RegistrationRecord:
    registered_on = assessment.clock_starts_on
    with_this = [*periods, RegistrationPeriod(registered_on, None, body.division_code)]
    return RegistrationRecord(
        **body.model_dump(exclude={"institution_stay", "is_with_close_relatives_of_local_hukou"}),
        registration_id=new_id(),
        status=RegistrationStatus.CURRENT,
        registered_on=registered_on,
        residence_since=registered_since(with_this, registered_on, LAW.registration) or registered_on,
        changed_on=None,
        reported_late=assessment.registered_late,
        ended_on=None,
        end_reason=None,
        version=1,
        created_at=work.now,
        updated_at=work.now,
    )


async def _lock_registration(work: Work, registration_id: UUID) -> RegistrationRecord:
    """A current registration of a person the client's division holds, locked together with the person."""
    found = await store.find_registration(work, registration_id)
    if found is None:
        raise not_found("registration")
    person = (await lock_persons(work, found.person_id)).get(found.person_id)
    record = await store.reload_registration(work, registration_id)
    work.expect_version(record.version)
    if record.status is RegistrationStatus.ENDED:
        raise DomainError("registration-ended")
    require_held(person)
    return record


def _ended(work: Work, before: RegistrationRecord, ended_on: date, reason: RegistrationEndReason) -> RegistrationRecord:
    return before.model_copy(
        update={
            "status": RegistrationStatus.ENDED,
            "ended_on": ended_on,
            "end_reason": reason,
            "version": before.version + 1,
            "updated_at": work.now,
        }
    )


def _doubts(work: Work, record: RegistrationRecord) -> list[Notice]:
    """Doubts about the division of residence, which stop nothing (C-07)."""
    return [notice(warning) for warning in LAW.divisions.warnings(record.division_code, work.today)]


def _period(record: RegistrationRecord) -> RegistrationPeriod:
    return RegistrationPeriod(record.registered_on, record.ended_on, record.division_code)


async def _leave(
    work: Work,
    operation: str,
    fact: type[ResidenceRegistrationState],
    before: RegistrationRecord | None,
    after: RegistrationRecord,
) -> None:
    leave(
        work,
        operation,
        RESOURCE,
        after.registration_id,
        registration_event(fact, after),
        before=before,
        after=after,
        division_codes=await visibility.divisions_of(work, after.person_id),
    )
