"""Papers of the regime of 2009: an officer records them from the paper or the old files; read, annulled when recorded in error.
An application of that time is answered by what the text said of it.

The paper was the decision, made then by the office of then. Here it is only asked whether it can be such a paper at all
(RR-47); what the file does not bear out of the conditions of its issue is told and kept, and stops nothing.
"""

from uuid import UUID

from services.chassis.attachments.references import refer
from services.chassis.errors import DomainError, FieldError
from services.chassis.fields import Sight
from services.chassis.ids import new_id
from services.chassis.pages import Page, after, page_of
from services.chassis.refusals import invalid, not_found
from services.chassis.work import Work
from services.contracts.registry import HistoricalPermitAnnulled, HistoricalPermitRecorded, HistoricalPermitState
from services.registry.actions.divisions import require_own_division
from services.registry.actions.law import LAW
from services.registry.actions.person_reading import require_visible
from services.registry.actions.refusals import day_errors, person_not_found, require_held, require_own_id
from services.registry.actions.sights import record_shown, sight_of, sight_on
from services.registry.actions.trail import leave
from services.registry.rules.historical_applications import (
    HistoricalApplication,
    assess_historical_application,
    why_not_of_2009,
)
from services.registry.rules.historical_permits import IssueAssessment, IssueFacts, Paper, assess_issue, status_on
from services.registry.schemas.evidence import attachments_in
from services.registry.schemas.historical_permits import (
    HistoricalApplicationQuestion,
    HistoricalApplicationView,
    HistoricalPermitAnnulment,
    HistoricalPermitEntry,
    HistoricalPermitRecord,
    HistoricalPermitView,
    doubts_of,
)
from services.registry.store import historical_permits as store
from services.registry.store.events import historical_permit_event
from services.registry.store.persons import LockedPerson, lock_persons
from services.registry.store.visibility import divisions_of

RESOURCE = "historical_permit"
_POINTERS = {"term_too_short": "/valid_until", "term_too_long": "/valid_until", "applied_after_issue": "/applied_on"}


async def record_paper(work: Work, body: HistoricalPermitEntry) -> HistoricalPermitView:
    """Record a paper issued then. Two of one kind and day of issue are one: `DomainError('historical-permit-exists')`."""
    require_own_division(work, body.division_code, "/division_code")
    person = (await lock_persons(work, body.person_id)).get(body.person_id)
    if person is None or not person.is_visible:
        raise person_not_found("/person_id")
    require_own_id(person)
    require_held(person)
    _refuse_impossible_days(work, body, person)
    on_file = await store.papers_on_file(work, body.person_id)
    if any((one.kind, one.issued_on, one.was_error) == (body.kind, body.issued_on, False) for one in on_file):
        raise DomainError("historical-permit-exists")
    assessment = assess_issue(_facts(body, person, on_file), LAW.historical, LAW.working_days)
    if assessment.problems:
        raise invalid(
            FieldError(_POINTERS.get(reason.code, "/issued_on"), reason.code, reason.message_zh, reason.message_en, reason.rule)
            for reason in assessment.problems
        )
    record = _recorded(work, body, assessment)
    papers = attachments_in(body.evidence)
    await refer(work, papers, resource=RESOURCE, resource_id=record.historical_permit_id, person_ids=(body.person_id,))
    await store.insert_paper(work, record)
    await _leave(work, "record", HistoricalPermitRecorded, None, record)
    sight = sight_on(work, person.birth_date)
    view = _view(work, record, sight)
    record_shown(work, RESOURCE, record.historical_permit_id, record.person_id, sight)
    return view


async def assess_application(work: Work, body: HistoricalApplicationQuestion) -> HistoricalApplicationView:
    """What the text of 2009 says of an application of its time, by the papers on file and what the files tell."""
    person = await require_visible(work, body.person_id)
    application = HistoricalApplication(
        kind=body.kind,
        applied_on=body.applied_on,
        birth_date=person.birth_date,
        earlier=await store.papers_on_file(work, body.person_id),
        excused_as=body.excused_as,
        has_fixed_home=body.has_fixed_home,
        has_stable_work=body.has_stable_work,
    )
    problems = day_errors("/applied_on", body.applied_on, earliest=person.birth_date, latest=work.today)
    problems += [
        FieldError("/applied_on", reason.code, reason.message_zh, reason.message_en, reason.rule)
        for reason in why_not_of_2009(application, LAW.historical)
    ]
    if problems:
        raise invalid(problems)
    bearing = assess_historical_application(application, LAW.historical, LAW.working_days)
    work.audit("assess", RESOURCE, None, person_id=body.person_id, fields=["issued_on", "valid_until"])
    regime = LAW.regimes.regime_on(body.applied_on).key
    return HistoricalApplicationView.of(body.person_id, application, regime, bearing)


