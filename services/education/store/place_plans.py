"""Plans of places and their corrections: write, find, list."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.education.rules.place_plans import PlanStatus
from services.education.schemas.place_plans import CorrectionView, PlanRecord

_STORED = tuple(PlanRecord.model_fields)
_CHANGING = ("status", "areas", "grades", "published_on", "published_by", "version", "updated_at")
_CORRECTION = tuple(CorrectionView.model_fields)
_CASTS = {"grades": "jsonb", "areas": "text[]", "before": "jsonb", "after": "jsonb"}


def _bound(name: str) -> str:
    return f"CAST(:{name} AS {_CASTS[name]})" if name in _CASTS else f":{name}"


_INSERT = prepare(
    f"""
    INSERT INTO place_plan ({", ".join(_STORED)}) VALUES ({", ".join(map(_bound, _STORED))})
    ON CONFLICT (school_id, entry_year) DO NOTHING
    """  # noqa: S608 - names of the table's own columns, here and below
)
_UPDATE = prepare(
    f"UPDATE place_plan SET {', '.join(f'{name} = {_bound(name)}' for name in _CHANGING)} WHERE plan_id = :plan_id"  # noqa: S608
)
_FIND = prepare(f"SELECT {', '.join(_STORED)} FROM place_plan WHERE plan_id = :plan_id")  # noqa: S608
_LOCK = prepare(f"SELECT {', '.join(_STORED)} FROM place_plan WHERE plan_id = :plan_id FOR UPDATE")  # noqa: S608
_FROM_YEAR = prepare(
    f"""
    SELECT {", ".join(_STORED)} FROM place_plan
    WHERE school_id = :school_id AND entry_year >= :entry_year AND status = 'published'
    """  # noqa: S608
)
_LIST = prepare(
    f"""
    SELECT {", ".join(_STORED)} FROM place_plan
    WHERE (CAST(:entry_year AS integer) IS NULL OR entry_year = :entry_year)
        AND (CAST(:school_id AS uuid) IS NULL OR school_id = :school_id)
        AND (CAST(:status AS text) IS NULL OR status = :status)
        AND (CAST(:after_created_at AS timestamptz) IS NULL
            OR (created_at, plan_id) > (:after_created_at, CAST(:after_id AS uuid)))
    ORDER BY created_at, plan_id LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
_CORRECT = prepare(
    f"INSERT INTO place_plan_correction ({', '.join(_CORRECTION)}) VALUES ({', '.join(map(_bound, _CORRECTION))})"  # noqa: S608
)
# By the version each made: two that began together waited for each other, and their instants tell when they began.
_CORRECTIONS = prepare(
    f"""
    SELECT {", ".join(_CORRECTION)} FROM place_plan_correction
    WHERE plan_id = :plan_id AND plan_version > CAST(:after_version AS integer)
    ORDER BY plan_version LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)


async def insert_plan(work: Work, record: PlanRecord) -> bool:
    """Store a plan; `False` when the school has one for that year."""
    return await work.tx.execute(_INSERT, **_values(record)) == "INSERT 0 1"


async def update_plan(work: Work, record: PlanRecord) -> None:
    """Store a plan that changed."""
    values = _values(record)
    require_one(await work.tx.execute(_UPDATE, **{name: values[name] for name in ("plan_id", *_CHANGING)}))


async def find_plan(work: Work, plan_id: UUID) -> PlanRecord | None:
    """The plan, when this client may see it."""
    row = await work.tx.fetch_row(_FIND, plan_id=plan_id)
    return None if row is None else plan_of(row)


async def lock_plan(work: Work, plan_id: UUID) -> PlanRecord | None:
    """The plan, when it is this client's office's, held until the commit."""
    row = await work.tx.fetch_row(_LOCK, plan_id=plan_id)
    return None if row is None else plan_of(row)


async def published_from(work: Work, school_id: UUID, entry_year: int) -> list[PlanRecord]:
    """What a school published for that year and later ones."""
    rows = await work.tx.fetch(_FROM_YEAR, school_id=school_id, entry_year=entry_year)
    return [plan_of(row) for row in rows]


async def list_plans(
    work: Work,
    asked: tuple[int | None, UUID | None, PlanStatus | None],
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Record]:
    """Up to `limit` + 1 plans this client may see, of that year, school and status, oldest first."""
    entry_year, school_id, status = asked
    after_created_at, after_id = after or (None, None)
    return await work.tx.fetch(
        _LIST,
        entry_year=entry_year,
        school_id=school_id,
        status=status,
        after_created_at=after_created_at,
        after_id=after_id,
        limit=limit + 1,
    )


async def insert_correction(work: Work, correction: CorrectionView) -> None:
    """Store a correction, before the plan it corrects: the plan's trigger looks for it."""
    given = {name: getattr(correction, name) for name in _CORRECTION}
    states = {name: given[name].model_dump(mode="json") for name in ("before", "after")}
    require_one(await work.tx.execute(_CORRECT, **given | states))


async def list_corrections(work: Work, plan_id: UUID, after_version: int, limit: int) -> list[CorrectionView]:
    """Up to `limit` + 1 corrections of a plan, in their order."""
    rows = await work.tx.fetch(_CORRECTIONS, plan_id=plan_id, after_version=after_version, limit=limit + 1)
    return [CorrectionView.model_validate(dict(row.items())) for row in rows]


def plan_of(row: Record) -> PlanRecord:
    """The state of a plan in a row."""
    return PlanRecord.model_validate(dict(row.items()))


def _values(record: PlanRecord) -> dict[str, Any]:
    given = {name: getattr(record, name) for name in _STORED}
    grades = [each.model_dump(mode="json") for each in record.grades]
    return given | {"areas": list(record.areas), "grades": grades}
