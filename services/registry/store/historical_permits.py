"""Papers of the regime of 2009: record, find, annul."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.schemas import View
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.registry.rules.historical_permits import Paper
from services.registry.schemas.evidence import Evidence
from services.registry.schemas.historical_permits import HistoricalPermitRecord
from services.registry.store.sealing import seal, unseal


class _Secrets(View):
    evidence: tuple[Evidence, ...]
    card_number: str | None
    annulment_note: str | None


_STORED = (*(name for name in HistoricalPermitRecord.model_fields if name not in _Secrets.model_fields), "sealed")
COLUMNS = ", ".join(f"h.{name}" for name in _STORED)

_FIND = prepare(
    f"SELECT {COLUMNS} FROM historical_permit h WHERE h.historical_permit_id = :historical_permit_id"  # noqa: S608
)
_ALL = prepare(
    f"SELECT {COLUMNS} FROM historical_permit h"  # noqa: S608
    " WHERE h.person_id = ANY (ids_of_human(CAST(:person_id AS uuid))) ORDER BY h.issued_on"
)
_OF_PERSON = prepare(
    f"""
    SELECT {COLUMNS} FROM historical_permit h WHERE h.person_id = ANY (ids_of_human(CAST(:person_id AS uuid)))
    AND (CAST(:before_created_at AS timestamptz) IS NULL
        OR (h.created_at, h.historical_permit_id) < (:before_created_at, CAST(:before_id AS uuid)))
    ORDER BY h.created_at DESC, h.historical_permit_id DESC LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
_INSERT = prepare(
    f"""
    INSERT INTO historical_permit ({", ".join(_STORED)})
    VALUES ({", ".join("CAST(:doubts AS jsonb)" if name == "doubts" else f":{name}" for name in _STORED)})
    """  # noqa: S608
)
_ANNUL = prepare(
    """
    UPDATE historical_permit SET annulled_on = :annulled_on, sealed = :sealed, version = :version, updated_at = :updated_at
    WHERE historical_permit_id = :historical_permit_id
    """
)


async def find_paper(work: Work, historical_permit_id: UUID) -> HistoricalPermitRecord | None:
    """The paper, when its holder is visible to the client."""
    row = await work.tx.fetch_row(_FIND, historical_permit_id=historical_permit_id)
    return None if row is None else paper_of(work.keyring, row)


async def papers_on_file(work: Work, person_id: UUID) -> tuple[Paper, ...]:
    """Every paper of a human, under whichever id, as the rules need them."""
    return tuple(paper_of(work.keyring, row).paper for row in await work.tx.fetch(_ALL, person_id=person_id))


async def papers_of(work: Work, person_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int) -> Sequence[Record]:
    """Up to `limit` + 1 rows of a person's papers, the newest record first."""
    before_created_at, before_id = before or (None, None)
    return await work.tx.fetch(
        _OF_PERSON, person_id=person_id, before_created_at=before_created_at, before_id=before_id, limit=limit + 1
    )


async def insert_paper(work: Work, record: HistoricalPermitRecord) -> None:
    """Store a paper."""
    await work.tx.execute(_INSERT, **_values(work.keyring, record))


async def annul_paper(work: Work, record: HistoricalPermitRecord) -> None:
    """Store that a paper was recorded in error."""
    values = _values(work.keyring, record)
    given = ("historical_permit_id", "annulled_on", "sealed", "version", "updated_at")
    require_one(await work.tx.execute(_ANNUL, **{name: values[name] for name in given}))


def paper_of(keyring: Keyring, row: Record) -> HistoricalPermitRecord:
    """The state of a paper in a row."""
    columns = dict(row.items())
    context = f"historical_permit|sealed|{row['historical_permit_id']}"
    secrets = unseal(keyring, _Secrets, columns.pop("sealed"), context)
    return HistoricalPermitRecord(**columns, **secrets.__dict__)


def _values(keyring: Keyring, record: HistoricalPermitRecord) -> dict[str, Any]:
    secrets = _Secrets(evidence=record.evidence, card_number=record.card_number, annulment_note=record.annulment_note)
    values = {name: getattr(record, name) for name in _STORED if name not in {"doubts", "sealed"}}
    values["doubts"] = [doubt.model_dump() for doubt in record.doubts]
    values["sealed"] = seal(keyring, secrets, f"historical_permit|sealed|{record.historical_permit_id}")
    return values
