"""Visits and their conflicts: what a batch is compared with, stored set by set, found and decided one by one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.schemas import View
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.registry.schemas.field_work.visits import VisitConflictRecord, VisitRecord
from services.registry.store.homes.claims import claim
from services.registry.store.sealing import seal, unseal

_COLUMNS = """v.visit_id, v.division_code, v.coordinator, v.subject, v.outcome, v.person_id, v.premises_id, v.visited_at,
    v.visited_on, v.seen_version, v.was_registered, v.data_matches, v.sealed, v.set_aside, v.recorded_at"""
_CONFLICT_COLUMNS = """c.visit_conflict_id, c.division_code, c.visit_id, c.other_visit_id, c.kind, c.seen_version,
    c.current_version, c.decision, c.decided_on, c.version, c.created_at, c.updated_at"""

_FIND = prepare(f"SELECT {_COLUMNS} FROM field_visit v WHERE v.visit_id = :visit_id")  # noqa: S608
_LIST = prepare(
    f"""
    SELECT {_COLUMNS} FROM field_visit v WHERE starts_with(v.division_code, CAST(:prefix AS text))
    AND (CAST(:coordinator AS text) IS NULL OR v.coordinator = :coordinator)
    AND (CAST(:before_recorded_at AS timestamptz) IS NULL
        OR (v.recorded_at, v.visit_id) < (:before_recorded_at, CAST(:before_visit_id AS uuid)))
    ORDER BY v.recorded_at DESC, v.visit_id DESC LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
