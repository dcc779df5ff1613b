"""Reviews of what is still kept: find what is due, list, lock, write."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.work import Work
from services.chassis.writing import require_one
from services.registry.rules.retention import ReviewedClass
from services.registry.schemas.retention import ReviewRecord
from services.registry.store.retention_ends import ENDED

_COLUMNS = """r.review_id, r.retention_class, r.subject_id, r.person_id, r.division_code, r.ended_on, r.due_on, r.status,
    r.reason_code, r.keep_until, r.decided_on, r.version, r.created_at, r.updated_at"""
# What was decided stands until its day; what came back and ended again is due anew.
_LAPSED = """
    SELECT e.subject_id, e.person_id, e.division_code, e.ended_on, (SELECT max(r.keep_until) FROM retention_review r
        WHERE r.retention_class = '{reviewed}' AND r.subject_id = e.subject_id AND r.ended_on >= e.ended_on) AS kept_until
    FROM ({ended}) e
    WHERE NOT EXISTS (SELECT FROM retention_review r
        WHERE r.retention_class = '{reviewed}' AND r.subject_id = e.subject_id AND (
        r.status = 'due' OR r.ended_on >= e.ended_on AND (
            r.status = 'returned' OR r.status = 'kept' AND r.keep_until > CAST(:today AS date))))
    ORDER BY e.ended_on, e.subject_id LIMIT CAST(:limit AS integer)
"""
_LAPSED_OF = {each: prepare(_LAPSED.format(reviewed=each.value, ended=ENDED[each])) for each in ReviewedClass}
_RETURNED = prepare(
    f"""
    SELECT {_COLUMNS} FROM retention_review r
    WHERE r.status = 'due' AND r.retention_class = :reviewed AND is_needed_again(r.review_id)
    ORDER BY r.review_id LIMIT CAST(:limit AS integer) FOR UPDATE
    """  # noqa: S608 - constant of this module
)
_ERASE_REMEMBERED = prepare("SELECT erase_remembered(CAST(:review_id AS uuid))")
_MARK_ERASED = {
    ReviewedClass.LANDLORD: prepare(
        "UPDATE landlord SET erased_on = :on_day, number_index = NULL, person_id = NULL WHERE landlord_id = :subject_id"
    ),
    ReviewedClass.PREMISES: prepare("UPDATE premises SET erased_on = :on_day WHERE premises_id = :subject_id"),
    ReviewedClass.EMPLOYER: prepare("UPDATE employer SET erased_on = :on_day WHERE employer_id = :subject_id"),
}
_FORGET_EVIDENCE = prepare("SELECT forget_evidence(CAST(:today AS date), CAST(:months AS integer), CAST(:limit AS integer))")
_FORGET_VISITS = prepare(
    """
    DELETE FROM field_visit WHERE visit_id IN (
        SELECT v.visit_id FROM field_visit v WHERE v.person_id IS NULL AND v.visited_on <= CAST(:visited_by AS date)
            AND NOT EXISTS (SELECT FROM field_visit_conflict c
                WHERE c.status = 'open' AND (c.visit_id = v.visit_id OR c.other_visit_id = v.visit_id))
        LIMIT CAST(:limit AS integer))
    """
)
_INSERT = prepare(
    """
    INSERT INTO retention_review (review_id, retention_class, subject_id, person_id, division_code, ended_on, due_on, status,
        reason_code, keep_until, decided_on, version, created_at, updated_at)
    VALUES (:review_id, :retention_class, :subject_id, :person_id, :division_code, :ended_on, :due_on, :status,
        :reason_code, :keep_until, :decided_on, :version, :created_at, :updated_at)
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
_IS_NEEDED = prepare("SELECT is_needed_again(CAST(:review_id AS uuid))")
_LOOK = prepare("SELECT look_at_reviewed(CAST(:review_id AS uuid))")


async def lapsed(work: Work, reviewed: ReviewedClass, *, ended_by: date, limit: int) -> Sequence[Record]:
    """Subjects of a class whose purpose ended on that day or before, and that are not under review or kept for longer."""
    return await work.tx.fetch(_LAPSED_OF[reviewed], ended_by=ended_by, today=work.today, limit=limit)


async def lock_returned(work: Work, reviewed: ReviewedClass, *, limit: int) -> list[ReviewRecord]:
    """Reviews that are due of what is needed again, and of ids that are aliases now."""
    return [review_of(row) for row in await work.tx.fetch(_RETURNED, reviewed=reviewed.value, limit=limit)]


async def erase_remembered(work: Work, review_id: UUID) -> None:
    """Forget the versions of a thing whose review is due, and the papers that came with it."""
    await work.tx.fetch_value(_ERASE_REMEMBERED, review_id=review_id)


async def mark_erased(work: Work, reviewed: ReviewedClass, subject_id: UUID) -> None:
    """The thing is emptied today, and found by nothing that named it."""
    require_one(await work.tx.execute(_MARK_ERASED[reviewed], subject_id=subject_id, on_day=work.today))


async def forget_evidence(work: Work, *, months: int, limit: int) -> int:
    """Delete evidence that ended so many months ago or more, up to `limit` rows of a kind; how many in all."""
    gone: int = await work.tx.fetch_value(_FORGET_EVIDENCE, today=work.today, months=months, limit=limit)
    return gone


async def forget_visits_to_nobody(work: Work, *, visited_by: date, limit: int) -> int:
    """Delete up to `limit` visits of that day or before that met nobody on the register and wait for no decision; how many."""
    tag = await work.tx.execute(_FORGET_VISITS, visited_by=visited_by, limit=limit)
    return int(tag.rpartition(" ")[2])


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


async def is_needed_again(work: Work, review_id: UUID) -> bool:
    """Whether the subject of a review in sight is needed again, wherever; who locks the subject before is certain until the
    commit.
    """
    return bool(await work.tx.fetch_value(_IS_NEEDED, review_id=review_id))


def review_of(row: Record) -> ReviewRecord:
    """The state of a review in a row."""
    return ReviewRecord(**dict(row.items()))
