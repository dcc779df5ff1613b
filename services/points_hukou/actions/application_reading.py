"""Reading applications, their versions, and the assessments that answer them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from services.chassis.errors import DomainError
from services.chassis.fields import Sight
from services.chassis.history import VersionView, versions_of
from services.chassis.pages import Page, after, page_of
from services.chassis.refusals import not_found
from services.chassis.work import Work
from services.points_hukou.actions.application_standing import RESOURCE, eyes_on, is_overdue, shown, sight_of
from services.points_hukou.actions.rule_set_compiling import compiled
from services.points_hukou.actions.scoring import RESOURCE as ASSESSMENT
from services.points_hukou.rules.application_states import ApplicationStatus
from services.points_hukou.rules.explaining import advice_of
from services.points_hukou.rules.facts import read_facts
from services.points_hukou.rules.replaying import FORMAT, FrozenAssessment, FrozenText
from services.points_hukou.rules.scoring import score
from services.points_hukou.schemas.applications import ApplicationRecord, ApplicationView
from services.points_hukou.schemas.assessments import (
    AssessmentEvidenceEntry,
    AssessmentEvidenceView,
    AssessmentRecord,
    AssessmentsView,
    AssessmentView,
)
from services.points_hukou.schemas.fields import FIELDS
from services.points_hukou.schemas.rule_sets import RuleSetRecord
from services.points_hukou.store import applications as store
from services.points_hukou.store import assessments, evidence, rule_sets


async def read_application(work: Work, application_id: UUID) -> ApplicationView:
    """One application of this client's offices."""
    return await shown(work, await _application(work, application_id))


async def list_applications(
    work: Work,
    person_id: UUID | None,
    status: ApplicationStatus | None,
    cursor: str | None,
    limit: int,
    *,
    overdue: bool,
) -> Page[ApplicationView]:
    """Applications of this client's offices, oldest first; with `overdue` those whose term was missed."""
    scope = f"applications {person_id} {status} {overdue}"
    ids = None if person_id is None else await _ids_of_human(work, person_id)
    rows = await store.list_applications(
        work, person_ids=ids, status=status, overdue=overdue, after=after(work.keyring, scope, cursor), limit=limit
    )
    births = await store.birth_dates_of(work, {row["person_id"] for row in rows})
    sights = {row["person_id"]: eyes_on(work, births.get(row["person_id"])) for row in rows}

    def view(row: Any) -> ApplicationView:
        record = store.application_of(work.keyring, row)
        return ApplicationView.of(record, sights[record.person_id], is_overdue=is_overdue(work, record))

    page = page_of(work.keyring, scope, rows, limit, view, id_column="application_id")
    for item in page.items:
        work.audit("read", RESOURCE, item.application_id, person_id=item.person_id, fields=sights[item.person_id].shown)
    return page


async def read_versions(work: Work, application_id: UUID, cursor: str | None, limit: int) -> Page[VersionView[ApplicationView]]:
    """The versions of an application, newest first."""
    record = await _application(work, application_id)
    sight = await sight_of(work, record.person_id)
    page = await versions_of(
        work,
        RESOURCE,
        application_id,
        record=ApplicationRecord,
        view=lambda past: ApplicationView.of(past, sight, is_overdue=False),
        cursor=cursor,
        limit=limit,
    )
    work.audit("read_history", RESOURCE, application_id, person_id=record.person_id, fields=sight.shown)
    return page


async def read_assessments(work: Work, application_id: UUID) -> AssessmentsView:
    """Every assessment of an application, oldest first."""
    await _application(work, application_id)
    found = await assessments.assessments_of(work, application_id)
    return AssessmentsView(items=[await _shown(work, each) for each in found])


async def read_assessment(work: Work, assessment_id: UUID) -> AssessmentView:
    """One assessment with its explanation, and what would help."""
    return await _shown(work, await _assessment(work, assessment_id))


