"""Employers: find by id or code, lock, list, write."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.keyring import Keyring
from services.chassis.schemas import View
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.registry.rules.employment import EmployerStatus
from services.registry.schemas.employment.employers import EmployerRecord
from services.registry.store.sealing import seal, unseal

COLUMNS = """e.employer_id, e.credit_code, e.status, e.division_code, e.industry_code, e.sealed, e.registered_on, e.ended_on,
    e.end_reason, e.version, e.created_at, e.updated_at"""

_FIND = prepare(f"SELECT {COLUMNS} FROM employer e WHERE e.employer_id = :employer_id")  # noqa: S608
_LOCK = prepare(f"SELECT {COLUMNS} FROM employer e WHERE e.employer_id = :employer_id FOR UPDATE")  # noqa: S608
_BY_CODE = prepare(f"SELECT {COLUMNS} FROM employer e WHERE e.credit_code = :credit_code")  # noqa: S608
_OF_CODE = prepare(f"SELECT {COLUMNS} FROM employer_of_code(CAST(:credit_code AS text)) e")  # noqa: S608
_OF_CODES = prepare(f"SELECT {COLUMNS} FROM employers_of_codes(CAST(:credit_codes AS text[])) e")  # noqa: S608
_CLAIM = prepare("SELECT pg_advisory_xact_lock(hashtextextended(CAST(:credit_code AS text), 3))")
_LIST = prepare(
    f"""
    SELECT {COLUMNS} FROM employer e
    WHERE e.division_code ~>=~ CAST(:division_from AS text) AND e.division_code ~<~ CAST(:division_to AS text)
    AND (CAST(:status AS text) IS NULL OR e.status = :status)
    AND (CAST(:after_created_at AS timestamptz) IS NULL
        OR (e.created_at, e.employer_id) > (:after_created_at, CAST(:after_employer_id AS uuid)))
    ORDER BY e.created_at, e.employer_id LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
_INSERT = prepare(
    """
    INSERT INTO employer (employer_id, credit_code, status, division_code, industry_code, sealed, registered_on, ended_on,
        end_reason, version, created_at, updated_at)
    VALUES (:employer_id, :credit_code, :status, :division_code, :industry_code, :sealed, :registered_on, :ended_on,
        :end_reason, :version, :created_at, :updated_at)
    """
)
_UPDATE = prepare(
    """
    UPDATE employer SET status = :status, division_code = :division_code, industry_code = :industry_code, sealed = :sealed,
        ended_on = :ended_on, end_reason = :end_reason, version = :version, updated_at = :updated_at
    WHERE employer_id = :employer_id
    """
)
_KEPT = {"credit_code", "registered_on", "created_at"}


class _Secrets(View):
    name: str


async def find_employer(work: Work, employer_id: UUID) -> EmployerRecord | None:
    """The employer, when it lies in the client's division."""
    row = await work.tx.fetch_row(_FIND, employer_id=employer_id)
    return None if row is None else employer_of(work.keyring, row)


async def lock_employer(work: Work, employer_id: UUID) -> EmployerRecord | None:
    """The employer as it is now, held until the commit."""
    row = await work.tx.fetch_row(_LOCK, employer_id=employer_id)
    return None if row is None else employer_of(work.keyring, row)


async def find_by_code(work: Work, credit_code: str) -> EmployerRecord | None:
    """The employer with the code, when it lies in the client's division."""
    row = await work.tx.fetch_row(_BY_CODE, credit_code=credit_code)
    return None if row is None else employer_of(work.keyring, row)


async def employer_of_code(work: Work, credit_code: str) -> EmployerRecord | None:
    """The employer with the complete code, wherever it lies; not ended or changed before the commit."""
    row = await work.tx.fetch_row(_OF_CODE, credit_code=credit_code)
    return None if row is None else employer_of(work.keyring, row)


async def employers_of_codes(work: Work, credit_codes: Iterable[str]) -> dict[str, EmployerRecord]:
    """The employers with these complete codes, wherever they lie, by code."""
    rows = await work.tx.fetch(_OF_CODES, credit_codes=sorted(set(credit_codes)))
    return {row["credit_code"]: employer_of(work.keyring, row) for row in rows}


async def claim_code(work: Work, credit_code: str) -> EmployerRecord | None:
    """Whoever has the code already; nobody else can take it before the commit."""
    await work.tx.fetch_value(_CLAIM, credit_code=credit_code)
    return await employer_of_code(work, credit_code)


async def list_employers(
    work: Work, *, division_prefix: str, status: EmployerStatus | None, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Record]:
    """Up to `limit` + 1 visible rows below a division, oldest first."""
    after_created_at, after_employer_id = after or (None, None)
    return await work.tx.fetch(
        _LIST,
        division_from=division_prefix,
        division_to=division_prefix + ":",  # the character after 9
        status=status,
        after_created_at=after_created_at,
        after_employer_id=after_employer_id,
        limit=limit + 1,
    )


async def insert_employer(work: Work, record: EmployerRecord) -> None:
    """Store a new employer."""
    await work.tx.execute(_INSERT, **record.model_dump(exclude={"name"}), sealed=_sealed(work.keyring, record))


async def update_employer(work: Work, record: EmployerRecord) -> None:
    """Store a changed or ended employer."""
    changed = record.model_dump(exclude={"name", *_KEPT})
    require_one(await work.tx.execute(_UPDATE, **changed, sealed=_sealed(work.keyring, record)))


def employer_of(keyring: Keyring, row: Record) -> EmployerRecord:
    """The state of an employer in a row."""
    columns = dict(row.items())
    secrets = unseal(keyring, _Secrets, columns.pop("sealed"), f"employer|sealed|{row['employer_id']}")
    return EmployerRecord(**columns, name=secrets.name)


def _sealed(keyring: Keyring, record: EmployerRecord) -> bytes:
    return seal(keyring, _Secrets(name=record.name), f"employer|sealed|{record.employer_id}")
