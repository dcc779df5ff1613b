"""Keeping the mirrors of the registry.

Every function takes a batch of events, writes the last state of each subject in one statement, and leaves rows alone that
already know something newer. So they may run in any order among each other, and a snapshot or a repeated event does no harm.
"""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlmodel import SQLModel

from services.chassis.attachments.references import release
from services.chassis.db import prepare
from services.chassis.events import EventData, Received
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

StateT = TypeVar("StateT", bound=EventData)

_DIALECT: Any = postgresql.dialect()  # type: ignore[no-untyped-call]
_NOT_IN_DATA = ("sequence", "updated_at")
_PERSON_IDS = ("person_id", "related_person_id", "canonical_person_id")


class _Mirror(Generic[StateT]):
    """A mirror table and the events that fill it; its other columns are named like the fields of the events."""

    def __init__(self, model: type[SQLModel]) -> None:
        table: Table = model.__table__  # type: ignore[attr-defined]
        (self._key,) = (column.name for column in table.primary_key)
        self._fields = [column.name for column in table.columns if column.name not in _NOT_IN_DATA]
        names = ", ".join(column.name for column in table.columns)
        arrays = ", ".join(f"CAST(:{column.name} AS {column.type.compile(_DIALECT)}[])" for column in table.columns)
        persons = ", ".join(f"given.{name}" for name in _PERSON_IDS if name in table.columns)
        changes = ", ".join(f"{column.name} = excluded.{column.name}" for column in table.columns if not column.primary_key)
        self.upsert = f"""
            INSERT INTO {table.name} AS m ({names}) SELECT * FROM unnest({arrays}) AS given ({names})
            WHERE NOT EXISTS (SELECT FROM mirror_person_deleted x WHERE x.person_id IN ({persons}))
            ON CONFLICT ({self._key}) DO UPDATE SET {changes} WHERE m.sequence < excluded.sequence
            RETURNING m.{self._key}
            """  # noqa: S608 - names of the table's own columns
        """SQL that takes an array per column and returns the keys of the rows it wrote."""

    def last_states(self, events: Sequence[Received[StateT]]) -> list[Received[StateT]]:
        """The last event of every subject; those of one subject come in order."""
        return list({getattr(event.data, self._key): event for event in events}.values())

    def arrays(self, work: Work, events: Sequence[Received[StateT]]) -> dict[str, list[Any]]:
        """The arguments of `upsert`."""
        arrays: dict[str, list[Any]] = {name: [getattr(event.data, name) for event in events] for name in self._fields}
        arrays["sequence"] = [event.envelope.sequence for event in events]
        arrays["updated_at"] = [work.now] * len(events)
        return arrays


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

_PERSONS: _Mirror[PersonState] = _Mirror(MirrorPerson)
_DELETED: _Mirror[PersonDeleted] = _Mirror(MirrorPersonDeleted)
_ALIASES: _Mirror[PersonAliasState] = _Mirror(MirrorPersonAlias)
_RELATIONSHIPS: _Mirror[RelationshipState] = _Mirror(MirrorRelationship)
_REGISTRATIONS: _Mirror[ResidenceRegistrationState] = _Mirror(MirrorResidenceRegistration)
_PERMITS: _Mirror[ResidencePermitState] = _Mirror(MirrorResidencePermit)
_EMPLOYMENTS: _Mirror[EmploymentState] = _Mirror(MirrorEmployment)

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
_KEEP_DELETED = prepare(_DELETED.upsert)
_KEEP_ALIASES = prepare(_ALIASES.upsert)
_KEEP_RELATIONSHIPS = prepare(_RELATIONSHIPS.upsert)
_KEEP_REGISTRATIONS = prepare(_REGISTRATIONS.upsert)
_KEEP_PERMITS = prepare(_PERMITS.upsert)
_KEEP_EMPLOYMENTS = prepare(_EMPLOYMENTS.upsert)


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
    states = _DELETED.last_states(events)
    await work.tx.execute(_KEEP_DELETED, **_DELETED.arrays(work, states))
    person_ids = [event.data.person_id for event in states]
    for statement in _FORGET:
        await work.tx.execute(statement, person_ids=person_ids)
    for person_id in person_ids:
        await release(work, person_id)
        await work.destroy_person_key(person_id)


async def keep_aliases(work: Work, events: Sequence[Received[PersonAliasState]]) -> None:
    """Mirror which ids are aliases; every read resolves through them."""
    await work.tx.execute(_KEEP_ALIASES, **_ALIASES.arrays(work, _ALIASES.last_states(events)))


async def keep_relationships(work: Work, events: Sequence[Received[RelationshipState]]) -> None:
    """Mirror relationships."""
    await work.tx.execute(_KEEP_RELATIONSHIPS, **_RELATIONSHIPS.arrays(work, _RELATIONSHIPS.last_states(events)))


async def keep_registrations(work: Work, events: Sequence[Received[ResidenceRegistrationState]]) -> None:
    """Mirror residence registrations."""
    await work.tx.execute(_KEEP_REGISTRATIONS, **_REGISTRATIONS.arrays(work, _REGISTRATIONS.last_states(events)))


async def keep_permits(work: Work, events: Sequence[Received[ResidencePermitState]]) -> None:
    """Mirror residence permits."""
    await work.tx.execute(_KEEP_PERMITS, **_PERMITS.arrays(work, _PERMITS.last_states(events)))


async def keep_employments(work: Work, events: Sequence[Received[EmploymentState]]) -> None:
    """Mirror employments."""
    await work.tx.execute(_KEEP_EMPLOYMENTS, **_EMPLOYMENTS.arrays(work, _EMPLOYMENTS.last_states(events)))
