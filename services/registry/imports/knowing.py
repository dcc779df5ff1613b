"""Whom of a chunk the register knows: found by document, held until the transaction ends, with where they are registered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from uuid import UUID

from services.chassis.work import AuditLine, Work
from services.registry.actions.document_owners import owners_of
from services.registry.actions.persons import RESOURCE as PERSON
from services.registry.schemas.registrations import RegistrationRecord
from services.registry.store import bulk
from services.registry.store.persons import LockedPerson, lock_persons

_TRIED_BY = ["identity_documents", "name"]


@dataclass(slots=True)
class KnownPerson:
    """A person of the register as this transaction has made it so far. `documents_expired_on`: the last day of its documents
    when all of them are out of date.
    """

    person: LockedPerson
    name_index: bytes
    registrations: list[RegistrationRecord] = field(default_factory=list)
    divisions: set[str] = field(default_factory=set)
    documents_expired_on: date | None = None

    def again(self) -> "KnownPerson":
        """For another transaction, which may be tried twice."""
        return replace(self, registrations=[*self.registrations], divisions={*self.divisions})


@dataclass(slots=True)
class Knowledge:
    """By a document's digest: who it belongs to. `elsewhere`: documents of persons of other towns under another name; `shared`:
    numbers of several humans, where a roster must not say which, and whether any of them is in sight; `attempts`: evidence of
    who was resolved.
    """

    persons: dict[bytes, KnownPerson]
    elsewhere: set[bytes]
    shared: Mapping[bytes, bool]
    attempts: Sequence[AuditLine] = ()

    def may_be_told_of(self, number: bytes) -> bool:
        """Whether the client may hear that somebody has this number."""
        return number in self.persons or self.shared.get(number, False)

    def bring(self, persons: Mapping[bytes, KnownPerson]) -> None:
        """Persons as rows before have made them, in place of what was read."""
        self.persons |= persons
        self.elsewhere -= persons.keys()


async def look_up(work: Work, documents: Mapping[bytes, bytes], tried: set[bytes]) -> Knowledge:
    """Claim the documents – digest of the number → digest of the name – as the single door does, and find whose they are.

    A person of another town is resolved by complete number and name, and that is evidence, whether it succeeds or not.
    `tried` are numbers that were tried in vain before: another name is not tried, so that no roster is a way to guess names.
    """
    owners = await owners_of(work, documents)
    hidden = {number: documents[number] for number in sorted(owners.elsewhere - tried)}
    resolved = await bulk.resolve_each(work, hidden) if hidden else {}
    attempts = [_attempt(work, person_id) for person_id in resolved.values()]
    found = {number: person_id for number, person_id in resolved.items() if person_id is not None}
    unresolved = owners.elsewhere - found.keys()
    tried |= unresolved
    shared = {number: any(human is not None for human in humans) for number, humans in owners.shared.items()}
    return Knowledge(await _known(work, {**owners.known, **found}), set(unresolved), shared, attempts)


def _attempt(work: Work, person_id: UUID | None) -> AuditLine:
    outcome = "done" if person_id is not None else "not_found"
    return work.audit("resolve", PERSON, person_id, person_id=person_id, fields=_TRIED_BY, outcome=outcome)


async def _known(work: Work, by_number: Mapping[bytes, UUID]) -> dict[bytes, KnownPerson]:
    if not by_number:
        return {}
    locked = await lock_persons(work, *by_number.values())
    canonical = {person_id: person.merged_into or person_id for person_id, person in locked.items()}
    if led_on := set(canonical.values()) - locked.keys():
        locked |= await lock_persons(work, *led_on)  # held already, as ids of the same humans
    person_ids: Sequence[UUID] = sorted(set(canonical.values()))
    names = await bulk.name_indexes_of(work, person_ids)
    registrations = await bulk.registrations_of_each(work, person_ids)
    divisions = await bulk.divisions_of_each(work, person_ids)
    expired = await bulk.documents_expired_on_each(work, person_ids)
    known = {
        person_id: KnownPerson(
            person, names[person_id], registrations[person_id], divisions.get(person_id, set()), expired.get(person_id)
        )
        for person_id, person in locked.items()
        if person_id in names and person.merged_into is None
    }
    return {number: known[canonical[person_id]] for number, person_id in by_number.items()}
