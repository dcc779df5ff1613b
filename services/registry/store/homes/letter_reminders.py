"""Letters of responsibility that run out and were not followed by another, whose landlords were not told yet (RR-74)."""

from collections.abc import Sequence

from services.chassis.db import Record, prepare
from services.chassis.work import Work

# The key is that of `actions.notices.dedupe_key` for this template. Told as many days after the end as before it at most: whose
# old letters were just entered is not told of the past.
_UNTOLD = prepare(
    """
    SELECT t.letter_id, t.landlord_id, t.division_code, t.valid_until
    FROM responsibility_letter t JOIN landlord l USING (landlord_id)
    WHERE t.ended_on IS NULL AND t.signed_on <= CAST(:today AS date)
        AND t.valid_until <= CAST(:today AS date) + CAST(:days AS integer)
        AND t.valid_until > CAST(:today AS date) - CAST(:days AS integer)
        AND NOT EXISTS (SELECT FROM responsibility_letter later WHERE later.landlord_id = t.landlord_id
            AND later.ended_on IS NULL AND later.valid_until > t.valid_until)
        AND NOT EXISTS (SELECT FROM notice n
            WHERE n.dedupe_key = concat_ws('|', 'letter_expiring', t.landlord_id, t.letter_id, t.valid_until))
    ORDER BY t.valid_until, t.letter_id LIMIT CAST(:limit AS integer) FOR UPDATE OF l
    """
)


async def lock_untold(work: Work, *, days: int, limit: int) -> Sequence[Record]:
    """Up to `limit` of them, landlords' rows locked: letter_id, landlord_id, division_code, valid_until."""
    return await work.tx.fetch(_UNTOLD, today=work.today, days=days, limit=limit)
