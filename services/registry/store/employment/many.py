"""Many employments in few statements, for the bulk door: what `employments` does one by one."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from services.chassis.db import prepare
from services.chassis.work import Work
from services.chassis.writing import require_each
from services.registry.schemas.employment.employers import EmployerRecord
from services.registry.schemas.employment.employments import EmploymentRecord
from services.registry.store.employment.employers import COLUMNS as EMPLOYER_COLUMNS
from services.registry.store.employment.employers import employer_of
from services.registry.store.employment.employments import COLUMNS, employment_of, sealed_employment

Pair = tuple[UUID, UUID]
"""A person and an employer."""

_EMPLOYERS = prepare(
    f"""
    SELECT {EMPLOYER_COLUMNS} FROM (SELECT code FROM unnest(CAST(:codes AS text[])) AS g (code) ORDER BY code) g,
        LATERAL employer_of_code(g.code) e
    """  # noqa: S608 - constants
)
_VISIBLE = prepare(
    f"""
    SELECT {COLUMNS} FROM unnest(CAST(:person_ids AS uuid[]), CAST(:employer_ids AS uuid[])) AS g (person_id, employer_id)
    JOIN employment m USING (person_id, employer_id) ORDER BY m.started_on, m.created_at
    """  # noqa: S608
)
_OPEN = prepare(
    """
    SELECT g.person_id, g.employer_id, open_employment_of(g.person_id, g.employer_id) AS employment_id
    FROM unnest(CAST(:person_ids AS uuid[]), CAST(:employer_ids AS uuid[])) AS g (person_id, employer_id)
    """
)
_INSERT = prepare(
    """
    INSERT INTO employment (employment_id, person_id, employer_id, division_code, industry_code, occupation_code, sealed,
        started_on, start_reported_on, start_due_on, start_reported_late, start_unsettled_on, ended_on, end_reason,
        end_reported_on, end_due_on, end_reported_late, end_unsettled_on, version, created_at, updated_at)
    SELECT * FROM unnest(CAST(:employment_id AS uuid[]), CAST(:person_id AS uuid[]), CAST(:employer_id AS uuid[]),
        CAST(:division_code AS text[]), CAST(:industry_code AS text[]), CAST(:occupation_code AS text[]),
        CAST(:sealed AS bytea[]), CAST(:started_on AS date[]), CAST(:start_reported_on AS date[]),
        CAST(:start_due_on AS date[]), CAST(:start_reported_late AS boolean[]), CAST(:start_unsettled_on AS date[]),
        CAST(:ended_on AS date[]), CAST(:end_reason AS text[]), CAST(:end_reported_on AS date[]),
        CAST(:end_due_on AS date[]), CAST(:end_reported_late AS boolean[]), CAST(:end_unsettled_on AS date[]),
        CAST(:version AS integer[]), CAST(:created_at AS timestamptz[]), CAST(:updated_at AS timestamptz[]))
    """
)
_END = prepare(
    """
    UPDATE employment m SET ended_on = g.ended_on, end_reason = g.end_reason, end_reported_on = g.end_reported_on,
        end_due_on = g.end_due_on, end_reported_late = g.end_reported_late, end_unsettled_on = g.end_unsettled_on,
        version = g.version, updated_at = g.updated_at
    FROM unnest(CAST(:employment_id AS uuid[]), CAST(:ended_on AS date[]), CAST(:end_reason AS text[]),
        CAST(:end_reported_on AS date[]), CAST(:end_due_on AS date[]), CAST(:end_reported_late AS boolean[]),
        CAST(:end_unsettled_on AS date[]), CAST(:version AS integer[]), CAST(:updated_at AS timestamptz[]))
        AS g (employment_id, ended_on, end_reason, end_reported_on, end_due_on, end_reported_late, end_unsettled_on, version,
            updated_at)
    WHERE m.employment_id = g.employment_id
    """
)
_ENDED = (
    "employment_id",
    "ended_on",
    "end_reason",
    "end_reported_on",
    "end_due_on",
    "end_reported_late",
    "end_unsettled_on",
    "version",
    "updated_at",
)
_NEW = tuple(name for name in EmploymentRecord.model_fields if name != "position")


async def employers_of_codes(work: Work, credit_codes: Collection[str]) -> Mapping[str, EmployerRecord]:
    """The employers with these complete codes, wherever they lie; none is ended or changed before the commit."""
    rows = await work.tx.fetch(_EMPLOYERS, codes=sorted(credit_codes))
    return {row["credit_code"]: employer_of(work.keyring, row) for row in rows}


async def employments_between(work: Work, pairs: Collection[Pair]) -> Mapping[Pair, list[EmploymentRecord]]:
    """What the client sees of each person's employments with that employer, oldest first."""
    found: dict[Pair, list[EmploymentRecord]] = {pair: [] for pair in pairs}
    for row in await work.tx.fetch(_VISIBLE, **_columns(pairs)):
        found[row["person_id"], row["employer_id"]].append(employment_of(work.keyring, row))
    return found


async def open_employments_of(work: Work, pairs: Collection[Pair]) -> Mapping[Pair, UUID]:
    """The open employment of each locked person with that employer, whether or not the client sees it."""
    rows = await work.tx.fetch(_OPEN, **_columns(pairs))
    return {(row["person_id"], row["employer_id"]): row["employment_id"] for row in rows if row["employment_id"] is not None}


async def insert_employments(work: Work, records: Sequence[EmploymentRecord]) -> None:
    """Store new employments."""
    columns = {name: [getattr(record, name) for record in records] for name in _NEW}
    await work.tx.execute(_INSERT, **columns, sealed=[sealed_employment(work.keyring, record) for record in records])


async def end_employments(work: Work, records: Sequence[EmploymentRecord]) -> None:
    """Store the ends of employments."""
    columns = {name: [getattr(record, name) for record in records] for name in _ENDED}
    require_each(await work.tx.execute(_END, **columns), records)


def _columns(pairs: Collection[Pair]) -> dict[str, Any]:
    return {"person_ids": [person for person, _ in pairs], "employer_ids": [employer for _, employer in pairs]}
