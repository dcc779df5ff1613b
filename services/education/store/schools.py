"""Schools and reports of their classes: write, find, list."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.education.schemas.classes import ClassReportRecord
from services.education.schemas.schools import SchoolRecord

_SCHOOL = tuple(SchoolRecord.model_fields)
_CHANGING = ("name", "first_grade", "last_grade", "closed_on", "close_reason", "version", "updated_at")
_REPORT = tuple(ClassReportRecord.model_fields)
_REPORT_CHANGING = ("as_of", "classes", "reported_by", "version", "updated_at")


def _bound(name: str) -> str:
    return "CAST(:classes AS jsonb)" if name == "classes" else f":{name}"


_INSERT = prepare(
    f"""
    INSERT INTO school ({", ".join(_SCHOOL)}) VALUES ({", ".join(map(_bound, _SCHOOL))})
    ON CONFLICT (school_code) DO NOTHING
    """  # noqa: S608 - names of the table's own columns, here and below
)
_UPDATE = prepare(
    f"UPDATE school SET {', '.join(f'{name} = :{name}' for name in _CHANGING)} WHERE school_id = :school_id"  # noqa: S608
)
_FIND = prepare(f"SELECT {', '.join(_SCHOOL)} FROM school WHERE school_id = :school_id")  # noqa: S608
_LOCK = prepare(f"SELECT {', '.join(_SCHOOL)} FROM school WHERE school_id = :school_id FOR UPDATE")  # noqa: S608
_LIST = prepare(
    f"""
    SELECT {", ".join(_SCHOOL)} FROM school
    WHERE (CAST(:kind AS text) IS NULL OR kind = :kind)
        AND (CAST(:after_created_at AS timestamptz) IS NULL
            OR (created_at, school_id) > (:after_created_at, CAST(:after_id AS uuid)))
    ORDER BY created_at, school_id LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
_FIND_REPORT = prepare(f"SELECT {', '.join(_REPORT)} FROM class_report WHERE school_id = :school_id")  # noqa: S608
_KEEP_REPORT = prepare(
    f"""
    INSERT INTO class_report ({", ".join(_REPORT)}) VALUES ({", ".join(map(_bound, _REPORT))})
    ON CONFLICT (school_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _REPORT_CHANGING)}
    """  # noqa: S608
)


async def insert_school(work: Work, record: SchoolRecord) -> bool:
    """Store a school; `False` when its code is another's."""
    tag = await work.tx.execute(_INSERT, **{name: getattr(record, name) for name in _SCHOOL})
    return tag == "INSERT 0 1"


async def update_school(work: Work, record: SchoolRecord) -> None:
    """Store a school that changed."""
    given = {name: getattr(record, name) for name in ("school_id", *_CHANGING)}
    require_one(await work.tx.execute(_UPDATE, **given))


async def find_school(work: Work, school_id: UUID) -> SchoolRecord | None:
    """The school, when this client may see it."""
    row = await work.tx.fetch_row(_FIND, school_id=school_id)
    return None if row is None else school_of(row)


async def lock_school(work: Work, school_id: UUID) -> SchoolRecord | None:
    """The school, when it is this client's office's, held until the commit: its plans wait, too."""
    row = await work.tx.fetch_row(_LOCK, school_id=school_id)
    return None if row is None else school_of(row)


async def list_schools(work: Work, kind: str | None, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[Record]:
    """Up to `limit` + 1 schools this client may see, oldest first."""
    after_created_at, after_id = after or (None, None)
    return await work.tx.fetch(_LIST, kind=kind, after_created_at=after_created_at, after_id=after_id, limit=limit + 1)


async def find_report(work: Work, school_id: UUID) -> ClassReportRecord | None:
    """The classes of a school as last reported, for its own offices."""
    row = await work.tx.fetch_row(_FIND_REPORT, school_id=school_id)
    return None if row is None else ClassReportRecord.model_validate(dict(row.items()))


async def keep_report(work: Work, record: ClassReportRecord) -> None:
    """Store a report in the place of the one before."""
    given = {name: getattr(record, name) for name in _REPORT}
    classes = [each.model_dump() for each in record.classes]
    require_one(await work.tx.execute(_KEEP_REPORT, **given | {"classes": classes}))


def school_of(row: Record) -> SchoolRecord:
    """The state of a school in a row."""
    return SchoolRecord.model_validate(dict(row.items()))
