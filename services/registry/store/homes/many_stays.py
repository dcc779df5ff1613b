"""Many stays in few statements, for the bulk door: what `stays` does one by one."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.chassis.db import prepare
from services.chassis.work import Work
from services.chassis.writing import require_each
from services.registry.schemas.homes.stays import StayRecord
from services.registry.store.homes.stays import COLUMNS, sealed_stay, stay_of

Bed = tuple[UUID, int]
"""A room and the number of a bed in it."""

_OPEN = prepare(
    f"SELECT g.id AS asked, {COLUMNS} FROM unnest(CAST(:person_ids AS uuid[])) AS g (id), LATERAL open_stay_of(g.id) s"  # noqa: S608
)
_PAST = prepare(
    """
    SELECT g.id AS person_id, s.room_id, s.started_at, s.ended_at
    FROM unnest(CAST(:person_ids AS uuid[])) AS g (id) JOIN stay s ON s.person_id = ANY (ids_of_human(g.id))
    WHERE s.premises_id = ANY (CAST(:premises_ids AS uuid[])) AND s.ended_at IS NOT NULL
    """
)
_BEDS = prepare(
    """
    SELECT room_id, bed, person_id FROM stay
    WHERE premises_id = ANY (CAST(:premises_ids AS uuid[])) AND ended_at IS NULL AND bed IS NOT NULL
    """
)
_INSERT = prepare(
    """
    INSERT INTO stay (stay_id, person_id, premises_id, room_id, division_code, bed, started_at, report_due_on, reported_late,
        report_unsettled_on, ended_at, end_reason, end_reported_late, end_unsettled_on, sealed, version, created_at, updated_at)
    SELECT * FROM unnest(CAST(:stay_id AS uuid[]), CAST(:person_id AS uuid[]), CAST(:premises_id AS uuid[]),
        CAST(:room_id AS uuid[]), CAST(:division_code AS text[]), CAST(:bed AS integer[]), CAST(:started_at AS timestamptz[]),
        CAST(:report_due_on AS date[]), CAST(:reported_late AS boolean[]), CAST(:report_unsettled_on AS date[]),
        CAST(:ended_at AS timestamptz[]), CAST(:end_reason AS text[]), CAST(:end_reported_late AS boolean[]),
        CAST(:end_unsettled_on AS date[]), CAST(:sealed AS bytea[]), CAST(:version AS integer[]),
        CAST(:created_at AS timestamptz[]), CAST(:updated_at AS timestamptz[]))
    """
)
_END = prepare(
    """
    SELECT g.stay_id FROM unnest(CAST(:person_id AS uuid[]), CAST(:stay_id AS uuid[]), CAST(:ended_at AS timestamptz[]),
        CAST(:end_reason AS text[]), CAST(:end_reported_late AS boolean[]), CAST(:end_unsettled_on AS date[]),
        CAST(:version AS integer[]), CAST(:updated_at AS timestamptz[]))
        AS g (person_id, stay_id, ended_at, end_reason, end_reported_late, end_unsettled_on, version, updated_at)
    WHERE end_stay(g.person_id, g.stay_id, g.ended_at, g.end_reason, g.end_reported_late, g.end_unsettled_on, g.version,
        g.updated_at)
    """
)
_ENDED = ("person_id", "stay_id", "ended_at", "end_reason", "end_reported_late", "end_unsettled_on", "version", "updated_at")
_NEW = tuple(name for name in StayRecord.model_fields if name != "manager_name")


class PastStay(NamedTuple):
    """A stay that is over."""

    room_id: UUID
    started_at: datetime
    ended_at: datetime


async def open_stays_of(work: Work, person_ids: Collection[UUID]) -> Mapping[UUID, Sequence[StayRecord]]:
    """Where each locked person is checked in now, in whichever town and under whichever id; a merge may leave two places."""
    found: dict[UUID, list[StayRecord]] = {}
    for row in await work.tx.fetch(_OPEN, person_ids=list(person_ids)):
        columns = dict(row.items())
        found.setdefault(columns.pop("asked"), []).append(stay_of(work.keyring, columns))
    return found


async def past_stays_of(
    work: Work, person_ids: Collection[UUID], premises_ids: Collection[UUID]
) -> Mapping[UUID, tuple[PastStay, ...]]:
    """The visible stays of each person in these homes that are over."""
    found: dict[UUID, tuple[PastStay, ...]] = {}
    for row in await work.tx.fetch(_PAST, person_ids=list(person_ids), premises_ids=list(premises_ids)):
        past = PastStay(row["room_id"], row["started_at"], row["ended_at"])
        found[row["person_id"]] = (*found.get(row["person_id"], ()), past)
    return found


async def guests_in_beds(work: Work, premises_ids: Collection[UUID]) -> Mapping[Bed, UUID]:
    """Who is checked in to which bed of these locked homes."""
    rows = await work.tx.fetch(_BEDS, premises_ids=list(premises_ids))
    return {(row["room_id"], row["bed"]): row["person_id"] for row in rows}


async def insert_stays(work: Work, records: Sequence[StayRecord]) -> None:
    """Store new stays."""
    columns = {name: [getattr(record, name) for record in records] for name in _NEW}
    await work.tx.execute(_INSERT, **columns, sealed=[sealed_stay(work.keyring, record) for record in records])


async def end_stays(work: Work, records: Sequence[StayRecord]) -> None:
    """Store the ends of stays, as `end_stay`."""
    columns = {name: [getattr(record, name) for record in records] for name in _ENDED}
    done = await work.tx.fetch(_END, **columns)
    require_each(f"SELECT {len(done)}", records)
