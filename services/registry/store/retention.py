"""Reviews of what is still kept: find what is due, list, lock, write."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.work import Work
from services.registry.schemas.retention import ReviewRecord
from services.registry.store.writing import require_one

_COLUMNS = """r.review_id, r.retention_class, r.person_id, r.division_code, r.ended_on, r.due_on, r.status, r.reason_code,
    r.keep_until, r.decided_on, r.version, r.created_at, r.updated_at"""
# A human is listed under its canonical id, which shares the holds of the others, by the hold that ended last. What was decided
# stands until its day; who came back and left again is due anew.
_LAPSED = prepare(
    """
    SELECT d.person_id, d.division_code, d.until AS ended_on, (SELECT max(r.keep_until) FROM retention_review r
        WHERE r.person_id = d.person_id AND r.ended_on >= d.until) AS kept_until
    FROM person_division d
    WHERE d.until <= CAST(:ended_by AS date)
        AND NOT EXISTS (SELECT FROM person_division o WHERE o.person_id = d.person_id AND (
            o.until IS NULL OR (o.until, o.person_division_id) > (d.until, d.person_division_id)))
        AND NOT EXISTS (SELECT FROM person_alias a WHERE a.person_id = d.person_id AND a.unmerged_on IS NULL)
        AND NOT EXISTS (SELECT FROM retention_review r WHERE r.person_id = d.person_id AND (
            r.status = 'due' OR r.ended_on >= d.until AND (
                r.status = 'returned' OR r.status = 'kept' AND r.keep_until > CAST(:today AS date))))
    ORDER BY d.until, d.person_id LIMIT CAST(:limit AS integer)
    """
)
_RETURNED = prepare(
    f"""
    SELECT {_COLUMNS} FROM retention_review r
    WHERE r.status = 'due' AND (
        EXISTS (SELECT FROM person_division d WHERE d.person_id = r.person_id AND d.until IS NULL)
        OR EXISTS (SELECT FROM person_alias a WHERE a.person_id = r.person_id AND a.unmerged_on IS NULL))
    ORDER BY r.review_id LIMIT CAST(:limit AS integer) FOR UPDATE
    """  # noqa: S608 - constant of this module
)
_INSERT = prepare(
    """
    INSERT INTO retention_review (review_id, retention_class, person_id, division_code, ended_on, due_on, status, reason_code,
        keep_until, decided_on, version, created_at, updated_at)
    VALUES (:review_id, :retention_class, :person_id, :division_code, :ended_on, :due_on, :status, :reason_code, :keep_until,
        :decided_on, :version, :created_at, :updated_at)
    """
)
_DECIDE = prepare(
    """
    UPDATE retention_review SET status = :status, reason_code = :reason_code, keep_until = :keep_until,
        decided_on = :decided_on, version = :version, updated_at = :updated_at
    WHERE review_id = :review_id
    """
)
_DECIDED = {"review_id", "status", "reason_code", "keep_until", "decided_on", "version", "updated_at"}
_FIND = prepare(f"SELECT {_COLUMNS} FROM retention_review r WHERE r.review_id = :review_id")  # noqa: S608
_LOCK = prepare(f"SELECT {_COLUMNS} FROM retention_review r WHERE r.review_id = :review_id FOR UPDATE")  # noqa: S608
_LIST = prepare(
    f"""
    SELECT {_COLUMNS} FROM retention_review r
    WHERE r.division_code ~>=~ CAST(:division_from AS text) AND r.division_code ~<~ CAST(:division_to AS text)
        AND (CAST(:status AS text) IS NULL OR r.status = :status)
        AND (CAST(:after_created_at AS timestamptz) IS NULL
            OR (r.created_at, r.review_id) > (:after_created_at, CAST(:after_id AS uuid)))
    ORDER BY r.created_at, r.review_id LIMIT CAST(:limit AS integer)
    """  # noqa: S608
)
_LOOK = prepare("SELECT look_at_reviewed(CAST(:review_id AS uuid))")


async def lapsed(work: Work, *, ended_by: date, limit: int) -> Sequence[Record]:
    """Persons whom the last division let go of on that day or before, and who are not under review or kept for longer."""
    return await work.tx.fetch(_LAPSED, ended_by=ended_by, today=work.today, limit=limit)


async def lock_returned(work: Work, *, limit: int) -> list[ReviewRecord]:
    """Reviews that are due of persons held again, and of ids that are aliases now."""
    return [review_of(row) for row in await work.tx.fetch(_RETURNED, limit=limit)]


async def insert_review(work: Work, record: ReviewRecord) -> None:
    """Store a review that is due."""
    await work.tx.execute(_INSERT, **record.model_dump())


async def decide_review(work: Work, record: ReviewRecord) -> None:
    """Store what became of a review."""
    require_one(await work.tx.execute(_DECIDE, **record.model_dump(include=_DECIDED)))


async def find_review(work: Work, review_id: UUID) -> ReviewRecord | None:
    """The review, when it is visible to the client."""
    row = await work.tx.fetch_row(_FIND, review_id=review_id)
    return None if row is None else review_of(row)


async def lock_review(work: Work, review_id: UUID) -> ReviewRecord | None:
    """The review as it is now, held until the commit."""
    row = await work.tx.fetch_row(_LOCK, review_id=review_id)
    return None if row is None else review_of(row)


async def list_reviews(
    work: Work, *, division_prefix: str, status: str | None, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Record]:
    """Up to `limit` + 1 visible rows below a division, oldest first."""
    after_created_at, after_id = after or (None, None)
    return await work.tx.fetch(
        _LIST,
        division_from=division_prefix,
        division_to=division_prefix + ":",  # the character after 9
        status=status,
        after_created_at=after_created_at,
        after_id=after_id,
        limit=limit + 1,
    )


async def look_at_reviewed(work: Work, review_id: UUID) -> bool:
    """See the person of a review that is due for the rest of the transaction; whether there is such a review."""
    return bool(await work.tx.fetch_value(_LOOK, review_id=review_id))


def review_of(row: Record) -> ReviewRecord:
    """The state of a review in a row."""
    return ReviewRecord(**dict(row.items()))
