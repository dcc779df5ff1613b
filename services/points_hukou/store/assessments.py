"""Assessments: written once, read."""

from typing import Any
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.work import Work
from services.points_hukou.schemas.assessments import AssessmentRecord, FrozenScore
from services.points_hukou.store.sealing import seal, unseal

_STORED = (*(name for name in AssessmentRecord.model_fields if name != "frozen"), "sealed")
_COLUMNS = ", ".join(_STORED)
_INSERT = prepare(f"INSERT INTO assessment ({_COLUMNS}) VALUES ({', '.join(f':{name}' for name in _STORED)})")  # noqa: S608
_FIND = prepare(f"SELECT {_COLUMNS} FROM assessment WHERE assessment_id = :assessment_id")  # noqa: S608
_OF = prepare(
    f"""
    SELECT {_COLUMNS} FROM assessment WHERE application_id = :application_id ORDER BY created_at, assessment_id LIMIT 100
    """  # noqa: S608
)


async def insert_assessment(work: Work, record: AssessmentRecord) -> None:
    """Store an assessment, for good."""
    values: dict[str, Any] = {name: getattr(record, name) for name in _STORED if name != "sealed"}
    assert record.frozen is not None
    sealed = seal(work.keyring, record.frozen, _context(record.assessment_id))
    await work.tx.execute(_INSERT, **values, sealed=sealed)


async def find_assessment(work: Work, assessment_id: UUID) -> AssessmentRecord | None:
    """The assessment, when this client may see its application."""
    row = await work.tx.fetch_row(_FIND, assessment_id=assessment_id)
    return None if row is None else _assessment_of(work.keyring, row)


async def assessments_of(work: Work, application_id: UUID) -> list[AssessmentRecord]:
    """Those of an application, oldest first."""
    rows = await work.tx.fetch(_OF, application_id=application_id)
    return [_assessment_of(work.keyring, row) for row in rows]


def _assessment_of(keyring: Keyring, row: Record) -> AssessmentRecord:
    columns = dict(row.items())
    sealed = columns.pop("sealed")
    frozen = None if sealed is None else unseal(keyring, FrozenScore, sealed, _context(row["assessment_id"]))
    return AssessmentRecord(**columns, frozen=frozen)


def _context(assessment_id: UUID) -> str:
    return f"assessment|sealed|{assessment_id}"
