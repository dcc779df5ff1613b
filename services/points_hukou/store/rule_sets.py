"""Rule sets, and where they are in force: write, find, list."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.points_hukou.rules.divisions import covering
from services.points_hukou.rules.purposes import Purpose
from services.points_hukou.rules.rule_set_states import RuleSetStatus
from services.points_hukou.schemas.rule_sets import InForceRecord, InForceView, RuleSetRecord

_STORED = tuple(RuleSetRecord.model_fields)
_FROZEN = frozenset({"rule_set_id", "division_code", "drafted_by", "created_at"})
_IN_FORCE = tuple(InForceRecord.model_fields)


def _bound(name: str) -> str:
    return {"texts": "CAST(:texts AS jsonb)", "problems": "CAST(:problems AS text[])"}.get(name, f":{name}")


_INSERT = prepare(f"INSERT INTO rule_set ({', '.join(_STORED)}) VALUES ({', '.join(map(_bound, _STORED))})")  # noqa: S608
_UPDATE = prepare(
    f"""
    UPDATE rule_set SET {", ".join(f"{name} = {_bound(name)}" for name in _STORED if name not in _FROZEN)}
    WHERE rule_set_id = :rule_set_id
    """  # noqa: S608
)
_FIND = prepare(f"SELECT {', '.join(_STORED)} FROM rule_set WHERE rule_set_id = :rule_set_id")  # noqa: S608
# Whoever puts it in force somewhere need not be the office that may change it, so a row lock is not enough.
_LOCK = prepare("SELECT pg_advisory_xact_lock(hashtextextended('rule_set ' || CAST(:rule_set_id AS text), 0))")
# A list is read without the texts, which are long.
_WITHOUT_TEXTS = {"texts": "CAST('{}' AS jsonb) AS texts", "own_choices": "'' AS own_choices", "cases": "'' AS cases"}
_LIST = prepare(
    f"""
    SELECT {", ".join(_WITHOUT_TEXTS.get(name, name) for name in _STORED)} FROM rule_set
    WHERE (CAST(:status AS text) IS NULL OR status = :status)
        AND (CAST(:after_created_at AS timestamptz) IS NULL
            OR (created_at, rule_set_id) > (:after_created_at, CAST(:after_id AS uuid)))
    ORDER BY created_at, rule_set_id LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
_APPROVED = prepare(
    f"""
    SELECT {", ".join(_STORED)} FROM rule_set WHERE name = :name AND status = 'approved'
    ORDER BY document_version DESC, approved_on DESC, rule_set_id DESC LIMIT 1
    """  # noqa: S608
)
_PUT = prepare(
    f"""
    INSERT INTO rule_set_in_force ({", ".join(_IN_FORCE)}) VALUES ({", ".join(f":{name}" for name in _IN_FORCE)})
    ON CONFLICT (division_code, purpose, valid_from) WHERE ended_on IS NULL OR ended_on > valid_from DO NOTHING
    """  # noqa: S608
)
_END = prepare(
    """
    UPDATE rule_set_in_force SET ended_on = :ended_on, version = version + 1, updated_at = :now
    WHERE in_force_id = :in_force_id
    """
)
# Of each division the newest word counts, also when it says that it has ended; then the nearest division speaks.
_SPEAKING = """
    SELECT DISTINCT ON (f.purpose, f.division_code) f.*
    FROM rule_set_in_force f
    WHERE f.division_code = ANY (CAST(:covering AS text[]))
        AND (f.ended_on IS NULL OR f.ended_on > f.valid_from) AND f.valid_from <= CAST(:on AS date)
    ORDER BY f.purpose, f.division_code, f.valid_from DESC
"""
_VIEWED = """
    r.rule_set_id, r.name, r.document_version, r.digest, s.in_force_id, s.purpose, s.service, s.division_code, s.valid_from,
    s.ended_on, s.put_by
"""
_ON = prepare(
    f"""
    WITH speaking AS ({_SPEAKING})
    SELECT DISTINCT ON (s.purpose) {_VIEWED} FROM speaking s JOIN rule_set r USING (rule_set_id)
    WHERE s.ended_on IS NULL OR s.ended_on > CAST(:on AS date)
    ORDER BY s.purpose, array_position(CAST(:covering AS text[]), s.division_code)
    """  # noqa: S608
)
_STANDING = prepare(
    f"""
    SELECT {", ".join(_IN_FORCE)} FROM rule_set_in_force
    WHERE rule_set_id = :rule_set_id AND (ended_on IS NULL OR ended_on > valid_from AND ended_on > CAST(:today AS date))
    ORDER BY valid_from, in_force_id
    """  # noqa: S608
)


