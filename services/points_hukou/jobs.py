"""Time-driven work: terms of applications, contests, rounds, transfers are kept, or told as missed; places that were left are
handed on; what has expired is forgotten.
"""

from services.chassis.jobs import Job
from services.chassis.two_person import forget_expired_contents
from services.chassis.work import Work
from services.points_hukou.actions import (
    application_acts,
    lowered_places,
    round_objections,
    round_places,
    rounds,
    transfer_answers,
)
from services.points_hukou.actions.evidence import registry_contests
from services.points_hukou.actions.evidence.contests import settle_terms, tell_overdue
from services.points_hukou.store.resealing import reseal_about

CHUNK = 200
_SCORED = 25


async def settle_contest_terms(work: Work) -> bool:
    """Count terms anew that reached into a year whose calendar was not held; returns whether more may be waiting."""
    return await settle_terms(work, limit=CHUNK) == CHUNK


async def tell_of_overdue_contests(work: Work) -> bool:
    """Tell of contests that were not answered in time (V-25); returns whether more may be waiting."""
    return await tell_overdue(work, limit=CHUNK) == CHUNK


async def tell_of_overdue_registry_contests(work: Work) -> bool:
    """Tell of contests the registry did not answer in time (V-25); returns whether more may be waiting."""
    return await registry_contests.tell_overdue(work, limit=CHUNK) == CHUNK


async def forget_expired_proposals(work: Work) -> bool:
    """Destroy the contents of proposals that no second officer decided in time; returns whether more is waiting."""
    return await forget_expired_contents(work, limit=CHUNK) == CHUNK


async def settle_application_terms(work: Work) -> bool:
    """Count terms anew that reached into a year whose calendar was not held; returns whether more may be waiting."""
    return await application_acts.settle_terms(work, limit=CHUNK) == CHUNK


async def score_due_applications(work: Work) -> bool:
    """Score what nobody scored until its last day (P-09); returns whether more may be waiting."""
    return await application_acts.score_due(work, limit=_SCORED) == _SCORED


async def tell_overdue_applications(work: Work) -> bool:
    """Tell followers which applications were not answered in time (P-09); returns whether more may be waiting."""
    return await application_acts.tell_overdue(work, limit=CHUNK) == CHUNK


async def settle_transfer_terms(work: Work) -> bool:
    """Count terms anew that reached into a year whose calendar was not held; returns whether more may be waiting."""
    return await transfer_answers.settle_terms(work, limit=CHUNK) == CHUNK


async def tell_overdue_transfers(work: Work) -> bool:
    """Tell followers which transfers the registry did not answer in time; returns whether more may be waiting."""
    return await transfer_answers.tell_overdue(work, limit=CHUNK) == CHUNK


async def settle_round_terms(work: Work) -> bool:
    """Count terms anew that reached into a year whose calendar was not held; returns whether more may be waiting."""
    return await rounds.settle_terms(work, limit=CHUNK) == CHUNK


async def settle_objection_terms(work: Work) -> bool:
    """Count terms anew that reached into a year whose calendar was not held; returns whether more may be waiting."""
    return await round_objections.settle_terms(work, limit=CHUNK) == CHUNK


async def tell_overdue_objections(work: Work) -> bool:
    """Tell followers which objections were not answered in time (P-27); returns whether more may be waiting."""
    return await round_objections.tell_overdue(work, limit=CHUNK) == CHUNK


async def hand_on_left_places(work: Work) -> bool:
    """Hand on places of final lists whose holders withdrew or were erased (P-14); returns whether more may be waiting."""
    return await round_places.hand_on_left(work, limit=CHUNK) == CHUNK


async def tell_lowered_places(work: Work) -> bool:
    """Tell of places whose holders' scores fell since the list was final; returns whether more may be waiting."""
    return await lowered_places.tell_lowered(work, limit=CHUNK) == CHUNK


async def seal_under_person_keys(work: Work) -> bool:
    """Seal under persons' own keys what earlier releases sealed under the service's; returns whether more may be waiting."""
    return await reseal_about(work, limit=CHUNK) > 0


JOBS = (
    Job("settle-contest-terms", settle_contest_terms),
    Job("tell-of-overdue-contests", tell_of_overdue_contests),
    Job("tell-of-overdue-registry-contests", tell_of_overdue_registry_contests),
    Job("settle-application-terms", settle_application_terms),
    Job("score-due-applications", score_due_applications),
    Job("tell-overdue-applications", tell_overdue_applications),
    Job("settle-transfer-terms", settle_transfer_terms),
    Job("tell-overdue-transfers", tell_overdue_transfers),
    Job("settle-round-terms", settle_round_terms),
    Job("settle-objection-terms", settle_objection_terms),
    Job("tell-overdue-objections", tell_overdue_objections),
    Job("hand-on-left-places", hand_on_left_places),
    Job("tell-lowered-places", tell_lowered_places),
    Job("forget-expired-proposals", forget_expired_proposals),
    Job("seal-under-person-keys", seal_under_person_keys),
)
