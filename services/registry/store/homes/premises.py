"""Homes that are let and their rooms: find, lock, list, write. Address and manager are sealed."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.schemas import View
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.registry.rules.homes.premises import PremisesKind, PremisesStatus
from services.registry.rules.homes.star_rating import LastGrade
from services.registry.schemas.homes.premises import PremisesRecord, RoomRecord
from services.registry.store.homes.claims import address_index
from services.registry.store.sealing import seal, unseal

COLUMNS = """p.premises_id, p.kind, p.status, p.division_code, p.landlord_id, p.sealed, p.storeys, p.let_from, p.report_due_on,
    p.reported_late, p.report_unsettled_on, p.ended_on, p.end_reason, p.end_reported_late, p.end_unsettled_on, p.version,
    p.created_at, p.updated_at, (
        SELECT jsonb_agg(jsonb_build_object('room_id', r.room_id, 'label', r.label, 'kind', r.kind,
            'usable_area_dm2', r.usable_area_dm2, 'beds', r.beds, 'is_let', r.is_let) ORDER BY r.room_id)
        FROM room r WHERE r.premises_id = p.premises_id) AS rooms"""
_USE = """(SELECT count(*) FROM stay s WHERE s.premises_id = p.premises_id AND s.ended_at IS NULL) AS guests, (
        SELECT jsonb_build_object('stars', i.stars, 'valid_until', i.stars_valid_until)
        FROM inspection i WHERE i.premises_id = p.premises_id AND i.stars IS NOT NULL
        ORDER BY i.inspected_on DESC, i.created_at DESC, i.inspection_id DESC LIMIT 1) AS last_grade"""

_FIND = prepare(f"SELECT {COLUMNS}, {_USE} FROM premises p WHERE p.premises_id = :premises_id")  # noqa: S608
# The rooms are read after the lock is there: the statement's own snapshot may be older than the wait for it.
_LOCK = prepare("SELECT FROM premises WHERE premises_id = :premises_id FOR UPDATE")
_LOCK_EACH = prepare(
    "SELECT FROM premises WHERE premises_id = ANY (CAST(:premises_ids AS uuid[])) ORDER BY premises_id FOR UPDATE"
)
_FIND_EACH = prepare(f"SELECT {COLUMNS} FROM premises p WHERE premises_id = ANY (CAST(:premises_ids AS uuid[]))")  # noqa: S608
_SAME_ADDRESS = prepare("SELECT premises_id FROM premises WHERE address_index = :address_index AND status = 'registered'")
_SAME_ADDRESSES = prepare(
    """
    SELECT address_index, premises_id FROM premises
    WHERE address_index = ANY (CAST(:address_indexes AS bytea[])) AND status = 'registered'
    """
)
_GUESTS_BY_ROOM = prepare(
    "SELECT room_id, count(*) AS guests FROM stay WHERE premises_id = :premises_id AND ended_at IS NULL GROUP BY room_id"
)
_HIGHEST_BED = prepare("SELECT count(*) AS guests, max(bed) AS bed FROM stay WHERE room_id = :room_id AND ended_at IS NULL")
_LIST = prepare(
    f"""
    SELECT {COLUMNS}, {_USE} FROM premises p
    WHERE starts_with(p.division_code, CAST(:prefix AS text))
    AND (CAST(:kind AS text) IS NULL OR p.kind = :kind)
    AND (CAST(:status AS text) IS NULL OR p.status = :status)
    AND (CAST(:landlord_id AS uuid) IS NULL OR p.landlord_id = CAST(:landlord_id AS uuid))
    AND (CAST(:after_created_at AS timestamptz) IS NULL
        OR (p.created_at, p.premises_id) > (:after_created_at, CAST(:after_premises_id AS uuid)))
    ORDER BY p.created_at, p.premises_id LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
