"""Pairs of cards of which one human may have one: found after a merge, written, listed."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.work import Work
from services.health.schemas.conflicts import CardConflictRecord, ConflictStatus

_FIND = prepare(
    """
    SELECT p.person_id, p.card_id, p.other_card_id, p.division_codes FROM cards_in_conflict(CAST(:humans AS uuid[])) p
    WHERE NOT EXISTS (SELECT FROM card_conflict c WHERE (c.card_id, c.other_card_id) = (p.card_id, p.other_card_id))
    ORDER BY p.card_id, p.other_card_id
    """
)
_INSERT = prepare(
    """
    INSERT INTO card_conflict (conflict_id, person_id, card_id, other_card_id, opened_on, created_at)
    VALUES (:conflict_id, :person_id, :card_id, :other_card_id, :opened_on, :created_at)
    """
)
_LIST = prepare(
    """
    SELECT * FROM (
        SELECT c.conflict_id, c.person_id, c.card_id, c.other_card_id, c.opened_on, c.created_at,
            CASE WHEN is_card_conflict_open(c.conflict_id) THEN 'open' ELSE 'settled' END AS status
        FROM card_conflict c
        WHERE CAST(:after_created_at AS timestamptz) IS NULL
            OR (c.created_at, c.conflict_id) > (:after_created_at, CAST(:after_id AS uuid))
    ) found
    WHERE CAST(:status AS text) IS NULL OR status = :status
    ORDER BY created_at, conflict_id LIMIT CAST(:limit AS integer)
    """
)


async def find_new(work: Work, humans: Collection[UUID]) -> Sequence[Record]:
    """Pairs of cards in use of one human, as far as they were not put before anybody yet."""
    return await work.tx.fetch(_FIND, humans=list(humans))


async def insert_conflict(work: Work, record: CardConflictRecord) -> None:
    """Store a conflict just found."""
    await work.tx.execute(_INSERT, **record.__dict__)


async def list_conflicts(
    work: Work, *, status: ConflictStatus | None, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Record]:
    """Up to `limit` + 1 conflicts of which this client sees one of the cards, oldest first."""
    after_created_at, after_id = after or (None, None)
    return await work.tx.fetch(_LIST, status=status, after_created_at=after_created_at, after_id=after_id, limit=limit + 1)
