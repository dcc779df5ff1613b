"""Scoring an application: facts gathered, counted by its own rule set, frozen for good (P-37)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.ids import new_id
from services.chassis.work import Work
from services.points_hukou.actions.rule_set_compiling import compiled
from services.points_hukou.rules.assessment import Assessment
from services.points_hukou.rules.compiling import RuleSet
from services.points_hukou.rules.facts import FactsError, read_facts
from services.points_hukou.rules.family import counted_of
from services.points_hukou.rules.gathering.gathering import GatheredFacts
from services.points_hukou.rules.replaying import FrozenAssessment, freeze, sha256_of
from services.points_hukou.rules.scoring import score
from services.points_hukou.schemas.applications import ApplicationRecord
from services.points_hukou.schemas.assessments import AssessmentRecord, FrozenScore, Kind, ScoredEvidence, UncountedPerson
from services.points_hukou.schemas.rule_sets import RuleSetRecord
from services.points_hukou.store import assessments as store
from services.points_hukou.store import rule_sets
from services.points_hukou.store.person_facts import hold_applicants, known_of

RESOURCE = "assessment"


@dataclass(frozen=True, slots=True)
class _Counted:
    person_id: UUID
    gathered: GatheredFacts
    assessment: Assessment
    frozen: FrozenAssessment


async def score_application(work: Work, application: ApplicationRecord, kind: Kind) -> UUID:
    """Score everybody whose score may count, store each, and say which one counts.

    The case is the office's, so it scores also those of the family who have left its sight since. Who is no more, and whose
    facts cannot be used, has no score; those of the others count, and each says who is missing (P-08).

    Raises `DomainError('facts-not-usable')` with every field, when of nobody a score can be counted.
    """
    law = await rule_sets.find_rule_set(work, application.rule_set_id)
    assert law is not None, "approved rule sets are seen by everybody"
    rule_set = compiled(law)
    everybody = dict.fromkeys((application.person_id, *application.family_person_ids))
    held = await hold_applicants(work, application.application_id)
    known = await known_of(
        work, set(held.values()), rule_set, application.applied_on, application_id=application.application_id
    )
    counted: list[_Counted] = []
    uncounted: list[UncountedPerson] = []
    problems: list[FieldError] = []
    for person_id in everybody:
        if (of := known.get(held.get(person_id, person_id))) is None:
            uncounted.append(UncountedPerson(person_id=person_id, reason="unobtainable"))
            problems.append(_unobtainable(everybody, person_id))
            continue
        gathered = of.facts(rule_set, application.applied_on, work.today)
        try:
            counted.append(_count(application, law, rule_set, person_id, gathered))
        except FactsError as error:
            named = [FieldError(each.field, "fact", each.message_zh, each.message_en) for each in error.problems]
            uncounted.append(
                UncountedPerson(person_id=person_id, reason="facts_not_usable", fields=tuple(each.pointer for each in named))
            )
            problems += named
    if not counted:
        raise DomainError("facts-not-usable", errors=problems)
    return await _store(work, application, kind, counted, tuple(uncounted))


def _count(
    application: ApplicationRecord, law: RuleSetRecord, rule_set: RuleSet, person_id: UUID, gathered: GatheredFacts
) -> _Counted:
    """One person's score on the day of the application, by what is known today."""
    facts = read_facts(gathered.document, rule_set.facts, rule_set.rules_of_facts)
    assessment = score(rule_set, facts, service=application.service, use_in=application.division_code)
    return _Counted(person_id, gathered, assessment, freeze(assessment, law.chain, law.own_choices))


def _evidence_in(gathered: GatheredFacts) -> tuple[ScoredEvidence, ...]:
    counted = [(each, True) for sources in gathered.counted.values() for each in sources]
    others = [(each, False) for conflict in gathered.conflicts for each in conflict.others]
    return tuple(
        ScoredEvidence(evidence_id=each.evidence_id, fact=each.fact, counted=is_counted)
        for each, is_counted in counted + others
        if each.evidence_id is not None
    )


def _unobtainable(everybody: Iterable[UUID], person_id: UUID) -> FieldError:
    place = list(everybody).index(person_id)
    pointer = f"/family_person_ids/{place - 1}" if place else "/person_id"
    return FieldError(pointer, "unobtainable", "此人的档案已不存在", "this person's file is no more", "P-08")


async def _store(
    work: Work,
    application: ApplicationRecord,
    kind: Kind,
    counted: Sequence[_Counted],
    uncounted: tuple[UncountedPerson, ...],
) -> UUID:
    await work.make_person_keys([each.person_id for each in counted])
    best = counted_of([each.assessment for each in counted])
    ids = [new_id() for _ in counted]
    for place, each in enumerate(counted):
        record = AssessmentRecord(
            assessment_id=ids[place],
            application_id=application.application_id,
            person_id=each.person_id,
            kind=kind,
            is_counted=place == best,
            rule_set_id=application.rule_set_id,
            scored_on=work.today,
            scored_by=work.require_actor() if kind == "recheck" else None,
            document_sha256=sha256_of(each.frozen),
            created_at=work.now,
            frozen=FrozenScore(
                facts=each.frozen.facts,
                score=each.frozen.score,
                explanation=each.frozen.explanation,
                missing=each.gathered.missing,
                untold=each.gathered.untold,
                contested=each.gathered.contested,
                later=each.gathered.later,
                uncounted=uncounted,
                evidence=_evidence_in(each.gathered),
            ),
        )
        await store.insert_assessment(work, record)
        work.audit("score", RESOURCE, record.assessment_id, person_id=each.person_id, fields=sorted(each.gathered.counted))
    return ids[best]
