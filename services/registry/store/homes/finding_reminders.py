"""Open findings whose deadline is near or over, and whose landlords were not told yet (COM-64, COM-70)."""

from collections.abc import Sequence

from services.chassis.db import Record, prepare
from services.chassis.work import Work

# The keys are those of `actions.notices.dedupe_key`; a deadline that was put off is another occasion. The finding is locked, so
# that an inspection closes it before or after, and nobody is told of what is put right.
_UNTOLD = prepare(
    """
    SELECT f.finding_id, f.division_code, f.due_on, f.kind, m.landlord_id,
        CASE WHEN f.due_on < CAST(:today AS date) THEN 'finding_overdue' ELSE 'finding_due' END AS template
    FROM inspection_finding f JOIN premises m USING (premises_id)
    WHERE f.status = 'open' AND m.status = 'registered' AND f.due_on <= CAST(:today AS date) + CAST(:days AS integer)
        AND NOT EXISTS (SELECT FROM notice n WHERE n.dedupe_key = concat_ws('|',
            CASE WHEN f.due_on < CAST(:today AS date) THEN 'finding_overdue' ELSE 'finding_due' END,
            m.landlord_id, f.finding_id, f.due_on))
    ORDER BY f.due_on, f.finding_id LIMIT CAST(:limit AS integer) FOR UPDATE OF f
    """
)


async def lock_untold(work: Work, *, days: int, limit: int) -> Sequence[Record]:
    """Up to `limit` of them, findings' rows locked: finding_id, division_code, due_on, kind, landlord_id, template."""
    return await work.tx.fetch(_UNTOLD, today=work.today, days=days, limit=limit)
