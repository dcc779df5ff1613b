"""Stays: find, lock, list, write."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.schemas import View
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.registry.schemas.homes.stays import StayRecord
from services.registry.store.sealing import seal, unseal

COLUMNS = """s.stay_id, s.person_id, s.premises_id, s.room_id, s.division_code, s.bed, s.started_at, s.report_due_on,
    s.reported_late, s.report_unsettled_on, s.ended_at, s.end_reason, s.end_reported_late, s.end_unsettled_on, s.sealed,
    s.version, s.created_at, s.updated_at"""

_FIND = prepare(f"SELECT {COLUMNS} FROM stay s WHERE s.stay_id = :stay_id")  # noqa: S608
_OPEN = prepare(f"SELECT {COLUMNS} FROM open_stay_of(CAST(:person_id AS uuid)) s")  # noqa: S608
_IN_BED = prepare("SELECT stay_id FROM stay WHERE room_id = :room_id AND bed = :bed AND ended_at IS NULL")
_PAGE = """
    (CAST(:before_created_at AS timestamptz) IS NULL
        OR (s.created_at, s.stay_id) < (:before_created_at, CAST(:before_stay_id AS uuid)))
    ORDER BY s.created_at DESC, s.stay_id DESC LIMIT CAST(:limit AS integer)
"""
_OF_PREMISES = prepare(
    f"""
    SELECT {COLUMNS} FROM stay s WHERE s.premises_id = :premises_id
    AND (NOT CAST(:is_open AS boolean) OR s.ended_at IS NULL) AND {_PAGE}
    """  # noqa: S608
)
_OF_PERSON = prepare(
    f"SELECT {COLUMNS} FROM stay s WHERE s.person_id = ANY (ids_of_human(CAST(:person_id AS uuid))) AND {_PAGE}"  # noqa: S608
)
_INSERT = prepare(
    """
    INSERT INTO stay (stay_id, person_id, premises_id, room_id, division_code, bed, started_at, report_due_on, reported_late,
        report_unsettled_on, ended_at, end_reason, end_reported_late, end_unsettled_on, sealed, version, created_at, updated_at)
    VALUES (:stay_id, :person_id, :premises_id, :room_id, :division_code, :bed, :started_at, :report_due_on, :reported_late,
        :report_unsettled_on, :ended_at, :end_reason, :end_reported_late, :end_unsettled_on, :sealed, :version, :created_at,
        :updated_at)
    """
)
_END = prepare(
    """
    SELECT end_stay(CAST(:person_id AS uuid), CAST(:stay_id AS uuid), CAST(:ended_at AS timestamptz),
        CAST(:end_reason AS text), CAST(:end_reported_late AS boolean), CAST(:end_unsettled_on AS date),
        CAST(:version AS integer), CAST(:updated_at AS timestamptz))
    """
)
_ENDED = {"stay_id", "ended_at", "end_reason", "end_reported_late", "end_unsettled_on", "version", "updated_at"}


class _Secrets(View):
    manager_name: str | None


async def find_stay(work: Work, stay_id: UUID) -> StayRecord | None:
    """The stay, when it is visible to the client."""
    row = await work.tx.fetch_row(_FIND, stay_id=stay_id)
    return None if row is None else stay_of(work.keyring, row)


async def open_stays_of(work: Work, person_id: UUID) -> list[StayRecord]:
    """Where a person in sight or resolved is checked in now, in whichever town and under whichever id; a merge may have found
    two places.
    """
    return [stay_of(work.keyring, row) for row in await work.tx.fetch(_OPEN, person_id=person_id)]


async def is_bed_taken(work: Work, room_id: UUID, bed: int) -> bool:
    """Whether somebody is checked in to a bed; asked while the home is locked."""
    return await work.tx.fetch_value(_IN_BED, room_id=room_id, bed=bed) is not None


async def stays_in(
    work: Work, premises_id: UUID, *, is_open: bool, before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Record]:
    """Up to `limit` + 1 visible rows of a home, newest first."""
    before_created_at, before_stay_id = before or (None, None)
    return await work.tx.fetch(
        _OF_PREMISES,
        premises_id=premises_id,
        is_open=is_open,
        before_created_at=before_created_at,
        before_stay_id=before_stay_id,
        limit=limit + 1,
    )


async def stays_of(work: Work, person_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int) -> Sequence[Record]:
    """Up to `limit` + 1 visible rows of a person, newest first."""
    before_created_at, before_stay_id = before or (None, None)
    return await work.tx.fetch(
        _OF_PERSON,
        person_id=person_id,
        before_created_at=before_created_at,
        before_stay_id=before_stay_id,
        limit=limit + 1,
    )


async def insert_stay(work: Work, record: StayRecord) -> None:
    """Store a new stay."""
    await work.tx.execute(_INSERT, **record.model_dump(exclude={"manager_name"}), sealed=sealed_stay(work.keyring, record))


async def end_stay(work: Work, record: StayRecord) -> None:
    """Store the end of a stay in the client's division, or in whichever town when its person checks in elsewhere."""
    ended = record.model_dump(include=_ENDED | {"person_id"})
    require_one(int(await work.tx.fetch_value(_END, **ended)))


def sealed_stay(keyring: Keyring, record: StayRecord) -> bytes:
    """The encrypted column of a stay."""
    return seal(keyring, _Secrets(manager_name=record.manager_name), f"stay|sealed|{record.stay_id}")


def stay_of(keyring: Keyring, row: Record | dict[str, Any]) -> StayRecord:
    """The state of a stay in a row."""
    columns = dict(row.items())
    secrets = unseal(keyring, _Secrets, columns.pop("sealed"), f"stay|sealed|{row['stay_id']}")
    return StayRecord(**columns, manager_name=secrets.manager_name)
