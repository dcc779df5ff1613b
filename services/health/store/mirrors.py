"""Keeping the mirrors of the registry.

Every function takes a batch of events, writes the last state of each subject in one statement, and leaves rows alone that
already know something newer. So they may run in any order among each other, and a snapshot or a repeated event does no harm.
"""

from collections.abc import Sequence
from uuid import UUID

from services.chassis.db import prepare
from services.chassis.events import Received
from services.chassis.mirroring import Mirror
from services.chassis.work import Work
from services.contracts.registry import PersonAliasState, PersonDeleted, PersonState, ResidenceRegistrationState
from services.health.tables.mirrors import MirrorPerson, MirrorPersonAlias, MirrorPersonDeleted, MirrorResidenceRegistration

# Of a deleted person nothing is kept but that it is deleted; what comes late finds that and stays out.
_FORGET = (
    prepare(
        """
        DELETE FROM card_conflict WHERE EXISTS (SELECT FROM vaccination_card c
            WHERE c.person_id = ANY (CAST(:person_ids AS uuid[])) AND c.card_id IN (card_conflict.card_id, other_card_id))
        """
    ),
    *(
        prepare(f"DELETE FROM {name} WHERE person_id = ANY (CAST(:person_ids AS uuid[]))")  # noqa: S608 - names of tables
        for name in (
            "card_forecast",
            "dose",
            "vaccination_card",
            "mirror_person",
            "mirror_residence_registration",
        )
    ),
    prepare(
        """
        DELETE FROM mirror_person_alias WHERE person_id = ANY (CAST(:person_ids AS uuid[]))
            OR canonical_person_id = ANY (CAST(:person_ids AS uuid[]))
        """
    ),
)

_PERSONS: Mirror[PersonState] = Mirror(MirrorPerson)
_DELETED: Mirror[PersonDeleted] = Mirror(MirrorPersonDeleted)
_ALIASES: Mirror[PersonAliasState] = Mirror(MirrorPersonAlias)
_REGISTRATIONS: Mirror[ResidenceRegistrationState] = Mirror(MirrorResidenceRegistration)

_KEEP_PERSONS = prepare(_PERSONS.upsert)
_KEEP_DELETED = prepare(_DELETED.upsert)
_KEEP_ALIASES = prepare(_ALIASES.upsert)
_KEEP_REGISTRATIONS = prepare(_REGISTRATIONS.upsert)


async def keep_persons(work: Work, events: Sequence[Received[PersonState]]) -> list[UUID]:
    """Mirror persons; returns those of whom something newer was told."""
    rows = await work.tx.fetch(_KEEP_PERSONS, **_PERSONS.arrays(work, _PERSONS.last_states(events)))
    return [row["person_id"] for row in rows]


async def forget_persons(work: Work, events: Sequence[Received[PersonDeleted]]) -> None:
    """Delete what is kept of persons and the keys of what was remembered of them, and remember that they are gone."""
    states = _DELETED.last_states(events)
    await work.tx.execute(_KEEP_DELETED, **_DELETED.arrays(work, states))
    person_ids = [event.data.person_id for event in states]
    for statement in _FORGET:
        await work.tx.execute(statement, person_ids=person_ids)
    for person_id in person_ids:
        await work.destroy_person_key(person_id)


async def keep_aliases(work: Work, events: Sequence[Received[PersonAliasState]]) -> None:
    """Mirror which ids are aliases; every read resolves through them."""
    await work.tx.execute(_KEEP_ALIASES, **_ALIASES.arrays(work, _ALIASES.last_states(events)))


async def keep_registrations(work: Work, events: Sequence[Received[ResidenceRegistrationState]]) -> None:
    """Mirror residence registrations."""
    await work.tx.execute(_KEEP_REGISTRATIONS, **_REGISTRATIONS.arrays(work, _REGISTRATIONS.last_states(events)))
