"""Keeping the mirrors of the registry.

Each is kept from batches of events, with the last state of each subject in one statement, and leaves rows alone that already
know something newer. So batches may come in any order among each other, and a snapshot or a repeated event does no harm.
"""

from collections.abc import Sequence

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

PERSONS: Mirror[PersonState] = Mirror(MirrorPerson)
_DELETED: Mirror[PersonDeleted] = Mirror(MirrorPersonDeleted)
ALIASES: Mirror[PersonAliasState] = Mirror(MirrorPersonAlias)
REGISTRATIONS: Mirror[ResidenceRegistrationState] = Mirror(MirrorResidenceRegistration)


async def forget_persons(work: Work, events: Sequence[Received[PersonDeleted]]) -> None:
    """Delete what is kept of persons and the keys of what was remembered of them, and remember that they are gone."""
    await _DELETED.keep(work, events)
    person_ids = [event.data.person_id for event in _DELETED.last_states(events)]
    for statement in _FORGET:
        await work.tx.execute(statement, person_ids=person_ids)
    for person_id in person_ids:
        await work.destroy_person_key(person_id)
