"""Contests of evidence: open, find, answer, and those whose time has come."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from services.chassis import person_keys
from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.points_hukou.schemas.contests import ContestRecord, ContestSecrets

_STORED = (*(name for name in ContestRecord.model_fields if name != "secrets"), "sealed")
_FROZEN = frozenset({"contest_id", "evidence_id", "person_id", "rule_set", "fact", "organisation", "opened_on", "created_at"})
_READ = f"""SELECT {", ".join(f"c.{name}" for name in _STORED)}, {person_keys.COLUMNS}
    FROM evidence_contest c LEFT JOIN person_key k USING (person_id)"""  # noqa: S608

_INSERT = prepare(
    f"INSERT INTO evidence_contest ({', '.join(_STORED)}) VALUES ({', '.join(f':{name}' for name in _STORED)})"  # noqa: S608
)
_UPDATE = prepare(
    f"""
    UPDATE evidence_contest SET {", ".join(f"{name} = :{name}" for name in _STORED if name not in _FROZEN)}
    WHERE contest_id = :contest_id
    """  # noqa: S608
)
_OPEN = prepare(
    f"""
    {_READ} WHERE c.status = 'open' AND c.person_id = :person_id AND c.rule_set = :rule_set AND c.fact = :fact
        AND c.organisation = :organisation
    """
)
_OF_EVIDENCE = prepare(f"{_READ} WHERE c.evidence_id = :evidence_id ORDER BY c.created_at DESC, c.contest_id LIMIT 50")
_OPEN_SERIES = prepare(
    """
    SELECT DISTINCT person_id, rule_set, fact, organisation FROM evidence_contest
    WHERE status = 'open' AND person_id = ANY (CAST(:person_ids AS uuid[]))
    """
)
# Whoever is late is told so once; a day that was counted before the calendar was published makes nobody late.
_LATE = prepare(
    f"""
    {_READ} WHERE c.status = 'open' AND c.overdue_told_on IS NULL AND NOT c.is_due_provisional
        AND c.due_on < CAST(:today AS date)
    ORDER BY c.due_on, c.contest_id LIMIT CAST(:limit AS integer) FOR UPDATE OF c
    """
)
_PROVISIONAL = prepare(
    f"""
    {_READ} WHERE c.status = 'open' AND c.is_due_provisional AND c.due_on <= CAST(:held_until AS date)
    ORDER BY c.due_on, c.contest_id LIMIT CAST(:limit AS integer) FOR UPDATE OF c
    """
)


async def insert_contest(work: Work, record: ContestRecord) -> None:
    """Store a contest just opened."""
    await work.tx.execute(_INSERT, **_values(work, record))


async def update_contest(work: Work, record: ContestRecord) -> None:
    """Store a contest that was answered, or whose time was counted anew."""
    values = _values(work, record)
    kept = {name: values[name] for name in _STORED if name == "contest_id" or name not in _FROZEN}
    require_one(await work.tx.execute(_UPDATE, **kept))


async def open_contest(work: Work, person_id: UUID, rule_set: str, fact: str, organisation: str) -> ContestRecord | None:
    """The open contest of what an office says of a fact."""
    row = await work.tx.fetch_row(_OPEN, person_id=person_id, rule_set=rule_set, fact=fact, organisation=organisation)
    return None if row is None else record_of(work.keyring, row)


async def contests_of(work: Work, evidence_id: UUID) -> list[ContestRecord]:
    """The contests of one evidence, the newest first."""
    rows = await work.tx.fetch(_OF_EVIDENCE, evidence_id=evidence_id)
    return [record_of(work.keyring, row) for row in rows]


async def contested_series(work: Work, person_ids: Sequence[UUID]) -> frozenset[tuple[UUID, str, str, str]]:
    """What is contested of these persons: person, rule set, fact, organisation."""
    rows = await work.tx.fetch(_OPEN_SERIES, person_ids=person_ids)
    return frozenset((row["person_id"], row["rule_set"], row["fact"], row["organisation"]) for row in rows)


async def lock_late(work: Work, *, limit: int) -> list[ContestRecord]:
    """Open contests past their day that nobody was told of yet."""
    return [record_of(work.keyring, row) for row in await work.tx.fetch(_LATE, today=work.today, limit=limit)]


async def lock_provisional(work: Work, *, held_until: date, limit: int) -> list[ContestRecord]:
    """Open contests whose day was counted before the calendar was held that reaches it now."""
    rows = await work.tx.fetch(_PROVISIONAL, held_until=held_until, limit=limit)
    return [record_of(work.keyring, row) for row in rows]


def record_of(keyring: Keyring, row: Record) -> ContestRecord:
    """A row of the table. Its key exists as long as the row."""
    values = {name: row[name] for name in _STORED if name != "sealed"}
    opened = person_keys.opened(keyring, row, row["sealed"], _context(row["contest_id"]))
    assert opened is not None, "a person's contests go with the key"
    return ContestRecord(**values, secrets=ContestSecrets.model_validate_json(opened))


def _context(contest_id: UUID) -> str:
    return f"evidence_contest|sealed|{contest_id}"


def _values(work: Work, record: ContestRecord) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(record, name) for name in _STORED if name != "sealed"}
    sealed = work.seal_about(record.person_id, record.secrets.model_dump_json().encode(), _context(record.contest_id))
    return values | {"sealed": sealed}
