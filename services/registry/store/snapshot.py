"""The whole present state of the register as events, person by person, for a new or restored neighbour (architecture §5).

Notices are requests, not states: none is repeated here, or everybody would be told everything again (decision 0026).
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from services.chassis.db import Record, Transaction, prepare
from services.chassis.events import EventData
from services.chassis.keyring import Keyring
from services.contracts import registry
from services.registry.rules.employment import EmployerStatus
from services.registry.rules.homes.premises import PremisesStatus
from services.registry.rules.permit_states import PermitStatus
from services.registry.schemas.permit_views import PermitRecord
from services.registry.schemas.registrations import RegistrationStatus
from services.registry.store import historical_permits, merging, permits, persons, registrations, relationships
from services.registry.store.employment import employers, employments
from services.registry.store.events import (
    employer_event,
    employment_event,
    historical_permit_event,
    landlord_event,
    letter_event,
    merge_event,
    permit_event,
    person_event,
    premises_event,
    registration_event,
    relationship_event,
    stay_event,
)
from services.registry.store.homes import landlords, premises, stays

_CHUNK = 500

_PERSONS = prepare(
    f"""
    SELECT {persons.COLUMNS} FROM person p WHERE CAST(:after AS uuid) IS NULL OR p.person_id > CAST(:after AS uuid)
    ORDER BY p.person_id LIMIT {_CHUNK}
    """  # noqa: S608 - constants of this module
)
_ERASED = prepare(
    f"""
    SELECT d.person_id, d.version, d.deleted_on FROM deleted_person d
    WHERE CAST(:after AS uuid) IS NULL OR d.person_id > CAST(:after AS uuid) ORDER BY d.person_id LIMIT {_CHUNK}
    """  # noqa: S608 - constants of this module
)
# The last word about an id: a neighbour that still holds a merge which was taken back has to hear of it, too.
_MERGES = prepare(
    f"SELECT DISTINCT ON (a.person_id) {merging.COLUMNS} FROM person_alias a"  # noqa: S608
    " WHERE a.person_id = ANY (CAST(:person_ids AS uuid[])) ORDER BY a.person_id, a.created_at DESC"
)
_RELATIONSHIPS = prepare(
    f"SELECT {relationships.COLUMNS} FROM relationship r WHERE r.person_id = ANY (CAST(:person_ids AS uuid[]))"  # noqa: S608
    " ORDER BY r.created_at"
)
_REGISTRATIONS = prepare(
    f"SELECT {registrations.COLUMNS} FROM residence_registration r"  # noqa: S608
    " WHERE r.person_id = ANY (CAST(:person_ids AS uuid[])) ORDER BY r.created_at"
)
_PERMITS = prepare(
    f"SELECT {permits.COLUMNS} FROM residence_permit m WHERE m.person_id = ANY (CAST(:person_ids AS uuid[]))"  # noqa: S608
    " ORDER BY m.created_at"
)
_RESTRICTIONS = prepare(
    """
    SELECT person_id, rights_request_id, restricted_on, lifted_on FROM person_restriction
    WHERE lifted_on IS NULL AND person_id = ANY (CAST(:person_ids AS uuid[]))
    """
)
_HISTORICAL = prepare(
    f"SELECT {historical_permits.COLUMNS} FROM historical_permit h"  # noqa: S608
    " WHERE h.person_id = ANY (CAST(:person_ids AS uuid[])) ORDER BY h.created_at"
)
_STAYS = prepare(
    f"SELECT {stays.COLUMNS} FROM stay s WHERE s.person_id = ANY (CAST(:person_ids AS uuid[])) ORDER BY s.created_at"  # noqa: S608
)
_EMPLOYMENTS = prepare(
    f"SELECT {employments.COLUMNS} FROM employment m WHERE m.person_id = ANY (CAST(:person_ids AS uuid[]))"  # noqa: S608
    " ORDER BY m.created_at"
)
_EMPLOYERS = prepare(
    f"""
    SELECT {employers.COLUMNS} FROM employer e WHERE CAST(:after AS uuid) IS NULL OR e.employer_id > CAST(:after AS uuid)
    ORDER BY e.employer_id LIMIT {_CHUNK}
    """  # noqa: S608 - constants of this module
)
_PREMISES = prepare(
    f"""
    SELECT {premises.COLUMNS} FROM premises p WHERE CAST(:after AS uuid) IS NULL OR p.premises_id > CAST(:after AS uuid)
    ORDER BY p.premises_id LIMIT {_CHUNK}
    """  # noqa: S608 - constants of this module
)
_LANDLORDS = prepare(
    f"""
    SELECT {landlords.COLUMNS} FROM landlord l WHERE CAST(:after AS uuid) IS NULL OR l.landlord_id > CAST(:after AS uuid)
    ORDER BY l.landlord_id LIMIT {_CHUNK}
    """  # noqa: S608 - constants of this module
)
_LETTERS = prepare(
    f"SELECT {landlords.LETTER_COLUMNS} FROM responsibility_letter t"  # noqa: S608
    " WHERE t.landlord_id = ANY (CAST(:landlord_ids AS uuid[])) ORDER BY t.created_at"
)
_PERMIT_FACTS: dict[PermitStatus, type[registry.ResidencePermitState]] = {
    PermitStatus.ACCEPTED: registry.ResidencePermitAccepted,
    PermitStatus.REFUSED: registry.ResidencePermitRefused,
    PermitStatus.WITHDRAWN: registry.ResidencePermitEnded,
    PermitStatus.VALID: registry.ResidencePermitIssued,
    PermitStatus.SUSPENDED: registry.ResidencePermitSuspended,
    PermitStatus.ENDED: registry.ResidencePermitEnded,
}


async def snapshot(tx: Transaction, keyring: Keyring) -> AsyncIterator[tuple[UUID, list[EventData]]]:
    """Every person with all about it, then every employer, home and landlord, each as the event of its present state."""
    after: UUID | None = None
    while rows := await tx.fetch(_PERSONS, after=after):
        person_ids = [row["person_id"] for row in rows]
        about = await _about(tx, keyring, person_ids)
        for row in rows:
            person = person_event(registry.PersonRegistered, keyring, persons.person_of(keyring, row))
            yield row["person_id"], [person, *about[row["person_id"]]]
        after = person_ids[-1]
    async for erased in _erased(tx):
        yield erased
    async for employer in _employers(tx, keyring):
        yield employer
    async for home in _homes(tx, keyring):
        yield home
    async for landlord in _landlords(tx, keyring):
        yield landlord


async def _erased(tx: Transaction) -> AsyncIterator[tuple[UUID, list[EventData]]]:
    """That persons were deleted, so that a restored neighbour forgets them too and does not wait for what came before."""
    after: UUID | None = None
    while rows := await tx.fetch(_ERASED, after=after):
        for row in rows:
            deleted = registry.PersonDeleted(person_id=row["person_id"], version=row["version"], deleted_on=row["deleted_on"])
            yield row["person_id"], [deleted]
        after = rows[-1]["person_id"]


async def _employers(tx: Transaction, keyring: Keyring) -> AsyncIterator[tuple[UUID, list[EventData]]]:
    after: UUID | None = None
    while rows := await tx.fetch(_EMPLOYERS, after=after):
        for row in rows:
            record = employers.employer_of(keyring, row)
            is_there = record.status is EmployerStatus.REGISTERED
            fact = registry.EmployerRegistered if is_there else registry.EmployerEnded
            yield record.employer_id, [employer_event(fact, record)]
        after = rows[-1]["employer_id"]


async def _homes(tx: Transaction, keyring: Keyring) -> AsyncIterator[tuple[UUID, list[EventData]]]:
    after: UUID | None = None
    while rows := await tx.fetch(_PREMISES, after=after):
        for row in rows:
            record = premises.premises_of(keyring, dict(row.items()))
            is_let = record.status is PremisesStatus.REGISTERED
            fact = registry.PremisesRegistered if is_let else registry.PremisesEnded
            yield record.premises_id, [premises_event(fact, record)]
        after = rows[-1]["premises_id"]


async def _landlords(tx: Transaction, keyring: Keyring) -> AsyncIterator[tuple[UUID, list[EventData]]]:
    """Every landlord with its letters."""
    after: UUID | None = None
    while rows := await tx.fetch(_LANDLORDS, after=after):
        ids = [row["landlord_id"] for row in rows]
        signed: defaultdict[UUID, list[EventData]] = defaultdict(list)
        for row in await tx.fetch(_LETTERS, landlord_ids=ids):
            letter = landlords.letter_of(keyring, row)
            fact = registry.ResponsibilityLetterSigned if letter.ended_on is None else registry.ResponsibilityLetterEnded
            signed[letter.landlord_id].append(letter_event(fact, letter))
        for row in rows:
            landlord = landlord_event(registry.LandlordRegistered, landlords.landlord_of(keyring, row))
            yield row["landlord_id"], [landlord, *signed[row["landlord_id"]]]
        after = ids[-1]


async def _about(tx: Transaction, keyring: Keyring, person_ids: Sequence[UUID]) -> dict[UUID, list[EventData]]:
    found: defaultdict[UUID, list[EventData]] = defaultdict(list)
    for row in await tx.fetch(_MERGES, person_ids=person_ids):
        found[row["person_id"]].append(_merge(keyring, row))
    for row in await tx.fetch(_RELATIONSHIPS, person_ids=person_ids):
        found[row["person_id"]].append(_relationship(keyring, row))
    for row in await tx.fetch(_REGISTRATIONS, person_ids=person_ids):
        found[row["person_id"]].append(_registration(keyring, row))
    for row in await tx.fetch(_PERMITS, person_ids=person_ids):
        found[row["person_id"]].append(_permit(permits.permit_of(keyring, row)))
    for row in await tx.fetch(_RESTRICTIONS, person_ids=person_ids):
        imposed = registry.RestrictionImposed(**dict(row.items()), version=1)
        found[row["person_id"]].append(imposed)
    for row in await tx.fetch(_EMPLOYMENTS, person_ids=person_ids):
        employment = employments.employment_of(keyring, row)
        is_open = employment.ended_on is None
        fact = registry.EmploymentStarted if is_open else registry.EmploymentEnded
        found[employment.person_id].append(employment_event(fact, employment))
    for row in await tx.fetch(_HISTORICAL, person_ids=person_ids):
        found[row["person_id"]].append(_historical(keyring, row))
    for row in await tx.fetch(_STAYS, person_ids=person_ids):
        stay = stays.stay_of(keyring, row)
        found[stay.person_id].append(stay_event(registry.StayStarted if stay.ended_at is None else registry.StayEnded, stay))
    return found


def _merge(keyring: Keyring, row: Record) -> EventData:
    record = merging.merge_of(keyring, row)
    return merge_event(registry.PersonMerged if record.unmerged_on is None else registry.PersonUnmerged, record)


def _relationship(keyring: Keyring, row: Record) -> EventData:
    record = relationships.relationship_of(keyring, row)
    fact = registry.RelationshipRegistered if record.ended_on is None else registry.RelationshipEnded
    return relationship_event(fact, record)


def _registration(keyring: Keyring, row: Record) -> EventData:
    record = registrations.registration_of(keyring, row)
    is_current = record.status is RegistrationStatus.CURRENT
    fact = registry.ResidenceRegistrationRegistered if is_current else registry.ResidenceRegistrationEnded
    return registration_event(fact, record)


def _permit(record: PermitRecord) -> EventData:
    return permit_event(_PERMIT_FACTS[record.status], record)


def _historical(keyring: Keyring, row: Record) -> EventData:
    record = historical_permits.paper_of(keyring, row)
    fact = registry.HistoricalPermitRecorded if record.annulled_on is None else registry.HistoricalPermitAnnulled
    return historical_permit_event(fact, record)
