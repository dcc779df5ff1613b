"""Household transfers: write, find, list."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.points_hukou.rules.household_transfers import TransferStatus
from services.points_hukou.schemas.household_transfers import HouseholdTransferRecord, TransferSecrets
from services.points_hukou.store.sealing import seal, unseal

_STORED = (*(name for name in HouseholdTransferRecord.model_fields if name != "secrets"), "sealed")
_COLUMNS = ", ".join(f"t.{name}" for name in _STORED)
_FROZEN = frozenset(
    {"transfer_id", "person_id", "application_id", "round_id", "division_code", "opened_on", "opened_by", "created_at"}
)


def _bound(name: str) -> str:
    return "CAST(:reasons AS jsonb)" if name == "reasons" else f":{name}"


# As `actions.transfer_standing.is_overdue` says it.
_LATE = "(t.status = 'completed' AND NOT t.is_due_provisional AND t.due_on < CAST(:today AS date))"
_INSERT = prepare(f"INSERT INTO household_transfer ({', '.join(_STORED)}) VALUES ({', '.join(map(_bound, _STORED))})")  # noqa: S608
_UPDATE = prepare(
    f"""
    UPDATE household_transfer SET {", ".join(f"{name} = {_bound(name)}" for name in _STORED if name not in _FROZEN)}
    WHERE transfer_id = :transfer_id
    """  # noqa: S608
)
_FIND = prepare(f"SELECT {_COLUMNS} FROM household_transfer t WHERE t.transfer_id = :transfer_id")  # noqa: S608
_LOCK = prepare(f"SELECT {_COLUMNS} FROM household_transfer t WHERE t.transfer_id = :transfer_id FOR UPDATE")  # noqa: S608
_LIST = prepare(
    f"""
    SELECT {_COLUMNS} FROM household_transfer t
    WHERE (CAST(:person_ids AS uuid[]) IS NULL OR t.person_id = ANY (CAST(:person_ids AS uuid[])))
        AND (CAST(:status AS text) IS NULL OR t.status = :status)
        AND (NOT CAST(:overdue AS boolean) OR {_LATE})
        AND (CAST(:after_created_at AS timestamptz) IS NULL
            OR (t.created_at, t.transfer_id) > (:after_created_at, CAST(:after_id AS uuid)))
    ORDER BY t.created_at, t.transfer_id LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
_UNTOLD = prepare(
    f"""
    SELECT {_COLUMNS} FROM household_transfer t WHERE {_LATE} AND t.overdue_told_for IS DISTINCT FROM t.due_on
    ORDER BY t.due_on, t.transfer_id LIMIT CAST(:limit AS integer) FOR UPDATE SKIP LOCKED
    """  # noqa: S608
)
_PROVISIONAL = prepare(
    f"""
    SELECT {_COLUMNS} FROM household_transfer t
    WHERE t.status = 'completed' AND t.is_due_provisional AND t.due_on <= CAST(:held_until AS date)
    ORDER BY t.due_on, t.transfer_id LIMIT CAST(:limit AS integer) FOR UPDATE SKIP LOCKED
    """  # noqa: S608
)
_IS_TRANSFERRING = prepare("SELECT is_transferring(CAST(:person_ids AS uuid[]))")
_IS_PLACE_USED = prepare("SELECT is_place_used(CAST(:round_id AS uuid), CAST(:application_id AS uuid))")
_NOT_ENTERED = prepare(
    f"""
    SELECT {_COLUMNS} FROM household_transfer t
    WHERE t.person_id = ANY (CAST(:person_ids AS uuid[])) AND t.status IN ('opened', 'approved', 'returned')
    ORDER BY t.transfer_id FOR UPDATE
    """  # noqa: S608
)
_FORGET = prepare("UPDATE household_transfer SET sealed = NULL WHERE person_id = ANY (CAST(:person_ids AS uuid[]))")


async def insert_transfer(work: Work, record: HouseholdTransferRecord) -> None:
    """Store a transfer just opened."""
    await work.tx.execute(_INSERT, **_values(work.keyring, record))


