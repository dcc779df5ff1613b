"""Relationships between two persons: `related_person_id` is the `kind` of `person_id`."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.fields import PersonalView, Sight
from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command
from services.registry.schemas.evidence import Evidence, attachments_in


class RelationshipKind(StrEnum):
    """What `related_person_id` is to `person_id`."""

    PARENT = "parent"
    GUARDIAN = "guardian"
    SPOUSE = "spouse"
    SIBLING = "sibling"


SYMMETRIC_KINDS = (RelationshipKind.SPOUSE, RelationshipKind.SIBLING)


class RelationshipEndReason(StrEnum):
    """Why a relationship ended."""

    DIVORCE = "divorce"
    DEATH = "death"
    GUARDIANSHIP_ENDED = "guardianship_ended"
    RECORDED_IN_ERROR = "recorded_in_error"
    OTHER = "other"


class RelationshipRegistration(Command):
    """A relationship to be registered. Example: `person_id` a child, `kind` parent, `related_person_id` the mother."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "person_id": "019ab0c2-1111-7000-8000-000000000001",
                    "related_person_id": "019ab0c2-1111-7000-8000-000000000002",
                    "kind": "parent",
                    "valid_from": "2018-03-01",
                    "evidence": [{"type": "birth_certificate"}],
                }
            ]
        }
    )

    person_id: UUID = Field(description="Whose relationship it is, e.g. the child.")
    related_person_id: UUID = Field(description="The other person, e.g. the parent.")
    kind: RelationshipKind = Field(description="What the other person is to this one.")
    valid_from: date = Field(description="Day from which it holds; not in the future.")
    evidence: list[Evidence] = Field(default_factory=list, max_length=20)


class RelationshipEnd(Command):
    """The end of a relationship."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ended_on": "2026-06-01", "reason": "divorce"}]})

    ended_on: date | None = Field(None, description="First day on which it no longer holds; today when left out.")
    reason: RelationshipEndReason


class RelationshipRecord(VersionedRecord):
    """The full state of a relationship. Never leaves the service."""

    relationship_id: UUID
    person_id: UUID
    related_person_id: UUID
    kind: RelationshipKind
    valid_from: date
    ended_on: date | None
    end_reason: RelationshipEndReason | None
    evidence: tuple[Evidence, ...]


class RelationshipView(PersonalView):
    """A relationship."""

    relationship_id: UUID
    version: int
    person_id: UUID
    related_person_id: UUID
    kind: RelationshipKind | None = Field(description="What `related_person_id` is to `person_id`.")
    valid_from: date
    ended_on: date | None
    end_reason: RelationshipEndReason | None
    evidence_types: list[Annotated[str, Field(examples=["birth_certificate"])]]
    attachment_ids: list[UUID] = Field(description="The papers that were handed in as files.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: RelationshipRecord, sight: Sight) -> Self:
        """The relationship as `sight` shows it; of the evidence only the kinds."""
        whole = cls(
            relationship_id=record.relationship_id,
            version=record.version,
            person_id=record.person_id,
            related_person_id=record.related_person_id,
            kind=record.kind,
            valid_from=record.valid_from,
            ended_on=record.ended_on,
            end_reason=record.end_reason,
            evidence_types=[item.type for item in record.evidence],
            attachment_ids=[attachment_id for _, attachment_id in attachments_in(record.evidence)],
            created_at=record.created_at,
            updated_at=record.updated_at,
        )
        return sight.show(whole)
