"""Visits as coordinators hand them in, one day's work at a time, and what became of each."""

from datetime import date, datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.fields import PersonalView, Sight
from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, Notice, View
from services.registry.rules.field_work.visits import VisitConflictDecision, VisitConflictKind, VisitOutcome, VisitSubject
from services.registry.schemas.homes.stays import Instant
from services.registry.schemas.registrations import Address, DivisionCode

VISITS_MAX = 500


class VisitEntry(Command):
    """A visit under an id that the client made: sent again, it is the same visit."""

    visit_id: UUID = Field(description="Made by the client (UUIDv7).", examples=["019ab0c2-1111-7000-8000-000000000031"])
    subject: VisitSubject
    outcome: VisitOutcome
    visited_at: Instant
    division_code: DivisionCode
    person_id: UUID | None = None
    premises_id: UUID | None = None
    seen_version: int | None = Field(
        None, ge=1, le=1_000_000_000, description="Version of the registration (of a home: the premises) on the device."
    )
    data_matches: bool | None = Field(None, description="Key data agree; told when a person is met as registered.")
    found_address: Address | None = Field(None, description="Where, when it is not as registered; kept encrypted.")


class VisitBatch(Command):
    """A coordinator's visits, from however long offline. Each is taken or refused by itself."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "visits": [
                        {
                            "visit_id": "019ab0c2-1111-7000-8000-000000000031",
                            "subject": "home",
                            "outcome": "found_not_registered",
                            "visited_at": "2026-11-20T10:00:00+08:00",
                            "division_code": "330282107",
                            "found_address": "陈家村东路14号",
                        }
                    ]
                }
            ]
        }
    )

    visits: list[VisitEntry] = Field(min_length=1, max_length=VISITS_MAX)


class VisitResult(StrEnum):
    """What became of a visit."""

    STORED = "stored"
    REPEATED = "repeated"
    """it is here already, the same; nothing changed"""
    REFUSED = "refused"


class VisitRecord(View):
    """A visit as the store keeps it."""

    visit_id: UUID
    division_code: str
    coordinator: str
    subject: VisitSubject
    outcome: VisitOutcome
    person_id: UUID | None
    premises_id: UUID | None
    visited_at: datetime
    visited_on: date
    seen_version: int | None
    was_registered: bool
    data_matches: bool | None
    found_address: str | None = Field(repr=False)
    set_aside: bool
    recorded_at: datetime


class VisitView(PersonalView):
    """A visit."""

    visit_id: UUID
    division_code: str
    coordinator: str
    subject: VisitSubject
    outcome: VisitOutcome
    person_id: UUID | None
    premises_id: UUID | None
    visited_at: datetime
    visited_on: date
    seen_version: int | None
    was_registered: bool = Field(description="What the register said for that day when the visit came in.")
    data_matches: bool | None
    found_address: str | None
    set_aside: bool = Field(description="An officer decided that it does not count.")
    recorded_at: datetime

    @classmethod
    def of(cls, record: VisitRecord, sight: Sight) -> Self:
        """The visit as `sight` shows it."""
        return sight.show(cls(**record.__dict__))


class VisitConflictRecord(VersionedRecord):
    """Where a visit disagrees with the register or with another visit."""

    visit_conflict_id: UUID
    division_code: str
    visit_id: UUID
    other_visit_id: UUID | None
    kind: VisitConflictKind
    seen_version: int | None
    current_version: int | None
    decision: VisitConflictDecision | None
    decided_on: date | None


class VisitConflictView(View):
    """A conflict; open while there is no decision. Meanwhile none of its visits counts in any rate."""

    visit_conflict_id: UUID
    version: int
    division_code: str
    visit_id: UUID
    other_visit_id: UUID | None
    kind: VisitConflictKind
    seen_version: int | None
    current_version: int | None = Field(description="The register's version when the visit came in.")
    decision: VisitConflictDecision | None
    decided_on: date | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: VisitConflictRecord) -> Self:
        """The conflict."""
        return cls(**record.__dict__)


class PastVisitConflictView(View):
    """A conflict as of one version."""

    division_code: str
    visit_id: UUID
    other_visit_id: UUID | None
    kind: VisitConflictKind
    seen_version: int | None
    current_version: int | None
    decision: VisitConflictDecision | None
    decided_on: date | None

    @classmethod
    def of(cls, record: VisitConflictRecord) -> Self:
        """A remembered state."""
        return cls.model_validate(record.__dict__)


class ConflictSettlement(Command):
    """An officer's decision: which visit counts. Neither changes the register; that is done as always, if it is right."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"decision": "visit_counts"}]})

    decision: VisitConflictDecision


class VisitResultView(View):
    """What became of one visit of a batch."""

    visit_id: UUID
    result: VisitResult
    conflicts: list[VisitConflictView]
    reasons: list[Notice]


class VisitBatchView(View):
    """What became of a batch, in its order."""

    stored: int
    repeated: int
    refused: int
    results: list[VisitResultView]
