"""Assessments: a score, frozen with all it rests on, and how it is shown."""

from datetime import date, datetime
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import Field

from services.chassis.fields import PersonalView, Sight
from services.chassis.schemas import View
from services.points_hukou.rules.evidence import EvidenceStatus
from services.points_hukou.rules.gathering.sources import Reliability

Kind = Literal["first", "recheck"]


class UncountedPerson(View):
    """One of a family of whom no score could be counted, and why."""

    person_id: UUID
    reason: Literal["unobtainable", "facts_not_usable"] = Field(
        description="`unobtainable`: the file is no more; `facts_not_usable`: an office has to correct what it said."
    )
    fields: tuple[str, ...] = Field((), description="Which facts cannot be used.")


class ScoredEvidence(View):
    """One word of an office that was looked at for a score: it counted, or said something else than what counted."""

    evidence_id: UUID
    fact: str
    counted: bool


class FrozenScore(View):
    """What is kept encrypted of an assessment: the frozen document but for the text of the rules, and what was gathered."""

    facts: dict[str, Any]
    score: dict[str, Any]
    explanation: dict[str, Any]
    missing: tuple[str, ...] = Field(description="Facts nobody told, which the applicant may bring.")
    untold: tuple[str, ...] = Field((), description="Facts that only offices tell, and none did.")
    contested: tuple[str, ...] = Field(description="Facts that counted, and that sources or the applicant contest.")
    later: tuple[str, ...] = Field((), description="Facts known of a later day only, by evidence that does not say since when.")
    uncounted: tuple[UncountedPerson, ...] = Field((), description="Of the family, those without a score.")
    evidence: tuple[ScoredEvidence, ...] | None = Field(None, description="Null in scores from before it was kept.")


class AssessmentRecord(View):
    """The full state of an assessment; it is written once."""

    assessment_id: UUID
    application_id: UUID
    person_id: UUID
    kind: Kind
    is_counted: bool
    rule_set_id: UUID
    scored_on: date
    scored_by: str | None
    document_sha256: str
    created_at: datetime
    frozen: FrozenScore | None


class AssessmentView(PersonalView):
    """One person's score explained: every component with its facts, rule, article and arithmetic, in both languages."""

    assessment_id: UUID
    application_id: UUID
    person_id: UUID
    kind: Kind
    is_counted: bool = Field(description="Of a family's scores, the one that counts (P-08).")
    rule_set_id: UUID
    scored_on: date
    scored_by: str | None = Field(description="The officer of a recheck; null where the machine alone scored.")
    document_sha256: str = Field(description="Of the document at `…/document`, in its one spelling.")
    created_at: datetime
    is_erased: bool = Field(description="Whether what it says is gone, with the person.")
    total: str | None
    passes: bool | None
    is_eligible: bool | None
    is_frozen: bool | None = Field(description="A frozen score cannot be used for anything (P-07).")
    is_vetoed: bool | None
    explanation: dict[str, Any] | None = Field(
        description="As it was given: components, clauses, parts, what was left out and why."
    )
    what_would_help: list[dict[str, Any]] | None = Field(
        description="`缴纳社保:再有3个月,+1.5`: what would raise the total; no part of the decision."
    )
    missing: list[str] | None = Field(description="Facts nobody told, which the applicant may bring.")
    untold: list[str] | None = Field(
        description="Facts that only offices tell, and none did: what is unknown hinders nothing, so ask before confirming."
    )
    contested: list[str] | None = Field(description="Facts that counted, and that sources or the applicant contest.")
    later: list[str] | None = Field(
        description="Of which somebody says something as of a later day than that of the application, without `valid_from`: it "
        "does not count, and whoever said it may say since when it is so."
    )
    uncounted: list[UncountedPerson] | None = Field(
        description="Those of the family of whom no score could be counted, and why; the highest of the others counts (P-08)."
    )

    @classmethod
    def of(cls, record: AssessmentRecord, sight: Sight, what_would_help: list[dict[str, Any]] | None) -> Self:
        """The assessment as `sight` shows it."""
        kept = {name: value for name, value in record.__dict__.items() if name in cls.model_fields}
        frozen, score = record.frozen, {} if record.frozen is None else record.frozen.score
        told = {
            "is_erased": frozen is None,
            "total": score.get("total"),
            "passes": score.get("passes"),
            "is_eligible": score.get("eligible"),
            "is_frozen": score.get("frozen"),
            "is_vetoed": score.get("vetoed"),
            "explanation": None if frozen is None else frozen.explanation,
            "what_would_help": what_would_help,
            "missing": None if frozen is None else list(frozen.missing),
            "untold": None if frozen is None else list(frozen.untold),
            "contested": None if frozen is None else list(frozen.contested),
            "later": None if frozen is None else list(frozen.later),
            "uncounted": None if frozen is None else list(frozen.uncounted),
        }
        return sight.show(cls(**kept | told))


class AssessmentsView(View):
    """Every assessment of one application, oldest first."""

    items: list[AssessmentView]


class AssessmentEvidenceEntry(View):
    """One word of an office about a fact the rules ask for, as it stood at an instant. Its value is read as evidence."""

    evidence_id: UUID
    fact: str
    organisation: str
    reliability: Reliability
    as_of: date
    valid_from: date | None
    valid_until: date | None
    status: EvidenceStatus = Field(description="As it was known at `known_at`.")
    superseded_by: UUID | None = Field(description="What had taken its place by then.")
    closed_at: datetime | None = Field(description="When it was superseded or withdrawn, if that was before `known_at`.")
    recorded_at: datetime
    counted: bool | None = Field(
        description="Whether it counted in this score; null where it was not looked at, since something later held, or the "
        "score is from before this was kept."
    )


class AssessmentEvidenceView(View):
    """Every word of offices about the facts of a score that was known at an instant: what held, and what was superseded."""

    assessment_id: UUID
    known_at: datetime = Field(description="That of the score itself unless asked otherwise.")
    items: list[AssessmentEvidenceEntry]


class AssessmentDocument(View):
    """Exactly the file `xinshimin points replay` takes: facts, full text of the rules, choices, score and explanation."""

    format: str
    rule_set: str
    digest: str
    service: str
    use_in: str | None
    facts: dict[str, Any]
    score: dict[str, Any]
    explanation: dict[str, Any]
    rule_sets: dict[str, Any]
    own_choices: str
