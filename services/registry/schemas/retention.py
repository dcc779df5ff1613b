"""Reviews of what is still kept past its purpose, at the edge. Ids, classes and days: who a person is, is not told here."""

from datetime import date, datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, View
from services.registry.rules.retention import ReviewedClass
from services.registry.schemas.permit_views import ReasonView


class ReviewStatus(StrEnum):
    """What became of a record whose retention is over."""

    DUE = "due"
    KEPT = "kept"
    DELETED = "deleted"
    RETURNED = "returned"
    """the person is held by a division again, or known by another id; the landlord lets again"""


class ReviewRecord(VersionedRecord):
    """The full state of a review."""

    review_id: UUID
    retention_class: ReviewedClass
    subject_id: UUID
    person_id: UUID | None
    division_code: str
    ended_on: date
    due_on: date
    status: ReviewStatus
    reason_code: str | None
    keep_until: date | None
    decided_on: date | None


class ReviewView(View):
    """A record due for deletion, or what was decided about it."""

    review_id: UUID
    version: int
    retention_class: ReviewedClass = Field(
        description="What is reviewed: somebody on the register, or a thing that tells of persons."
    )
    subject_id: UUID = Field(description="Id of the person, landlord, home or employer.")
    person_id: UUID | None = Field(description="The same, where it is a person.")
    division_code: str
    ended_on: date = Field(description="When the last division let go of the person, or nothing was let or run any more.")
    due_on: date = Field(description="From when on it is due for review.")
    status: ReviewStatus
    reason: ReasonView | None = Field(description="Why it is kept, with the article.")
    keep_until: date | None = Field(description="When it is due again.")
    decided_on: date | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: ReviewRecord, reason: ReasonView | None) -> Self:
        """The review, with its reason spelled out."""
        return cls(**record.__dict__, reason=reason)


class PastReviewView(View):
    """A review as of one version."""

    status: ReviewStatus
    due_on: date
    reason_code: str | None
    keep_until: date | None
    decided_on: date | None

    @classmethod
    def of(cls, record: ReviewRecord) -> Self:
        """A remembered state."""
        return cls.model_validate(record.__dict__)


class ReviewKeeping(Command):
    """The record is kept, for a reason and until a day on which it is due again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason_code": "archive", "keep_until": "2027-06-01"}]})

    reason_code: str = Field(pattern="^[a-z_]{1,40}$", description="A code of `keep_reasons` in `parameters/retention.toml`.")
    keep_until: date = Field(description="After today, and by no more than the months the city has set.")
