"""Merging two persons who are one human, and taking it back, at the edge."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.fields import PersonalView, Sight
from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, View
from services.registry.schemas.evidence import Evidence, attachments_in

EVIDENCE_MAX = 20
_DUPLICATE = "019ab0c2-1111-7000-8000-000000000002"


def _example(reason: str, paper: str) -> ConfigDict:
    content: dict[str, Any] = {"duplicate_person_id": _DUPLICATE, "reason": reason, "evidence": [{"type": paper}]}
    return ConfigDict(json_schema_extra={"examples": [content]})


class MergeReason(StrEnum):
    """How it was found that two persons on the register are one human."""

    SAME_DOCUMENT = "same_document"
    CHANGED_DOCUMENT = "changed_document"
    CHANGED_NAME = "changed_name"
    CONFIRMED_BY_PERSON = "confirmed_by_person"
    CONFIRMED_BY_ORIGIN = "confirmed_by_origin"


class UnmergeReason(StrEnum):
    """How it was found that they are two after all."""

    TWO_HUMANS = "two_humans"
    SHARED_NUMBER = "shared_number"
    OBJECTION_UPHELD = "objection_upheld"


class PersonMerge(Command):
    """A person on the register who is the same human as the one in the path; that one is kept as the canonical person."""

    model_config = _example("changed_document", "police_certificate")

    duplicate_person_id: UUID = Field(description="The id that becomes an alias.")
    reason: MergeReason
    evidence: list[Evidence] = Field(min_length=1, max_length=EVIDENCE_MAX, description="What shows it.")


class PersonUnmerge(Command):
    """A merge to be taken back."""

    model_config = _example("two_humans", "police_certificate")

    duplicate_person_id: UUID = Field(description="The id that becomes a person of its own again.")
    reason: UnmergeReason
    evidence: list[Evidence] = Field(min_length=1, max_length=EVIDENCE_MAX, description="What shows it.")


class ProposedMerge(View):
    """What waits for the second officer, bound to the version of the duplicate as well. Never leaves the service."""

    merge_id: UUID
    duplicate_person_id: UUID
    duplicate_version: int
    reason: MergeReason
    evidence: tuple[Evidence, ...]


class ProposedUnmerge(View):
    """What waits for the second officer. Never leaves the service."""

    duplicate_person_id: UUID
    reason: UnmergeReason
    evidence: tuple[Evidence, ...]


class NumberSettlement(Command):
    """Which of the citizen numbers that a merge brought together is the human's."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"document_id": "019ab0c2-1111-7000-8000-000000000003", "evidence": [{"type": "police_certificate"}]},
            ]
        }
    )

    document_id: UUID = Field(description="The document with the human's number, under whichever id it is on file.")
    evidence: list[Evidence] = Field(min_length=1, max_length=EVIDENCE_MAX, description="What shows it.")


class ProposedSettlement(View):
    """What waits for the second officer, bound to the versions of every id of the human. Never leaves the service."""

    document_id: UUID
    versions: dict[UUID, int]
    evidence: tuple[Evidence, ...]


class MergeRecord(VersionedRecord):
    """The full state of a merge, as kept and as remembered. Never leaves the service."""

    merge_id: UUID
    person_id: UUID
    canonical_person_id: UUID
    reason: MergeReason
    evidence: tuple[Evidence, ...]
    merged_on: date
    unmerged_on: date | None
    unmerge_reason: UnmergeReason | None
    unmerge_evidence: tuple[Evidence, ...]


class MergeView(PersonalView):
    """A merge of two persons, standing or taken back."""

    merge_id: UUID
    version: int
    duplicate_person_id: UUID = Field(description="The id that became an alias.")
    canonical_person_id: UUID
    reason: MergeReason
    evidence_types: list[Annotated[str, Field(examples=["police_certificate"])]]
    attachment_ids: list[UUID] = Field(description="The papers that were handed in as files.")
    merged_on: date
    unmerged_on: date | None = Field(description="Day it was taken back; null while it stands.")
    unmerge_reason: UnmergeReason | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: MergeRecord, sight: Sight) -> Self:
        """The merge as `sight` shows it; of the papers only the kinds."""
        papers = (*record.evidence, *record.unmerge_evidence)
        whole = cls(
            merge_id=record.merge_id,
            version=record.version,
            duplicate_person_id=record.person_id,
            canonical_person_id=record.canonical_person_id,
            reason=record.reason,
            evidence_types=[item.type for item in papers],
            attachment_ids=[attachment_id for _, attachment_id in attachments_in(papers)],
            merged_on=record.merged_on,
            unmerged_on=record.unmerged_on,
            unmerge_reason=record.unmerge_reason,
            created_at=record.created_at,
            updated_at=record.updated_at,
        )
        return sight.show(whole)


class ConflictKind(StrEnum):
    """Of what a human has one at most."""

    RESIDENCE_REGISTRATION = "residence_registration"
    RESIDENCE_PERMIT = "residence_permit"
    STAY = "stay"
    EMPLOYMENT = "employment"
    """open with one employer"""
    HISTORICAL_PERMIT = "historical_permit"
    """the same paper, recorded twice"""
    RELATIONSHIP = "relationship"
    """the same to the same person"""
    CITIZEN_NUMBER = "citizen_number"
    """two officers say which is the human's"""


class ConflictStatus(StrEnum):
    """Whether the human still has two."""

    OPEN = "open"
    SETTLED = "settled"


class ConflictView(View):
    """Two things of which one human has one at most, found by a merge. Nothing is chosen: an officer ends one of them, or has
    the merge taken back.
    """

    conflict_id: UUID
    merge_id: UUID
    kind: ConflictKind
    status: ConflictStatus = Field(description="`settled` once one of the two has ended or the merge is taken back.")
    person_id: UUID = Field(description="The canonical person.")
    duplicate_person_id: UUID
    thing_ids: list[UUID] = Field(
        description="The two registrations, permits, stays and so on, of numbers the documents; the canonical person's first."
    )
    opened_on: date
    created_at: datetime
