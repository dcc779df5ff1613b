"""Time-driven work: what the law clock does to permits is written down and told; what has expired is forgotten."""

from services.chassis.jobs import Job
from services.chassis.two_person import forget_expired_contents
from services.chassis.work import Work
from services.registry.actions.field_work.rates import compute_open_month
from services.registry.actions.homes.finding_reminders import remind_of_findings
from services.registry.actions.homes.letter_reminders import remind_of_letters
from services.registry.actions.permit_clock import bring_up_to_date
from services.registry.actions.permit_notices import remind_of_endorsement, tell_late_issues
from services.registry.actions.retention import close_returned, find_due, forget_evidence
from services.registry.actions.rights_clock import settle_terms, write_down_abandoned
from services.registry.actions.rights_notices import tell_overdue
from services.registry.actions.settled_reports import settle_employments, settle_premises, settle_stays
from services.registry.store.deletion import redact_events
from services.registry.store.permits import lapsed_permits, reload_permit
from services.registry.store.search_keys import keep_missing
from services.registry.store.visibility import forget_resolutions

CHUNK = 200


async def suspend_lapsed_permits(work: Work) -> bool:
    """Suspend valid permits whose endorsement window has passed (RR-31); returns whether more may be waiting."""
    permit_ids = await lapsed_permits(work, limit=CHUNK)
    suspended = 0
    for permit_id in permit_ids:
        record = await reload_permit(work, permit_id)
        suspended += await bring_up_to_date(work, record) is not record
    return len(permit_ids) == CHUNK and suspended > 0


async def remind_holders(work: Work) -> bool:
    """Remind holders of the endorsement that is due (RR-30, RR-38); returns whether more may be waiting."""
    return await remind_of_endorsement(work, limit=CHUNK) == CHUNK


async def tell_of_late_issues(work: Work) -> bool:
    """Tell applicants whose permit was not issued in time (RR-26); returns whether more may be waiting."""
    return await tell_late_issues(work, limit=CHUNK) == CHUNK


async def remind_landlords(work: Work) -> bool:
    """Remind landlords whose letter of responsibility runs out (RR-74); returns whether more may be waiting."""
    return await remind_of_letters(work, limit=CHUNK) == CHUNK


async def remind_of_deadlines(work: Work) -> bool:
    """Remind landlords of what an inspection found, before its deadline and after; returns whether more may be waiting."""
    return await remind_of_findings(work, limit=CHUNK) == CHUNK


async def tell_of_overdue_requests(work: Work) -> bool:
    """Tell those whose request about their data was not decided in time (V-24); returns whether more may be waiting."""
    return await tell_overdue(work, limit=CHUNK) == CHUNK


async def settle_request_terms(work: Work) -> bool:
    """Count terms anew that reached into a year whose calendar was not held (V-26); returns whether more may be waiting."""
    return await settle_terms(work, limit=CHUNK) == CHUNK


async def settle_report_deadlines(work: Work) -> bool:
    """Tell of reports made before the calendar was held whether they were late (RR-14, RR-15, RR-72); whether more may be
    waiting.
    """
    settled = [await settle(work, limit=CHUNK) for settle in (settle_employments, settle_premises, settle_stays)]
    return CHUNK in settled


async def give_up_requests(work: Work) -> bool:
    """Write down which information requests count as given up (V-26); returns whether more may be waiting."""
    return await write_down_abandoned(work, limit=CHUNK) == CHUNK


async def review_retention(work: Work) -> bool:
    """Open reviews of what is past its retention (V-62, V-68), close those of what came back; whether more may be waiting."""
    closed = await close_returned(work, limit=CHUNK)
    return CHUNK in {closed, await find_due(work, limit=CHUNK)}


async def forget_past_evidence(work: Work) -> bool:
    """Delete evidence whose years are over (V-33) and visits that met nobody (V-62); returns whether more may be waiting."""
    return await forget_evidence(work, limit=CHUNK) > 0


async def forget_expired_resolutions(work: Work) -> bool:
    """Delete what clients were told by `resolve` more than a day ago; returns whether more is waiting."""
    return await forget_resolutions(work, limit=CHUNK) == CHUNK


async def forget_expired_proposals(work: Work) -> bool:
    """Destroy the contents of proposals that no second officer decided in time; returns whether more is waiting."""
    return await forget_expired_contents(work, limit=CHUNK) == CHUNK


async def finish_erasures(work: Work) -> bool:
    """Take the values out of events that were still on their way when their person was deleted; nothing more is waiting."""
    await redact_events(work)
    return False


async def key_persons(work: Work) -> bool:
    """Make the keys for searching of persons who were entered before there were such keys; returns whether more is waiting."""
    return await keep_missing(work, limit=CHUNK) == CHUNK


async def compute_rates(work: Work) -> bool:
    """Compute the rates of the months still open (RR-75 to RR-78), a month at a time; returns whether more may be waiting."""
    return await compute_open_month(work)


JOBS = (
    Job("suspend-lapsed-permits", suspend_lapsed_permits),
    Job("remind-of-endorsement", remind_holders),
    Job("tell-of-late-issues", tell_of_late_issues),
    Job("remind-of-letters", remind_landlords),
    Job("remind-of-findings", remind_of_deadlines),
    Job("settle-request-terms", settle_request_terms),
    Job("tell-of-overdue-requests", tell_of_overdue_requests),
    Job("settle-report-deadlines", settle_report_deadlines),
    Job("give-up-requests", give_up_requests),
    Job("review-retention", review_retention),
    Job("forget-past-evidence", forget_past_evidence),
    Job("forget-expired-resolutions", forget_expired_resolutions),
    Job("forget-expired-proposals", forget_expired_proposals),
    Job("finish-erasures", finish_erasures),
    Job("compute-rates", compute_rates),
    Job("key-persons", key_persons),
)