async def update_transfer(work: Work, record: HouseholdTransferRecord) -> None:
    """Store a transfer that went on."""
    values = _values(work.keyring, record)
    given = {name: values[name] for name in _STORED if name == "transfer_id" or name not in _FROZEN}
    require_one(await work.tx.execute(_UPDATE, **given))


async def find_transfer(work: Work, transfer_id: UUID) -> HouseholdTransferRecord | None:
    """The transfer, when this client's office has the case or one below it does."""
    row = await work.tx.fetch_row(_FIND, transfer_id=transfer_id)
    return None if row is None else transfer_of(work.keyring, row)


async def lock_transfer(work: Work, transfer_id: UUID) -> HouseholdTransferRecord | None:
    """The same, held until the commit."""
    row = await work.tx.fetch_row(_LOCK, transfer_id=transfer_id)
    return None if row is None else transfer_of(work.keyring, row)


async def list_transfers(
    work: Work,
    *,
    person_ids: Sequence[UUID] | None,
    status: TransferStatus | None,
    overdue: bool,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Record]:
    """Up to `limit` + 1 transfers of this client's offices, oldest first."""
    after_created_at, after_id = after or (None, None)
    return await work.tx.fetch(
        _LIST,
        person_ids=person_ids,
        status=status,
        overdue=overdue,
        today=work.today,
        after_created_at=after_created_at,
        after_id=after_id,
        limit=limit + 1,
    )


async def lock_untold_overdue(work: Work, *, limit: int) -> list[HouseholdTransferRecord]:
    """Transfers of which the registry is silent past its term, and followers were not told yet."""
    rows = await work.tx.fetch(_UNTOLD, today=work.today, limit=limit)
    return [transfer_of(work.keyring, row) for row in rows]


async def lock_provisional(work: Work, *, held_until: date, limit: int) -> list[HouseholdTransferRecord]:
    """Waiting transfers whose term was counted before the calendar was held that reaches its end now."""
    rows = await work.tx.fetch(_PROVISIONAL, held_until=held_until, limit=limit)
    return [transfer_of(work.keyring, row) for row in rows]


async def is_transferring(work: Work, person_ids: Sequence[UUID]) -> bool:
    """Whether a case of any of them is open, in whatever office."""
    return bool(await work.tx.fetch_value(_IS_TRANSFERRING, person_ids=list(person_ids)))


async def is_place_used(work: Work, round_id: UUID, application_id: UUID) -> bool:
    """Whether a transfer rests on a place, in whatever office; none that was given up."""
    return bool(await work.tx.fetch_value(_IS_PLACE_USED, round_id=round_id, application_id=application_id))


async def forget_transfers(work: Work, person_ids: Sequence[UUID]) -> list[HouseholdTransferRecord]:
    """What was noted of deleted persons goes; that there was a case stays known.

    The cases of theirs in which the registry is not asked at present, locked.
    """
    await work.tx.execute(_FORGET, person_ids=list(person_ids))
    rows = await work.tx.fetch(_NOT_ENTERED, person_ids=list(person_ids))
    return [transfer_of(work.keyring, row) for row in rows]


def transfer_of(keyring: Keyring, row: Record) -> HouseholdTransferRecord:
    """The state of a transfer in a row; without its secrets once the person is deleted."""
    columns = dict(row.items())
    sealed = columns.pop("sealed")
    context = f"household_transfer|sealed|{row['transfer_id']}"
    secrets = None if sealed is None else unseal(keyring, TransferSecrets, sealed, context)
    return HouseholdTransferRecord(**columns, secrets=secrets)


def _values(keyring: Keyring, record: HouseholdTransferRecord) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in _STORED if name != "sealed"}
    values["reasons"] = [reason.model_dump() for reason in record.reasons]
    context = f"household_transfer|sealed|{record.transfer_id}"
    values["sealed"] = None if record.secrets is None else seal(keyring, record.secrets, context)
    return values
