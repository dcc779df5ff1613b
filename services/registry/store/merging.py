"""Merges of persons, and the conflicts they open: find, write. Row-level security lets through those of persons in sight."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.schemas import View
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.registry.schemas.evidence import Evidence
from services.registry.schemas.merging import ConflictStatus, MergeRecord
from services.registry.store.sealing import seal, unseal

COLUMNS = """a.merge_id, a.person_id, a.canonical_person_id, a.reason, a.merged_on, a.unmerged_on, a.unmerge_reason, a.sealed,
    a.version, a.created_at, a.updated_at"""

_STANDING = prepare(
    f"SELECT {COLUMNS} FROM person_alias a WHERE a.person_id = :person_id AND a.unmerged_on IS NULL"  # noqa: S608 - constants
)
_IDS = prepare("SELECT ids_of_human(CAST(:person_id AS uuid))")
# Relationships in force by which persons are several humans: one between them, or two by which one human would be both parent
# and child of a third.
_RELATING = prepare(
    """
    WITH r AS (
        SELECT relationship_id, person_id AS child, related_person_id AS other, kind FROM relationship
        WHERE ended_on IS NULL AND (person_id = ANY (CAST(:ids AS uuid[])) OR related_person_id = ANY (:ids))
    )
    SELECT relationship_id FROM r WHERE child = ANY (:ids) AND other = ANY (:ids)
    UNION
    SELECT unnest(ARRAY[down.relationship_id, up.relationship_id]) FROM r down JOIN r up
        ON canonical_id(down.child) = canonical_id(up.other) AND down.kind = 'parent' AND up.kind = 'parent'
    WHERE down.other = ANY (:ids) AND up.child = ANY (:ids)
    ORDER BY relationship_id
    """
)
_OF_PERSON = prepare(
    f"""
    SELECT {COLUMNS} FROM person_alias a
    WHERE (a.person_id = CAST(:person_id AS uuid) OR a.canonical_person_id = CAST(:person_id AS uuid))
    AND (CAST(:before_created_at AS timestamptz) IS NULL
        OR (a.created_at, a.merge_id) < (:before_created_at, CAST(:before_merge_id AS uuid)))
    ORDER BY a.created_at DESC, a.merge_id DESC LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
_CONFLICTS = prepare(
    """
    SELECT * FROM (
        SELECT c.conflict_id, c.merge_id, c.kind, c.person_id, a.person_id AS duplicate_person_id,
            ARRAY[c.canonical_thing_id, c.duplicate_thing_id] AS thing_ids, a.merged_on AS opened_on, c.created_at,
            CASE WHEN is_conflict_open(c.conflict_id) THEN 'open' ELSE 'settled' END AS status
        FROM merge_conflict c JOIN person_alias a USING (merge_id)
        WHERE CAST(:after_created_at AS timestamptz) IS NULL
            OR (c.created_at, c.conflict_id) > (:after_created_at, CAST(:after_conflict_id AS uuid))
    ) found
    WHERE CAST(:status AS text) IS NULL OR status = :status
    ORDER BY created_at, conflict_id LIMIT CAST(:limit AS integer)
    """
)
_MERGE = prepare(
    """
    SELECT merge_persons(CAST(:merge_id AS uuid), CAST(:person_id AS uuid), CAST(:canonical_person_id AS uuid),
        CAST(:reason AS text), CAST(:sealed AS bytea), CAST(:merged_on AS date), CAST(:created_at AS timestamptz))
    """
)
_UNMERGE = prepare(
    """
    SELECT unmerge_persons(CAST(:merge_id AS uuid), CAST(:unmerge_reason AS text), CAST(:sealed AS bytea),
        CAST(:unmerged_on AS date), CAST(:version AS integer), CAST(:updated_at AS timestamptz))
    """
)
_OPEN_NUMBER_CONFLICTS = prepare("SELECT open_number_conflicts(CAST(:person_id AS uuid), CAST(:at AS timestamptz))")


class _Secrets(View):
    evidence: tuple[Evidence, ...]
    unmerge_evidence: tuple[Evidence, ...]


async def standing_merge_of(work: Work, person_id: UUID) -> MergeRecord | None:
    """The merge by which this id is an alias now."""
    row = await work.tx.fetch_row(_STANDING, person_id=person_id)
    return None if row is None else merge_of(work.keyring, row)


async def ids_of_human(work: Work, person_id: UUID) -> list[UUID]:
    """Every id of the human an id stands for, the canonical one first."""
    ids: list[UUID] = await work.tx.fetch_value(_IDS, person_id=person_id)
    return ids


async def relationships_relating(work: Work, ids: Sequence[UUID]) -> list[UUID]:
    """Relationships in force that cannot be if all these ids are one human."""
    return [row["relationship_id"] for row in await work.tx.fetch(_RELATING, ids=list(ids))]


async def merges_of(work: Work, person_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int) -> Sequence[Record]:
    """Up to `limit` + 1 rows of merges the id was in, on either side, newest first."""
    before_created_at, before_merge_id = before or (None, None)
    return await work.tx.fetch(
        _OF_PERSON,
        person_id=person_id,
        before_created_at=before_created_at,
        before_merge_id=before_merge_id,
        limit=limit + 1,
    )


async def list_conflicts(
    work: Work, *, status: ConflictStatus | None, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Record]:
    """Up to `limit` + 1 conflicts of persons in sight, oldest first."""
    after_created_at, after_conflict_id = after or (None, None)
    return await work.tx.fetch(
        _CONFLICTS,
        status=status,
        after_created_at=after_created_at,
        after_conflict_id=after_conflict_id,
        limit=limit + 1,
    )


async def insert_merge(work: Work, record: MergeRecord) -> None:
    """Store a merge, share what holds the two persons, and open the conflicts it makes."""
    await work.tx.fetch_value(
        _MERGE,
        merge_id=record.merge_id,
        person_id=record.person_id,
        canonical_person_id=record.canonical_person_id,
        reason=record.reason,
        sealed=_sealed(work.keyring, record),
        merged_on=record.merged_on,
        created_at=record.created_at,
    )


async def open_number_conflicts(work: Work, person_id: UUID) -> None:
    """Put before a human what citizen numbers a person held here and its aliases have now; nothing where there are no two."""
    await work.tx.fetch_value(_OPEN_NUMBER_CONFLICTS, person_id=person_id, at=work.now)


async def end_merge(work: Work, record: MergeRecord) -> None:
    """Store that a merge was taken back; each person is held again by who holds it itself."""
    is_done = await work.tx.fetch_value(
        _UNMERGE,
        merge_id=record.merge_id,
        unmerge_reason=record.unmerge_reason,
        sealed=_sealed(work.keyring, record),
        unmerged_on=record.unmerged_on,
        version=record.version,
        updated_at=record.updated_at,
    )
    require_one(int(is_done))


def merge_of(keyring: Keyring, row: Record) -> MergeRecord:
    """The state of a merge in a row of `COLUMNS`."""
    columns = dict(row.items())
    secrets = unseal(keyring, _Secrets, columns.pop("sealed"), f"person_alias|sealed|{row['merge_id']}")
    return MergeRecord(**columns, **secrets.__dict__)


def _sealed(keyring: Keyring, record: MergeRecord) -> bytes:
    secrets = _Secrets(evidence=record.evidence, unmerge_evidence=record.unmerge_evidence)
    return seal(keyring, secrets, f"person_alias|sealed|{record.merge_id}")