async def read_document(work: Work, assessment_id: UUID) -> FrozenAssessment:
    """The frozen document: exactly the file that `xinshimin points replay` counts again, years later, offline.

    Raises `DomainError('scope-missing')` for who may not see everything of the person, `DomainError('assessment-erased')` when
    what it says went with the person.
    """
    record = await _assessment(work, assessment_id)
    if not FIELDS.shows_everything(work.principal.scopes):
        raise DomainError("scope-missing", extra={"scope": sorted(FIELDS.scopes.names() - work.principal.scopes)[0]})
    law = await rule_sets.find_rule_set(work, record.rule_set_id)
    if record.frozen is None or law is None:
        raise DomainError("assessment-erased")
    work.audit(
        "read_document", ASSESSMENT, assessment_id, person_id=record.person_id, fields=sorted(record.frozen.facts["facts"])
    )
    return _document(record, law)


async def read_evidence(work: Work, assessment_id: UUID, known_at: datetime | None) -> AssessmentEvidenceView:
    """What offices had said of the facts of a score by then, what counted, and what was superseded.

    Raises `DomainError('assessment-erased')` when what the score says went with the person.
    """
    record = await _assessment(work, assessment_id)
    law = await rule_sets.find_rule_set(work, record.rule_set_id)
    if record.frozen is None or law is None:
        raise DomainError("assessment-erased")
    rule_set, then = compiled(law), known_at or record.created_at
    rows = await evidence.known_then(
        work,
        record.person_id,
        rule_sets=[each.id for each in rule_set.validities],
        facts=list(rule_set.facts),
        known_at=then,
    )
    counted = {each.evidence_id: each.counted for each in record.frozen.evidence or ()}
    items = [
        AssessmentEvidenceEntry.model_validate(dict(row.items()) | {"counted": counted.get(row["evidence_id"])}) for row in rows
    ]
    work.audit(
        "read_evidence", ASSESSMENT, assessment_id, person_id=record.person_id, fields=sorted({each.fact for each in items})
    )
    return AssessmentEvidenceView(assessment_id=assessment_id, known_at=then, items=items)


def _document(record: AssessmentRecord, law: RuleSetRecord) -> FrozenAssessment:
    frozen = record.frozen
    assert frozen is not None
    return FrozenAssessment(
        format=FORMAT,
        rule_set=law.name,
        digest=law.digest or "",
        service=frozen.explanation["service"]["id"],
        use_in=frozen.explanation["use_in"],
        facts=frozen.facts,
        score=frozen.score,
        explanation=frozen.explanation,
        rule_sets={name: FrozenText(rule_set=text.rule_set, choices=text.choices) for name, text in law.chain.items()},
        own_choices=law.own_choices,
    )


async def _shown(work: Work, record: AssessmentRecord) -> AssessmentView:
    sight: Sight = await sight_of(work, record.person_id)
    view = AssessmentView.of(record, sight, await _advice(work, record))
    work.audit("read", ASSESSMENT, record.assessment_id, person_id=record.person_id, fields=sight.shown)
    return view


async def _advice(work: Work, record: AssessmentRecord) -> list[dict[str, Any]] | None:
    """What would help, counted from the frozen facts by the same rules."""
    law = await rule_sets.find_rule_set(work, record.rule_set_id)
    if record.frozen is None or law is None:
        return None
    rule_set = compiled(law)
    facts = read_facts(record.frozen.facts, rule_set.facts, rule_set.rules_of_facts)
    service, use_in = record.frozen.explanation["service"]["id"], record.frozen.explanation["use_in"]
    return advice_of(score(rule_set, facts, service=service, use_in=use_in))


async def _ids_of_human(work: Work, person_id: UUID) -> list[UUID]:
    in_use = await store.ids_in_use(work, [person_id])
    return await store.all_ids_of(work, set(in_use.values()))


async def _application(work: Work, application_id: UUID) -> ApplicationRecord:
    record = await store.find_application(work, application_id)
    if record is None:
        raise not_found("application")
    return record


async def _assessment(work: Work, assessment_id: UUID) -> AssessmentRecord:
    record = await assessments.find_assessment(work, assessment_id)
    if record is None:
        raise not_found("assessment")
    return record
