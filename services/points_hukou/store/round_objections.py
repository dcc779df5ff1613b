"""Objections to places: write, find, list, and those whose time has come."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.chassis import person_keys
from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.points_hukou.schemas.round_objections import ObjectionRecord, ObjectionSecrets
from services.points_hukou.store.sealing import seal_about, unseal_about

_STORED = (*(name for name in ObjectionRecord.model_fields if name != "secrets"), "sealed")
_FROZEN = frozenset({"objection_id", "round_id", "application_id", "person_id", "raised_on", "taken_in", "created_at"})
_READ = f"""SELECT {", ".join(f"o.{name}" for name in _STORED)}, {person_keys.COLUMNS}
    FROM round_objection o LEFT JOIN person_key k USING (person_id)"""  # noqa: S608
# As `actions.round_objections.is_overdue` says it.
_LATE = "(o.status = 'open' AND NOT o.is_due_provisional AND o.due_on < CAST(:today AS date))"

_INSERT = prepare(
    f"INSERT INTO round_objection ({', '.join(_STORED)}) VALUES ({', '.join(f':{name}' for name in _STORED)})"  # noqa: S608
)
_UPDATE = prepare(
    f"""
    UPDATE round_objection SET {", ".join(f"{name} = :{name}" for name in _STORED if name not in _FROZEN)}
    WHERE objection_id = :objection_id
    """  # noqa: S608
)
_FIND = prepare(f"{_READ} WHERE o.objection_id = :objection_id")
_LIST = prepare(
    f"""
    {_READ} WHERE o.round_id = :round_id AND (NOT CAST(:overdue AS boolean) OR {_LATE})
        AND (CAST(:after_created_at AS timestamptz) IS NULL
            OR (o.created_at, o.objection_id) > (:after_created_at, CAST(:after_id AS uuid)))
    ORDER BY o.created_at, o.objection_id LIMIT CAST(:limit AS integer)
    """
)
_COUNT = prepare(
    """
    SELECT count(*) FILTER (WHERE status = 'open') AS open,
        count(*) FILTER (WHERE status = 'upheld' AND settled_on IS NULL) AS upheld
    FROM round_objection WHERE round_id = :round_id
    """
)
_UPHELD = prepare(f"{_READ} WHERE o.round_id = :round_id AND o.status = 'upheld' AND o.settled_on IS NULL FOR UPDATE OF o")
_UNTOLD = prepare(
    f"""
    {_READ} WHERE {_LATE} AND o.overdue_told_for IS DISTINCT FROM o.due_on
    ORDER BY o.due_on, o.objection_id LIMIT CAST(:limit AS integer) FOR UPDATE OF o SKIP LOCKED
    """
)
_PROVISIONAL = prepare(
    f"""
    {_READ} WHERE o.status = 'open' AND o.is_due_provisional AND o.due_on <= CAST(:held_until AS date)
    ORDER BY o.due_on, o.objection_id LIMIT CAST(:limit AS integer) FOR UPDATE OF o SKIP LOCKED
    """
)
_OPEN_ABOUT = prepare(
    f"""
    {_READ} WHERE o.status = 'open' AND o.person_id = ANY (CAST(:person_ids AS uuid[]))
    ORDER BY o.objection_id FOR UPDATE OF o
    """
)
_FORGET = prepare("UPDATE round_objection SET sealed = NULL WHERE person_id = ANY (CAST(:person_ids AS uuid[]))")


async def insert_objection(work: Work, record: ObjectionRecord) -> None:
    """Store an objection just raised."""
    await work.tx.execute(_INSERT, **_values(work, record))


async def update_objection(work: Work, record: ObjectionRecord) -> None:
    """Store an objection that went on."""
    values = _values(work, record)
    given = {name: values[name] for name in _STORED if name == "objection_id" or name not in _FROZEN}
    require_one(await work.tx.execute(_UPDATE, **given))


async def find_objection(work: Work, objection_id: UUID) -> ObjectionRecord | None:
    """An objection, when this client's office has the round or took it."""
    row = await work.tx.fetch_row(_FIND, objection_id=objection_id)
    return None if row is None else objection_of(work.keyring, row)


async def list_objections(
    work: Work, round_id: UUID, *, overdue: bool, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Record]:
    """Up to `limit` + 1 objections to a round, oldest first; of another office's round those this client took."""
    after_created_at, after_id = after or (None, None)
    return await work.tx.fetch(
        _LIST,
        round_id=round_id,
        overdue=overdue,
        today=work.today,
        after_created_at=after_created_at,
        after_id=after_id,
        limit=limit + 1,
    )


async def objected(work: Work, round_id: UUID) -> tuple[int, int]:
    """How many objections are open, and how many were upheld and wait for a new ranking."""
    row = await work.tx.fetch_row(_COUNT, round_id=round_id)
    assert row is not None
    return row["open"], row["upheld"]


async def lock_upheld(work: Work, round_id: UUID) -> list[ObjectionRecord]:
    """Those that were upheld and wait for a new ranking."""
    return [objection_of(work.keyring, row) for row in await work.tx.fetch(_UPHELD, round_id=round_id)]


async def lock_untold_overdue(work: Work, *, limit: int) -> list[ObjectionRecord]:
    """Objections past their day of which followers were not told yet."""
    return [objection_of(work.keyring, row) for row in await work.tx.fetch(_UNTOLD, today=work.today, limit=limit)]


async def lock_provisional(work: Work, *, held_until: date, limit: int) -> list[ObjectionRecord]:
    """Open objections whose day was counted before the calendar was held that reaches it now."""
    return [objection_of(work.keyring, row) for row in await work.tx.fetch(_PROVISIONAL, held_until=held_until, limit=limit)]


async def forget_objections(work: Work, person_ids: Sequence[UUID]) -> list[ObjectionRecord]:
    """What was said of deleted persons goes; that there was an objection stays known. Those that are open, locked."""
    await work.tx.execute(_FORGET, person_ids=list(person_ids))
    return [objection_of(work.keyring, row) for row in await work.tx.fetch(_OPEN_ABOUT, person_ids=list(person_ids))]


def objection_of(keyring: Keyring, row: Record) -> ObjectionRecord:
    """The state of an objection in a row; without its words once the person is deleted."""
    columns = {name: row[name] for name in _STORED if name != "sealed"}
    secrets = unseal_about(keyring, ObjectionSecrets, row, row["person_id"], context_of(row["objection_id"]))
    return ObjectionRecord(**columns, secrets=secrets)


def context_of(objection_id: UUID) -> str:
    """What the words of an objection are bound to."""
    return f"round_objection|sealed|{objection_id}"


def _values(work: Work, record: ObjectionRecord) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(record, name) for name in _STORED if name != "sealed"}
    context = context_of(record.objection_id)
    sealed = None if record.secrets is None else seal_about(work, record.person_id, record.secrets, context)
    return values | {"sealed": sealed}
