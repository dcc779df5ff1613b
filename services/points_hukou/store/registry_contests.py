"""Contests of what the registry says: open, find, answer, and those whose time has come."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.chassis import person_keys
from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.points_hukou.rules.gathering.sources import RegistryField
from services.points_hukou.schemas.registry_contests import RegistryContestRecord, RegistryContestSecrets
from services.points_hukou.store.sealing import seal_about, unseal_about

_STORED = (*(name for name in RegistryContestRecord.model_fields if name != "secrets"), "sealed")
_CHANGING = ("status", "overdue_told_on", "decided_on", "rights_request_id", "reasons", "sealed", "version", "updated_at")
_READ = f"""SELECT {", ".join(f"c.{name}" for name in _STORED)}, {person_keys.COLUMNS}
    FROM registry_contest c LEFT JOIN person_key k USING (person_id)"""  # noqa: S608 - names of columns


def _bound(name: str) -> str:
    return "CAST(:reasons AS jsonb)" if name == "reasons" else f":{name}"


_INSERT = prepare(
    f"INSERT INTO registry_contest ({', '.join(_STORED)}) VALUES ({', '.join(map(_bound, _STORED))})"  # noqa: S608
)
_UPDATE = prepare(
    f"""
    UPDATE registry_contest SET {", ".join(f"{name} = {_bound(name)}" for name in _CHANGING)} WHERE contest_id = :contest_id
    """  # noqa: S608
)
_FIND = prepare(f"{_READ} WHERE c.contest_id = :contest_id")
_LOCK = prepare(f"{_READ} WHERE c.contest_id = :contest_id FOR UPDATE OF c")
_OPEN = prepare(f"{_READ} WHERE c.status = 'open' AND c.person_id = :person_id AND c.field = :field")
_OF_PERSON = prepare(
    f"""
    {_READ} WHERE c.person_id IN (SELECT CAST(:person_id AS uuid) UNION SELECT a.person_id FROM mirror_person_alias a
        WHERE a.canonical_person_id = :person_id AND a.unmerged_on IS NULL)
    ORDER BY c.created_at DESC, c.contest_id LIMIT 50
    """  # noqa: S608 - as above
)
# Whoever is late is told so once.
_LATE = prepare(
    f"""
    {_READ} WHERE c.status = 'open' AND c.overdue_told_on IS NULL AND c.due_on < CAST(:today AS date)
    ORDER BY c.due_on, c.contest_id LIMIT CAST(:limit AS integer) FOR UPDATE OF c
    """
)


async def insert_contest(work: Work, record: RegistryContestRecord) -> None:
    """Store a contest just opened, of somebody who is held."""
    await work.tx.execute(_INSERT, **_values(work, record))


async def update_contest(work: Work, record: RegistryContestRecord) -> None:
    """Store a contest that went on, and that is locked."""
    values = _values(work, record)
    require_one(await work.tx.execute(_UPDATE, **{name: values[name] for name in ("contest_id", *_CHANGING)}))


async def find_contest(work: Work, contest_id: UUID) -> RegistryContestRecord | None:
    """The contest, when this client sees the person's file."""
    row = await work.tx.fetch_row(_FIND, contest_id=contest_id)
    return None if row is None else record_of(work.keyring, row)


async def lock_contest(work: Work, contest_id: UUID) -> RegistryContestRecord | None:
    """The same, held until the commit."""
    row = await work.tx.fetch_row(_LOCK, contest_id=contest_id)
    return None if row is None else _locked(work, row)


async def open_contest(work: Work, person_id: UUID, field: RegistryField) -> RegistryContestRecord | None:
    """The open contest of what the registry says there."""
    row = await work.tx.fetch_row(_OPEN, person_id=person_id, field=field.value)
    return None if row is None else record_of(work.keyring, row)


async def contests_of(work: Work, person_id: UUID) -> list[RegistryContestRecord]:
    """The contests of a person by the id in use, under whatever id, the newest first."""
    return [record_of(work.keyring, row) for row in await work.tx.fetch(_OF_PERSON, person_id=person_id)]


async def lock_late(work: Work, *, limit: int) -> Sequence[RegistryContestRecord]:
    """Open contests past their day that nobody was told of yet."""
    return [_locked(work, row) for row in await work.tx.fetch(_LATE, today=work.today, limit=limit)]


def record_of(keyring: Keyring, row: Record) -> RegistryContestRecord:
    """A row of the table. Its key exists as long as the row."""
    values = {name: row[name] for name in _STORED if name != "sealed"}
    secrets = unseal_about(keyring, RegistryContestSecrets, row, row["person_id"], _context(row["contest_id"]))
    assert secrets is not None, "a person's contests go with the key"
    return RegistryContestRecord(**values, secrets=secrets)


def _locked(work: Work, row: Record) -> RegistryContestRecord:
    """A contest whose row is held: an erasure of its person waits for it."""
    work.learn_person_key(row)
    return record_of(work.keyring, row)


def _context(contest_id: UUID) -> str:
    return f"registry_contest|sealed|{contest_id}"


def _values(work: Work, record: RegistryContestRecord) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(record, name) for name in _STORED if name != "sealed"}
    values["reasons"] = [reason.model_dump() for reason in record.reasons]
    return values | {"sealed": seal_about(work, record.person_id, record.secrets, _context(record.contest_id))}
