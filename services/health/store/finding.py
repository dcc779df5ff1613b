"""Who needs a dose, by the forecasts kept with the cards, and which registered children have no card."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.work import Work

# Children who are away are vaccinated where they are (IMM-52).
_DUE = prepare(
    """
    SELECT c.card_id, c.person_id, c.division_code, c.clinic_code, c.created_at, p.masked_name, f.as_of, f.lines
    FROM card_forecast f JOIN vaccination_card c USING (card_id) LEFT JOIN mirror_person p ON p.person_id = c.person_id
    WHERE c.status IN ('arrived', 'registered', 'active')
        AND (CASE WHEN CAST(:overdue AS boolean) THEN f.overdue_from ELSE f.next_on END) <= CAST(:by AS date)
        AND (CAST(:clinic_code AS text) IS NULL OR c.clinic_code = :clinic_code)
        AND (CAST(:division_code AS text) IS NULL OR starts_with(c.division_code, :division_code))
        AND (CAST(:line AS text) IS NULL OR EXISTS (
            SELECT FROM jsonb_array_elements(f.lines) l WHERE l ->> 'line' = :line
            AND CAST(l ->> (CASE WHEN CAST(:overdue AS boolean) THEN 'overdue_from' ELSE 'recommended' END) AS date)
                <= CAST(:by AS date)))
        AND (CAST(:after_created_at AS timestamptz) IS NULL
            OR (c.created_at, c.card_id) > (:after_created_at, CAST(:after_id AS uuid)))
    ORDER BY c.created_at, c.card_id LIMIT CAST(:limit AS integer)
    """
)
_UNCARDED = prepare(
    """
    SELECT p.person_id, p.masked_name, r.division_code, r.residence_since,
        CAST(r.residence_since AS timestamptz) AS since_at
    FROM mirror_residence_registration r JOIN mirror_person p USING (person_id)
    WHERE r.ended_on IS NULL AND p.birth_date > CAST(:born_after AS date)
        AND (CAST(:division_code AS text) IS NULL OR starts_with(r.division_code, :division_code))
        AND (CAST(:after_since_at AS timestamptz) IS NULL
            OR (CAST(r.residence_since AS timestamptz), p.person_id) > (:after_since_at, CAST(:after_id AS uuid)))
        AND NOT EXISTS (SELECT FROM mirror_person_alias a WHERE a.person_id = p.person_id AND a.unmerged_on IS NULL)
        AND NOT is_carded(p.person_id)
    ORDER BY r.residence_since, p.person_id LIMIT CAST(:limit AS integer)
    """
)


async def list_due(
    work: Work,
    *,
    by: date,
    overdue: bool,
    clinic_code: str | None,
    division_code: str | None,
    line: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Record]:
    """Up to `limit` + 1 cards with a dose due by that day, or late on it, oldest card first."""
    after_created_at, after_id = after or (None, None)
    return await work.tx.fetch(
        _DUE,
        by=by,
        overdue=overdue,
        clinic_code=clinic_code,
        division_code=division_code,
        line=line,
        after_created_at=after_created_at,
        after_id=after_id,
        limit=limit + 1,
    )


async def list_uncarded(
    work: Work, *, born_after: date, division_code: str | None, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Record]:
    """Up to `limit` + 1 registered children without a card, longest resident first."""
    after_since_at, after_id = after or (None, None)
    return await work.tx.fetch(
        _UNCARDED,
        born_after=born_after,
        division_code=division_code,
        after_since_at=after_since_at,
        after_id=after_id,
        limit=limit + 1,
    )
