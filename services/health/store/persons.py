"""Persons as the register tells of them: who they are by now, when they were born, since when they live here."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.chassis.db import prepare
from services.chassis.work import Work

_FIND = prepare(
    """
    SELECT p.person_id, p.birth_date, a.canonical_person_id, (
        SELECT min(r.residence_since) FROM mirror_residence_registration r
        WHERE r.person_id = p.person_id AND r.ended_on IS NULL) AS lives_here_since
    FROM mirror_person p LEFT JOIN mirror_person_alias a ON a.person_id = p.person_id AND a.unmerged_on IS NULL
    WHERE p.person_id = CAST(:person_id AS uuid)
    """
)
_BIRTHS = prepare("SELECT person_id, birth_date FROM mirror_person WHERE person_id = ANY (CAST(:person_ids AS uuid[]))")
_IDS = prepare(
    """
    SELECT person_id FROM mirror_person_alias WHERE unmerged_on IS NULL AND canonical_person_id = coalesce((
        SELECT canonical_person_id FROM mirror_person_alias
        WHERE person_id = CAST(:person_id AS uuid) AND unmerged_on IS NULL), CAST(:person_id AS uuid))
    UNION SELECT canonical_person_id FROM mirror_person_alias
    WHERE person_id = CAST(:person_id AS uuid) AND unmerged_on IS NULL
    UNION SELECT CAST(:person_id AS uuid)
    """
)
_LOCK = prepare("SELECT pg_advisory_xact_lock(hashtextextended('card of ' || CAST(:person_id AS text), 0))")


@dataclass(frozen=True, slots=True)
class Person:
    """`in_use`: the id its human has by now."""

    birth_date: date
    in_use: UUID
    lives_here_since: date | None


async def find_person(work: Work, person_id: UUID) -> Person | None:
    """The person, if this client may see it."""
    row = await work.tx.fetch_row(_FIND, person_id=person_id)
    if row is None:
        return None
    return Person(row["birth_date"], row["canonical_person_id"] or row["person_id"], row["lives_here_since"])


async def birth_dates_of(work: Work, person_ids: Collection[UUID]) -> dict[UUID, date]:
    """The birth dates of those this client may see."""
    rows = await work.tx.fetch(_BIRTHS, person_ids=list(person_ids))
    return {row["person_id"]: row["birth_date"] for row in rows}


async def ids_of_human(work: Work, person_id: UUID) -> list[UUID]:
    """Every id of the same human, as far as this client sees it."""
    return [row["person_id"] for row in await work.tx.fetch(_IDS, person_id=person_id)]


async def lock_persons(work: Work, person_ids: Collection[UUID]) -> None:
    """Nobody else opens a card for these until the commit; always in one order."""
    for person_id in sorted(person_ids):
        await work.tx.execute(_LOCK, person_id=str(person_id))
