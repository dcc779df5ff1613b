"""Residence registrations: register, change the address, end, read.

A person has one current registration. Registering in another town ends the old one there as a move, in the same transaction;
the half year runs on inside the county (RR-21). Ending a registration leaves a permit alone: whether its holder still
qualifies is an officer's decision (RR-37).
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from services.chassis.errors import DomainError
from services.chassis.refusals import invalid, not_found
from services.chassis.schemas import Notice
from services.chassis.work import Work
from services.contracts.registry import (
    ResidenceRegistrationChanged,
    ResidenceRegistrationEnded,
    ResidenceRegistrationRegistered,
    ResidenceRegistrationState,
)
from services.registry.actions.divisions import require_own_division
from services.registry.actions.refusals import (
    day_errors,
    notice,
    person_not_found,
    require_held,
    require_own_id,
    require_settled,
)
from services.registry.actions.registration_entry import assess_entry, changed_address, ended, entered, told_of
from services.registry.actions.sights import record_shown, sight_of, sight_on
from services.registry.actions.trail import leave
from services.registry.rules.residence_registration import (
    RegistrationEndReason,
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


async def register_residence(work: Work, body: ResidenceRegistrationEntry) -> RegistrationView:
    """Register where a person lives, from today on (RR-10); a client that only resolved the person may do it too.

    Raises `DomainError('registration-exists')` when the person is registered in the same town by an office of this division:
    then the address is changed instead.
    """
    require_own_division(work, body.division_code, "/division_code")
    person = await _lock_person(work, body)
    standing = await store.standing_of(work, person.person_id)
    assessment = assess_entry(work, body, person, standing.documents_expired_on)
    residence, divisions = standing.residence, standing.seen_by
    require_settled(residence)
    entry = entered(work, body, assessment, residence)
    if residence.current is not None and entry.moved is not None:
        await store.end_by_move(work, entry.moved)
        _leave(work, "end", ResidenceRegistrationEnded, residence.current, entry.moved, divisions)
    record = entry.record
    await store.insert_registration(work, record)
    # The division of the registration holds the person from now on; those that saw the person before see it for two years more.
    divisions = sorted({*divisions, record.division_code})
    _leave(work, "register", ResidenceRegistrationRegistered, None, record, divisions)
    notes = [notice(finding) for finding in told_of(work, record, assessment)]
    return RegistrationView.of(record, sight_on(work, person.birth_date), notes)


async def change_address(work: Work, registration_id: UUID, body: AddressChange) -> RegistrationView:
    """Change the address within a registration; late or not (RR-09), it is recorded."""
    before = await _lock_registration(work, registration_id)
    after = changed_address(work, before, body)
    await store.update_registration(work, after)
    _leave(
        work,
        "change_address",
        ResidenceRegistrationChanged,
        before,
        after,
        await visibility.divisions_of(work, after.person_id),
    )
    return await _shown(work, after, [notice(finding) for finding in told_of(work, after)])


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
    after = ended(work, before, ended_on, body.reason)
    await store.update_registration(work, after)
    _leave(work, "end", ResidenceRegistrationEnded, before, after, await visibility.divisions_of(work, after.person_id))
    return await _shown(work, after)


async def end_by_transfer(work: Work, before: RegistrationRecord, entered_on: date, caused_by: UUID) -> RegistrationRecord:
    """End it because the person has become local hukou, by a neighbour's event; the person's rows are held (RR-37)."""
    day = max(before.registered_on, entered_on)
    after = ended(work, before, day, RegistrationEndReason.HOUSEHOLD_TRANSFER, caused_by)
    await store.update_registration(work, after)
    _leave(work, "end", ResidenceRegistrationEnded, before, after, await visibility.divisions_of(work, after.person_id))
    return after


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
        require_own_id(person)
    return locked[body.person_id]


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


def _leave(
    work: Work,
    operation: str,
    fact: type[ResidenceRegistrationState],
    before: RegistrationRecord | None,
    after: RegistrationRecord,
    division_codes: Sequence[str],
) -> None:
    leave(
        work,
        operation,
        RESOURCE,
        after.registration_id,
        registration_event(fact, after),
        before=before,
        after=after,
        division_codes=division_codes,
    )
