"""Where a permit stands on a day: what is stored, seen through the law (RR-30 to RR-32).

A window that passes without endorsement suspends the permit by law, at midnight, whether or not anybody has written it down
yet. So an answer is computed for the day it is given; the daily job and every act on the permit write it down, with its
event.
"""

from datetime import date

from services.chassis.errors import DomainError
from services.chassis.fields import Sight
from services.chassis.work import Work
from services.contracts.registry import ResidencePermitState, ResidencePermitSuspended
from services.registry.actions.law import LAW
from services.registry.actions.permit_notices import tell_suspended
from services.registry.actions.sights import record_shown, sight_of
from services.registry.actions.trail import leave
from services.registry.rules.permit_states import PermitStatus
from services.registry.rules.regimes import NoRegimeInForceError, RegimeNotHeldError
from services.registry.rules.residence_permit import FunctionStatus, PermitFacts, PermitRules, ResidenceYears
from services.registry.schemas.permit_views import PermitRecord, PermitView, SuspensionCause
from services.registry.store import permits as store
from services.registry.store.events import permit_event
from services.registry.store.visibility import divisions_of

RESOURCE = "residence_permit"
_PAPERS = "/v1/historical-permits"


def rules_on(day: date) -> PermitRules:
    """The rules that decide an event of that day. Raises `DomainError('regime-not-held')`."""
    try:
        return LAW.regimes.permit_rules_on(day)
    except NoRegimeInForceError as error:
        raise DomainError("regime-not-held", extra={"on": day.isoformat()}) from error
    except RegimeNotHeldError as error:
        raise DomainError(
            "regime-not-held",
            detail_zh="该日期适用的制度不再作出决定:当时发放的证件可补录,当时的申请可查询条例如何规定。",
            detail_en="Nothing is decided under the regime of that day any more: a paper issued then can be recorded, and what"
            " its text says of an application can be asked.",
            extra={"on": day.isoformat(), "regime": error.key, "record": _PAPERS, "assess": f"{_PAPERS}/assess"},
        ) from error


def rules_of(record: PermitRecord) -> PermitRules:
    """The rules the permit was applied for under."""
    return LAW.regimes.rules_for(record.regime)


def day_for(record: PermitRecord, today: date) -> date:
    """Today; before the permit was issued or applied for – a sandbox may move its clock back – that day."""
    return max(today, record.issued_on or record.applied_on)


def facts_of(record: PermitRecord) -> PermitFacts | None:
    """What the law needs of the permit; `None` while nothing was issued."""
    if record.issued_on is None:
        return None
    return PermitFacts(
        residence_start=record.residence_start or record.issued_on,
        issued_on=record.issued_on,
        endorsed_on=record.endorsed_on,
        suspended_on=record.suspended_on if record.suspension_cause is SuspensionCause.OFFICER else None,
        ended_on=record.ended_on,
    )


def standing_of(record: PermitRecord, today: date) -> FunctionStatus | None:
    """Whether the permit works today; `None` while nothing was issued."""
    facts = facts_of(record)
    return None if facts is None else rules_of(record).function_status(facts, day_for(record, today))


def with_clock(record: PermitRecord, today: date) -> PermitRecord:
    """The record with the dates that follow from issue and endorsements."""
    standing = standing_of(record, today)
    if standing is None:
        return record
    return record.model_copy(
        update={
            "endorsement_anchor_on": standing.anchor,
            "endorsement_from": standing.next_year.window_opens_on,
            "endorsement_until": standing.next_year.window_closes_on,
            "residence_years_from": standing.counted_from,
        }
    )


def as_of(record: PermitRecord, today: date) -> PermitRecord:
    """The record as it stands today: suspended when its window has passed, even before that is written."""
    standing = standing_of(record, today)
    if record.status is not PermitStatus.VALID or standing is None or standing.status is not PermitStatus.SUSPENDED:
        return record
    return record.model_copy(
        update={
            "status": PermitStatus.SUSPENDED,
            "suspended_on": standing.suspended_since,
            "suspension_cause": SuspensionCause.NOT_ENDORSED,
        }
    )


def years_of(record: PermitRecord, today: date) -> ResidenceYears | None:
    """Continuous residence on the day; `None` while nothing was issued."""
    facts = facts_of(record)
    return None if facts is None else rules_of(record).residence_years(facts, day_for(record, today))


def view_of(record: PermitRecord, today: date, sight: Sight) -> PermitView:
    """The permit as it stands today, as `sight` shows it."""
    return PermitView.of(as_of(record, today), sight, years=years_of(record, today))


async def shown(work: Work, record: PermitRecord) -> PermitView:
    """The answer to an act: the permit as this client may see it, with its line of evidence."""
    sight = await sight_of(work, record.person_id)
    view = view_of(record, work.today, sight)
    record_shown(work, RESOURCE, record.permit_id, record.person_id, sight)
    return view


async def bring_up_to_date(work: Work, record: PermitRecord) -> PermitRecord:
    """Write down a suspension that the law clock brought about, with its event and a notice to the holder."""
    current = as_of(record, work.today)
    if current is record:
        return record
    written = await save(work, "suspend", ResidencePermitSuspended, record, current)
    await tell_suspended(work, written)
    return written


async def save(
    work: Work, operation: str, fact: type[ResidencePermitState], before: PermitRecord | None, after: PermitRecord
) -> PermitRecord:
    """Store a new or changed permit and leave its trail; the version is given here."""
    version = 1 if before is None else before.version + 1
    after = after.model_copy(update={"version": version, "updated_at": work.now})
    await (store.insert_permit if before is None else store.update_permit)(work, after)
    leave(
        work,
        operation,
        RESOURCE,
        after.permit_id,
        permit_event(fact, after),
        before=before,
        after=after,
        division_codes=await divisions_of(work, after.person_id),
    )
    return after
