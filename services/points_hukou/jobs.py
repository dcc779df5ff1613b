"""Time-driven work: what has expired is forgotten."""

from services.chassis.jobs import Job
from services.chassis.two_person import forget_expired_contents
from services.chassis.work import Work

CHUNK = 200


async def forget_expired_proposals(work: Work) -> bool:
    """Destroy the contents of proposals that no second officer decided in time; returns whether more is waiting."""
    return await forget_expired_contents(work, limit=CHUNK) == CHUNK


JOBS = (Job("forget-expired-proposals", forget_expired_proposals),)