_INSERT = prepare(
    """
    INSERT INTO premises (premises_id, kind, status, division_code, landlord_id, address_index, sealed, storeys, let_from,
        report_due_on, reported_late, report_unsettled_on, ended_on, end_reason, end_reported_late, end_unsettled_on, version,
        created_at, updated_at)
    VALUES (:premises_id, :kind, :status, :division_code, :landlord_id, :address_index, :sealed, :storeys, :let_from,
        :report_due_on, :reported_late, :report_unsettled_on, :ended_on, :end_reason, :end_reported_late, :end_unsettled_on,
        :version, :created_at, :updated_at)
    """
)
_UPDATE = prepare(
    """
    UPDATE premises SET kind = :kind, status = :status, landlord_id = :landlord_id, address_index = :address_index,
        sealed = :sealed, storeys = :storeys, ended_on = :ended_on, end_reason = :end_reason,
        end_reported_late = :end_reported_late, end_unsettled_on = :end_unsettled_on, version = :version,
        updated_at = :updated_at
    WHERE premises_id = :premises_id
    """
)
_INSERT_ROOMS = prepare(
    """
    INSERT INTO room (room_id, premises_id, division_code, label, kind, usable_area_dm2, beds, is_let)
    SELECT g.room_id, :premises_id, :division_code, g.label, g.kind, g.usable_area_dm2, g.beds, g.is_let
    FROM unnest(CAST(:room_ids AS uuid[]), CAST(:labels AS text[]), CAST(:kinds AS text[]), CAST(:areas AS integer[]),
        CAST(:beds AS integer[]), CAST(:lets AS boolean[])) AS g (room_id, label, kind, usable_area_dm2, beds, is_let)
    """
)
_UPDATE_ROOM = prepare(
    """
    UPDATE room SET label = :label, kind = :kind, usable_area_dm2 = :usable_area_dm2, beds = :beds, is_let = :is_let
    WHERE room_id = :room_id
    """
)
_UPDATED = {
    "premises_id",
    "kind",
    "status",
    "landlord_id",
    "storeys",
    "ended_on",
    "end_reason",
    "end_reported_late",
    "end_unsettled_on",
    "version",
    "updated_at",
}


class _Secrets(View):
    address: str
    manager_name: str | None
    manager_phone: str | None


class Use(NamedTuple):
    """What others know of a home: people checked in now, and the last grade an inspection gave it."""

    guests: int = 0
    last_grade: LastGrade | None = None


async def find_premises(work: Work, premises_id: UUID) -> tuple[PremisesRecord, Use] | None:
    """The home and its use, when it is visible to the client."""
    row = await work.tx.fetch_row(_FIND, premises_id=premises_id)
    return None if row is None else found_in(work.keyring, row)


async def lock_premises(work: Work, premises_id: UUID) -> tuple[PremisesRecord, Use] | None:
    """The home as it is now, held until the commit: rooms, beds and check-ins of one home happen in one order."""
    if await work.tx.fetch_row(_LOCK, premises_id=premises_id) is None:
        return None
    return await find_premises(work, premises_id)


async def lock_each(work: Work, premises_ids: Collection[UUID]) -> Mapping[UUID, PremisesRecord]:
    """As `lock_premises`, of several homes, in the order of their ids."""
    await work.tx.execute(_LOCK_EACH, premises_ids=list(premises_ids))
    rows = await work.tx.fetch(_FIND_EACH, premises_ids=list(premises_ids))
    return {row["premises_id"]: premises_of(work.keyring, dict(row.items())) for row in rows}


async def premises_at(work: Work, division_code: str, address: str) -> UUID | None:
    """The home registered at that address of the town, when it is visible to the client."""
    found = await work.tx.fetch_value(_SAME_ADDRESS, address_index=address_index(work.keyring, division_code, address))
    return None if found is None else UUID(str(found))


async def premises_at_each(work: Work, address_indexes: Collection[bytes]) -> Mapping[bytes, UUID]:
    """As `premises_at`, by digests of several addresses."""
    rows = await work.tx.fetch(_SAME_ADDRESSES, address_indexes=list(address_indexes))
    return {row["address_index"]: row["premises_id"] for row in rows}


