"""Assessments: written once, read."""

from typing import Any
from uuid import UUID

from services.chassis import person_keys
from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.work import Work
from services.points_hukou.schemas.assessments import AssessmentRecord, FrozenScore
from services.points_hukou.store.sealing import seal_about, unseal_about

_STORED = (*(name for name in AssessmentRecord.model_fields if name != "frozen"), "sealed")
_READ = f"""
    SELECT {", ".join(f"s.{name}" for name in _STORED)}, {person_keys.COLUMNS}
    FROM assessment s LEFT JOIN person_key k ON k.person_id = s.person_id
"""  # noqa: S608
_INSERT = prepare(f"INSERT INTO assessment ({', '.join(_STORED)}) VALUES ({', '.join(f':{name}' for name in _STORED)})")  # noqa: S608
_FIND = prepare(f"{_READ} WHERE s.assessment_id = :assessment_id")
_OF = prepare(f"{_READ} WHERE s.application_id = :application_id ORDER BY s.created_at, s.assessment_id LIMIT 100")


async def insert_assessment(work: Work, record: AssessmentRecord) -> None:
    """Store an assessment, for good; the person is held and has a key."""
    values: dict[str, Any] = {name: getattr(record, name) for name in _STORED if name != "sealed"}
    assert record.frozen is not None
    sealed = seal_about(work, record.person_id, record.frozen, context_of(record.assessment_id))
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
    columns = {name: row[name] for name in _STORED if name != "sealed"}
    return AssessmentRecord(**columns, frozen=frozen_of(keyring, row, row["person_id"]))


def frozen_of(keyring: Keyring, row: Record, person_id: UUID) -> FrozenScore | None:
    """What an assessment of that person says, in a row with its id, `sealed` and the person's `person_keys.COLUMNS`."""
    return unseal_about(keyring, FrozenScore, row, person_id, context_of(row["assessment_id"]))


def context_of(assessment_id: UUID) -> str:
    """What an assessment is bound to."""
    return f"assessment|sealed|{assessment_id}"