async def annul_paper(work: Work, historical_permit_id: UUID, body: HistoricalPermitAnnulment) -> HistoricalPermitView:
    """Say that a paper was recorded in error; it then counts for nothing and never did (V-18)."""
    found = await store.find_paper(work, historical_permit_id)
    if found is None:
        raise not_found("historical-permit")
    require_held((await lock_persons(work, found.person_id)).get(found.person_id))
    before = await store.find_paper(work, historical_permit_id)
    assert before is not None
    work.expect_version(before.version)
    if before.annulled_on is not None:
        raise DomainError("historical-permit-annulled")
    annulled = before.model_copy(
        update={
            "annulled_on": work.today,
            "annulment_note": body.reason,
            "version": before.version + 1,
            "updated_at": work.now,
        }
    )
    await store.annul_paper(work, annulled)
    await _leave(work, "annul", HistoricalPermitAnnulled, before, annulled)
    sight = await sight_of(work, annulled.person_id)
    view = _view(work, annulled, sight)
    record_shown(work, RESOURCE, historical_permit_id, annulled.person_id, sight)
    return view


async def read_paper(work: Work, historical_permit_id: UUID) -> HistoricalPermitView:
    """One paper as it stands today."""
    record = await store.find_paper(work, historical_permit_id)
    if record is None:
        raise not_found("historical-permit")
    sight = await sight_of(work, record.person_id)
    view = _view(work, record, sight)
    work.audit("read", RESOURCE, historical_permit_id, person_id=record.person_id, fields=sight.shown)
    return view


async def read_papers_of(work: Work, person_id: UUID, cursor: str | None, limit: int) -> Page[HistoricalPermitView]:
    """A person's papers, the newest record first."""
    sight = sight_on(work, (await require_visible(work, person_id)).birth_date)
    scope = f"historical permits of {person_id}"
    rows = await store.papers_of(work, person_id, before=after(work.keyring, scope, cursor), limit=limit)
    page = page_of(
        work.keyring,
        scope,
        rows,
        limit,
        lambda row: _view(work, store.paper_of(work.keyring, row), sight),
        id_column="historical_permit_id",
    )
    work.audit("read", RESOURCE, None, person_id=person_id, fields=sight.shown, outcome=f"found {len(page.items)}")
    return page


def _refuse_impossible_days(work: Work, body: HistoricalPermitEntry, person: LockedPerson) -> None:
    """A paper was issued in the holder's life and not ahead of today; it ended after it was issued."""
    problems = day_errors("/issued_on", body.issued_on, earliest=person.birth_date, latest=work.today)
    if not problems and body.ended_on is not None:
        problems = day_errors("/ended_on", body.ended_on, earliest=body.issued_on, latest=max(body.issued_on, work.today))
    if problems:
        raise invalid(problems)


def _facts(body: HistoricalPermitEntry, person: LockedPerson, on_file: tuple[Paper, ...]) -> IssueFacts:
    return IssueFacts(
        paper=Paper(body.kind, body.issued_on, body.valid_until, body.division_code, body.ended_on),
        applied_on=body.applied_on,
        birth_date=person.birth_date,
        was_asked_for=body.was_asked_for,
        stay_days=body.stay_days,
        institution_stay=body.institution_stay,
        earlier=on_file,
        excused_as=body.excused_as,
        has_fixed_home=body.has_fixed_home,
        has_stable_work=body.has_stable_work,
    )


def _recorded(work: Work, body: HistoricalPermitEntry, assessment: IssueAssessment) -> HistoricalPermitRecord:
    return HistoricalPermitRecord(
        historical_permit_id=new_id(),
        person_id=body.person_id,
        kind=body.kind,
        regime=LAW.regimes.regime_on(body.issued_on).key,
        division_code=body.division_code,
        issued_on=body.issued_on,
        valid_until=body.valid_until,
        ended_on=body.ended_on,
        applied_on=body.applied_on,
        due_on=assessment.due_on,
        doubts=doubts_of(assessment),
        annulled_on=None,
        evidence=tuple(body.evidence),
        card_number=body.card_number,
        annulment_note=None,
        version=1,
        created_at=work.now,
        updated_at=work.now,
    )


def _view(work: Work, record: HistoricalPermitRecord, sight: Sight) -> HistoricalPermitView:
    return HistoricalPermitView.of(record, status_on(record.paper, work.today), sight)


async def _leave(
    work: Work,
    operation: str,
    fact: type[HistoricalPermitState],
    before: HistoricalPermitRecord | None,
    after: HistoricalPermitRecord,
) -> None:
    leave(
        work,
        operation,
        RESOURCE,
        after.historical_permit_id,
        historical_permit_event(fact, after),
        before=before,
        after=after,
        division_codes=await divisions_of(work, after.person_id),
    )
