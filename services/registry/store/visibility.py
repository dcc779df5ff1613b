"""Which persons a client may see and change (architecture §6, decision 0013). Row-level security decides it, by the rows of
`person_division`: its division holds the person now – entered there, registered there, or with an open case, which an accepted
application and a permit not ended are –, or held it less than two years ago. Who holds it now may also change what is about it.

Registrations and permits bring their holds with them, by triggers. Who merely *resolved* a person by complete number and name
has no hold – the other clients of its division have no business with the person – but an entry of its own in
`person_resolution`: for a day it may read masked data and register the person.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from services.chassis.db import prepare
from services.chassis.months import add_months
from services.chassis.work import Work

VISIBLE_MONTHS_AFTER = 24
RESOLUTION_LASTS = timedelta(hours=24)

# Over a table alias `p` with a person_id; the policies leave only the holds a client knows of.
IS_VISIBLE = "EXISTS (SELECT FROM person_division seen WHERE seen.person_id = p.person_id)"

_DIVISIONS = prepare(
    """
    SELECT division_code
    FROM divisions_seeing(CAST(:person_ids AS uuid[]), CAST(:seen_since AS date)) AS d (division_code)
    """
)
_SEES_ANY_OF = prepare("SELECT EXISTS (SELECT FROM person_division WHERE person_id = ANY (CAST(:person_ids AS uuid[])))")
_FORGET_RESOLUTIONS = prepare(
    """
    DELETE FROM person_resolution WHERE (person_id, client_id) IN (
        SELECT person_id, client_id FROM person_resolution WHERE expires_at < CAST(:now AS timestamptz)
        LIMIT CAST(:limit AS integer))
    """
)


def seen_since(work: Work) -> date:
    """A division that let go of a person after this day still sees it; as `row_seen_since()` in the database."""
    return add_months(work.today, -VISIBLE_MONTHS_AFTER)


async def sees_any_of(work: Work, person_ids: Sequence[UUID]) -> bool:
    """Whether the client sees one of these persons at least."""
    return bool(await work.tx.fetch_value(_SEES_ANY_OF, person_ids=list(person_ids)))


async def divisions_of(work: Work, *person_ids: UUID) -> list[str]:
    """The divisions whose followers may hear of the person, or of any of several."""
    rows = await work.tx.fetch(_DIVISIONS, person_ids=list(person_ids), seen_since=seen_since(work))
    return [row["division_code"] for row in rows]


async def forget_resolutions(work: Work, *, limit: int) -> int:
    """Delete entries that have expired; how many there were."""
    tag = await work.tx.execute(_FORGET_RESOLUTIONS, now=work.now, limit=limit)
    return int(tag.rpartition(" ")[2])
