"""Pairs of persons who may be one human, at the edge."""

from collections.abc import Set as AbstractSet
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.fields import Sight
from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, View
from services.registry.rules.duplicates import CandidateLevel, Likelihood
from services.registry.schemas.evidence import Evidence
from services.registry.schemas.merging import EVIDENCE_MAX, MergeReason
from services.registry.schemas.person_views import FoundPersonView, PersonView

_KEPT = "019ab0c2-1111-7000-8000-000000000001"


class DuplicateDecision(StrEnum):
    """What an officer says of a pair."""

    SAME_PERSON = "same_person"
    DIFFERENT_PERSONS = "different_persons"
    LATER = "later"


class CandidateStatus(StrEnum):
    """Where a pair stands; looked up, so that it cannot be out of date."""

    OPEN = "open"
    PUT_OFF = "put_off"
    PROPOSED = "proposed"
    DIFFERENT = "different"
    MERGED = "merged"
    UNLIKE = "unlike"


class PairMerge(Command):
    """Which of the two is kept as the canonical person, how it was found that they are one human, and on which papers."""

    kept_person_id: UUID = Field(description="The one whose id stays; the other's becomes its alias.")
    reason: MergeReason
    evidence: list[Evidence] = Field(min_length=1, max_length=EVIDENCE_MAX, description="What shows it.")


class CandidateDecision(Command):
    """An officer's decision about a pair. `same_person` proposes the merge, which a second officer approves or not."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "decision": "same_person",
                    "merge": {
                        "kept_person_id": _KEPT,
                        "reason": "changed_document",
                        "evidence": [{"type": "police_certificate"}],
                    },
                }
            ]
        }
    )

    decision: DuplicateDecision
    merge: PairMerge | None = Field(default=None, description="With `same_person`, and only then.")


class CandidateRecord(VersionedRecord):
    """The full state of a pair, as kept and as remembered. Never leaves the service."""

    candidate_id: UUID
    person_id: UUID
    related_person_id: UUID
    likeness: int
    score: int | None
    found_on: date
    decision: DuplicateDecision | None
    decided_on: date | None
    shown_again_on: date | None
    proposal_id: UUID | None


class SignView(View):
    """Something that agrees or does not; what it is in either record, the records tell."""

    code: str = Field(examples=["birth_date.same"])
    points: int
    message_zh: str
    message_en: str


class DuplicateCandidateView(View):
    """Two persons on the register whose records look like one human's. Nothing follows from it but that an officer looks."""

    candidate_id: UUID
    version: int
    status: CandidateStatus = Field(
        description="`proposed`: a merge waits for the second officer. `merged`: they are one human now. `unlike`: after a"
        " correction they agree no more."
    )
    level: CandidateLevel | None = Field(description="How likely; null once they agree no more.")
    score: int | None = Field(
        description="Of the pair, never of a person: the sum of the points in `signs`; null where some are left out."
    )
    signs: list[SignView] = Field(
        description="Everything that agrees and that does not, by the points in force today, but for what tells of fields that"
        " this client does not see of one of the two."
    )
    persons: list[FoundPersonView] = Field(description="The two, each masked as a search result is; an alias's human.")
    found_on: date
    decision: DuplicateDecision | None = Field(description="The last decision; null where there is none about the data of now.")
    decided_on: date | None
    shown_again_on: date | None = Field(description="Day from which a pair that was put off is open again.")
    proposal_id: UUID | None = Field(description="The merge that was proposed.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(
        cls,
        record: CandidateRecord,
        status: CandidateStatus,
        likelihood: Likelihood,
        persons: list[FoundPersonView],
        hidden: AbstractSet[str],
    ) -> Self:
        """The pair, as both persons are shown; `hidden` are the aspects that are not."""
        return cls(
            candidate_id=record.candidate_id,
            version=record.version,
            status=status,
            level=likelihood.level,
            score=None if hidden else likelihood.score,
            signs=[
                SignView(code=sign.key, points=sign.points, message_zh=sign.message_zh, message_en=sign.message_en)
                for sign in likelihood.signs
                if sign.key.partition(".")[0] not in hidden
            ],
            persons=persons,
            found_on=record.found_on,
            decision=record.decision,
            decided_on=record.decided_on,
            shown_again_on=record.shown_again_on,
            proposal_id=record.proposal_id,
            created_at=record.created_at,
            updated_at=record.updated_at,
        )


_FIELD_OF = {"birth_date": "birth_date", "sex": "sex_code", "home": "hukou_division_code", "phone": "phone"}


def hidden_aspects(sight: Sight) -> set[str]:
    """What a client does not see of a person it is not told by comparison either: somebody could be entered to guess at it."""
    seen = sight.again().show_data(PersonView, dict.fromkeys(_FIELD_OF.values(), True))
    return {aspect for aspect, name in _FIELD_OF.items() if seen[name] is not True}


class PastCandidateView(View):
    """A pair as of one decision."""

    decision: DuplicateDecision | None
    decided_on: date | None
    shown_again_on: date | None
    proposal_id: UUID | None

    @classmethod
    def of(cls, record: CandidateRecord) -> Self:
        """A remembered state."""
        remembered: dict[str, Any] = {name: getattr(record, name) for name in cls.model_fields}
        return cls(**remembered)
