"""Employments: find, list by person, employer or division, write."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.schemas import View
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.registry.schemas.employment.employments import EmploymentRecord
from services.registry.store.sealing import seal, unseal

COLUMNS = """m.employment_id, m.person_id, m.employer_id, m.division_code, m.industry_code, m.occupation_code, m.sealed,
    m.started_on, m.start_reported_on, m.start_due_on, m.start_reported_late, m.start_unsettled_on, m.ended_on, m.end_reason,
    m.end_reported_on, m.end_due_on, m.end_reported_late, m.end_unsettled_on, m.version, m.created_at, m.updated_at"""

_FIND = prepare(f"SELECT {COLUMNS} FROM employment m WHERE m.employment_id = :employment_id")  # noqa: S608
_OPEN = prepare("SELECT open_employment_of(CAST(:person_id AS uuid), CAST(:employer_id AS uuid))")
_PAGE = """
    (CAST(:is_late AS boolean) IS NULL
        OR (coalesce(m.start_reported_late, false) OR coalesce(m.end_reported_late, false)) = :is_late)
    AND (NOT CAST(:is_open AS boolean) OR m.ended_on IS NULL)
    AND (CAST(:before_created_at AS timestamptz) IS NULL
        OR (m.created_at, m.employment_id) < (:before_created_at, CAST(:before_employment_id AS uuid)))
    ORDER BY m.created_at DESC, m.employment_id DESC LIMIT CAST(:limit AS integer)
"""
_OF_PERSON = prepare(
    f"SELECT {COLUMNS} FROM employment m WHERE m.person_id = ANY (ids_of_human(CAST(:subject AS uuid))) AND {_PAGE}"  # noqa: S608
)
_OF_EMPLOYER = prepare(f"SELECT {COLUMNS} FROM employment m WHERE m.employer_id = :subject AND {_PAGE}")  # noqa: S608
_IN_DIVISION = prepare(
    f"""
    SELECT {COLUMNS} FROM employment m
    WHERE m.division_code ~>=~ CAST(:division_from AS text) AND m.division_code ~<~ CAST(:division_to AS text) AND {_PAGE}
    """  # noqa: S608
)
_INSERT = prepare(
    """
    INSERT INTO employment (employment_id, person_id, employer_id, division_code, industry_code, occupation_code, sealed,
        started_on, start_reported_on, start_due_on, start_reported_late, start_unsettled_on, ended_on, end_reason,
        end_reported_on, end_due_on, end_reported_late, end_unsettled_on, version, created_at, updated_at)
    VALUES (:employment_id, :person_id, :employer_id, :division_code, :industry_code, :occupation_code, :sealed, :started_on,
        :start_reported_on, :start_due_on, :start_reported_late, :start_unsettled_on, :ended_on, :end_reason,
        :end_reported_on, :end_due_on, :end_reported_late, :end_unsettled_on, :version, :created_at, :updated_at)
    """
)
_UPDATE = prepare(
    """
    UPDATE employment SET occupation_code = :occupation_code, sealed = :sealed, ended_on = :ended_on, end_reason = :end_reason,
        end_reported_on = :end_reported_on, end_due_on = :end_due_on, end_reported_late = :end_reported_late,
        end_unsettled_on = :end_unsettled_on, version = :version, updated_at = :updated_at
    WHERE employment_id = :employment_id
    """
)
_UPDATED = {
    "employment_id",
    "occupation_code",
    "ended_on",
    "end_reason",
    "end_reported_on",
    "end_due_on",
    "end_reported_late",
    "end_unsettled_on",
    "version",
    "updated_at",
}


class _Secrets(View):
    position: str | None


async def find_employment(work: Work, employment_id: UUID) -> EmploymentRecord | None:
    """The employment, when it is visible to the client."""
    row = await work.tx.fetch_row(_FIND, employment_id=employment_id)
    return None if row is None else employment_of(work.keyring, row)


async def open_employment_of(work: Work, person_id: UUID, employer_id: UUID) -> UUID | None:
    """The open employment of a person in sight or resolved, who is locked, with the employer."""
    found = await work.tx.fetch_value(_OPEN, person_id=person_id, employer_id=employer_id)
    return None if found is None else UUID(str(found))


async def employments_of_person(
    work: Work, person_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Record]:
    """Up to `limit` + 1 visible rows of a person, newest first."""
    return await work.tx.fetch(_OF_PERSON, subject=person_id, **_page(None, before, limit, is_open=False))


async def employments_of_employer(
    work: Work,
    employer_id: UUID,
    *,
    is_late: bool | None,
    is_open: bool,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Record]:
    """Up to `limit` + 1 visible rows of an employer, newest first."""
    return await work.tx.fetch(_OF_EMPLOYER, subject=employer_id, **_page(is_late, before, limit, is_open=is_open))


async def employments_in(
    work: Work,
    division_prefix: str,
    *,
    is_late: bool | None,
    is_open: bool,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Record]:
    """Up to `limit` + 1 visible rows with employers below a division, newest first."""
    bounds = {"division_from": division_prefix, "division_to": division_prefix + ":"}  # the character after 9
    return await work.tx.fetch(_IN_DIVISION, **bounds, **_page(is_late, before, limit, is_open=is_open))


async def insert_employment(work: Work, record: EmploymentRecord) -> None:
    """Store a new employment."""
    await work.tx.execute(_INSERT, **record.model_dump(exclude={"position"}), sealed=sealed_employment(work.keyring, record))


async def update_employment(work: Work, record: EmploymentRecord) -> None:
    """Store a changed or ended employment."""
    require_one(
        await work.tx.execute(_UPDATE, **record.model_dump(include=_UPDATED), sealed=sealed_employment(work.keyring, record))
    )


def employment_of(keyring: Keyring, row: Record) -> EmploymentRecord:
    """The state of an employment in a row."""
    columns = dict(row.items())
    secrets = unseal(keyring, _Secrets, columns.pop("sealed"), f"employment|sealed|{row['employment_id']}")
    return EmploymentRecord(**columns, position=secrets.position)


def sealed_employment(keyring: Keyring, record: EmploymentRecord) -> bytes:
    """The encrypted column of an employment."""
    return seal(keyring, _Secrets(position=record.position), f"employment|sealed|{record.employment_id}")


def _page(
    is_late: bool | None,  # noqa: FBT001 - three values: only late ones, only the others, all
    before: tuple[datetime, UUID] | None,
    limit: int,
    *,
    is_open: bool,
) -> dict[str, object]:
    before_created_at, before_employment_id = before or (None, None)
    return {
        "is_late": is_late,
        "is_open": is_open,
        "before_created_at": before_created_at,
        "before_employment_id": before_employment_id,
        "limit": limit + 1,
    }
