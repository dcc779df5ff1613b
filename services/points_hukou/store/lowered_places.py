"""Places of final lists whose applications were scored anew since: found, and marked once compared."""

from datetime import date
from uuid import UUID

from services.chassis.db import prepare
from services.chassis.work import Work
from services.points_hukou.schemas.round_places import PlaceRecord
from services.points_hukou.store.round_places import READ, place_of_row

_RESCORED = prepare(
    f"""
    {READ} JOIN round r ON r.round_id = p.round_id AND r.status = 'finished'
    JOIN application a ON a.application_id = p.application_id AND a.status = 'confirmed'
    WHERE p.superseded_on IS NULL AND p.outcome = 'admitted' AND p.given_up_on IS NULL AND p.sealed IS NOT NULL
        AND a.counted_assessment_id <> coalesce(p.compared_assessment_id, p.assessment_id)
        AND (CAST(:round_id AS uuid) IS NULL OR p.round_id = :round_id)
    ORDER BY p.round_id, p.place_id LIMIT CAST(:limit AS integer)
    """
)
_COMPARED = prepare(
    """
    UPDATE round_place SET lowered_on = CAST(:lowered_on AS date), compared_assessment_id =
        (SELECT counted_assessment_id FROM application a WHERE a.application_id = round_place.application_id)
    WHERE place_id = :place_id
    """
)


async def rescored_places(work: Work, *, round_id: UUID | None = None, limit: int) -> list[PlaceRecord]:
    """Places held by an application of which another score counts now than was last compared."""
    rows = await work.tx.fetch(_RESCORED, round_id=round_id, limit=limit)
    return [place_of_row(work.keyring, row) for row in rows]


async def mark_compared(work: Work, place_id: UUID, lowered_on: date | None) -> None:
    """The score that counts now was compared, and gave less since that day, or not."""
    await work.tx.execute(_COMPARED, place_id=place_id, lowered_on=lowered_on)