_HERE = prepare("SELECT visit_id, content_index FROM field_visit WHERE visit_id = ANY (CAST(:visit_ids AS uuid[]))")
# Registered anywhere in the city counts; the version is that of the registration the client can have seen.
_PERSONS = prepare(
    """
    SELECT g.place, p.person_id, EXISTS (
            SELECT FROM registrations_of(p.person_id) r
            WHERE r.registered_on <= g.day AND (r.ended_on IS NULL OR r.ended_on > g.day)
            AND r.end_reason IS DISTINCT FROM 'recorded_in_error') AS was_registered,
        (SELECT max(r.version) FROM residence_registration r
            WHERE r.person_id = ANY (ids_of_human(p.person_id)) AND r.status = 'current') AS version,
        canonical_id(p.person_id) <> p.person_id AS is_alias
    FROM unnest(CAST(:places AS integer[]), CAST(:ids AS uuid[]), CAST(:days AS date[])) AS g (place, id, day)
    JOIN person p ON p.person_id = g.id
    """
)
_HOMES = prepare(
    """
    SELECT g.place, p.premises_id, p.version,
        p.let_from <= g.day AND (p.ended_on IS NULL OR p.ended_on > g.day AND p.end_reason <> 'recorded_in_error')
            AS was_registered
    FROM unnest(CAST(:places AS integer[]), CAST(:ids AS uuid[]), CAST(:days AS date[])) AS g (place, id, day)
    JOIN premises p ON p.premises_id = g.id
    """
)
_SAME_DAY = prepare(
    """
    SELECT g.place, v.visit_id, v.outcome, v.coordinator
    FROM unnest(CAST(:places AS integer[]), CAST(:ids AS uuid[]), CAST(:days AS date[])) AS g (place, id, day)
    JOIN field_visit v ON v.visited_on = g.day AND (v.person_id = ANY (ids_of_human(g.id)) OR v.premises_id = g.id)
    WHERE v.coordinator <> :coordinator AND NOT v.set_aside
    """
)
_INSERT = prepare(
    """
    INSERT INTO field_visit (visit_id, division_code, coordinator, subject, outcome, person_id, premises_id, visited_at,
        visited_on, seen_version, was_registered, data_matches, sealed, content_index, set_aside, recorded_at)
    SELECT * FROM unnest(CAST(:visit_id AS uuid[]), CAST(:division_code AS text[]), CAST(:coordinator AS text[]),
        CAST(:subject AS text[]), CAST(:outcome AS text[]), CAST(:person_id AS uuid[]), CAST(:premises_id AS uuid[]),
        CAST(:visited_at AS timestamptz[]), CAST(:visited_on AS date[]), CAST(:seen_version AS integer[]),
        CAST(:was_registered AS boolean[]), CAST(:data_matches AS boolean[]), CAST(:sealed AS bytea[]),
        CAST(:content_index AS bytea[]), CAST(:set_aside AS boolean[]), CAST(:recorded_at AS timestamptz[]))
    ON CONFLICT DO NOTHING RETURNING visit_id
    """
)
_INSERT_CONFLICT = prepare(
    """
    INSERT INTO field_visit_conflict (visit_conflict_id, division_code, visit_id, other_visit_id, kind, seen_version,
        current_version, status, version, created_at, updated_at)
    SELECT c.visit_conflict_id, c.division_code, c.visit_id, c.other_visit_id, c.kind, c.seen_version, c.current_version,
        'open', c.version, c.created_at, c.updated_at
    FROM unnest(CAST(:visit_conflict_id AS uuid[]), CAST(:division_code AS text[]), CAST(:visit_id AS uuid[]),
        CAST(:other_visit_id AS uuid[]), CAST(:kind AS text[]), CAST(:seen_version AS integer[]),
        CAST(:current_version AS integer[]), CAST(:version AS integer[]), CAST(:created_at AS timestamptz[]),
        CAST(:updated_at AS timestamptz[]))
        AS c (visit_conflict_id, division_code, visit_id, other_visit_id, kind, seen_version, current_version, version,
            created_at, updated_at)
    """
)
_FIND_CONFLICT = prepare(
    f"SELECT {_CONFLICT_COLUMNS} FROM field_visit_conflict c WHERE c.visit_conflict_id = :visit_conflict_id"  # noqa: S608
)
_LOCK_CONFLICT = prepare(
    f"SELECT {_CONFLICT_COLUMNS} FROM field_visit_conflict c WHERE c.visit_conflict_id = :visit_conflict_id FOR UPDATE"  # noqa: S608
)
_CONFLICTS = prepare(
    f"""
    SELECT {_CONFLICT_COLUMNS} FROM field_visit_conflict c WHERE starts_with(c.division_code, CAST(:prefix AS text))
    AND (CAST(:status AS text) IS NULL OR c.status = :status)
    AND (CAST(:after_created_at AS timestamptz) IS NULL
        OR (c.created_at, c.visit_conflict_id) > (:after_created_at, CAST(:after_visit_conflict_id AS uuid)))
    ORDER BY c.created_at, c.visit_conflict_id LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
_CONFLICTS_OF = prepare(
    f"""
    SELECT {_CONFLICT_COLUMNS} FROM field_visit_conflict c WHERE c.visit_id = ANY (CAST(:visit_ids AS uuid[]))
    ORDER BY c.created_at, c.visit_conflict_id
    """  # noqa: S608
)
_DECIDE = prepare(
    """
    UPDATE field_visit_conflict SET status = 'decided', decision = :decision, decided_on = :decided_on, version = :version,
        updated_at = :updated_at
    WHERE visit_conflict_id = :visit_conflict_id
    """
)
_SET_ASIDE = prepare("UPDATE field_visit SET set_aside = true WHERE visit_id = ANY (CAST(:visit_ids AS uuid[]))")
_SEALED = "found_address"


class _Secrets(View):
    found_address: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """What the register says of a visit's subject: its version now, whether it was registered on the day, and whether the id is
    an alias.
    """

    version: int | None
    was_registered: bool
    is_alias: bool = False


@dataclass(frozen=True, slots=True)
class OtherVisit:
    """Another coordinator's visit to the same subject on the same day."""

    visit_id: UUID
    outcome: str


async def claim_divisions(work: Work, division_codes: Iterable[str]) -> None:
    """Let batches about the same division come in one after the other, so that none misses what another finds."""
    for code in sorted(set(division_codes)):
        await claim(work, f"field visits {code}".encode())


async def contents_of(work: Work, visit_ids: Sequence[UUID]) -> Mapping[UUID, bytes]:
    """The digests of what was reported, of those visits that are here already."""
    rows = await work.tx.fetch(_HERE, visit_ids=list(visit_ids))
    return {row["visit_id"]: row["content_index"] for row in rows}


async def known_persons(work: Work, asked: Sequence[tuple[int, UUID, date]]) -> Mapping[int, Known]:
    """Of (place, person, day): what the register says, of persons the client may know of."""
    rows = await work.tx.fetch(_PERSONS, **_columns(asked))
    return {row["place"]: Known(row["version"], row["was_registered"], row["is_alias"]) for row in rows}


async def known_homes(work: Work, asked: Sequence[tuple[int, UUID, date]]) -> Mapping[int, Known]:
    """Of (place, home, day): what the register says, of homes the client may know of."""
    rows = await work.tx.fetch(_HOMES, **_columns(asked))
    return {row["place"]: Known(row["version"], bool(row["was_registered"])) for row in rows}


async def others_on_the_day(
    work: Work, coordinator: str, asked: Sequence[tuple[int, UUID, date]]
) -> Mapping[int, list[OtherVisit]]:
    """Of (place, person or home, day): what other coordinators found there that day."""
    found: dict[int, list[OtherVisit]] = {}
    for row in await work.tx.fetch(_SAME_DAY, **_columns(asked), coordinator=coordinator):
        found.setdefault(row["place"], []).append(OtherVisit(row["visit_id"], row["outcome"]))
    return found


async def insert_visits(work: Work, visits: Sequence[tuple[VisitRecord, bytes]]) -> set[UUID]:
    """Store visits with the digests of their contents; the ids of those that were: none that is another visit's."""
    records = [record for record, _ in visits]
    columns = {name: [getattr(record, name) for record in records] for name in VisitRecord.model_fields if name != _SEALED}
    contents = [content for _, content in visits]
    sealed = [
        seal(work.keyring, _Secrets(found_address=record.found_address), f"field_visit|sealed|{record.visit_id}")
        for record in records
    ]
    rows = await work.tx.fetch(_INSERT, **columns, sealed=sealed, content_index=contents)
    return {row["visit_id"] for row in rows}


async def insert_conflicts(work: Work, records: Sequence[VisitConflictRecord]) -> None:
    """Store open conflicts."""
    if records:
        undecided = VisitConflictRecord.model_fields.keys() - {"decision", "decided_on"}
        await work.tx.execute(_INSERT_CONFLICT, **{name: [getattr(record, name) for record in records] for name in undecided})


async def conflicts_of(work: Work, visit_ids: Sequence[UUID]) -> dict[UUID, list[VisitConflictRecord]]:
    """The conflicts that came with these visits."""
    found: dict[UUID, list[VisitConflictRecord]] = {}
    for row in await work.tx.fetch(_CONFLICTS_OF, visit_ids=list(visit_ids)):
        found.setdefault(row["visit_id"], []).append(conflict_of(row))
    return found


async def find_visit(work: Work, visit_id: UUID) -> VisitRecord | None:
    """The visit, when it is visible to the client."""
    row = await work.tx.fetch_row(_FIND, visit_id=visit_id)
    return None if row is None else visit_of(work.keyring, row)


async def list_visits(
    work: Work, *, division_prefix: str, coordinator: str | None, before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Record]:
    """Up to `limit` + 1 visible rows below a division, newest first."""
    before_recorded_at, before_visit_id = before or (None, None)
    return await work.tx.fetch(
        _LIST,
        prefix=division_prefix,
        coordinator=coordinator,
        before_recorded_at=before_recorded_at,
        before_visit_id=before_visit_id,
        limit=limit + 1,
    )


async def find_conflict(work: Work, visit_conflict_id: UUID) -> VisitConflictRecord | None:
    """The conflict, when it is visible to the client."""
    row = await work.tx.fetch_row(_FIND_CONFLICT, visit_conflict_id=visit_conflict_id)
    return None if row is None else conflict_of(row)


async def lock_conflict(work: Work, visit_conflict_id: UUID) -> VisitConflictRecord | None:
    """The conflict as it is now, held until the commit."""
    row = await work.tx.fetch_row(_LOCK_CONFLICT, visit_conflict_id=visit_conflict_id)
    return None if row is None else conflict_of(row)


async def list_conflicts(
    work: Work, *, division_prefix: str, status: str | None, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Record]:
    """Up to `limit` + 1 visible rows below a division, oldest first."""
    after_created_at, after_visit_conflict_id = after or (None, None)
    return await work.tx.fetch(
        _CONFLICTS,
        prefix=division_prefix,
        status=status,
        after_created_at=after_created_at,
        after_visit_conflict_id=after_visit_conflict_id,
        limit=limit + 1,
    )


async def decide_conflict(work: Work, record: VisitConflictRecord, set_aside: Sequence[UUID]) -> None:
    """Store a decision and take the visits that do not count out of the rates."""
    decided = record.model_dump(include={"visit_conflict_id", "decision", "decided_on", "version", "updated_at"})
    require_one(await work.tx.execute(_DECIDE, **decided))
    await work.tx.execute(_SET_ASIDE, visit_ids=list(set_aside))


def visit_of(keyring: Keyring, row: Record) -> VisitRecord:
    """The visit in a row."""
    columns = dict(row.items())
    secrets = unseal(keyring, _Secrets, columns.pop("sealed"), f"field_visit|sealed|{row['visit_id']}")
    return VisitRecord(**columns, found_address=secrets.found_address)


def conflict_of(row: Record) -> VisitConflictRecord:
    """The conflict in a row."""
    return VisitConflictRecord(**dict(row.items()))


def _columns(asked: Sequence[tuple[int, UUID, date]]) -> dict[str, list[object]]:
    return {
        "places": [place for place, _, _ in asked],
        "ids": [subject for _, subject, _ in asked],
        "days": [day for _, _, day in asked],
    }
