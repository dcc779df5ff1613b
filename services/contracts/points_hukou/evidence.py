"""Evidence about persons, and contests of it."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from services.chassis.events import EventData


class _AboutPerson(EventData):
    person_id: UUID
    version: int = Field(ge=1, description="Version of the evidence or contest, rising by one per change.")

    @property
    def partition_key(self) -> UUID:
        """Order is kept per person."""
        return self.person_id


class EvidenceState(_AboutPerson):
    """Evidence after a change. The value is not told: ask for it, with a purpose."""

    evidence_id: UUID
    rule_set: str = Field(description="The rule set that declares the fact.")
    fact: str
    organisation: str = Field(description="The office that gave it.")
    reliability: Literal["office", "certificate", "declared"]
    status: Literal["current", "superseded", "withdrawn"]
    as_of: date = Field(description="Day of the office's knowledge.")
    valid_from: date | None
    valid_until: date | None
    supersedes: UUID | None = Field(description="The evidence that was current until this one.")


class EvidenceRecorded(EvidenceState):
    """Evidence was given; it is superseded at once when the office had given later knowledge before."""

    event_type: ClassVar[str] = "points_hukou.evidence.recorded.v1"


class EvidenceWithdrawn(EvidenceState):
    """The office that gave it says that it never was so."""

    event_type: ClassVar[str] = "points_hukou.evidence.withdrawn.v1"


class EvidenceContestState(_AboutPerson):
    """A contest of a fact by the person it is about."""

    contest_id: UUID
    evidence_id: UUID
    rule_set: str
    fact: str
    organisation: str = Field(description="The office that has to answer.")
    status: Literal["open", "upheld", "corrected"]
    opened_on: date
    due_on: date = Field(description="Last day for the answer.")
    is_due_provisional: bool = Field(description="Counted before that year's calendar of working days was published.")
    decided_on: date | None
    corrected_by: UUID | None = Field(description="The evidence that took its place.")


class EvidenceContestOpened(EvidenceContestState):
    """A fact is contested; the office that gave it has to answer."""

    event_type: ClassVar[str] = "points_hukou.evidence_contest.opened.v1"


class EvidenceContestAnswered(EvidenceContestState):
    """The office upheld or corrected the fact."""

    event_type: ClassVar[str] = "points_hukou.evidence_contest.answered.v1"


class EvidenceContestOverdue(EvidenceContestState):
    """The office did not answer in time; told once."""

    event_type: ClassVar[str] = "points_hukou.evidence_contest.overdue.v1"


EVENTS: tuple[type[EventData], ...] = (
    EvidenceRecorded,
    EvidenceWithdrawn,
    EvidenceContestOpened,
    EvidenceContestAnswered,
    EvidenceContestOverdue,
)
