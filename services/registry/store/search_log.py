"""The log of searches: what lines of evidence say of them, of clients within the asking division."""

from collections.abc import Sequence
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.work import Work

_PAGE = prepare("SELECT search_id, line FROM searches_logged(CAST(:before AS uuid), CAST(:up_to AS integer))")


async def searches(work: Work, *, before: UUID | None, limit: int) -> Sequence[Record]:
    """Up to `limit` + 1 lines, newest first."""
    return await work.tx.fetch(_PAGE, before=before, up_to=limit + 1)
