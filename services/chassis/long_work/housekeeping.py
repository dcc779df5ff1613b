"""Operations past their retention are forgotten."""

from services.chassis.jobs import Job
from services.chassis.long_work import rows
from services.chassis.work import Work

CHUNK = 100


async def delete_expired(work: Work) -> bool:
    """Delete operations that ended and are past their retention; returns whether more is waiting."""
    return await rows.delete_expired(work.tx, work.today, limit=CHUNK) == CHUNK


JOBS = (Job("delete-expired-operations", delete_expired),)
