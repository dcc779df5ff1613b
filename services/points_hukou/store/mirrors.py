"""Keeping the mirrors of the registry.

Each is kept from batches of events, with the last state of each subject in one statement, and leaves rows alone that already
know something newer. So batches may come in any order among each other, and a snapshot or a repeated event does no harm.
"""

from collections.abc import Sequence

from services.chassis.attachments.references import release
from services.chassis.db import prepare
from services.chassis.events import Received
from services.chassis.mirroring import Mirror
from services.chassis.work import Work
from services.contracts.registry import (
    EmploymentState,
    PersonAliasState,
    PersonDeleted,
    PersonState,
    RelationshipState,
    ResidencePermitState,
    ResidenceRegistrationState,
)
from services.points_hukou.tables.mirrors import (
    MirrorEmployment,
    MirrorPerson,
    MirrorPersonAlias,
    MirrorPersonDeleted,
    MirrorRelationship,
    MirrorResidencePermit,
    MirrorResidenceRegistration,
)

# Of a deleted person nothing is kept but that it is deleted; what comes late finds that and stays out. Whoever gives evidence
# holds the person's row, which goes first; the key goes last.
_FORGET = (
    *(
        prepare(f"DELETE FROM {name} WHERE person_id = ANY (CAST(:person_ids AS uuid[]))")  # noqa: S608 - names of tables
        for name in (
            "mirror_person",
            "mirror_person_document",
            "mirror_residence_registration",
            "mirror_residence_permit",
            "mirror_employment",
            "evidence",
            "evidence_contest",
            "registry_contest",
        )
    ),
    *(
        prepare(f"DELETE FROM {name} WHERE person_id = ANY (CAST(:person_ids AS uuid[])) OR {other} = ANY (:person_ids)")  # noqa: S608
        for name, other in (("mirror_relationship", "related_person_id"), ("mirror_person_alias", "canonical_person_id"))
    ),
)

_PERSONS: Mirror[PersonState] = Mirror(MirrorPerson)
_DELETED: Mirror[PersonDeleted] = Mirror(MirrorPersonDeleted)
ALIASES: Mirror[PersonAliasState] = Mirror(MirrorPersonAlias)
RELATIONSHIPS: Mirror[RelationshipState] = Mirror(MirrorRelationship)
REGISTRATIONS: Mirror[ResidenceRegistrationState] = Mirror(MirrorResidenceRegistration)
PERMITS: Mirror[ResidencePermitState] = Mirror(MirrorResidencePermit)
EMPLOYMENTS: Mirror[EmploymentState] = Mirror(MirrorEmployment)

# Documents follow where the person's row was written: older news changes neither.
_KEEP_PERSONS = prepare(
    f"""
    WITH kept AS ({_PERSONS.upsert}), present AS (
        SELECT d.* FROM unnest(
            CAST(:tokens AS text[]), CAST(:key_ids AS text[]), CAST(:holders AS uuid[]), CAST(:document_types AS text[])
        ) AS d (token, key_id, person_id, document_type) JOIN kept USING (person_id)
    ), dropped AS (
        DELETE FROM mirror_person_document o USING kept WHERE o.person_id = kept.person_id
        AND NOT EXISTS (SELECT FROM present p WHERE (p.token, p.key_id, p.person_id) = (o.token, o.key_id, o.person_id))
    )
    INSERT INTO mirror_person_document (token, key_id, person_id, document_type)
    SELECT token, key_id, person_id, document_type FROM present
    ON CONFLICT (token, key_id, person_id) DO NOTHING
    """  # noqa: S608 - as above
)


async def keep_persons(work: Work, events: Sequence[Received[PersonState]]) -> None:
    """Mirror persons, and exactly the documents they have now."""
    states = _PERSONS.last_states(events)
    documents = [(event.data.person_id, document) for event in states for document in event.data.document_tokens]
    await work.tx.execute(
        _KEEP_PERSONS,
        **_PERSONS.arrays(work, states),
        tokens=[document.token for _, document in documents],
        key_ids=[document.key_id for _, document in documents],
        holders=[person_id for person_id, _ in documents],
        document_types=[document.document_type for _, document in documents],
    )


async def forget_persons(work: Work, events: Sequence[Received[PersonDeleted]]) -> None:
    """Delete the mirrors of persons and the keys of what was remembered of them, and remember that they are gone."""
    await _DELETED.keep(work, events)
    person_ids = [event.data.person_id for event in _DELETED.last_states(events)]
    for statement in _FORGET:
        await work.tx.execute(statement, person_ids=person_ids)
    for person_id in person_ids:
        await release(work, person_id)
        await work.destroy_person_key(person_id)