async def guests_by_room(work: Work, premises_id: UUID) -> Mapping[UUID, int]:
    """People checked in now, of each room that has any."""
    rows = await work.tx.fetch(_GUESTS_BY_ROOM, premises_id=premises_id)
    return {row["room_id"]: row["guests"] for row in rows}


async def guests_of_room(work: Work, room_id: UUID) -> tuple[int, int]:
    """How many people are checked in to a room, and the highest number of a bed in use, 0 when there is none."""
    row = await work.tx.fetch_row(_HIGHEST_BED, room_id=room_id)
    assert row is not None
    return row["guests"], row["bed"] or 0


async def list_premises(
    work: Work,
    *,
    division_prefix: str,
    kind: PremisesKind | None,
    status: PremisesStatus | None,
    landlord_id: UUID | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Record]:
    """Up to `limit` + 1 visible rows below a division, oldest first."""
    after_created_at, after_premises_id = after or (None, None)
    return await work.tx.fetch(
        _LIST,
        prefix=division_prefix,
        kind=kind,
        status=status,
        landlord_id=landlord_id,
        after_created_at=after_created_at,
        after_premises_id=after_premises_id,
        limit=limit + 1,
    )


async def insert_premises(work: Work, record: PremisesRecord) -> None:
    """Store a new home with its rooms."""
    kept = record.model_dump(exclude={"address", "manager_name", "manager_phone", "rooms"})
    await work.tx.execute(_INSERT, **kept, **_hidden(work.keyring, record))
    await insert_rooms(work, record, record.rooms)


async def update_premises(work: Work, record: PremisesRecord) -> None:
    """Store a changed or ended home; its rooms are written apart."""
    tag = await work.tx.execute(_UPDATE, **record.model_dump(include=_UPDATED), **_hidden(work.keyring, record))
    require_one(tag)


async def insert_rooms(work: Work, record: PremisesRecord, rooms: Sequence[RoomRecord]) -> None:
    """Store new rooms of a home."""
    if rooms:
        await work.tx.execute(
            _INSERT_ROOMS,
            premises_id=record.premises_id,
            division_code=record.division_code,
            room_ids=[room.room_id for room in rooms],
            labels=[room.label for room in rooms],
            kinds=[room.kind.value for room in rooms],
            areas=[room.usable_area_dm2 for room in rooms],
            beds=[room.beds for room in rooms],
            lets=[room.is_let for room in rooms],
        )


async def update_room(work: Work, room: RoomRecord) -> None:
    """Store a changed room."""
    require_one(await work.tx.execute(_UPDATE_ROOM, **room.model_dump()))


def found_in(keyring: Keyring, row: Record) -> tuple[PremisesRecord, Use]:
    """The state of a home in a row of `COLUMNS`, with its use."""
    columns = dict(row.items())
    guests, graded = columns.pop("guests"), columns.pop("last_grade")
    last = None if graded is None else LastGrade(graded["stars"], date.fromisoformat(graded["valid_until"]))
    return premises_of(keyring, columns), Use(guests, last)


def premises_of(keyring: Keyring, columns: dict[str, Any]) -> PremisesRecord:
    """The state of a home in the columns `COLUMNS`."""
    rooms = tuple(RoomRecord(**room) for room in columns.pop("rooms") or ())
    secrets = unseal(keyring, _Secrets, columns.pop("sealed"), f"premises|sealed|{columns['premises_id']}")
    return PremisesRecord(**columns, **secrets.__dict__, rooms=rooms)


def _hidden(keyring: Keyring, record: PremisesRecord) -> dict[str, bytes]:
    secrets = _Secrets(address=record.address, manager_name=record.manager_name, manager_phone=record.manager_phone)
    return {
        "sealed": seal(keyring, secrets, f"premises|sealed|{record.premises_id}"),
        "address_index": address_index(keyring, record.division_code, record.address),
    }
