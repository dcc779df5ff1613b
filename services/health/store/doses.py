"""Doses: write, find, list."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.health.schemas.doses import DoseRecord, DoseSecrets
from services.health.store.sealing import seal, unseal

DOSES_MAX = 300
"""More doses no card has; who reports more is refused."""

_STORED = (*(name for name in DoseRecord.model_fields if name != "secrets"), "sealed")
_COLUMNS = ", ".join(f"d.{name}" for name in _STORED)
_FROZEN = frozenset({"dose_id", "card_id", "person_id", "division_code", "created_at"})

_INSERT = prepare(f"INSERT INTO dose ({', '.join(_STORED)}) VALUES ({', '.join(f':{name}' for name in _STORED)})")  # noqa: S608
_UPDATE = prepare(
    f"""
    UPDATE dose SET {", ".join(f"{name} = :{name}" for name in _STORED if name not in _FROZEN)}
    WHERE dose_id = :dose_id
    """  # noqa: S608 - names of our own columns, as below
)
_FIND = prepare(f"SELECT {_COLUMNS} FROM dose d WHERE d.dose_id = :dose_id")  # noqa: S608
_SAME = prepare(
    f"""
    SELECT {_COLUMNS} FROM dose d WHERE d.card_id = CAST(:card_id AS uuid) AND d.vaccine_code = :vaccine_code
        AND d.given_on = CAST(:given_on AS date) AND d.status = 'recorded'
    """  # noqa: S608
)
_OF_CARD = prepare(
    f"SELECT {_COLUMNS} FROM dose d WHERE d.card_id = :card_id ORDER BY d.given_on, d.dose_id"  # noqa: S608
)
_COUNT = prepare("SELECT count(*) FROM dose WHERE card_id = CAST(:card_id AS uuid)")


async def insert_dose(work: Work, record: DoseRecord) -> None:
    """Store a dose."""
    await work.tx.execute(_INSERT, **_values(work.keyring, record))


async def update_dose(work: Work, record: DoseRecord) -> None:
    """Store a dose that was reported again, corrected or withdrawn."""
    values = _values(work.keyring, record)
    given = {name: values[name] for name in _STORED if name == "dose_id" or name not in _FROZEN}
    require_one(await work.tx.execute(_UPDATE, **given))


async def find_dose(work: Work, dose_id: UUID) -> DoseRecord | None:
    """The dose, when its card is in this client's sight."""
    row = await work.tx.fetch_row(_FIND, dose_id=dose_id)
    return None if row is None else dose_of(work.keyring, row)


async def find_same(work: Work, card_id: UUID, vaccine_code: str, given_on: date) -> DoseRecord | None:
    """The dose of that vaccine on that day (X-35)."""
    row = await work.tx.fetch_row(_SAME, card_id=card_id, vaccine_code=vaccine_code, given_on=given_on)
    return None if row is None else dose_of(work.keyring, row)


async def doses_of_card(work: Work, card_id: UUID) -> list[DoseRecord]:
    """Every dose of a card, withdrawn ones too, oldest first."""
    rows: Sequence[Record] = await work.tx.fetch(_OF_CARD, card_id=card_id)
    return [dose_of(work.keyring, row) for row in rows]


async def count_doses(work: Work, card_id: UUID) -> int:
    """How many doses a card has, withdrawn ones too."""
    return int(await work.tx.fetch_value(_COUNT, card_id=card_id))


def dose_of(keyring: Keyring, row: Record) -> DoseRecord:
    """The state of a dose in a row."""
    columns = dict(row.items())
    sealed = columns.pop("sealed")
    return DoseRecord(**columns, secrets=unseal(keyring, DoseSecrets, sealed, f"dose|sealed|{row['dose_id']}"))


def _values(keyring: Keyring, record: DoseRecord) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in _STORED if name != "sealed"}
    values["sealed"] = seal(keyring, record.secrets, f"dose|sealed|{record.dose_id}")
    return values
