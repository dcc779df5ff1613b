"""Time-driven work: offices that do not answer a contest in time are told of; what has expired is forgotten."""

from services.chassis.jobs import Job
from services.chassis.two_person import forget_expired_contents
from services.chassis.work import Work
from services.points_hukou.actions.evidence.contests import settle_terms, tell_overdue

CHUNK = 200


async def settle_contest_terms(work: Work) -> bool:
    """Count terms anew that reached into a year whose calendar was not held; returns whether more may be waiting."""
    return await settle_terms(work, limit=CHUNK) == CHUNK


async def tell_of_overdue_contests(work: Work) -> bool:
    """Tell of contests that were not answered in time (V-25); returns whether more may be waiting."""
    return await tell_overdue(work, limit=CHUNK) == CHUNK


async def forget_expired_proposals(work: Work) -> bool:
    """Destroy the contents of proposals that no second officer decided in time; returns whether more is waiting."""
    return await forget_expired_contents(work, limit=CHUNK) == CHUNK


JOBS = (
    Job("settle-contest-terms", settle_contest_terms),
    Job("tell-of-overdue-contests", tell_of_overdue_contests),
    Job("forget-expired-proposals", forget_expired_proposals),
)