async def insert_rule_set(work: Work, record: RuleSetRecord) -> None:
    """Store a rule set just handed in."""
    await work.tx.execute(_INSERT, **_values(record))


async def update_rule_set(work: Work, record: RuleSetRecord) -> None:
    """Store a rule set that went on."""
    values = _values(record)
    given = {name: values[name] for name in _STORED if name == "rule_set_id" or name not in _FROZEN}
    require_one(await work.tx.execute(_UPDATE, **given))


async def find_rule_set(work: Work, rule_set_id: UUID) -> RuleSetRecord | None:
    """The rule set, when this client may see it."""
    row = await work.tx.fetch_row(_FIND, rule_set_id=rule_set_id)
    return None if row is None else rule_set_of(row)


async def lock_rule_set(work: Work, rule_set_id: UUID) -> RuleSetRecord | None:
    """The same, and nobody else acts on it until the commit."""
    await work.tx.execute(_LOCK, rule_set_id=str(rule_set_id))
    return await find_rule_set(work, rule_set_id)


async def approved_named(work: Work, name: str) -> RuleSetRecord | None:
    """The newest approved rule set of that name."""
    row = await work.tx.fetch_row(_APPROVED, name=name)
    return None if row is None else rule_set_of(row)


async def list_rule_sets(
    work: Work, status: RuleSetStatus | None, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Record]:
    """Up to `limit` + 1 rule sets this client may see, oldest first."""
    after_created_at, after_id = after or (None, None)
    return await work.tx.fetch(_LIST, status=status, after_created_at=after_created_at, after_id=after_id, limit=limit + 1)


async def put_in_force(work: Work, record: InForceRecord) -> bool:
    """Store it; `False` when something else begins on that very day."""
    tag = await work.tx.execute(_PUT, **{name: getattr(record, name) for name in _IN_FORCE})
    return tag == "INSERT 0 1"


async def end_in_force(work: Work, in_force_id: UUID, ended_on: date) -> None:
    """Write down its first day without."""
    require_one(await work.tx.execute(_END, in_force_id=in_force_id, ended_on=ended_on, now=work.now))


async def standing_of(work: Work, rule_set_id: UUID) -> list[InForceRecord]:
    """Where a rule set is in force or will be, the earliest first."""
    rows = await work.tx.fetch(_STANDING, rule_set_id=rule_set_id, today=work.today)
    return [InForceRecord(**dict(row.items())) for row in rows]


async def in_force_on(work: Work, division_code: str, on: date) -> dict[Purpose, InForceView]:
    """What counts each use in a division on a day."""
    rows = await work.tx.fetch(_ON, covering=covering(division_code), on=on)
    return {Purpose(row["purpose"]): InForceView(**dict(row.items())) for row in rows}


def rule_set_of(row: Record) -> RuleSetRecord:
    """The state of a rule set in a row."""
    return RuleSetRecord(**dict(row.items()))


def _values(record: RuleSetRecord) -> dict[str, Any]:
    problems = None if record.problems is None else list(record.problems)
    return {name: getattr(record, name) for name in _STORED} | {"problems": problems}
