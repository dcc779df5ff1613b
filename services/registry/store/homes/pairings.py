"""Villages paired with enterprises."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.registry.schemas.homes.inspections import PairingRecord

_COLUMNS = """p.pairing_id, p.division_code, p.organisation_name, p.credit_code, p.valid_from, p.valid_until, p.version,
    p.created_at, p.updated_at"""
_FIND = prepare(f"SELECT {_COLUMNS} FROM village_pairing p WHERE p.pairing_id = :pairing_id")  # noqa: S608
_LOCK = prepare(f"SELECT {_COLUMNS} FROM village_pairing p WHERE p.pairing_id = :pairing_id FOR UPDATE")  # noqa: S608
_LIST = prepare(
    f"""
    SELECT {_COLUMNS} FROM village_pairing p WHERE starts_with(p.division_code, CAST(:prefix AS text))
    AND (CAST(:after_created_at AS timestamptz) IS NULL
        OR (p.created_at, p.pairing_id) > (:after_created_at, CAST(:after_pairing_id AS uuid)))
    ORDER BY p.created_at, p.pairing_id LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
_INSERT = prepare(
    """
    INSERT INTO village_pairing (pairing_id, division_code, organisation_name, credit_code, valid_from, valid_until, version,
        created_at, updated_at)
    VALUES (:pairing_id, :division_code, :organisation_name, :credit_code, :valid_from, :valid_until, :version, :created_at,
        :updated_at)
    ON CONFLICT DO NOTHING
    """
)
_END = prepare(
    """
    UPDATE village_pairing SET valid_until = :valid_until, version = :version, updated_at = :updated_at
    WHERE pairing_id = :pairing_id
    """
)


async def find_pairing(work: Work, pairing_id: UUID) -> PairingRecord | None:
    """The pairing, when it is visible to the client."""
    row = await work.tx.fetch_row(_FIND, pairing_id=pairing_id)
    return None if row is None else pairing_of(row)


async def lock_pairing(work: Work, pairing_id: UUID) -> PairingRecord | None:
    """The pairing as it is now, held until the commit."""
    row = await work.tx.fetch_row(_LOCK, pairing_id=pairing_id)
    return None if row is None else pairing_of(row)


async def list_pairings(
    work: Work, *, division_prefix: str, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Record]:
    """Up to `limit` + 1 visible rows below a division, oldest first."""
    after_created_at, after_pairing_id = after or (None, None)
    return await work.tx.fetch(
        _LIST,
        prefix=division_prefix,
        after_created_at=after_created_at,
        after_pairing_id=after_pairing_id,
        limit=limit + 1,
    )


async def insert_pairing(work: Work, record: PairingRecord) -> bool:
    """Store a new pairing; false when the two are paired already."""
    return await work.tx.execute(_INSERT, **record.model_dump()) == "INSERT 0 1"


async def end_pairing(work: Work, record: PairingRecord) -> None:
    """Store the end of a pairing."""
    ended = record.model_dump(include={"pairing_id", "valid_until", "version", "updated_at"})
    require_one(await work.tx.execute(_END, **ended))


def pairing_of(row: Record) -> PairingRecord:
    """The pairing in a row."""
    return PairingRecord(**dict(row.items()))
