"""Rounds: write, find, list."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.points_hukou.schemas.rounds import RoundRecord

_STORED = tuple(RoundRecord.model_fields)
_COLUMNS = ", ".join(_STORED)
_FROZEN = frozenset({"round_id", "purpose", "division_code", "opened_by", "created_at"})


def _bound(name: str) -> str:
    return "CAST(:town_quotas AS jsonb)" if name == "town_quotas" else f":{name}"


_INSERT = prepare(f"INSERT INTO round ({_COLUMNS}) VALUES ({', '.join(map(_bound, _STORED))})")  # noqa: S608
_UPDATE = prepare(
    f"""
    UPDATE round SET {", ".join(f"{name} = {_bound(name)}" for name in _STORED if name not in _FROZEN)}
    WHERE round_id = :round_id
    """  # noqa: S608
)
_FIND = prepare(f"SELECT {_COLUMNS} FROM round WHERE round_id = :round_id")  # noqa: S608
_LOCK = prepare(f"SELECT {_COLUMNS} FROM round WHERE round_id = :round_id FOR UPDATE")  # noqa: S608
_NOTICED = prepare(f"SELECT {_COLUMNS} FROM noticed_round(CAST(:round_id AS uuid), CAST(:hold AS boolean))")  # noqa: S608
_LIST = prepare(
    f"""
    SELECT {_COLUMNS} FROM round
    WHERE CAST(:after_created_at AS timestamptz) IS NULL
        OR (created_at, round_id) > (:after_created_at, CAST(:after_id AS uuid))
    ORDER BY created_at, round_id LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
_PROVISIONAL = prepare(
    f"""
    SELECT {_COLUMNS} FROM round WHERE status = 'published' AND (
        is_notice_provisional AND notice_until <= CAST(:held_until AS date)
        OR is_objections_provisional AND objections_until <= CAST(:held_until AS date))
    ORDER BY round_id LIMIT CAST(:limit AS integer) FOR UPDATE SKIP LOCKED
    """  # noqa: S608
)


async def insert_round(work: Work, record: RoundRecord) -> None:
    """Store a round just opened."""
    await work.tx.execute(_INSERT, **{name: getattr(record, name) for name in _STORED})


async def update_round(work: Work, record: RoundRecord) -> None:
    """Store a round that went on."""
    given = {name: getattr(record, name) for name in _STORED if name == "round_id" or name not in _FROZEN}
    require_one(await work.tx.execute(_UPDATE, **given))


async def find_round(work: Work, round_id: UUID) -> RoundRecord | None:
    """The round, when this client's office has it."""
    row = await work.tx.fetch_row(_FIND, round_id=round_id)
    return None if row is None else round_of(row)


async def lock_round(work: Work, round_id: UUID) -> RoundRecord | None:
    """The same, held until the commit: whoever takes or gives up a place of it waits."""
    row = await work.tx.fetch_row(_LOCK, round_id=round_id)
    return None if row is None else round_of(row)


async def noticed_round(work: Work, round_id: UUID, *, hold: bool) -> RoundRecord | None:
    """The round, when this client's office has it or its list was published; with `hold` as it is until the commit."""
    row = await work.tx.fetch_row(_NOTICED, round_id=round_id, hold=hold)
    return None if row is None else round_of(row)


async def list_rounds(work: Work, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[Record]:
    """Up to `limit` + 1 rounds of this client's offices, oldest first."""
    after_created_at, after_id = after or (None, None)
    return await work.tx.fetch(_LIST, after_created_at=after_created_at, after_id=after_id, limit=limit + 1)


async def lock_provisional(work: Work, *, held_until: date, limit: int) -> list[RoundRecord]:
    """Published rounds of which a term was counted before the calendar was held that reaches its end now."""
    rows = await work.tx.fetch(_PROVISIONAL, held_until=held_until, limit=limit)
    return [round_of(row) for row in rows]


def round_of(row: Record) -> RoundRecord:
    """The state of a round in a row."""
    return RoundRecord(**dict(row.items()))
