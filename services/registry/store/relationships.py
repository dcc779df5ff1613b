"""Relationships: find, lock, write."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.schemas import View
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.registry.schemas.evidence import Evidence
from services.registry.schemas.relationships import RelationshipKind, RelationshipRecord
from services.registry.store.sealing import seal, unseal

COLUMNS = """r.relationship_id, r.person_id, r.related_person_id, r.kind, r.valid_from, r.ended_on, r.end_reason, r.sealed,
    r.version, r.created_at, r.updated_at"""

_LIST = prepare(
    f"""
    SELECT {COLUMNS} FROM relationship r
    WHERE (r.person_id = ANY (ids_of_human(CAST(:person_id AS uuid)))
        OR r.related_person_id = ANY (ids_of_human(CAST(:person_id AS uuid))))
    AND (CAST(:after_created_at AS timestamptz) IS NULL
        OR (r.created_at, r.relationship_id) > (:after_created_at, CAST(:after_relationship_id AS uuid)))
    ORDER BY r.created_at, r.relationship_id LIMIT CAST(:limit AS integer)
    """  # noqa: S608 - constants of this module
)
_FIND = prepare(f"SELECT {COLUMNS} FROM relationship r WHERE r.relationship_id = :relationship_id")  # noqa: S608
_LOCK = prepare(f"SELECT {COLUMNS} FROM relationship r WHERE r.relationship_id = :relationship_id FOR UPDATE")  # noqa: S608
_CURRENT_BETWEEN = prepare(
    """
    SELECT relationship_id, person_id, kind FROM relationship
    WHERE ended_on IS NULL
    AND ((person_id = :one AND related_person_id = :other) OR (person_id = :other AND related_person_id = :one))
    """
)
_INSERT = prepare(
    """
    INSERT INTO relationship (relationship_id, person_id, related_person_id, kind, valid_from, sealed, version, created_at,
    updated_at) VALUES (:relationship_id, :person_id, :related_person_id, :kind, :valid_from, :sealed, :version, :created_at,
    :updated_at)
    """
)
_END = prepare(
    """
    UPDATE relationship SET ended_on = :ended_on, end_reason = :end_reason, version = :version, updated_at = :updated_at
    WHERE relationship_id = :relationship_id
    """
)


class _Secrets(View):
    evidence: tuple[Evidence, ...]


async def relationships_of(work: Work, person_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[Record]:
    """Up to `limit` + 1 rows of those the person is in, on either side, oldest first."""
    after_created_at, after_relationship_id = after or (None, None)
    return await work.tx.fetch(
        _LIST,
        person_id=person_id,
        after_created_at=after_created_at,
        after_relationship_id=after_relationship_id,
        limit=limit + 1,
    )


async def find_relationship(work: Work, relationship_id: UUID) -> RelationshipRecord | None:
    """The relationship, when either person is visible to the client."""
    row = await work.tx.fetch_row(_FIND, relationship_id=relationship_id)
    return None if row is None else relationship_of(work.keyring, row)


async def lock_relationship(work: Work, relationship_id: UUID) -> RelationshipRecord:
    """The relationship as it is now, held until the commit."""
    row = await work.tx.fetch_row(_LOCK, relationship_id=relationship_id)
    assert row is not None
    return relationship_of(work.keyring, row)


async def current_between(work: Work, one: UUID, other: UUID) -> Sequence[tuple[UUID, UUID, RelationshipKind]]:
    """(relationship_id, person_id, kind) of those in force between two persons, whichever way round."""
    rows = await work.tx.fetch(_CURRENT_BETWEEN, one=one, other=other)
    return [(row["relationship_id"], row["person_id"], RelationshipKind(row["kind"])) for row in rows]


async def insert_relationship(work: Work, record: RelationshipRecord) -> None:
    """Store a new relationship."""
    await work.tx.execute(
        _INSERT,
        relationship_id=record.relationship_id,
        person_id=record.person_id,
        related_person_id=record.related_person_id,
        kind=record.kind,
        valid_from=record.valid_from,
        sealed=seal(work.keyring, _Secrets(evidence=record.evidence), f"relationship|sealed|{record.relationship_id}"),
        version=record.version,
        created_at=record.created_at,
        updated_at=record.updated_at,
    )


async def end_relationship(work: Work, record: RelationshipRecord) -> None:
    """Store the end of a relationship."""
    tag = await work.tx.execute(
        _END,
        relationship_id=record.relationship_id,
        ended_on=record.ended_on,
        end_reason=record.end_reason,
        version=record.version,
        updated_at=record.updated_at,
    )
    require_one(tag)


def relationship_of(keyring: Keyring, row: Record) -> RelationshipRecord:
    """The state of a relationship in a row."""
    columns = dict(row.items())
    secrets = unseal(keyring, _Secrets, columns.pop("sealed"), f"relationship|sealed|{row['relationship_id']}")
    return RelationshipRecord(**columns, evidence=secrets.evidence)
